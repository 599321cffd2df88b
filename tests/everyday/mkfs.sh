#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# insitu-mkfs: every type is made with the real mkfs, unpacked, mounted and compared.
# shellcheck source=lib.sh
. "${INSITU_TESTS:?}/everyday/lib.sh"
need_root

mkdir -p tree/sub/deep "tree/with space"
echo hello >tree/a
ln tree/a tree/hard
ln -s a tree/soft
cp "$(command -v bash)" tree/sub/bash
seq 20000 >tree/sub/deep/numbers
echo 'quote " and name' >'tree/with space/a "quoted" name'
chmod 4750 tree/sub/bash
chown 1234:4321 tree/sub/deep/numbers
mknod tree/null c 1 3
for i in $(seq 200); do echo "$i" >"tree/sub/file$i"; done
listing() { # what must be the same in the file system: kinds, modes, owners, sizes, targets
    (cd "$1" && find . -mindepth 1 -name lost+found -prune -o -mindepth 1 -type d -printf '%y %m %U %G %p\n' \
        -o -mindepth 1 -printf '%y %m %U %G %s %l %p\n' | sort)
}
contents() { (cd "$1" && find . -type f -exec sha256sum {} + | sort); }
same_content() { contents "$1" >want && contents "$2" >got && diff want got; }

mkdir mnt
check_mounted() { # TYPE TREE IMAGE
    expect 0 insitu-unpack "$3" raw
    [ "$(blkid -p -o value -s TYPE raw)" = "$1" ] || fail "$1: blkid says $(blkid -p raw)"
    mount -o loop,ro -t "$1" raw mnt
    local status=0
    { listing "$2" >want && listing mnt >got && diff want got && same_content "$2" mnt; } || status=1
    umount mnt
    [ $status = 0 ] || fail "$1: the file system differs from the tree"
}

# The smallest size, and a given one.
for type in ext2 ext3 ext4 btrfs squashfs erofs xfs; do
    expect 0 insitu-mkfs -t $type -d tree image
    check_mounted $type tree image
done
expect 0 insitu-mkfs -v -t ext4 -d tree image 64M -- -L LABEL -E stride=4
says "mke2fs -q -F -t ext4"
check_mounted ext4 tree image
[ "$(stat -c %s raw)" = $((64 << 20)) ] || fail "SIZE is not the size of the file system"
[ "$(blkid -p -o value -s LABEL raw)" = LABEL ] || fail "options behind -- did not reach mkfs"
expect 0 insitu-mkfs -t ext4 -d tree image --free 50M --alg deflate --json
jq -e '.schema == "insitu-mkfs/1" and .file_system == "ext4"' out >/dev/null
insitu-unpack -q image raw
mount -o loop raw mnt
dd if=/dev/zero of=mnt/more bs=1M count=45 status=none || fail "--free gives less than 45 of 50M"
umount mnt

# vfat cannot be mounted everywhere: mtools reads it, fsck.vfat checks it.
mkdir -p fat/dir
cp tree/sub/bash tree/a fat/dir/
expect 0 insitu-mkfs -t vfat -d fat image
insitu-unpack -q image raw
mkdir back
mcopy -s -Q -i raw ::/dir back/
same_content fat back || fail "vfat: content differs"
fsck.vfat -n raw >out || fail "fsck.vfat: $(cat out)"

mkfifo fat/pipe
expect 1 insitu-mkfs -t vfat -d fat image
says "pipe: is neither a file nor a directory"
rm fat/pipe

# A tar, and the owners in it.
tar -C tree -cf tree.tar .
expect 0 insitu-mkfs -t ext4 -d - image <tree.tar
check_mounted ext4 tree image
expect 0 insitu-mkfs -t squashfs -d - image <tree.tar
check_mounted squashfs tree image

