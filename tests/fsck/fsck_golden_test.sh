#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The images which the real driver wrote: sound ones are clean, damaged ones are repaired as far as
# their notes say, every repair can be undone.
. "$INSITU_TESTS/cli/lib.sh"

unpack_image() { xz -dc "$INSITU_TESTS/golden/$1.img.xz" | dd of="$1.img" conv=sparse status=none; }

for file in "$INSITU_TESTS"/golden/*.img.xz; do
  name=$(basename "$file" .img.xz)
  case $name in bad-*) continue ;; esac
  unpack_image "$name"
  run 0 insitu-fsck "$name.img"
  run 0 insitu-fsck --kernel-safe -q "$name.img"
  rm -f "$name.img"
done

# repair NAME STATUS AGAIN [options]
repair() {
  local name=$1 status=$2 again=$3 before
  shift 3
  unpack_image "$name"
  before=$(sha "$name.img")
  run 4 insitu-fsck "$name.img"
  run "$status" insitu-fsck repair "$@" "$name.img"
  run "$again" insitu-fsck repair "$@" "$name.img"
  if [ -e "$name.img.insitu-undo" ]; then
    run 0 insitu-fsck undo "$name.img" "$name.img.insitu-undo"
    check "undo of $name" test "$(sha "$name.img")" = "$before"
    run 0 insitu-fsck undo "$name.img" "$name.img.insitu-undo"
  fi
}
repair bad-crash-eio-lzo 5 4
repair bad-crash-short-lzo 1 0
repair bad-cut-extent-lzo 1 0
repair bad-half-write-lzo 1 0
repair bad-meta-before-data-lzo 4 4
repair bad-garbage-meta-lzo 5 4
repair bad-geometry-wrap 1 0 --resize-file
repair bad-two-blocks 1 0 --resize-file
