#!/usr/bin/env python3
"""include_rules.py ROOT: the library's layers include only those below them.

Prints each include that points up or sideways, with its file, and ends with 1 if there is one. The
linker sees only calls; a header that is included is not called.
"""
import pathlib
import re
import sys

# A layer sees those with a lower number. Layers of one number do not see one another.
LEVELS = {
    "units": 0, "api": 0, "error": 1,
    "format": 2,
    "codec": 3, "store": 3, "engine": 3,
    "window": 4,
    "image": 5,
    "journal": 6,
    "device": 7, "ops": 7, "fsck": 7,
    "face": 8,
    "capi": 9,
    "testing": 10,
}
INCLUDE = re.compile(r'^#include "(?:insitu/)?([a-z_]+)([./][^"]*)"', re.M)


def layer_of(path: pathlib.PurePath) -> str | None:
    parts = path.parts
    if parts[0] == "testing":
        return "testing"
    for before in ("src", "insitu"):
        if before in parts:
            return parts[parts.index(before) + 1].split(".")[0]
    return None


def main(root: pathlib.Path) -> int:
    wrong = 0
    for path in sorted([*root.glob("src/**/*.?pp"), *root.glob("include/**/*.?pp"),
                        *root.glob("testing/*.?pp")]):
        layer = layer_of(path.relative_to(root))
        if layer not in LEVELS:
            continue
        for match in INCLUDE.finditer(path.read_text()):
            target = match.group(1)
            if target not in LEVELS or target == layer or LEVELS[target] < LEVELS[layer]:
                continue
            print(f"{path}: the layer {layer} may not include {target}: {match.group(0)}")
            wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
