#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Manual pages: they list the options of --help, and say what a page has to say.
# shellcheck source=lib.sh
. "${INSITU_TESTS:?}/everyday/lib.sh"
pages=$INSITU_BUILD/docs/man
source=$INSITU_TESTS/../docs/man

# Names of options in a list of --help or of a page, a line each.
names() { grep -oE -- '-+[a-zA-Z][a-z-]*' | sort; }
for tool in "$INSITU_TOOLS"/insitu-*; do
    [ -x "$tool" ] && [ -f "$tool" ] || continue
    name=$(basename "$tool")
    page=$source/$name.8.scd
    [ -e "$page" ] || fail "$name has no page"
    "$tool" --help | sed -nE 's/^ {2,6}(-[^ ,]+(, -[^ ,]+)*).*/\1/p' | names >help
    grep -E '^\*-' "$page" | sed 's/_[^_]*_//g' | names >listed
    diff help listed || fail "$name: --help (<) and the page (>) list different options"
    for part in 'EXIT STATUS' ENVIRONMENT MEMORY EXAMPLES 'SEE ALSO'; do
        grep -qx "# $part" "$page" || fail "$name(8) has no $part"
    done
    statuses="0 1 2 129 130 143"
    [ "$name" != insitu-fsck ] || statuses="0 1 4 8 16 32"
    for status in $statuses; do
        sed '1,/^# EXIT STATUS/d;/^# /,$d' "$page" | grep -q "^\*$status\*\|^\*.*\*, \*$status\*" ||
            fail "$name(8) does not tell the exit status $status"
    done
done

# Every variable that the source reads is on the pages of the tools that read it, and no other is.
# What reads it, in the sources of a tool:
declare -A reader=(
    [TERM]='add_progress_option|(getenv|variable)\("TERM"'
    [NO_COLOR]='(getenv|variable)\("NO_COLOR"'
    [COLUMNS]='(getenv|variable)\("COLUMNS"'
    [LC_ALL]='(getenv|variable)\("LC_ALL"'
    [LC_CTYPE]='(getenv|variable)\("LC_CTYPE"'
    [LANG]='(getenv|variable)\("LANG"'
    [TMPDIR]='temporary_directory|SpooledText|ManifestFile|ManifestCheck|ImageManifest'
    [INSITU_UNDO_DIR]='(getenv|variable)\("INSITU_UNDO_DIR"'
    [INSITU_RUN_DIR]='RunDirectory'
    [XDG_RUNTIME_DIR]='RunDirectory'
    [PATH]='find_program|run_command'
    [SOURCE_DATE_EPOCH]='(getenv|variable)\("SOURCE_DATE_EPOCH"'
)
code=$INSITU_TESTS/..
grep -rhoE '(getenv|variable)\("[^)]*' "$code/apps" "$code/libinsitu" | sed 's/^[a-z]*("//;s/"$//' |
    grep -v '^FAKEROOTKEY$' | sort -u >used # what fakeroot(1) says to the programs below it
printf '%s\n' "${!reader[@]}" | sort | diff used - || fail "the source reads (<) other variables"
for page in "$source"/insitu-*.8.scd; do
    name=$(basename "$page" .8.scd)
    part=${name#insitu-}
    part=${part//-/_}
    sources=("$code/apps/insitu_$part.cpp")
    [ ! -d "$code/apps/$part" ] || sources+=("$code/apps/$part")
    for variable in "${!reader[@]}"; do
        ! grep -qrE "${reader[$variable]}" "${sources[@]}" || echo "$variable"
    done | sort >used
    sed '1,/^# ENVIRONMENT/d;/^# /,$d' "$page" | sed -n 's/^\*\([A-Z_]*\)\*$/\1/p' | sort >listed
    diff used listed || fail "$name reads (<) other variables than its page lists (>)"
done

for page in "$source"/*.scd; do
    name=$(basename "$page" .scd)
    examples=$(sed '1,/^# EXAMPLES/d;/^# /,$d' "$page" | grep -cE '^	[a-zS]')
    [ "$examples" -ge 3 ] || fail "$name has $examples examples, expected 3"
    MANWIDTH=80 man --warnings -l "$pages/$name.gz" >text 2>warnings || fail "man: $name"
    [ ! -s warnings ] || fail "$name: $(cat warnings)"
    zcat "$pages/$name.gz" >plain
    mandoc -T lint -W warning plain >warnings || fail "$name: $(cat warnings)"
    lexgrog plain >/dev/null || fail "$name: whatis(1) finds no name in it"
    grep -q '^NAME' text || fail "$name does not render"
done

# The examples of the manifest page and of pack run as they stand, on a small image.
make_raw rootfs.raw
insitu-pack -q --manifest rootfs.json rootfs.raw rootfs.img
insitu-unpack --verify-manifest rootfs.json rootfs.img - >/dev/null
jq -r '.raw_sha256 + "  rootfs.raw"' rootfs.json | sha256sum -c >/dev/null
