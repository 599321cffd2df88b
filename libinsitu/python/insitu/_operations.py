# SPDX-License-Identifier: GPL-2.0-or-later
"""What is done with whole images."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import _library as lib
from . import _structs as structs
from ._image import Image
from ._values import (
    ALGORITHMS,
    PENDING,
    UNPROTECTED,
    Path,
    Resized,
    choose,
    optional_text,
    require_range,
)


@dataclass(frozen=True)
class Packed:
    """What packing did."""

    source_bytes: int
    target_bytes: int
    mapped_blocks: int
    payload_bytes: int
    written_bytes: int  # of an update, 0: the target was the same
    kept_bytes: int  # of an update: payloads whose content was the same


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
    unprotected: str = "allow",
) -> Image:
    """Opens the image in a file, on a block device, or at an NBD URI.

    pending: what to do with the commit that an interrupted live device left: "in-memory" (apply it
    in memory; to write: in place), "apply", "refuse", "ignore". unprotected: writes to a full image,
    which has no room for the journal: "allow" or "refuse".
    """
    options = structs.OpenOptions(
        access=int(write),
        sharing=int(force_share),
        size_check=int(ignore_size),
        pending=choose(PENDING, pending, "pending"),
        level=level,
        writethrough=int(writethrough),
        cache_bytes=cache_bytes,
        decode_cache_bytes=decode_cache_bytes,
        unprotected=choose(UNPROTECTED, unprotected, "unprotected"),
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
    update: bool = False,
    uuid: str | None = None,
    label: str | None = None,
    progress: lib.Progress | None = None,
    threads: int = 0,
) -> Packed:
    """Packs what is raw into an image; both are a file, a block device or an NBD URI.

    update: the target is an image that is brought to the source, in place.
    """
    options = structs.PackOptions(
        algorithm=choose(ALGORITHMS, algorithm, "algorithm"),
        level=level,
        extent_blocks=extent_blocks,
        force=int(force),
        verify=int(verify),
        update=int(update),
        target_bytes=target_bytes,
        uuid=optional_text(uuid),
        label=optional_text(label),
    )
    result = structs.PackStruct()
    lib.run_target("pack", os.fsencode(source), target, options, progress, threads, result)
    return Packed(
        result.source_bytes,
        result.target_bytes,
        result.mapped_blocks,
        result.payload_bytes,
        result.written_bytes,
        result.kept_bytes,
    )


def format(  # noqa: A001 # pylint: disable=redefined-builtin
    target: Path,
    file_bytes: int = 0,
    *,
    algorithm: str = "lzo",
    force: bool = False,
    uuid: str | None = None,
    label: str | None = None,
    progress: lib.Progress | None = None,
    threads: int = 0,
) -> None:
    """Makes an image in which nothing is mapped; `file_bytes` is the size of a file."""
    options = structs.FormatOptions(
        file_bytes=file_bytes,
        algorithm=choose(ALGORITHMS, algorithm, "algorithm"),
        force=int(force),
        uuid=optional_text(uuid),
        label=optional_text(label),
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

    return structs.FindingCallback(caught.guard(add))


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
    options = structs.CheckOptions(
        sharing=int(force_share),
        pending=choose(PENDING, pending, "pending"),
        meta_only=int(meta_only),
    )
    result = structs.CheckStruct()
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
    options = structs.RepairOptions(
        dry_run=int(dry_run),
        safe_only=int(safe_only),
        salvage=int(salvage),
        pending=choose(PENDING, pending, "pending"),
        undo_log=None if undo_log is None else os.fsencode(undo_log),
    )
    result = structs.RepairStruct()
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


def resize(
    path: Path,
    logical_bytes: int = 0,
    *,
    to_minimum: bool = False,
    progress: lib.Progress | None = None,
    threads: int = 0,
) -> Resized:
    """Makes an image larger or smaller, in place; what is mapped is never cut.

    logical_bytes 0: the whole of a device; of a file, what an interrupted resize was for.
    """
    require_range(logical_bytes, 0)
    options = structs.ResizeOptions(logical_bytes=logical_bytes, to_minimum=int(to_minimum))
    result = structs.ResizeStruct()
    lib.run_long(
        progress,
        threads,
        lib.Caught(),
        lambda control: lib.call(
            "resize", os.fsencode(path), ctypes.byref(options), control, ctypes.byref(result)
        ),
    )
    return Resized(
        result.logical_bytes, result.device_bytes, result.moved_blocks, bool(result.resumed)
    )


def set_name(path: Path, *, uuid: str | None = None, label: str | None = None) -> None:
    """Gives an image another UUID ("random": a new one), another label, or both."""
    lib.call("set_name", os.fsencode(path), optional_text(uuid), optional_text(label))


def punch_holes(
    path: Path, *, progress: lib.Progress | None = None, threads: int = 0
) -> int:
    """Gives the space that no payload uses back to the host; returns the bytes."""
    punched = ctypes.c_uint64()
    lib.run_long(
        progress,
        threads,
        lib.Caught(),
        lambda control: lib.call(
            "punch_holes", os.fsencode(path), control, ctypes.byref(punched)
        ),
    )
    return punched.value


def version() -> str:
    """Of the library that is in use."""
    return lib.text_of(lib.function("version")())
