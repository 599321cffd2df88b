# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes wrong, as Python has it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Code(enum.IntEnum):
    """Why an operation failed."""

    IO = 1  # the system refused a read, a write, an open: Error.os_error
    REFUSED = 2  # the request makes no sense, or would lose something
    DAMAGED = 3  # the image contradicts its own format
    CANCELLED = 4  # a stop was asked for
    INTERNAL = 5  # out of memory, or a fault of the library


@dataclass(frozen=True)
class Place:
    """Where; what is not known is None (file: "")."""

    file: str = ""
    window: int | None = None
    block: int | None = None
    byte: int | None = None  # of the file or device


class Error(Exception):
    """A failure of the library. str() is one line, with the place."""

    def __init__(
        self, code: Code, text: str, hint: str = "", place: Place = Place(), os_error: int = 0
    ) -> None:
        super().__init__(text)
        self.code = code
        self.hint = hint
        self.place = place
        self.os_error = os_error
