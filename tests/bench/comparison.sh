#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# comparison.sh: measures the tables of docs/comparison.md: three jobs, with the peers that people
# use for them. Needs root, loop devices, btrfs-progs, e2fsprogs, erofs-utils, qemu-utils,
# squashfs-tools, squashfuse, and the built tools in PATH.
#   comparison.sh prepare RAW DIR  DIR gets the tree of the ext4 image RAW, and an ext4 made of it
#   comparison.sh list             the jobs and candidates
#   comparison.sh JOB CANDIDATE DIR  measures one, prints its row (best after a prepare on an idle machine)
#   comparison.sh all RAW DIR      everything: the tables of the page, as they stand there
# RUNS (3) runs each, of which the median counts. Outputs are synced within the time of their
# making; caches are dropped before reading.
set -eu
PATH=$PATH:/usr/sbin:/sbin
script=$(realpath "$0")
runs=${RUNS:-3}

jobs_list() { # job, candidate, its name in the table
  cat <<'L'
ship insitu-lzo insitu, lzo
ship insitu-deflate insitu, deflate, extents of 128K
ship squashfs-lzo squashfs, lzo
ship squashfs-gzip squashfs, gzip
ship fuse-zstd squashfs, zstd, read through FUSE
ship erofs-lz4hc erofs, lz4hc
ship qcow2 qcow2, compressed
disk insitu-lzo insitu, lzo
disk btrfs-lzo btrfs, compress-force=lzo
disk btrfs-zstd btrfs, compress-force=zstd
disk qcow2 qcow2, compressed
archive insitu-lzo insitu, lzo
archive insitu-deflate insitu, deflate, extents of 128K
archive qcow2 qcow2, compressed
archive squashfs-gzip squashfs over the raw file, gzip
L
}
head_of() { # JOB
  case $1 in
    ship) printf '\n## Ship a root image\n\n| image | MiB | make, s | read all, s |\n' ;;
    disk) printf '\n## Keep a writable compressed disk\n\n| disk | MiB on the host | fill, s | read all, s |\n' ;;
    archive) printf '\n## Archive a disk\n\n| archive | MiB | pack, s | restore, s |\n' ;;
  esac
  echo "|---|---:|---:|---:|"
}

prepare() { # RAW DIR
  local raw
  raw=$(realpath "$1")
  mkdir -p "$2"
  cd "$2"
  mkdir -p mnt tree
  mount -o loop,ro "$raw" mnt
  cp -a mnt/. tree/
  umount mnt
  rm -rf tree/lost+found fs.raw
  insitu-mkfs -q -t ext4 -d tree fs.img
  insitu-unpack -q fs.img fs.raw
  rm fs.img
  echo "tree: $(($(du -s --apparent-size -B1 tree | cut -f1) >> 20)) MiB, $(find tree | wc -l) entries;" \
    "ext4 of it: $(($(stat -c %s fs.raw) >> 20)) MiB"
}

# median COMMAND…: of some runs, each after `before`; in the variable seconds.
median() {
  local start i times=()
  for ((i = 0; i < runs; i++)); do
    before
    start=$(date +%s%N)
    "$@" >/dev/null 2>log || { cat log >&2; exit 1; }
    times+=("$((($(date +%s%N) - start) / 10000000))")
  done
  mapfile -t times < <(printf '%s\n' "${times[@]}" | sort -n)
  seconds=$(printf '%d.%02d' $((times[runs / 2] / 100)) $((times[runs / 2] % 100)))
}
drop() { sync && echo 3 >/proc/sys/vm/drop_caches; }
taken_mib() { local kib; kib=$(du -k "$1" | cut -f1) && printf '%d.%d' $((kib / 1024)) $((kib % 1024 * 10 / 1024)); }

