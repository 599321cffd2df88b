#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Images that are brought to other content in place.
# shellcheck source=lib.sh
. "$INSITU_TESTS/cli/lib.sh" || exit 1

same_content() { rm -f other && insitu-unpack -q "$3" other && holds "$1" "$2" other; }
# holds BYTES IMAGE RAW: the image begins with what RAW does. Its reader has ended on return.
holds() { rm -f held && insitu-unpack -q "$2" held && cmp -n "$1" held "$3"; }

content raw 8000000
cp raw new
# A file system is changed like this: here and there.
for at in 100 101 350 1200 1201 1202 1900; do
  head -c 4096 /dev/urandom | dd of=new bs=4096 seek=$at conv=notrunc status=none
done
dd if=/dev/zero of=new bs=4096 seek=40 count=30 conv=notrunc status=none

for alg in lzo deflate; do
  run 0 insitu-pack -q --alg $alg --label old raw old.img
  run 0 insitu-pack -q --alg $alg --label new new new.img
  # Image to image.
  cp --sparse=always old.img a.img
  run 0 insitu-copy --update --json new.img a.img
  check "$alg: little is written" [ "$(jq .update.written_bytes out)" -lt 200000 ]
  check "$alg: the same image" same_content $((8 << 20)) a.img new.img
  check "$alg: with its name" [ "$(insitu-label --json a.img | jq -r .label)" = new ]
  run 0 insitu-fsck a.img
  sum=$(sha a.img)
  run 0 insitu-copy --update new.img a.img
  says out "0 B written"
  check "$alg: an equal one is not touched" [ "$(sha a.img)" = "$sum" ]
  cp --sparse=always old.img b.img
  run 0 insitu-copy --update --trust-seals --json new.img b.img
  check "$alg: by seals" [ "$(jq .update.trusted_bytes out)" -gt 5000 ]
  check "$alg: by seals, the same image" cmp a.img b.img
  # Raw content to an image, which keeps its name.
  cp --sparse=always old.img c.img
  run 0 insitu-pack --update --alg $alg --json --verify --manifest c.json new c.img
  check "$alg: pack writes little" [ "$(jq .update.written_bytes out)" -lt 200000 ]
  check "$alg: pack keeps windows" [ "$(jq .update.kept_bytes out)" -gt 1000000 ]
  rm c.json
  run 0 insitu-pack --update --alg $alg --json --label third new c.img
  check "$alg: only the name" [ "$(jq .update.written_bytes out)" -le 2048 ]
  run 0 insitu-unpack -q --length 8000000 c.img back
  check "$alg: pack has the new content" cmp new back
  check "$alg: the UUID stays" [ "$(insitu-label --json c.img | jq .uuid)" = "$(insitu-label --json old.img | jq .uuid)" ]
  check "$alg: a label is taken" [ "$(insitu-label --json c.img | jq -r .label)" = third ]
  run 0 insitu-fsck c.img
done

# A stream, shorter content, and a manifest that fits.
cp --sparse=always old.img d.img
head -c 5000000 new | insitu-pack -q --alg deflate --update --manifest d.json - d.img >out 2>err || fail "a stream"
run 0 insitu-unpack -q --verify-manifest d.json d.img back
check "shorter content" cmp -n 5000000 new back
run 0 insitu-unpack -q d.img back
check "zeros behind shorter content" cmp -n 3000000 <(tail -c +5000001 back) /dev/zero
run 0 insitu-fsck --manifest d.json d.img
head -c 8400000 /dev/zero >long
run 1 insitu-pack --alg deflate --update long d.img
says err "the image would hold"

# Cut off: every tool refuses what is neither old nor new, and the next update completes it.
cp --sparse=always old.img e.img
printf 'INSITUWK' | dd of=e.img conv=notrunc status=none
run 1 insitu-copy --update new.img e.img # no such mark is believed without its hash
says err "not an insitu-comp image"
cp --sparse=always old.img e.img
run 1 insitu-pack --alg deflate --update --expect-sha256 "$(printf '0%.0s' $(seq 64))" new e.img
says err "is changed in part"
for command in "insitu-stat" "insitu-fsck" "insitu-fsck -y" "insitu-label" "insitu-dump-meta" "insitu-trim" \
  "insitu-stat --can-activate e.img"; do
  read -ra words <<<"$command"
  "${words[@]}" e.img >out 2>err && fail "$command takes an unfinished image"
  says err "was interrupted"
done
run 1 insitu-unpack -q e.img x
says err "was interrupted"
run 1 insitu-resize e.img 7M
says err "an update of this image was interrupted"
check "resize promises nothing" sh -c '! grep -q "until insitu-resize" err'
run 0 insitu-copy --update new.img e.img
says err "an interrupted update is completed"
check "completed" holds 8000000 e.img new
run 0 insitu-fsck e.img

# On a device, whose old payloads are discarded.
truncate -s "$(stat -c %s old.img)" device
loop device
run 0 insitu-copy -q old.img "$loop"
run 0 insitu-copy --update --json new.img "$loop"
check "a device" holds 8000000 "$loop" new
run 0 insitu-fsck "$loop"
losetup -d "$loop"

# Wrong pairs.
run 0 insitu-pack -q --alg lzo raw lzo.img
sum=$(sha old.img)
run 1 insitu-copy --update lzo.img old.img
says err "is deflate, the source lzo"
run 1 insitu-pack --update --alg lzo raw old.img
head -c 1000000 raw >part
run 0 insitu-pack -q --alg deflate part small.img
run 1 insitu-copy --update old.img small.img
says err "the target holds"
run 1 insitu-copy --update new.img raw
run 1 insitu-copy --update new.img missing
run 1 insitu-copy --update old.img old.img
run 2 insitu-copy --update --force new.img old.img
run 2 insitu-copy --update --size 4M new.img old.img
run 2 insitu-copy --trust-seals new.img old.img
run 2 insitu-pack --update --measure raw old.img
run 2 insitu-pack --update --size 9M raw old.img
check "nothing is changed" [ "$(sha old.img)" = "$sum" ]