# Deterministic: two runs, also from a fresh copy of the tree with other times of access.
export SOURCE_DATE_EPOCH=1700000000
find tree -exec touch -h -d @1600000000 {} +
tar -C tree --sort=name -cf tree.tar .
for type in ext4 squashfs erofs; do
    expect 0 insitu-mkfs -t $type -d tree one
    sleep 1.1
    rm -rf copy && cp -a tree copy && cat copy/sub/* >/dev/null 2>&1 || true
    expect 0 insitu-mkfs -t $type -d copy two
    cmp one two || fail "$type: two runs differ"
    # Times behind the epoch become the epoch, whatever they were.
    find copy -exec touch -h -d @1750000123 {} +
    expect 0 env SOURCE_DATE_EPOCH=1500000000 "$(command -v insitu-mkfs)" -t $type -d tree one
    expect 0 env SOURCE_DATE_EPOCH=1500000000 "$(command -v insitu-mkfs)" -t $type -d copy two
    cmp one two || fail "$type: times behind the epoch make a difference"
done
expect 0 insitu-mkfs -t ext4 -d - one <tree.tar
sleep 1.1
expect 0 insitu-mkfs -t ext4 -d - two <tree.tar
cmp one two || fail "ext4 from a tar: two runs differ"
expect 0 insitu-mkfs -t ext4 -d tree two
insitu-unpack -q two raw
e2fsck -fn raw >out 2>&1 || fail "e2fsck: $(cat out)"

# mkfs(8) and fsck(8) find the tools by the type, and mkfs(8) keeps the type for itself.
mkdir bin
ln -s "$INSITU_TOOLS/insitu-mkfs" bin/mkfs.insitu
ln -s "$INSITU_TOOLS/insitu-fsck" bin/fsck.insitu
by_type() { PATH="$PWD/bin:$PATH" "$@"; }
truncate -s 64M by-type
attach by-type
expect 0 by_type mkfs -t insitu "$loop"
grep -q 'empty lzo image, 64.0 MiB logical' out || fail "mkfs says: $(cat out)"
expect 0 insitu-stat --can-activate "$loop" "$loop"
expect 0 by_type fsck -t insitu "$loop"
grep -q "$loop: clean" out || fail "fsck says: $(cat out)"
expect 1 by_type mkfs -t insitu "$loop"
says "the device holds data: insitu"
expect 0 by_type mkfs -t insitu --force --alg deflate "$loop"
expect 1 by_type mkfs -t insitu new.img
says "hint: SIZE creates it"
expect 0 by_type mkfs -t insitu new.img 32M
[ "$(stat -c %s new.img)" = $((32 << 20)) ] || fail "SIZE is not the size of the file"
expect 2 by_type mkfs -t insitu -d tree new.img
says "--directory"
dd if=/dev/urandom of="$loop" bs=4096 seek=1 count=1 status=none
expect 4 by_type fsck -t insitu "$loop" -- -n

# Without root: files of a tar keep their owners through fakeroot.
if command -v setpriv >/dev/null && command -v fakeroot >/dev/null; then
    mkdir user && chown 65534:65534 user && chmod 755 . user
    setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/ \
        "$(command -v insitu-mkfs)" -q -t ext4 -d - user/image <tree.tar || fail "without root"
    check_mounted ext4 tree user/image
fi

# A block device is filled to its end.
truncate -s 80M disk
attach disk
expect 0 insitu-mkfs -t ext4 -d tree "$loop"
check_mounted ext4 tree "$loop"
expect 1 insitu-mkfs -t ext4 -d tree "$loop"
says "holds data: insitu"
expect 1 insitu-mkfs --force -t ext4 -d tree "$loop" 64M
says "whole of a device"

# What goes wrong says so, and leaves nothing behind.
rm -f image
expect 1 insitu-mkfs -t ext4 -d tree image 1M
says "hint: a larger SIZE"
expect 1 insitu-mkfs -t btrfs -d tree image 1M
says "there is room for 1048576"
expect 1 insitu-mkfs -t xfs -d tree image 1M
says "too small"
[ "$(grep -vc '^note:' err)" = 2 ] || fail "more than a reason and a hint: $(cat err)"
expect 1 insitu-mkfs -t nosuch -d tree image
says "the types are ext2"
expect 1 insitu-mkfs -t ext4 -d nowhere image
expect 1 insitu-mkfs -t ext4 -d tree.tar image
says "-d -"
expect 1 insitu-mkfs -t squashfs image
expect 1 insitu-mkfs -t ext4 -d tree tree/image
says "lies in tree"
expect 1 insitu-mkfs -t ext4 -d - image </dev/null
expect 1 insitu-mkfs -t erofs -d tree image --free 1M
expect 1 env SOURCE_DATE_EPOCH=today "$(command -v insitu-mkfs)" -t ext4 -d tree image
expect 2 insitu-mkfs -d tree image
[ ! -e image ] || fail "a failed run left an image"
[ -z "$(find . -name '.*mkfs-*')" ] || fail "a run left its scratch directory: $(ls -A)"
