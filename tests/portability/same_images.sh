#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# same_images.sh TOOLS OTHERS: the tools in two directories make the same bytes: images by each codec and
# level, and what else is written. (The second may be wrappers that emulate another processor.)
set -u
# shellcheck disable=SC2034  # by its name
here=$(realpath "$1")
# shellcheck disable=SC2034  # by its name
there=$(realpath "$2")
tests=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/insitu-same-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0
failed=0
mkdir here there

# same TEXT FILE TOOL ARGUMENTS...: both make FILE, or print it if FILE is "out".
same() {
  local text=$1 file=$2 side
  shift 2
  for side in here there; do
    (cd $side && PATH=${!side}:$PATH && "$@" >out 2>err) ||
      { failed=$((failed + 1)); echo "FAILED: $text: $(head -n 3 $side/err)"; return; }
  done
  if cmp "here/$file" "there/$file"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $text: $file differs"
  fi
}

# Code, text, uneven bytes and random ones: what the encoders tell apart; and a hole.
{
  head -c 500000 "$here/insitu-pack"
  cat "$tests"/cli/*.sh "$tests"/unit/codec/*.cpp
  openssl enc -aes-128-ctr -nosalt -K 0f0e0d0c0b0a09080706050403020100 \
    -iv 00000000000000000000000000000000 </dev/zero 2>/dev/null | head -c 200000 | tee random
  base64 random
} >source
cp source edited
truncate -s 3M edited
head -c 50000 random | dd of=edited conv=notrunc seek=1000 bs=100 status=none
cp source edited here/
cp source edited there/

for codec in "lzo" "deflate" "deflate --window 32K"; do
  for level in 1 2 3 4 5 6 7 8 9; do
    # shellcheck disable=SC2086
    same "$codec, level $level" image insitu-pack -q --alg $codec --level $level source image
  done
  for extent in 4K 32K 128K; do
    # shellcheck disable=SC2086
    same "$codec, extents of $extent" image insitu-pack -q --alg $codec --extent $extent source image
  done
done
same "a pipe" image bash -c 'cat source | insitu-pack -q - image'
same "format" empty insitu-format -q --size 5G --uuid 00112233-4455-6677-8899-aabbccddeeff \
  --label one empty
same "stat" out insitu-stat --json image
same "dump" out insitu-dump-meta --json --hash image
same "unpack" raw insitu-unpack -q image raw
same "manifest" m insitu-pack -q --manifest m source image
same "the edited one" image2 insitu-pack -q edited image2
same "copy by another codec" copied insitu-copy -q --alg deflate --size 4M image copied
same "as large as the edited one" image3 insitu-pack -q --size 3M source image3
same "delta" change insitu-copy -q --delta change image3 image2
same "resize" image2 insitu-resize -q image2 200M
same "check" out insitu-fsck -n --json image2
same "repair by the search" image2 bash -c \
  'insitu-fsck repair -y -q --rebuild-meta image2; [ $? -le 1 ]'
same "help" out insitu-pack --help
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
