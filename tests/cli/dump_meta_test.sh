#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck source=lib.sh
. "$INSITU_TESTS/cli/lib.sh"

content raw $((4 * 1048576))
run 0 insitu-pack raw a.img
run 0 insitu-dump-meta a.img
says out "algorithm lzo"
cp out text
run 0 insitu-dump-meta --json a.img
check "schema" [ "$(jq -r .schema out)" = insitu-dump-meta/1 ]
check "text and JSON tell the same extents" cmp <(grep -v '^#' text) \
  <(jq -r '.extents[] | "\(.first_block) \(.blocks) \(.payload_sectors) \(.kind) \(.length_bytes)"' out)
run 0 insitu-dump-meta --meta-only a.img
check "no lengths with --meta-only" [ "$(grep -v '^#' out | awk 'NF != 4' | wc -l)" -eq 0 ]
run 0 insitu-dump-meta --hash a.img
check "a hash for each extent" [ "$(grep -v '^#' out | awk 'NF != 6 || length($6) != 32' | wc -l)" -eq 0 ]
if command -v xxhsum >/dev/null; then
  read -r first blocks _ _ _ hash <<<"$(grep -v '^#' out | head -n1)"
  check "the hash is XXH3-128 of the content" [ "$hash" = \
    "$(dd if=raw bs=4096 skip="$first" count="$blocks" status=none | xxhsum -H2 - | cut -d' ' -f1)" ]
fi
run 0 insitu-dump-meta --range 32-63 a.img
check "a range" [ "$(grep -v '^#' out | awk '$1 < 32 || $1 > 63' | wc -l)" -eq 0 ]
check "is not empty" [ "$(grep -vc '^#' out)" -gt 0 ]
run 2 insitu-dump-meta --range 5 a.img
says err "is not a range of blocks"
run 1 insitu-dump-meta --range 5-100000 a.img
says err "blocks 5 to 100000 are not all in the image"
run 1 insitu-dump-meta --json --range 5-100000 a.img
silent out

# The meta area, byte for byte: as a file, again from what is printed, and back into an image.
meta_bytes=$(insitu-dump-meta --json --meta-only a.img | jq '.meta_blocks * 4096')
tail -c +4097 a.img | head -c "$meta_bytes" >meta.want
run 0 insitu-dump-meta --binary meta.bin a.img
check "the meta area as it is" cmp meta.bin meta.want
silent out
check "what is printed is enough to make it again" bash -c 'insitu-dump-meta --json a.img >a.json &&
  "$INSITU_TESTS/cli/make_meta.py" dump a.json meta.again && cmp meta.again meta.want'
cp a.img wiped.img
dd if=/dev/zero of=wiped.img bs=4096 seek=1 count=$((meta_bytes / 4096)) conv=notrunc status=none
run 1 insitu-fsck -y --restore-meta meta.again wiped.img
check "and gives an image its meta back" cmp wiped.img a.img

check "the same by threads" cmp <(insitu-dump-meta -j1 --hash a.img) <(insitu-dump-meta -j7 --hash a.img)

# Meta that makes no sense is told, and all the rest as well; it can be made again all the same.
data=$(jq .data_at_byte a.json)
cp a.img bad.img
printf '\377\377\377\377\377' | dd of=bad.img bs=1 seek=$((4096 + 20 * 3)) conv=notrunc status=none
run 0 insitu-dump-meta --meta-only bad.img
says out "# share of block 96 is 15 sectors, expected 0 to 8"
run 0 insitu-dump-meta --json bad.img
cp out bad.json
"$INSITU_TESTS/cli/make_meta.py" dump bad.json meta.bad
check "meta without sense can be made again" cmp meta.bad \
  <(tail -c +4097 bad.img | head -c "$meta_bytes")

# With --hash, content that cannot be had is a failure; everything else is printed.
read -r first blocks sectors <<<"$(awk '$4 == "comp" {print $1, $2, $3; exit}' text)"
cp a.img damaged.img
printf '\377\377\377\177' |
  dd of=damaged.img bs=1 seek=$((data + first * 4096 + sectors * 512 - 4)) conv=notrunc status=none
run 0 insitu-dump-meta damaged.img
insitu-dump-meta --hash a.img | grep -v "^#" >whole
run 1 insitu-dump-meta --hash damaged.img
says err "damaged.img: 1 damaged extent without a hash"
says out "# payload length 2147483647 does not fit its sectors, expected 1 to $((sectors * 512 - 4))"
check "all other extents are there, with their hashes" \
  cmp <(grep -v "^#\|^$first " out) <(grep -v "^$first " whole)
check "and the damaged one, without" [ "$(grep -c "^$first $blocks $sectors comp 2147483647 # " out)" -eq 1 ]
run 1 insitu-dump-meta --hash --json damaged.img
check "the document is complete" [ "$(jq '.extents | length' out)" -eq "$(wc -l <whole)" ]
check "the damage is told" [ "$(jq '[.extents[] | select(.damage)] | length' out)" -eq 1 ]

# The meta area on standard output.
content piped 3000000
insitu-pack -q piped piped.img
insitu-dump-meta -q --binary piped.bin piped.img
run 0 bash -c 'insitu-dump-meta --binary - piped.img | cmp - piped.bin'
check "no file of that name" [ ! -e ./- ]
