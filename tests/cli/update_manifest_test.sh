#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An image is brought to what another one holds by what two manifests say, and to raw content by what one says.
# shellcheck source=lib.sh
. "$INSITU_TESTS/cli/lib.sh" || exit 1

# hex BLOCKS: blocks that compress to payloads of one length, each with other content.
hex() {
  head -c $(($1 * 1300)) /dev/urandom | od -An -v -tx1 -w1300 | tr -d ' ' | awk '{ printf "%-4095s\n", $0 }'
}
content raw 8000000
hex 976 | dd of=raw bs=4096 iflag=fullblock conv=notrunc status=none
cp raw new
for at in 100 101 350 1200 1201 1202 1900; do
  head -c 4096 /dev/urandom | dd of=new bs=4096 seek=$at conv=notrunc status=none
done
dd if=/dev/zero of=new bs=4096 seek=40 count=30 conv=notrunc status=none

# unsampled MANIFEST FROM TO: the first block of a window in this range that is not read as a sample.
unsampled() {
  jq "[.extents[].first_block] as \$at | (\$at | length) as \$n |
    [range(32) | \$at[. * \$n / 32 | floor] / 32 | floor] as \$read |
    [range($2; $3)] | map(select(. as \$window | \$read | index(\$window) | not)) | .[0] * 32" "$1"
}
map_of() { insitu-dump-meta --hash --json "$1" | jq -r .map_sha256; }

