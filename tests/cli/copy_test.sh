#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Images that go to targets of other sizes.
# shellcheck source=lib.sh
. "$INSITU_TESTS/cli/lib.sh"

content raw 5000000
run 0 insitu-pack -q --label one raw a.img
run 0 insitu-copy a.img same.img
check "of the same size: the same bytes" cmp a.img same.img
run 0 insitu-copy --json --size 40M a.img large.img
check "a report" [ "$(jq -r '.schema + .label' out)" = insitu-copy/1one ]
check "of the size that was asked for" [ "$(insitu-stat --json large.img | jq .logical_bytes)" = $((40 << 20)) ]
run 0 insitu-unpack --length 5000000 large.img b.raw
check "the same content" cmp raw b.raw
run 0 insitu-fsck large.img
run 0 insitu-copy -q --size 5000000 large.img back.img
check "and back" cmp a.img back.img
run 1 insitu-copy --size 4M a.img small.img
last=$(insitu-dump-meta --json a.img | jq '.extents[-1] | .first_block + .blocks - 1')
says err "content up to block $last, the target holds 1024 blocks"
says err "needs"
check "nothing is left" [ ! -e small.img ]
run 0 insitu-copy -q --uuid random --label two a.img other.img
check "another name" [ "$(insitu-label --json other.img | jq -r .label)" = two ]
check "another UUID" [ "$(insitu-label --json other.img | jq .uuid)" != "$(insitu-label --json a.img | jq .uuid)" ]
run 1 insitu-copy raw x.img
run 1 insitu-copy a.img a.img
says err "a.img"
run 1 insitu-copy missing x.img
run 2 insitu-copy a.img
run 2 insitu-copy --size 1X a.img x.img

# Compressed again.
run 0 insitu-pack -q --level fast --extent 4K --label one raw f.img
for words in "--alg deflate" "--level best" "--extent 128K" "--alg lzo --extent auto --worth 3" "--alg deflate --window 32K --no-seals"; do
  # shellcheck disable=SC2086
  run 0 insitu-copy --json $words f.img r.img
  check "$words: smaller" [ "$(jq .payload_bytes out)" -lt "$(insitu-stat --json f.img | jq .payload_bytes)" ]
  check "$words: by windows" [ "$(jq .recoded_windows out)" -gt 0 ]
  run 0 insitu-unpack -q --length 5000000 r.img b.raw
  check "$words: the same content" cmp raw b.raw
  check "$words: the same name" [ "$(insitu-label --json r.img | jq -r .label)" = one ]
  run 0 insitu-fsck -n r.img
done
run 0 insitu-copy --worth 99 f.img r.img
check "nothing is worth 99 %" [ "$(insitu-stat --json f.img | jq .payload_bytes)" -ge "$(insitu-stat --json r.img | jq .payload_bytes)" ]
run 0 insitu-copy -q --level best --size 60M f.img r.img
run 0 insitu-unpack -q --length 5000000 r.img b.raw
check "to another size" cmp raw b.raw
run 1 insitu-copy --alg deflate --worth 5 f.img x.img
says err "of the same algorithm"
run 2 insitu-copy --worth 100 f.img x.img
run 2 insitu-copy --no-seals f.img x.img
run 2 insitu-copy --update --level best f.img r.img
check "nothing is left of them" [ ! -e x.img ]

# On to a device on which a copy was interrupted.
truncate -s "$(stat -c %s f.img)" disk
loop disk
run 0 insitu-copy -q f.img "$loop"
dd if=/dev/zero of="$loop" bs=4096 count=1 conv=notrunc status=none # as far as it had come: no super block
run 0 insitu-copy --json --resume f.img "$loop"
check "little is written" [ "$(jq .written_bytes out)" -lt 10000 ]
run 0 insitu-fsck -n "$loop"
run 0 insitu-copy -q --resume --force a.img "$loop"
run 0 insitu-unpack -q --length 5000000 "$loop" b.raw
check "whatever was there" cmp raw b.raw
run 1 insitu-copy --resume f.img x.img
says err "is for devices"
run 1 insitu-copy --resume f.img "$loop"
says err "the device holds data"
