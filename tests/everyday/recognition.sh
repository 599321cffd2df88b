#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Others see what an image is: file(1) by the magic entry, udev by the rule.
# shellcheck source=lib.sh
. "${INSITU_TESTS:?}/everyday/lib.sh"
data=$INSITU_TESTS/../apps/data

insitu-format -q --size 64M lzo
insitu-format -q --size 64M --alg deflate deflate
[ "$(file -b -m "$data/insitu.magic" lzo)" = \
    "insitu-comp image, version 1, lzo, 16380 data blocks of 4 KiB" ] || fail "$(file -m "$data/insitu.magic" lzo)"
file -b -m "$data/insitu.magic" deflate | grep -q ', deflate,' || fail "deflate"

need_root
rules=/run/udev/rules.d/65-insitu-test.rules
mkdir -p "${rules%/*}"
trap 'rm -f $rules; clean_up' EXIT
# The tool that was built, wherever it is.
sed "s|/usr/bin/insitu-stat|$INSITU_TOOLS/insitu-stat|" "$data/65-insitu.rules" >$rules
type_of() { # what udev would make of a loop device over the file, in the variable type
    attach "$1"
    udevadm test --action=add "/sys/block/${loop##*/}" >udev 2>&1 || true
    type=$(sed -n 's/^\(ID_FS_TYPE\|ID_FS_USAGE\)=//p' udev | sort | tr '\n' ' ')
}
type_of lzo
[ "$type" = "insitu other " ] || fail "udev says: $type"
grep -q '^ID_FS_UUID=' udev || fail "udev has no UUID"
insitu-format -q --size 64M --label 'röot/fs x' --uuid f81d4fae-7dec-41d0-a765-00a0c91e6bf6 named
type_of named
grep -q '^ID_FS_UUID=f81d4fae-7dec-41d0-a765-00a0c91e6bf6$' udev || fail "udev says another UUID"
grep -qF 'ID_FS_LABEL_ENC=röot\x2ffs\x20x' udev || fail "udev says another label"
grep -qF 'disk/by-uuid/f81d4fae-7dec-41d0-a765-00a0c91e6bf6' udev || fail "no link by UUID"
truncate -s 64M zeros
type_of zeros
[ -z "$type" ] || fail "udev takes zeros for an image"
