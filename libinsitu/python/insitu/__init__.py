# SPDX-License-Identifier: GPL-2.0-or-later
"""Images of the device-mapper target insitu_comp: read, write, pack, copy, check.

>>> import insitu
>>> insitu.pack("rootfs.raw", "rootfs.img")
>>> with insitu.open("rootfs.img") as image:
...     image.read(12345, 100)

Positions and lengths are in bytes. Failures raise insitu.Error, which has a code, a place and
perhaps a hint. A progress callback gets the bytes done and the bytes in all; what it raises stops
the work and is raised to the caller, and so is Ctrl-C.
"""

from ._error import Code, Error, Place
from ._image import Image
from ._operations import (
    Checked,
    Finding,
    Packed,
    Repaired,
    check,
    format,
    open,
    pack,
    punch_holes,
    repair,
    resize,
    set_name,
    version,
)
from ._values import (
    Copied,
    Extent,
    Hash,
    Info,
    Range,
    Resized,
    Run,
    Totals,
    Trimmed,
    Unpacked,
    Updated,
)

__all__ = [
    "Checked",
    "Code",
    "Copied",
    "Error",
    "Extent",
    "Finding",
    "Hash",
    "Image",
    "Info",
    "Packed",
    "Place",
    "Range",
    "Repaired",
    "Resized",
    "Run",
    "Totals",
    "Trimmed",
    "Unpacked",
    "Updated",
    "check",
    "format",
    "open",
    "pack",
    "punch_holes",
    "repair",
    "resize",
    "set_name",
    "version",
]
