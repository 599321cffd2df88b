#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What every tool does alike: help, version, usage errors, missing and unreadable files, -q, closed and
# full stdout, no terminal.
# shellcheck source=lib.sh
. "$INSITU_TESTS/cli/lib.sh"

content raw 1048576
run 0 insitu-pack raw image.img

declare -A working=(
  [insitu-format]="--size 1M new.img"
  [insitu-pack]="raw new.img"
  [insitu-unpack]="image.img new.raw"
  [insitu-stat]="image.img"
  [insitu-dump-meta]="image.img"
)

for tool in "${!working[@]}"; do
  args=${working[$tool]}
  run 0 "$tool" --help
  says out "$tool [OPTIONS]"
  says out "--version"
  silent err
  run 0 "$tool" --version
  says out "$tool "
  run 2 "$tool"
  says err "hint: $tool --help lists the options"
  silent out
  # shellcheck disable=SC2086
  run 2 "$tool" --no-such-option $args
  # shellcheck disable=SC2086
  run 2 "$tool" -j -1 $args
  # shellcheck disable=SC2086
  run 2 "$tool" $args one-too-many and-another
  rm -f new.img new.raw
  # shellcheck disable=SC2086
  run 0 "$tool" $args
  check "$tool prints a report" [ -s out ]
  silent err
  rm -f new.img new.raw
  # shellcheck disable=SC2086
  "$tool" $args >/dev/full 2>err
  check "$tool: a full stdout is a failure" [ $? -eq 1 ]
  says err "No space left on device"
  rm -f new.img new.raw
done

for tool in insitu-format insitu-pack insitu-unpack; do
  # shellcheck disable=SC2086
  run 0 "$tool" -q ${working[$tool]}
  silent out
  silent err
  rm -f new.img new.raw
done

for tool in insitu-unpack insitu-stat insitu-dump-meta; do
  target=$([ "$tool" = insitu-unpack ] && echo new.raw)
  # shellcheck disable=SC2086
  run 1 "$tool" missing.img $target
  says err "missing.img: cannot open: No such file or directory"
  mkdir -p directory
  # shellcheck disable=SC2086
  run 1 "$tool" directory $target
  says err "directory: is a directory"
  # shellcheck disable=SC2086
  run 1 "$tool" /dev/null $target
  says err "not a regular file or block device"
  : >empty
  # shellcheck disable=SC2086
  run 1 "$tool" empty $target
  says err "empty: not an insitu-comp image"
  # shellcheck disable=SC2086
  run 1 "$tool" raw $target
  says err "raw: not an insitu-comp image: magic is"
  says err "expected 0x106526c206506c09"
  head -c 500000 image.img >cut.img
  # shellcheck disable=SC2086
  run 1 "$tool" cut.img $target
  says err "cut.img: super block is for a device of 258 blocks"
  says err "hint: truncate -s"
  { cat image.img; head -c 4096 /dev/zero; } >long.img
  # shellcheck disable=SC2086
  run 1 "$tool" long.img $target
  says err "this one has 259"
  # shellcheck disable=SC2086
  run 0 "$tool" --ignore-size long.img $target
  says err "the driver refuses it"
  rm -f new.raw
  # A user who may not read it.
  chmod 600 image.img
  chmod 711 "$work"
  # shellcheck disable=SC2086
  run 1 setpriv --reuid 65534 --regid 65534 --clear-groups "$(command -v "$tool")" \
    "$work/image.img" $target
  says err "Permission denied"
done

# stdout that nobody reads any more is no error to talk about.
insitu-dump-meta --json image.img 2>err | head -c 1 >/dev/null
silent err
content large 20971520
insitu-pack -q large large.img
insitu-unpack large.img - 2>err | head -c 1 >/dev/null
silent err

# A script whose variable is empty: the check that it asks for is not left out, and nothing goes elsewhere.
rm -f x
while read -r status tool options; do
  option=${options%% EMPTY*}
  option=${option##* }
  arguments=()
  for word in $options; do
    if [ "$word" = EMPTY ]; then arguments+=(""); else arguments+=("$word"); fi
  done
  run "$status" "$tool" "${arguments[@]}"
  says err "$option: needs a value, and '' is none"
  silent out
done <<'END'
2 insitu-stat --can-activate EMPTY image.img
2 insitu-stat --html EMPTY image.img
16 insitu-fsck --manifest EMPTY image.img
16 insitu-fsck repair --undo EMPTY image.img
16 insitu-fsck repair -o EMPTY image.img
16 insitu-fsck repair --restore-meta EMPTY image.img
2 insitu-unpack --verify-manifest EMPTY image.img x
2 insitu-unpack --length EMPTY image.img x
2 insitu-pack --expect-sha256 EMPTY raw x
2 insitu-pack --expect-size EMPTY raw x
2 insitu-pack --size EMPTY raw x
2 insitu-pack --manifest EMPTY raw x
2 insitu-copy --update --manifest m --target-manifest EMPTY image.img x
2 insitu-mkfs -t ext4 -d EMPTY x 8M
2 insitu-attach --set EMPTY image.img
END
check "nothing was made" [ ! -e x ]
run 0 insitu-pack -q --label "" raw x
run 0 insitu-label x ""
# Twice is not once.
run 2 insitu-stat --html a --html b image.img
says err "--html is given more than once"
run 2 insitu-stat -j 1 --threads 2 image.img
says err "-j is given more than once"
run 2 insitu-stat --html
says err "--html needs a value"
