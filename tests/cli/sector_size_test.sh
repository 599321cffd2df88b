#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Disks for sectors of 512 bytes become disks for sectors of 4096 bytes.
# shellcheck source=lib.sh
. "$INSITU_TESTS/cli/lib.sh" || exit 1
PATH=$PATH:/usr/sbin:/sbin
mib=$((1 << 20))

# table BYTES: a new file disk with the table that sfdisk is told on standard input.
table() {
  rm -f disk
  truncate -s "$1" disk
  sfdisk -q disk 2>sfdisk.err || fail "sfdisk: $(cat sfdisk.err)"
}
# packed [OPTIONS]: disk becomes disk.img and, unpacked, large, with a loop device over it.
packed() {
  [ -n "${loop:-}" ] && losetup -d "$loop" 2>/dev/null
  rm -f large
  run 0 insitu-pack --sector-size 4096 "$@" disk disk.img
  cp err pack.err
  run 0 insitu-unpack -q --length "$(stat -c %s disk)" disk.img large
  loop large --sector-size 4096
}
# places FILE SECTOR: number, first and last byte, type, name and GUIDs of each partition.
places() {
  sfdisk -J "$1" 2>/dev/null | jq -c --argjson unit "$2" '.partitiontable | .id, (.partitions[] |
    [.start * $unit, (.start + .size) * $unit, .type, .uuid, .name, .bootable])'
}
same_places() {
  places disk 512 >before
  places "$loop" 4096 >after
  check "$1: something is compared" [ "$(wc -l <before)" -ge 2 ]
  check "$1: the same partitions" cmp before after
  check "$1: no complaint of sfdisk" sfdisk -V -q "$loop"
}
esp() { # FIRST MEBIBYTE, MEBIBYTES: a FAT with a tree
  mkfs.vfat -i 77aa88bb -n MYESP --offset $(($1 * 2048)) disk $(($2 * 1024)) >/dev/null 2>&1
  mkdir -p tree/EFI/BOOT
  seq 100000 >tree/EFI/BOOT/BOOTX64.EFI
  echo 'a long name' >'tree/A name that is long.txt'
  : >tree/empty
  mcopy -s -p -m -i disk@@$(($1 * mib)) tree/EFI tree/A* tree/empty ::/
}

# A GPT: a FAT that is made anew, an ext4 that stays at its bytes.
table 200M <<'EOF'
label: gpt
label-id: 5DD38BAA-859D-E547-84E4-769327731045
start=2048, size=81920, type=U, name=esp, uuid=BCEE7FA7-45A3-3442-8417-9FC7D3AF1478
start=83968, size=262144, type=L, name="a root", uuid=3280F6D7-EE0C-F048-BD0A-5D1E90AA8729, attrs="RequiredPartition"
EOF
esp 1 40
mkdir fill
cp "$(command -v bash)" fill/
mke2fs -q -F -b 4096 -d fill -E offset=$((41 * mib)) disk 128M 2>/dev/null
packed
says pack.err "FAT file system in partition 1 (esp) is made anew"
same_places gpt
check "sgdisk finds no problem" bash -c "sgdisk -v $loop | grep -q 'No problems found'"
check "the second GPT as well" [ "$(sgdisk -v "$loop" 2>&1 | grep -ci 'corrupt\|mismatch\|invalid')" = 0 ]
partx -s -o NR,START,END "$loop" >out || fail partx
check "the file system stays" cmp -i $((41 * mib)) -n $((128 * mib)) disk large
run 0 mkdir again
run 0 mcopy -s -n -i large@@$mib ::/ again
check "the ESP holds the same" diff -r tree again
check "with sectors of 4096" [ "$(od -An -tu2 -j $((mib + 11)) -N2 large | tr -d ' ')" = 4096 ]
check "its label" bash -c "blkid -p -O $mib large -o export | grep -q LABEL=MYESP"
check "its number" bash -c "blkid -p -O $mib large -o export | grep -q UUID=77AA-88BB"
cp disk.img first.img
sleep 1.1
packed -q
check "the same bytes again" cmp first.img disk.img
insitu-pack --sector-size 4K --measure --json disk >out 2>err || fail measure
check "measured" [ "$(jq .source_bytes out)" = $((200 * mib)) ]
run 1 insitu-pack --sector-size 4096 large x.img
says err "has a GPT for sectors of 4096 bytes already"
if mkdir -p mnt && losetup -d "$loop" && loop large --sector-size 4096 -P && [ -e "${loop}p2" ]; then
  run 0 mount -o ro "${loop}p2" mnt
  check "the ext4 is mounted" cmp fill/bash mnt/bash
  umount mnt
  if mount -t vfat -o ro "${loop}p1" mnt 2>/dev/null; then
    check "the FAT is mounted" cmp tree/EFI/BOOT/BOOTX64.EFI mnt/EFI/BOOT/BOOTX64.EFI
    umount mnt
  fi
