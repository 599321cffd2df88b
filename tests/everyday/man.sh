#!/usr/bin/env bash
# Manual pages: they list the options of --help, and say what a page has to say.
# shellcheck source=lib.sh
. "$INSITU_TESTS/everyday/lib.sh"
pages=$INSITU_BUILD/docs/man
source=$INSITU_TESTS/../docs/man

for tool in "$INSITU_TOOLS"/insitu-*; do
    [ -x "$tool" ] && [ -f "$tool" ] || continue
    name=$(basename "$tool")
    [ -e "$source/$name.8.scd" ] || continue
    "$tool" --help | grep -oE '^ {2,6}-(-[a-z-]+|[a-zA-Z])(, ?-(-[a-z-]+|[a-zA-Z]))*' | grep -oE -- '-+[a-z][a-z-]*' | sort >help
    grep -E '^\*-' "$source/$name.8.scd" | grep -oE -- '-+[a-z][a-z-]*' | sort >page
    diff help page || fail "$name: --help (<) and the page (>) list different options"
    for part in 'EXIT STATUS' ENVIRONMENT MEMORY EXAMPLES 'SEE ALSO'; do
        grep -qx "# $part" "$source/$name.8.scd" || fail "$name(8) has no $part"
    done
done
for tool in format pack unpack stat dump-meta mkfs; do
    [ -e "$source/insitu-$tool.8.scd" ] || fail "insitu-$tool has no page"
done

for page in "$source"/*.scd; do
    name=$(basename "$page" .scd)
    examples=$(sed '1,/^# EXAMPLES/d;/^# /,$d' "$page" | grep -cE '^	[a-zS]')
    [ "$examples" -ge 3 ] || fail "$name has $examples examples, expected 3"
    MANWIDTH=80 man --warnings -l "$pages/$name.gz" >text 2>warnings || fail "man: $name"
    [ ! -s warnings ] || fail "$name: $(cat warnings)"
    grep -q '^NAME' text || fail "$name does not render"
done

# The examples of the manifest page and of pack run as they stand, on a small image.
make_raw rootfs.raw
insitu-pack -q --manifest rootfs.json rootfs.raw rootfs.img
insitu-unpack --verify-manifest rootfs.json rootfs.img - >/dev/null
jq -r '.raw_sha256 + "  rootfs.raw"' rootfs.json | sha256sum -c >/dev/null
