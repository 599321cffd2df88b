#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs the recipes of docs/pipelines.md as they stand.
# shellcheck source=lib.sh
. "${INSITU_TESTS:?}/everyday/lib.sh"
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
# The jobs: what they run, but for the installation of packages.
sed -n '/^```yaml$/,/^```$/p' "$page" | sed 's/^```yaml$/---/;/^```$/d' >jobs.yaml
python3 -c '
import sys, yaml
github, gitlab = yaml.safe_load_all(sys.stdin)
github = github["jobs"]["image"]
jobs = [(github["env"], [step["run"] for step in github["steps"] if "run" in step]),
        (gitlab["image"]["variables"], gitlab["image"]["script"])]
for variables, lines in jobs:
    assert lines[0].startswith("apt-get ")
    print("rm -f rootfs.img rootfs.stat.json")
    print("\n".join(f"export {name}={value}" for name, value in variables.items()))
    print("\n".join(lines[1:]))
    print("[ -s rootfs.img ] && [ -s rootfs.stat.json ]")
' <jobs.yaml >job-lines
[ "$(wc -l <job-lines)" -ge 10 ] || fail "the jobs are short: $(cat job-lines)"
bash -exo pipefail job-lines >out 2>trace || fail "$(tail -n 3 trace)"
