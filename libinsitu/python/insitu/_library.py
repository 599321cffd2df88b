# SPDX-License-Identifier: GPL-2.0-or-later
"""insitu.h in ctypes: structs, prototypes, and the way from its errors to exceptions."""

from __future__ import annotations

import ctypes
import os
import threading
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any, Callable

from ._error import Code, Error, Place

# The soname; INSITU_LIBRARY names another file.
_lib = ctypes.CDLL(os.environ.get("INSITU_LIBRARY", "libinsitu.so.0"))

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
        *_fields(c_uint32, "algorithm", "level", "extent_blocks", "force", "verify", "reserved"),
        ("target_bytes", c_uint64),
    ]


class PackStruct(Sized):
    _fields_ = [
        *_SIZE,
        *_fields(c_uint64, "source_bytes", "target_bytes", "mapped_blocks", "payload_bytes"),
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
    _fields_ = [*_SIZE, ("file_bytes", c_uint64), *_fields(c_uint32, "algorithm", "force")]


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

_ERROR = POINTER(c_void_p)
_PROTOTYPES: dict[str, tuple[Any, list[Any]]] = {
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
    "stat": (c_int, [c_void_p, POINTER(Control), POINTER(TotalsStruct), _ERROR]),
    "pack": (
        c_int,
        [
            c_char_p,
            c_char_p,
            POINTER(PackOptions),
            POINTER(Control),
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
            POINTER(Control),
            POINTER(UnpackStruct),
            _ERROR,
        ],
    ),
    "format": (c_int, [c_char_p, POINTER(FormatOptions), POINTER(Control), _ERROR]),
    "check": (
        c_int,
        [
            c_char_p,
            POINTER(CheckOptions),
            POINTER(Control),
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
            POINTER(Control),
            FindingCallback,
            c_void_p,
            POINTER(RepairStruct),
            _ERROR,
        ],
    ),
}


def function(name: str) -> Any:
    """A function of insitu.h, by its name without "insitu_"."""
    return _functions[name]


def _bind(name: str) -> Any:
    bound = getattr(_lib, "insitu_" + name)
    bound.restype, bound.argtypes = _PROTOTYPES[name]
    return bound


_functions = {name: _bind(name) for name in _PROTOTYPES}


def text_of(value: bytes | None) -> str:
    """A text of the library, which may quote a file's name."""
    return os.fsdecode(value or b"")


def _number(name: str, error: c_void_p) -> int | None:
    value = c_uint64()
    return value.value if function(name)(error, byref(value)) else None


def _take_error(error: c_void_p) -> Error:
    try:
        return Error(
            Code(function("error_code")(error)),
            text_of(function("error_text")(error)),
            text_of(function("error_hint")(error)),
            Place(
                text_of(function("error_file")(error)),
                _number("error_window", error),
                _number("error_block", error),
                _number("error_byte", error),
            ),
            function("error_os")(error),
        )
    finally:
        function("error_free")(error)


def call(name: str, *arguments: Any) -> Any:
    """Calls a function that ends with `insitu_error **`; its error is raised."""
    error = c_void_p()
    result = function(name)(*arguments, byref(error))
    if error:
        raise _take_error(error)
    if result is None or (function(name).restype is c_int and result != 0):
        raise Error(Code.INTERNAL, f"insitu_{name} failed without a reason")
    return result


class Caught:
    """Keeps what a callback raises until the library has returned."""

    def __init__(self) -> None:
        self.error: BaseException | None = None

    def guard(self, work: Callable[..., object]) -> Callable[..., int]:
        """`work` as a callback: an exception stops the library's work."""

        def run(*arguments: Any) -> int:
            if self.error is not None:
                return 1
            try:
                work(*arguments)
            except BaseException as error:  # raised again by reraise()
                self.error = error
                return 1
            return 0

        return run

    def reraise(self) -> None:
        if self.error is not None:
            raise self.error


Progress = Callable[[int, int], object]


class _Stop:
    """An insitu_stop, for as long as anybody has it: an interrupt may come at any line."""

    def __init__(self) -> None:
        self.handle = function("stop_new")()
        if not self.handle:
            raise MemoryError

    def request(self) -> None:
        function("stop_request")(self.handle)

    def __del__(self) -> None:
        function("stop_free")(self.handle)


def _wait_for(done: threading.Event) -> None:
    while not done.is_set():
        try:
            done.wait(0.1)
        except KeyboardInterrupt:  # it has been asked to stop already
            pass


def run_long(
    progress: Progress | None, threads: int, caught: Caught, work: Callable[[Any], None]
) -> None:
    """Runs `work(control)`; Ctrl-C stops it, since another thread waits for the library."""
    control = Control(threads=threads)
    if progress is not None:
        report = progress
        control.progress = ProgressCallback(
            caught.guard(lambda _user, done, total: report(done, total))
        )
    stop = _Stop()
    control.stop = stop.handle
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work(byref(control))
        except BaseException as error:  # raised again below
            failed.append(error)
        finally:
            kept.clear()
            done.set()

    # What the library uses lives until it has returned.
    kept = [stop]
    # Not join(), which Python 3.11 takes for done if it is interrupted.
    done = threading.Event()
    worker = threading.Thread(target=run, name="insitu")
    try:
        worker.start()
        while not done.wait(0.1):
            pass  # a signal that another thread gets does not end a wait without a limit
    except BaseException:
        stop.request()
        if worker.ident is not None:
            _wait_for(done)
        raise
    caught.reraise()
    if failed:
        raise failed[0]
