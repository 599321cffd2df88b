#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Names of images: who gives them, who shows them, and that nothing loses them.
# shellcheck source=lib.sh
. "$INSITU_TESTS/cli/lib.sh"

uuid=f81d4fae-7dec-41d0-a765-00a0c91e6bf6
name_of() { insitu-label --json "$1" | jq -r '"\(.uuid) \(.label)"'; }

# Pack: the UUID follows from the content, so that builds are reproducible.
content raw 3000000
run 0 insitu-pack -q raw a.img
run 0 insitu-pack -q -j 1 --no-seals raw b.img
check "the same content has the same name" [ "$(name_of a.img)" = "$(name_of b.img)" ]
run 0 insitu-pack --json --label x raw c.img
check "the report has the name" [ "$(jq -r '"\(.uuid) \(.label)"' out)" = "$(name_of c.img)" ]
check "the label does not change it" [ "$(name_of c.img)" = "$(name_of a.img | cut -d' ' -f1) x" ]
printf z | dd of=raw bs=1 seek=1234567 conv=notrunc status=none
run 0 insitu-pack -q raw d.img
check "another content has another" [ "$(name_of a.img)" != "$(name_of d.img)" ]
run 0 insitu-pack -q --uuid "$uuid" --label 'r o öt' raw d.img
check "or the one that is given" [ "$(name_of d.img)" = "$uuid r o öt" ]
run 2 insitu-pack --uuid nonsense raw e.img
says err "is not a UUID"
run 2 insitu-pack --label "$(printf 'x%.0s' {1..65})" raw e.img
says err "at most 64 bytes, this one has 65"
check "nothing is left" [ ! -e e.img ]

# Format: a random one, unless builds are to be reproducible.
run 0 insitu-format -q --size 16M f1.img
run 0 insitu-format -q --size 16M f2.img
check "random" [ "$(name_of f1.img)" != "$(name_of f2.img)" ]
SOURCE_DATE_EPOCH=1 run 0 insitu-format -q --size 16M --label x g1.img
SOURCE_DATE_EPOCH=1 run 0 insitu-format -q --size 16M --label x g2.img
check "reproducible" cmp g1.img g2.img
run 0 insitu-format -q --size 16M --uuid "$uuid" g3.img
check "given" [ "$(name_of g3.img)" = "$uuid " ]

# Label: prints, and changes one sector.
cp d.img e.img
run 0 insitu-label d.img
says out "$uuid"
check "to print changes nothing" cmp d.img e.img
run 0 insitu-label d.img new
check "a new label, the same UUID" [ "$(name_of d.img)" = "$uuid new" ]
check "one sector" [ "$(cmp -l d.img e.img | awk '{print int(($1 - 1) / 512)}' | sort -u)" = 7 ]
run 0 insitu-label --uuid random d.img
check "another UUID, the same label" [ "$(name_of d.img | cut -d' ' -f2)" = new ]
check "it is random" [ "$(name_of d.img | cut -d' ' -f1)" != "$uuid" ]
run 0 insitu-label d.img ''
check "no label" [ "$(name_of d.img | cut -d' ' -f2)" = "" ]
run 0 insitu-label d.img 'r o öt' --uuid "$uuid"
check "back again" cmp d.img e.img
run 2 insitu-label d.img $'a\nb'
run 2 insitu-label d.img --uuid 12
check "wrong words change nothing" cmp d.img e.img
run 1 insitu-label raw x
says err "not an insitu"
run 1 insitu-label missing x
head -c 100 raw >short
run 1 insitu-label short

# An image without a name, as the driver makes it: nothing is said, one can be given.
dd if=/dev/zero of=d.img bs=512 seek=7 count=1 conv=notrunc status=none
run 0 insitu-label d.img
says out "has no name"
run 0 insitu-stat --json d.img
check "null" [ "$(jq .uuid out)" = null ]
run 0 insitu-label d.img again
check "a UUID comes with it" [ "$(name_of d.img | cut -d' ' -f2)" = again ]

# Shown by stat, kept by repairs.
run 0 insitu-stat e.img
says out "r o öt ($uuid)"
run 0 insitu-stat --udev e.img
says out "ID_FS_TYPE=insitu"
says out "ID_FS_UUID=$uuid"
says out "ID_FS_LABEL=r_o_öt"
says out 'ID_FS_LABEL_ENC=r\x20o\x20öt'
run 1 insitu-stat --udev raw
silent out
cp e.img f.img
printf '\7' | dd of=f.img bs=1 seek=3 conv=notrunc status=none
run 1 insitu-fsck -y f.img
check "a repair of the super block keeps the name" cmp e.img f.img
