#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A running server's control socket, and insitu-stat --live that asks it.
# shellcheck source=../device/lib.sh
. "${INSITU_TESTS:?}/device/lib.sh"
export INSITU_RUN_DIR=$work/run

insitu-format -q --size 33M a.img
run 0 nbdkit --dump-plugin "$plugin"
says out "name=insitu"

serve a.img control=control commit-delay=3600 cache-size=8M
io "write -P 1 0 128k" "write -P 2 4k 4k" "read -P 2 4k 4k"
run 0 insitu-stat --live --json control
check "figures" jq -e --arg image "$work/a.img" '.schema == "insitu-stat/1" and (.live |
  .image == $image and .write_requests == 2 and .read_requests >= 1 and .waiting_limit_bytes == 8388608 and
  .uncompressed_bytes == 135168 and .read_only == false and .unprotected_commits == 0 and
  .journal_room_bytes > 0 and .durable and .connections == 0)' out
run 0 insitu-stat --live control
says out "waiting bytes"
says out "$work/a.img"
run 0 insitu-stat --live -q control
silent out
run 0 insitu-stat --live --prometheus control
check "every line is a comment or a sample" sh -c \
  "! grep -vE '^(# (HELP|TYPE) insitu_device_[a-z_]+ .+|insitu_device_[a-z_]+\{image=\"[^\"]+\"\} [0-9]+)\$' out"
check "counters end with _total" grep -qx '# TYPE insitu_device_write_requests_total counter' out
check "gauges do not" grep -qx '# TYPE insitu_device_waiting_bytes gauge' out

# What waits is counted while a client that has not flushed is there.
mkfifo go
(
  echo "write -P 3 1M 1M"
  cat go
) | qemu-io -f raw -t writeback "$uri" >/dev/null 2>&1 &
client=$!
exec 3>go
wait_until bash -c 'insitu-stat --live --json control | jq -e ".live.write_requests == 3"'
insitu-stat --live --json control >out
check "a client, and what it has written" jq -e '.live.connections >= 1 and .live.waiting_bytes >= 1048576 and
  (.live.durable | not)' out
exec 3>&-
wait $client

# The socket is its user's alone, and no client that says nothing keeps others from an answer.
check "mode" [ "$(stat -c %a control)" = 600 ]
python3 -c "
import socket, subprocess
silent = socket.socket(socket.AF_UNIX); silent.connect('control')
subprocess.run(['insitu-stat', '--live', '-q', 'control'], check=True)
wrong = socket.socket(socket.AF_UNIX); wrong.connect('control'); wrong.sendall(b'x' * 200 + b'\n')
flood = socket.socket(socket.AF_UNIX); flood.connect('control'); flood.sendall(b'erase\n')
assert flood.recv(100).startswith(b'failed'), 'an unknown request'
" || fail "clients that misbehave"
run 0 insitu-stat --live control

# The other socket, no socket, nothing, and a server that is gone.
run 1 insitu-stat --live "$work/socket"
says err "control=PATH is meant"
run 1 insitu-stat --live a.img
says err "is not attached"
run 1 insitu-stat --live missing
run 2 insitu-stat --prometheus control
run 1 nbdkit -f -U "$work/second" "$plugin" a.img readonly=true control=control
cp a.img b.img
run 1 nbdkit -f -U "$work/second" "$plugin" b.img control=control
says err "another server answers there"
run 1 nbdkit -f -U "$work/second" "$plugin" b.img control=a.img
says err "a file that is not a socket is there"
run 1 nbdkit -f -U "$work/socket" "$plugin" b.img
says err "another server answers there"
kill_hard
run 1 insitu-stat --live control
says err "the server that made this socket is gone"
run 1 nbdkit -f -U "$work/socket" "$plugin" a.img
says err "a server that is gone left this socket (rm it, and start again)"

# A stale control socket is replaced; at the end none is left. -v is quiet about requests.
serve a.img control=control
io "write -P 4 64k 4k" "read -P 4 64k 4k"
run 0 insitu-stat --live --json control
check "recovered" jq -e '.live.recovered_windows > 0' out
stop
check "no socket is left" [ ! -e control ]
check "-v is about no request" sh -c "! grep -aE 'pwrite|pread' server.log"
serve -Dnbdkit.backend.datapath=1 a.img
io "write -P 4 64k 4k"
stop
check "unless they are asked for" grep -aq 'pwrite count=4096' server.log
