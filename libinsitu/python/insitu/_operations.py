# SPDX-License-Identifier: GPL-2.0-or-later
"""What is done with whole images."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import _library as lib
from ._image import ALGORITHMS, PENDING, Image, Path, choose


@dataclass(frozen=True)
class Packed:
    """What packing did."""

    source_bytes: int
    target_bytes: int
    mapped_blocks: int
    payload_bytes: int


@dataclass(frozen=True)
class Finding:
    """What a check found; ids are those of docs/fsck.md."""

    id: str
    severity: str  # "note", "warning", "error"
    text: str
    detail: str
    effect: str  # what the driver does with it
    at_byte: int  # of the file or device
    block: int
    blocks: int  # 0: none is affected


@dataclass(frozen=True)
class Checked:
    """What a check counted."""

    findings: list[Finding]
    errors: int
    warnings: int
    notes: int
    error_blocks: int

    @property
    def clean(self) -> bool:
        """Whether there is no error."""
        return self.errors == 0


@dataclass(frozen=True)
class Repaired:
    """What a repair did."""

    findings: list[Finding]
    errors_before: int
    errors_after: int
    lost_blocks: int
    suspect_blocks: int
    undecided_blocks: int
    changed: bool
    rolled_back: bool


_SEVERITIES = ("note", "warning", "error")


def open(  # noqa: A001 # pylint: disable=redefined-builtin
    path: Path,
    *,
    write: bool = False,
    pending: str = "in-memory",
    force_share: bool = False,
    ignore_size: bool = False,
    level: int = 0,
    writethrough: bool = False,
    cache_bytes: int = 0,
    decode_cache_bytes: int = 0,
) -> Image:
    """Opens the image in a file or on a block device.

    pending: what to do with the commit that an interrupted live device left: "in-memory" (apply it
    in memory; to write: in place), "apply", "refuse", "ignore".
    """
    options = lib.OpenOptions(
        access=int(write),
        sharing=int(force_share),
        size_check=int(ignore_size),
        pending=choose(PENDING, pending, "pending"),
        level=level,
        writethrough=int(writethrough),
        cache_bytes=cache_bytes,
        decode_cache_bytes=decode_cache_bytes,
    )
    return Image(lib.call("open", os.fsencode(path), ctypes.byref(options)), path)


def pack(
    source: Path,
    target: Path,
    *,
    algorithm: str = "lzo",
    level: int = 0,
    extent_blocks: int = 0,
    target_bytes: int = 0,
    force: bool = False,
    verify: bool = False,
    progress: lib.Progress | None = None,
    threads: int = 0,
) -> Packed:
    """Packs a raw file or block device into an image in a file or on a block device."""
    options = lib.PackOptions(
        algorithm=choose(ALGORITHMS, algorithm, "algorithm"),
        level=level,
        extent_blocks=extent_blocks,
        force=int(force),
        verify=int(verify),
        target_bytes=target_bytes,
    )
    result = lib.PackStruct()
    lib.run_long(
        progress,
        threads,
        lib.Caught(),
        lambda control: lib.call(
            "pack",
            os.fsencode(source),
            os.fsencode(target),
            ctypes.byref(options),
            control,
            ctypes.byref(result),
        ),
    )
    return Packed(
        result.source_bytes, result.target_bytes, result.mapped_blocks, result.payload_bytes
    )


def format(  # noqa: A001 # pylint: disable=redefined-builtin
    target: Path,
    file_bytes: int = 0,
    *,
    algorithm: str = "lzo",
    force: bool = False,
    progress: lib.Progress | None = None,
    threads: int = 0,
) -> None:
    """Makes an image in which nothing is mapped; `file_bytes` is the size of a file."""
    options = lib.FormatOptions(
        file_bytes=file_bytes,
        algorithm=choose(ALGORITHMS, algorithm, "algorithm"),
        force=int(force),
    )
    lib.run_long(
        progress,
        threads,
        lib.Caught(),
        lambda control: lib.call("format", os.fsencode(target), ctypes.byref(options), control),
    )


def _finding(told: Any) -> Finding:
    return Finding(
        lib.text_of(told.id),
        _SEVERITIES[told.severity],
        lib.text_of(told.text),
        lib.text_of(told.detail),
        lib.text_of(told.effect),
        told.at_byte,
        told.block,
        told.blocks,
    )


def _collector(
    caught: lib.Caught, findings: list[Finding], found: Callable[[Finding], object] | None
) -> Any:
    def add(_user: object, told: Any) -> None:
        finding = _finding(told.contents)
        if found is None:
            findings.append(finding)
        else:
            found(finding)

    return lib.FindingCallback(caught.guard(add))


def check(
    path: Path,
    *,
    pending: str = "in-memory",
    force_share: bool = False,
    meta_only: bool = False,
    found: Callable[[Finding], object] | None = None,
    progress: lib.Progress | None = None,
    threads: int = 0,
) -> Checked:
    """Reads the whole image and says what is wrong; changes nothing.

    Findings are in the result, or go to `found` if that is given.
    """
    options = lib.CheckOptions(
        sharing=int(force_share),
        pending=choose(PENDING, pending, "pending"),
        meta_only=int(meta_only),
    )
    result = lib.CheckStruct()
    findings: list[Finding] = []
    caught = lib.Caught()
    callback = _collector(caught, findings, found)
    lib.run_long(
        progress,
        threads,
        caught,
        lambda control: lib.call(
            "check",
            os.fsencode(path),
            ctypes.byref(options),
            control,
            callback,
            None,
            ctypes.byref(result),
        ),
    )
    return Checked(findings, result.errors, result.warnings, result.notes, result.error_blocks)


def repair(
    path: Path,
    undo_log: Path | None = None,
    *,
    dry_run: bool = False,
    safe_only: bool = False,
    salvage: bool = False,
    pending: str = "in-memory",
    found: Callable[[Finding], object] | None = None,
    progress: lib.Progress | None = None,
    threads: int = 0,
) -> Repaired:
    """Repairs what there is evidence for; "insitu-fsck undo" takes it back by the undo log."""
    options = lib.RepairOptions(
        dry_run=int(dry_run),
        safe_only=int(safe_only),
        salvage=int(salvage),
        pending=choose(PENDING, pending, "pending"),
        undo_log=None if undo_log is None else os.fsencode(undo_log),
    )
    result = lib.RepairStruct()
    findings: list[Finding] = []
    caught = lib.Caught()
    callback = _collector(caught, findings, found)
    lib.run_long(
        progress,
        threads,
        caught,
        lambda control: lib.call(
            "repair",
            os.fsencode(path),
            ctypes.byref(options),
            control,
            callback,
            None,
            ctypes.byref(result),
        ),
    )
    return Repaired(
        findings,
        result.errors_before,
        result.errors_after,
        result.lost_blocks,
        result.suspect_blocks,
        result.undecided_blocks,
        bool(result.changed),
        bool(result.rolled_back),
    )


def version() -> str:
    """Of the library that is in use."""
    return lib.text_of(lib.function("version")())
