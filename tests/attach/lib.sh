# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the tests of insitu-attach share: a run directory of their own, and its end.
# shellcheck source=../cli/lib.sh
. "${INSITU_TESTS:?}/cli/lib.sh"

export INSITU_RUN_DIR=$work/run

attach_cleanup() {
  local status=$? mounted file device
  # Only what is below this test's folder.
  for mounted in $(awk -v w="$work/" 'index($5, w) == 1 {print $5}' /proc/self/mountinfo | tac); do
    case $mounted in *"/run/"*) ;; *) umount -i -l "$mounted" ;; esac
  done
  for file in /sys/block/loop*/loop/backing_file; do
    device=${file#/sys/block/}
    case $(cat "$file" 2>/dev/null) in
      "$work"/run/*) losetup -d "/dev/${device%%/*}" ;;
    esac
  done
  for mounted in "$work"/run/*/fuse; do
    ! mountpoint -q "$mounted" || umount -i -l "$mounted"
  done
  for file in "$work"/run/*/nbd*.pid; do
    [ ! -s "$file" ] || ! grep -qaF "$work/run" "/proc/$(cat "$file")/cmdline" 2>/dev/null ||
      kill -9 "$(cat "$file")"
  done
  return $status
} 2>/dev/null
trap 'attach_cleanup; finish || exit 1' EXIT

# attached FILTER: the one field of insitu-attach --list --json.
attached() { insitu-attach --list --json | jq -r ".attached$1"; }
nothing_left() { # TEXT: no folder, no mount, no loop device, no process
  check "$1: no folder is left" [ -z "$(find run -mindepth 1 -type d)" ]
  check "$1: no mount is left" sh -c "! grep -qF ' $work/' /proc/self/mountinfo"
  check "$1: no loop device is left" sh -c "! grep -qF '$work/run' /sys/block/loop*/loop/backing_file"
  check "$1: no process is left" sh -c "! pgrep -f '$work/[r]un/.*/socket'"
}
# kill_hard PID...: and waits for their end: a process that is on its way out still has its number.
kill_hard() {
  local pid
  kill -9 "$@"
  for pid; do
    while [ -e "/proc/$pid" ] && ! grep -q ') Z' "/proc/$pid/stat" 2>/dev/null; do sleep 0.02; done
  done
}
# server N: the process that serves the nth image that is attached.
server() { attached "[$1].server_pid"; }
