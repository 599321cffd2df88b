#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Systems that lack something: /sys, /proc, io_uring, rights. Nothing may be taken for free because
# nobody can say who uses it.
# shellcheck source=lib.sh
. "$INSITU_TESTS/cli/lib.sh" || exit 1

content raw $((8 * 1048576))
run 0 insitu-pack raw a.img

# without DIRECTORIES COMMAND...: in a mount namespace where these are empty.
without() {
  local directories=$1
  shift
  # shellcheck disable=SC2016
  unshare --mount sh -ec 'for d in $1; do mount -t tmpfs -o ro tmpfs "$d"; done; shift; exec "$@"' sh \
    "$directories" "$@"
}
# A seccomp filter that refuses io_uring_setup (425 on every architecture) with EPERM, as containers do.
cat >no_uring.py <<'END'
import ctypes, os, struct, sys
LOAD, EQUAL, RETURN, ALLOW, EPERM = 0x20, 0x15, 0x06, 0x7FFF0000, 0x00050001
code = [(LOAD, 0, 0, 0), (EQUAL, 0, 1, 425), (RETURN, 0, 0, EPERM), (RETURN, 0, 0, ALLOW)]
program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]
libc = ctypes.CDLL(None, use_errno=True)
filter_ = Filter(len(code), ctypes.addressof(program))
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(filter_), 0, 0):
    sys.exit("no seccomp: " + os.strerror(ctypes.get_errno()))
os.execvp(sys.argv[1], sys.argv[1:])
END
no_uring() { python3 no_uring.py "$@"; }

# Files need neither of them.
run 0 no_uring insitu-pack raw b.img
check "the same image without io_uring" cmp a.img b.img

if [ "$(id -u)" -ne 0 ] || ! unshare --mount true 2>/dev/null; then
  exit
fi
everything="/proc /sys"
run 0 without "$everything" insitu-pack raw c.img
check "the same image without /proc and /sys" cmp a.img c.img
run 0 without "$everything" insitu-unpack a.img back
check "and the same content" cmp raw back
run 0 without "$everything" insitu-unpack --force a.img back
run 0 without "$everything" bash -c 'cat raw | insitu-pack - d.img'
check "from a pipe" cmp a.img d.img
run 0 without "$everything" bash -c 'insitu-unpack a.img - >streamed'
check "to a pipe" cmp raw streamed
run 0 without "$everything" insitu-pack --verify raw e.img
run 0 without /sys insitu-fsck -n a.img
run 0 without /sys insitu-resize -q e.img 20M
run 0 without /sys insitu-stat --json e.img

# A device: the same bytes with and without io_uring, and the error of a device that is too small.
truncate -s 16M disk
loop disk
device=$loop
run 0 insitu-pack -q "$device" whole.img
run 0 insitu-pack -q --no-seals --force raw "$device"
with=$(sha "$device")
run 0 no_uring insitu-pack -q --no-seals --force raw "$device"
check "a device is the same without io_uring" [ "$(sha "$device")" = "$with" ]
check "it was refused" [ "$(no_uring strace -f -e trace=io_uring_setup -o trace insitu-pack -q --force \
  raw "$device" && grep -c 'io_uring_setup.*EPERM' trace)" -gt 0 ]

# Without /sys nobody knows which disk a device is a part of.
with=$(sha "$device")
for command in "insitu-pack --force raw" "insitu-format --force" "insitu-unpack --force a.img"; do
  # shellcheck disable=SC2086
  run 1 without /sys $command "$device"
  says err "$device: cannot find out which disk it belongs to or who uses it: /sys is not mounted"
  says err "hint: mount -t sysfs sysfs /sys"
done
run 8 without /sys insitu-fsck -n "$device"
says err "/sys is not mounted"
check "the device is as it was" [ "$(sha "$device")" = "$with" ]
run 1 without /sys insitu-unpack "$device" disk
says err "/sys is not mounted"
run 0 without /sys insitu-unpack --force-share "$device" shared.raw
check "without a lock it can be read" cmp -n 8388608 shared.raw raw

# A file that is in use through a loop device is found by asking the device.
mkdir mnt
truncate -s 8M fs
mkfs.ext4 -q fs
loop fs
mount "$loop" mnt
for missing in "" /sys "$everything"; do
  run 1 without "$missing" insitu-pack raw fs
  says err "fs: is in use through $loop"
done
umount mnt
run 0 without /sys insitu-pack raw fs
run 0 without "$everything" insitu-pack raw fs
# Who may not ask the devices is refused, since one of them may have the file.
if command -v setpriv >/dev/null && setpriv --reuid 65534 --clear-groups test ! -r "$loop"; then
  chmod 755 .
  install -m 666 raw theirs
  run 1 without /sys setpriv --reuid 65534 --clear-groups insitu-pack raw theirs
  says err "theirs: cannot find out"
  run 0 setpriv --reuid 65534 --clear-groups insitu-pack --in-place raw theirs
fi
# As root of a user namespace, as in a container without rights: the same image.
mkdir -m 777 own
if command -v setpriv >/dev/null && setpriv --reuid 65534 --clear-groups unshare -U -r true 2>/dev/null; then
  chmod 755 .
  run 0 setpriv --reuid 65534 --clear-groups unshare -U -r insitu-pack raw own/a.img
  check "the same image in a user namespace" cmp a.img own/a.img
  run 0 setpriv --reuid 65534 --clear-groups unshare -U -r insitu-fsck -n own/a.img
fi
