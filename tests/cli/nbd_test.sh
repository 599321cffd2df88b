#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# NBD URIs in the place of files and devices.
# shellcheck source=nbd_lib.sh
. "$INSITU_TESTS/cli/nbd_lib.sh" || exit 1

content raw 20000000
truncate -s 20000256 raw # no whole sectors of 4096
run 0 insitu-pack -q --label one raw a.img
size=$(stat -c %s a.img)

# A raw source, with and without what tells holes.
serve source file raw
run 0 insitu-pack -q --label one "$uri" b.img
check "the same image as of the file" cmp a.img b.img
serve nomap --filter=nozero --filter=noextents file raw
run 0 insitu-pack -q --label one "$uri" b.img
check "without block status" cmp a.img b.img
serve slow --filter=delay --filter=noparallel file raw rdelay=1ms serialize=connections
run 0 insitu-pack -q --label one "$uri" b.img
check "a slow server of one connection" cmp a.img b.img
truncate -s 3T holes
printf x | dd of=holes bs=1 seek=2000000000000 conv=notrunc status=none
serve large file holes
run 0 timeout 60 insitu-pack -q "$uri" h.img
check "holes of 3 TiB are not read" [ "$(insitu-stat --json h.img | jq .mapped_bytes)" = 4096 ]
rm h.img holes

# An image: target, and source of everything.
serve image memory "$size"
image=$uri
run 0 insitu-pack -q --label one --verify raw "$image"
run 0 insitu-copy -q "$image" c.img
check "the same image on a server" cmp a.img c.img
run 0 insitu-stat --json "$image"
check "stat" [ "$(jq -r .label out)" = one ]
run 0 insitu-fsck "$image"
run 0 insitu-dump-meta "$image"
run 0 insitu-label "$image" two
run 0 insitu-unpack -q --length 20000256 "$image" back
check "unpacked" cmp raw back
run 1 insitu-pack -q raw "$image"
says err "the device holds data: insitu"
run 0 insitu-pack -q --force raw "$image"
cp raw new
head -c 40000 /dev/urandom | dd of=new bs=4096 seek=700 conv=notrunc status=none
run 0 insitu-pack -q new new.img
run 0 insitu-copy --update --json new.img "$image"
check "updated with little" [ "$(jq .update.written_bytes out)" -lt 100000 ]
run 0 insitu-unpack -q --length 20000256 "$image" back
check "updated" cmp new back
list="0 4096"
echo "$list" >list
run 0 insitu-trim --unused list "$image"
run 0 insitu-resize "$image" 19992576
run 1 insitu-resize "$image" 30M
run 0 insitu-format -q --force "$image"
run 1 insitu-copy "$image" "$image"
says err "is the same file"

# A raw target.
serve plain memory 20000256
run 0 insitu-unpack -q --length 20000256 a.img "$uri"
check "a raw target" cmp raw <(nbdcopy "$uri" -)
serve signed memory 20000256
mke2fs -q -t ext4 fs.raw 18M 2>/dev/null
nbdcopy fs.raw "$uri" 2>/dev/null
run 1 insitu-unpack -q --length 20000256 a.img "$uri"
says err "the device holds data: ext4"
run 0 insitu-unpack -q --force --length 20000256 a.img "$uri"
check "forced" cmp raw <(nbdcopy "$uri" -)
serve forced memory "$size"
nbdcopy fs.raw "$uri" 2>/dev/null
run 1 insitu-copy a.img "$uri"
run 0 insitu-copy -q --force a.img "$uri"
run 0 insitu-fsck "$uri"

# Servers that refuse, fail and die: an error with its place, and nothing is taken for done.
serve readonly -r file raw
run 1 insitu-format "$uri"
says err "read-only"
serve bad --filter=error file raw error-pread-rate=100% error-file="$work/fail"
touch fail
run 1 insitu-pack -q "$uri" x.img
says err "cannot read"
serve full --filter=error memory "$size" error-pwrite=ENOSPC error-pwrite-rate=100% error-file="$work/fail"
run 1 insitu-pack -q raw "$uri"
says err "No space left on device"
run 1 insitu-stat "$uri"
says err "not an insitu-comp image"
serve dying --filter=rate memory "$size" rate=20M
dying=$uri
insitu-copy -q a.img "$dying" 2>err &
copy=$!
sleep 0.3
kill -9 "$server"
wait "$copy" && fail "a copy to a server that died is done"
says err "cannot"
serve dying2 --filter=rate file raw rate=20M
insitu-pack -q "$uri" x.img 2>err &
pack=$!
sleep 0.3
kill -9 "$server"
wait "$pack" && fail "a source that died is packed"
check "no image is left" [ ! -e x.img ]
run 1 insitu-pack -q "nbd+unix:///?socket=$work/nobody" x.img
says err "cannot connect"
run 1 insitu-stat "nbd://127.0.0.1:1/"
says err "cannot connect"
run 1 insitu-stat nbd://
# One that takes whole blocks only: read as it is, not written.
serve blocks --filter=blocksize-policy memory "$size" blocksize-minimum=4096 blocksize-preferred=4096 blocksize-error-policy=error
nbdcopy a.img "$uri" 2>/dev/null
run 0 insitu-stat "$uri"
run 0 insitu-unpack -q --length 20000256 "$uri" back
check "by whole blocks" cmp raw back
run 1 insitu-pack -q --force raw "$uri"
says err "the server takes writes of 4096 bytes"

# One signal ends the waiting for a server that says nothing: at the start, for a part, for all of it.
stops() { # stops TEXT COMMAND...: the command waits, and one SIGINT ends it
  local text=$1 pid
  shift
  "$@" 2>err &
  pid=$!
  wait_until waits "$pid" INT
  sleep 0.2
  kill -INT $pid
  timeout 15 tail --pid=$pid -f /dev/null || { fail "$text: still waits"; kill -KILL $pid; }
  wait $pid
  check "$text: status of SIGINT" [ $? -eq 130 ]
}
serve_silence
stops "a connection" insitu-stat "nbd+unix:///?socket=$work/silent"
serve mute --filter=delay file raw rdelay=600
stops "a read" insitu-pack -q "$uri" x.img
stops "reads of several threads" insitu-pack -q -j3 --raw "$uri" x.img
serve mute2 --filter=delay memory "$size" wdelay=600
stops "writes" insitu-copy -q a.img "$uri"
check "nothing is left behind" [ -z "$(find . -name 'x*' -o -name '.*partial*')" ]

# Over TCP with TLS by a shared key, if the server has it.
echo "tester:$(openssl rand -hex 32)" >keys
if nbdkit --dump-config | grep -q '^tls=yes'; then
  serve tls --tls=require --tls-psk="$work/keys" file a.img
  run 1 insitu-stat "$uri"
  run 0 insitu-stat "nbds+unix://tester@/?socket=$work/tls&tls-psk-file=$work/keys"
fi

# qemu-nbd, whose answers are others.
qemu-img convert -q -O qcow2 raw disk.qcow2
rm -f q
qemu-nbd -r -k "$work/q" -e 8 -t --pid-file="$work/q.pid" disk.qcow2 &
servers+=($!)
wait_until [ -s q.pid ]
run 0 insitu-pack -q --size "$(stat -c %s raw)" "nbd+unix:///?socket=$work/q" q.img
run 0 insitu-unpack -q --length 20000256 q.img back
check "a virtual disk by qemu-nbd" cmp raw back
