# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes directory trees from a seed: kinds of names, types, sizes, holes, links, attributes, times.

A tree depends on the seed and the flavour alone. It needs root."""

import os
import random
import socket
import struct
import subprocess

PLAIN = "abcdefghijklmnopqrstuvwxyz0123456789_+."


class Flavour:
    """What a tree may hold, so that a type of file system can be expected to take it."""

    def __init__(self, fat=False, sockets=True, big_xattrs=True, xattrs=True, odd_times=True,
                 special_links=True, small_devices=False, longest_name=255, of_user=False, entries=0, small=False):
        self.fat = fat
        self.of_user = of_user  # all of it belongs to 65534, who may read it
        self.small = small  # fewer entries, for tests that have to be quick
        self.entries = entries  # about as many as there shall be; 0: some
        self.sockets = sockets
        self.big_xattrs = big_xattrs
        self.xattrs = xattrs
        self.odd_times = odd_times
        self.longest_name = longest_name
        self.small_devices = small_devices
        self.special_links = special_links  # GNU tar loses hard links of devices and FIFOs


class Maker:
    def __init__(self, seed, flavour):
        self.rng = random.Random(f"{seed}")
        self.flavour = flavour
        self.files = []
        self.left = self.rng.choice([20, 60, 200] if flavour.small else [30, 200, 800])  # entries that may still be made

    def plain_name(self):
        return "".join(self.rng.choice(PLAIN) for _ in range(self.rng.randint(2, 14))).encode()

    def name(self):
        rng = self.rng
        if self.flavour.fat:
            kind = rng.randint(0, 4)
            if kind == 0:
                return ("Ümläut " + "x" * rng.randint(1, 30) + str(rng.randint(0, 9**9)) + ".Txt").encode()
            if kind == 1:
                return b"-dash" + str(rng.randint(0, 9**9)).encode()
            return self.plain_name().rstrip(b".") + b"_" + str(rng.randint(0, 9**9)).encode()
        special = [
            b"-" + self.plain_name(), b"--help", b"-rf", b"$", b":", b":note", b"x:y", b"a$b", b"' '",
            b"two  words " + self.plain_name(), b"tab\there", b"line\nbreak", b"Icon\r", b"\x01\x1f\x7f",
            b"\xff\xfe" + self.plain_name(), "größe–☃𝄞".encode(), b'"quoted"', b"back\\slash", b"*?[a-z]",
            b" ", b"\n", b"#", b"~", b"...", b".hidden", b"%s%n", b"`id`", b"$(id)", b";", b"a" * self.flavour.longest_name,
            bytes([rng.randint(1, 255)]).replace(b"/", b"_").replace(b".", b"_"),
            ("ä" * 127).encode(), b"con", b"e\xcc\x81", b"=", b"@file", b"lost+fnd",
        ]
        return rng.choice(special) if rng.random() < 0.4 else self.plain_name()

    def fresh(self, directory):
        for _ in range(50):
            path = os.path.join(directory, self.name())
            if os.path.basename(path) not in (b".", b"..") and not os.path.lexists(path):
                return path
        return None

    def content(self, path):
        rng = self.rng
        size = rng.choice([0, 1, 59, 4095, 4096, 4097, 12345, 70000, 131072, 131073, 300000])
        with open(path, "wb") as file:
            kind = rng.random()
            if kind < 0.15:  # data, a hole, data, and perhaps a hole at the end
                file.write(rng.randbytes(rng.randint(1, 9000)))
                file.seek(rng.randint(1, 3_000_000), os.SEEK_CUR)
                file.write(rng.randbytes(rng.randint(1, 9000)))
                if rng.random() < 0.5:
                    file.truncate(file.tell() + rng.randint(1, 2_000_000))
            elif kind < 0.2:
                file.truncate(size)
            elif kind < 0.5:
                file.write((b"text %d\n" % size) * (size // 8 + 1))
            else:
                file.write(rng.randbytes(size))

    def entry(self, path):
        rng = self.rng
        kinds = ["file"] * 8
        if not self.flavour.fat:
            kinds += ["link", "link", "hard", "fifo", "char", "block"]
            if self.flavour.sockets:
                kinds.append("socket")
        kind = rng.choice(kinds)
        if kind == "hard" and self.files:
            os.link(rng.choice(self.files), path, follow_symlinks=False)
            return
        if kind == "link":
            target = rng.choice([b"a", b"/etc/passwd", b"x" * 59, b"x" * 60, b"y" * 61, b"z" * 1000, b"with space",
                                 b"$", b":colon", b"\n", b"\xff\x80", b"../" * 20, b"t\tb"])
            os.symlink(target, path)
        elif kind == "fifo":
            os.mkfifo(path)
        elif kind in ("char", "block"):
            device = os.makedev(rng.choice([1, 5, 255, 256, 511] + ([] if self.flavour.small_devices else [4095])), rng.choice([0, 3, 255, 256, 65535, 200000]))
            os.mknod(path, (0o020600 if kind == "char" else 0o060600), device)
        elif kind == "socket":
            held = socket.socket(socket.AF_UNIX)
            here = os.open(os.path.dirname(path), os.O_RDONLY)
            name = b"/proc/self/fd/%d/s0ck" % here
            held.bind(name)
            held.close()
            os.rename(name, path)
            os.close(here)
        else:
            self.content(path)
        if self.flavour.special_links or kind in ("file", "hard", "link"):
            self.files.append(path)

    def attributes(self, path):
        rng = self.rng
        is_link = os.path.islink(path)
        if not self.flavour.fat:
            ids = [65534] if self.flavour.of_user else [0, 1, 1000, 65534, 65535, 65536, 100000, 4294967293]
            os.chown(path, rng.choice(ids), rng.choice(ids), follow_symlinks=False)
            if not is_link:
                os.chmod(path, rng.randint(0, 0o7777) | (0o500 if self.flavour.of_user else 0))
        if self.flavour.xattrs and not self.flavour.fat and rng.random() < 0.3:
            self.xattrs(path, is_link)
        seconds = rng.choice([1, 999999999, 1700000000, 1700000001, 1600000000 + rng.randint(0, 10**8)])
        if self.flavour.odd_times and rng.random() < 0.2:
            seconds = rng.choice([-1, -157766400, -2147483648, 2147483647, 2147483648, 4102444800, 4294967296])
        if self.flavour.fat:
            seconds = max(seconds, 400000000)
        ns = seconds * 10**9 + (rng.randint(0, 999999999) if rng.random() < 0.7 else 0)
        os.utime(path, ns=(ns, ns), follow_symlinks=False)

    def xattrs(self, path, is_link):
        rng = self.rng
        values = {} if self.flavour.of_user else {"trusted.t": rng.randbytes(5), "security.note": b""}
        if not is_link and (os.path.isfile(path) or os.path.isdir(path)):
            values["user.a"] = rng.randbytes(rng.randint(0, 40))
            if self.flavour.big_xattrs and rng.random() < 0.3:
                values["user.big"] = rng.randbytes(2500)
            if rng.random() < 0.5 and not self.flavour.of_user:
                acl = struct.pack("<I", 2)
                for tag, perm, number in ((1, 7, 0xFFFFFFFF), (2, 6, 1234), (4, 5, 0xFFFFFFFF), (8, 4, 70000),
                                          (16, 7, 0xFFFFFFFF), (32, 1, 0xFFFFFFFF)):
                    acl += struct.pack("<HHI", tag, perm, number)
                values["system.posix_acl_access"] = acl
                if os.path.isdir(path):
                    values["system.posix_acl_default"] = acl
        if os.path.isfile(path) and not is_link and not self.flavour.of_user:
            values["security.capability"] = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)
        for name, value in values.items():
            if rng.random() < 0.5:
                os.setxattr(path, name, value, follow_symlinks=False)

    def directory(self, path, depth):
        rng = self.rng
        width = rng.choice([0, 1, 3, 8, 20, 60]) if depth else rng.choice([8, 20, 60, 400])
        for _ in range(width):
            below = self.fresh(path)
            if below is None or self.left == 0:
                continue
            self.left -= 1
            if depth < 6 and rng.random() < 0.15:
                os.mkdir(below)
                self.directory(below, depth + 1)
            else:
                self.entry(below)

    def bulk(self, root, entries):
        """A fifth of them in one directory, the others in directories of a hundred."""
        for i in range(entries):
            above = os.path.join(root, b"bulk_" + (b"one" if i % 5 == 0 else b"%d" % (i // 125)))
            os.makedirs(above, exist_ok=True)
            with open(os.path.join(above, b"%d_%x" % (i, self.rng.getrandbits(30))), "wb") as file:
                file.write(b"%d" % i * self.rng.choice([0, 1, 30, 1000]))

    def make(self, root):
        root = os.fsencode(root)
        os.mkdir(root)
        self.directory(root, 0)
        if self.rng.random() < 0.2:
            deep = root
            for _ in range(40):
                deep = os.path.join(deep, b"d" * self.rng.randint(1, 20))
                if os.path.lexists(deep):
                    break
                os.mkdir(deep)
        if self.rng.random() < 0.15 and not self.flavour.fat:
            many = os.path.join(root, b"many")
            if not os.path.lexists(many):
                os.mkdir(many)
                for i in range(self.rng.choice([200, 400] if self.flavour.small else [300, 3000])):
                    with open(os.path.join(many, b"%d %x" % (i, self.rng.getrandbits(40))), "wb") as file:
                        file.write(b"%d" % i)
        if self.flavour.entries:
            self.bulk(root, self.flavour.entries)
        for directory, directories, names in os.walk(root, topdown=False):
            for name in sorted(names + directories):
                self.attributes(os.path.join(directory, name))
        self.attributes(root)


def make_tree(root, seed, flavour):
    subprocess.run(["rm", "-rf", "--one-file-system", root], check=True)
    Maker(seed, flavour).make(root)
