#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# insitu-fsck as a user runs it: options and exit statuses of fsck(8), logs, copies, locks, JSON.
# shellcheck source=../cli/lib.sh
. "$INSITU_TESTS/cli/lib.sh"

content raw 1048576
run 0 insitu-pack -q raw good.img
good=$(sha good.img)
# A share of 15 in the first extent: bits 0..3 of the bitmap.
damage() {
  cp good.img bad.img
  rm -f bad.img.insitu-undo*
  printf '\x0f' | dd of=bad.img bs=1 seek=4096 conv=notrunc status=none
  bad=$(sha bad.img)
}

run 0 insitu-fsck good.img
says out "clean"
run 0 insitu-fsck check --meta-only good.img
run 0 insitu-fsck -n -f good.img
run 0 insitu-fsck -p good.img
run 0 insitu-fsck -a good.img
run 0 insitu-fsck repair good.img
check "a sound image is not changed and leaves no log" \
  test "$(sha good.img)" = "$good" -a ! -e good.img.insitu-undo
run 0 insitu-fsck --kernel-safe good.img
says out "safe to activate"

damage
run 4 insitu-fsck bad.img
says out "M01 error"
says out "logical bytes 0-"
run 4 insitu-fsck -n bad.img
run 4 insitu-fsck -p bad.img
run 4 insitu-fsck repair --dry-run bad.img
says out "plan: remap"
check "nothing was changed" test "$(sha bad.img)" = "$bad"
run 4 insitu-fsck --json bad.img
says out '"schema":"insitu-fsck/1"'
says out '"id":"M01"'
check "the report is JSON" python3 -c 'import json; json.load(open("out"))'

run 8 insitu-fsck -o good.img bad.img
says err "good.img: exists"
run 8 insitu-fsck -o . bad.img
run 8 insitu-fsck -o bad.img bad.img
check "no other image is replaced" test "$(sha good.img)" = "$good"
run 1 insitu-fsck -o copy.img bad.img
run 0 insitu-fsck copy.img
check "the original is left alone" test "$(sha bad.img)" = "$bad" -a ! -e copy.img.insitu-undo

run 1 insitu-fsck -y bad.img
says out "insitu-fsck undo bad.img bad.img.insitu-undo"
repaired=$(sha bad.img)
check "the content is back" sh -c 'insitu-unpack -q bad.img back && cmp back raw'
run 0 insitu-fsck -y bad.img
run 0 insitu-fsck undo bad.img bad.img.insitu-undo
check "undo restores the image" test "$(sha bad.img)" = "$bad"
run 0 insitu-fsck undo bad.img bad.img.insitu-undo
check "the undo can be undone" test "$(sha bad.img)" = "$repaired"
content other 524288
run 0 insitu-pack -q other other.img
run 8 insitu-fsck undo other.img bad.img.insitu-undo
says err "the undo log bad.img.insitu-undo is for an image of"
cp bad.img other.img
printf '\x01' | dd of=other.img bs=1 seek=4100 conv=notrunc status=none
run 8 insitu-fsck undo other.img bad.img.insitu-undo
says err "is not the image of the undo log"
run 8 insitu-fsck undo bad.img raw
damage
run 1 insitu-fsck -y repair bad.img
run 0 insitu-fsck --json undo bad.img bad.img.insitu-undo
says out '"state": "undone"'
check "the mode may stand behind options" test "$(sha bad.img)" = "$bad"
run 4 insitu-fsck -q check bad.img
damage
run 1 insitu-fsck repair --json --undo my.log bad.img
says out '"action":"remap"'
says out '"undo_log":"my.log"'
check "the report of a repair is JSON" python3 -c 'import json; json.load(open("out"))'
run 8 insitu-fsck repair --undo my.log bad.img
says err "exists"

# A repair that was cut off: its log says so, one of its two windows is repaired. The next run ends it.
window_4=$((4096 + 4 * 20))
damage
printf '\x0f' | dd of=bad.img bs=1 seek=$window_4 conv=notrunc status=none
cp bad.img damaged.img
run 1 insitu-fsck -y bad.img
repaired=$(sha bad.img)
dd if=damaged.img of=bad.img bs=1 skip=$window_4 seek=$window_4 count=20 conv=notrunc status=none
# The older of the two headers of the log is from before the last write.
python3 - bad.img.insitu-undo <<'PYTHON'
import sys
with open(sys.argv[1], "r+b") as log:
    headers = [log.read(512) for _ in range(2)]
    numbers = [int.from_bytes(header[24:32], "little") for header in headers]
    log.seek(512 * numbers.index(max(numbers)))
    log.write(bytes(512))
PYTHON
run 4 insitu-fsck bad.img
says err "a repair was interrupted"
cp bad.img half.img
printf 'other' | dd of=bad.img bs=1 seek=$window_4 conv=notrunc status=none
run 8 insitu-fsck -y bad.img
says err "was changed at byte $window_4 since"
cp half.img bad.img
run 1 insitu-fsck -y bad.img
says err "an interrupted repair was completed by its log bad.img.insitu-undo"
check "the repair is complete" test "$(sha bad.img)" = "$repaired"
run 0 insitu-fsck -y bad.img
run 0 insitu-fsck undo bad.img bad.img.insitu-undo
check "and can be undone" cmp bad.img damaged.img

# Signals: 16 TiB of windows, each of which a manifest speaks of, take minutes.
insitu-format -q --size 17592186040320 huge.img
insitu-pack -q --manifest some.json raw again.img --force
jq --argjson bytes "$(insitu-stat --json huge.img | jq .logical_bytes)" \
  '.logical_bytes = $bytes | .device_bytes = 17592186040320' some.json >huge.json