fi

# By way of a container, a stream, an update.
qemu-img convert -f raw -O qcow2 disk disk.qcow2
run 0 insitu-pack -q --sector-size 4096 --from auto disk.qcow2 a.img
check "from qcow2" cmp first.img a.img
zstd -q disk
run 0 insitu-pack -q --sector-size 4096 --from auto disk.zst a.img
check "from zst" cmp first.img a.img
run 0 bash -c "insitu-pack -q --sector-size 4096 - a.img <disk"
check "from a stream" cmp first.img a.img
run 0 insitu-pack -q --sector-size 4096 --update disk a.img
check "an update" cmp first.img a.img

# Without the programs for FAT it is named. (They are looked for in /usr/sbin, too.)
if unshare -m true 2>/dev/null; then
  run 0 unshare -m bash -c 'mount --bind /dev/null "$(command -v mkfs.vfat)" && insitu-pack -q --sector-size 4096 disk a.img'
  says err "warning: disk: partition 1 (esp) holds FAT with units of 512 bytes"
  says err "apt install mtools dosfstools"
  run 0 insitu-unpack -q a.img named
  check "it stays as it is" cmp -i $mib -n $((40 * mib)) disk named
fi
# Other file systems with small units are named as well.
cp disk saved
mke2fs -q -F -b 1024 -E offset=$((41 * mib)) disk 128M 2>/dev/null
run 0 insitu-pack -q --sector-size 4096 disk a.img
says err "partition 2 (a root) holds ext2/3/4 with units of 1024 bytes"
# A FAT that is damaged, and one that is too full for larger clusters.
cp saved disk
openssl enc -aes-128-ctr -nosalt -K 00112233445566778899aabbccddeeff -iv 00000000000000000000000000000000 </dev/zero 2>/dev/null |
  dd of=disk bs=512 seek=$((2048 + 4)) count=100 iflag=fullblock conv=notrunc status=none
run 1 insitu-pack -q --sector-size 4096 disk x.img
says err "FAT file system in partition 1 (esp) cannot be made anew"
cp saved disk
mkfs.vfat -F 32 -s 1 --offset 2048 disk 40960 >/dev/null 2>&1
mkdir many
for i in $(seq 9500); do echo "$i" >"many/$i"; done
MTOOLS_SKIP_CHECK=1 mcopy -s -Q -i disk@@$mib many ::/
run 1 env insitu-pack -q --sector-size 4096 disk x.img
says err "cannot be made anew"

# Damaged GPTs: the sound one of the two is taken.
damage() { # BYTE: another byte there
  printf '\xa5' | dd of=disk bs=1 seek="$1" conv=notrunc status=none
}
cp saved disk
size=$(stat -c %s disk)
for at in 512 560 1100; do
  cp saved disk
  damage $at
  packed
  says pack.err "its first GPT has"
  says pack.err "the second one is taken"
  cp disk damaged
  cp saved disk
  same_places "the first one, byte $at"
done
for at in $((size - 512)) $((size - 464)) $((size - 16896 + 200)); do
  cp saved disk
  damage $at
  packed
  says pack.err "its second GPT has"
  same_places "the second one, byte $at"
  check "written anew" bash -c "sgdisk -v $loop | grep -q 'No problems found'"
done
cp saved disk
damage 560
damage $((size - 16896 + 200))
run 1 insitu-pack -q --sector-size 4096 disk x.img
says err "the second one is damaged as well"
# Cut off, made longer: no second one at the end.
cp saved disk
truncate -s 210M disk
packed
says pack.err "its second GPT has no signature"
same_places "made longer"
cp saved disk
truncate -s 100M disk
run 1 insitu-pack -q --sector-size 4096 disk x.img
says err "partition 2 (a root) ends at byte 177209344, the disk has 104857600"
cp saved disk
truncate -s $((size + 512)) disk
run 1 insitu-pack -q --sector-size 4096 disk x.img
says err "not a multiple of 4096"

