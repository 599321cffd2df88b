#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How much of an image comes back from its payloads alone (docs/fsck.md).

usage: fsck_rebuild.py IMAGE zeros|random [DIRECTORY]

Copies IMAGE (which is sound), destroys all of its meta, runs insitu-fsck --rebuild-meta on the copy
and compares every block with what IMAGE says, by the kind that it had: compressed, raw, unmapped.
A block that is wrong but listed in the plan (suspect or lost) is reported; one that is wrong and not
listed is the worst that can happen. The tools are looked up in PATH.
"""
import json
import os
import random
import subprocess
import sys
import time

BLOCK = 4096


def run(*command, ok=(0,)):
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode not in ok:
        sys.exit(f"{' '.join(command)}: status {done.returncode}")
    return done.stdout


def kinds_of(dump, blocks):
    kinds = bytearray(b"u" * blocks)
    for extent in dump["extents"]:
        first, count = extent["first_block"], extent["blocks"]
        kinds[first : first + count] = (b"r" if extent["kind"] == "raw" else b"c") * count
    return kinds


def main():
    image, how = sys.argv[1], sys.argv[2]
    work = sys.argv[3] if len(sys.argv) > 3 else "."
    copy, before, after = (os.path.join(work, name) for name in ("copy.img", "before", "after"))
    dump = json.loads(run("insitu-dump-meta", "--meta-only", "--json", image))
    kinds = kinds_of(dump, dump["data_blocks"])
    run("insitu-unpack", "-q", image, before)
    run("cp", "--sparse=always", image, copy)
    meta_bytes = dump["data_at_byte"] - BLOCK
    with open(copy, "r+b") as file:
        file.seek(BLOCK)
        file.write(bytes(meta_bytes) if how == "zeros" else random.Random(1).randbytes(meta_bytes))
    start = time.monotonic()
    report = json.loads(run("insitu-fsck", "repair", "--rebuild-meta", "--json", copy, ok=(1, 5)))
    seconds = time.monotonic() - start
    run("insitu-unpack", "-q", "--salvage", copy, after, ok=(0, 1))
    listed = set()
    for action in report["plan"]:
        if action["suspect"] or action["action"] in ("lose", "unmap"):
            listed.update(range(action["first_block"], action["first_block"] + action["blocks"]))
    names = {ord("c"): "compressed", ord("r"): "raw", ord("u"): "unmapped"}
    sums = {name: dict(blocks=0, right=0, wrong_listed=0, wrong=0) for name in names.values()}
    zeros = bytes(BLOCK)
    with open(before, "rb") as old, open(after, "rb") as new:
        for block, kind in enumerate(kinds):
            counts = sums[names[kind]]
            counts["blocks"] += 1
            if (old.read(BLOCK) or zeros) == (new.read(BLOCK) or zeros):
                counts["right"] += 1
            elif block in listed:
                counts["wrong_listed"] += 1
            else:
                counts["wrong"] += 1
    print(f"{os.path.basename(image)}, meta {how}: rebuilt in {seconds:.2f} s")
    for name, counts in sums.items():
        if counts["blocks"] == 0:
            continue
        print(f"  {name:<11}{counts['blocks']:>8} blocks  right {counts['right']:>8} "
              f"({100 * counts['right'] / counts['blocks']:.4f} %)  "
              f"wrong, listed {counts['wrong_listed']}  wrong, not listed {counts['wrong']}")
    for path in (copy, copy + ".insitu-undo", before, after):
        if os.path.exists(path):
            os.remove(path)


if __name__ == "__main__":
    main()
