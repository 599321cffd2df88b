# SPDX-License-Identifier: GPL-2.0-or-later
"""read_range.py IMAGE AT LENGTH: prints a part of the content of an image."""

import sys

import insitu

try:
    with insitu.open(sys.argv[1]) as image:
        sys.stdout.buffer.write(image.read(int(sys.argv[2]), int(sys.argv[3])))
except insitu.Error as error:
    sys.exit(str(error))
