#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sizes are computed: one build of the right size, whatever the tree is made of.
# shellcheck source=../everyday/lib.sh
. "${INSITU_TESTS:?}/everyday/lib.sh"
need_root

runs() { grep -c "insitu-mkfs: $1 -q" err || true; }
free_of() { # free blocks of the ext file system in an image
    rm -f raw
    insitu-unpack -q "$1" raw
    e2fsck -fn raw >checked 2>&1 || fail "e2fsck: $(cat checked)"
    dumpe2fs -h raw 2>/dev/null | awk -F: '/^Free blocks/ {print $2 + 0}'
}

# A block of attributes a file, inodes by number, small blocks, many links.
mkdir attrs
python3 - <<'P'
import os
for i in range(3000):
    os.close(os.open('attrs/%d' % i, os.O_CREAT | os.O_WRONLY, 0o644))
    os.setxattr('attrs/%d' % i, 'user.big', (str(i) * 700)[:2500].encode())
P
for type in ext2 ext3 ext4; do
    expect 0 insitu-mkfs -v -t $type -d attrs image
    [ "$(runs mke2fs)" -le 2 ] || fail "$type: $(runs mke2fs) runs"
    [ "$(free_of image)" -lt 1200 ] || fail "$type: $(free_of image) blocks are left over"
done
mkdir small
(cd small && seq 8000 | split -l 1 -a 4 -)
expect 0 insitu-mkfs -v -t ext4 -d small image 90M
[ "$(runs mke2fs)" -le 2 ] || fail "inodes: $(runs mke2fs) runs"
expect 0 insitu-mkfs -v -t ext4 -d small image
[ "$(runs mke2fs)" -le 2 ] || fail "inodes: $(runs mke2fs) runs"
mkdir few && cp small/xaa* few
for block in 1024 2048 4096; do
    expect 0 insitu-mkfs -v -t ext4 -d small image -- -b $block
    [ "$(runs mke2fs)" -le 3 ] || fail "-b $block: $(runs mke2fs) runs"
    [ "$(free_of image)" -lt $((8388608 / block)) ] || fail "-b $block: $(free_of image) blocks are left over"
    [ $block = 4096 ] || says "does not mount on the driver's device"
done
# Options that change what fits: other FATs, bytes for each inode, files that count what owners use.
for bits in 12 16 32; do
    expect 0 insitu-mkfs -t vfat -d few image -- -F $bits
    insitu-unpack -q image raw
    fsck.vfat -n raw >checked || fail "FAT $bits: $(cat checked)"
    [[ $(file raw) == *"FAT ($bits bit)"* ]] || fail "-F $bits: $(file raw)"
done
# More names at the top than mkfs.vfat makes room for, whose room takes that of files.
for files in 300 2000; do
    mkdir top$files
    for i in $(seq $files); do head -c $((files == 300 ? 100000 : 1)) /dev/zero >top$files/n$i; done
    expect 0 insitu-mkfs -q -t vfat -d top$files image
done
expect 1 insitu-mkfs -t xfs -d few image 20M
says "hint: a larger SIZE"
for options in '-i 1048576' '-T largefile4' '-O quota' '-O quota,project'; do
    # shellcheck disable=SC2086
    expect 0 insitu-mkfs -t ext4 -d few image -- $options
    [ -n "$(free_of image)" ] || fail "ext4 $options"
done
expect 1 insitu-mkfs -t ext4 -d few image -- -N 20
says "no inode is left in the file system for it"
expect 1 insitu-mkfs -t ext4 -d few image 20M -- -O bigalloc
says "is for a file system that is filled when it is mounted"
expect 1 insitu-mkfs -t ext4 -d few image -- -d small
says "fills the file system a second time"

mkdir links
head -c 1000000 /dev/urandom >links/a
for i in $(seq 200); do ln links/a "links/l$i"; done
expect 0 insitu-mkfs -v -t xfs -d links image
[ "$(runs mkfs.xfs)" = 1 ] || fail "xfs: $(runs mkfs.xfs) runs"
for type in ext4 btrfs squashfs erofs; do
    expect 0 insitu-mkfs -t $type -d links image --verify
    [ "$(insitu-stat --json image | jq .mapped_bytes)" -lt 20000000 ] || fail "$type: links are copies"
done

