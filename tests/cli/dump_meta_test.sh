#!/usr/bin/env bash
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
says err "is no range of blocks"
run 1 insitu-dump-meta --range 5-100000 a.img
says err "blocks 5 to 100000 are not all in the image"
run 1 insitu-dump-meta --json --range 5-100000 a.img
silent out
run 0 insitu-dump-meta --binary meta.bin a.img
check "the meta area as it is" cmp meta.bin <(tail -c +4097 a.img | head -c "$(stat -c %s meta.bin)")
check "the same by threads" cmp <(insitu-dump-meta -j1 --hash a.img) <(insitu-dump-meta -j7 --hash a.img)
