#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A program in C11 over insitu.h, on a file and on a used block device.
# shellcheck source=../cli/nbd_lib.sh
. "$INSITU_TESTS/cli/nbd_lib.sh"

include=$INSITU_TESTS/../libinsitu/include
library=$INSITU_BUILD/libinsitu
for program in capi images nbd; do
  run 0 cc -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$include" "$INSITU_TESTS/capi/$program.c" \
    -L"$library" -linsitu -Wl,-rpath,"$library" -o $program
  silent err
done
# What listens and says nothing is given up; the test goes on meanwhile.
serve_silence
timeout 100 ./nbd --silent "nbd+unix:///?socket=$work/silent" 2>silent.err &
waits=$!
for header in insitu.h insitu/images.h; do
  printf '#include <%s>\nint main(void) { return insitu_error_code(NULL) + INSITU_NOTE; }\n' $header >alone.c
  run 0 cc -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$include" -fsyntax-only alone.c
done
printf '#include <insitu.h>\nint main() { return insitu_error_code(nullptr); }\n' >header.cpp
run 0 c++ -std=c++20 -Wall -Wextra -Wpedantic -Werror -I"$include" -fsyntax-only header.cpp

# What is zeros, what compresses, what does not; no whole number of blocks.
content text 300000
{ cat text; head -c 500000 /dev/zero; head -c 200001 /dev/urandom; } >raw
run 0 ./capi raw file.img
silent err
run 0 insitu-fsck file.img

# Hashes, copies, changes in place.
mkdir images.d
run 0 env -C images.d ../images ../raw
silent err
for image in image copy recoded; do run 0 insitu-fsck images.d/$image.img; done

# The image of a server.
run 0 insitu-pack -q --label served raw served.img
serve images -r file served.img
run 0 ./nbd "$uri" raw "nbd+unix:///?socket=$work/nobody"
silent err

# UUID and label are those that the tools know.
run 0 insitu-pack -q --force --label "a name" raw named.img
PYTHONPATH=$INSITU_TESTS/../libinsitu/python INSITU_LIBRARY=$library/libinsitu.so.0 PYTHONDONTWRITEBYTECODE=1 \
  /usr/bin/python3 -c 'import insitu; info = insitu.open("named.img").info; print(info.uuid, info.label)' >name
insitu-stat --json named.img | jq -r '.uuid + " " + .label' >known
check "the name" diff name known
PYTHONPATH=$INSITU_TESTS/../libinsitu/python INSITU_LIBRARY=$library/libinsitu.so.0 PYTHONDONTWRITEBYTECODE=1 \
  /usr/bin/python3 -c 'import insitu; insitu.format("fresh.img", 16 << 20)'
run 0 insitu-label --json fresh.img
check "format gives a UUID" jq -e '.uuid | length == 36' out
check "is not empty" grep -q ' a name$' name

truncate -s 3M disk
loop disk
tr '\0' '\21' </dev/zero | head -c 3M >"$loop"
run 0 ./capi raw "$loop"
silent err
run 0 insitu-fsck "$loop"

# A window whose shares are garbage.
run 0 insitu-pack -q --force raw damaged.img
printf '\377\377\377' | dd of=damaged.img bs=1 seek=4096 conv=notrunc status=none
run 0 ./capi --damaged damaged.img
silent err
check "the repair can be taken back" insitu-fsck undo damaged.img undo.log
run 4 insitu-fsck damaged.img

# Every function of the header is exported, and every exported one is in the header.
grep -oh 'insitu_[a-z_]*(' "$include/insitu.h" "$include/insitu/images.h" | tr -d '(' | LC_ALL=C sort -u >declared
nm -D --defined-only "$library/libinsitu.so.0" | sed -n 's/.* \(insitu_[a-z_]*\)@@INSITU_0[.]2$/\1/p' |
  LC_ALL=C sort -u >exported
check "declared and exported" diff declared exported
grep -o 'insitu_[a-z_]*\*()' "$INSITU_TESTS/../docs/man/insitu.3.scd" | tr -d '*()' | LC_ALL=C sort -u >described
check "declared and described" diff declared described

wait "$waits"
check "a server that says nothing" test $? -eq 0
check "is an error in time" test ! -s silent.err
