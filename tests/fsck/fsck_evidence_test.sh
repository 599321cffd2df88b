#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Without evidence of an image nothing is called one, and nothing is made one.
# shellcheck source=../cli/lib.sh
. "$INSITU_TESTS/cli/lib.sh"

foreign() { # foreign FILE NAME
  before=$(sha "$1")
  for mode in "-n" "check" "-p" "-y" "--rebuild-super" "--rebuild-meta" "--rebuild-super --dry-run"; do
    # shellcheck disable=SC2086
    run 8 insitu-fsck $mode "$1"
    says err "not an insitu image: $2"
  done
  check "$2 is left alone" test "$(sha "$1")" = "$before"
}
truncate -s 8M ext4 && mke2fs -q -t ext4 ext4
foreign ext4 ext4
truncate -s 64M fat && mkfs.vfat fat >/dev/null
foreign fat vfat
truncate -s 8M gpt && echo 'label: gpt' | sfdisk -q gpt
foreign gpt gpt
truncate -s 4M swap && mkswap swap >/dev/null
foreign swap swap

# Nothing that speaks against an image, and nothing for it.
head -c 4M /dev/urandom >noise
before=$(sha noise)
run 8 insitu-fsck repair --rebuild-super noise
says err "no payload on it decodes"
check "noise is left alone" test "$(sha noise)" = "$before"
truncate -s 4M zeros
run 8 insitu-fsck repair --rebuild-super zeros
run 1 insitu-fsck repair --rebuild-super --force zeros
run 0 insitu-stat zeros

# Payloads are evidence; a signature over them needs the word of the user.
content raw 2097152
for alg in lzo deflate; do
  run 0 insitu-pack -q --force --alg $alg raw image
  dd if=/dev/zero of=image bs=4096 count=1 conv=notrunc status=none
  cp image signed
  run 1 insitu-fsck repair --rebuild-super image
  check "$alg is back" sh -c 'insitu-unpack -q --force image back && cmp back raw'
  rm -f image.insitu-undo*
done
printf '\x55\xaa' | dd of=signed bs=1 seek=510 conv=notrunc status=none
echo '2048,,83' | sfdisk -q --label dos signed
run 8 insitu-fsck repair --rebuild-super signed
says err "not an insitu image: dos"
run 1 insitu-fsck repair --rebuild-super --force signed
check "forced, it is back" sh -c 'insitu-unpack -q --force signed back && cmp back raw'

# Meta that was lost looks like nothing: the payloads that it leaves are told (M07), not repaired.
run 0 insitu-pack -q --force --alg lzo raw image
run 0 insitu-fsck image
check "no M07" sh -c "! grep -q M07 out"
cp image lost.img
dd if=/dev/zero of=lost.img bs=4096 seek=1 count=1 conv=notrunc status=none
run 0 insitu-fsck lost.img
says out "window 0, block 0 (byte 8192): M07 warning: payloads in unmapped blocks"
says out "left over from before, as by a server that was killed, or meta of them was lost"
says out "repair: --punch frees them for good; if meta was lost, --rebuild-meta --dry-run shows what they give"
cp lost.img punched.img
run 1 insitu-fsck --punch punched.img
run 0 insitu-fsck punched.img
check "M07 is mended" sh -c "! grep -q M07 out"
run 0 insitu-fsck --json lost.img
check "one warning with a count" jq -e '.result.warnings == 1 and .result.by_id.M07 == 1
  and (.findings[0].detail | test("^[1-9][0-9]* payloads"))' out
run 0 insitu-fsck --meta-only lost.img
check "no M07" sh -c "! grep -q M07 out"
before=$(sha lost.img)
run 0 insitu-fsck -p lost.img
says out M07
run 0 insitu-fsck -y lost.img
check "neither -p nor -y touches it" test "$(sha lost.img)" = "$before"
run 0 insitu-fsck repair --rebuild-meta --dry-run lost.img
says out "remap"
run 1 insitu-fsck repair --rebuild-meta lost.img
run 0 insitu-unpack -q --force lost.img back
# Raw blocks leave no evidence.
check "what decodes is back" test "$(cmp -l back raw | wc -l)" -lt "$(stat -c %s raw)"

# Behind the first GiB one window in 64 is looked into, and of a sparse file only what is there.
truncate -s 3G large && dd if=raw of=large bs=1M seek=2048 conv=notrunc status=none
run 0 insitu-pack -q large large.img
run 0 insitu-fsck large.img
check "no M07" sh -c "! grep -q M07 out"
meta=$(insitu-stat --json large.img | jq '.meta_bytes')
dd if=/dev/zero of=large.img bs=4096 seek=1 count=$((meta / 4096)) conv=notrunc status=none
run 0 insitu-fsck large.img
says out "at least"
