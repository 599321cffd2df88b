#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# H01 and --punch: what holes take, and giving it back to the host.
# shellcheck source=../cli/lib.sh
. "$INSITU_TESTS/cli/lib.sh"

allocated() { echo $(($(stat -c '%b * %B' "$1"))); }
content raw 4194304
run 0 insitu-pack -q raw good.img
small=$(allocated good.img)
# Every hole is allocated and holds old bytes.
fill() {
  cp --sparse=never good.img fat.img
  rm -f fat.img.insitu-undo*
  fat=$(allocated fat.img)
}
fill
check "the copy takes more" test "$fat" -gt $((small + 65536))

run 0 insitu-fsck -v good.img
check "a packed image has no such holes" test -z "$(grep H01 out)"
run 0 insitu-fsck fat.img
check "a note is not shown without -v" test -z "$(grep H01 out)"
run 0 insitu-fsck -v fat.img
says out "H01 note: holes take space: $fat bytes are allocated"
run 0 insitu-fsck --json fat.img
says out '"id":"H01"'
run 0 insitu-fsck -p fat.img
run 0 insitu-fsck -y fat.img
run 0 insitu-fsck --punch --dry-run fat.img
check "nothing is punched unless asked for" test "$(allocated fat.img)" = "$fat"

run 1 insitu-fsck --punch fat.img
says out "punched"
check "the space is free" test "$(allocated fat.img)" -le $((small + 8192))
check "the content is the same" sh -c 'insitu-unpack -q fat.img back && cmp back raw'
run 0 insitu-fsck --punch fat.img
run 0 insitu-fsck -v fat.img
check "no such note is left" test -z "$(grep H01 out)"
check "no log is left" test ! -e fat.img.insitu-undo

fill
run 1 insitu-fsck -p --punch --json fat.img
check "the bytes are in the report" python3 -c '
import json
report = json.load(open("out"))
assert report["punched_bytes"] > 65536 and report["exit_status"] == 1, report'
check "-p may punch" test "$(allocated fat.img)" -le $((small + 8192))

# The copy is punched, not the original.
fill
run 1 insitu-fsck --punch -o lean.img fat.img
check "the original is left alone" test "$(allocated fat.img)" = "$fat"
check "the copy is punched" test "$(allocated lean.img)" -le $((small + 8192))

# Whatever cannot be repaired may need what stands in the holes.
fill
printf '\377\377\377\377' | dd of=fat.img bs=1 seek=$((8192 + 100)) conv=notrunc status=none
dd if=/dev/zero of=fat.img bs=512 seek=18 count=1 conv=notrunc status=none
run 4 insitu-fsck --punch fat.img
says err "holes are not punched: the image is not clean"
check "nothing was punched" test "$(allocated fat.img)" = "$fat"

# Holes of a device are discarded: those of the file below it.
fill
loop fat.img
run 1 insitu-fsck --punch "$loop"
check "the holes of a device are discarded" test "$(allocated fat.img)" -le $((small + 8192))
check "the device has the same content" sh -c "insitu-unpack -q $loop back && cmp back raw"
