# SPDX-License-Identifier: GPL-2.0-or-later
"""The shared library, and the way from its errors to exceptions."""

from __future__ import annotations

import ctypes
import os
import threading
from ctypes import byref, c_int, c_uint64, c_void_p
from typing import Any, Callable

from ._error import Code, Error, Place
from ._structs import PROTOTYPES, Control, ProgressCallback

# The soname; INSITU_LIBRARY names another file.
_lib = ctypes.CDLL(os.environ.get("INSITU_LIBRARY", "libinsitu.so.0"))


def function(name: str) -> Any:
    """A function of insitu.h, by its name without "insitu_"."""
    return _functions[name]


def _bind(name: str) -> Any:
    bound = getattr(_lib, "insitu_" + name)
    bound.restype, bound.argtypes = PROTOTYPES[name]
    return bound


_functions = {name: _bind(name) for name in PROTOTYPES}


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


def run_target(
    name: str,
    source: Any,
    target: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    options: Any,
    progress: Progress | None,
    threads: int,
    result: Any,
) -> None:
    """Runs what makes a target of a source, both as the function of that name takes them."""
    run_long(
        progress,
        threads,
        Caught(),
        lambda control: call(
            name, source, os.fsencode(target), byref(options), control, byref(result)
        ),
    )
