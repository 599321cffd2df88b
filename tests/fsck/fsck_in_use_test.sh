#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# insitu-fsck meets an image that somebody else uses: it refuses, or says that what it tells may be
# stale. Needs root, for loop devices.
# shellcheck source=../cli/lib.sh
. "$INSITU_TESTS/cli/lib.sh"

content raw 1048576
run 0 insitu-pack -q raw good.img

# hold LOCK FILE: a process that keeps a lock (SH or EX) on a file until `release`.
hold() {
  rm -f held
  python3 - "$1" "$2" <<'PYTHON' &
import fcntl, os, struct, sys, time
fd = os.open(sys.argv[2], os.O_RDWR)
kind = fcntl.F_WRLCK if sys.argv[1] == "EX" else fcntl.F_RDLCK
fcntl.fcntl(fd, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", kind, os.SEEK_SET, 0, 0, 0))
open("held", "w").close()
time.sleep(600)
PYTHON
  holder=$!
  for _ in $(seq 100); do
    [ -e held ] && return
    sleep 0.1
  done
  fail "no lock on $2"
}
release() {
  kill "$holder"
  wait "$holder" 2>/dev/null
}

# A writer has it.
hold EX good.img
run 8 insitu-fsck good.img
says err "another program is writing to it"
says err "hint: wait for it, or read all the same with --force-share"
silent out
run 8 insitu-fsck --meta-only good.img
run 8 insitu-fsck --kernel-safe good.img
run 8 insitu-fsck repair good.img
run 8 insitu-fsck repair --dry-run good.img
run 8 insitu-fsck -p good.img
run 8 insitu-fsck undo good.img good.img.insitu-undo
run 0 insitu-fsck --force-share good.img
says err "results may be stale"
says out "clean"
run 0 insitu-fsck --force-share --json good.img
says err "results may be stale"
run 16 insitu-fsck repair --force-share good.img
says err "a repair needs the image for itself"
run 16 insitu-fsck -y --force-share good.img
release
run 0 insitu-fsck good.img
silent err

# A reader has it: a check is welcome, a repair is not.
hold SH good.img
run 0 insitu-fsck good.img
run 8 insitu-fsck repair good.img
says err "another program has it open"
release
run 0 insitu-fsck repair good.img

# The live device has it.
run 0 nbdkit -U - "$INSITU_BUILD/apps/nbdkit/nbdkit-insitu-plugin.so" "$PWD/good.img" \
  --run "insitu-fsck good.img; test \$? = 8"

# A loop device over it is mounted: its own device and its file are in use.
truncate -s 1M mounted.img
mkfs.ext4 -q -O ^has_journal mounted.img
mkdir mnt
loop mounted.img
run 8 insitu-fsck "$loop"
run 8 insitu-fsck mounted.img
says err "not an insitu image: ext"
mount "$loop" mnt
run 8 insitu-fsck "$loop"
says err "device is in use"
run 8 insitu-fsck mounted.img
says err "is in use through $loop"
run 8 insitu-fsck -y mounted.img
run 8 insitu-fsck --force-share mounted.img
says err "results may be stale"
run 8 insitu-fsck --force-share "$loop"
umount mnt
run 8 insitu-fsck mounted.img

# Another program holds the lock of the whole device.
loop good.img
run 0 insitu-fsck "$loop"
flock -x "$loop" -c "insitu-fsck $loop" >out 2>err
check "a locked device is refused" test $? = 8
says err "another program holds the lock"
run 0 flock -x "$loop" -c "insitu-fsck --force-share $loop"
