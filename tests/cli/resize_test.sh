#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Images that are made larger and smaller in place.
# shellcheck source=lib.sh
. "$INSITU_TESTS/cli/lib.sh" || exit 1

# holds BYTES IMAGE RAW: the image begins with what RAW does. Its reader has ended on return.
holds() { rm -f held && insitu-unpack -q "$2" held && cmp -n "$1" held "$3"; }
PATH=$PATH:/usr/sbin:/sbin

content raw 30000000
run 0 insitu-pack -q --label one --alg deflate raw a.img
cp --sparse=always a.img origin.img
same() { check "$1: the same content" holds 30000000 "$2" raw; }
sound() { run 0 insitu-fsck -n "$1" && run 0 insitu-stat --can-activate "$1" "$1"; }

# To the other side of a geometry step, and back: the same bytes as it had.
run 0 insitu-resize --json a.img 200M
check "as large as asked for" [ "$(jq .logical_bytes out)" = $((200 << 20)) ]
check "something was moved" [ "$(jq .moved_blocks out)" -gt 1000 ]
check "the file has its size" [ "$(stat -c %s a.img)" = "$(jq .device_bytes out)" ]
sound a.img
same "grown" a.img
check "with its name" [ "$(insitu-label --json a.img | jq -r .label)" = one ]
run 0 insitu-copy -q --size 200M origin.img grown.img
check "as a copy to that size" cmp <(insitu-dump-meta --hash a.img | tail -n +2) <(insitu-dump-meta --hash grown.img | tail -n +2)
run 0 insitu-resize a.img 30000000
run 0 insitu-fsck -n a.img
same "shrunk" a.img
check "holes stay holes" [ "$(($(stat -c %b a.img) * 512))" -le "$(($(stat -c %b origin.img) * 512 + 262144))" ]

# What is mapped is never cut.
run 1 insitu-resize a.img 20M
last=$(insitu-dump-meta --json a.img | jq '.extents[-1] | .first_block + .blocks - 1')
says err "content up to block $last, the size holds 5120 blocks"
same "refused" a.img
run 0 insitu-resize a.img 1G
run 0 insitu-resize --json --to-minimum a.img
check "no block less" [ "$(jq .logical_bytes out)" = $(((last + 1) * 4096)) ]
sound a.img
run 0 insitu-unpack -q a.img back
check "at its minimum" cmp -n $(((last + 1) * 4096)) back raw
run 1 insitu-resize a.img $((last * 4096))
run 0 insitu-resize --to-minimum a.img
run 0 insitu-format -q --size 100M empty.img
run 0 insitu-resize --to-minimum empty.img
sound empty.img
run 0 insitu-resize empty.img 3T
sound empty.img
check "holes take nothing" [ "$(stat -c %b empty.img)" -lt 1000 ]

# A file system that grows with its image.
mke2fs -q -t ext4 -b 4096 fs.raw 40M 2>/dev/null
run 0 insitu-pack -q fs.raw fs.img
run 0 insitu-resize fs.img 60M
run 0 insitu-unpack -q fs.img back
run 0 resize2fs back
run 0 e2fsck -fn back

# A device: as much as it has, when it has become larger; smaller, when it is told to.
truncate -s 40M disk
loop disk
run 0 insitu-copy -q origin.img "$loop"
sound "$loop"
truncate -s 400M disk
losetup -c "$loop"
run 1 insitu-stat "$loop"
run 0 insitu-resize "$loop"
sound "$loop"
same "a device" "$loop"
run 1 insitu-resize "$loop" 800M
says err "has 419430400 bytes"
run 0 insitu-resize "$loop" 30000000
says err "the driver refuses it until the device has that size"
size=$(stat -c %s origin.img)
losetup -d "$loop"
truncate -s "$size" disk
sound disk
same "cut to what is left" disk

run 2 insitu-resize a.img 0
says err "SIZE: '0' is too small"
# Killed at any moment: it is refused by all, and completed by the next run.
openssl enc -aes-128-ctr -nosalt -K 00112233445566778899aabbccddeeff -iv 00000000000000000000000000000000 \
  </dev/zero 2>/dev/null | head -c 150000000 >noise
run 0 insitu-pack -q noise noise.img
killed=0
for round in 1 2 3 4 5 6; do
  cp noise.img k.img
  insitu-resize -q k.img 400M &
  while kill -0 $! 2>/dev/null && [ "$(head -c 8 k.img | tr -d '\0')" != INSITUWK ]; do :; done
  sleep 0.0$round
  kill -9 $! 2>/dev/null
  wait $! 2>/dev/null
  insitu-stat k.img >/dev/null 2>err
  if grep -q "a resize of this image was interrupted" err; then
    killed=$((killed + 1))
    for command in insitu-fsck "insitu-fsck -y" insitu-label insitu-trim insitu-dump-meta "insitu-pack -q --update noise" "insitu-copy --update noise.img"; do
      # shellcheck disable=SC2086
      $command k.img >/dev/null 2>err && fail "$command takes it"
      says err "a resize of this image was interrupted"
      check "$command promises nothing" sh -c '! grep -q "interrupted update\|until an update" err'
    done
    run 0 insitu-resize k.img
    says err "an interrupted resize was completed"
  fi
  run 0 insitu-resize k.img 400M
  run 0 insitu-fsck -n k.img
  check "round $round: the same content" holds 150000000 k.img noise
done
check "at least one was caught at work" [ $killed -gt 0 ]

# Stopped by a signal; completed, and then another size.
cp noise.img k.img
timeout -s INT 0.05 insitu-resize k.img 400M >out 2>err
if grep -q "is moved in part" err; then
  run 0 insitu-resize k.img 200M
  check "another size" [ "$(insitu-stat --json k.img | jq .logical_bytes)" = $((200 << 20)) ]
fi

# A size that the file cannot have: the image stays as it was.
cp a.img limited.img
run 1 bash -c 'ulimit -f 100000; exec insitu-resize limited.img 20G'
says err "limited.img: cannot set the size"
check "it is still the same image" cmp a.img limited.img

# Wrong words.
run 2 insitu-resize a.img
run 2 insitu-resize a.img 1X
run 2 insitu-resize --to-minimum a.img 1G
run 1 insitu-resize missing 1G
run 1 insitu-resize raw 1G
