#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes meta from nothing but the description of the format, without the library.

make_meta.py dump DUMP.json META    the meta area that a JSON dump describes
make_meta.py fill IMAGE             every window of an image becomes one extent of 100 sectors
"""
import json
import struct
import sys

BLOCK = 4096
WINDOW_BLOCKS = 32
WINDOW_META = 20


class Meta:
    """Entries of 5 bits, least significant first, as one bit string."""

    def __init__(self, meta_bytes):
        self.bytes = bytearray(meta_bytes)

    def put(self, block, share, tail):
        at, shift = divmod(5 * block, 8)
        entry = (share | (16 if tail else 0)) << shift
        for i in range(2):
            if entry >> (8 * i) & 0xFF:
                self.bytes[at + i] |= entry >> (8 * i) & 0xFF

    def put_extent(self, first, blocks, sectors):
        for i in range(blocks):
            share = min(8, sectors)
            sectors -= share
            self.put(first + i, share, i > 0)


def from_dump(path, target):
    with open(path, encoding="ascii") as file:
        dump = json.load(file)
    meta = Meta(dump["meta_blocks"] * BLOCK)
    for extent in dump["extents"]:
        # Where the meta makes no sense its bytes are told.
        if "fault" not in extent:
            meta.put_extent(extent["first_block"], extent["blocks"], extent["payload_sectors"])
    for window in dump["unsound_windows"]:
        at = window["window"] * WINDOW_META
        raw = bytes.fromhex(window["meta"])[: len(meta.bytes) - at]
        meta.bytes[at : at + len(raw)] = raw
    with open(target, "wb") as file:
        file.write(meta.bytes)


def fill(path):
    with open(path, "r+b") as image:
        _, _, _, data_blocks = struct.unpack("<4Q", image.read(32))
        window = Meta(WINDOW_META)
        window.put_extent(0, WINDOW_BLOCKS, 100)
        windows, rest = divmod(data_blocks, WINDOW_BLOCKS)
        image.seek(BLOCK)
        piece = bytes(window.bytes) * 65536
        while windows:
            count = min(windows, 65536)
            image.write(piece[: count * WINDOW_META])
            windows -= count
        if rest:
            last = Meta(WINDOW_META)
            last.put_extent(0, rest, 1)
            image.write(last.bytes[: -(-5 * rest // 8)])


if __name__ == "__main__":
    {"dump": from_dump, "fill": fill}[sys.argv[1]](*sys.argv[2:])
