#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# insitu-attach and insitu-detach: an image as a device or mounted, and what can be in the way.
# shellcheck source=lib.sh
. "${INSITU_TESTS:?}/attach/lib.sh"

# A device, whatever the image is called.
image="an image, \"so\" called.img"
insitu-format -q --size 40M "$image"
run 0 insitu-attach "$image"
device=$(cat out)
check "a block device" [ -b "$device" ]
check "of the right size" [ "$(blockdev --getsize64 "$device")" -eq \
  "$(insitu-stat --json --force-share "$image" | jq .logical_bytes)" ]
check "listed" [ "$(attached '[0].image')" = "$work/$image" ]
check "and served" [ "$(attached '[0].serving')" = true ]
run 0 insitu-attach --list
says out "$device  $work/$image  read-write"
ln -s "$image" link
run 1 insitu-attach link
says err "is attached already as $device"
run 0 insitu-stat --live --json "$image"
check "and asked" jq -e '.live.connections >= 1' out
run 0 mkfs.ext4 -q "$device"
run 0 insitu-detach "$device"
silent err
nothing_left "detached"
run 1 insitu-detach "$image"
says err "is not attached"
run 0 insitu-fsck -n "$image"
insitu-unpack -q "$image" raw && run 0 e2fsck -fn raw

# Detached in part by somebody else, and an image on a device.
run 0 insitu-attach "$image"
[[ $(cat out) != /dev/loop* ]] || losetup -d "$(cat out)"
run 0 insitu-detach "$image"
nothing_left "the rest of it"
cp "$image" disk
loop disk
for _ in 1 2; do
  run 0 insitu-attach "$loop"
  run 0 insitu-detach "$(cat out)"
done
losetup -d "$loop"
nothing_left "an image on a device"

run 1 insitu-attach --set colour=red "$image"
says err "unknown parameter 'colour'"
for own in control=/tmp/x image=/tmp/x; do
  run 1 insitu-attach --set $own "$image"
  says err "'${own%=*}' is set by insitu-attach itself"
  run 1 insitu-attach -o insitu.$own "$image"
done

# Mounted, and busy.
mkdir mnt other
run 0 insitu-attach --json --fs ext4 -o noatime --set commit-delay=500ms "$image" mnt
check "what it did" jq -e '.schema == "insitu-attach/1" and .read_only == false and
  (.device | startswith("/dev/")) and (.mountpoint | endswith("/mnt"))' out
check "mounted with its options" grep -q " $work/mnt ext4 .*noatime" /proc/mounts
check "a name that the last SIGTERM spares" grep -qa '^@nbdkit' "/proc/$(server 0)/cmdline"
seq 1 200000 >mnt/numbers
cp "$image" copy.img
run 1 insitu-attach copy.img mnt
says err "something is mounted there already"
exec 3<mnt/numbers
run 1 insitu-detach mnt
says err "busy"
check "still mounted" mountpoint -q mnt
exec 3<&-
run 0 insitu-detach mnt
nothing_left "unmounted"
before=$(sha "$image")
run 0 insitu-attach -r "$image" mnt
check "what was written" cmp -s mnt/numbers <(seq 1 200000)
check "read-only" sh -c '! touch mnt/x'
check "so is the server" [ "$(insitu-stat --live --json "$image" | jq .live.read_only)" = true ]
run 0 insitu-detach "$work/mnt/"
check "nothing was written" [ "$(sha "$image")" = "$before" ]

# The directory that one was mounted on, where another one is by now.
insitu-format -q --size 8M other.img
run 0 insitu-attach --fs ext4 "$image" mnt
umount -i mnt
run 0 insitu-attach other.img
device=$(cat out)
run 0 mkfs.ext4 -q "$device"
mount "$device" mnt
run 0 insitu-detach mnt
check "the one that is mounted there" [ "$(attached ' | map(.image)')" = "$(jq -n --arg i "$work/$image" '[$i]')" ]
run 0 insitu-detach mnt
nothing_left "the one that was mounted there once"

