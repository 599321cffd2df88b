#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Virtual disks as sources.
# shellcheck source=lib.sh
. "$INSITU_TESTS/cli/lib.sh" || exit 1

content raw 8000000
truncate -s 8388608 raw
run 0 insitu-pack -q raw raw.img
for pair in qcow2:qcow2 qed:qed vmdk:vmdk vdi:vdi vhdx:vhdx vhd:vpc parallels:parallels; do
  name=${pair%:*}
  format=${pair#*:}
  options=()
  [ "$name" = vhd ] && options=(-o force_size=on)
  rm -f disk
  qemu-img convert -q -f raw -O "$format" "${options[@]}" raw disk 2>qemu.err || { fail "qemu-img $format: $(cat qemu.err)"; continue; }
  run 0 insitu-pack -q --from "$name" disk a.img
  # A format may round the size up.
  run 0 insitu-unpack -q --length 8388608 a.img back
  check "$name: the same content" cmp raw back
  run 0 insitu-pack -q --from auto disk b.img
  check "$name: by its magic" cmp a.img b.img
  run 1 insitu-pack -q disk c.img
  says err "is not a raw image"
  says err "--from auto"
  # What is missing would be read as zeros.
  head -c $(($(stat -c %s disk) / 2)) disk >torn
  run 1 insitu-pack --from "$name" torn x.img
  says err "cannot be read as $name"
  check "no server is left" [ -z "$(pgrep -f "$work/disk")" ]
done
qemu-img convert -q -f raw -O qcow2 -c raw disk
run 0 insitu-pack -q --from qcow2 --verify --manifest m.json disk a.img
check "a compressed one" cmp raw.img a.img
run 0 insitu-pack -q --from auto raw b.img
check "auto takes raw for raw" cmp raw.img b.img
cp raw.img u.img
run 0 insitu-pack -q --update --from qcow2 disk u.img
check "an update" cmp raw.img u.img

# What it is not, and what cannot be.
run 1 insitu-pack --from vmdk disk x.img
says err "cannot be read as vmdk"
head -c 100000 disk >torn
run 1 insitu-pack --from qcow2 torn x.img
run 1 insitu-pack --from qcow2 missing x.img
run 1 insitu-pack --from qcow2 - x.img
says err "--from qcow2 reads files"
run 2 insitu-pack --from cow disk x.img
run 2 insitu-pack --from qcow2 --raw disk x.img
check "no image is left" [ ! -e x.img ]
check "no directory is left" [ -z "$(ls -d "${TMPDIR:-/tmp}"/insitu-pack-?????? 2>/dev/null)" ]
# A message names the file, not the socket of its server.
run 1 insitu-pack --from qcow2 --size 4M disk x.img
says err "disk has 8388608"
check "no socket is named" [ "$(grep -c socket err)" = 0 ]
