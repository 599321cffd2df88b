#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes an Android sparse image: make_simg.py FILE [NAME=NUMBER...] CHUNK...

A CHUNK is raw:FILE, fill:BLOCKS:VALUE, hole:BLOCKS or sum:VALUE; sum:right is the CRC-32 of what comes
before it, with holes as zeros, sum:libsparse without them. The names are those of the header (version,
header, chunk_header, block, blocks, chunks, checksum) and `total`, the size of the last chunk.
"""
import struct
import sys
import zlib

header = {"version": 1, "header": 28, "chunk_header": 12, "block": 4096, "blocks": None, "chunks": None,
          "checksum": 0}
given = {}
chunks = []
for word in sys.argv[2:]:
    if "=" in word:
        name, number = word.split("=")
        given[name] = number if number == "right" else int(number, 0)
    else:
        chunks.append(word.split(":"))
block_bytes = given.get("block", 4096)
body = b""
blocks = 0
sums = {"right": 0, "libsparse": 0}
for number, (kind, *rest) in enumerate(chunks):
    if kind == "raw":
        with open(rest[0], "rb") as file:
            data = file.read()
        count = len(data) // block_bytes
        code = 0xCAC1
    elif kind == "fill":
        count, data, code = int(rest[0]), struct.pack("<I", int(rest[1], 0)), 0xCAC2
    elif kind == "hole":
        count, data, code = int(rest[0]), b"", 0xCAC3
    elif kind == "sum":
        value = sums[rest[0]] if rest[0] in sums else int(rest[0], 0)
        count, data, code = 0, struct.pack("<I", value), 0xCAC4
    else:
        count, data, code = 1, b"", int(kind, 0)
    total = 12 + len(data)
    if number == len(chunks) - 1:
        total = given.get("total", total)
    content = data if kind == "raw" else b""
    if kind == "fill":
        content = data * (count * block_bytes // 4)
    holes = bytes(count * block_bytes) if kind == "hole" and count < 100000 else b""
    sums["libsparse"] = zlib.crc32(content, sums["libsparse"])
    sums["right"] = zlib.crc32(content + holes, sums["right"])
    body += struct.pack("<HHII", code, 0, count, total) + data
    blocks += count
header["blocks"] = blocks
header["chunks"] = len(chunks)
header.update({name: number for name, number in given.items() if name in header})
if header["checksum"] == "right":
    header["checksum"] = sums["right"]
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<IHHHHIIII", 0xED26FF3A, header["version"], 0, header["header"],
                           header["chunk_header"], header["block"], header["blocks"],
                           header["chunks"], header["checksum"]))
    file.write(body)
