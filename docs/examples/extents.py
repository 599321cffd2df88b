# SPDX-License-Identifier: GPL-2.0-or-later
"""extents.py IMAGE: prints what is stored: position, length, bytes on the medium."""

import sys

import insitu

try:
    with insitu.open(sys.argv[1]) as image:
        for extent in image.extents():
            print(extent.at_byte, extent.length, extent.payload_bytes)
except insitu.Error as error:
    sys.exit(str(error))
