#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the file system inside does not use is freed, and nothing else.
# shellcheck source=lib.sh
. "$INSITU_TESTS/cli/lib.sh" || exit 1
PATH=$PATH:/usr/sbin:/sbin

# expected RAW BLOCK_SIZE [AT]: RAW with the blocks of 4096 bytes zeroed that lie as a whole in what
# dumpe2fs calls free.
cat >expected.py <<'E2'
import re, subprocess, sys
raw, size, at = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
text = subprocess.run(["dumpe2fs", sys.argv[4]], capture_output=True, text=True).stdout
# With bigalloc a range ends with the first block of its last cluster.
cluster = re.search(r"^Cluster size: +([0-9]+)", text, re.M)
ratio = int(cluster.group(1)) // size if cluster else 1
free = set()
for line in re.findall(r"^  Free blocks: (.*)$", text, re.M):
    for part in line.split(","):
        if not part.strip():
            continue
        first, _, last = part.strip().partition("-")
        free.update(range(int(first), int(last or first) + ratio))
data = bytearray(open(raw, "rb").read())
for block in range(len(data) // 4096):
    start, end = block * 4096 - at, block * 4096 - at + 4096
    if start >= 0 and all(b in free for b in range(start // size, (end + size - 1) // size)):
        data[block * 4096 : block * 4096 + 4096] = bytes(4096)
sys.stdout.buffer.write(data)
E2
expected() { python3 expected.py "$1" "$2" "${3:-0}" "${4:-$1}" >wanted; }

mkdir tree
content tree/kept 700000
content tree/gone 3000000
for i in 1 2 3 4 5 6 7 8 9; do content "tree/small$i" 60000; done
# make RAW BLOCK_SIZE OPTIONS...: a file system of which files were deleted, so that unused blocks hold
# old content.
make() {
  local raw=$1 size=$2 i
  shift 2
  rm -f "$raw"
  truncate -s 24M "$raw"
  mke2fs -q -F -b "$size" -d tree "$@" "$raw" 2>/dev/null || fail "mke2fs $*"
  for i in gone small2 small3 small7; do debugfs -w -R "rm $i" "$raw" >/dev/null 2>&1; done
  e2fsck -fn "$raw" >/dev/null 2>&1 || fail "not a sound file system: $*"
}

kinds=("4096 -t ext4" "4096 -t ext2" "4096 -t ext3" "1024 -t ext4" "2048 -t ext2"
  "4096 -t ext4 -O bigalloc -C 16384" "1024 -t ext4 -O bigalloc,^resize_inode -C 8192"
  "4096 -t ext4 -O ^metadata_csum,uninit_bg" "1024 -t ext4 -O meta_bg,^resize_inode -g 2048"
  "4096 -t ext4 -O ^64bit,^flex_bg -g 1024")
for kind in "${kinds[@]}"; do
  # shellcheck disable=SC2086
  make raw $kind
  [ "$kind" = "4096 -t ext4" ] && algs="lzo deflate" || algs=lzo
  for alg in $algs; do
    run 0 insitu-pack -q --alg $alg raw a.img
    before=$(insitu-stat --json a.img 2>/dev/null | jq .mapped_bytes)
    sum=$(sha a.img)
    run 0 insitu-trim --dry-run --json a.img
    would=$(jq .freed_bytes out)
    check "$kind: a dry run changes nothing" [ "$(sha a.img)" = "$sum" ]
    run 0 insitu-trim --json a.img
    check "$kind: as the dry run said" [ "$(jq .freed_bytes out)" = "$would" ]
    check "$kind: something is freed" [ "$would" -gt 1000000 ]
    after=$(insitu-stat --json a.img 2>/dev/null | jq .mapped_bytes)
    check "$kind: mapped by as much less" [ $((before - after)) = "$would" ]
    check "$kind: space of the host, too" [ "$(jq '.allocated_bytes_before - .allocated_bytes_after' out)" -gt 500000 ]
    run 0 insitu-fsck -n a.img
    run 0 insitu-unpack -q a.img back
    expected raw "${kind%% *}"
    check "$kind, $alg: what is used stays, what is not is zeros" cmp -n 25165824 back wanted
    check "$kind: e2fsck finds nothing" e2fsck -fn back
    run 0 insitu-trim --json a.img
    check "$kind: a second run has nothing to do" [ "$(jq .freed_bytes out)" = 0 ]
  done
done

# Full of what does not compress: no hole at first.
make raw 4096 -t ext4
python3 - <<'E2'
import random
data = bytearray(open("raw", "rb").read())
for at in range(0, len(data), 4096):
    if not any(data[at : at + 4096]):
        data[at : at + 4096] = random.Random(at).randbytes(4096)
open("full", "wb").write(data)
E2
if e2fsck -fn full >/dev/null 2>&1; then
  run 0 insitu-pack -q full f.img
  run 0 insitu-trim f.img
  run 0 insitu-unpack -q f.img back
  expected full 4096
  check "a full image" cmp -n 25165824 back wanted
fi

# Behind something else, and on a device.
{ head -c 1048576 /dev/urandom; cat raw; head -c 5000 /dev/urandom; } >disk
run 0 insitu-pack -q disk d.img
run 1 insitu-trim d.img
says err "no ext2, ext3 or ext4 file system is found at byte 0"
says err "--offset"
run 1 insitu-trim --offset 1G d.img
says err "d.img: has no byte 1073741824"
truncate -s "$(stat -c %s d.img)" device
loop device
run 0 insitu-pack -q disk "$loop"
run 0 insitu-trim --offset 1M "$loop"
run 0 insitu-unpack -q --length "$(stat -c %s disk)" "$loop" back
expected disk 4096 1048576 raw
check "what is not of the file system stays" cmp back wanted

# Who is not to be believed: nothing is changed.
unchanged() { check "$1: nothing is changed" [ "$(sha b.img)" = "$sum" ]; }
refused() { # refused WORDS...: what bad holds is not trimmed
  run 0 insitu-pack -q bad b.img
  sum=$(sha b.img)
  run 1 insitu-trim b.img
  says err "$1"
  unchanged "$1"
}
cp raw bad
debugfs -w -R "feature needs_recovery" bad >/dev/null 2>&1
refused "journal waits to be replayed"
cp raw bad
debugfs -w -R "ssv state 0" bad >/dev/null 2>&1
refused "was not unmounted cleanly"
cp raw bad
debugfs -w -R "ssv state 3" bad >/dev/null 2>&1
refused "has errors"
head -c 20M raw >bad
refused "file system inside has 25165824 bytes"
head -c 1M raw >bad
refused "file system inside has"
# flip FILE BLOCK...: the bits of these blocks in the bitmap of group 0.
flip() {
  python3 - "$@" <<'E2'
import re, subprocess, sys
name = sys.argv[1]
text = subprocess.run(["dumpe2fs", name], capture_output=True, text=True).stdout
at = int(re.search(r"Block bitmap at (\d+)", text).group(1)) * 4096
data = bytearray(open(name, "rb").read())
for block in map(int, sys.argv[2:]):
    data[at + block // 8] ^= 1 << block % 8
open(name, "wb").write(data)
E2
}
table=$(dumpe2fs raw 2>/dev/null | sed -nE 's/.*Inode table at ([0-9]+)-.*/\1/p' | head -n1)
cp raw bad
flip bad "$table"
refused "checksum"
make plain 4096 -t ext4 -O ^metadata_csum,^uninit_bg
table=$(dumpe2fs plain 2>/dev/null | sed -nE 's/.*Inode table at ([0-9]+)-.*/\1/p' | head -n1)
free=$(dumpe2fs plain 2>/dev/null | sed -nE 's/^  Free blocks: ([0-9]+).*/\1/p' | head -n1)
cp plain bad
flip bad "$free"
refused "free clusters, its descriptor says"
cp plain bad
flip bad "$table" "$free"
refused "in the inode table of group 0"
cp plain bad
debugfs -w -R "ssv free_blocks_count 77" bad >/dev/null 2>&1
refused "its super block says 77"
cp plain bad
debugfs -w -R "ssv blocks_per_group 0" bad >/dev/null 2>&1
run 0 insitu-pack -q bad b.img
run 1 insitu-trim b.img
mkfs.xfs -q -f -s size=4096 -b size=4096 -d file,name=bad,size=320m 2>/dev/null &&
  refused "no ext2, ext3 or ext4"
run 1 insitu-trim raw
says err "not an insitu image: ext4"
run 1 insitu-trim missing
run 2 insitu-trim
run 2 insitu-trim --offset 0 --unused list b.img

# Lists.
run 0 insitu-pack -q raw b.img
sum=$(sha b.img)
list() { printf '%s\n' "$@" >list; }
list "0 10" "4096 x"
run 1 insitu-trim --unused list b.img
says err "line 2: expected a start and a length in bytes"
list "# nothing" "" "0 1 2"
run 1 insitu-trim --unused list b.img
says err "line 3"
list "0 4096" "25165824 1"
run 1 insitu-trim --unused list b.img
says err "line 2: 1 bytes at 25165824 reach beyond the end"
list "18446744073709551615 18446744073709551615"
run 1 insitu-trim --unused list b.img
run 1 insitu-trim --unused missing b.img
unchanged "a wrong list"
: >list
run 0 insitu-trim --json --unused list b.img
check "an empty list" [ "$(jq .unused_bytes out)" = 0 ]
# Out of order, touching inside a block, over each other, less than a block.
list "20480 8192" "  4097 4095 # the end of one" "8192 2000" "10192 2096" "24576 4096" "40960 4095"
run 0 insitu-trim --json --unused list b.img
check "whole blocks of the list" [ "$(jq .unused_bytes out)" = 12288 ]
run 0 insitu-unpack -q b.img back
python3 - <<'E2'
data = bytearray(open("raw", "rb").read())
data[8192:12288] = bytes(4096)
data[20480:28672] = bytes(8192)
open("wanted", "wb").write(data)
E2
check "by the list" cmp -n 25165824 back wanted

# In use.
run 0 insitu-pack -q raw b.img
sum=$(sha b.img)
exec 9<>b.img
python3 - <<'E2'
import fcntl, struct
fcntl.fcntl(9, 37, struct.pack("hhqqi", fcntl.F_WRLCK, 0, 0, 0, 0))  # F_OFD_SETLK: outlives this process
E2
run 1 insitu-trim b.img
exec 9>&-
unchanged "in use"
