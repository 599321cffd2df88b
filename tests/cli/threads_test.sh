#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Several threads in the tools that have them: the same bytes as with one. The thread sanitizer runs
# this, so it takes pack, unpack, fsck and copy alone.
# shellcheck source=lib.sh
. "$INSITU_TESTS/cli/lib.sh"

# A multiple of a block, and of no larger unit; holes at both ends of what is written.
content raw 9007104
truncate -s 300M raw
size=$(stat -c %s raw)

for words in "" "--alg deflate --level fast" "--extent 128K --level best"; do
  # shellcheck disable=SC2086
  run 0 insitu-pack -q -j 1 $words raw one.img
  # shellcheck disable=SC2086
  run 0 insitu-pack -q -j 4 --verify --manifest new.json $words raw four.img
  check "${words:-default}: the same image" cmp one.img four.img
done
check "from a pipe" bash -c "insitu-pack -q -j 4 --extent 128K --level best --size $size - p.img <raw"
check "the same image from a pipe" cmp one.img p.img

run 0 insitu-unpack -q -j 4 --verify-manifest new.json four.img back
check "unpacked" cmp raw back
run 0 insitu-unpack --progress always --force -j 4 four.img back
check "with a bar" cmp raw back
check "to a pipe" bash -c 'insitu-unpack -q -j 4 four.img - | cmp - raw'
check "a part to a pipe" bash -c \
  'insitu-unpack -q -j 4 --offset 12345 --length 7777777 four.img - | cmp - <(tail -c +12346 raw | head -c 7777777)'

run 0 insitu-copy -q -j 4 --size 400M four.img larger.img
run 0 insitu-copy -q -j 4 --alg deflate --level fast four.img again.img
run 0 insitu-fsck -q -j 4 again.img
run 0 insitu-fsck -q -j 4 larger.img
run 0 insitu-fsck -j 4 --manifest new.json four.img
printf 'changed' | dd of=raw bs=1 seek=3000000 conv=notrunc status=none
run 0 insitu-pack -q -j 4 --update raw one.img
run 0 insitu-copy -q -j 4 --delta delta one.img four.img
run 0 insitu-copy -q -j 4 --update one.img four.img
run 0 insitu-copy -q -j 4 --apply delta p.img
check "updated" cmp one.img four.img
check "by a delta" cmp one.img p.img

# What several threads report and repair is what one does.
for at in 4096 4216 4296; do
  printf '\377\377\377\377' | dd of=four.img bs=1 seek=$at conv=notrunc status=none
done
cp four.img p.img
for threads in 1 4; do
  run 1 insitu-unpack -q --force -j $threads --salvage four.img "salvaged.$threads"
  mv err "err.$threads"
done
check "the same report of damage" cmp err.1 err.4
check "the same content" cmp salvaged.1 salvaged.4
run 1 insitu-fsck -y -j 1 four.img
mv out out.1
run 1 insitu-fsck -y -j 4 p.img
check "the same repair" cmp four.img p.img
check "the same findings" diff out.1 <(sed 's/p[.]img/four.img/g' out)
run 0 insitu-fsck -q -j 4 p.img