for alg in lzo deflate; do
  run 0 insitu-pack -q --alg $alg --manifest old.json raw old.img
  run 0 insitu-pack -q --alg $alg --manifest new.json new new.img
  check "a manifest names its image" [ "$(jq -r .uuid new.json)" = "$(insitu-label --json new.img | jq -r .uuid)" ]
  cp --sparse=always old.img want.img
  run 0 insitu-copy --update --json new.img want.img
  compared=$(jq .update.compared_bytes out)
  cp --sparse=always old.img a.img
  run 0 insitu-copy --update --json --manifest new.json --target-manifest old.json new.img a.img
  check "$alg: the same as by comparing" cmp a.img want.img
  check "$alg: much is known" [ "$(jq .update.trusted_bytes out)" -gt 1000000 ]
  check "$alg: what is known is not read" \
    [ $(($(jq .update.compared_bytes out) + $(jq .update.trusted_bytes out))) -eq "$compared" ]
  run 0 insitu-fsck -n --manifest new.json a.img
  # What the update left has the name of its manifest: it is the old one of the next time.
  run 0 insitu-copy --update --manifest new.json --target-manifest new.json new.img a.img
  says out "0 B written"

  # Sooner or later the target was changed: not the image of its manifest.
  cp --sparse=always old.img a.img
  sum=$(sha a.img)
  refused() { # TEXT NEW-MANIFEST OLD-MANIFEST
    run 1 insitu-copy --update --manifest "$2" --target-manifest "$3" new.img a.img
    says err "$1"
    check "nothing is changed" [ "$(sha a.img)" = "$sum" ]
  }
  refused "old.json: is not the manifest of new.img: it is of" old.json old.json
  refused "new.json: is not the manifest of a.img: it is of" new.json new.json
  refused "old.json: is not the manifest of new.img: it is of" old.json new.json
  # Without a UUID and the sum of the map the content has to tell.
  jq 'del(.uuid, .map_sha256)' old.json >old2.json
  jq 'del(.uuid, .map_sha256)' new.json >new2.json
  refused "is not the manifest of new.img: window" old2.json old2.json
  refused "is not the manifest of a.img: window" new2.json new2.json
  run 0 insitu-copy --update --manifest new2.json --target-manifest old2.json new.img a.img
  check "$alg: without a UUID" cmp a.img want.img
  # A dump does as well.
  cp --sparse=always old.img a.img
  insitu-dump-meta --hash --json old.img >old3.json
  insitu-dump-meta --hash --json new.img >new3.json
  for member in uuid map_sha256; do
    check "a dump has the $member" [ "$(jq .$member old3.json)" = "$(jq .$member old.json)" ]
  done
  insitu-dump-meta --hash --json --range 0-31 old.img >part.json
  check "a part of one names no image" jq -e '.uuid == null and .map_sha256 == null' part.json
  insitu-dump-meta --json old.img >bare.json
  for wrong in part bare; do
    run 8 insitu-fsck -n --manifest $wrong.json old.img
    says err "$([ $wrong = part ] && echo "names a range of blocks" || echo "has no hashes")"
    run 1 insitu-unpack --verify-manifest $wrong.json old.img no.raw
  done
  # As the dump of an image with damage has it.
  sed '0,/,"xxh3_128":"[^"]*"/s///' old3.json >gap.json
  run 1 insitu-unpack --verify-manifest gap.json old.img no.raw
  says err "has no hash of some extents"
  # fsck compares what it has, and says what it has not.
  blocks=$(jq '(.data_blocks) - ([.extents[] | select(.xxh3_128) | .blocks] | add)' gap.json)
  run 0 insitu-fsck -n --manifest gap.json old.img
  says err "gap.json: has no hash of some extents: $blocks blocks of the content are not compared"
  run 0 insitu-fsck -n --json --manifest gap.json old.img
  check "$alg: as JSON" jq -e ".not_compared_blocks == $blocks" out
  run 0 insitu-fsck repair --dry-run --json --manifest gap.json old.img
  check "$alg: in a repair" jq -e ".not_compared_blocks == $blocks" out
  run 0 insitu-fsck -n --json --manifest old3.json old.img
  check "$alg: all is compared" jq -e '.not_compared_blocks == 0' out
  silent err
  run 0 insitu-copy --update --manifest new3.json --target-manifest old3.json new.img a.img
  check "$alg: by dumps" cmp a.img want.img
  # One of an image that has another map now, with the same name and content, is refused.
  cp --sparse=always old.img a.img
  run 0 insitu-copy -q --extent 4K --force a.img recoded.img
  run 0 insitu-label -q --uuid "$(jq -r .uuid old3.json)" recoded.img
  run 1 insitu-copy --update --manifest new3.json --target-manifest old3.json new.img recoded.img
  says err "has another map"
  rm recoded.img
  cp --sparse=always old.img a.img
  # A manifest that has the right UUID and lies.
  cp --sparse=always old.img a.img
  jq '.extents[0].xxh3_128 = "00000000000000000000000000000000"' new.json >lie.json
  refused "lie.json: is not the manifest of new.img: window 0 has other content" lie.json old.json
  jq '.logical_bytes = 4096000 | .raw_bytes = 4096000 | .extents = []' old.json >lie.json
  refused "logical bytes, lie.json is for 4096000" new.json lie.json
  jq '.uuid = "zz"' old.json >lie.json
  refused "'zz' is not a UUID" new.json lie.json
  jq '.map_sha256 = "zz"' old.json >lie.json
  refused "'zz' is not a SHA-256" new.json lie.json
  jq '.uuid = 7' old.json >lie.json
  refused "uuid is a number, expected a string" new.json lie.json
  jq '.extents |= map(del(.xxh3_128))' old3.json >lie.json
  refused "has no hashes" new.json lie.json
  jq 'del(.extents[0].xxh3_128)' old3.json >lie.json
  refused "does not name every extent" new.json lie.json
  # Extents that one manifest leaves out are mapped: such a window is compared.
  jq 'del(.extents[1:])' old2.json >few-old.json
  jq 'del(.extents[1:])' new2.json >few-new.json
  run 0 insitu-copy --update --manifest few-new.json --target-manifest few-old.json new.img a.img
  check "$alg: what is not named is compared" cmp a.img want.img
  # Written since its manifest, under the same map: blocks that do not compress, which the live device writes where they
  # were, and other content in payloads of the same length, with seals and without.
  for seals in "" --no-seals; do
    # shellcheck disable=SC2086
    run 0 insitu-pack -q --alg $alg --extent 4K $seals --manifest one.json new one.img
    for first in "$(unsampled one.json 4 30)" "$(unsampled one.json 46 60)"; do
      cp new since
      if [ "$first" -lt 976 ]; then hex 1; else head -c 4096 /dev/urandom; fi |
        dd of=since bs=4096 seek="$first" conv=notrunc status=none iflag=fullblock
      # shellcheck disable=SC2086
      run 0 insitu-pack -q --alg $alg --extent 4K $seals since since.img
      run 0 insitu-label -q --uuid "$(jq -r .uuid one.json)" since.img
      check "the map is the same" [ "$(map_of since.img)" = "$(map_of one.img)" ]
      check "the content is not" [ "$(sha since)" != "$(sha new)" ]
      run 0 insitu-copy --update --manifest one.json --target-manifest one.json one.img since.img
      check "$alg $seals: block $first was written since the manifest" cmp since.img one.img
    done
  done
  # A renamed image is not the one of its manifest.
  cp --sparse=always old.img a.img
  run 0 insitu-label --uuid random a.img
  sum=$(sha a.img)
  refused "is not the manifest of a.img" new.json old.json
