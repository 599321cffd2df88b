#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/bench/run.sh [CORPUS-DIR]: measures the tools beside their peers, in one run. The candidates of
# a table take turns, each figure is a median of $ROUNDS (5) runs; ratios count, times do not: machines
# differ and are noisy. Makes its corpus first (4 GiB of space, some minutes, Debian's packages).
set -eu
export LC_ALL=C
top=$(cd "$(dirname "$0")/../.." && pwd)
corpus=${1:-$top/build/bench/corpus}
rounds=${ROUNDS:-5}
"$top/docs/install-packages.sh" "$top/tests/bench/packages.txt"
cmake -S "$top" -B "$top/build/bench" -G Ninja -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build "$top/build/bench" --target insitu-bench insitu-pack insitu-unpack insitu-stat >/dev/null
export PATH="$top/build/bench/apps:$top/build/bench/tests/bench:$PATH"
sh "$top/tests/bench/make-corpus.sh" "$corpus" >/dev/null
work=$corpus/out
rm -rf "$work"
mkdir -p "$work"
cd "$work"
trap 'rm -rf "$work"' EXIT

# once NAME COMMAND: adds "user+sys wall rss" of one run to the file NAME. Outputs are removed first,
# so that nobody pays for the old one. insitu-bench measures itself, behind its preparations.
once() {
  local name=$1
  shift
  case $* in
    insitu-bench*)
      sh -c "$*" >>"$name.runs"
      return
      ;;
  esac
  /usr/bin/time -o time.txt -f '%U %S %e %M' sh -c "$*" >/dev/null 2>&1 ||
    { echo "failed: $*" >&2; return 1; }
  awk '{print $1 + $2, $3, $4}' time.txt >>"$name.runs"
}
median() { # median NAME COLUMN
  sort -n -k"$2,$2" "$1.runs" | awk -v c="$2" '{v[NR] = $c} END {print v[int((NR + 1) / 2)]}'
}
# table TITLE REFERENCE NAME=COMMAND...: a row a candidate; ratios of wall and CPU to REFERENCE.
table() {
  local title=$1 reference=$2 name round command
  shift 2
  rm -f -- *.runs
  for ((round = 0; round <= rounds; round++)); do # the first round warms the cache
    for command in "$@"; do
      rm -rf target target.img target.sq
      once "${command%%=*}" "${command#*=}"
    done
    [ "$round" -eq 0 ] && rm -f -- *.runs
  done
  printf '\n%s\n\n| | CPU s | wall s | peak MiB | CPU ratio | wall ratio |\n|---|---|---|---|---|---|\n' "$title"
  for command in "$@"; do
    name=${command%%=*}
    awk -v n="$name" -v c="$(median "$name" 1)" -v w="$(median "$name" 2)" -v r="$(median "$name" 3)" \
      -v rc="$(median "$reference" 1)" -v rw="$(median "$reference" 2)" \
      'BEGIN {printf "| %s | %.2f | %.2f | %.0f | %.2f | %.2f |\n", n, c, w, r / 1024,
        rc ? c / rc : 0, rw ? w / rw : 0}'
  done
}

raw=$corpus/rootfs.raw
echo "## Meta in memory"
insitu-bench meta

table "## Pack rootfs.raw (2 threads)" codec \
  "codec=insitu-bench encode $raw lzo fast" \
  "io=insitu-bench io-pack $raw target.img" \
  "lzo-128K=insitu-pack -j2 --level fast --extent 128K $raw target.img" \
  "lzo-auto=insitu-pack -j2 --level fast --extent auto $raw target.img" \
  "deflate-auto=insitu-pack -j2 --alg deflate $raw target.img" \
  "cp+sync=cp --sparse=always $raw target && sync target" \
  "cp=cp --sparse=always $raw target" \
  "mksquashfs+sync=mksquashfs $raw target.sq -comp lzo -Xalgorithm lzo1x_1 -b 128K -processors 2 -noappend -no-progress && sync target.sq" \
  "mksquashfs=mksquashfs $raw target.sq -comp lzo -Xalgorithm lzo1x_1 -b 128K -processors 2 -noappend -no-progress" \
  "qemu-img=qemu-img convert -c -O qcow2 -m 2 $raw target.img" \
  "lzop=lzop -1 -c $raw >target" \
  "zstd=zstd -1 -T2 -q $raw -o target"
insitu-pack -q --level fast --extent 128K "$raw" packed.img
insitu-pack -q --level fast --extent auto "$raw" auto.img
insitu-pack -q --alg deflate "$raw" deflate.img
mksquashfs "$raw" packed.sq -comp lzo -Xalgorithm lzo1x_1 -b 128K -noappend -no-progress -quiet >/dev/null
qemu-img convert -c -O qcow2 "$raw" packed.qcow2
table "## Unpack rootfs.raw (2 threads)" codec \
  "codec=insitu-bench decode $raw lzo fast" \
  "io=insitu-bench io-unpack packed.img target" \
  "lzo-128K=insitu-unpack -j2 packed.img target" \
  "lzo-auto=insitu-unpack -j2 auto.img target" \
  "deflate-auto=insitu-unpack -j2 deflate.img target" \
  "unsquashfs+sync=unsquashfs -p 2 -no-progress -d target packed.sq && sync -f target" \
  "unsquashfs=unsquashfs -p 2 -no-progress -d target packed.sq" \
  "qemu-img=qemu-img convert -O raw -m 2 packed.qcow2 target" \
  "cp=cp --sparse=always $raw target"
printf '\n## Sizes of rootfs.raw\n\n'
du -k packed.img auto.img deflate.img packed.sq packed.qcow2 | awk '{print $2, $1 * 1024, "bytes"}'

table "## Random data: no codec may cost much" cp+sync \
  "cp+sync=cp $corpus/random.raw target && sync target" \
  "cp=cp $corpus/random.raw target" \
  "lzo=insitu-pack -j2 $corpus/random.raw target.img" \
  "lzo-best=insitu-pack -j2 --level best $corpus/random.raw target.img" \
  "deflate-fast=insitu-pack -j2 --alg deflate --level fast $corpus/random.raw target.img" \
  "deflate=insitu-pack -j2 --alg deflate $corpus/random.raw target.img" \
  "deflate-best=insitu-pack -j2 --alg deflate --level best $corpus/random.raw target.img" \
  "deflate-32K-best=insitu-pack -j2 --alg deflate --window 32K --level best $corpus/random.raw target.img"

truncate -s 1T terabyte
for ((at = 0; at < 1024; at += 8)); do
  dd if="$corpus/text.raw" of=terabyte bs=1M count=1 seek=$((at * 1024)) skip=$((at / 8)) conv=notrunc status=none
done
insitu-pack -q terabyte terabyte.img
table "## A sparse terabyte (128 MiB of data)" stat \
  "stat=insitu-stat terabyte.img" \
  "pack=insitu-pack -j2 terabyte target.img" \
  "unpack=insitu-unpack -j2 terabyte.img target"
rm -f terabyte terabyte.img

printf '\n## Random reads of 4 KiB: open_image() beside a Device\n\n'
for image in packed.img auto.img deflate.img; do
  echo "$image"
  insitu-bench reads $image
done

printf '\n## Levels, beside the encoders of others\n\n'
insitu-bench codecs "$raw" 8 "$rounds"
printf '\n## Extent policies, lzo, one thread, rootfs.raw\n\n'
insitu-bench extents "$raw" lzo fast
printf '\n## Extent policies, deflate default\n\n'
insitu-bench extents "$raw" deflate default
