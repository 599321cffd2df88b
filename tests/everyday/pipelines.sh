#!/usr/bin/env bash
# Runs the recipes of docs/pipelines.md as they stand.
# shellcheck source=lib.sh
. "$INSITU_TESTS/everyday/lib.sh"
need_root
page=$INSITU_TESTS/../docs/pipelines.md

mkdir -p rootfs/etc rootfs/bin
cp "$(command -v bash)" rootfs/bin/
seq 1000 >rootfs/etc/numbers
find rootfs -exec touch -h -d @1600000000 {} +
make_raw disk.raw
truncate -s 80M device
attach device
export DEVICE=$loop

sed -n '/^```sh$/,/^```$/p' "$page" | grep -v '^```' >recipes
[ "$(wc -l <recipes)" -ge 20 ] || fail "the page has no recipes"
bash -exo pipefail recipes >out 2>trace || fail "$(tail -n 3 trace)"
grep -q 'disk.raw: OK' out || fail "sha256sum: $(cat out)"

# The rules for make, and whether the snippets are what they look like.
sed -n '/^```make$/,/^```$/p' "$page" | grep -v '^```' >Makefile
mv rootfs.img first.img
make -s >out 2>err || fail "make: $(cat err)"
[ -s rootfs.img ] && jq -e .extents rootfs.json >/dev/null
make -q || fail "make would build again"
if python3 -c 'import yaml' 2>/dev/null; then
    sed -n '/^```yaml$/,/^```$/p' "$page" | sed 's/^```yaml$/---/;/^```$/d' |
        python3 -c 'import sys, yaml; assert len(list(yaml.safe_load_all(sys.stdin))) == 2'
fi
