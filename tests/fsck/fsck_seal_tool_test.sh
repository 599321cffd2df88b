#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Seals as users meet them: who writes them, what is said of rot, and no false alarm over images that
# the driver wrote.
# shellcheck source=../cli/lib.sh
. "$INSITU_TESTS/cli/lib.sh"

sealed() { insitu-stat --seals --json "$1" | jq .seals.sealed_extents; }

content raw 4194304
for alg in lzo deflate; do
  run 0 insitu-pack -q --alg "$alg" raw "$alg.img"
  run 0 insitu-pack -q --alg "$alg" --no-seals raw "$alg.plain"
  check "$alg: nearly all extents are sealed" \
    jq -e '.seals | .sealed_extents * 10 >= .compressed_extents * 8' <(insitu-stat --seals --json "$alg.img")
  check "$alg: --no-seals" [ "$(sealed "$alg.plain")" = 0 ]
  check "$alg: seals take no space" [ "$(insitu-stat --json "$alg.img" | jq .payload_bytes)" = \
    "$(insitu-stat --json "$alg.plain" | jq .payload_bytes)" ]
  run 1 insitu-fsck --seal --json "$alg.plain"
  check "$alg: as many as pack writes" [ "$(jq .seals_added out)" = "$(sealed "$alg.img")" ]
  check "$alg: and the same bytes" cmp "$alg.img" "$alg.plain"
  run 0 insitu-fsck --seal "$alg.plain"
  says out "0 extents sealed"
done
run 0 insitu-stat --seals lzo.img
says out "compressed extent"

# The hash in a seal is changed: the stream decodes, and nothing tells which of the two is right.
victim=$(insitu-dump-meta --json lzo.img | jq -c '[.extents[] | select(.kind == "comp")][2]')
blocks=$(($(insitu-stat --json lzo.img | jq .meta_blocks) + 1 + $(jq .first_block <<<"$victim")))
at=$((blocks * 4096))
end=$((at + $(jq .payload_sectors <<<"$victim") * 512))
cp lzo.img rot.img
printf '\377\000\377\000' | dd of=rot.img bs=1 seek=$((end - 8)) conv=notrunc status=none
run 4 insitu-fsck rot.img
says out "P08"
says out "rewritten by a driver that does not know seals"
run 1 insitu-unpack rot.img out.raw
says err "differs from its seal"
says err "--no-verify-seals"
check "no output of a failed unpack" [ ! -e out.raw ]
run 0 insitu-unpack --no-verify-seals rot.img out.raw
check "read as the driver reads it" cmp raw out.raw
run 1 insitu-unpack --salvage rot.img out2.raw
says err "seal"
# -y invents nothing; --seal does not hide it.
cp rot.img rot2.img
run 4 insitu-fsck -y rot2.img
run 4 insitu-fsck --seal rot2.img
says out "1 left alone"
check "left as it was" cmp rot.img rot2.img
run 2 insitu-pack --no-seals=maybe raw x.img
run 16 insitu-fsck --seal --seal-all rot2.img
run 1 insitu-fsck --seal-all rot2.img
says out "1 sealed anew"
run 0 insitu-fsck rot2.img
check "the seal that is made anew is the one that was" cmp lzo.img rot2.img

# What the driver wrote has no seals and gives no alarm, sealed or not.
golden=$INSITU_TESTS/golden
while IFS=$'\t' read -r name _ logical _; do
  case "$name" in name | sparse160m*) continue ;; esac
  [ "$logical" = - ] && continue
  xz -dc "$golden/$name.img.xz" >g.img
  check "$name: the driver writes no seals" [ "$(sealed g.img)" = 0 ]
  insitu-fsck --json g.img >before.json
  insitu-fsck --seal -q g.img
  insitu-fsck --json g.img >after.json
  check "$name: sealed, it has no other finding" \
    [ "$(jq -c '[.findings[].id]' before.json)" = "$(jq -c '[.findings[].id]' after.json)" ]
  check "$name: no false alarm" [ "$(jq '[.findings[] | select(.id == "P08")] | length' after.json)" = 0 ]
  insitu-unpack g.img g.raw
  check "$name: reads as before" [ "$(sha256sum <g.raw | cut -d' ' -f1)" = "$logical" ]
  rm -f g.img g.raw
done <"$golden/manifest.tsv"

# It has no plan that could be printed, so it does not print one of zeros.
run 16 insitu-fsck --seal --dry-run g.img
says err "--seal: has no --dry-run"
