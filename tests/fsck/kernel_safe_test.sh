#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What insitu-fsck says that the driver does with damage (docs/format.md §4), and the verdict that
# comes of all of it together.
# shellcheck source=../cli/lib.sh
. "$INSITU_TESTS/cli/lib.sh"

# forge ALG STREAM-HEX BLOCKS SECTORS LENGTH: an image whose first extent is that payload.
forge() {
  rm -f forged.img
  insitu-format -q --alg "$1" --size 2M forged.img
  python3 - "${@:2}" <<'PYTHON'
import struct, sys
stream = bytes.fromhex(sys.argv[1])
blocks, sectors, length = map(int, sys.argv[2:])
with open("forged.img", "r+b") as image:
    image.seek(16)
    data = 4096 * (1 + struct.unpack("<Q", image.read(8))[0])
    image.seek(data)
    image.write(stream.ljust(512 * sectors - 4, b"\xaa") + struct.pack("<I", length))
    bits, left = 0, sectors
    for block in range(blocks):
        bits |= (min(8, left) | (16 if block else 0)) << 5 * block
        left -= min(8, left)
    image.seek(4096)
    image.write(bits.to_bytes(20, "little"))
PYTHON
}
deflated() { # deflated BLOCKS: a stream of that many blocks of one letter
  python3 -c 'import sys, zlib
c = zlib.compressobj(9, zlib.DEFLATED, -11)
print((c.compress(b"a" * 4096 * int(sys.argv[1])) + c.flush()).hex())' "$1"
}
# verdict STATUS EFFECT: of --kernel-safe, and the effect that the check tells.
verdict() {
  run "$1" insitu-fsck --kernel-safe forged.img
  [ -z "$2" ] || says out "kernel: $2"
}
raw_lzo=$(printf '000000%0200d110000' 0)

eight=$(deflated 8)
length=$((${#eight} / 2))
forge deflate "$eight" 8 1 $length
verdict 0 ""
run 0 insitu-fsck forged.img
says out "clean"
for inside in $((length + 1)) 300 508 509 512; do
  forge deflate "$eight" 8 1 $inside
  verdict 0 ""
  run 0 insitu-fsck forged.img
  says out "P01 warning"
  run 0 insitu-unpack --force forged.img raw
  says err "1 extent with a length word beyond its stream"
  check "length $inside reads right" cmp -s -n 32768 raw <(head -c 32768 /dev/zero | tr '\0' a)
done
for outside in 513 70000 2147483647 4294967295; do
  forge deflate "$eight" 8 1 $outside
  verdict 4 "out-of-bounds access"
  run 0 insitu-unpack --force forged.img raw
  check "length $outside reads right" cmp -s -n 32768 raw <(head -c 32768 /dev/zero | tr '\0' a)
done
forge deflate "$eight" 8 1 $((length - 1))
verdict 0 "EIO"
forge deflate "$eight" 8 1 0
verdict 0 "EIO"
forge deflate "$eight" 9 1 $length
verdict 4 "kernel memory"
forge deflate "$eight" 7 1 $length
verdict 0 "EIO"
forge lzo "$raw_lzo" 8 1 513
verdict 4 "out-of-bounds access"
forge lzo "$raw_lzo" 8 1 500
verdict 0 "EIO"
forge lzo "$raw_lzo" 8 1 0
verdict 0 "EIO"

# Tails behind a head, all shares 0.
forge lzo "" 8 0 0 2>/dev/null || :
python3 - <<'PYTHON'
with open("forged.img", "r+b") as image:
    image.seek(4096)
    image.write(sum(16 << 5 * block for block in range(1, 8)).to_bytes(20, "little"))
PYTHON
verdict 0 ""
run 4 insitu-fsck forged.img
says out "kernel: reads as zeros"

# The verdict is of all effects, not of the worst one.
content raw 1048576
insitu-pack -q raw twice.img
truncate -s +4096 twice.img
printf '\xff\xff\xff\xff' | dd of=twice.img bs=1 seek=8192 conv=notrunc status=none
run 4 insitu-fsck --kernel-safe twice.img
says out "not safe to activate: kernel: refuses the device"
run 4 insitu-fsck --json twice.img
check "all effects are told" jq -e '.result.kernel_effects | index("refuses the device")' out
