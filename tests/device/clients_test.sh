#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The live device under clients as they are: qemu-img, nbdcopy, qemu-io, fio, a file system over fuse
# and a loop device, and kill -9 in the middle.
# shellcheck source=lib.sh
. "$INSITU_TESTS/device/lib.sh"

# Content that compresses in places, with a hole and text of another kind.
seq 1 3000000 | head -c 16M >source.raw
head -c 4M /dev/urandom >>source.raw
truncate -s 28M source.raw
seq 1 3000000 | head -c 4M | tr 0-9 a-j >>source.raw
size=$(stat -c %s source.raw)
same() { cmp -s -n "$size" source.raw "$1"; }

for alg in lzo deflate; do
  insitu-format -q --force --size 33M --alg $alg copy.img
  serve copy.img
  run 0 qemu-img convert -n -f raw -O raw source.raw "$uri"
  run 0 qemu-img convert -f raw -O raw "$uri" back.raw
  check "qemu-img convert both ways, $alg" same back.raw
  run 0 qemu-img compare -f raw "$uri" back.raw
  run 0 nbdcopy --connections=4 --flush source.raw "$uri"
  rm -f back.raw
  run 0 nbdcopy --connections=4 "$uri" back.raw
  check "nbdcopy both ways, $alg" same back.raw
  stop
  clean_image copy.img
  insitu-unpack -q copy.img back2.raw
  check "insitu-unpack, $alg" same back2.raw
  run 0 insitu-stat --can-activate copy.img copy.img
  rm -f back2.raw
done

# Patterns; qemu-io's default mode gives every write FUA.
for policy in writeback writethrough; do
  serve copy.img metadata=$policy
  io "write -P 0x5a 0 1M" "write -P 0xa5 4k 4k" flush "write -f -P 0x11 64k 64k" \
    "discard 128k 128k" "write -z 512k 64k" "write -zu 600k 8k" "write -P 0x77 200k 300k" flush
  kill_hard
  serve copy.img metadata=$policy
  io "read -P 0x5a 0 4k" "read -P 0xa5 4k 4k" "read -P 0x5a 8k 56k" "read -P 0x11 64k 64k" \
    "read -P 0 128k 72k" "read -P 0x77 200k 300k" "read -P 0 512k 64k" "read -P 0 600k 8k"
  stop
  clean_image copy.img
done

# fio, with verify; its blocks are made to compress.
insitu-format -q --size 64M fio.img
job=(--ioengine=nbd --uri="$uri" --verify=crc32c --buffer_compress_percentage=60 --refill_buffers
  --verify_fatal=1 --minimal --iodepth=8)
serve fio.img commit-delay=1 cache-size=4M compact=true
run 0 fio --name=fill "${job[@]}" --rw=write --bs=128k --size=48M --do_verify=0
run 0 fio --name=random "${job[@]}" --rw=randwrite --bs=4k --size=48M --io_size=16M --end_fsync=1
stop
clean_image fio.img
serve fio.img
# Every second block is written and flushed; then the blocks between are, which share extents with
# them, until the server dies.
even=(--name=even "${job[@]}" --rw=write:4k --bs=4k --size=24M)
run 0 fio "${even[@]}" --do_verify=0 --end_fsync=1
fio --name=odd "${job[@]}" --rw=write:4k --bs=4k --size=24M --offset=4k --do_verify=0 --fsync=64 \
  --time_based --runtime=20 >/dev/null 2>&1 &
writer=$!
sleep 1
check "fio is in the middle of it" kill -0 $writer
kill_hard
kill $writer 2>/dev/null
wait $writer 2>/dev/null
serve fio.img
run 0 fio "${even[@]}" --verify_only
stop
check "the server was interrupted" [ "$(status recovered)" -gt 0 ]
sound_image fio.img

# A file system. Through FUSE come requests that are no whole blocks.
insitu-format -q --size 64M --alg deflate fs.img
serve --filter=blocksize fs.img
attach
run 0 mkfs.ext4 -q -F mnt/nbd
mkdir -p tree/a/b fs
for i in $(seq 1 150); do seq 1 $((i * 37)) >"tree/a/b/$i.txt"; done
head -c 3M /dev/urandom >tree/noise
loop mnt/nbd
run 0 mount -t ext4 "$loop" fs
cp -r tree fs/
sync -f fs
check "the tree is there" diff -r tree fs/tree
rm -rf fs/tree/a
cp -r tree/a fs/tree/
umount fs
run 0 mount -t ext4 "$loop" fs
check "the tree is there after mounting again" diff -r tree fs/tree
umount fs
losetup -d "$loop"
run 0 e2fsck -fn mnt/nbd
detach
stop
clean_image fs.img
run 0 insitu-unpack -q fs.img fs.raw
run 0 e2fsck -fn fs.raw
