#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Options that mean the same for all types, streams, and sectors of 4096 bytes.
# shellcheck source=../everyday/lib.sh
. "${INSITU_TESTS:?}/everyday/lib.sh"
need_root

mkdir -p tree/sub/keep tree/cache mnt
echo a >tree/a
echo b >tree/b.tmp
echo c >tree/sub/c.tmp
echo d >tree/sub/keep/d
echo e >tree/cache/e
ln tree/b.tmp tree/sub/linked
chown 12:34 tree/a tree/sub/keep/d
tar -C tree -cf tree.tar .
mounted() {
    local type=$1 image=$2 status=0
    shift 2
    rm -f raw
    insitu-unpack -q "$image" raw
    mount -o loop,ro -t "$type" raw mnt
    "$@" || status=1
    umount mnt
    return $status
}
listing() { (cd "$1" && find . -mindepth 1 -path ./lost+found -prune -o -mindepth 1 -printf '%P %U:%G %n\n' | sort); }
cat >want <<'W'
a 5:6 1
sub 5:6 3
sub/keep 5:6 2
sub/keep/d 5:6 1
sub/linked 5:6 1
W
for type in ext2 ext4 squashfs erofs xfs btrfs; do
    for from in tree -; do
        expect 0 insitu-mkfs -q -t $type -d $from --owner 5:6 --exclude '*.tmp' --exclude /cache image <tree.tar
        mounted $type image listing mnt >got || fail "$type from $from"
        [ $type != btrfs ] || sed -i -E '/^(sub|sub\/keep) /s/ [0-9]*$//' got
        if [ $type = btrfs ]; then sed -E '/^(sub|sub\/keep) /s/ [0-9]*$//' want | diff - got; else diff want got; fi ||
            fail "$type from $from: the tree differs"
    done
done
expect 0 insitu-mkfs -q -t ext4 -d tree --owner root image
[ "$(mounted ext4 image stat -c %u:%g mnt/a)" = 0:0 ] || fail "--owner root"
for wrong in me 1 1: :1 -1:1 1:4294967296; do
    expect 1 insitu-mkfs -q -t ext4 -d tree "--owner=$wrong" image
    says "expected keep, root or UID:GID"
done

# Label and UUID.
uuid=01234567-89ab-8def-8123-456789abcdef
for type in ext4 xfs btrfs; do
    expect 0 insitu-mkfs -q -t $type -d tree --label NAME --uuid $uuid image
    insitu-unpack -q image raw
    [ "$(blkid -p -o value -s LABEL -s UUID raw | sort | tr '\n' ' ')" = "$uuid NAME " ] || fail "$type: $(blkid -p raw)"
done
expect 0 insitu-mkfs -q -t vfat -d tree/sub/keep --label NAME image
insitu-unpack -q image raw
[ "$(blkid -p -o value -s LABEL raw)" = NAME ] || fail "vfat: $(blkid -p raw)"

# To a stream, and from one.
rm -f image new
for type in ext4 squashfs; do
    SOURCE_DATE_EPOCH=1700000000 insitu-mkfs -q -t $type -d tree - >streamed || fail "$type to a stream"
    SOURCE_DATE_EPOCH=1700000000 insitu-mkfs -q -t $type -d tree image || fail "$type to a file"
    cmp streamed image || fail "$type: a stream differs from a file"
    [ ! -e ./- ] || fail "a file named -"
done
insitu-mkfs -t ext4 -d tree - 2>err >streamed
grep -q 'extents' err || fail "no report beside a stream"
insitu-mkfs --json -t ext4 -d tree - 2>err >streamed
jq -e .file_system_bytes err >/dev/null || fail "no JSON beside a stream: $(cat err)"
status=0
insitu-mkfs -t ext4 -d tree - 2>err >/dev/full || status=$?
[ $status = 1 ] || fail "a full stream: $status"

# What is made mounts on sectors of 4096 bytes, as the driver's devices have.
for made in ext2:30M ext4:60M xfs:320M btrfs:150M squashfs:4M erofs:4M; do
    type=${made%:*}
    expect 0 insitu-mkfs -q -t $type -d tree image "${made#*:}"
    rm -f raw
    insitu-unpack -q image raw
    truncate -s %4096 raw
    attach raw -b 4096
    mount -o ro "$loop" mnt || fail "$type does not mount on sectors of 4096 bytes"
    [ "$(cat mnt/a)" = a ] || fail "$type on sectors of 4096 bytes"
    umount mnt
    losetup -d "$loop"
done
expect 0 insitu-mkfs -q -t vfat -d tree/sub/keep image
insitu-unpack -q image raw
[ "$(od -An -tu2 -j11 -N2 raw | tr -d ' ')" = 4096 ] || fail "vfat has other sectors"
expect 0 insitu-mkfs -t xfs -d tree image -- -s size=512
says "does not mount on the driver's device"
