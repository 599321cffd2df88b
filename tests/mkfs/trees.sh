#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trees.sh [ARGUMENTS OF trees.py]: generated trees through every type and back, compared by mounting them.
# shellcheck source=../everyday/lib.sh
. "${INSITU_TESTS:?}/everyday/lib.sh"
need_root
# The user of the tests has to reach the work folder, and tools that a sanitizer watches have to
# run below fakeroot.
chmod 755 .
export ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0
[ $# -gt 0 ] || set -- --small 1000 4
timeout "${TREES_TIMEOUT:-1200}" python3 "$INSITU_TESTS/mkfs/trees.py" "$@" ||
    fail "trees that came out wrong, or not in time"
