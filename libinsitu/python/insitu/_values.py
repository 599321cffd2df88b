# SPDX-License-Identifier: GPL-2.0-or-later
"""What functions return, and the names of what they take."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Union

Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
# Whatever has the buffer protocol.
Buffer = Any

RECODE = {"no": 0, "same": 1, "lzo": 2, "deflate": 3}
PENDING = {"in-memory": 0, "apply": 1, "refuse": 2, "ignore": 3}
UNPROTECTED = ("allow", "refuse")
ALGORITHMS = ("lzo", "deflate")
DAMAGE = {"fail": 0, "salvage": 1, "zeros": 2}


def choose(names: Any, value: str, what: str) -> int:
    """The number of a named value."""
    if value not in names:
        raise ValueError(f"{what} is {value!r}, expected one of {', '.join(names)}")
    return names[value] if isinstance(names, dict) else names.index(value)


@dataclass(frozen=True)
class Info:
    """Sizes in bytes or blocks of 4096 bytes."""

    logical_bytes: int
    device_bytes: int
    meta_blocks: int
    data_blocks: int
    recovered_windows: int  # of a pending commit, applied when the image was opened
    algorithm: str
    uuid: str  # or ""
    label: str  # or ""


@dataclass(frozen=True)
class Run:
    """Blocks side by side that are mapped, or read as zeros."""

    at_byte: int
    length: int
    mapped: bool


@dataclass(frozen=True)
class Extent:
    """What is stored as one payload."""

    at_byte: int
    length: int
    payload_bytes: int
    raw: bool
    faulty: bool


@dataclass(frozen=True)
class Totals:
    """Sums over the meta of an image."""

    mapped_blocks: int
    payload_bytes: int
    compressed_extents: int
    raw_extents: int
    faulty_extents: int
    faulty_blocks: int


@dataclass(frozen=True)
class Unpacked:
    """What unpacking did."""

    logical_bytes: int
    damaged_extents: int
    damaged_blocks: int


@dataclass(frozen=True)
class Hash:
    """Whole blocks of 4096 bytes and the XXH3-128 of what they hold: a row of a manifest."""

    at_byte: int
    length: int
    xxh3_128: str  # 32 hex digits


@dataclass(frozen=True)
class Range:
    """Bytes of the logical device."""

    at_byte: int
    length: int


@dataclass(frozen=True)
class Trimmed:
    """Whole blocks, in bytes."""

    unused_bytes: int  # that the ranges cover
    freed_bytes: int  # of them, that were mapped and are not any more
    kept_bytes: int  # of them, that stay mapped: the image is full


@dataclass(frozen=True)
class Copied:
    """What copying did."""

    logical_bytes: int
    written_bytes: int
    recoded_windows: int


@dataclass(frozen=True)
class Updated:
    """What an update did."""

    written_bytes: int  # 0: the target was the same
    compared_bytes: int
    trusted_bytes: int
    resumed: bool


@dataclass(frozen=True)
class Resized:
    """What resizing did."""

    logical_bytes: int
    device_bytes: int
    moved_blocks: int
    resumed: bool


def require_range(at_byte: int, length: int) -> None:
    """Refuses what ctypes would take for a large number."""
    if at_byte < 0 or length < 0 or at_byte >= 1 << 64 or length >= 1 << 63:
        raise ValueError(f"{length} bytes at {at_byte} are not a range")


def optional_text(value: str | None) -> bytes | None:
    """A text as C has it; None is NULL."""
    if value is not None and "\0" in value:
        raise ValueError("a text with a NUL byte")
    return None if value is None else value.encode()
