# SPDX-License-Identifier: GPL-2.0-or-later
"""The structs, callbacks and prototypes of insitu.h in ctypes."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_char_p, c_int, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any

ProgressCallback = ctypes.CFUNCTYPE(c_int, c_void_p, c_uint64, c_uint64)


class Sized(ctypes.Structure):
    """A struct that begins with its size."""

    def __init__(self, **values: Any) -> None:
        super().__init__(size=ctypes.sizeof(self), **values)


def _fields(kind: Any, *names: str) -> list[tuple[str, Any]]:
    return [(name, kind) for name in names]


_SIZE = [("size", c_size_t)]


class Control(Sized):
    _fields_ = [
        *_SIZE,
        ("stop", c_void_p),
        ("progress", ProgressCallback),
        ("user", c_void_p),
        *_fields(c_uint32, "threads", "reserved"),
    ]


class OpenOptions(Sized):
    _fields_ = [
        *_SIZE,
        *_fields(c_uint32, "access", "sharing", "size_check", "pending", "level", "writethrough"),
        *_fields(c_uint64, "cache_bytes", "decode_cache_bytes"),
        *_fields(c_uint32, "unprotected", "reserved"),
    ]


class InfoStruct(Sized):
    _fields_ = [
        *_SIZE,
        *_fields(
            c_uint64,
            "logical_bytes",
            "device_bytes",
            "meta_blocks",
            "data_blocks",
            "recovered_windows",
        ),
        *_fields(c_uint32, "algorithm", "reserved"),
        ("uuid", ctypes.c_char * 40),
        ("label", ctypes.c_char * 72),
    ]


class RunStruct(Sized):
    _fields_ = [
        *_SIZE,
        *_fields(c_uint64, "at_byte", "length"),
        *_fields(c_uint32, "mapped", "reserved"),
    ]


class ExtentStruct(Sized):
    _fields_ = [
        *_SIZE,
        *_fields(c_uint64, "at_byte", "length", "payload_bytes"),
        *_fields(c_uint32, "raw", "faulty"),
    ]


class TotalsStruct(Sized):
    _fields_ = [
        *_SIZE,
        *_fields(
            c_uint64,
            "mapped_blocks",
            "payload_bytes",
            "compressed_extents",
            "raw_extents",
            "faulty_extents",
            "faulty_blocks",
        ),
    ]


class PackOptions(Sized):
    _fields_ = [
        *_SIZE,
        *_fields(c_uint32, "algorithm", "level", "extent_blocks", "force", "verify", "update"),
        ("target_bytes", c_uint64),
        *_fields(c_char_p, "uuid", "label"),
    ]


class PackStruct(Sized):
    _fields_ = [
        *_SIZE,
        *_fields(
            c_uint64,
            "source_bytes",
            "target_bytes",
            "mapped_blocks",
            "payload_bytes",
            "written_bytes",
            "kept_bytes",
        ),
    ]


class UnpackOptions(Sized):
    _fields_ = [
        *_SIZE,
        *_fields(c_uint64, "at_byte", "length"),
        *_fields(c_uint32, "damage", "force"),
    ]


class UnpackStruct(Sized):
    _fields_ = [*_SIZE, *_fields(c_uint64, "logical_bytes", "damaged_extents", "damaged_blocks")]


class FormatOptions(Sized):
    _fields_ = [
        *_SIZE,
        ("file_bytes", c_uint64),
        *_fields(c_uint32, "algorithm", "force"),
        *_fields(c_char_p, "uuid", "label"),
    ]


class CopyOptions(Sized):
    _fields_ = [
        *_SIZE,
        ("logical_bytes", c_uint64),
        *_fields(
            c_uint32, "force", "recode", "level", "extent_blocks", "worth_percent", "resume"
        ),
        *_fields(c_char_p, "uuid", "label"),
    ]


class CopyStruct(Sized):
    _fields_ = [*_SIZE, *_fields(c_uint64, "logical_bytes", "written_bytes", "recoded_windows")]


class UpdateOptions(Sized):
    _fields_ = [
        *_SIZE,
        *_fields(c_uint32, "trust_seals", "reserved"),
        *_fields(c_char_p, "uuid", "label"),
    ]


class UpdateStruct(Sized):
    _fields_ = [
        *_SIZE,
        *_fields(c_uint64, "written_bytes", "compared_bytes", "trusted_bytes"),
        *_fields(c_uint32, "resumed", "reserved"),
    ]


class ResizeOptions(Sized):
    _fields_ = [
        *_SIZE,
        ("logical_bytes", c_uint64),
        *_fields(c_uint32, "to_minimum", "reserved"),
    ]


class ResizeStruct(Sized):
    _fields_ = [
        *_SIZE,
        *_fields(c_uint64, "logical_bytes", "device_bytes", "moved_blocks"),
        *_fields(c_uint32, "resumed", "reserved"),
    ]


class RangeStruct(ctypes.Structure):
    """One of an array, so it has no size."""

    _fields_ = _fields(c_uint64, "at_byte", "length")


class HashStruct(ctypes.Structure):
    """One of an array, so it has no size."""

    _fields_ = [*_fields(c_uint64, "at_byte", "length"), ("xxh3_128", ctypes.c_uint8 * 16)]


class VerifyOptions(Sized):
    _fields_ = [
        *_SIZE,
        ("logical_bytes", c_uint64),
        *_fields(c_uint32, "others_unknown", "reserved"),
    ]


class VerifyStruct(Sized):
    _fields_ = [*_SIZE, ("differences", c_uint64)]


class TrimOptions(Sized):
    _fields_ = [*_SIZE, *_fields(c_uint32, "dry_run", "reserved")]


class TrimStruct(Sized):
    _fields_ = [*_SIZE, *_fields(c_uint64, "unused_bytes", "freed_bytes", "kept_bytes")]


class FindingStruct(Sized):
    _fields_ = [
        *_SIZE,
        *_fields(c_char_p, "id", "text", "detail", "effect"),
        *_fields(c_uint64, "at_byte", "block", "blocks"),
        *_fields(c_uint32, "severity", "reserved"),
    ]


class CheckOptions(Sized):
    _fields_ = [*_SIZE, *_fields(c_uint32, "sharing", "pending", "meta_only", "reserved")]


class CheckStruct(Sized):
    _fields_ = [*_SIZE, *_fields(c_uint64, "errors", "warnings", "notes", "error_blocks")]


class RepairOptions(Sized):
    _fields_ = [
        *_SIZE,
        *_fields(c_uint32, "dry_run", "safe_only", "salvage", "pending"),
        ("undo_log", c_char_p),
    ]


class RepairStruct(Sized):
    _fields_ = [
        *_SIZE,
        *_fields(
            c_uint64,
            "errors_before",
            "errors_after",
            "lost_blocks",
            "suspect_blocks",
            "undecided_blocks",
        ),
        *_fields(c_uint32, "changed", "rolled_back"),
    ]


RunCallback = ctypes.CFUNCTYPE(c_int, c_void_p, POINTER(RunStruct))
ExtentCallback = ctypes.CFUNCTYPE(c_int, c_void_p, POINTER(ExtentStruct))
FindingCallback = ctypes.CFUNCTYPE(c_int, c_void_p, POINTER(FindingStruct))
HashCallback = ctypes.CFUNCTYPE(c_int, c_void_p, POINTER(HashStruct))
RangeCallback = ctypes.CFUNCTYPE(c_int, c_void_p, POINTER(RangeStruct))

_CONTROL = POINTER(Control)
_ERROR = POINTER(c_void_p)
# Functions of insitu.h by their name without "insitu_": what they return and take. Those that can
# fail end with insitu_error **.
PROTOTYPES: dict[str, tuple[Any, list[Any]]] = {
    "version": (c_char_p, []),
    "error_code": (c_int, [c_void_p]),
    "error_text": (c_char_p, [c_void_p]),
    "error_hint": (c_char_p, [c_void_p]),
    "error_os": (c_int, [c_void_p]),
    "error_file": (c_char_p, [c_void_p]),
    "error_window": (c_int, [c_void_p, POINTER(c_uint64)]),
    "error_block": (c_int, [c_void_p, POINTER(c_uint64)]),
    "error_byte": (c_int, [c_void_p, POINTER(c_uint64)]),
    "error_free": (None, [c_void_p]),
    "stop_new": (c_void_p, []),
    "stop_request": (None, [c_void_p]),
    "stop_free": (None, [c_void_p]),
    "open": (c_void_p, [c_char_p, POINTER(OpenOptions), _ERROR]),
    "close": (c_int, [c_void_p, _ERROR]),
    "get_info": (c_int, [c_void_p, POINTER(InfoStruct), _ERROR]),
    "read": (c_int, [c_void_p, c_uint64, c_void_p, c_size_t, _ERROR]),
    "write": (c_int, [c_void_p, c_uint64, c_void_p, c_size_t, c_uint32, _ERROR]),
    "zero": (c_int, [c_void_p, c_uint64, c_uint64, c_uint32, _ERROR]),
    "unmap": (c_int, [c_void_p, c_uint64, c_uint64, c_uint32, _ERROR]),
    "flush": (c_int, [c_void_p, _ERROR]),
    "start_commits": (c_int, [c_void_p, _ERROR]),
    "map": (c_int, [c_void_p, c_uint64, c_uint64, RunCallback, c_void_p, _ERROR]),
    "extents": (c_int, [c_void_p, ExtentCallback, c_void_p, _ERROR]),
    "stat": (c_int, [c_void_p, _CONTROL, POINTER(TotalsStruct), _ERROR]),
    "pack": (
        c_int,
        [
            c_char_p,
            c_char_p,
            POINTER(PackOptions),
            _CONTROL,
            POINTER(PackStruct),
            _ERROR,
        ],
    ),
    "unpack": (
        c_int,
        [
            c_void_p,
            c_char_p,
            POINTER(UnpackOptions),
            _CONTROL,
            POINTER(UnpackStruct),
            _ERROR,
        ],
    ),
    "format": (c_int, [c_char_p, POINTER(FormatOptions), _CONTROL, _ERROR]),
    "check": (
        c_int,
        [
            c_char_p,
            POINTER(CheckOptions),
            _CONTROL,
            FindingCallback,
            c_void_p,
            POINTER(CheckStruct),
            _ERROR,
        ],
    ),
    "repair": (
        c_int,
        [
            c_char_p,
            POINTER(RepairOptions),
            _CONTROL,
            FindingCallback,
            c_void_p,
            POINTER(RepairStruct),
            _ERROR,
        ],
    ),
    "hash_contents": (c_int, [c_void_p, _CONTROL, HashCallback, c_void_p, _ERROR]),
    "verify_contents": (
        c_int,
        [
            c_void_p,
            POINTER(HashStruct),
            c_size_t,
            POINTER(VerifyOptions),
            _CONTROL,
            RangeCallback,
            c_void_p,
            POINTER(VerifyStruct),
            _ERROR,
        ],
    ),
    "trim": (
        c_int,
        [
            c_void_p,
            POINTER(RangeStruct),
            c_size_t,
            POINTER(TrimOptions),
            _CONTROL,
            POINTER(TrimStruct),
            _ERROR,
        ],
    ),
    "copy": (
        c_int,
        [c_void_p, c_char_p, POINTER(CopyOptions), _CONTROL, POINTER(CopyStruct), _ERROR],
    ),
    "update": (
        c_int,
        [c_void_p, c_char_p, POINTER(UpdateOptions), _CONTROL, POINTER(UpdateStruct), _ERROR],
    ),
    "resize": (
        c_int,
        [c_char_p, POINTER(ResizeOptions), _CONTROL, POINTER(ResizeStruct), _ERROR],
    ),
    "set_name": (c_int, [c_char_p, c_char_p, c_char_p, _ERROR]),
    "punch_holes": (c_int, [c_char_p, _CONTROL, POINTER(c_uint64), _ERROR]),
}
