#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck source=lib.sh
. "$INSITU_TESTS/cli/lib.sh"

content raw $((8 * 1048576))
insitu-pack --extent 128K --json raw a.img >packed
run 0 insitu-stat --json a.img
check "schema" [ "$(jq -r .schema out)" = insitu-stat/1 ]
for key in logical_bytes mapped_bytes payload_sectors host_occupied_bytes compressed_extents \
  raw_extents mean_read_bytes; do
  check "stat and pack agree on $key" [ "$(jq .$key out)" = "$(jq .$key packed)" ]
done
check "allocated as du says" [ "$(jq .allocated_bytes out)" -eq $(($(du -k a.img | cut -f1) * 1024)) ]
check "histograms count every extent" [ "$(jq '[.extents_by_length[].extents] | add' out)" = \
  "$(jq '.compressed_extents + .raw_extents' out)" ]
check "sectors add up" [ "$(jq '[.extents_by_payload[] | .payload_sectors * .extents] | add' out)" = \
  "$(jq .payload_sectors out)" ]
run 0 insitu-stat a.img
says out "mean read"
says out "extents by blocks"

run 0 insitu-stat --table a.img
check "table" cmp out <(echo "0 16384 insitu_comp a.img writeback 5")
silent err
run 0 insitu-stat --table --commit-delay 30 a.img
check "table with delay" cmp out <(echo "0 16384 insitu_comp a.img writeback 30")
run 0 insitu-stat --table --writethrough a.img
check "table for writethrough" cmp out <(echo "0 16384 insitu_comp a.img writethrough")

# Sectors of the logical device, not of the image: 8 a data block, also where a meta block is spare.
insitu-format -q --size 26853376 spare.img
run 0 insitu-stat --json spare.img
sectors=$(jq '.data_blocks * 8' out)
run 0 insitu-stat --table spare.img
check "table of another size" cmp out <(echo "0 $sectors insitu_comp spare.img writeback 5")

# A name that would be another table, or more of one, is in none.
for name in 'a b' $'a\nb' $'a\e[2Jb' $'a\xffb' 'a\b' 'à'; do
  cp spare.img "$name"
  run 1 insitu-stat --table "$name"
  says err "a table cannot have this name"
  silent out
  check "the message is one line, printable" bash -c \
    '[ "$(wc -l <err)" -eq 2 ] && ! grep -qaP "[\x01-\x09\x1b\xff]" err'
  rm "$name"
done
cp spare.img é
run 0 insitu-stat --table é
says out " insitu_comp é writeback 5"

# What prints something else is no option of it.
while read -r options; do
  # shellcheck disable=SC2086
  run 2 insitu-stat $options spare.img
  says err "$([[ $options == *--table* || $options != *writethrough* ]] && echo excludes || echo requires)"
  silent out
done <<'END'
--live --json --prometheus
--table --json
--map --json
--udev --json
--udev --table
--udev --map
--udev --live
--udev --html new.html
--can-activate spare.img --table
--can-activate spare.img --map
--can-activate spare.img --udev
--can-activate spare.img --live
--can-activate spare.img --html new.html
--seals --table
--seals --map
--seals --udev
--seals --live
--seals --can-activate spare.img
--writethrough
END
run 2 insitu-stat --commit-delay 30 spare.img
says err requires
run 0 insitu-stat --seals --json --html new.html spare.img
check "a page and JSON" [ "$(jq -r .schema out)" = insitu-stat/1 ]
run 0 insitu-stat --table --writethrough --commit-delay 30 spare.img

# Meta alone: all of a terabyte, and no payload is read.
insitu-format -q --size 1T tera.img
"$INSITU_TESTS/cli/make_meta.py" fill tera.img
run 0 insitu-stat --json tera.img
blocks=$(jq .data_blocks out)
check "1 TiB: every block is mapped" [ "$(jq .mapped_bytes out)" -eq $((blocks * 4096)) ]
check "1 TiB: extents" [ "$(jq .compressed_extents out)" -eq $(((blocks + 31) / 32)) ]
check "1 TiB: nothing but super block and meta is stored" \
  [ "$(du -k tera.img | cut -f1)" -le $(($(jq .meta_blocks out) * 4 + 1024)) ]
rm tera.img

# --can-activate: the image itself, a device of its size, others.
run 0 insitu-stat --can-activate a.img a.img
cp a.img copy
loop copy
run 0 insitu-stat --can-activate "$loop" a.img
truncate -s +4096 copy2
truncate -s $(($(stat -c %s a.img) + 4096)) larger
loop larger
run 1 insitu-stat --can-activate "$loop" a.img
says out "size: the image has"
truncate -s 16M sectors
loop sectors --sector-size 4096
run 1 insitu-stat --json --can-activate "$loop" a.img
check "sector size is told" bash -c "jq -r '.problems[]' out | grep -q 'sectors of 4096 bytes'"
cp a.img alg.img
printf '\7' | dd of=alg.img bs=1 seek=32 conv=notrunc status=none
run 1 insitu-stat --can-activate alg.img alg.img
says out "comp_alg is 7, expected 0 or 1: the driver crashes on it"
cp a.img tail.img
printf '\20' | dd of=tail.img bs=1 seek=4096 conv=notrunc status=none
run 1 insitu-stat --can-activate tail.img tail.img
says out "block 0 is a tail: the driver would read before its bitmap"
