#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every image that the driver wrote reads as the driver reads it; of damaged ones exactly the damaged
# extents are missing.
golden=$INSITU_TESTS/golden
# shellcheck source=../cli/lib.sh
. "$INSITU_TESTS/cli/lib.sh"

while IFS=$'\t' read -r name image_sum logical_sum _; do
  [ "$name" = name ] && continue
  xz -dc "$golden/$name.img.xz" >"$name.img"
  fallocate --dig-holes "$name.img"
  check "$name: the image is the one of the manifest" [ "$(sha "$name.img")" = "$image_sum" ]
  if [ "$logical_sum" != - ]; then
    run 0 insitu-unpack "$name.img" raw
    check "$name: reads as the driver reads it" [ "$(sha raw)" = "$logical_sum" ]
    check "$name: streams as the driver reads it" \
      [ "$(insitu-unpack "$name.img" - | sha256sum | cut -d' ' -f1)" = "$logical_sum" ]
    # Packed again, by each codec, it is still the same device.
    for alg in lzo deflate; do
      run 0 insitu-pack --alg "$alg" raw again.img
      run 0 insitu-unpack again.img raw2
      check "$name: packed by $alg it is the same" [ "$(sha raw2)" = "$logical_sum" ]
    done
  fi
  if [ -f "$golden/$name.extents.txt" ]; then
    insitu-dump-meta "$name.img" | grep -v '^#\|^meta' | sed 's/ #.*//' >extents
    check "$name: dump-meta agrees with the driver's extents" \
      cmp extents "$golden/$name.extents.txt"
  fi
  rm -f "$name.img" raw raw2 again.img
done <"$golden/manifest.tsv"

while IFS=$'\t' read -r name damage; do
  xz -dc "$golden/$name.img.xz" >"$name.img"
  rm -f raw
  run 1 insitu-unpack "$name.img" raw
  check "$name: no output of a failed unpack" [ ! -e raw ]
  run 1 insitu-unpack --salvage --json "$name.img" raw
  found=$(jq -r '[.damage[] | "\(.first_block)+\(.blocks)"] | join(" ")' out)
  check "$name: damaged extents are $damage, not $found" [ "$found" = "$damage" ]
  # What is not damaged is there, and stat counts the same device.
  run 0 insitu-stat --json "$name.img"
  check "$name: size" [ "$(stat -c %s raw)" = "$(jq .logical_bytes out)" ]
done <"$golden/damage.tsv"

while IFS=$'\t' read -r name text; do
  xz -dc "$golden/$name.img.xz" >"$name.img"
  fallocate --dig-holes "$name.img"
  for tool in "insitu-unpack $name.img raw" "insitu-stat $name.img" "insitu-dump-meta $name.img"; do
    # shellcheck disable=SC2086
    run 1 $tool
    says err "$text"
  done
done <"$golden/refused.tsv"