# Fields of a GPT, with right checksums: gpt FIELD=VALUE.... in both copies.
cat >gpt.py <<'EOF'
import struct, sys, zlib
places = {"count": (80, "<I"), "size": (84, "<I"), "length": (12, "<I"), "array": (72, "<Q"), "own": (24, "<Q")}
entry_places = {"first": (32, "<Q"), "last": (40, "<Q")}
with open("disk", "r+b") as disk:
    end = disk.seek(0, 2)
    for at in (512, end - 512):
        disk.seek(at)
        header = bytearray(disk.read(512))
        array_at = struct.unpack_from("<Q", header, 72)[0] * 512
        disk.seek(array_at)
        array = bytearray(disk.read(16384))
        for word in sys.argv[1:]:
            name, value = word.split("=")
            if name == "wide":  # entries of 256 bytes
                wide = bytearray(16384)
                for i in range(64):
                    wide[i * 256:i * 256 + 128] = array[i * 128:i * 128 + 128]
                array = wide
                struct.pack_into("<II", header, 80, 64, 256)
            elif name in places:
                struct.pack_into(places[name][1], header, places[name][0], int(value))
            else:
                entry, name = name.split(".")
                struct.pack_into(entry_places[name][1], array, (int(entry) - 1) * 128 + entry_places[name][0], int(value))
        disk.seek(array_at)
        disk.write(array)
        count, size = struct.unpack_from("<II", header, 80)
        struct.pack_into("<I", header, 88, zlib.crc32(array[:count * size]))
        length = min(struct.unpack_from("<I", header, 12)[0], 512)
        struct.pack_into("<I", header, 16, 0)
        struct.pack_into("<I", header, 16, zlib.crc32(header[:length]))
        disk.seek(at)
        disk.write(header)
EOF
gpt() {
  cp saved disk
  python3 gpt.py "$@"
}
gpt wide=1
packed
same_places "entries of 256 bytes"
gpt count=4
packed
same_places "four entries"
refused() { # TEXT
  run 1 insitu-pack -q --sector-size 4096 disk x.img
  says err "$1"
}
gpt count=0
refused "has 0 entries of 128 bytes"
gpt count=4294967295
refused "has 4294967295 entries of 128 bytes"
gpt size=100
refused "has 128 entries of 100 bytes"
gpt length=80
refused "has a header of 80 bytes"
gpt length=4294967295
refused "has a header of 4294967295 bytes"
gpt array=18446744073709551615
refused "has its entries after the end of the disk"
gpt own=7
refused "says that it is in sector 7"
gpt 1.first=2049
refused "partition 1 (esp) starts at byte 1049088, which is not a multiple of 4096"
gpt 1.last=83966
refused "partition 1 (esp) ends at byte 42991104, which is not a multiple of 4096"
gpt 1.last=2000
refused "partition 1 (esp) ends before it starts"
gpt 2.last=18446744073709551615
refused "partition 2 (a root) ends at byte"
gpt 1.first=18446744073709551615 1.last=18446744073709551615
refused "partition 1 (esp)"
gpt 1.last=84991
refused "partition 1 (esp) and partition 2 (a root) overlap"
gpt 1.first=40
refused "needs those before 24576 and from 209694720 on"
gpt 2.last=409567
refused "needs those before 24576 and from 209694720 on"
cp saved disk
printf 'loader' | dd of=disk bs=1 seek=20000 conv=notrunc status=none
refused "holds something outside of all partitions"

# DOS tables: primary and logical partitions, one that is active.
table 200M <<'EOF'
label: dos
label-id: 0x12345678
start=2048, size=81920, type=c, bootable
start=83968, size=20480, type=83
start=106496, size=262144, type=5
start=108544, size=81920, type=83
start=192512, size=40960, type=82
EOF
esp 1 40
packed
same_places dos
check "five of them" [ "$(wc -l <after)" = 6 ]
cp disk saved
table 200M <<'EOF'
label: dos
start=2048, size=81920, type=c
EOF
packed
same_places "one primary"
dos() { # BYTE VALUE: four bytes of the table
  cp saved disk
  python3 -c 'import sys
with open("disk", "r+b") as disk:
    disk.seek(int(sys.argv[1]))
    disk.write(int(sys.argv[2]).to_bytes(4, "little"))' "$1" "$2"
}
dos 454 2049
refused "partition 1 starts at byte 1049088"
dos 458 81921
refused "partition 1 ends at byte"
dos 458 4294967295
refused "partition 1 ends at byte"
ebr=$((106496 * 512))
dos $((ebr + 510)) 0
refused "a table of its has no signature"
dos $((ebr + 454)) 2047
refused "partition 5 starts at byte"
dos $((ebr + 470)) 0
refused "its chain leads astray"
dos $((ebr + 470)) 4294967288
refused "its chain leads astray"
dos $((ebr + 470)) 83961
refused "the table of partition 6"

# What is no such disk.
truncate -s 0 empty
run 1 insitu-pack -q --sector-size 4096 empty x.img
truncate -s 1000 short
run 1 insitu-pack -q --sector-size 4096 short x.img
says err "has no partition table"
mkfs.vfat -C fat 20480 >/dev/null
run 1 insitu-pack -q --sector-size 4096 fat x.img
says err "it holds FAT"
truncate -s 20M zeros
run 1 insitu-pack -q --sector-size 4096 zeros x.img
says err "has no partition table"
run 2 insitu-pack --sector-size 512 disk x.img
run 2 insitu-pack --sector-size 4096 --expect-sha256 "$(sha disk)" disk x.img
check "no image is left" [ ! -e x.img ]
check "nothing else is left" [ -z "$(find . -name '.insitu-pack-*')" ]
