#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Which undo logs insitu-fsck believes, what it does with others, and what it leaves if it fails.
# shellcheck source=../cli/lib.sh
. "$INSITU_TESTS/cli/lib.sh"

content raw 2097152
run 0 insitu-pack -q raw good.img
good=$(sha good.img)
size=$(stat -c %s good.img)

# forge FILE STATE SIZE AFTER: a log of one record that replaces the magic, with all checksums right.
forge() {
  /usr/bin/python3 - "$@" <<'PYTHON'
import struct, sys, xxhash
path, state, size, after = sys.argv[1], *map(int, sys.argv[2:])
hash = xxhash.xxh3_64_intdigest
old, new = struct.pack("<Q", 0x106526c206506c09), b"NOT OURS"
record = struct.pack("<QQ", 0, len(old)) + old + new
record += struct.pack("<Q", hash(record))
head = b"insitu-undo-log\n" + struct.pack(
    "<IIQQQQQQQ", 1, state, 3, size, after, 0, 0, len(record), hash(record))
head = head.ljust(504, b"\0")
with open(path, "wb") as log:
    log.write(head + struct.pack("<Q", hash(head)) + bytes(512) + record)
PYTHON
}
if ! /usr/bin/python3 -c 'import xxhash' 2>/dev/null; then
  fail "python3-xxhash is missing (tests/packages.txt)"
  exit 1
fi

# A log that names the image by nothing but its size is not completed, whoever owns it.
log=good.img.insitu-undo
for state in 2 4; do
  forge $log $state "$size" "$size"
  run 0 insitu-fsck -p good.img
  says err "is the log of another image"
  check "the image of a forged log is left alone" test "$(sha good.img)" = "$good" -a -e $log
done
forge $log 2 "$size" 4096
run 0 insitu-fsck -y good.img
check "no completion cuts a file" test "$(sha good.img)" = "$good"
rm $log

# What is no log is no reason to fail.
seq 2000 >$log
run 0 insitu-fsck -p good.img
says err "is not an undo log"
rm $log
ln -s raw $log
run 0 insitu-fsck -p good.img
says err "is a symbolic link"
check "what the link leads to is as it was" test "$(stat -c %s raw)" = 2097152
rm $log
mkfifo $log
run 0 timeout 20 insitu-fsck -p good.img
says err "is not a regular file"
rm $log

# Owner, mode and directory.
forge $log 2 "$size" "$size"
chmod 666 $log
run 0 insitu-fsck good.img
says err "the file can be written by others"
chmod 600 $log
mkdir -m 700 open
mv good.img $log open
chmod 777 open
run 0 insitu-fsck open/good.img
says err "its directory can be written by others"
chmod 1777 open
run 0 insitu-fsck -p open/good.img
says err "is the log of another image"
if [ "$(id -u)" = 0 ]; then
  chown 65534 open/$log
  run 0 insitu-fsck -p open/good.img
  says err "belongs to user 65534"
  run 8 insitu-fsck undo open/good.img open/$log
  says err "belongs to user 65534"
  # Who owns the image may write to it anyway.
  chown 65534 open/good.img
  run 0 insitu-fsck -p open/good.img
  says err "is the log of another image"
fi
mv open/good.img .
rm -r open
chmod 644 good.img

# A repair that is killed while it plans leaves a log that was never sealed: the next run removes it.
cp good.img bad.img
printf '\x0f' | dd of=bad.img bs=1 seek=4096 conv=notrunc status=none
for bytes in 0 100 512 1024; do
  run 1 insitu-fsck -q -y --undo some.log bad.img
  run 0 insitu-fsck undo bad.img some.log
  head -c $bytes /dev/zero >bad.img.insitu-undo
  rm some.log
  run 4 insitu-fsck bad.img
  run 1 insitu-fsck -q -y bad.img
  check "a log of $bytes bytes is no hindrance" test ! -e bad.img.insitu-undo.1
  run 0 insitu-fsck undo bad.img bad.img.insitu-undo
  rm bad.img.insitu-undo
done

