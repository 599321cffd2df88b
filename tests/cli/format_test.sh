#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck source=lib.sh
. "$INSITU_TESTS/cli/lib.sh"

run 0 insitu-format --size 64M a.img
check "the file has its size" [ "$(stat -c %s a.img)" -eq 67108864 ]
check "it takes next to no space" [ "$(du -k a.img | cut -f1)" -le 16 ]
run 0 insitu-unpack a.img a.raw
check "it reads as zeros" cmp -n "$(stat -c %s a.raw)" a.raw /dev/zero
run 0 insitu-format --size 1M --alg deflate --json b.img
check "schema" [ "$(jq -r .schema out)" = insitu-format/1 ]
check "algorithm" [ "$(jq -r .algorithm out)" = deflate ]
check "blocks" [ "$(jq '.meta_blocks + .data_blocks + 1' out)" -eq 256 ]
check "comp_alg on the disk" [ "$(od -An -tu1 -j32 -N1 b.img | tr -d ' ')" -eq 1 ]

# Sizes that the driver cannot use are refused with the nearest ones.
run 1 insitu-format --size 26849280 c.img
says err "cannot use a device of 6555 blocks"
says err "hint: the nearest usable sizes are 26845184 and 26853376 bytes"
check "nothing is left behind" [ ! -e c.img ]
run 1 insitu-format --size 8K c.img
says err "too small"
says err "12288"
run 2 insitu-format --size 12Q c.img
says err "is not a size"
run 2 insitu-format --size 99999999999999999999 c.img
says err "too large"

# An existing file keeps its size; data in it is not lost without --force.
run 1 insitu-format d.img
says err "d.img: does not exist"
says err "hint: --size SIZE creates it"
truncate -s 2M d.img
run 0 insitu-format d.img
check "the size is kept" [ "$(stat -c %s d.img)" -eq 2097152 ]
run 1 insitu-format d.img
says err "holds data: insitu"
says err "hint: --force"
run 0 insitu-format --force d.img
truncate -s 4M e.img
mkfs.ext4 -q e.img
before=$(sha e.img)
run 1 insitu-format e.img
says err "holds data: ext4"
run 0 insitu-format --force --dry-run e.img
check "a dry run changes nothing" [ "$(sha e.img)" = "$before" ]
# What nobody knows is overwritten, as by mkfs.
yes "a note" | head -c 3000000 >note
run 0 insitu-format --size 2M note
check "an image of the new size" [ "$(stat -c %s note)" -eq 2097152 ]
run 0 insitu-stat note
run 0 insitu-format --size 1M --dry-run f.img
check "a dry run creates nothing" [ ! -e f.img ]
run 1 insitu-format --size 1M missing/directory/x.img
says err "cannot create"

# 16 TiB, or as much as the file system lets a file have.
run 0 insitu-format --size 17592181850112 huge.img
run 0 insitu-stat --json huge.img
check "16 TiB" [ "$(jq .device_bytes out)" -eq 17592181850112 ]
