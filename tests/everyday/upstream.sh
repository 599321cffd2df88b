#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The patches for other projects: they are whole, and what they add does what it says.
# shellcheck source=lib.sh
. "${INSITU_TESTS:?}/everyday/lib.sh"
patches=$INSITU_TESTS/../docs/upstream

# added PATCH FILE: the content of a file that a patch adds.
added() { awk -v name="+++ b/$2" '/^--- /{on = 0} $0 == name {on = 1; next} on && /^[+]/ {print substr($0, 2)}' "$1"; }
# A patch applies to what it was made from: each hunk has the lines that it says.
for patch in "$patches"/*.patch; do
    mkdir -p tree && (cd tree && git init -q . && git apply --numstat "$patch" >/dev/null) || fail "$patch is no patch"
done

uuid=f81d4fae-7dec-41d0-a765-00a0c91e6bf6
insitu-format -q --size 64M lzo
insitu-format -q --size 64M --alg deflate --label 'a name' --uuid $uuid named
seq 100000 >raw
insitu-pack -q --uuid $uuid raw packed
printf '\x02' | cat <(head -c 8 lzo) - <(tail -c +10 lzo) >version
printf '\x02' | cat <(head -c 32 lzo) - <(tail -c +34 lzo) >algorithm
printf '\x01' | cat <(head -c 3596 named) - <(tail -c +3598 named) >flags
head -c 30000000 lzo >short
head -c 33 lzo >tiny
head -c 64000000 /dev/zero >zeros

# file(1): the same words as by the magic that is installed.
added "$patches/file-insitu.patch" magic/Magdir/insitu >insitu.m
[ "$(grep -v '^#' insitu.m | grep .)" = "$(grep -v '^#' "$INSITU_TESTS/../apps/data/insitu.magic")" ] ||
    fail "the magic that is installed is another one"
file -C -m insitu.m >out 2>&1 && [ ! -s out ] || fail "file -C: $(cat out)"
[ "$(file -b -m insitu.m named)" = 'insitu-comp image, version 1, deflate, 16380 data blocks of 4 KiB, label "a name"' ] ||
    fail "file: $(file -m insitu.m named)"
for other in version zeros raw; do
    file -b -m insitu.m $other | grep -q insitu && fail "file takes $other for an image"
done

# libblkid: the probe, over a stand-in, with sanitizers.
added "$patches/libblkid-insitu.patch" libblkid/src/superblocks/insitu.c >insitu.c
cp "$INSITU_TESTS/everyday/blkid_stand_in.h" superblocks.h
gcc -std=gnu99 -Wall -Wextra -Wno-unused-parameter -Werror -g -fsanitize=address,undefined -I. -o probe insitu.c ||
    fail "the probe does not compile"
ASAN_OPTIONS=detect_leaks=0 ./probe lzo named packed version algorithm flags short tiny zeros >found || fail "the probe: $(cat found)"
sed -i 's/UUID=[0-9a-f-]* = 0$/UUID=any = 0/' found
diff - found <<EOF || fail "the probe finds something else"
lzo: VERSION=1 BLOCK_SIZE=4096 UUID=any = 0
named: VERSION=1 BLOCK_SIZE=4096 UUID=$uuid LABEL=a name = 0
packed: VERSION=1 BLOCK_SIZE=4096 UUID=any = 0
version:  = 1
algorithm:  = 1
flags: VERSION=1 BLOCK_SIZE=4096 = 0
short:  = 1
tiny:  = 1
zeros:  = 1
EOF
