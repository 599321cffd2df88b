#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Compressed files and Android sparse images as sources.
# shellcheck source=lib.sh
. "$INSITU_TESTS/cli/lib.sh" || exit 1
simg() { python3 "$INSITU_TESTS/cli/make_simg.py" "$@"; }

content raw 8388608
run 0 insitu-pack -q raw raw.img
sum=$(sha raw)
compress() { # FORMAT: standard input to standard output
  case $1 in
    gz) gzip -1c ;;
    xz) xz -0c ;;
    zst) zstd -qc ;;
    bz2) bzip2 -c ;;
  esac
}
for format in gz xz zst bz2; do
  compress $format <raw >"raw.$format"
  run 0 insitu-pack -q --from $format --expect-sha256 "$sum" "raw.$format" a.img
  check "$format: the same image" cmp raw.img a.img
  run 0 insitu-pack -q --from auto --verify --manifest m.json "raw.$format" a.img
  check "$format: by its magic" cmp raw.img a.img
  # A name that begins like an option, and one that says something else.
  cp "raw.$format" ./-x.gz
  run 0 insitu-pack -q --from auto -- -x.gz a.img
  check "$format: by its magic, whatever its name" cmp raw.img a.img
  run 1 insitu-pack "raw.$format" x.img
  says err "--from auto reads it; or set -o pipefail"

  # Two members, one after the other.
  { head -c 3000000 raw | compress $format; tail -c +3000001 raw | compress $format; } >two
  run 0 insitu-pack -q --from auto two a.img
  check "$format: two members" cmp raw.img a.img

  # To more room, less room, a measurement, a device.
  run 0 insitu-pack -q --from auto --size 20M "raw.$format" a.img
  run 0 insitu-pack -q --size 20M raw b.img
  check "$format: more room" cmp a.img b.img
  run 1 insitu-pack -q --from auto --size 4M "raw.$format" x.img
  says err "--size"
  run 0 insitu-pack --measure --json --from auto "raw.$format"
  check "$format: measured" [ "$(jq .source_bytes out)" = 8388608 ]
  cp raw.img u.img
  run 0 insitu-pack -q --update --from auto "raw.$format" u.img
  check "$format: an update" cmp raw.img u.img

  # From a pipe: the format has to be named.
  run 0 bash -c "cat raw.$format | insitu-pack -q --from $format - a.img"
  check "$format: a stream" cmp raw.img a.img
  run 0 bash -c "cat raw.$format | insitu-pack -q --from $format --size 8388608 - a.img"
  check "$format: a stream of known size" cmp raw.img a.img
  run 1 bash -c "cat raw.$format | insitu-pack -q --from auto - x.img"
  says err "has to be named"
  run 1 bash -c "head -c 100000 raw.$format | insitu-pack -q --from $format --size 8388608 - x.img"
  says err "cannot be decoded"

  # Cut off, more than itself, a flipped bit, of nothing, no such thing.
  size=$(stat -c %s "raw.$format")
  head -c $((size / 2)) "raw.$format" >torn
  run 1 insitu-pack -q --from $format torn x.img
  says err "torn: cannot be decoded: "
  run 1 insitu-pack -q --from $format --size 8388608 torn x.img
  says err "torn: cannot be decoded: "
  { cat "raw.$format"; echo garbage; } >longer
  run 1 insitu-pack -q --from $format longer x.img
  says err "longer: cannot be decoded: "
  cp "raw.$format" flipped
  printf '\xa5\x5a' | dd of=flipped bs=1 seek=$((size / 3)) conv=notrunc status=none
  run 1 insitu-pack -q --from $format flipped x.img
  says err "flipped: "
  : >nothing
  run 1 insitu-pack -q --from $format nothing x.img
  compress $format </dev/null >empty
  run 1 insitu-pack -q --from $format empty x.img
  says err "empty"
  run 0 insitu-pack -q --from $format --allow-empty --size 1M empty a.img
  run 1 insitu-pack -q --from $format raw x.img
  says err "cannot be decoded"
  run 1 insitu-pack -q --from $format missing x.img

  # What is inside is no raw image.
  qemu-img convert -q -f raw -O qcow2 raw disk
  compress $format <disk >disk.z
  run 1 insitu-pack -q --from auto disk.z x.img
  says err "holds no raw image but this, compressed: qcow2"
