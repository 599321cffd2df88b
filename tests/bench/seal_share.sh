#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/bench/seal_share.sh TOOLS-DIRECTORY RAW [WORK-DIRECTORY]: what verifying seals takes of the CPU time of
# insitu-unpack. perf samples say which part of a run is spent in the hash and in looking at seals, so one run
# is compared with itself and what else the machine does hardly counts. Median of ROUNDS (9) runs; to a file in
# memory, and to /dev/null, where nothing but reading and decoding is left. Needs perf and 4 GiB of memory.
set -eu
export LC_ALL=C
tools=$(cd "$1" && pwd)
raw=$(realpath "$2")
work=${3:-/dev/shm/insitu-seal-share}
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT
cd "$work"

share() { # share IMAGE TARGET: percent of all other samples
  rm -f out.raw
  perf record -q -F 9000 -o samples "$tools/insitu-unpack" -q -j1 "$1" "$2" >/dev/null 2>&1
  perf report -i samples --stdio -g none -s dso,sym -n 2>/dev/null | grep -v '^#' |
    awk '/xxhash|seal/ {hash += $2} {all += $2} END {printf "%.2f\n", 100 * hash / (all - hash)}'
}
for alg in lzo deflate; do
  "$tools/insitu-pack" -q --alg $alg "$raw" $alg.img
  for target in out.raw -; do
    for ((round = 0; round < ${ROUNDS:-9}; round++)); do share $alg.img $target; done | sort -n |
      awk -v what="$alg to $target" '{v[NR] = $1} END {print what ": " v[int((NR + 1) / 2)] " % (" v[1] " to " v[NR] ")"}'
  done
done
