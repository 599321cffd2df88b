#!/usr/bin/env bash
# Others see what an image is: file(1) by the magic entry, udev by the rule.
# shellcheck source=lib.sh
. "$INSITU_TESTS/everyday/lib.sh"
data=$INSITU_TESTS/../data

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
type_of() { # what udev would make of a loop device over the file
    attach "$1"
    udevadm test --action=add "/sys/block/${loop##*/}" 2>&1 |
        sed -n 's/^\(ID_FS_TYPE\|ID_FS_USAGE\)=//p' | tr '\n' ' '
}
[ "$(type_of lzo | tr ' ' '\n' | sort | tr '\n' ' ')" = " insitu_comp other " ] ||
    [ "$(type_of lzo)" = "insitu_comp other " ] || fail "udev says: $(type_of lzo)"
truncate -s 64M zeros
[ -z "$(type_of zeros)" ] || fail "udev takes zeros for an image"
