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
  rm -f "$name"
  nbdkit -f -U "$work/$name" "$@" 2>"$name.log" &
  servers+=($!)
  server=$!
  for _ in $(seq 100); do [ -S "$name" ] && break; sleep 0.05; done
  uri="nbd+unix:///?socket=$work/$name"
}
