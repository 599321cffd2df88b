# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What every test that makes loop devices needs at its end.

# is_over LOOP FOLDER: a file of the folder is behind it, or behind the loop device that is.
is_over() {
    local backing=/sys/block/${1#/dev/}/loop/backing_file file
    file=$(cat "$backing" 2>/dev/null) || return 1
    case $file in
        "$2"/*) ;;
        /dev/loop*) is_over "$file" "$2" ;;
        *) return 1 ;;
    esac
}

# detach_own LOOP FOLDER: detaches it if it is over the folder. A test that detached its loop device earlier
# may find another test's file behind the same number, which the kernel has given out again.
detach_own() {
    ! is_over "$1" "$2" || losetup -d "$1" 2>/dev/null || true
}
