# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the shell tests share. Each runs the built tools, first in its PATH, in a directory of its own,
# and ends with the line "N passed, M failed".

set -u
# shellcheck source=tests/loops.sh
. "$(dirname "${BASH_SOURCE[0]}")/../loops.sh"
export PATH="$INSITU_TOOLS:$PATH"
export LC_ALL=C
unset MAKEFLAGS CDPATH

work=$(realpath "$(mktemp -d "${TMPDIR:-/tmp}/insitu-cli-XXXXXX")")
cd "$work" || exit 1
passed=0
failed=0
loops=()

finish() {
  local status=$?
  cd / || exit 1
  mountpoint -q "$work/mnt" 2>/dev/null && umount "$work/mnt"
  for loop in "${loops[@]}"; do detach_own "$loop" "$work"; done
  rm -rf "$work"
  echo "$passed passed, $failed failed"
  [ "$status" -eq 0 ] && [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
trap 'finish || exit 1' EXIT

pass() { passed=$((passed + 1)); }
fail() {
  failed=$((failed + 1))
  echo "FAILED: $*" >&2
  [ -s out ] && sed 's/^/  stdout: /' out | head -n 20 >&2
  [ -s err ] && sed 's/^/  stderr: /' err | head -n 20 >&2
  return 0
}

# A typing error in a test is a failure, not a line that does nothing.
command_not_found_handle() {
  fail "no such command: $1"
  return 127
}

# run STATUS COMMAND...: runs it with stdout in ./out and stderr in ./err; the status must be that.
run() {
  local want=$1 got=0
  shift
  "$@" >out 2>err </dev/null || got=$?
  if [ "$got" -eq "$want" ]; then pass; else fail "status $got, expected $want: $*"; fi
}

# says FILE TEXT: the text stands in out or err.
says() {
  if grep -qF -- "$2" "$1"; then pass; else fail "$1 does not say: $2"; fi
}
silent() {
  if [ ! -s "$1" ]; then pass; else fail "$1 is not empty"; fi
}
# check TEXT COMMAND...: the command succeeds.
check() {
  local text=$1
  shift
  if "$@" >/dev/null 2>&1; then pass; else fail "$text"; fi
}

# wait_until COMMAND...: until it succeeds. A machine with much to do may take a while.
wait_until() {
  local tries
  for tries in $(seq 600); do
    "$@" >/dev/null 2>&1 && return
    sleep 0.05
  done
  fail "after $tries tries still not so: $*"
  return 1
}

# waits PID SIGNAL: it sleeps, with its handler of the signal in place.
waits() {
  local caught
  caught=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status")
  ((0x$caught >> ($(kill -l "$2") - 1) & 1)) && grep -q '^State:.*S' "/proc/$1/status"
}

# loop FILE [losetup options]: a loop device over a file, in $loop.
loop() {
  local file=$1
  shift
  loop=$(losetup --find --show "$@" "$file") || { fail "no loop device for $file"; return 1; }
  loops+=("$loop")
}
sha() { sha256sum "$1" | cut -d' ' -f1; }
# content FILE BYTES: half text, half random, the same on each run, with a hole in the middle.
content() {
  local blocks=$(($2 / 8192))
  yes "insitu $blocks" | head -c $((blocks * 4096)) >"$1"
  openssl enc -aes-128-ctr -nosalt -K 00112233445566778899aabbccddeeff \
    -iv 00000000000000000000000000000000 </dev/zero 2>/dev/null |
    dd of="$1" bs=4096 count=$((blocks / 2)) seek=$((blocks + blocks / 2)) iflag=fullblock \
      conv=notrunc status=none
  truncate -s "$2" "$1"
}
