#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Who is not root gets a file, and nobody else's run directory.
# shellcheck source=lib.sh
. "${INSITU_TESTS:?}/attach/lib.sh"
if [ "$(id -u)" -ne 0 ] || ! command -v setpriv >/dev/null; then
  pass
  exit
fi
chmod 755 "$work"
mkdir home
insitu-format -q --size 16M home/a.img
chown -R 65534:65534 home
unset INSITU_RUN_DIR
as_user() { setpriv --reuid 65534 --regid 65534 --clear-groups env -u INSITU_RUN_DIR XDG_RUNTIME_DIR="$work/home" "$@"; }

run 0 as_user insitu-attach home/a.img
file=$(cat out)
case $file in "$work"/home/insitu/*/fuse/nbd) pass ;; *) fail "not a file of this user: $file" ;; esac
check "that can be written" as_user dd if=/dev/urandom of="$file" bs=4096 count=4 conv=notrunc,fsync
run 0 as_user insitu-stat --live --json home/a.img
check "and was" jq -e '.live.write_requests > 0' out
run 0 as_user insitu-attach --list
says out "$file"
run 0 as_user insitu-detach home/a.img
check "nothing is left" [ -z "$(find home/insitu -mindepth 1 -type d)" ]
run 0 as_user insitu-attach -r home/a.img
run 1 as_user dd if=/dev/zero of="$file" bs=4096 count=1 conv=notrunc
run 0 as_user insitu-detach "$file"
# One that may not be written, as one on a read-only file system: everybody is told.
chmod 400 home/a.img
run 0 as_user insitu-attach home/a.img
says err "home/a.img: may not be written: attached read-only"
run 0 as_user insitu-attach --list
says out "home/a.img  read-only"
run 1 as_user dd if=/dev/zero of="$file" bs=4096 count=1 conv=notrunc
run 0 as_user insitu-detach home/a.img
run 0 as_user insitu-attach --set readonly=true home/a.img
silent err
run 0 as_user insitu-attach --list
says out "home/a.img  read-only"
run 0 as_user insitu-detach home/a.img
chmod 600 home/a.img

mkdir home/mnt
run 1 as_user insitu-attach home/a.img home/mnt
says err "mounting there needs root"
run 1 as_user env -u XDG_RUNTIME_DIR insitu-attach home/a.img
says err "XDG_RUNTIME_DIR is not set"
mkdir -m 700 roots
run 1 as_user env INSITU_RUN_DIR="$work/roots" insitu-attach home/a.img
says err "is not a folder of this user alone"
chmod 000 home/a.img
run 1 as_user insitu-attach home/a.img
check "nothing is left" [ -z "$(find home/insitu -mindepth 1 -type d)" ]