done

# Another level: other payloads of the same content are written, as without manifests.
run 0 insitu-pack -q --level best --alg deflate raw best.img
insitu-dump-meta --hash --json best.img >best.json
cp --sparse=always old.img a.img
run 0 insitu-copy --update --manifest best.json --target-manifest old.json best.img a.img
cp --sparse=always old.img b.img
run 0 insitu-copy --update best.img b.img
run 0 insitu-fsck -n a.img
run 0 insitu-unpack -q --length 8000000 a.img back
check "another level" cmp raw back
check "another level: by comparing" [ "$(sha b.img)" != "" ]

# An interrupted update is completed without manifests.
cp --sparse=always old.img e.img
run 1 insitu-pack --alg deflate --update --expect-sha256 "$(printf '0%.0s' $(seq 64))" new e.img
says err "is changed in part"
run 0 insitu-copy --update --json --manifest new.json --target-manifest old.json new.img e.img
says err "an interrupted update is completed"
check "nothing is known then" [ "$(jq .update.trusted_bytes out)" = 0 ]
check "completed" cmp e.img want.img

run 2 insitu-copy --update --manifest new.json new.img a.img
run 2 insitu-copy --update --target-manifest old.json new.img a.img
run 2 insitu-copy --manifest new.json --target-manifest old.json new.img a.img
run 1 insitu-copy --update --manifest missing --target-manifest old.json new.img a.img

