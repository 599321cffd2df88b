#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An image is brought to what another one holds by what two manifests say.
# shellcheck source=lib.sh
. "$INSITU_TESTS/cli/lib.sh" || exit 1

content raw 8000000
cp raw new
for at in 100 101 350 1200 1201 1202 1900; do
  head -c 4096 /dev/urandom | dd of=new bs=4096 seek=$at conv=notrunc status=none
done
dd if=/dev/zero of=new bs=4096 seek=40 count=30 conv=notrunc status=none

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
  check "$alg: little is read" [ "$(jq .update.compared_bytes out)" -lt $((compared / 4)) ]
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
  # Without a UUID the content has to tell.
  jq 'del(.uuid)' old.json >old2.json
  jq 'del(.uuid)' new.json >new2.json
  refused "is not the manifest of new.img: window" old2.json old2.json
  refused "is not the manifest of a.img: window" new2.json new2.json
  run 0 insitu-copy --update --manifest new2.json --target-manifest old2.json new.img a.img
  check "$alg: without a UUID" cmp a.img want.img
  # A dump does as well.
  cp --sparse=always old.img a.img
  insitu-dump-meta --hash --json old.img >old3.json
  insitu-dump-meta --hash --json new.img >new3.json
  run 0 insitu-copy --update --manifest new3.json --target-manifest old3.json new.img a.img
  check "$alg: by dumps" cmp a.img want.img
  # A manifest that has the right UUID and lies.
  cp --sparse=always old.img a.img
  jq '.extents[0].xxh3_128 = "00000000000000000000000000000000"' new.json >lie.json
  refused "lie.json: is not the manifest of new.img: window 0 has other content" lie.json old.json
  jq '.logical_bytes = 4096000 | .raw_bytes = 4096000 | .extents = []' old.json >lie.json
  refused "logical bytes, lie.json is for 4096000" new.json lie.json
  jq '.uuid = "zz"' old.json >lie.json
  refused "'zz' is not a UUID" new.json lie.json
  jq '.uuid = 7' old.json >lie.json
  refused "uuid is a number, expected a string" new.json lie.json
  jq '.extents |= map(del(.xxh3_128))' old3.json >lie.json
  refused "does not name every extent" new.json lie.json
  # Extents that one manifest leaves out are mapped: such a window is compared.
  jq 'del(.extents[1:])' old2.json >few-old.json
  jq 'del(.extents[1:])' new2.json >few-new.json
  run 0 insitu-copy --update --manifest few-new.json --target-manifest few-old.json new.img a.img
  check "$alg: what is not named is compared" cmp a.img want.img
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
