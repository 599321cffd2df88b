# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the tests of the live device share: a server in $server, and its socket as $uri.
# shellcheck source=../cli/lib.sh
. "$INSITU_TESTS/cli/lib.sh"

plugin=$INSITU_BUILD/apps/nbdkit/nbdkit-insitu-plugin.so
uri="nbd+unix:///?socket=$work/socket"
server=
fuse=

device_cleanup() {
  local status=$?
  [ -z "$fuse" ] || umount "$work/mnt" 2>/dev/null
  [ -z "$server" ] || kill -9 "$server" 2>/dev/null
  return $status
}
trap 'device_cleanup; finish || exit 1' EXIT

served_or_gone() { [ -s pid ] || ! kill -0 "$server" 2>/dev/null; }
# serve [nbdkit options --] IMAGE [parameters]
serve() {
  local options=()
  while [ "${1#-}" != "$1" ]; do
    options+=("$1")
    shift
  done
  rm -f socket pid
  nbdkit -f -v -U "$work/socket" -P pid "${options[@]}" "$plugin" "$@" 2>server.log &
  server=$!
  wait_until served_or_gone
  [ -s pid ] && return
  grep -a 'error' server.log >&2
  fail "nbdkit does not start: $*"
  exit 1
}
stop() {
  kill -TERM "$server"
  wait "$server" || fail "nbdkit ended with status $?"
  server=
}
kill_hard() {
  kill -9 "$server"
  { wait "$server"; } 2>/dev/null
  server=
}
# status NAME: a counter of the server that has ended.
status() { grep -ao "$1=[0-9]*" server.log | tail -1 | cut -d= -f2; }

# io COMMANDS...: qemu-io's, each must succeed, patterns that are read must be there.
io() {
  local commands=()
  for command; do commands+=(-c "$command"); done
  if qemu-io -f raw "${commands[@]}" "$uri" >out 2>err &&
    ! grep -qi "verification failed\|error" out err; then pass; else fail "qemu-io $*"; fi
}

# attach: the served image as the file mnt/nbd.
attach() {
  mkdir -p mnt
  nbdfuse mnt "$uri" &
  fuse=$!
  wait_until [ -f mnt/nbd ] || exit 1
}
detach() {
  umount mnt
  wait "$fuse" 2>/dev/null
  fuse=
}

# sound_image IMAGE: no intent, nothing to repair, and it decodes as a whole. What was overwritten or
# trimmed stands in unmapped blocks until it is punched: M07 is no fault here.
sound_image() {
  check "$1: no intent" cmp -s <(head -c 1536 "$1" | tail -c 1024) <(head -c 1024 /dev/zero)
  run 0 insitu-fsck -n -f --json "$1"
  check "$1: nothing to repair" jq -e '.findings | all(.severity == "note" or .id == "M07")' out
  check "$1: decodes" insitu-unpack -q "$1" -
}
# clean_image IMAGE: nor do holes take space. After kill -9 they may.
clean_image() {
  sound_image "$1"
  check "$1: nothing found" jq -e '.findings == []' out
}
