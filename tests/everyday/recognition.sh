#!/usr/bin/env bash
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
cp "$data/65-insitu.rules" $rules
type_of() { # what udev would make of a loop device over the file, in the variable type
    attach "$1"
    udevadm test --action=add "/sys/block/${loop##*/}" >udev 2>&1 || true
    type=$(sed -n 's/^\(ID_FS_TYPE\|ID_FS_USAGE\)=//p' udev | sort | tr '\n' ' ')
}
type_of lzo
[ "$type" = "insitu_comp other " ] || fail "udev says: $type"
truncate -s 64M zeros
type_of zeros
[ -z "$type" ] || fail "udev takes zeros for an image"
