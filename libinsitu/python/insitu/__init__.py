# SPDX-License-Identifier: GPL-2.0-or-later
"""Images of the device-mapper target insitu_comp: read, write, pack, check.

>>> import insitu
>>> insitu.pack("rootfs.raw", "rootfs.img")
>>> with insitu.open("rootfs.img") as image:
...     image.read(12345, 100)

Positions and lengths are in bytes. Failures raise insitu.Error, which has a code, a place and
perhaps a hint. A progress callback gets the bytes done and the bytes in all; what it raises stops
the work and is raised to the caller, and so is Ctrl-C.
"""

from ._error import Code, Error, Place
from ._image import Extent, Image, Info, Run, Totals, Unpacked
from ._operations import (
    Checked,
    Finding,
    Packed,
    Repaired,
    check,
    format,
    open,
    pack,
    repair,
    version,
)

__all__ = [
    "Checked",
    "Code",
    "Error",
    "Extent",
    "Finding",
    "Image",
    "Info",
    "Packed",
    "Place",
    "Repaired",
    "Run",
    "Totals",
    "Unpacked",
    "check",
    "format",
    "open",
    "pack",
    "repair",
    "version",
]