# make_JOB_CANDIDATE makes the file out; read_JOB_CANDIDATE reads all that it holds.
unpack_to_pipe() { insitu-unpack out - | cat >/dev/null; }
read_mounted() { mount -o loop,ro out mnt && tar -C mnt -cf - . | cat >/dev/null && umount mnt; }
read_through_fuse() { squashfuse out mnt && tar -C mnt -cf - . | cat >/dev/null && umount mnt; }
to_raw() { qemu-img convert -q -O raw out back && sync back; }
make_ext4() { rm -f plain && truncate -s "$1" plain && mke2fs -q -t ext4 -b 4096 -d tree plain; } # BYTES
to_qcow2() { qemu-img convert -q -c -O qcow2 plain out && sync out; }
make_ship() {
  case $1 in
    insitu-lzo) insitu-mkfs -q -t ext4 -d tree out ;;
    insitu-deflate) insitu-mkfs -q -t ext4 -d tree out --alg deflate --extent 128K ;;
    squashfs-* | fuse-*) mksquashfs tree out -noappend -quiet -no-progress -comp "${1#*-}" && sync out ;;
    erofs-*) mkfs.erofs --quiet "-z${1#*-}" out tree && sync out ;;
    # mke2fs takes more room than the smallest that insitu-mkfs finds.
    qcow2) make_ext4 $(($(stat -c %s fs.raw) * 9 / 8)) && to_qcow2 ;;
  esac
}
read_ship() {
  case $1 in
    insitu-*) unpack_to_pipe ;;
    qcow2) to_raw ;;
    fuse-*) read_through_fuse ;;
    *) read_mounted ;;
  esac
}
make_disk() {
  local bytes=$(($(stat -c %s fs.raw) * 2))
  case $1 in
    insitu-lzo) insitu-mkfs -q -t ext4 -d tree out $bytes ;;
    btrfs-*)
      truncate -s $bytes out && mkfs.btrfs -q out && mount -o "loop,compress-force=${1#*-}" out mnt &&
        cp -a tree/. mnt/ && umount mnt && sync out
      ;;
    qcow2) make_ext4 $bytes && to_qcow2 ;;
  esac
}
read_disk() { read_ship "$1"; }
make_archive() {
  case $1 in
    insitu-lzo) insitu-pack -q fs.raw out ;;
    insitu-deflate) insitu-pack -q --alg deflate --extent 128K fs.raw out ;;
    qcow2) ln -f fs.raw plain && to_qcow2 ;;
    # The disk as one file in a squashfs: what people do who want to mount it later.
    squashfs-gzip) mksquashfs fs.raw out -noappend -quiet -no-progress && sync out ;;
  esac
}
read_archive() {
  case $1 in
    insitu-*) insitu-unpack -q out back ;;
    qcow2) to_raw ;;
    squashfs-*) unsquashfs -q -n -f -d back.d out && mv back.d/fs.raw back && sync back ;;
  esac
}

one() { # JOB CANDIDATE DIR
  local job=$1 candidate=$2 made name
  name=$(jobs_list | sed -n "s/^$job $candidate //p")
  [ -n "$name" ] || { echo "$script list names the jobs and candidates" >&2; exit 2; }
  cd "$3"
  trap 'umount mnt 2>/dev/null || :' EXIT
  before() { rm -f out && sync; }
  median "make_$job" "$candidate"
  made=$seconds
  before() { rm -rf back back.d && drop; }
  median "read_$job" "$candidate"
  [ "$job" != archive ] || cmp -n "$(stat -c %s fs.raw)" fs.raw back
  echo "| $name | $(taken_mib out) | $made | $seconds |"
  rm -rf out plain back back.d
}

case ${1:-} in
  prepare) prepare "$2" "$3" ;;
  list) jobs_list ;;
  ship | disk | archive) one "$1" "$2" "$3" ;;
  all)
    (prepare "$2" "$3")
    echo "medians of $runs runs"
    last=
    while read -r job candidate _; do
      [ "$job" = "$last" ] || head_of "$job"
      last=$job
      "$script" "$job" "$candidate" "$3" </dev/null
    done < <(jobs_list)
    ;;
  *)
    sed -n '2,/^set/p' "$script" | grep '^#' >&2
    exit 2
    ;;
esac
