# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of the module share."""

import random


def content(length: int, seed: int = 1) -> bytes:
    """Text, zeros and noise."""
    chooser = random.Random(seed)
    pieces = []
    left = length
    while left > 0:
        size = min(left, chooser.randrange(1, 40000))
        kind = chooser.randrange(3)
        if kind == 0:
            pieces.append(bytes(size))
        elif kind == 1:
            pieces.append(chooser.randbytes(size))
        else:
            pieces.append((b"what compresses well, " * (size // 22 + 1))[:size])
        left -= size
    return b"".join(pieces)
