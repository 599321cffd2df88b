#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The tools on real block devices, with real file systems.
# shellcheck source=lib.sh
. "$INSITU_TESTS/cli/lib.sh"

mkdir tree mnt
cp -r "$INSITU_TESTS/unit" tree/
truncate -s 48M fs.raw
mkfs.ext4 -q -d tree fs.raw
truncate -s 64M disk
loop disk
device=$loop

run 0 insitu-pack fs.raw "$device"
run 0 insitu-stat --can-activate "$device" "$device"
run 0 insitu-unpack "$device" back.raw
check "the file system comes back" cmp -n $((48 << 20)) fs.raw back.raw
check "the device is the size of the image" [ "$(stat -c %s back.raw)" -gt $((48 << 20)) ]
truncate -s 48M back.raw
check "it is clean" e2fsck -fn back.raw
mount -o loop,ro back.raw mnt
check "it mounts with its files" diff -r tree/unit mnt/unit
umount mnt

# Whatever a device holds is not lost without --force.
run 1 insitu-pack fs.raw "$device"
says err "holds data: insitu"
says err "hint: --force"
run 1 insitu-format "$device"
run 0 insitu-pack --force fs.raw "$device"
run 0 insitu-format --force "$device"
wipefs -aq "$device"
mkfs.ext4 -q -F "$device"
run 1 insitu-pack fs.raw "$device"
says err "holds data: ext4"
run 1 insitu-unpack back.raw "$device"
sfdisk -q "$device" <<<'label: gpt' 2>/dev/null
run 1 insitu-format "$device"
run 0 insitu-format --force --alg deflate "$device"
check "no old signature is left" [ -z "$(wipefs "$device" 2>/dev/null)" ]

# A device that is in use.
wipefs -aq "$device"
mkfs.ext4 -q -F "$device"
mount "$device" mnt
run 1 insitu-pack --force fs.raw "$device"
says err "device is in use"
run 1 insitu-format --force "$device"
says err "device is in use"
run 1 insitu-pack "$device" x.img
says err "device is in use"
run 0 insitu-pack --force-share "$device" x.img
for command in "insitu-pack --force fs.raw disk" "insitu-unpack x.img disk"; do
  # shellcheck disable=SC2086
  run 1 $command
  says err "disk: is in use through $device"
done
umount mnt
# Another program's lock on the disk.
flock "$device" sleep 60 &
sleep 0.3
run 1 insitu-pack --force fs.raw "$device"
says err "holds the lock of"
says err "(flock, "
pkill -P $!
wait
# udev holds it for moments, shared or alone: that is waited for.
for kind in -s -x; do
  flock $kind -o "$device" sleep 1 &
  sleep 0.2
  run 0 insitu-pack -q --force fs.raw "$device"
  wait
done

# From device to device, from a device to a file, onto a device that is too small.
run 0 insitu-pack "$device" from-device.img
truncate -s 80M disk2
loop disk2
run 0 insitu-unpack from-device.img "$loop"
check "the device's content is back" cmp -n $((64 << 20)) "$device" "$loop"
truncate -s 16M small
loop small
run 1 insitu-unpack from-device.img "$loop"
says err "the device has 16777216 bytes, the content"
run 1 insitu-pack fs.raw "$loop"
says err "the image would hold"
says err "hint: the target needs"
run 1 insitu-pack --size 8M fs.raw "$loop"
says err "takes the whole of a device"

# What is refused leaves even a device that was to be overwritten as it was.
mkfs.ext4 -q -F "$loop"
before=$(sha small)
run 1 insitu-pack --force fs.raw "$loop"
says err "the image would hold"
run 1 insitu-unpack --force from-device.img "$loop"
check "a refused --force changes nothing" [ "$(sha small)" = "$before" ]

# 4Kn, read-only, and a size that the driver cannot use.
truncate -s 64M 4kn
loop 4kn --sector-size 4096
run 1 insitu-pack fs.raw "$loop"
says err "sectors of 4096 bytes, the driver needs 512"
truncate -s 64M readonly
loop readonly -r
run 1 insitu-pack fs.raw "$loop"
grep -q 'read-only\|Read-only\|Permission' err && pass || fail "a read-only device is told"
truncate -s 26849280 unusable
loop unusable
run 1 insitu-format "$loop"
says err "the nearest usable sizes are 26845184 and 26853376"
mkfs.ext4 -q -F "$loop"
before=$(sha unusable)
head -c 1M fs.raw >little
run 1 insitu-pack --force little "$loop"
says err "the nearest usable sizes are 26845184 and 26853376"
run 1 insitu-format --force "$loop"
check "a refused --force changes nothing" [ "$(sha unusable)" = "$before" ]