# Raw content to an image, by what a manifest says that this holds.
holds() { # holds IMAGE RAW: as much of it as RAW has, zeros after that, and nothing wrong
  rm -f back && insitu-unpack -q "$1" back && cmp -n "$(stat -c %s "$2")" back "$2" &&
    cmp -n $((8000000 - $(stat -c %s "$2"))) <(tail -c +$(($(stat -c %s "$2") + 1)) back) /dev/zero &&
    insitu-fsck -q -n "$1"
}
target() { rm -f t.img && cp --sparse=always "${1:-old.img}" t.img; }
for alg in lzo deflate; do
  run 0 insitu-pack -q --alg $alg --manifest old.json raw old.img
  by() { insitu-pack --alg $alg --update --json --target-manifest "$@"; }
  target
  run 0 by old.json --manifest next.json --verify new t.img
  check "$alg: the new content" holds t.img new
  check "$alg: much is known" [ "$(jq .update.trusted_bytes out)" -gt 1000000 ]
  check "$alg: little is compared" [ "$(jq .update.compared_bytes out)" -lt 200000 ]
  check "$alg: no more is written than changed" [ "$(jq .update.written_bytes out)" -lt 90000 ]
  # What was written on the way is the manifest of the next time, in place of the old one.
  run 0 insitu-unpack -q --verify-manifest next.json t.img back
  sum=$(sha t.img)
  run 0 by next.json --manifest next.json new t.img
  check "$alg: equal content" [ "$(jq .update.written_bytes out)" = 0 ]
  check "$alg: is not touched" [ "$(sha t.img)" = "$sum" ]
  run 0 by next.json raw t.img
  check "$alg: and back" holds t.img raw
  # A hole that grows, and one that is filled.
  cp raw hole
  fallocate -p -o $((500 * 4096)) -l $((200 * 4096)) hole
  dd if=new of=hole bs=4096 skip=1200 seek=1000 count=90 conv=notrunc status=none
  target
  run 0 by old.json --manifest next.json hole t.img
  check "$alg: a hole" holds t.img hole
  run 0 by next.json new t.img
  check "$alg: a hole that is filled" holds t.img new
  # Shorter content, which ends inside an extent, and longer content.
  head -c 5000001 new >short
  target
  run 0 by old.json short t.img
  check "$alg: shorter content" holds t.img short
  target
  sum=$(sha t.img)
  head -c 8400000 /dev/zero >long
  run 1 by old.json long t.img
  says err "the image would hold"
  # Not the manifest of the image, or not as it is now.
  mistaken() { # TEXT MANIFEST
    run 1 by "$2" new t.img
    says err "$1"
    says err "without --target-manifest the image is decoded and compared"
  }
  run 0 insitu-pack -q --alg $alg --manifest new.json new new.img
  mistaken "new.json: is not the manifest of t.img: it is of" new.json
  jq 'del(.uuid)' new.json >other.json
  mistaken "other.json: is not the manifest of t.img: the image has another map" other.json
  jq 'del(.uuid, .map_sha256)' new.json >other.json
  mistaken "other.json: is not the manifest of t.img: window" other.json
  jq '.extents[0].xxh3_128 = "00000000000000000000000000000000"' old.json >lie.json
  mistaken "lie.json: is not the manifest of t.img: window 0 has other content" lie.json
  head -c 20000 old.json >cut.json
  run 1 by cut.json new t.img
  says err "cut.json: is not JSON"
  run 1 by missing new t.img
  check "$alg: nothing is changed" [ "$(sha t.img)" = "$sum" ]
  # The name stays at an update, and the map tells all the same that the manifest is an old one.
  run 0 by old.json new t.img
  sum=$(sha t.img)
  mistaken "old.json: is not the manifest of t.img: the image has another map" old.json
  check "$alg: nothing is changed by an old manifest" [ "$(sha t.img)" = "$sum" ]
  # Killed half-way: completed by content, whatever manifest there is.
  target
  mkfifo stream
  insitu-pack -q --alg $alg --update --target-manifest old.json stream t.img 2>killed &
  pid=$!
  exec 7>stream
  head -c 6000000 new >&7
  for ((i = 0; i < 200; i++)); do
    [ "$(head -c 8 t.img | tr -d '\0')" = INSITUWK ] && break
    sleep 0.05
  done
  kill -9 $pid
  wait $pid 2>/dev/null
  exec 7>&-
  rm stream
  run 1 insitu-stat t.img
  says err "was interrupted"
  run 0 by old.json new t.img
  says err "an interrupted update is completed"
  check "$alg: nothing is known then" [ "$(jq .update.trusted_bytes out)" = 0 ]
  check "$alg: killed and completed" holds t.img new
  # Without seals payloads are decoded, and what is equal stays; a damaged one is found.
  run 0 insitu-pack -q --alg $alg --no-seals --manifest plain.json raw plain.img
  target plain.img
  run 0 by plain.json new t.img
  check "$alg: without seals" holds t.img new
done
run 2 insitu-pack --target-manifest old.json new t.img