done
gzip -c raw >named.xz
run 1 insitu-pack -q --from xz named.xz x.img
says err "is gz, not xz"

# What a container claims is compared with what it holds: the size in the header of a zstd frame.
zstd -q --no-check -f raw -o claims.zst
check "a header with a size in 4 bytes" [ "$(od -An -tx1 -N6 claims.zst | tr -d ' ')" = 28b52ffd8058 ]
for claim in 0x7fffff 0x800001 0x800800 0xfffffff0 0; do
  cp claims.zst lie.zst
  python3 -c '
import sys
with open("lie.zst", "r+b") as file:
    file.seek(6)
    file.write(int(sys.argv[1], 0).to_bytes(4, "little"))' "$claim"
  run 1 insitu-pack -q --from zst lie.zst x.img
  says err "lie.zst: "
done
# Without a size it is stored first, or has to fit the one that is given.
zstd -q <raw >unsized.zst
run 0 insitu-pack -q --from zst unsized.zst a.img
check "a frame without a size" cmp raw.img a.img
run 1 insitu-pack -q --from zst --size 4M unsized.zst x.img
says err "continues after the 4194304 bytes"
# Skippable frames before, between, after.
{ printf '\x50\x2a\x4d\x18\x04\x00\x00\x00abcd'; cat raw.zst; printf '\x5f\x2a\x4d\x18\x00\x00\x00\x00'; } >skip.zst
run 0 insitu-pack -q --from zst skip.zst a.img
check "skippable frames" cmp raw.img a.img

# The decoder: not installed, killed, one that says more than it should, stopped with the tool.
mkdir bin
run 1 env PATH="$INSITU_TOOLS" "$INSITU_TOOLS/insitu-pack" -q --from zst raw.zst x.img
says err "zstd, which decodes it, is not installed"
says err "apt install zstd"
fake() { # COMMANDS: a zstd that does this
  printf '#!/bin/bash\n%s\n' "$1" >bin/zstd
  chmod +x bin/zstd
}
real=$(command -v zstd)
fake "\"$real\" -dcq | head -c 4000000; kill -9 \$\$"
run 1 env PATH="$PWD/bin:$PATH" insitu-pack -q --from zst raw.zst x.img
says err "zstd was ended by signal 9"
fake "\"$real\" -dcq | head -c 4000000"
run 1 env PATH="$PWD/bin:$PATH" insitu-pack -q --from zst claims.zst x.img
says err "holds 4000000 bytes, it says that it has 8388608"
fake "\"$real\" -dcq; echo one more"
run 1 env PATH="$PWD/bin:$PATH" insitu-pack -q --from zst claims.zst x.img
says err "holds more than the 8388608 bytes that it says"
fake "\"$real\" -dcq; exit 3"
run 1 env PATH="$PWD/bin:$PATH" insitu-pack -q --from zst unsized.zst x.img
says err "zstd ended with status 3"
fake 'head -c 1000000 /dev/zero; sleep 77.5'
env PATH="$PWD/bin:$PATH" insitu-pack -q --from zst raw.zst x.img 2>err &
sleep 0.5
kill -TERM $!
wait $!
check "stopped by its signal" [ $? = 143 ]
check "its decoder is gone" [ -z "$(pgrep -f 'sleep 77[.]5')" ]

# Android sparse images.
head -c 1048576 raw >part
{ cat part; yes ABCD | tr -d '\n' | head -c 8192; truncate -s 409600 z && cat z part z; } >flat
simg a.simg raw:part fill:2:0x44434241 hole:50 fill:50:0 raw:part hole:50 sum:right
truncate -s 0 z
{ cat part; yes ABCD | tr -d '\n' | head -c 8192; head -c 409600 /dev/zero; cat part; head -c 204800 /dev/zero; } >flat
run 0 insitu-pack -q --from auto a.simg a.img
run 0 insitu-pack -q flat b.img
check "simg: the same as its content" cmp a.img b.img
cp a.img parts.img
run 0 insitu-pack -q --verify --from simg -j 3 a.simg a.img
check "simg: named" cmp a.img b.img
run 1 insitu-pack -q a.simg x.img
says err "--from auto reads it; or simg2img"
# Cut off before its magic ends: no raw disk.
printf '\x28\xb5\x2f' >cut.Zst
run 1 insitu-pack -q --from auto cut.Zst a.img
says err "does not begin as such a file"
run 0 insitu-pack -q cut.Zst a.img
simg big.simg raw:part hole:200000000 raw:part
check "simg: holes are skipped" timeout 20 insitu-pack -q --from auto big.simg big.img
if command -v img2simg >/dev/null; then
  truncate -s 8388608 raw && img2simg raw b.simg && run 0 insitu-pack -q --from auto b.simg a.img
  check "simg: made by img2simg" cmp raw.img a.img
