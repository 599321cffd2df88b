#!/usr/bin/env bash
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
    statuses="0 1 2 130 143"
    [ "$name" != insitu-fsck ] || statuses="0 1 4 8 16 32"
    for status in $statuses; do
        sed '1,/^# EXIT STATUS/d;/^# /,$d' "$page" | grep -q "^\*$status\*\|^\*.*\*, \*$status\*" ||
            fail "$name(8) does not tell the exit status $status"
    done
done

# What a page says of memory is true, for all of the tools that read or write a whole image.
make_raw raw
insitu-pack -q raw image
within() { # TOOL ARGUMENTS…: with 4 threads, it takes no more than "N MiB and M MiB a thread"
    local page=$source/$1.8.scd limit peak
    limit=$(sed '1,/^# MEMORY/d;/^# /,$d' "$page" | tr '\n' ' ' |
        sed -nE 's/^[^0-9]*([0-9]+) MiB[^.]* and ([0-9]+) MiB a thread.*/\1 + 4 * \2/p')
    [ -n "$limit" ] || fail "$1(8) does not say how much memory it takes"
    command time -f %M -o peak "$@" -j 4 >/dev/null
    peak=$(cat peak)
    [ "$peak" -le $(((limit) * 1024)) ] || fail "$1 took $peak KiB, its page says $limit MiB"
}
within insitu-pack raw other
within insitu-pack --alg deflate --level best --verify raw other
within insitu-unpack image other
within insitu-dump-meta --hash image

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
mv raw rootfs.raw
insitu-pack -q --manifest rootfs.json rootfs.raw rootfs.img
insitu-unpack --verify-manifest rootfs.json rootfs.img - >/dev/null
jq -r '.raw_sha256 + "  rootfs.raw"' rootfs.json | sha256sum -c >/dev/null
