#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Images over 4 GiB: positions that do not fit into 32 bits, in files and on devices.
# shellcheck source=../cli/lib.sh
. "$INSITU_TESTS/cli/lib.sh" || exit 1

# A content whose parts differ below and above each border that a short number would wrap at.
truncate -s 9G raw
for at in 0 $((2 << 30)) $((4 << 30)) $((6 << 30)) $((8 << 30)) $((9 << 30)); do
  [ "$at" -eq 0 ] || yes "before $at" | head -c 70000 |
    dd of=raw bs=4096 seek=$((at / 4096 - 18)) conv=notrunc status=none
  [ "$at" -eq $((9 << 30)) ] || yes "behind $at" | head -c 70000 |
    dd of=raw bs=4096 seek=$((at / 4096)) conv=notrunc status=none
done
run 0 insitu-pack -q raw a.img
run 0 insitu-fsck -n a.img
run 0 insitu-stat --json a.img
check "its size" [ "$(jq .logical_bytes out)" -eq $((9 << 30)) ]
check "it stays sparse" [ "$(du -k a.img | cut -f1)" -lt 8192 ]
run 0 insitu-unpack -q a.img back
# parts RAW: what stands around the borders, and where data is at all.
parts() {
  local at
  for at in 0 $((2 << 30)) $((4 << 30)) $((6 << 30)) $((8 << 30)) $((9 << 30)); do
    [ "$at" -eq 0 ] || dd if="$1" bs=4096 skip=$((at / 4096 - 20)) count=20 status=none
    [ "$at" -eq $((9 << 30)) ] || dd if="$1" bs=4096 skip=$((at / 4096)) count=20 status=none
  done | sha256sum
}
check "the same content" [ "$(parts back)" = "$(parts raw)" ]
# A file system may need another block for the places of what lies apart.
check "and nothing else" [ "$(du -k back | cut -f1)" -le $(($(du -k raw | cut -f1) + 64)) ]
check "a range behind 8 GiB" cmp <(insitu-unpack -q --offset 8G --length 64K a.img -) \
  <(yes "behind $((8 << 30))" | head -c 65536)
run 0 insitu-pack -q --manifest m raw a2.img
check "the same image once more" cmp -n $((1 << 20)) a.img a2.img
run 0 insitu-unpack -q --verify-manifest m a.img back2
rm -f back2 a2.img
# Grown over the border and back.
truncate -s 3G small && yes small | head -c 200000 | dd of=small conv=notrunc status=none
run 0 insitu-pack -q small s.img
run 0 insitu-resize -q s.img 7G
run 0 insitu-fsck -n s.img
run 0 insitu-resize -q s.img 3G
run 0 insitu-unpack -q s.img s.back
check "resized and back" cmp -n 1048576 small s.back
run 0 insitu-copy -q --size 10G a.img copied
run 0 insitu-fsck -n copied
# Damage behind 4 GiB is found where it is, and repaired there.
run 0 insitu-dump-meta --json a.img
block=$(jq "[.extents[] | select(.first_block >= $((8 << 18)))][0].first_block" out)
check "an extent behind 8 GiB" [ "$block" = $((8 << 18)) ]
run 0 insitu-stat --json a.img
place=$(((1 + $(jq .meta_blocks out) + block) * 4096))
printf 'torn' | dd of=a.img bs=1 seek=$((place + 20)) conv=notrunc status=none
run 4 insitu-fsck -n a.img
says out "block $block"
# 16 TiB is the largest file of ext4.
run 0 insitu-format -q --size 15T huge
run 0 insitu-stat --json huge
check "15 TiB" [ "$(jq .device_bytes out)" -eq $((15 << 40)) ]
# A device: nothing below 4 GiB may be hit by what goes above.
if [ "$(id -u)" -eq 0 ] && truncate -s 9700M disk && loop disk; then
  run 0 insitu-pack -q --force raw "$loop"
  run 0 insitu-fsck -n "$loop"
  run 0 insitu-unpack -q "$loop" back3
  check "through a device" [ "$(parts back3)" = "$(parts raw)" ]
  run 0 insitu-format -q --force "$loop"
  run 0 insitu-unpack -q --length 9G "$loop" back3
  check "formatted, it is empty" [ "$(du -k back3 | cut -f1)" -le 8 ]
fi
