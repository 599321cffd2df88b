# SPDX-License-Identifier: GPL-2.0-or-later
"""pack.py RAW IMAGE: packs a raw file or device into an image, in a file or on a device."""

import sys

import insitu


def progress(done: int, total: int) -> None:
    """What this raises would stop the work."""
    if total:
        print(f"\r{100 * done // total:3} %", end="", file=sys.stderr)


try:
    packed = insitu.pack(sys.argv[1], sys.argv[2], progress=progress)
except insitu.Error as error:
    sys.exit(f"\n{error}\n{error.hint}")
print(packed.mapped_blocks, "blocks")
