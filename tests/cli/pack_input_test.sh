#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What insitu-pack is given: containers, streams that end early, sums and sizes that were promised,
# disks for other sectors, standard output as the target.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

content raw 5000000
insitu-pack -q raw plain.img

# Containers are refused with the way to pack them, by name and as a stream; --raw takes them.
for format in qcow2 vmdk vdi vhdx vpc qed; do
  qemu-img convert -O $format raw disk.$format
done
qemu-img create -q -f vpc -o subformat=fixed fixed.vhd 5000704
gzip -k raw && xz -0 -k raw && zstd -q raw && bzip2 -k raw
tar -cf raw.tar raw
echo raw | cpio -o -H newc >raw.cpio 2>/dev/null
for file in disk.* fixed.vhd raw.gz raw.xz raw.zst raw.bz2 raw.tar raw.cpio; do
  run 1 insitu-pack $file new.img
  says err "$file: is not a raw image: "
  says err "hint: "
  says err "--raw packs it as it is"
  check "nothing is left of $file" [ ! -e new.img ]
  run 0 insitu-pack -q --raw $file new.img
  insitu-unpack -q new.img back
  check "--raw keeps $file" cmp -n "$(stat -c %s $file)" $file back
  rm -f new.img back
  [ $file = fixed.vhd ] && continue # known by its end alone
  run 1 bash -c "insitu-pack - new.img <$file"
  says err "standard input: is not a raw image: "
  run 1 bash -c "cat $file | insitu-pack --size 64M - new.img"
  says err "is not a raw image: "
done
# The pipeline that is told is one that works.
for file in raw.gz raw.xz raw.zst raw.bz2; do
  insitu-pack $file new.img 2>err
  pipeline=$(sed -n "s/^hint: .*; or \(.*\); --raw.*/\1/p" err)
  run 0 bash -c "${pipeline/TARGET/new.img}"
  check "the told pipeline of $file" cmp new.img plain.img
  rm -f new.img
done
# What only begins alike is raw: a magic in another place, a part of one, a short file.
{ printf 'BZh9'; head -c 5000 raw; } >almost
printf 'QFI' >short
printf '\037\213' >two
for file in almost short two; do run 0 insitu-pack -q $file new.img; done

# A stream that ends early, or is another one, gives no image; neither does a file.
sum=$(sha raw)
run 0 bash -c "cat raw | insitu-pack -q --size 8M --expect-size 5000000 --expect-sha256 $sum - new.img"
rm new.img
for size in 4999999 5000001 0; do
  run 1 bash -c "cat raw | insitu-pack --size 8M --expect-size $size - new.img"
  says err "has 5000000 bytes, $size were expected"
  run 1 insitu-pack --expect-size $size raw new.img
  says err "has 5000000 bytes, $size were expected"
done
other=${sum/[0-4]/f}
run 1 bash -c "cat raw | insitu-pack --expect-sha256 $other - new.img"
says err "has the SHA-256 $sum, $other was expected"
run 1 insitu-pack --expect-sha256 "$other" raw new.img
run 1 insitu-pack --measure --expect-sha256 "$other" raw
run 0 insitu-pack -q --measure --expect-sha256 "${sum^^}" raw
check "no image" [ ! -e new.img ]
for wrong in 12 "${sum}0" "${sum/[0-9a-f]/g}"; do
  run 2 insitu-pack --expect-sha256 "$wrong" raw new.img
  says err "is not 64 hex digits"
done
# The source's own zeros count, at the end as well.
{ cat raw; head -c 300000 /dev/zero; } >padded
run 0 insitu-pack -q --expect-sha256 "$(sha padded)" --manifest m.json padded new.img
rm -f new.img

# A manifest from before says the same: schemas, holes, another source.
run 0 insitu-pack -q --manifest before.json raw new.img
rm new.img
run 0 bash -c 'cat raw | insitu-pack -q --check-manifest before.json --manifest after.json - new.img'
check "the same manifest" cmp before.json after.json
rm -f new.img
{ head -c 4999999 raw; printf x; } >changed
run 1 insitu-pack -q --check-manifest before.json changed new.img
says err "was expected"
run 1 bash -c 'head -c 4096 raw | insitu-pack -q --check-manifest before.json - new.img'
says err "has 4096 bytes, 5000000 were expected"
run 1 insitu-pack -q --check-manifest before.json --expect-size 5M raw new.img
says err "is of 5000000 bytes"
run 1 insitu-pack -q --check-manifest raw raw new.img
check "no image" [ ! -e new.img ]

# - as the target: the image comes down the pipe, the report goes to stderr.
run 0 bash -c 'insitu-pack raw - | cmp - plain.img'
check "no file of that name" [ ! -e ./- ]
: >./-
run 0 bash -c 'insitu-pack --verify --json raw - 2>report | cmp - plain.img'
check "the document is on stderr" jq -e '.verified and .schema == "insitu-pack/1"' report
check "a file of that name stays" [ ! -s ./- ]
rm ./-
run 0 bash -c 'cat raw | insitu-pack - - | cmp - plain.img'
uuid=11111111-2222-4333-8444-555555555555
insitu-format -q --uuid $uuid --size 3M empty.img
run 0 bash -c "insitu-format --uuid $uuid --size 3M - | cmp - empty.img"
run 1 insitu-format -
says err "does not exist"
run 1 bash -c 'insitu-pack --expect-size 1M raw - | wc -c >count; exit "${PIPESTATUS[0]}"'
check "nothing of a wrong source comes down" [ "$(cat count)" -eq 0 ]

# Content for sectors of 512 bytes: the driver's device could not serve it.
warned() { # FILE WORDS
  run 0 insitu-pack -q "$1" new.img
  says err "$1: holds $2"
  run 0 insitu-stat -q new.img
  says err "new.img: holds $2"
  run 0 bash -c "cat $1 | insitu-pack -q - new.img"
  says err "standard input: holds $2"
}
truncate -s 40M gpt && echo 'label: gpt
,' | sfdisk -q gpt
warned gpt "a GPT with units of 512"
truncate -s 40M dos && echo 'label: dos
63,70000,83' | sfdisk -q dos
warned dos "a DOS partition table with units of 512"
for block in 1024 2048; do
  rm -f ext
  truncate -s 20M ext && mke2fs -q -t ext2 -b $block ext
  warned ext "ext2/3/4 with units of $block"
done
truncate -s 300M xfs && mkfs.xfs -q xfs
warned xfs "XFS with units of 512"
truncate -s 20M fat && mkfs.vfat -F 16 fat >/dev/null
warned fat "FAT with units of 512"
quiet_about() {
  run 0 insitu-pack -q "$1" new.img
  silent err
  run 0 insitu-stat -q new.img
  silent err
}
rm -f ext fat xfs gpt
truncate -s 20M ext && mke2fs -q -t ext4 -b 4096 ext
quiet_about ext
truncate -s 300M xfs && mkfs.xfs -q -s size=4096 xfs
quiet_about xfs
truncate -s 64M fat && mkfs.vfat -S 4096 fat >/dev/null
quiet_about fat
if [ "$(id -u)" -eq 0 ]; then
  truncate -s 40M native
  loop native -b 4096
  echo 'label: gpt
,' | sfdisk -q "$loop"
  losetup -d "$loop"
  quiet_about native
fi
for size in 1 511 513 4095; do
  head -c $size raw >short
  quiet_about short
done

# A directory is what insitu-mkfs is for.
run 1 insitu-pack . new.img
says err "hint: insitu-mkfs"
