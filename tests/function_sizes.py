#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""function_sizes.py FILE...: prints each function of more than 60 lines, and ends with 1 if there is one.

The sources are as clang-format leaves them: between the first line of a function and its `}` all lines
are indented deeper, or empty, or of the preprocessor.
"""
import pathlib
import re
import sys

MOST_LINES = 60
END = re.compile(r"^( {0,8})\}$")
OTHER_BLOCK = re.compile(r" *(namespace|class|struct|enum|union|if|for|while|switch|do|else|try|\}|\{|extern \"C\" \{)")


def first_line_of(lines: list[str], end: int, indent: str) -> int:
    for at in range(end - 1, -1, -1):
        line = lines[at]
        if line and not line.startswith(("#", indent + " ")):
            return at
    return end


def long_functions(path: pathlib.Path) -> int:
    found = 0
    lines = path.read_text().splitlines()
    for end, line in enumerate(lines):
        match = END.match(line)
        if not match:
            continue
        first = first_line_of(lines, end, match[1])
        length = end - first + 1
        if length > MOST_LINES and "(" in lines[first] and not OTHER_BLOCK.match(lines[first]):
            print(f"{path}:{first + 1}: a function of {length} lines, at most {MOST_LINES} are allowed")
            found += 1
    return found


if __name__ == "__main__":
    sys.exit(1 if sum(long_functions(pathlib.Path(name)) for name in sys.argv[1:]) else 0)
