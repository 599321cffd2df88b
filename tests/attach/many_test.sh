#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 20 images at once: each is attached, mounted, written and detached while the others are.
# shellcheck source=lib.sh
. "${INSITU_TESTS:?}/attach/lib.sh"

images=$(seq 1 20)
every() { # COMMAND: of each image at the same time, its number as $1; what failed is in `failures`
  local pids=() number
  : >failures
  for number in $images; do
    bash -c "$1" each "$number" >"log.$number" 2>&1 || echo "$number: $(cat "log.$number")" >>failures &
    pids+=($!)
  done
  wait "${pids[@]}"
}

insitu-format -q --size 16M first
run 0 insitu-attach first
run 0 mkfs.ext4 -q -E lazy_itable_init=0 "$(cat out)"
run 0 insitu-detach first
for number in $images; do
  cp first "image $number"
  mkdir "mnt $number"
done

every 'insitu-attach --fs ext4 "image $1" "mnt $1"'
check "all were attached: $(cat failures)" [ ! -s failures ]
run 0 insitu-attach --list
check "and are listed" [ "$(grep -c "/image " out)" -eq 20 ]
check "each as a device of its own" [ "$(cut -d' ' -f1 out | sort -u | wc -l)" -eq 20 ]
every 'seq "$1" 20000 >"mnt $1/numbers"'
check "all were written: $(cat failures)" [ ! -s failures ]
every 'insitu-detach "mnt $1"'
check "all were detached: $(cat failures)" [ ! -s failures ]
nothing_left "all of them"

for number in $images; do
  insitu-fsck -n "image $number" >out 2>&1 || check "image $number: $(cat out)" false
  insitu-unpack -q "image $number" raw --force
  debugfs -R 'cat numbers' raw 2>/dev/null | cmp -s - <(seq "$number" 20000) ||
    check "what image $number holds" false
done
