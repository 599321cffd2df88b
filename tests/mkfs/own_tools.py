# SPDX-License-Identifier: GPL-2.0-or-later
"""What each type's own programs find in a file system: a second witness beside the kernel that mounts it.

All of them read the file `raw`; what is extracted goes to the directory `back`."""

import os
import re
import stat
import subprocess

from tree_listing import differences, listing


def run(command, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600, **options)


def said(result):
    return (result.stdout + result.stderr).decode(errors="replace")


def parts(tree, keys, kinds=None):
    """The listing with nothing but these keys, and only of some kinds of entries, without the top."""
    kept = {}
    for name, entry in tree.items():
        if name and (kinds is None or entry["kind"] in kinds):
            kept[name] = {key: entry.get(key) for key in keys}
            if entry["kind"] == stat.S_IFLNK:
                kept[name]["mode"] = 0
            elif "mode" in keys:
                kept[name]["mode"] = entry["mode"] & 0o777
    return kept


def extracted(command, **options):
    subprocess.run(["rm", "-rf", "back"], check=True)
    result = run(command, **options)
    if result.returncode != 0:
        return None, said(result)
    return listing("back"), ""


def squashfs(found):
    back, wrong = extracted(["unsquashfs", "-q", "-n", "-d", "back", "raw"])
    if back is None:
        return [wrong]
    for tree in (back, found):
        tree.pop(b"", None)
    return differences(found, back)


def erofs(found):
    """fsck.erofs restores no attributes, hard links and special bits."""
    back, wrong = extracted(["fsck.erofs", "--extract=back", "--preserve", "raw"])
    if back is None:
        return [wrong]
    keys = ("kind", "mode", "uid", "gid", "time", "target", "size", "content", "device")
    return differences(parts(found, keys), parts(back, keys))


def btrfs(found):
    """btrfs restore knows files, links and directories, and leaves some directories without their attributes."""
    checked = run(["btrfs", "check", "--check-data-csum", "raw"])
    if checked.returncode != 0:
        return [said(checked)]
    subprocess.run(["rm", "-rf", "back"], check=True)
    os.mkdir("back")
    restored = run(["btrfs", "restore", "-m", "-S", "raw", "back"])
    if restored.returncode != 0:
        return [said(restored)]
    keys = ("kind", "mode", "uid", "gid", "time", "target", "size", "content")
    back = listing("back")
    lines = differences(parts(found, ("kind",), {stat.S_IFDIR}), parts(back, ("kind",), {stat.S_IFDIR}))
    kinds = {stat.S_IFREG, stat.S_IFLNK}
    return lines + differences(parts(found, keys, kinds), parts(back, keys, kinds))


def xfs(found):
    checked = run(["xfs_repair", "-n", "raw"])
    if checked.returncode != 0:
        return [said(checked)]
    names = run(["xfs_db", "-r", "-c", "blockget -n -s", "-c", "ncheck", "raw"]).stdout
    if any(b"\n" in name for name in found):
        return []
    told = sorted(re.sub(rb"^ *\d+ ", b"", line) for line in names.split(b"\n") if line)
    # Directories are told with a dot behind them.
    wanted = sorted(name + (b"/." if entry["kind"] == stat.S_IFDIR else b"") for name, entry in found.items() if name)
    return [] if told == wanted else [f"xfs_db names {len(told)} entries, and {len(wanted)} are there"]


def ext(found):
    checked = run(["e2fsck", "-fn", "raw"])
    return [] if checked.returncode == 0 else [said(checked)]


def vfat_listing():
    """What mtools copy out of it; there is no kernel to mount it everywhere."""
    checked = run(["fsck.vfat", "-n", "raw"])
    if checked.returncode != 0:
        return None, said(checked)
    subprocess.run(["rm", "-rf", "back"], check=True)
    os.mkdir("back")
    environment = dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC0")
    copied = run(["mcopy", "-s", "-m", "-n", "-Q", "-i", "raw", "::/", "back"], env=environment)
    if copied.returncode != 0:
        return None, said(copied)
    found = listing("back")
    for entry in found.values():
        # mcopy takes the year 2100 for a leap year.
        if entry["time"] >= 4107542400 * 10**9:
            entry["time"] -= 86400 * 10**9
    return found, ""


def second_witness(fs_type, found):
    """Differences between what is mounted and what the type's own programs find; empty: none."""
    if fs_type.startswith("ext"):
        return ext(found)
    return {"squashfs": squashfs, "erofs": erofs, "btrfs": btrfs, "xfs": xfs}[fs_type](dict(found))
