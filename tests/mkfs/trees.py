#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""trees.py [--entries N | --small] FIRST COUNT [TYPE...]: trees of seeds FIRST on, through insitu-mkfs and back.

Each seed is one tree for each type, given as a directory, as a tar in a file or as a compressed tar in a
pipe, to root, to a user or to the root of a user namespace: all nine in turn. The image is unpacked and
mounted, and its listing compared with that of the tree: that must agree with the tool's own verdict, and
so must what the type's own programs find. --entries makes trees of about N entries, --small of few. Needs
root and loop devices."""

import argparse
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from own_tools import run, second_witness, vfat_listing  # noqa: E402
from tree_listing import as_held, differences, listing  # noqa: E402
from tree_maker import Flavour, make_tree  # noqa: E402

TYPES = ["ext2", "ext3", "ext4", "btrfs", "xfs", "squashfs", "erofs", "vfat"]
USER = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "env", "HOME=/"]
BEFORE = {"root": [], "user": USER, "userns": USER + ["unshare", "-Ur"]}
OWNERLESS = {"btrfs", "squashfs", "erofs"}
COMPRESSORS = ["cat", "gzip", "bzip2", "xz -0", "zstd -q", "lz4 -q"]


class Case:
    """One tree, one type, one way to give it to somebody."""

    def __init__(self, seed, fs_type, arguments):
        self.rng = random.Random(f"{seed} {fs_type}")
        self.fs_type = fs_type
        turn = seed * len(TYPES) + TYPES.index(fs_type)
        self.who = ["root", "user", "userns"][turn % 3]
        self.source = ["dir", "tar", "pipe"][turn // 3 % 3]
        self.format = "posix" if self.source == "dir" or self.rng.random() < 0.7 else "gnu"
        self.arguments = arguments
        self.what = f"seed {seed}, {fs_type}, {self.source}, {self.who}, {self.format}"

    def flavour(self):
        is_dir = self.source == "dir"
        return Flavour(
            fat=self.fs_type == "vfat", sockets=is_dir and self.fs_type != "xfs",
            big_xattrs=self.who == "root" or self.fs_type not in OWNERLESS,
            xattrs=self.format == "posix", special_links=is_dir, small_devices=self.fs_type == "xfs",
            longest_name=254 if self.fs_type == "erofs" else 255, of_user=is_dir and self.who != "root",
            entries=self.arguments.entries, small=self.arguments.small)

    def wanted(self):
        """The tree as who is asked sees it, or as the tar can say it."""
        tree = listing("tree")
        for entry in tree.values():
            if self.source == "dir" and self.who == "userns":
                entry["uid"] = entry["gid"] = 0
            if self.format == "gnu":
                entry["time"] = entry["time"] // 10**9 * 10**9
        return tree

    def standard_input(self):
        if self.source == "dir":
            return subprocess.DEVNULL
        options = ["--xattrs", "--xattrs-include=*"] if self.format == "posix" else []
        subprocess.run(["tar", "--sparse", f"--format={self.format}", "--numeric-owner", *options,
                        "-C", "tree", "-cf", "tree.tar", "."], check=True)
        if self.source == "tar":
            return open("tree.tar", "rb")
        compressor = self.rng.choice(COMPRESSORS).split()
        if subprocess.run(["which", compressor[0]], stdout=subprocess.DEVNULL).returncode != 0:
            compressor = ["gzip"]
        return subprocess.Popen(compressor, stdin=open("tree.tar", "rb"), stdout=subprocess.PIPE).stdout

    def make(self):
        source = "tree" if self.source == "dir" else "-"
        command = ["insitu-mkfs", "-v", "-t", self.fs_type, "--verify", "-d", source, "out/image"]
        environment = dict(os.environ)
        if self.rng.random() < 0.3:
            environment["LC_ALL"] = "de_DE.UTF-8"
        return run(BEFORE[self.who] + command, stdin=self.standard_input(), env=environment)

    def mounted(self):
        if run(["insitu-unpack", "-q", "out/image", "raw"]).returncode != 0:
            return None, "does not unpack"
        if self.fs_type == "vfat":
            return vfat_listing()
        os.makedirs("mnt", exist_ok=True)
        options = "loop,ro" + (",nouuid,norecovery" if self.fs_type == "xfs" else "")
        mounted = run(["mount", "-o", options, "-t", self.fs_type, "raw", "mnt"])
        if mounted.returncode != 0:
            return None, "does not mount: " + mounted.stderr.decode()
        try:
            found = listing("mnt")
        finally:
            subprocess.run(["umount", "mnt"], check=True)
        if self.fs_type.startswith("ext"):
            found.pop(b"lost+found", None)
        return found, ""

    def compare(self, wanted, messages):
        """Lines that say what is wrong."""
        found, wrong = self.mounted()
        if found is None:
            return [wrong]
        held = as_held(wanted, self.fs_type)
        if self.fs_type == "vfat":
            found.pop(b"", None)
            found = {name: {key: entry.get(key) for key in held.get(name, entry)} for name, entry in found.items()}
        lines = [f"the tool found no difference: {line}" for line in differences(held, found)]
        # It says what the type does not keep, and nothing else.
        told = any(line.startswith(f"note: {self.fs_type}: ") for line in messages)
        if self.fs_type != "vfat":
            if told != (held != wanted):
                lines.append(f"a loss that is told: {told}, one that is there: {held != wanted}")
            lines += [f"its own programs: {line}" for line in second_witness(self.fs_type, found)]
        return lines

    def run(self):
        make_tree("tree", self.what, self.flavour())
        run(["rm", "-rf", "out", "raw"])
        os.mkdir("out")
        os.chmod("out", 0o777)
        result = self.make()
        messages = result.stderr.decode(errors="replace").splitlines()
        if result.returncode != 0:
            told = [line for line in messages if line.startswith(("insitu-mkfs:", "hint:"))]
            return [f"{self.what}: refused with {result.returncode}: " + " / ".join(told[-6:])]
        return [f"{self.what}: {line}" for line in self.compare(self.wanted(), messages)[:3]]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=0)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("first", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("types", nargs="*", default=TYPES)
    arguments = parser.parse_args()
    wrong = []
    for seed in range(arguments.first, arguments.first + arguments.count):
        for fs_type in arguments.types:
            lines = Case(seed, fs_type, arguments).run()
            for line in lines:
                print(line, flush=True)
            wrong += lines
    trees = arguments.count * len(arguments.types)
    print(f"{trees} trees, seeds from {arguments.first}: {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
