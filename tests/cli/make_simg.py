#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes an Android sparse image: make_simg.py FILE [NAME=NUMBER...] CHUNK...

A CHUNK is raw:FILE, fill:BLOCKS:VALUE, hole:BLOCKS or sum:VALUE. The names are those of the header
(version, header, chunk_header, block, blocks, chunks) and `total`, the size of the last chunk.
"""
import struct
import sys

header = {"version": 1, "header": 28, "chunk_header": 12, "block": 4096, "blocks": None, "chunks": None}
given = {}
chunks = []
for word in sys.argv[2:]:
    if "=" in word:
        name, number = word.split("=")
        given[name] = int(number, 0)
    else:
        chunks.append(word.split(":"))
block_bytes = given.get("block", 4096)
body = b""
blocks = 0
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
        count, data, code = 0, struct.pack("<I", int(rest[0], 0)), 0xCAC4
    else:
        count, data, code = 1, b"", int(kind, 0)
    total = 12 + len(data)
    if number == len(chunks) - 1:
        total = given.get("total", total)
    body += struct.pack("<HHII", code, 0, count, total) + data
    blocks += count
header["blocks"] = blocks
header["chunks"] = len(chunks)
header.update({name: number for name, number in given.items() if name in header})
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<IHHHHIIII", 0xED26FF3A, header["version"], 0, header["header"],
                           header["chunk_header"], header["block"], header["blocks"],
                           header["chunks"], 0))
    file.write(body)
