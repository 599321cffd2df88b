# SPDX-License-Identifier: GPL-2.0-or-later
"""serve.py IMAGE TEXT: writes a text to the start of an image as a live device does, and reads it
back. What flush() has returned for outlives a power cut."""

import sys

import insitu

try:
    with insitu.open(sys.argv[1], write=True) as image:
        image.start_commits()  # also without flush(), every five seconds
        text = sys.argv[2].encode()
        image.write(0, text)
        image.flush()
        sys.stdout.buffer.write(image.read(0, len(text)))
except insitu.Error as error:
    sys.exit(str(error))
