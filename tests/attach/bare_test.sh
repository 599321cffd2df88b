#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Without /proc or /sys nothing is attached or detached: a server that runs would be taken for one that
# is gone.
# shellcheck source=lib.sh
. "${INSITU_TESTS:?}/attach/lib.sh"
if [ "$(id -u)" -ne 0 ]; then
  pass
  exit
fi
insitu-format -q --size 16M a.img
mkdir -m 700 run
# without DIRECTORY COMMAND...: in a mount namespace where it is empty.
without() {
  # shellcheck disable=SC2016
  unshare --mount sh -ec 'mount -t tmpfs -o ro tmpfs "$1"; shift; exec timeout 30 "$@"' sh "$@"
}
for missing in /proc /sys; do
  run 1 without $missing insitu-attach a.img
  says err "$missing: is not mounted"
  nothing_left "without $missing"
  run 0 insitu-attach a.img
  device=$(cat out)
  for command in "insitu-detach a.img" "insitu-attach a.img" "insitu-attach --list"; do
    # shellcheck disable=SC2086
    run 1 without $missing $command
    says err "$missing: is not mounted"
    says err "hint: mount -t"
  done
  check "it is still served" dd if=/dev/zero of="$device" bs=4096 count=4 oflag=direct
  run 0 insitu-detach a.img
  nothing_left "after $missing"
done
