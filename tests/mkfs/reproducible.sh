#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SOURCE_DATE_EPOCH: the same bytes whatever the machine's settings, order and times of the tree are.
# shellcheck source=../everyday/lib.sh
. "${INSITU_TESTS:?}/everyday/lib.sh"
need_root

mkdir tree
for i in $(seq 40); do echo "$i" >"tree/f$i"; done
: >"tree/$(printf 'Icon\r')"
: >"tree/$(printf 'line\nbreak')"
mkdir -p tree/a/b tree/lost+found
ln -s f1 tree/link
touch -d @1750000123 tree/f1
find tree -exec touch -h -d @1700000000 {} +
mkdir mnt
# each COMMAND: with every type and SOURCE_DATE_EPOCH as its arguments, and the epoch set.
each() {
    local epoch type
    for epoch in 0 1 1500000000 4300000000; do
        for type in ext2 ext3 ext4 squashfs erofs; do
            case $type:$epoch in squashfs:4300000000 | erofs:4300000000) continue ;; esac
            SOURCE_DATE_EPOCH=$epoch "$@" $type $epoch
        done
    done
}
make_one() {
    find tree -exec touch -h -d @1750000001 {} +
    [ "$1" = squashfs ] || find tree -type f -exec touch -a -d @1650000000 {} +
    expect 0 insitu-mkfs -q -t "$1" -d tree "one-$1-$2"
}
# Another place, order, umask, language, time zone, home, times beyond the epoch, a later second.
make_two() {
    rm -rf elsewhere && mkdir -p elsewhere/dir
    (cd tree && find . -depth -print0 | sort -rz | cpio -0pdm --quiet ../elsewhere/dir/copy)
    find elsewhere -exec touch -h -d @1750000007 {} +
    [ "$2" -lt 1700000000 ] || find elsewhere -exec touch -h -d @1750000001 {} +
    expect 0 env LC_ALL=de_DE.UTF-8 TZ=Asia/Tokyo HOME=/nowhere \
        bash -c "umask 077; exec \"$(command -v insitu-mkfs)\" -q -t $1 -d elsewhere/dir/copy two"
    cmp "one-$1-$2" two || fail "$1 at $2: two runs differ"
    [ "$2" = 0 ] && [ "$1" != erofs ] || return 0
    insitu-unpack -q two raw
    mount -o loop,ro raw mnt
    time=$(stat -c %Y mnt/f1)
    umount mnt
    [ "$time" = 0 ] || fail "$1 at 0: a file has the time $time"
}
each make_one
sleep 1.1
each make_two
export SOURCE_DATE_EPOCH=0
expect 0 insitu-mkfs -q -t ext4 -d tree one
insitu-unpack -q one raw
if dumpe2fs -h raw 2>/dev/null | grep "$(date +%Y)"; then fail "the super block has today's time"; fi
e2fsck -fn raw >out 2>&1 || fail "e2fsck: $(cat out)"
expect 1 env SOURCE_DATE_EPOCH=-1 "$(command -v insitu-mkfs)" -t ext4 -d tree one