# A device whose content does not come to its end.
cp from-device.img bad.img
read -r first sectors <<<"$(insitu-dump-meta from-device.img | awk '$4 == "comp" {print $1, $3; exit}')"
at=$(insitu-stat -v from-device.img | sed -n 's/.*data from byte \([0-9]*\) on/\1/p')
printf '\377\377\377\177' |
  dd of=bad.img bs=1 seek=$((at + first * 4096 + sectors * 512 - 4)) conv=notrunc status=none
run 1 insitu-unpack --force bad.img "${loops[1]}"
says err "payload length 2147483647"
says err "${loops[1]}: is written in part, and what it held before is lost"

# SOURCE = TARGET through a loop device.
cp fs.raw below
loop below
run 1 insitu-pack --force below "$loop"
says err "is the same file or device as the source"
run 1 insitu-pack "$loop" below
says err "is the same file or device as the source"
run 1 bash -c "insitu-pack --force - $loop <below"
says err "is the same file or device as the source"

# An interrupted pack leaves no image, even where one was before.
insitu-format -q --force "$device"
(exec insitu-pack --force - "$device" < <(cat fs.raw; sleep 10)) 2>err &
pid=$!
sleep 0.7
kill -TERM $pid
wait $pid
check "status 143" [ $? -eq 143 ]
says err "$device: holds no image now, and what it held before may be lost"
run 1 insitu-stat "$device"
says err "not an insitu-comp image"

# A device that cannot be looked at for signatures does not count as empty, whichever read fails.
truncate -s 40M disk3
mke2fs -q -F -t ext4 disk3
loop disk3
before=$(sha disk3)
for nth in 1 2 3 5 8; do
  strace -f -qq -o injected -P "$loop" -e trace=read,pread64 \
    -e inject=read,pread64:error=EIO:when=$nth insitu-pack -q fs.raw "$loop" 2>err
  status=$?
  check "an unreadable sector ($nth) refuses" [ $status -eq 1 ]
  check "the ext4 is still there ($nth)" [ "$before" = "$(sha disk3)" ]
done
says err "$loop"

# A size that is not a multiple of a block: what is packed goes back to where it came from, and only
# padding is left out.
for sectors in 40001 40007; do
  head -c $((sectors * 512)) /dev/urandom >odd
  loop odd
  run 0 insitu-pack -q --manifest odd.json "$loop" odd.img
  cp odd odd.before
  head -c $((sectors * 512)) /dev/zero >odd
  run 0 insitu-unpack -q --force odd.img "$loop"
  check "$sectors sectors are back" cmp odd odd.before
  run 0 insitu-unpack -q --force --verify-manifest odd.json odd.img "$loop"
  losetup -d "$loop"
done
head -c $((40008 * 512)) /dev/urandom >even
run 0 insitu-pack -q even even.img
loop odd
before=$(sha odd)
run 1 insitu-unpack -q --force even.img "$loop"
says err "the device has"
check "content beyond the end is not padding" [ "$before" = "$(sha odd)" ]

# Sectors of 4096 bytes: refused before the first write, or filled up with the zeros of the image.
head -c 3000320 /dev/urandom >raw4
run 0 insitu-pack -q --manifest raw4.json raw4 raw4.img
truncate -s 8M native
loop native -b 4096
run 1 insitu-unpack -q --length 3000320 raw4.img "$loop"
says err "is not a multiple of the device's sectors of 4096"
check "nothing is written" [ -z "$(tr -d '\0' <native | head -c 1)" ]
run 0 insitu-unpack -q --verify-manifest raw4.json raw4.img "$loop"
check "all of the source" cmp -n 3000320 raw4 native
run 0 insitu-unpack -q --force --verify-manifest raw4.json --length 8192 raw4.img "$loop"

# Data on standard output: the report is on the other one.
run 0 bash -c 'insitu-unpack --json raw4.img - 2>report | cmp -n 3000320 - raw4'
check "a document on stderr" jq -e '.logical_bytes > 0' report
