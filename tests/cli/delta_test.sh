#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What differs between two images, as a file.
# shellcheck source=lib.sh
. "$INSITU_TESTS/cli/lib.sh" || exit 1

# holds BYTES IMAGE RAW: the image begins with what RAW does. Its reader has ended on return.
holds() { rm -f held && insitu-unpack -q "$2" held && cmp -n "$1" held "$3"; }

content raw 8000000
cp raw new
for at in 100 101 350 1200 1201 1202 1900; do
  head -c 4096 /dev/urandom | dd of=new bs=4096 seek=$at conv=notrunc status=none
done
for alg in lzo deflate; do
  run 0 insitu-pack -q --alg $alg --label old raw old.img
  run 0 insitu-pack -q --alg $alg --label new new new.img
  sum=$(sha old.img)
  run 0 insitu-copy --json --delta d new.img old.img
  check "$alg: a small file" [ "$(stat -c %s d)" -lt 120000 ]
  check "$alg: as it says" [ "$(stat -c %s d)" = "$(jq .delta_bytes out)" ]
  check "$alg: the old image stays" [ "$(sha old.img)" = "$sum" ]
  cp --sparse=always old.img a.img
  run 0 insitu-copy --apply d a.img
  check "$alg: the new image" holds 8000000 a.img new
  check "$alg: with its name" [ "$(insitu-label --json a.img)" = "$(insitu-label --json new.img | sed s/new.img/a.img/)" ]
  run 0 insitu-fsck a.img
  run 0 insitu-copy --apply d a.img
  says out "0 B written"
  sum=$(sha new.img)
  run 0 insitu-copy --delta back old.img new.img
  run 1 insitu-copy --apply back old2.img
  cp --sparse=always new.img b.img
  run 0 insitu-copy -q --apply back b.img
  check "$alg: and back" holds 8000000 b.img raw
done

# The wrong base, a torn file, no delta.
cp --sparse=always old.img c.img
python3 - <<'E2'
data = bytearray(open("c.img", "rb").read())
data[8192 + 40] ^= 1
open("c.img", "wb").write(data)
E2
sum=$(sha c.img)
run 1 insitu-copy --apply d c.img
says err "is not the image that the delta was made for"
says err "--update"
head -c 5000 d >torn
run 1 insitu-copy --apply torn c.img
says err "bytes of records"
run 1 insitu-copy --apply raw c.img
says err "is not a delta between images"
run 1 insitu-copy --apply missing c.img
check "nothing is changed" [ "$(sha c.img)" = "$sum" ]
head -c 5000000 raw >part
run 0 insitu-pack -q --alg deflate part part.img
run 1 insitu-copy --delta x new.img part.img
says err "of one size and algorithm"
check "no file is left" [ ! -e x ]
run 1 insitu-copy --delta new.img new.img old.img
says err "is the same file"
run 2 insitu-copy --apply d c.img d.img
run 2 insitu-copy --delta x new.img
run 2 insitu-copy --delta x --update new.img old.img
run 2 insitu-copy --apply d --level best c.img
