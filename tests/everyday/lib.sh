#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034
# Shared by the scripts of this folder: the built tools, a scratch directory, expectations.
set -eu
PATH="${INSITU_TOOLS:?}:$PATH:/usr/sbin:/sbin"
export LC_ALL=C.UTF-8
# shellcheck source=tests/loops.sh
. "$(dirname "${BASH_SOURCE[0]}")/../loops.sh"
scratch=$(realpath "$(mktemp -d)")
loops=()
clean_up() {
    local loop point
    while read -r _ point _; do
        case $point in "$scratch"/*) umount "$point" ;; esac
    done < <(tac /proc/mounts)
    for loop in "${loops[@]}"; do detach_own "$loop" "$scratch"; done
    rm -rf --one-file-system "$scratch"
}
trap clean_up EXIT
cd "$scratch"

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# expect STATUS COMMAND…: runs it; its messages stand in the file err, its output in out.
expect() {
    local wanted=$1 status=0
    shift
    "$@" >out 2>err || status=$?
    [ "$status" = "$wanted" ] ||
        fail "$* ended with $status, expected $wanted: $(cat err)"
}

# says WORDS: the last command that expect() ran said so on stderr.
says() {
    grep -qF -- "$*" err || fail "expected the message to hold '$*', got: $(cat err)"
}

# A raw image with text, programs, noise, zeros and a hole. Its size is no multiple of a block.
make_raw() {
    head -c 100000 /dev/urandom >"$1"
    head -c 1000000 "$(command -v bash)" >>"$1"
    head -c 300000 /dev/zero >>"$1"
    seq 100000 >>"$1"
    truncate -s 20000000 "$1"
    head -c 123457 "$(command -v bash)" >>"$1"
}

# Needs root and loop devices: without them the test fails, it is not skipped.
need_root() {
    [ "$(id -u)" = 0 ] && losetup -f >/dev/null 2>&1 || fail "needs root and loop devices"
}

# attach FILE [losetup options…]: a loop device over it, in the variable loop.
attach() {
    local file=$1
    shift
    loop=$(losetup -f --show "$@" "$file")
    loops+=("$loop")
}