# The logs of a repair that fails before it begins, and of one whose reader goes.
cp bad.img again.img
bad=$(sha bad.img)
run 8 insitu-fsck -y --undo missing/log bad.img
says err "cannot create the undo log"
says err "hint: --undo FILE"
check "nothing was changed" test "$(sha bad.img)" = "$bad"
(ulimit -f 0; trap '' XFSZ; exec insitu-fsck -y bad.img) >/dev/null 2>err
check "no room for a log is a failure" test $? -eq 8
check "and leaves none" test ! -e bad.img.insitu-undo -a "$(sha bad.img)" = "$bad"
(insitu-fsck -y bad.img; echo $? >status) 2>err | true
check "a closed pipe does not stop a repair" test "$(cat status)" = 1
silent err
run 0 insitu-fsck bad.img
cp again.img bad.img
insitu-fsck --json -y bad.img 2>err >/dev/full
check "a full disk under the report is told" test $? -eq 9
says err "the repair is done, its report is lost"
run 0 insitu-fsck bad.img
(cd / && insitu-fsck -q -y -o "$work/new.img" "$work/again.img")
check "a copy has no log" test -e new.img -a ! -e new.img.insitu-undo

# Devices: a directory of root's, another one by the environment.
if [ "$(id -u)" = 0 ] && cp again.img dev.img && loop dev.img 2>/dev/null; then
  export INSITU_UNDO_DIR=$work/logs
  name=$INSITU_UNDO_DIR/$(basename "$loop").insitu-undo
  run 4 insitu-fsck -p "$loop"
  check "nothing to repair needs no directory" test ! -e logs
  rm -rf logs
  run 1 insitu-fsck -y "$loop"
  check "the directory is private" test "$(stat -c %a logs)" = 700 -a -e "$name"
  ln -s "$loop" other-name
  run 0 insitu-fsck undo other-name "$name"
  run 4 insitu-fsck other-name
  forge "$name.7" 2 "$size" "$size"
  chown 65534 "$name.7"
  run 1 insitu-fsck -y other-name
  says err "belongs to user 65534"
  check "the next log has the next number" test -e "$name.8"
fi

# Early boot: /var cannot be written, so the log goes to /run; if that cannot be either, the way out
# is named, and it works.
early_boot() { # early_boot DIRECTORIES COMMAND...: with a /var/lib and /run of its own
  local read_only=$1
  shift
  unshare -m sh -ec 'mount -t tmpfs none /var/lib; mount -t tmpfs none /run
    for each in $0; do mount -o remount,ro $each; done
    status=0; "$@" || status=$?
    ls /run/insitu-tools >place 2>/dev/null || :
    exit $status' "$read_only" "$@"
}
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null && cp again.img dev2.img &&
  loop dev2.img 2>/dev/null; then
  unset INSITU_UNDO_DIR
  run 8 early_boot "/var/lib /run" insitu-fsck -y "$loop"
  says err "--undo"
  run 4 insitu-fsck -n "$loop"
  run 1 early_boot "/var/lib /run" insitu-fsck -y --undo here.undo "$loop"
  run 0 insitu-fsck undo "$loop" here.undo
  run 1 early_boot /var/lib insitu-fsck -y "$loop"
  says place "$(basename "$loop").insitu-undo"
  run 0 insitu-fsck -n "$loop"
fi

# Killed while it plans: nothing was written, and nothing stands in the way of the next repair.
content long 33554432
run 0 insitu-pack -q long plan.img
openssl enc -aes-128-ctr -nosalt -K 0f0e0d0c0b0a09080706050403020100 \
  -iv 00000000000000000000000000000000 </dev/zero 2>/dev/null |
  dd of=plan.img bs=4096 seek=1 count=1 iflag=fullblock conv=notrunc status=none
cp plan.img whole.img
before=$(sha plan.img)
killed=0
for delay in 0.01 0.02 0.04 0.08 0.16; do
  insitu-fsck -q -j 1 -y plan.img >out 2>err </dev/null &
  repair=$!
  sleep $delay
  kill -9 $repair 2>/dev/null
  status=0
  wait $repair || status=$?
  # What came to its end or began to write is another matter.
  if [ "$status" != 137 ] || [ "$(sha plan.img)" != "$before" ]; then break; fi
  killed=$((killed + 1))
  run 4 insitu-fsck -q -n plan.img
done
check "it was killed while it planned" test $killed -gt 0
insitu-fsck -q -y plan.img >/dev/null 2>&1
insitu-fsck -q -y whole.img >/dev/null 2>&1
check "the next repair does as if nothing had been" cmp plan.img whole.img
