#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""trees.py FIRST COUNT [TYPE...]: trees of seeds FIRST on, through insitu-mkfs and back.

Each seed is one tree for each type, given as a directory or as a tar, to root, to a user and to the
root of a user namespace. The image is unpacked and mounted, and its listing compared with that of the
tree: that must agree with the tool's own verdict. Needs root and loop devices."""

import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tree_listing import as_held, differences, listing  # noqa: E402
from tree_maker import Flavour, make_tree  # noqa: E402

TYPES = ["ext2", "ext3", "ext4", "btrfs", "xfs", "squashfs", "erofs", "vfat"]
USER = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "env", "HOME=/"]
OWNERLESS = {"btrfs", "squashfs", "erofs"}


def run(command, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, **options)


def mounted_listing(fs_type, image):
    if run(["insitu-unpack", "-q", image, "raw"]).returncode != 0:
        return None, "does not unpack"
    if fs_type == "vfat":
        return vfat_listing()
    os.makedirs("mnt", exist_ok=True)
    options = "loop,ro" + (",nouuid,norecovery" if fs_type == "xfs" else "")
    mounted = run(["mount", "-o", options, "-t", fs_type, "raw", "mnt"])
    if mounted.returncode != 0:
        return None, "does not mount: " + mounted.stderr.decode()
    try:
        found = listing("mnt")
    finally:
        subprocess.run(["umount", "mnt"], check=True)
    if fs_type.startswith("ext"):
        found.pop(b"lost+found", None)
    return found, check(fs_type)


def check(fs_type):
    """What the type's own checker says of it; empty: nothing wrong."""
    commands = {"ext2": ["e2fsck", "-fn", "raw"], "ext3": ["e2fsck", "-fn", "raw"],
                "ext4": ["e2fsck", "-fn", "raw"], "xfs": ["xfs_repair", "-n", "raw"],
                "btrfs": ["btrfs", "check", "raw"]}
    if fs_type not in commands:
        return ""
    result = run(commands[fs_type])
    return "" if result.returncode == 0 else (result.stdout + result.stderr).decode(errors="replace")


def vfat_listing():
    result = run(["fsck.vfat", "-n", "raw"])
    if result.returncode != 0:
        return None, result.stdout.decode()
    subprocess.run(["rm", "-rf", "back"], check=True)
    os.mkdir("back")
    environment = dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC0")
    copied = run(["mcopy", "-s", "-m", "-n", "-Q", "-i", "raw", "::/", "back"], env=environment)
    if copied.returncode != 0:
        return None, copied.stderr.decode()
    return listing("back"), ""


def fat_held(tree):
    """Names, sizes and contents; mtools brings times of files back to two seconds."""
    kept = {}
    for name, entry in tree.items():
        if name:
            kept[name] = {key: entry.get(key) for key in ("kind", "size", "content")}
    return kept


def one(seed, fs_type):
    rng = random.Random(f"{seed} {fs_type}")
    who = rng.choice(["root", "root", "user", "userns"])
    source = "tar" if who != "root" else rng.choice(["dir", "tar"])
    flavour = Flavour(fat=fs_type == "vfat", sockets=source == "dir" and fs_type != "xfs",
                      big_xattrs=who == "root" or fs_type not in OWNERLESS, special_links=source == "dir", small_devices=fs_type == "xfs",
                      longest_name=254 if fs_type == "erofs" else 255)
    make_tree("tree", f"{seed} {fs_type}", flavour)
    run(["rm", "-rf", "out", "raw"])
    os.mkdir("out")
    os.chmod("out", 0o777)
    wanted = listing("tree")
    command = ["insitu-mkfs", "-v", "-t", fs_type, "--verify", "out/image"]
    options = {"env": dict(os.environ)}
    if rng.random() < 0.3:
        options["env"]["LC_ALL"] = "de_DE.UTF-8"
    if source == "dir":
        command += ["-d", "tree"]
    else:
        subprocess.run(["tar", "--xattrs", "--xattrs-include=*", "--sparse", "--format=posix", "--numeric-owner",
                        "-C", "tree", "-cf", "tree.tar", "."], check=True)
        command += ["-d", "-"]
        options["stdin"] = open("tree.tar", "rb")
    if who == "user":
        command = USER + command
    elif who == "userns":
        command = USER + ["unshare", "-Ur"] + command
    result = run(command, **options)
    what = f"seed {seed}, {fs_type}, {source}, {who}"
    if result.returncode != 0:
        lines = [line for line in result.stderr.decode(errors="replace").splitlines()
                 if line.startswith(("insitu-mkfs:", "hint:"))]
        return [f"{what}: refused with {result.returncode}: " + " / ".join(lines[-6:])]
    found, wrong = mounted_listing(fs_type, "out/image")
    if found is None or wrong:
        return [f"{what}: {wrong}"]
    if fs_type == "vfat":
        lines = differences(fat_held(wanted), fat_held(found))
    else:
        lines = differences(as_held(wanted, fs_type), found)
    return [f"{what}: the tool found no difference, but {len(lines)}: {line}" for line in lines[:3]]


def main():
    first, count = int(sys.argv[1]), int(sys.argv[2])
    types = sys.argv[3:] or TYPES
    wrong = []
    for seed in range(first, first + count):
        for fs_type in types:
            lines = one(seed, fs_type)
            for line in lines:
                print(line, flush=True)
            wrong += lines
    print(f"{count} seeds from {first}, {len(types)} types: {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
