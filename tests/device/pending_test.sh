#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Images that a live device was torn from, under every tool; and intents that belong to nothing.
# shellcheck source=lib.sh
. "$INSITU_TESTS/device/lib.sh"

# Two commits: the second patches a block of an extent, which has to be done through an intent.
insitu-format -q --size 33M old.img
serve old.img commit-delay=3600
io "write -P 1 -f 0 128k"
cp old.img first.img
io "write -P 2 -f 4k 4k"
kill_hard
mv old.img second.img

# The image as if the power had gone before the second commit was applied: its intent and stream, and
# what it wrote into holes, but the meta and the payload in the first block as they were.
meta_blocks=$(od -An -t u8 -j 16 -N 8 second.img | tr -d ' ')
window=$((1 + meta_blocks))
cp second.img torn.img
dd if=first.img of=torn.img bs=4096 skip=1 seek=1 count=$((meta_blocks + 1)) conv=notrunc status=none
check "that is another image" sh -c '! cmp -s torn.img second.img'
before=$(sha torn.img)

# The tools that read apply it in memory, and say so.
pattern() { head -c "$2" /dev/zero | tr '\0' "\\$1"; }
expected() { pattern 1 4096; pattern 2 4096; pattern 1 122880; }
run 0 insitu-unpack torn.img raw
says err "its last commit (1 window) is applied in memory"
check "unpack" cmp -s -n 131072 raw <(expected)
for tool in "insitu-stat" "insitu-dump-meta" "insitu-fsck -n -f" "insitu-fsck check"; do
  # shellcheck disable=SC2086 # a tool and its options
  run 0 $tool torn.img
  says err "is applied in memory"
done
run 0 insitu-fsck --json torn.img
check "fsck finds nothing" jq -e '.findings == []' out
# A repair ends the commit first, as e2fsck replays a journal; a dry run does not.
for repair in -y -p -a; do
  cp torn.img repaired.img
  run 1 insitu-fsck $repair repaired.img
  says err "the last commit of an interrupted live device (1 window) is applied"
  run 0 insitu-fsck $repair repaired.img
  silent err
  check "repaired with $repair" cmp -s -n 131072 <(insitu-unpack -q repaired.img -) <(expected)
done
run 0 insitu-fsck -y -o copied.img torn.img
check "so is a copy" cmp -s -n 131072 <(insitu-unpack -q copied.img -) <(expected)
run 0 insitu-fsck --dry-run torn.img
# What the driver would show is not this, and every tool that is asked says so.
run 1 insitu-stat --can-activate torn.img torn.img
says out "insitu-fsck -p applies it"
run 1 insitu-stat --table torn.img
says err "the driver does not know of it"
silent out
run 0 insitu-stat --json torn.img
check "stat --json says it" jq -e '.pending_intent.windows == 1' out
run 0 insitu-fsck --json torn.img
check "fsck --json, too" jq -e '.pending_intent == true' out
run 0 insitu-stat --json repaired.img
check "and that there is none" jq -e '.pending_intent == null' out
run 0 insitu-stat --table repaired.img
serve torn.img readonly=true
run 0 qemu-io -r -f raw -c "read -P 2 4k 4k" -c "read -P 1 8k 120k" "$uri"
stop
check "unchanged so far" [ "$(sha torn.img)" = "$before" ]

# Serving it once makes it an ordinary image.
cp torn.img served.img
run 0 nbdkit -U - "$plugin" served.img --run true
clean_image served.img
check "applied" cmp -s -n 131072 <(insitu-unpack -q served.img -) <(expected)

# Making an image anew clears the intent; over a device, and a file that is reused.
cp torn.img disk
loop disk
run 0 insitu-format --force "$loop"
check "no intent is left" sh -c '! grep -qa ISTINTI disk'
run 0 insitu-unpack "$loop" empty
silent err
check "empty" cmp -s -n $((1 << 20)) empty /dev/zero
cp torn.img disk2
loop disk2
head -c 1M /dev/zero | tr '\0' '\7' >seven
run 0 insitu-pack --force seven "$loop"
run 0 insitu-unpack --length 1M "$loop" sevens
silent err
check "as packed" cmp -s seven sevens

# The driver formats without clearing it: an empty bitmap, and block 0 keeps all but the super block.
cp torn.img again.img
dd if=/dev/zero of=again.img bs=4096 seek=1 count="$meta_blocks" conv=notrunc status=none
run 0 insitu-unpack again.img empty
silent err
check "empty after formatting" cmp -s -n $((1 << 20)) empty /dev/zero
run 0 insitu-fsck -y again.img
serve again.img
io "read -P 0 0 128k" "write -P 3 0 4k"
stop
check "nothing was recovered" [ "$(status recovered)" -eq 0 ]
clean_image again.img

# The driver writes to an image that was not recovered: refused, until the user decides.
cp torn.img foreign.img
printf foreign | dd of=foreign.img bs=1 seek=$((window * 4096)) conv=notrunc status=none
run 1 insitu-unpack foreign.img raw
says err "its content was changed by another program since"
before=$(sha foreign.img)
run 1 nbdkit -U - "$plugin" foreign.img --run true
says err "pending=drop"
check "unchanged where it is refused" [ "$(sha foreign.img)" = "$before" ]
run 0 nbdkit -U - "$plugin" foreign.img pending=drop --run true
run 4 insitu-fsck -n foreign.img
silent err

# A stamp that another writer of the last meta page has overwritten: nothing is forgotten in silence.
stamp=$((4096 * (1 + meta_blocks) - 8))
for bytes in '\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5' '\0\0\0\0\0\0\0\0'; do
  cp torn.img stamp.img
  # shellcheck disable=SC2059
  printf "$bytes" | dd of=stamp.img bs=1 seek=$stamp conv=notrunc status=none
  before=$(sha stamp.img)
  for tool in "insitu-stat stamp.img" "insitu-dump-meta stamp.img" "insitu-unpack --force stamp.img raw"; do
    # shellcheck disable=SC2086
    run 1 $tool
    says err "the stamp of its bitmap was overwritten"
    says err "pending=drop"
  done
  run 4 insitu-fsck -n stamp.img
  says err "the stamp of its bitmap was overwritten"
  run 8 insitu-fsck -y stamp.img
  run 1 insitu-stat --can-activate stamp.img stamp.img
  run 1 nbdkit -U - "$plugin" stamp.img --run true
  run 1 nbdkit -U - "$plugin" stamp.img readonly=true --run true
  check "refused and unchanged" [ "$(sha stamp.img)" = "$before" ]
  cp stamp.img dropped.img
  run 0 nbdkit -U - "$plugin" dropped.img pending=drop --run true
  run 0 insitu-stat --table dropped.img
  run 0 nbdkit -U - "$plugin" stamp.img pending=apply --run true
  check "applied if the user says so" cmp -s -n 131072 <(insitu-unpack -q stamp.img -) <(expected)
done
