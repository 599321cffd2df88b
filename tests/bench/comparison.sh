#!/bin/bash
# Measures the tables of docs/comparison.md: three jobs, with the peers that people use for them.
# Needs root, loop devices, btrfs-progs, squashfs-tools, erofs-utils, qemu-utils, e2fsprogs.
# usage: INSITU_TOOLS=DIR tests/bench/comparison.sh TREE [WORKDIR]
set -eu
PATH=${INSITU_TOOLS:?the directory of the built tools}:$PATH:/usr/sbin:/sbin
tree=$(realpath "$1")
work=$(mktemp -d "${2:-/var/tmp}/insitu-comparison.XXXXXX")
cd "$work"
mkdir mnt
trap 'umount mnt 2>/dev/null || true; cd /; rm -rf --one-file-system "$work"' EXIT

runs=${RUNS:-3}
# seconds COMMAND…: the best of some runs, in the variable seconds; before each, `before` is run.
before() { :; }
seconds() {
    local best=999999 start took i
    for ((i = 0; i < runs; i++)); do
        before
        sync
        start=$(date +%s%N)
        "$@" >/dev/null 2>log || { cat log >&2; exit 1; }
        took=$((($(date +%s%N) - start) / 10000000))
        [ $took -ge $best ] || best=$took
    done
    seconds=$(printf '%d.%02d' $((best / 100)) $((best % 100)))
}
mib() { printf '%d.%d' $(($1 / 1048576)) $(($1 % 1048576 * 10 / 1048576)); }
file_mib() { mib "$(stat -c %s "$1")"; }
taken_mib() { sync "$1"; mib $(($(stat -c %b "$1") * 512)); }
row() { local IFS='|'; echo "| $* |" | sed 's/|/ | /g; s/^ | *//; s/^/| /; s/ *| *$/ |/; s/  */ /g'; }
read_mounted() { mount -o loop,ro "$@" mnt && tar -C mnt -cf - . | cat >/dev/null && umount mnt; }
drop() { sync && echo 3 >/proc/sys/vm/drop_caches; }


echo "tree: $(du -s --apparent-size -B1 "$tree" | cut -f1) bytes, $(find "$tree" | wc -l) entries;" \
    "$(nproc) CPUs, $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2-); best of $runs runs"

echo; echo "### Ship a root image"; echo
row image "file, MiB" "make, s" "read all, s" writable
row --- ---: ---: ---: ---
ship() { # NAME WRITABLE READ-COMMAND -- MAKE-COMMAND
    local name=$1 writable=$2 reader=$3 made
    shift 4
    before() { rm -f image; }
    seconds "$@"
    made=$seconds
    before() { drop; }
    seconds $reader
    if [[ $name == insitu* ]]; then size=$(taken_mib image); else size=$(file_mib image); fi
    row "$name" "$size" "$made" "$seconds" "$writable"
}
to_null() { insitu-unpack image - | cat >/dev/null; }
qcow_from_tree() { qemu-img convert -q -c -O qcow2 fs.raw image; }
read_qcow() { qemu-img convert -q -O raw image back.raw && rm back.raw; }
ship "insitu, ext4, lzo" yes to_null -- insitu-mkfs -q -t ext4 -d "$tree" image
ship "insitu, ext4, deflate" yes to_null -- insitu-mkfs -q -t ext4 -d "$tree" image --alg deflate --extent 128K
insitu-mkfs -q -t ext4 -d "$tree" fs.img && insitu-unpack -q fs.img fs.raw && rm fs.img
ship "squashfs, lzo" no "read_mounted image" -- mksquashfs "$tree" image -noappend -quiet -no-progress -comp lzo
ship "squashfs, gzip" no "read_mounted image" -- mksquashfs "$tree" image -noappend -quiet -no-progress -comp gzip
ship "erofs, lz4hc" no "read_mounted image" -- mkfs.erofs --quiet -zlz4hc image "$tree"
ship "qcow2 -c, ext4" yes read_qcow -- qcow_from_tree

echo; echo "### Keep a writable compressed disk"; echo
row disk "on the host, MiB" "fill, s" "read all, s"
row --- ---: ---: ---:
size=$(($(stat -c %s fs.raw) * 2))
before() { rm -f disk; }
fill_insitu() { insitu-mkfs -q -t ext4 -d "$tree" disk $size "$@"; }
seconds fill_insitu
filled=$seconds
before() { drop; }
read_insitu() { insitu-unpack disk - | cat >/dev/null; }
seconds read_insitu
row "insitu, ext4, lzo (offline tools)" "$(taken_mib disk)" "$filled" "$seconds"
before() { rm -f disk; }
fill_btrfs() {
    truncate -s $((size > 268435456 ? size : 268435456)) disk && mkfs.btrfs -q disk &&
        mount -o loop,compress-force=lzo disk mnt && cp -a "$tree/." mnt/ && umount mnt
}
seconds fill_btrfs
filled=$seconds
before() { drop; }
seconds read_mounted disk
row "btrfs, compress-force=lzo" "$(taken_mib disk)" "$filled" "$seconds"
before() { rm -f disk; }
fill_qcow() { qemu-img convert -q -c -O qcow2 fs.raw disk && qemu-img resize -q disk $size; }
seconds fill_qcow
filled=$seconds
before() { drop; }
read_disk_qcow() { qemu-img convert -q -O raw disk back.raw && rm back.raw; }
seconds read_disk_qcow
row "qcow2 -c (what is written later is not compressed)" "$(taken_mib disk)" "$filled" "$seconds"

echo; echo "### Archive a disk"; echo
row archive "file, MiB" "pack, s" "unpack, s"
row --- ---: ---: ---:
truncate -s $size fs.raw
archive() { # NAME UNPACK -- PACK
    local name=$1 unpacker=$2 packed
    shift 3
    before() { rm -f disk; }
    seconds "$@"
    packed=$seconds
    before() { rm -f back.raw && drop; }
    seconds $unpacker
    cmp fs.raw back.raw || { echo "$name: differs" >&2; exit 1; }
    row "$name" "$(taken_mib disk)" "$packed" "$seconds"
}
archive "insitu, lzo" "insitu-unpack disk back.raw" -- insitu-pack -q fs.raw disk
archive "insitu, deflate" "insitu-unpack disk back.raw" -- insitu-pack -q --alg deflate --extent 128K fs.raw disk
archive "qcow2 -c" "qemu-img convert -q -O raw disk back.raw" -- qemu-img convert -q -c -O qcow2 fs.raw disk
