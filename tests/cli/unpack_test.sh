#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck source=lib.sh
. "$INSITU_TESTS/cli/lib.sh"

content raw $((8 * 1048576))
run 0 insitu-pack --extent 128K raw a.img
run 0 insitu-unpack --json a.img out.raw
check "schema" [ "$(jq -r .schema out)" = insitu-unpack/1 ]
check "content" cmp raw out.raw
check "holes stay holes" [ "$(du -k out.raw | cut -f1)" -le $((6 * 1024 + 64)) ]
check "to stdout" bash -c 'insitu-unpack a.img - | cmp - raw'
mkfifo fifo
cat fifo >from-fifo &
run 0 insitu-unpack a.img fifo
wait
check "to a fifo" cmp raw from-fifo
run 0 insitu-unpack a.img /dev/null

run 0 insitu-unpack --offset 1M --length 100000 a.img part
check "a part" cmp part <(tail -c +1048577 raw | head -c 100000)
check "a part of no block border, as a stream" bash -c \
  'insitu-unpack --offset 12345 --length 777777 a.img - | cmp - <(tail -c +12346 raw | head -c 777777)'
run 0 insitu-unpack --offset 8M a.img none
check "nothing behind the end" [ ! -s none ]
run 1 insitu-unpack --offset 9M a.img x
says err "offset 9437184 is after the end at 8388608"
run 1 insitu-unpack --offset 1M --length 8M a.img x
says err "reach beyond the end"
check "nothing is left behind" [ ! -e x ]

# Damage: the place, the reason, and what can be done.
read -r first blocks sectors <<<"$(insitu-dump-meta a.img | awk '$4 == "comp" {print $1, $2, $3; exit}')"
data=$(insitu-dump-meta --json a.img | jq .data_at_byte)
cp a.img bad.img
printf '\377\377\377\177' |
  dd of=bad.img bs=1 seek=$((data + first * 4096 + sectors * 512 - 4)) conv=notrunc status=none
run 1 insitu-unpack bad.img x
says err "bad.img: window 0, block $first (byte $((data + first * 4096))): payload length 2147483647"
says err "hint: --salvage"
check "nothing is left behind" [ ! -e x ]
run 1 insitu-unpack --salvage=strict --json bad.img x
check "one extent is lost" [ "$(jq .damaged_extents out)" -eq 1 ]
check "its blocks are told" [ "$(jq '.damage[0].blocks' out)" -eq "$blocks" ]
says err "payload length 2147483647 does not fit its sectors, expected 1 to $((sectors * 512 - 4))"
says err ": zeros in place of $blocks blocks"
says err "bad.img: 1 damaged extent, $blocks blocks lost"
check "the rest is there" cmp -i $(((first + blocks) * 4096)) x raw
check "and zeros where it is not" cmp -n $((blocks * 4096)) x /dev/zero
insitu-unpack --salvage=strict bad.img - >y 2>err
check "the same to stdout, with status 1" [ $? -eq 1 ]
check "the same content" cmp x y

run 1 insitu-unpack a.img a.img
says err "is the same file or device as the image"
run 1 insitu-unpack a.img nowhere/x
says err "cannot create: its directory does not exist"
run 1 insitu-unpack a.img .
says err "is a directory"
# An old target stays as it was when the image turns out to be damaged.
echo precious >kept
run 1 insitu-unpack bad.img kept
check "the old file is still there" grep -q precious kept
run 1 script -qec "insitu-unpack a.img -" /dev/null
grep -q "not written to a terminal" out && pass || fail "a terminal is no target"

# Salvage keeps what decodes before the damage; =strict does not. The map says which is which.
python3 - <<'PYTHON'
import random
r = random.Random(5)
with open("words", "wb") as f:
    for _ in range(512):
        f.write(bytes(r.choices(b"abcdefgh ", k=4096)))
PYTHON
for alg in lzo deflate; do
  run 0 insitu-pack -q --force --alg $alg --extent 128K words words.img
  read -r first blocks sectors _ < <(insitu-dump-meta words.img | grep -v '^#' | sed -n 3p)
  meta=$(od -An -t u8 -j 16 -N 8 words.img | tr -d ' ')
  dd if=/dev/zero of=words.img bs=512 seek=$((8 * (1 + meta + first) + sectors - 2)) count=1 conv=notrunc status=none
  run 1 insitu-unpack --force words.img raw
  for target in raw -; do
    rm -f map
    [ $target = raw ] && rm -f raw
    insitu-unpack --salvage --map map words.img $target >out 2>err
    check "$alg: damage is an error" test $? -eq 1
    [ $target = raw ] || mv out raw
    says err "unproven"
    says map "# Mapfile."
    python3 - "$first" "$blocks" <<'PYTHON' || fail "$alg: the map to $target is not true"
import sys
first, blocks = map(int, sys.argv[1:])
want, got = open("words", "rb").read(), open("raw", "rb").read()
rows = [line.split() for line in open("map") if not line.startswith("#")][1:]
at = 0
for pos, size, status in rows:
    assert int(pos, 16) == at
    end = at + int(size, 16)
    if status == "+":
        assert want[at:end] == got[at:end]
    else:
        assert first * 4096 <= at and end <= (first + blocks) * 4096
    if status == "?":  # behind the damage a stream may decode to anything
        half = blocks // 2 * 4096
        assert end - at >= half and want[at:at + half] == got[at:at + half]
    at = end
assert at == len(got) and {row[2] for row in rows} >= {"+", "?"}
PYTHON
  done
  run 1 insitu-unpack --force --salvage=strict words.img raw
  check "$alg: strict gives zeros" cmp -s -i $((first * 4096)):0 -n $((blocks * 4096)) raw /dev/zero
done
run 2 insitu-unpack --salvage=some words.img raw
run 2 insitu-unpack --map map words.img raw

# The size of the source comes back with its manifest, to a file and a pipe.
for size in 1 511 4095 4096 10321 131073 1000001; do
  head -c $size words >part
  run 0 insitu-pack -q --force --manifest part.json part part.img
  for option in --verify-manifest --manifest-size; do
    rm -f raw
    run 0 insitu-unpack -v $option part.json part.img raw
    check "$option gives $size bytes back" cmp raw part
    [ $((size % 4096)) -eq 0 ] || says err "are padding and left out"
    check "and to a pipe" sh -c "insitu-unpack -q $option part.json part.img - | cmp - part"
  done
done
# What is behind the source's size is still compared.
truncate -s 40M part && printf x | dd of=part bs=1 seek=30000000 conv=notrunc status=none
run 0 insitu-pack -q --force part longer.img
head -c 1000 words >part && run 0 insitu-pack -q --force --size 40M --manifest part.json part part.img
run 1 insitu-unpack --force --verify-manifest part.json longer.img raw
run 2 insitu-unpack --manifest-size part.json --length 4K part.img raw
