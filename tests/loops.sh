# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What every test that makes loop devices needs at its end.

# detach_own LOOP FOLDER: detaches it if a file of the folder is behind it. A test that detached its loop device
# earlier may find another test's file behind the same number, which the kernel has given out again.
detach_own() {
    local backing=/sys/block/${1#/dev/}/loop/backing_file
    if [ -e "$backing" ] && [[ $(cat "$backing" 2>/dev/null) = "$2"/* ]]; then
        losetup -d "$1" 2>/dev/null || true
    fi
}
