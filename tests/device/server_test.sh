#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The plugin as a server: parameters, what it tells clients, locks, shutdown, full disks.
# shellcheck source=lib.sh
. "$INSITU_TESTS/device/lib.sh"

insitu-format -q --size 33M a.img

# Parameters that make no sense are told before anything is served.
refused() { # refused MESSAGE PARAMETERS...
  local message=$1
  shift
  run 1 timeout 20 nbdkit -f -U "$work/socket" "$plugin" "$@"
  says err "$message"
}
refused "which image?"
refused "No such file" missing.img
cp a.img ./-
refused "image=-: a stream cannot be served" image=-
rm ./-
refused "metadata=maybe: expected writeback or writethrough" a.img metadata=maybe
for delay in 0 1h; do
  refused "commit-delay=$delay: expected a time in s, ms or min, such as 5, 5s, 500ms or 2min, up to a day" \
    a.img "commit-delay=$delay"
done
refused "commit-delay=5x: expected a time" a.img commit-delay=5x
refused "commit-delay=1441min: expected a time" a.img commit-delay=1441min
refused "unprotected=maybe: expected refuse or allow" a.img unprotected=maybe
refused "commit-delay" a.img commit-delay=x
refused "cache-size=much: expected a size" a.img cache-size=much
refused "level=10: expected fast, default, best or 1 to 9" a.img level=10
refused "pending=ask: expected apply or drop" a.img pending=ask
refused "readonly=perhaps: expected true or false" a.img readonly=perhaps
refused "threads" a.img threads=-1
refused "unknown parameter 'colour'" a.img colour=red
refused "image was given before" a.img b.img
refused "cache-size was given before" a.img cache-size=1M cache-size=2M
truncate -s 1M zeros.img
refused "zeros.img" zeros.img
cp a.img longer.img
truncate -s +4K longer.img
refused "longer.img" longer.img

# What clients are told.
serve a.img metadata=writethrough commit-delay=2 cache-size=8M decode-cache=8M level=4 threads=3 \
  compact=true
run 0 nbdinfo --json "$uri"
cp out info
size=$(insitu-stat --json --force-share a.img | jq .logical_bytes)
for field in '"export-size":'"$size" '"block_size_minimum":1' '"block_size_preferred":4096' \
  '"can_multi_conn":true' \
  '"can_flush":true' '"can_fua":true' '"can_trim":true' '"can_zero":true' '"can_fast_zero":true' \
  '"is_read_only":false'; do
  check "$field" jq -e ".exports[0] | contains({$field})" info
done
stop

# Extents come from the map, without I/O: holes, also those that are not committed yet.
serve a.img
io "write -P 1 1M 256k" "write -P 2 1088k 64k" "discard 1152k 64k" "write -z 1216k 4k"
run 0 nbdinfo --map "$uri"
says out "$(printf '%10d %11d    3  hole,zero' 0 1048576)"
says out "$(printf '%10d %11d    0  data' 1048576 131072)"
says out "$(printf '%10d %11d    3  hole,zero' 1179648 69632)"
says out "$(printf '%10d %11d    0  data' 1249280 61440)"
stop
check "no read was made for that" [ "$(status reads)" -eq 0 ]

# One image, whoever asks; a second process is not let in.
serve a.img
io "write -P 3 0 64k" "flush"
io "read -P 3 0 64k"
run 1 nbdkit -f -U "$work/second" "$plugin" a.img
says err "another program has it open"
run 1 insitu-unpack a.img x.raw
run 8 insitu-fsck -y a.img
# SIGTERM commits what nobody flushed.
io "write -P 4 64k 64k"
stop
clean_image a.img
check "the last write is there" cmp -s <(insitu-unpack -q --offset 64K --length 64K a.img -) \
  <(head -c 65536 /dev/zero | tr '\0' '\4')

# A client that has not flushed and asks for nothing more keeps neither the commit nor the end away.
idle_client() { # idle_client URI: one more client, which has written; it goes when 3 is closed
  mkfifo go
  (
    echo "write -P 12 256k 64k"
    cat go
  ) | qemu-io -f raw -t writeback "$1" >/dev/null 2>&1 &
  client=$!
  exec 3>go
  rm go
  wait_until bash -c 'insitu-stat --live --json control | jq -e ".live.waiting_bytes > 0"'
}
ends() { # TEXT [SIGNAL]: the server ends by SIGTERM, or by another
  kill "-${2-TERM}" "$server"
  timeout 30 tail --pid="$server" -f /dev/null || { fail "$1: still runs"; kill -9 "$server"; }
  wait "$server"
  check "$1: status 0" [ $? -eq 0 ]
  server=
  exec 3>&-
  wait "$client"
  check "$1: its write is there" cmp -s <(insitu-unpack -q --offset 256K --length 64K a.img -) \
    <(head -c 65536 /dev/zero | tr '\0' '\14')
  echo "262144 65536" >unused
  insitu-trim -q --unused unused a.img
}
serve a.img commit-delay=3600 control="$work/control"
idle_client "$uri"
ends "an idle client"
serve a.img commit-delay=3600 control="$work/control"
idle_client "$uri"
ends "an idle client, and the terminal goes" HUP
rm -f pid
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
nbdkit -f -i 127.0.0.1 -p "$port" -P pid "$plugin" a.img commit-delay=3600 control="$work/control" 2>server.log &
server=$!
wait_until [ -s pid ]
idle_client "nbd://127.0.0.1:$port/"
ends "an idle client over TCP"
# The one client of nbdkit -s has a socket without a name.
check "nbdkit -s" timeout 30 python3 - "$plugin" <<'END'
import signal, socket, subprocess, sys
ours, theirs = socket.socketpair()
server = subprocess.Popen(["nbdkit", "-s", sys.argv[1], "a.img"], stdin=theirs, stdout=theirs)
theirs.close()
assert ours.recv(8) == b"NBDMAGIC"
server.send_signal(signal.SIGTERM)
try:
    status = server.wait(20)
