#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Safety at the door (docs/safety.md): on real loop devices, every case is refused with its reason
# and a way out, nothing is changed, and nothing is ever asked.
# shellcheck source=lib.sh
. "${INSITU_TESTS:?}/everyday/lib.sh"
need_root

exec </dev/null # a prompt would meet the end of its input
make_raw raw
truncate -s 20M raw
insitu-pack -q raw image
truncate -s 24M disk
attach disk
device=$loop

# refused DEVICE REASON HINT COMMAND…: ends with 1, says why and what to do, changes no byte.
refused() {
    local target=$1 reason=$2 hint=$3 before
    shift 3
    before=$(cksum <"$target")
    expect 1 "$@"
    says "$reason"
    says "hint: $hint"
    [ "$before" = "$(cksum <"$target")" ] || fail "$*: changed $target"
}
all_tools_refuse() { # DEVICE REASON HINT
    refused "$1" "$2" "$3" insitu-format "$1"
    refused "$1" "$2" "$3" insitu-pack raw "$1"
    refused "$1" "$2" "$3" insitu-unpack image "$1"
    refused "$1" "$2" "$3" insitu-mkfs -t ext4 "$1"
}

# Signatures: file systems, swap, encryption, partition tables, our own.
mkfs.ext4 -q "$device" && all_tools_refuse "$device" "holds data: ext4" "--force"
mkfs.vfat -I "$device" >/dev/null
all_tools_refuse "$device" "holds data: vfat" "--force"
wipefs -qa "$device" 2>/dev/null && mkswap "$device" >/dev/null 2>&1
all_tools_refuse "$device" "holds data: swap" "--force"
wipefs -qa "$device" 2>/dev/null && printf 'LUKS\xba\xbe\x00\x01' | dd of="$device" conv=notrunc status=none
refused "$device" "holds data: crypto_LUKS" "--force" insitu-pack raw "$device"
wipefs -qa "$device" 2>/dev/null
printf '\x80\0\1\0\x83\0\0\0\1\0\0\0\0\x10\0\0' | dd of="$device" bs=1 seek=446 conv=notrunc status=none
printf '\x55\xaa' | dd of="$device" bs=1 seek=510 conv=notrunc status=none
refused "$device" "holds data: dos" "--force" insitu-pack raw "$device"
wipefs -qa "$device" 2>/dev/null && insitu-format -q "$device"
all_tools_refuse "$device" "holds data: insitu" "--force"
expect 0 insitu-pack --force raw "$device"

# In use: --force does not help.
busy="device is in use"
mkfs.ext4 -q -F "$device" && mkdir mnt && mount -o ro "$device" mnt
refused "$device" "$busy" "unmount or release" insitu-pack --force raw "$device"
refused "$device" "$busy" "unmount or release" insitu-pack "$device" other
refused "$device" "$busy" "unmount or release" insitu-mkfs --force -t ext4 "$device"
umount mnt
mkswap -f "$device" >/dev/null 2>&1
swapon "$device"
refused "$device" "$busy" "unmount or release" insitu-pack --force raw "$device"
swapoff "$device"
hold() { # PYTHON: runs until the file "release" appears
    rm -f held release
    python3 -c "
import fcntl, os, struct, sys, time
$1
open('held', 'w')
while os.path.exists('held') and not os.path.exists('release'): time.sleep(0.02)" &
    while [ ! -e held ]; do sleep 0.02; done
}
release() { touch release; wait; }
hold "fd = os.open('$device', os.O_RDWR | os.O_EXCL)"
refused "$device" "$busy" "unmount or release" insitu-pack --force raw "$device"
release
# Held without being named in the mount table: the second device of a file system.
truncate -s 120M first second
attach first && first=$loop
attach second && second=$loop
mkfs.btrfs -q -f -d single -m single "$first" "$second" >/dev/null
mount -o "device=$first,device=$second" "$first" mnt
refused "$second" "$busy" "unmount or release" insitu-pack --force raw "$second"
refused "$second" "$busy" "unmount or release" insitu-format --force "$second"
umount mnt

# Locks of other processes.
hold "fd = os.open('$device', os.O_RDWR); fcntl.flock(fd, fcntl.LOCK_EX)"
refused "$device" "another program holds the lock" "wait for it" insitu-pack --force raw "$device"
release
hold "f = open('image', 'r+b'); fcntl.fcntl(f, 37, struct.pack('hhqqi4x', 1, 0, 0, 0, 0))"
refused image "another program has it open" "wait for it" insitu-pack raw image
refused image "another program is writing to it" "wait for it" insitu-unpack image other
expect 0 insitu-stat --force-share image
release

