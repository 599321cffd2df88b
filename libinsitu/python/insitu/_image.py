# SPDX-License-Identifier: GPL-2.0-or-later
"""An open image."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from typing import Any, Union

from . import _library as lib
from ._error import Code, Error

Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
# Whatever has the buffer protocol.
Buffer = Any

PENDING = {"in-memory": 0, "apply": 1, "refuse": 2, "ignore": 3}
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


class Image:
    """An open image; insitu.open() makes it. A context manager that closes it.

    read(), readinto(), write(), zero(), unmap(), flush() and map() may be called from several
    threads at once; close() when no other call is running.
    """

    def __init__(self, handle: int, path: Path) -> None:
        self._handle: int | None = handle
        self._path = os.fsdecode(path)
        self.info = self._read_info()

    def _read_info(self) -> Info:
        info = lib.InfoStruct()
        lib.call("get_info", self._open_handle(), ctypes.byref(info))
        return Info(
            info.logical_bytes,
            info.device_bytes,
            info.meta_blocks,
            info.data_blocks,
            info.recovered_windows,
            ALGORITHMS[info.algorithm],
            lib.text_of(info.uuid),
            lib.text_of(info.label),
        )

    def _open_handle(self) -> int:
        if self._handle is None:
            raise Error(Code.REFUSED, f"{self._path}: is closed")
        return self._handle

    @property
    def size(self) -> int:
        """Bytes of the logical device."""
        return self.info.logical_bytes

    def __enter__(self) -> Image:
        self._open_handle()
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __del__(self) -> None:
        try:
            self.close()
        except Exception:  # nobody is left to hear of it
            pass

    def close(self) -> None:
        """Commits what was written. A second call does nothing."""
        handle, self._handle = getattr(self, "_handle", None), None
        if handle is not None:
            lib.call("close", handle)

    def read(self, at_byte: int, length: int) -> bytes:
        """`length` bytes from `at_byte` on; neither needs to be aligned."""
        _require_range(at_byte, length)
        if at_byte + length > self.size:
            # Before the memory is asked for.
            raise Error(
                Code.REFUSED,
                f"{self._path}: request of {length} bytes at {at_byte} reaches beyond the end "
                f"at {self.size}",
            )
        buffer = bytearray(length)
        self.readinto(at_byte, buffer)
        return bytes(buffer)

    def readinto(self, at_byte: int, buffer: Buffer) -> int:
        """Fills a writable buffer (bytearray, memoryview, mmap, array); returns its length."""
        view = memoryview(buffer).cast("B")
        _require_range(at_byte, len(view))
        target = (ctypes.c_char * len(view)).from_buffer(view)
        lib.call("read", self._open_handle(), at_byte, ctypes.addressof(target), len(view))
        return len(view)

    def write(self, at_byte: int, data: Buffer, *, fua: bool = False) -> int:
        """Writes any buffer; `fua`: it is durable when this returns. Returns the length."""
        view = memoryview(data).cast("B")
        _require_range(at_byte, len(view))
        source: Any
        if view.readonly:
            # ctypes points at bytes, and at nothing else that cannot be written.
            source = ctypes.c_char_p(data if isinstance(data, bytes) else bytes(view))
        else:
            source = ctypes.byref((ctypes.c_char * len(view)).from_buffer(view))
        lib.call("write", self._open_handle(), at_byte, source, len(view), int(fua))
        return len(view)

    def zero(self, at_byte: int, length: int, *, fua: bool = False) -> None:
        """The range reads as zeros; whole blocks of it take no space."""
        _require_range(at_byte, length)
        lib.call("zero", self._open_handle(), at_byte, length, int(fua))

    def unmap(self, at_byte: int, length: int, *, fua: bool = False) -> None:
        """Blocks that are whole within the range read as zeros and take no space."""
        _require_range(at_byte, length)
        lib.call("unmap", self._open_handle(), at_byte, length, int(fua))

    def flush(self) -> None:
        """Returns when every write that had returned before is durable."""
        lib.call("flush", self._open_handle())

    def start_commits(self) -> None:
        """From here on a thread of the library commits every five seconds."""
        lib.call("start_commits", self._open_handle())

    def map(self, at_byte: int = 0, length: int | None = None) -> list[Run]:
        """The runs of whole blocks that cover the range (up to the end, if there is no length)."""
        if length is None:
            length = max(0, self.size - at_byte)
        _require_range(at_byte, length)
        runs: list[Run] = []
        caught = lib.Caught()

        def add(_user: object, told: Any) -> None:
            run = told.contents
            runs.append(Run(run.at_byte, run.length, bool(run.mapped)))

        callback = lib.RunCallback(caught.guard(add))
        lib.call("map", self._open_handle(), at_byte, length, callback, None)
        caught.reraise()
        return runs

    def extents(self) -> list[Extent]:
        """What is stored, in order; of an image that is open for reading."""
        extents: list[Extent] = []
        caught = lib.Caught()

        def add(_user: object, told: Any) -> None:
            extent = told.contents
            extents.append(
                Extent(
                    extent.at_byte,
                    extent.length,
                    extent.payload_bytes,
                    bool(extent.raw),
                    bool(extent.faulty),
                )
            )

        callback = lib.ExtentCallback(caught.guard(add))
        lib.call("extents", self._open_handle(), callback, None)
        caught.reraise()
        return extents

    def stat(self, *, threads: int = 0) -> Totals:
        """Sums over the whole meta; of an image that is open for reading."""
        handle = self._open_handle()
        totals = lib.TotalsStruct()
        lib.run_long(
            None,
            threads,
            lib.Caught(),
            lambda control: lib.call("stat", handle, control, ctypes.byref(totals)),
        )
        return Totals(
            totals.mapped_blocks,
            totals.payload_bytes,
            totals.compressed_extents,
            totals.raw_extents,
            totals.faulty_extents,
            totals.faulty_blocks,
        )

    def unpack(
        self,
        target: Path,
        *,
        at_byte: int = 0,
        length: int | None = None,
        damage: str = "fail",
        force: bool = False,
        progress: lib.Progress | None = None,
        threads: int = 0,
    ) -> Unpacked:
        """Writes the content, or a part of it, to a file or block device."""
        if length == 0:
            raise ValueError("length is 0")
        _require_range(at_byte, length or 0)
        handle = self._open_handle()
        options = lib.UnpackOptions(
            at_byte=at_byte,
            length=length or 0,
            damage=choose(DAMAGE, damage, "damage"),
            force=int(force),
        )
        result = lib.UnpackStruct()
        lib.run_long(
            progress,
            threads,
            lib.Caught(),
            lambda control: lib.call(
                "unpack",
                handle,
                os.fsencode(target),
                ctypes.byref(options),
                control,
                ctypes.byref(result),
            ),
        )
        return Unpacked(result.logical_bytes, result.damaged_extents, result.damaged_blocks)


def _require_range(at_byte: int, length: int) -> None:
    # ctypes would take a negative number for a large one.
    if at_byte < 0 or length < 0 or at_byte >= 1 << 64 or length >= 1 << 63:
        raise ValueError(f"{length} bytes at {at_byte} are no range")