fi
# Checksums: of the format (holes are zeros) and as libsparse writes them (holes are left out).
chunks=(raw:part fill:2:0x44434241 sum:right hole:50 fill:50:0 raw:part hole:50)
for sums in sum:right sum:libsparse "checksum=right" "checksum=right sum:libsparse"; do
  read -ra words <<<"$sums"
  simg s.simg "${chunks[@]}" "${words[@]}"
  run 0 insitu-pack -q --from simg s.simg b.img
  check "simg: $sums" cmp parts.img b.img
done
refused() { # TEXT ARGUMENTS...
  local text=$1
  shift
  simg bad.simg "$@"
  run 1 insitu-pack -q --from simg bad.simg x.img
  says err "bad.simg: "
  says err "$text"
}
part_sum=$(python3 -c 'import sys, zlib; print("%08x" % zlib.crc32(sys.stdin.buffer.read()))' <part)
refused "byte 1048616: cannot be read as an Android sparse image: the content before chunk 1 has the CRC-32 $part_sum, 00001234 was expected" raw:part sum:0x1234
refused "byte 24: cannot be read as an Android sparse image: the content has the CRC-32 $part_sum, 00000001 was expected" checksum=1 raw:part
refused "the content before chunk 2 has" raw:part sum:right sum:0
refused "the content before chunk 3 has" hole:1 raw:part sum:libsparse sum:5
simg bad.simg hole:2 raw:part fill:3:7 hole:1 sum:right
for at in 60000 1048641; do # of the raw chunk, and of the value that fills
  cp bad.simg flipped.simg
  printf '\377' | dd of=flipped.simg bs=1 seek=$at conv=notrunc status=none
  run 1 insitu-pack -q --from simg flipped.simg x.img
  says err "the content before chunk 4 has the CRC-32"
done
# Many zeros take no time. The sum is that of 819,200,000,000 of them.
simg zeros.simg hole:200000000 sum:0xe5ec7d49
check "simg: the sum of a large hole" timeout 20 insitu-pack -q --measure --from simg zeros.simg
refused "the content before chunk 1 has" hole:200000000 sum:0x1
head -c 512 part >small
simg c.simg block=512 raw:small hole:7 raw:part && cat small >flat && head -c 3584 /dev/zero >>flat && cat part >>flat
run 0 insitu-pack -q --from simg c.simg a.img
run 0 insitu-pack -q flat b.img
check "simg: small blocks" cmp a.img b.img
simg none.simg
run 1 insitu-pack -q --from simg none.simg x.img
says err "has 0 bytes"
refused "its version is 2" version=2 hole:1
refused "headers are shorter" header=20 hole:1
refused "headers are shorter" chunk_header=4 hole:1
refused "its blocks have 0 bytes" block=0 blocks=5
refused "its blocks have 4098 bytes" block=4098 hole:5
refused "goes beyond the 3 blocks" blocks=3 hole:4
refused "says that it has 5 blocks, its chunks have 4" blocks=5 hole:4
refused "it ends before chunk 1" chunks=2 hole:4
refused "unknown type 0xcac9" hole:4 0xcac9
refused "chunk 0 has 4294967295 bytes, 1048588 were expected" total=0xffffffff raw:part
refused "chunk 1 has 13 bytes, 12 were expected" hole:1 total=13 hole:1
simg a.simg raw:part
head -c 500000 a.simg >bad.simg
run 1 insitu-pack -q --from simg bad.simg x.img
says err "it ends within chunk 0 of 1"
head -c 20 a.simg >bad.simg
run 1 insitu-pack -q --from simg bad.simg x.img
says err "too short for a header"
{ cat a.simg; echo more; } >bad.simg
run 1 insitu-pack -q --from simg bad.simg x.img
says err "5 bytes follow its last chunk"
run 1 insitu-pack -q --from simg raw x.img
says err "has not the magic"
run 1 bash -c "insitu-pack -q --from simg - x.img <a.simg"
says err "reads files, no streams"

check "no image is left" [ ! -e x.img ]
