#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What docs/fsck.md says of the speed of insitu-fsck, beside insitu-unpack in the same run.
#
# usage: fsck_speed.sh RAW [DIRECTORY]
#
# Packs RAW with both codecs, reads each image in turns with insitu-unpack to /dev/null and with
# insitu-fsck, from cache, and prints the best and the median of $RUNS runs (7) with their ratio.
# Then the meta-only check of 1 TiB, empty and with an extent for every block, and the memory for
# 16 TiB. The tools are looked up in PATH; time(1) has to be GNU's.
set -eu
export LC_ALL=C
raw=$1
work=$(mktemp -d "${2:-.}/fsck-speed-XXXXXX")
trap 'rm -rf "$work"' EXIT

# seconds COMMAND...: wall time and peak memory in KiB.
seconds() { command time -f '%e %M' -o "$work/time" "$@" >/dev/null && cat "$work/time"; }
best_and_median() { sort -n "$1" | awk '{ t[NR] = $1; m = $2 > m ? $2 : m }
  END { print t[1], t[int((NR + 1) / 2)], m }'; }

for alg in lzo deflate; do
  image=$work/$alg.img
  insitu-pack -q --alg "$alg" "$raw" "$image"
  insitu-unpack -q "$image" - >/dev/null
  rm -f "$work"/unpack "$work"/fsck
  for _ in $(seq "${RUNS:-7}"); do
    seconds insitu-unpack -q "$image" - >>"$work/unpack"
    seconds insitu-fsck -q "$image" >>"$work/fsck"
  done
  read -r unpack_best unpack_median _ < <(best_and_median "$work/unpack")
  read -r fsck_best fsck_median memory < <(best_and_median "$work/fsck")
  awk -v a="$alg" -v ub="$unpack_best" -v um="$unpack_median" -v fb="$fsck_best" -v fm="$fsck_median" \
    -v mem="$memory" 'BEGIN { printf "%-8s unpack %.2f s (median %.2f), fsck %.2f s (median %.2f): " \
      "fsck has %.2f times the speed (median %.2f), peak %.1f MiB\n",
      a, ub, um, fb, fm, ub / fb, um / fm, mem / 1024 }'
  rm -f "$image"
done

insitu-format -q --size 1T "$work/large.img"
report() { awk -v text="$1" '{ printf "%s: %.2f s, peak %.1f MiB\n", text, $1, $2 / 1024 }'; }
seconds insitu-fsck -q --meta-only "$work/large.img" | report "meta-only, 1 TiB, empty"
# 8 blocks are 5 bytes: heads with a share of 8.
python3 - "$work/large.img" <<'PYTHON'
import struct, sys
with open(sys.argv[1], "r+b") as image:
    _, data_blocks = struct.unpack("<QQ", image.read(32)[16:])
    entries = sum(8 << 5 * i for i in range(8)).to_bytes(5, "little") * (1 << 18)
    image.seek(4096)
    left = data_blocks * 5 // 8
    while left > 0:
        left -= image.write(entries[: min(left, len(entries))])
PYTHON
seconds insitu-fsck -q --meta-only "$work/large.img" | report "meta-only, 1 TiB, first run"
for _ in 1 2 3; do
  seconds insitu-fsck -q --meta-only "$work/large.img" |
    report "meta-only, 1 TiB, an extent for every block, from cache"
done
rm "$work/large.img"
insitu-format -q --size 17592186040320 "$work/large.img"
for command in "insitu-fsck -q" "insitu-fsck -q --meta-only" "insitu-fsck repair -q" \
  "insitu-fsck -q --rebuild-meta"; do
  # shellcheck disable=SC2086
  seconds $command "$work/large.img" | report "$command, 16 TiB less a block, empty"
done
