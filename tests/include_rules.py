#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
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
# The layers of the public headers, insitu/NAME.hpp; all others lie in insitu/internal/LAYER.
PUBLIC = {
    "units": "units", "error": "error", "insitu": "face", "open_image": "face", "trim": "face",
    "store": "store", "open_store": "store", "target": "image",
    "format": "ops", "pack": "ops", "unpack": "ops", "stat": "ops",
    "check": "fsck", "finding": "fsck", "repair": "fsck",
}
INCLUDE = re.compile(r'^#include "([^"]*)"', re.M)


def layer_of_header(name: str) -> str:
    if name in ("insitu.h", "insitu/images.h"):
        return "capi"
    parts = name.split("/")
    if parts[0] == "insitu" and parts[1] == "internal":
        return parts[2].split(".")[0]
    if parts[0] == "insitu" and len(parts) == 2:
        return PUBLIC.get(parts[1].split(".")[0], "")
    return parts[0].split(".")[0]


def layer_of_file(path: pathlib.PurePath) -> str:
    return layer_of_header("/".join(path.parts[0 if path.parts[0] == "testing" else 1:]))


def main(root: pathlib.Path) -> int:
    wrong = 0
    for path in sorted([*root.glob("src/**/*.?pp"), *root.glob("include/**/*.?pp"),
                        *root.glob("testing/*.?pp")]):
        layer = layer_of_file(path.relative_to(root))
        if layer not in LEVELS:
            print(f"{path}: lies in no layer")
            wrong = 1
            continue
        for name in INCLUDE.findall(path.read_text()):
            target = layer_of_header(name)
            if target == layer or LEVELS.get(target, 99) < LEVELS[layer]:
                continue
            print(f"{path}: the layer {layer} may not include {target or 'this'}: {name}")
            wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
