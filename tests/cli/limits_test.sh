#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Targets that fill up, in the middle of the work.
# shellcheck source=lib.sh
. "$INSITU_TESTS/cli/lib.sh"

content raw $((16 * 1048576))
run 0 insitu-pack raw a.img
mkdir mnt
mount -t tmpfs -o size=3M tmpfs mnt
run 1 insitu-pack raw mnt/x.img
says err "mnt/x.img: byte"
says err "No space left on device"
says err "hint: free some space"
check "nothing is left behind" [ -z "$(ls -A mnt)" ]
run 1 insitu-unpack a.img mnt/x.raw
says err "No space left on device"
check "nothing is left behind" [ -z "$(ls -A mnt)" ]
run 1 bash -c 'cat raw | insitu-pack - mnt/x.img'
says err "$work/mnt: cannot store byte "
says err "of standard input: No space left on device"
check "nothing is left behind" [ -z "$(ls -A mnt)" ]
insitu-unpack a.img - >mnt/x 2>err
check "a full stdout fails" [ $? -eq 1 ]
says err "No space left on device"
umount mnt
# ext4 has delayed allocation: the place runs out at the sync.
truncate -s 8M small
mkfs.ext4 -q small
mount -o loop small mnt
content large $((40 * 1048576))
run 1 insitu-pack large mnt/x.img
says err "No space left on device"
check "nothing is left behind" [ "$(ls -A mnt)" = lost+found ]
run 0 insitu-pack large large.img
run 1 insitu-unpack large.img mnt/x.raw
says err "No space left on device"
check "nothing is left behind" [ "$(ls -A mnt)" = lost+found ]
# What is not writable at all.
mount -o remount,ro mnt
for command in "insitu-pack raw" "insitu-unpack a.img" "insitu-format --size 1M" \
  "insitu-dump-meta a.img --binary"; do
  # shellcheck disable=SC2086
  run 1 $command mnt/x
  says err "mnt/x: cannot create: Read-only file system"
done
umount mnt
# Hardly a descriptor: what cannot be found out does not count as "nobody uses it".
mkdir held
truncate -s 8M used
mkfs.ext4 -q used
loop used
mount "$loop" held
inode=$(stat -c %i used)
for descriptors in 4 5 6 7 8 9 10; do
  for command in "insitu-format --force used" "insitu-unpack -q a.img used"; do
    check "$descriptors descriptors: $command" bash -c "! prlimit --nofile=$descriptors $command"
  done
done
check "it is the same file" [ "$(stat -c %i used)" -eq "$inode" ]
umount held
mkdir tree
for descriptors in 4 5 6; do
  prlimit --nofile=$descriptors insitu-mkfs -q -t ext4 -d tree new.img 4M 2>err
done
check "mkfs leaves no directory behind" [ -z "$(find . -name '.new.img*')" ]
# No thread for anything: as a user of our own, whose only one is the tool itself.
mkdir narrow
chmod 755 "$work"
chmod 777 narrow
alone() { # alone COMMAND...
  setpriv --reuid=64321 --regid=64321 --clear-groups prlimit --nproc=1 "$@"
}
run 0 alone insitu-pack --threads 4 raw narrow/a.img
check "the image is the same" cmp a.img narrow/a.img
run 0 alone insitu-fsck -n narrow/a.img
run 0 alone insitu-unpack --threads 4 narrow/a.img narrow/raw
check "the content is the same" cmp raw narrow/raw
