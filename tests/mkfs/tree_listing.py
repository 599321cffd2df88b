# SPDX-License-Identifier: GPL-2.0-or-later
"""What a directory holds, by the system's own calls: the independent side of the comparison."""

import errno
import hashlib
import os
import stat


def content_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while True:
            piece = file.read(1 << 20)
            if not piece:
                return digest.hexdigest()
            digest.update(piece)


def xattrs_of(path):
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
        return {}  # a squashfs without any
    # XFS shows ACLs once more, in a form of its own.
    return {name: os.getxattr(path, name, follow_symlinks=False) for name in names
            if not name.startswith("trusted.SGI_ACL_")}


def listing(root):
    """A dictionary from the path of each entry (bytes) to what it is."""
    root = os.fsencode(root)
    found = {}
    inodes = {}

    def visit(path, name):
        status = os.lstat(path)
        kind = stat.S_IFMT(status.st_mode)
        entry = {
            "kind": kind, "mode": stat.S_IMODE(status.st_mode), "uid": status.st_uid, "gid": status.st_gid,
            "time": status.st_mtime_ns,
            "xattrs": xattrs_of(path),
        }
        if kind == stat.S_IFLNK:
            entry["target"] = os.readlink(path)
            entry["mode"] = 0
        elif kind == stat.S_IFREG:
            entry["size"] = status.st_size
            entry["content"] = content_of(path)
        elif kind in (stat.S_IFCHR, stat.S_IFBLK):
            entry["device"] = status.st_rdev
        if kind != stat.S_IFDIR:
            inodes.setdefault((status.st_dev, status.st_ino), []).append(name)
            entry["links"] = status.st_nlink
        found[name] = entry
        if kind == stat.S_IFDIR:
            for below in os.listdir(path):
                visit(os.path.join(path, below), os.path.join(name, below) if name else below)

    visit(root, b"")
    for names in inodes.values():
        for name in names:
            found[name]["same"] = sorted(names)
    return found


def as_held(tree, fs_type):
    """The listing as a type of file system keeps it, by the table of the manual page."""
    held = {}
    second = 10**9
    for name, entry in tree.items():
        entry = dict(entry)
        if fs_type == "vfat":
            if not name:
                continue
            two = 2 * second
            time = min(max(entry["time"] // two * two, 315532800 * second), 4354819198 * second)
            entry = {"kind": entry["kind"], "size": entry.get("size"), "content": entry.get("content"), "time": time}
        elif fs_type == "squashfs":
            entry["time"] = min(max(entry["time"] // second, 0), 2**32 - 1) * second
            entry["xattrs"] = {k: v for k, v in entry["xattrs"].items() if not k.startswith("system.")}
        elif fs_type == "xfs":
            if "same" in entry:
                entry["same"] = [name]
                entry["links"] = 1
        held[name] = entry
    return held


def differences(wanted, found):
    lines = []
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            lines.append(f"{name!r}: missing")
        elif name not in wanted:
            lines.append(f"{name!r}: too much")
        else:
            for key in sorted(wanted[name].keys() | found[name].keys()):
                a, b = wanted[name].get(key), found[name].get(key)
                if a != b:
                    lines.append(f"{name!r}: {key}: {a!r} in the tree, {b!r} in the image")
    return lines