# Holes stay holes, and cost nothing.
mkdir holes
echo begin >holes/sparse
truncate -s 200M holes/sparse
echo end >>holes/sparse
for type in ext2 ext4 squashfs erofs; do
    expect 0 insitu-mkfs -t $type -d holes image
    [ "$(du -k image | cut -f1)" -lt 3000 ] || fail "$type: a hole takes $(du -k image)"
done

# btrfs keeps what is a whole MiB of a hole, whatever the checksums, the names and the ends are.
truncate -s 5G holes/all
truncate -s 1048577 holes/byte
python3 - <<'P'
with open('holes/many', 'wb') as file:
    for i in range(60):
        file.seek(i * (5 << 19) + i * 4099 % 4096)
        file.write(b'%d' % i * 999)
    file.truncate(200 << 20)
P
mkdir holes/below back
ln holes/many holes/below/linked
head -c 3000000 /dev/urandom >holes/dense
chown -R 5:6 holes
kept_by_btrfs() { # kept_by_btrfs IMAGE: it has the holes, and nothing is wrong in it
    rm -f raw
    insitu-unpack -q "$1" raw
    btrfs check --check-data-csum raw >checked 2>&1 || fail "btrfs check: $(cat checked)"
    mount -o loop,ro raw back
    for file in byte below/linked dense; do cmp holes/$file back/$file || fail "btrfs: $file differs"; done
    cmp <(tail -c 5 holes/sparse) <(tail -c 5 back/sparse) || fail "btrfs: the end of a file differs"
    [ "$(stat -c '%h %s %u' back/many)" = "2 209715200 5" ] || fail "btrfs: $(stat back/many)"
    [ "$(du -sk back | cut -f1)" -lt 80000 ] || fail "btrfs: holes take $(du -ak back)"
    [ "$(stat -c "%s %b" back/all)" = "5368709120 0" ] || fail "btrfs: a file that is a hole takes room"
    umount back
}
expect 0 insitu-mkfs -t btrfs -d holes image
kept_by_btrfs image
tar -S -C holes -cf holes.tar .
expect 0 insitu-mkfs -t btrfs -d - image 500M <holes.tar -- --csum xxhash
kept_by_btrfs image
chmod 755 . && mkdir users && chmod 777 users
user() { setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/ "$(command -v insitu-mkfs)" "$@"; }
expect 0 user -t btrfs -d holes users/image -- --csum sha256
kept_by_btrfs users/image
expect 0 insitu-mkfs -t btrfs -d few image -- -O ^no-holes
expect 1 insitu-mkfs -t btrfs -d few image -- --csum blake2
says "was asked for checksums that cannot be made here"
mkdir one && truncate -s 3M one/hole
expect 0 insitu-mkfs -t btrfs -d one image -- -O ^no-holes
says "holes are written out as zeros"

# --free, --dry-run and --fs-size say what they mean.
expect 0 insitu-mkfs -t ext4 -d small image --free 30M
[ "$(free_of image)" -ge 7680 ] || fail "--free gives less"
for type in ext4 xfs vfat; do
    expect 0 insitu-mkfs -t $type -d few image --json --dry-run
    size=$(jq .file_system_bytes out)
    expect 0 insitu-mkfs -t $type -d few image --json
    [ "$(jq .file_system_bytes out)" = "$size" ] || fail "$type: --dry-run says $size"
done
rm -f new
expect 0 insitu-mkfs -t squashfs -d small new --dry-run
grep -q 'squashfs: [0-9]* bytes, in an image of' out || fail "--dry-run says $(cat out)"
[ ! -e new ] || fail "--dry-run made something"
truncate -s 200M disk
attach disk
expect 0 insitu-mkfs -t ext4 -d small --fs-size 120M "$loop"
insitu-unpack -q "$loop" raw
[ "$(dumpe2fs -h raw 2>/dev/null | awk -F: '/^Block count/ {print $2 * 4096}')" = $((120 << 20)) ] ||
    fail "--fs-size is not the size"
expect 1 insitu-mkfs --force -t ext4 -d small --fs-size 300M "$loop"
says "the image has room for"

# A full host is what is reported, at once, and not answered by a larger image.
mkdir full
mount -t tmpfs -o size=8m none full
head -c 12000000 /dev/urandom >links/b
for type in ext4 squashfs erofs btrfs; do
    expect 1 insitu-mkfs -v -t $type -d links full/image
    says "No space left on device"
    if grep -q 'a larger SIZE' err; then fail "$type: the hint is about SIZE"; fi
done
umount full
expect 1 insitu-mkfs -t ext4 -d links image 9M
says "hint: a larger SIZE"