# A disk that is full under the image: heard before anything is unmounted.
mkdir small
mount -t tmpfs -o size=6M tmpfs small
insitu-format -q --size 64M small/full.img
run 0 insitu-attach small/full.img
device=$(cat out)
run 0 mkfs.ext4 -q "$device"
mount "$device" mnt
head -c 9M /dev/urandom >mnt/large
run 1 insitu-detach mnt
says err "the file system cannot write what it has in memory"
check "still mounted" mountpoint -q mnt
mount -o remount,size=100M small
run 0 insitu-detach --force small/full.img
run 0 insitu-fsck -n small/full.img
umount small
nothing_left "a full disk"

# Without its nbdfuse it is cut off, and yet to be taken away.
run 0 insitu-attach other.img
if [[ $(cat out) = /dev/loop* ]]; then
  kill_hard "$(cat run/*/nbdfuse.pid)"
  run 1 insitu-detach other.img
  says err "its nbdfuse was gone"
else
  run 0 insitu-detach other.img
fi
nothing_left "without nbdfuse"

# A partition of it; one that is not there leaves nothing.
truncate -s 24M disk
printf 'label: gpt\n,4MiB\n,\n' | sfdisk -q disk
insitu-pack -q --force disk disk.img 2>/dev/null
run 1 insitu-attach --partition 9 disk.img
says err "has no partition 9"
nothing_left "no such partition"
run 0 insitu-attach --partition 2 disk.img
check "its size" [ "$(blockdev --getsize64 "$(cat out)")" -eq $((36864 * 512)) ]
run 0 mkfs.ext4 -q "$(cat out)"
run 0 insitu-detach disk.img
run 0 insitu-attach --fs ext4 --partition 2 disk.img mnt
run 0 insitu-detach "$(awk -v m="$work/mnt" '$2 == m {print $1}' /proc/mounts)"
nothing_left "a partition"
run 0 insitu-attach --sector-size 4096 disk.img
check "sectors of 4096" [ "$(blockdev --getss "$(cat out)")" -eq 4096 ]
run 0 insitu-detach disk.img

# What cannot be attached leaves nothing either.
for wrong in "missing.img" "raw" "$image nowhere" "$image raw" "--set colour=red $image" "--fs xfs $image mnt"; do
  mapfile -t words < <(tr ' ' '\n' <<<"${wrong//$image/IMAGE}")
  words=("${words[@]/IMAGE/$image}")
  run 1 insitu-attach "${words[@]}"
  nothing_left "$wrong"
done
run 2 insitu-attach
run 2 insitu-attach --sector-size 1000 raw
run 2 insitu-detach
run 1 insitu-attach -o partition=none raw
says err "expected a number from 1 to 128"

# Without the programs, it says which to install.
alone() { # PROGRAMS...: what is hidden is a directory for administrators
  unshare -m sh -c 'for p in $1; do p=$(command -v "$p") || continue; mount --bind /dev/null "$p"; done
    shift; exec "$@"' sh "$@"
}
if unshare -m true 2>/dev/null; then
  run 1 alone "nbdfuse" insitu-attach "$image"
  says err "nbdfuse is not installed"
  says err "apt install"
  run 1 alone "nbdkit" insitu-attach "$image"
  says err "apt install nbdkit nbdkit-plugin-insitu"
  nothing_left "without programs"
fi

# Five at once, each with its own; and all at once away.
for i in 1 2 3 4 5; do
  insitu-format -q --size 8M "$i.img"
  insitu-attach "$i.img" >"device$i" 2>"err$i" &
done
wait
check "five devices" [ "$(cat device? | sort -u | wc -l)" -eq 5 ]
check "are listed" [ "$(attached ' | length')" -eq 5 ]
for i in 1 2 3 4 5; do printf "%04096d" "$i" | dd of="$(cat device$i)" bs=4096 conv=fsync status=none; done
for i in 1 2 3 4 5; do insitu-detach "$i.img" 2>>err & done
wait
for i in 1 2 3 4 5; do
  check "image $i" cmp -s <(insitu-unpack -q --length 4K $i.img -) <(printf "%04096d" "$i")
done
nothing_left "five images"
# One image by two at once: one of them has it.
insitu-attach 1.img >first 2>/dev/null &
insitu-attach 1.img >second 2>/dev/null
wait
check "one of two" [ "$(cat first second | wc -l)" -eq 1 ]
run 0 insitu-detach 1.img
