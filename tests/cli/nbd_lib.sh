# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For tests with NBD servers, which end with the test.
# shellcheck source=../cli/lib.sh
. "$INSITU_TESTS/cli/lib.sh" || exit 1

servers=()
stop_servers() {
  local pid
  for pid in "${servers[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
  servers=()
}
trap 'stop_servers; finish || exit 1' EXIT
# serve NAME nbdkit-arguments...: a server on the socket NAME, whose URI is in $uri.
# shellcheck disable=SC2034 # $server and $uri are for the tests
serve() {
  local name=$1
  shift
  rm -f "$name" "$name.pid"
  # Its socket is there before it listens; its pid file is not.
  nbdkit -f -U "$work/$name" -P "$name.pid" "$@" 2>"$name.log" &
  servers+=($!)
  server=$!
  wait_until [ -s "$name.pid" ]
  uri="nbd+unix:///?socket=$work/$name"
}
# serve_silence: a server that accepts connections at the socket "silent", and says nothing.
serve_silence() {
  python3 -c 'import os, socket, time
server = socket.socket(socket.AF_UNIX)
server.bind("unready")
server.listen()
os.rename("unready", "silent")
time.sleep(600)' &
  servers+=($!)
  wait_until [ -S silent ]
}
