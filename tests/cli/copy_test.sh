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
