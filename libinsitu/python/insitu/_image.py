# SPDX-License-Identifier: GPL-2.0-or-later
"""An open image."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any

from . import _library as lib
from . import _structs as structs
from ._error import Code, Error
from ._values import (
    ALGORITHMS,
    DAMAGE,
    RECODE,
    Buffer,
    Copied,
    Extent,
    Hash,
    Info,
    Path,
    Range,
    Run,
    Totals,
    Trimmed,
    Unpacked,
    Updated,
    choose,
    optional_text,
    require_range,
)


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
        info = structs.InfoStruct()
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
        require_range(at_byte, length)
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
        require_range(at_byte, len(view))
        target = (ctypes.c_char * len(view)).from_buffer(view)
        lib.call("read", self._open_handle(), at_byte, ctypes.addressof(target), len(view))
        return len(view)

    def write(self, at_byte: int, data: Buffer, *, fua: bool = False) -> int:
        """Writes any buffer; `fua`: it is durable when this returns. Returns the length."""
        view = memoryview(data).cast("B")
        require_range(at_byte, len(view))
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
        require_range(at_byte, length)
        lib.call("zero", self._open_handle(), at_byte, length, int(fua))

    def unmap(self, at_byte: int, length: int, *, fua: bool = False) -> None:
        """Blocks that are whole within the range read as zeros and take no space."""
        require_range(at_byte, length)
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
        require_range(at_byte, length)
        runs: list[Run] = []
        caught = lib.Caught()

        def add(_user: object, told: Any) -> None:
            run = told.contents
            runs.append(Run(run.at_byte, run.length, bool(run.mapped)))

        callback = structs.RunCallback(caught.guard(add))
        lib.call("map", self._open_handle(), at_byte, length, callback, None)
        caught.reraise()
        return runs

    def extents(self) -> list[Extent]:
        """What is stored, in order; of an image that is open for reading."""
        extents: list[Extent] = []
        caught = lib.Caught()

        def add(_user: object, told: Any) -> None:
            it = told.contents
            extents.append(
                Extent(it.at_byte, it.length, it.payload_bytes, bool(it.raw), bool(it.faulty))
            )

        callback = structs.ExtentCallback(caught.guard(add))
        lib.call("extents", self._open_handle(), callback, None)
        caught.reraise()
        return extents

    def stat(self, *, threads: int = 0) -> Totals:
        """Sums over the whole meta; of an image that is open for reading."""
        handle = self._open_handle()
        totals = structs.TotalsStruct()
        lib.run_long(
            None,
            threads,
            lib.Caught(),
            lambda control: lib.call("stat", handle, control, ctypes.byref(totals)),
        )
        return Totals(*(getattr(totals, field.name) for field in fields(Totals)))

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
        require_range(at_byte, length or 0)
        handle = self._open_handle()
        options = structs.UnpackOptions(
            at_byte=at_byte,
            length=length or 0,
            damage=choose(DAMAGE, damage, "damage"),
            force=int(force),
        )
        result = structs.UnpackStruct()
        lib.run_target("unpack", handle, target, options, progress, threads, result)
        return Unpacked(result.logical_bytes, result.damaged_extents, result.damaged_blocks)

    def hashes(
        self,
        *,
        found: Callable[[Hash], object] | None = None,
        progress: lib.Progress | None = None,
        threads: int = 0,
    ) -> list[Hash]:
        """Hashes of what the image holds, extent by extent; blocks that none names are zeros.

        They are in the result, or go to `found` if that is given. These are the rows that
        insitu-pack --manifest writes for such an image. Open for reading.
        """
        handle = self._open_handle()
        rows: list[Hash] = []
        take = rows.append if found is None else found
        caught = lib.Caught()

        def add(_user: object, told: Any) -> None:
            row = told.contents
            take(Hash(row.at_byte, row.length, bytes(row.xxh3_128).hex()))

        callback = structs.HashCallback(caught.guard(add))
        lib.run_long(
            progress,
            threads,
            caught,
            lambda control: lib.call("hash_contents", handle, control, callback, None),
        )
        return rows

    def verify(
        self,
        rows: Iterable[Hash],
        *,
        logical_bytes: int = 0,
        others_unknown: bool = False,
        progress: lib.Progress | None = None,
        threads: int = 0,
    ) -> list[Range]:
        """Where the image holds something else than the rows say, and than zeros beside them.

        Empty: all is as it should be. `logical_bytes`: the size that it must have. With
        `others_unknown`, blocks that no row names may hold anything. Open for reading.
        """
        handle = self._open_handle()
        require_range(logical_bytes, 0)
        hashes = _hash_array(list(rows))
        options = structs.VerifyOptions(
            logical_bytes=logical_bytes, others_unknown=int(others_unknown)
        )
        differences: list[Range] = []
        caught = lib.Caught()

        def add(_user: object, told: Any) -> None:
            differences.append(Range(told.contents.at_byte, told.contents.length))

        callback = structs.RangeCallback(caught.guard(add))
        lib.run_long(
            progress,
            threads,
            caught,
            lambda control: lib.call(
                "verify_contents",
                handle,
                hashes,
                len(hashes),
                ctypes.byref(options),
                control,
                callback,
                None,
                None,
            ),
        )
        return differences

    def trim(
        self,
        unused: Iterable[tuple[int, int]],
        *,
        dry_run: bool = False,
        progress: lib.Progress | None = None,
        threads: int = 0,
    ) -> Trimmed:
        """Unmaps the blocks that lie as a whole in ranges (position, length) that nobody needs.

        The image is open for writing, with unprotected="refuse"; insitu.punch_holes() gives the
        space back to the host, after close().
        """
        handle = self._open_handle()
        listed = list(unused)
        for at_byte, length in listed:
            require_range(at_byte, length)
        ranges = (structs.RangeStruct * len(listed))(*listed)
        options = structs.TrimOptions(dry_run=int(dry_run))
        result = structs.TrimStruct()
        lib.run_long(
            progress,
            threads,
            lib.Caught(),
            lambda control: lib.call(
                "trim",
                handle,
                ranges,
                len(ranges),
                ctypes.byref(options),
                control,
                ctypes.byref(result),
            ),
        )
        return Trimmed(result.unused_bytes, result.freed_bytes, result.kept_bytes)

    def copy(
        self,
        target: Path,
        *,
        logical_bytes: int = 0,
        recode: str = "no",
        level: int = 0,
        extent_blocks: int = 0,
        worth_percent: int = 0,
        uuid: str | None = None,
        label: str | None = None,
        force: bool = False,
        resume: bool = False,
        progress: lib.Progress | None = None,
        threads: int = 0,
    ) -> Copied:
        """Copies the image to a file, device or NBD URI of any size that holds what is mapped.

        recode: "no" (payloads as they are); or "same", "lzo", "deflate": compress them again.
        resume: a copy to this device was interrupted; write only what differs from it.
        """
        handle = self._open_handle()
        require_range(logical_bytes, 0)
        options = structs.CopyOptions(
            logical_bytes=logical_bytes,
            force=int(force),
            recode=choose(RECODE, recode, "recode"),
            level=level,
            extent_blocks=extent_blocks,
            worth_percent=worth_percent,
            resume=int(resume),
            uuid=optional_text(uuid),
            label=optional_text(label),
        )
        result = structs.CopyStruct()
        lib.run_target("copy", handle, target, options, progress, threads, result)
        return Copied(result.logical_bytes, result.written_bytes, result.recoded_windows)

    def update(
        self,
        target: Path,
        *,
        trust_seals: bool = False,
        uuid: str | None = None,
        label: str | None = None,
        progress: lib.Progress | None = None,
        threads: int = 0,
    ) -> Updated:
        """Brings the older image in `target` to this one: writes the sectors that differ."""
        handle = self._open_handle()
        options = structs.UpdateOptions(
            trust_seals=int(trust_seals), uuid=optional_text(uuid), label=optional_text(label)
        )
        done = structs.UpdateStruct()
        lib.run_target("update", handle, target, options, progress, threads, done)
        return Updated(
            done.written_bytes, done.compared_bytes, done.trusted_bytes, bool(done.resumed)
        )


def _hash_array(rows: list[Hash]) -> Any:
    array = (structs.HashStruct * len(rows))()
    for place, row in zip(array, rows):
        require_range(row.at_byte, row.length)
        digits = bytes.fromhex(row.xxh3_128)
        if len(digits) != len(place.xxh3_128):
            raise ValueError(f"{row.xxh3_128!r} is not an XXH3-128 of 32 hex digits")
        place.at_byte = row.at_byte
        place.length = row.length
        place.xxh3_128[:] = list(digits)
    return array