# The source is the target: links, other names, loop devices in both directions.
ln -s raw soft && ln raw hard && ln -s . folder
for name in raw soft hard ./raw folder/raw "$PWD/raw"; do
    refused raw "is the same file or device as" "write to another file" insitu-pack raw "$name"
    refused raw "is the same file or device as" "write to another file" insitu-pack "$name" raw
done
attach raw
refused raw "is the same file or device as" "write to another file" insitu-pack raw "$loop"
refused raw "is the same file or device as" "write to another file" insitu-pack "$loop" raw
attach "$loop" && nested=$loop
refused raw "is the same file or device as" "write to another file" insitu-pack raw "$nested"
refused image "is the same file or device as" "write to another file" insitu-unpack image image
refused image "is the same file or device as" "write to another file" \
    insitu-dump-meta image --binary image
refused raw "would overwrite" "give the manifest a name of its own" insitu-pack raw other --manifest hard

# Partitions: a disk and its own partition are one storage, two partitions are not, and whoever
# holds the lock of the disk holds it for all of them.
truncate -s 64M partitioned
printf 'label: gpt\nsize=30MiB\nsize=30MiB\n' | sfdisk -q partitioned
attach partitioned && whole=$loop
partx -a "$whole" && trap 'partx -d "$whole"; clean_up' EXIT
refused "${whole}p1" "is the same file or device as" "write to another file" \
    insitu-pack "$whole" "${whole}p1"
refused "$whole" "holds data: gpt" "--force" insitu-format "$whole"
expect 0 insitu-pack raw "${whole}p1"
expect 0 insitu-unpack "${whole}p1" "${whole}p2"
cmp -n $((20 << 20)) raw "${whole}p2" || fail "from partition to partition"
wipefs -qa "${whole}p2" 2>/dev/null
hold "fd = os.open('$whole', os.O_RDONLY); fcntl.flock(fd, fcntl.LOCK_EX)"
refused "${whole}p2" "another program holds the lock of $whole" "wait for it" \
    insitu-format "${whole}p2"
release

# Sectors of 4096 bytes: no image, but raw content is welcome.
truncate -s 24M native
attach native -b 4096
refused "$loop" "sectors of 4096 bytes" "an image file" insitu-pack --force raw "$loop"
refused "$loop" "sectors of 4096 bytes" "an image file" insitu-format "$loop"
refused "$loop" "sectors of 4096 bytes" "an image file" insitu-mkfs -t ext4 "$loop"
expect 0 insitu-unpack image "$loop"
cmp -n $((20 << 20)) raw "$loop"
expect 1 insitu-stat --can-activate "$loop" image
grep -q 'sectors of 4096 bytes' out

# Too small, too large, read-only.
truncate -s 10M small
attach small
refused "$loop" "the image would hold" "the target needs" insitu-pack raw "$loop"
refused "$loop" "the device has 10485760 bytes" "take a larger device" insitu-unpack image "$loop"
dd if=image of="$device" bs=1M conv=notrunc status=none
refused "$device" "super block is for a device of" "truncate -s" insitu-stat "$device"
expect 1 insitu-stat --can-activate "$device" image
expect 0 insitu-stat --ignore-size "$device"
attach small -r
refused "$loop" "read-only" "blockdev --setrw" insitu-pack raw "$loop"
expect 0 insitu-pack --force raw "$device"
[ "$(insitu-stat --json "$device" | jq .device_bytes)" = $((24 << 20)) ] || fail "not the whole device"

# The ten most likely mistakes of docs/faq.md, beside those above: each has a hint.
mistake() { # STATUS HINT COMMAND…
    local status=$1 hint=$2
    shift 2
    expect "$status" "$@"
    says "hint: $hint"
}
mistake 1 "insitu-pack makes an image" insitu-unpack raw other
mistake 1 "--size SIZE creates it" insitu-format nowhere
mistake 1 "the nearest usable sizes are" insitu-format new --size 26849280
mistake 1 "leave --size out" insitu-pack raw other --size 1M
mistake 1 "leave --size out" insitu-pack raw "$device" --size 20M --force
mistake 1 "-d DIR fills it" insitu-mkfs -t squashfs other
mistake 1 "a tar is read from standard input" insitu-mkfs -t ext4 -d raw other
mistake 2 "insitu-pack --help" insitu-pack
mistake 2 "insitu-pack --help" insitu-pack raw other --extent 3K
says "not one of auto, 4K"
mistake 2 "insitu-pack --help" insitu-pack raw other --alg zstd
says "not one of lzo, deflate"
mistake 2 "insitu-format --help" insitu-format new --size 10Q
says "a size is 4096, 64K"
expect 0 insitu-pack image other && says "is an insitu-comp image itself"
