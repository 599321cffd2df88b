#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/bench/update_speed.sh TOOLS-DIRECTORY [WORK-DIRECTORY]: what an update of 1 % of a 1 GiB image costs
# beside packing it anew. An ext4 of /usr/lib is changed in runs of 1 to 16 blocks; the commands take turns, ROUNDS
# (5) times, and the median of each is compared with that of the full pack of the same rounds. Needs
# 5 GiB of memory: everything lies in /dev/shm.
set -eu
export LC_ALL=C
tools=$(cd "$1" && pwd)
work=${2:-/dev/shm/insitu-update-speed}
rounds=${ROUNDS:-5}
export PATH="$tools:$PATH:/sbin:/usr/sbin"
mkdir -p "$work"
[ -n "${KEEP:-}" ] || trap 'rm -rf "$work"' EXIT
cd "$work"

# The part of /usr/lib that leaves 1 GiB about full, one file system for all rounds.
truncate -s 1G old.raw
mkdir tree
find /usr/lib -xdev -type f -size +4k -printf '%s %p\n' | sort -k2 |
  awk '{sum += $1; if (sum > 900e6) exit; print $2}' |
  cpio -pdm --quiet tree
mkfs.ext4 -q -F -d tree old.raw
rm -rf tree
cp --sparse=always old.raw new.raw
python3 - <<'PY'
import random
random.seed(14)
size = 4096
with open("new.raw", "r+b") as disk:
    used = [at for at in range(262144) if disk.seek(at * size) >= 0 and any(disk.read(size))]
    wanted, changed = len(used) // 100, set()
    while len(changed) < wanted:
        first = random.choice(used)
        for at in range(first, min(first + random.randint(1, 16), 262144)):
            disk.seek(at * size)
            block = disk.read(size)
            disk.seek(at * size)
            disk.write(block[::-1])  # as compressible, and new
            changed.add(at)
    print(f"{len(used)} blocks of content, {len(changed)} changed", flush=True)
PY

# once NAME COMMAND...: adds "CPU wall" of one run to NAME.runs; the copies before it do not count.
once() {
  local name=$1
  shift
  /usr/bin/time -o time.txt -f '%U %S %e' "$@" >"$name.json"
  awk '{print $1 + $2, $3}' time.txt >>"$name.runs"
}
median() { sort -n -k"$2,$2" "$1.runs" | awk -v c="$2" '{v[NR] = $c} END {print v[int((NR + 1) / 2)]}'; }

for alg in lzo deflate; do
  insitu-pack -q --alg $alg --manifest old.json old.raw old.img
  insitu-pack -q --alg $alg --manifest new.json new.raw new.img
  rm -f -- *.runs
  for ((round = 0; round < rounds; round++)); do
    rm -f full.img
    once pack insitu-pack --json --alg $alg new.raw full.img
    rm full.img
    for way in update known written; do
      cp --sparse=always old.img target.img
      options=()
      [ $way = update ] || options+=(--target-manifest old.json)
      [ $way = written ] && options+=(--manifest next.json)
      once $way insitu-pack --json --alg $alg --update "${options[@]}" new.raw target.img
      insitu-unpack -q target.img - | cmp -n 1G - new.raw
    done
    cp --sparse=always old.img target.img
    once copy insitu-copy --json --update new.img target.img
    cp --sparse=always old.img target.img
    once copy_known insitu-copy --json --update --manifest new.json --target-manifest old.json new.img target.img
    insitu-unpack -q target.img - | cmp -n 1G - new.raw
  done
  printf '\n%s\n\n| | CPU s | wall s | CPU to a full pack | wall | written MB |\n|---|---|---|---|---|---|\n' $alg
  for name in pack update known written copy copy_known; do
    case $name in
      pack) text="insitu-pack" ;;
      update) text="insitu-pack --update" ;;
      known) text="… --target-manifest" ;;
      written) text="… --target-manifest --manifest" ;;
      copy) text="insitu-copy --update" ;;
      copy_known) text="… --manifest --target-manifest" ;;
    esac
    awk -v n="$text" -v c="$(median $name 1)" -v w="$(median $name 2)" -v pc="$(median pack 1)" \
      -v pw="$(median pack 2)" -v b="$(jq .written_bytes $name.json)" \
      'BEGIN {printf "| %s | %.2f | %.2f | %.3f | %.3f | %.1f |\n", n, c, w, c / pc, w / pw, b / 1e6}'
  done
done