except subprocess.TimeoutExpired:
    server.kill()
    raise
assert status == 0, status
END

# SIGKILL loses nothing that was flushed, that had FUA, or that writethrough acknowledged.
serve a.img metadata=writethrough
io "write -P 5 128k 32k" "discard 8k 4k"
kill_hard
serve a.img
io "read -P 5 128k 32k" "read -P 0 8k 4k" "read -P 3 12k 52k" "write -f -P 6 132k 4k" \
  "write -P 7 8M 1M" "flush" "write -P 8 8M 1M"
kill_hard
serve a.img
io "read -P 6 132k 4k" "read -P 5 136k 24k"
check "a flushed write, or a later one" qemu-io -f raw -c "read 8M 1M" "$uri"
stop
check "recoveries are counted" [ "$(status recovered)" -gt 0 ]
clean_image a.img

# Nothing is written to an image that is only read.
before=$(sha a.img)
serve a.img readonly=true
run 0 nbdinfo --json "$uri"
check "read only" jq -e '.exports[0].is_read_only' out
run 0 qemu-io -r -f raw -c "read -P 6 132k 4k" "$uri"
stop
serve -vr a.img
run 0 nbdinfo --json "$uri"
check "read only by nbdkit's option, too" jq -e '.exports[0].is_read_only' out
stop
check "unchanged" [ "$(sha a.img)" = "$before" ]

# Parts of blocks: libnbd refuses what the server does not take, qemu makes whole blocks of it.
serve a.img
io "write -P 1 0 256k"
# Requests of parts of blocks.
io "write -P 9 4608 512" "read -P 9 4608 512" "read -P 1 4k 512" "read -P 1 5k 3k" "write -P 1 4k 4k"
io "read -P 1 0 256k"
run 0 fio --name=x --ioengine=nbd --uri="$uri" --rw=randwrite --bs=512 --offset=512 --size=64k \
  --verify=crc32c --verify_backlog=8
run 0 fio --name=x --ioengine=nbd --uri="$uri" --rw=randtrim --bs=1536 --offset=512 --size=60k
io "write -P 1 0 256k" "discard 512 9000" "read -P 1 0 4k" "read -P 0 4k 4k" "read -P 1 8k 248k"
io "write -z 1000 5000" "read -P 1 0 1000" "read -P 0 1000 7192" "read -P 1 8k 248k"
stop

# What is damaged costs nobody else anything.
cp a.img damaged.img
printf '\17' | dd of=damaged.img bs=1 seek=4096 conv=notrunc status=none # the share of block 0
serve damaged.img
check "unsound meta is not read" sh -c "! qemu-io -f raw -c 'read 0 4k' '$uri'"
check "nor written into" sh -c "! qemu-io -f raw -c 'write 4k 4k' -c flush '$uri'"
io "read -P 1 128k 128k" "write -P 2 192k 4k" "flush" "write -P 3 0 128k" "flush" "read -P 3 0 128k"
stop
clean_image damaged.img

# Partitions and disks.
truncate -s 32M disk
loop disk
insitu-format -q --alg deflate "$loop"
serve "$loop"
io "write -P 9 64k 1M" "write -P 10 68k 4k" "flush"
run 1 insitu-pack --force a.img "$loop"
kill_hard
serve "$loop"
io "read -P 10 68k 4k" "read -P 9 72k 256k"
stop
clean_image "$loop"

# A full disk: the error is told, what was flushed stays, and all goes on when there is room again.
mkdir full
mount -t tmpfs -o size=6M tmpfs full
insitu-format -q --size 64M full/b.img
serve full/b.img
io "write -P 11 0 256k" "flush"
head -c 16M /dev/urandom >noise
check "an error comes back" sh -c "! qemu-io -f raw -c 'write -s noise 1M 16M' -c flush '$uri' &&
  ! qemu-io -f raw -c flush '$uri'"
full_lines() { grep -ac "error: .*No space left on device" server.log; }
check "it is said once" [ "$(full_lines)" = 1 ]
says server.log "make room on the disk that the image is on"
check "in the words of a device" sh -c '! grep -aqi "the target" server.log'
io "read -P 11 0 256k"
kill_hard
mount -o remount,size=80M full
serve full/b.img
io "read -P 11 0 256k" "write -s noise 1M 16M" "flush"
stop
clean_image full/b.img
check "what was written then" cmp -s noise <(insitu-unpack -q --offset 1M --length 16M full/b.img -)
umount full
