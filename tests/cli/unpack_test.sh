#!/usr/bin/env bash
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
says err "offset 9437184 lies behind the end at 8388608"
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
run 1 insitu-unpack --salvage --json bad.img x
check "one extent is lost" [ "$(jq .damaged_extents out)" -eq 1 ]
check "its blocks are told" [ "$(jq '.damage[0].blocks' out)" -eq "$blocks" ]
says err "payload length 2147483647 does not fit its sectors, expected 1 to $((sectors * 512 - 4))"
says err ": zeros in place of $blocks blocks"
says err "bad.img: 1 damaged extent, $blocks blocks lost"
check "the rest is there" cmp -i $(((first + blocks) * 4096)) x raw
check "and zeros where it is not" cmp -n $((blocks * 4096)) x /dev/zero
insitu-unpack --salvage bad.img - >y 2>err
check "the same to stdout, with status 1" [ $? -eq 1 ]
check "the same content" cmp x y

run 1 insitu-unpack a.img a.img
says err "is the same file or device as the image"
run 1 insitu-unpack a.img nowhere/x
says err "cannot create"
run 1 insitu-unpack a.img .
says err "is a directory"
# An old target stays as it was when the image turns out to be damaged.
echo precious >kept
run 1 insitu-unpack bad.img kept
check "the old file is still there" grep -q precious kept
run 1 script -qec "insitu-unpack a.img -" /dev/null
grep -q "not written to a terminal" out && pass || fail "a terminal is no target"
