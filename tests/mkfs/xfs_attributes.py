#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""xfs_attributes.py make DIR: a tree whose entries have attributes of all forms that XFS knows.
xfs_attributes.py compare DIR MOUNTED: the attributes of both are the same.

DIR has to be on a file system that takes values of 64 KiB. Needs root."""

import os
import random
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tree_listing import listing  # noqa: E402

# In the inode, in a leaf, and in blocks of their own, of which one takes 4040 bytes.
SIZES = [0, 1, 2, 3, 30, 100, 255, 256, 300, 1000, 2000, 3000, 3071, 3072, 3073, 4039, 4040, 4041, 4096, 8080, 8081,
         20000, 65535, 65536]


def acl(entries):
    value = struct.pack("<I", 2) + struct.pack("<HHI", 1, 7, 0xFFFFFFFF)
    for i in range(entries):
        value += struct.pack("<HHI", 2, i % 8, 1000 + i)
    for tag in (4, 16, 32):
        value += struct.pack("<HHI", tag, 5, 0xFFFFFFFF)
    return value


def attributes(path, rng, values):
    for name, value in values.items():
        os.setxattr(path, name, value if isinstance(value, bytes) else rng.randbytes(value), follow_symlinks=False)


def make(root):
    rng = random.Random(7)
    os.makedirs(root)

    def file(name):
        path = os.path.join(root, name)
        with open(path, "wb") as out:
            out.write(rng.randbytes(rng.choice([0, 10, 5000])))
        return path

    for size in SIZES:
        for space in ("user", "trusted", "security"):
            attributes(file(f"{space}_{size}"), rng, {f"{space}.value": size})
        attributes(file(f"mixed_{size}"), rng, {"user.a": 7, "trusted.b": size, "security.c": 0, "user.d": 3000})
    # Without values, where they end on a unit of the leaf and where they do not.
    for length in range(1, 9):
        attributes(file(f"empty_{length}"), rng, {"user." + "e" * length: 0, "trusted." + "e" * length: 0})
        attributes(file(f"leaf_{length}"), rng, {"user." + "e" * length: 0, "user.large": 500, "user.f": 0, "user.g": 9})
    # Several leaves, with an index above them, and without values among them.
    for count in (40, 400, 1500):
        attributes(file(f"many_{count}"), rng, {f"user.number_{i}": rng.choice([0, 1, 40, 200]) for i in range(count)})
    attributes(file("rest"), rng, {f"trusted.large_{i}": 40000 for i in range(30)})
    attributes(file("longest"), rng, {"user." + "n" * 250: 5, "security." + "n" * 246: 5000, "user.-x": 3, "user.#%$;": 4})
    for entries in (1, 8, 25, 600):
        attributes(file(f"acl_{entries}"), rng, {"system.posix_acl_access": acl(entries)})
        path = os.path.join(root, f"directory_{entries}")
        os.mkdir(path)
        for i in range(entries):
            file(f"directory_{entries}/{i}")
        attributes(path, rng, {"system.posix_acl_default": acl(entries), "user.x": entries})
    for length in (1, 100, 300, 335, 336, 960):
        for size in (5, 200, 3000, 9000):
            path = os.path.join(root, f"link_{length}_{size}")
            os.symlink("t" * length, path)
            attributes(path, rng, {"trusted.link": size})
    for kind in (0o010600, 0o020600, 0o060600):
        path = os.path.join(root, f"node_{kind:o}")
        os.mknod(path, kind, os.makedev(3, 4))
        attributes(path, rng, {"trusted.node": 20, "security.node": 4000})
    attributes(root, rng, {"user.top": 10, "security.selinux": b"u:r:t\0"})


def main():
    if sys.argv[1] == "make":
        make(sys.argv[2])
        return
    wanted, found = listing(sys.argv[2]), listing(sys.argv[3])
    count = 0
    for name, entry in wanted.items():
        if entry["xattrs"] != found[name]["xattrs"]:
            sys.exit(f"{name!r}: attributes differ")
        count += len(entry["xattrs"])
    if count < 2000:
        sys.exit(f"only {count} attributes were compared")


if __name__ == "__main__":
    main()
