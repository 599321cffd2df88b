#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mkfs_speed.sh BUILD [ROUNDS [WHAT]]: insitu-mkfs of BUILD/apps beside the programs that make file systems, one
# after the other in each of ROUNDS (3), the best time of each. Prints a table: seconds of the foreign
# program alone, of it and insitu-pack, of insitu-mkfs, and its ratio to each. WHAT chooses rows by a pattern.
# Needs root.
set -eu
PATH=$(cd "$1" && pwd)/apps:$PATH:/usr/sbin:/sbin
rounds=${2:-3}
what=${3:-.}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

seconds() { # seconds COMMAND…: how long it takes
    local begin=$EPOCHREALTIME
    "$@" >log 2>&1 || { cat log >&2; kill $$; }
    awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'
}
smaller() { awk -v a="$1" -v b="$2" 'BEGIN { print b == "" || a < b ? a : b }'; }
# row NAME SIZE TREE -- FOREIGN…: FOREIGN makes the file raw, of SIZE bytes if that is not 0
row() {
    local name=$1 size=$2 tree=$3 foreign='' pack='' ours=''
    local type=${name%%,*}
    shift 4
    grep -q "$what" <<<"$name" || return 0
    for _ in $(seq "$rounds"); do
        rm -f raw packed image
        [ "$size" = 0 ] || truncate -s "$size" raw
        foreign=$(smaller "$(seconds "$@")" "$foreign")
        truncate -s %4096 raw
        pack=$(smaller "$(seconds insitu-pack -q raw packed)" "$pack")
        if [ "$size" = 0 ]; then
            ours=$(smaller "$(seconds insitu-mkfs -q -t "$type" -d "$tree" image)" "$ours")
        else
            ours=$(smaller "$(seconds insitu-mkfs -q -t "$type" -d "$tree" image "$size")" "$ours")
        fi
    done
    awk -v n="$name" -v f="$foreign" -v p="$pack" -v o="$ours" \
        'BEGIN { printf "%-46s %8.2f %8.2f %8.2f %8.2f %8.2f\n", n, f, f + p, o, o / f, o / (f + p) }'
}

mkdir names xattrs usual
(cd names && seq 20000 | xargs touch)
python3 - <<'P'
import os, random
random.seed(1)
for i in range(30000):
    os.makedirs('xattrs/%d' % (i // 500), exist_ok=True)
    path = 'xattrs/%d/%d' % (i // 500, i)
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
    os.setxattr(path, 'user.big', (b'%d ' % i * 2500)[:2500])
for i in range(3000):
    os.makedirs('usual/%d' % (i // 60), exist_ok=True)
    with open('usual/%d/%d' % (i // 60, i), 'wb') as file:
        file.write(random.randbytes(random.choice([0, 100, 5000, 40000, 200000])))
P
printf '%-46s %8s %8s %8s %8s %8s\n' 'seconds, best of rounds' foreign and-pack ours ratio to-both
row 'ext4, 20000 empty files' 64M names -- mke2fs -q -F -t ext4 -N 21000 -d names raw
export SOURCE_DATE_EPOCH=1700000000 E2FSPROGS_FAKE_TIME=1700000000
row 'ext4, 20000 empty files, an epoch' 64M names -- mke2fs -q -F -t ext4 -N 21000 -d names raw
unset SOURCE_DATE_EPOCH E2FSPROGS_FAKE_TIME
row 'ext4, 30000 files with a block of attributes' 300M xattrs -- mke2fs -q -F -t ext4 -N 32000 -b 4096 -d xattrs raw
row 'ext4, the same, SIZE left out by insitu-mkfs' 0 xattrs -- bash -c \
    'truncate -s 300M raw && mke2fs -q -F -t ext4 -N 32000 -b 4096 -d xattrs raw'
row 'ext4, 3000 files of 150 MB' 400M usual -- mke2fs -q -F -t ext4 -d usual raw
row 'btrfs, the same' 0 usual -- bash -c 'truncate -s 600M raw && mkfs.btrfs -q --shrink --rootdir usual raw'
row 'squashfs, the same' 0 usual -- mksquashfs usual raw -noappend -quiet -no-progress
row 'erofs, the same' 0 usual -- mkfs.erofs --quiet raw usual
{
    printf '/dev/null\n0 0\nd--755 0 0\n'
    for directory in usual/*; do
        printf '%s d--755 0 0\n' "${directory#usual/}"
        for file in "$directory"/*; do printf '%s ---644 0 0 %s\n' "${file##*/}" "$file"; done
        echo '$'
    done
    echo '$'
} >prototype
row 'xfs, the same' 500M usual -- mkfs.xfs -q -f -s size=4096 -p prototype raw
row 'vfat, the same' 400M usual -- bash -c \
    'mkfs.vfat -S 4096 raw && find usual -mindepth 1 -maxdepth 1 -print0 | xargs -0 sh -c "mcopy -s -p -m -Q -i raw \"\$@\" ::/" sh'