for mode in check "repair -y"; do
  (
    trap - INT
    # shellcheck disable=SC2086
    exec insitu-fsck ${mode#* } --manifest huge.json huge.img
  ) >out 2>err &
  pid=$!
  sleep 0.5
  kill -INT $pid
  wait $pid
  check "SIGINT ends $mode with 32" test $? -eq 32
done
check "a repair that is stopped while it plans leaves no log" test ! -e huge.img.insitu-undo
rm huge.img huge.json

insitu-dump-meta --hash --json good.img >manifest.json
run 0 insitu-fsck --manifest manifest.json good.img
insitu-dump-meta --binary meta.bin good.img
damage
dd if=/dev/zero of=bad.img bs=4096 seek=1 count=1 conv=notrunc status=none
run 0 insitu-fsck bad.img
run 4 insitu-fsck --manifest manifest.json bad.img
says out "P05 error"
run 1 insitu-fsck --restore-meta meta.bin bad.img
check "the dump brings the content back" sh -c 'insitu-unpack -q bad.img back && cmp back raw'
run 0 insitu-fsck undo bad.img bad.img.insitu-undo
run 1 insitu-fsck --rebuild-meta bad.img
check "so do the payloads" sh -c 'insitu-unpack -q bad.img back && cmp back raw'
echo '{"schema":"other"}' >other.json
run 8 insitu-fsck --manifest other.json good.img
says err "schema is 'other'"
# A manifest of pack names all that is not zeros, and what is not of this image is refused.
run 0 insitu-pack -q --manifest packed.json raw again.img
run 0 insitu-fsck --manifest packed.json good.img
content small 524288
run 0 insitu-pack -q small small.img
run 8 insitu-fsck --manifest packed.json small.img
says err "is it the manifest of another image?"
content longer 1048576
printf 'x' | dd of=longer bs=1 seek=600000 conv=notrunc status=none
run 0 insitu-pack -q longer longer.img
run 4 insitu-fsck --manifest packed.json longer.img
says out "P05 error"
says out "content, where the manifest has zeros"
longer=$(sha longer.img)
run 4 insitu-fsck -y --manifest packed.json longer.img
check "what reads well is not unmapped on the word of a manifest" test "$(sha longer.img)" = "$longer"
run 1 insitu-fsck -y --force --manifest packed.json longer.img
check "what the manifest has as zeros is unmapped if the user believes it" \
  sh -c 'insitu-unpack -q longer.img back && cmp back raw'
run 0 insitu-fsck -y --manifest packed.json longer.img
run 0 insitu-fsck undo longer.img longer.img.insitu-undo
check "undo maps it again" test "$(sha longer.img)" = "$longer"

run 16 insitu-fsck
run 16 insitu-fsck good.img bad.img
run 16 insitu-fsck good.img repair
run 16 insitu-fsck -n repair good.img
run 16 insitu-fsck -y check good.img
run 16 insitu-fsck -y undo good.img my.log
run 16 insitu-fsck --json undo good.img
run 16 insitu-fsck -p -y good.img
run 16 insitu-fsck check -y good.img
run 16 insitu-fsck check -p good.img
run 16 insitu-fsck check --punch good.img
run 16 insitu-fsck -n -y good.img
run 16 insitu-fsck repair -n good.img
run 16 insitu-fsck repair --kernel-safe good.img
run 16 insitu-fsck repair --meta-only good.img
run 16 insitu-fsck --rebuild-meta --restore-meta meta.bin good.img
run 16 insitu-fsck undo good.img
run 16 insitu-fsck --no-such-option good.img
run 8 insitu-fsck missing.img
run 8 insitu-fsck .
head -c 100 raw >short
run 8 insitu-fsck short
run 4 insitu-fsck raw
says out "S05"
run 0 insitu-fsck --help
for word in "[check] IMAGE" "repair IMAGE" "undo IMAGE LOG"; do says out "insitu-fsck $word"; done
run 0 insitu-fsck --version

if [ "$(id -u)" = 0 ] && loop good.img 2>/dev/null; then
  run 0 insitu-fsck "$loop"
  ln -s "$(command -v insitu-fsck)" fsck.insitu
  PATH="$PWD:$PATH" run 0 fsck -t insitu "$loop"
  damage
  loop bad.img
  run 1 insitu-fsck -y --undo dev.log "$loop"
  run 0 insitu-fsck "$loop"
  run 0 insitu-fsck undo "$loop" dev.log
fi

# What fsck(8) and systemd-fsck hand on, and others of that name take.
run 0 insitu-pack -q raw f.img
ln -sf "$INSITU_TOOLS/insitu-fsck" fsck.insitu
ln -sf "$INSITU_TOOLS/insitu-mkfs" mkfs.insitu
run 0 bash -c './fsck.insitu -a -T -M -r -l -C3 f.img 3>lines'
check "progress, as e2fsck writes it" grep -qE '^1 ([0-9]+) \1 f[.]img$' lines
check "nothing else" [ "$(grep -vcE '^1 [0-9]+ [0-9]+ f[.]img$' lines)" = 0 ]
run 0 bash -c './fsck.insitu -C 3 f.img 3>/dev/full'
run 16 ./fsck.insitu -C 9 f.img
says err "'9' is not an open descriptor"
run 16 ./fsck.insitu -C -1 f.img
run 16 ./fsck.insitu -C f.img
run 0 ./fsck.insitu -C3 -V -r -T -M
says out "insitu-fsck "
run 0 ./mkfs.insitu -V
says out "insitu-mkfs "
run 0 env PATH="$PWD:$PATH" fsck -t insitu -C3 -V -r -T -M "$PWD/f.img"
says out "clean"
