#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""range_server.py PORT-FILE: serves this directory over HTTP on loopback, with ranges.

Python's own server knows no ranges. Writes the port that it got to PORT-FILE.
"""
import http.server
import os
import re
import sys


class Ranges(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, with_body: bool) -> None:
        try:
            file = open(self.translate_path(self.path), "rb")
        except OSError:
            self.send_error(404)
            return
        with file:
            size = os.fstat(file.fileno()).st_size
            wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            first = int(wanted[1]) if wanted else 0
            last = min(int(wanted[2] or size - 1), size - 1) if wanted else size - 1
            self.send_response(206 if wanted else 200)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(last - first + 1))
            if wanted:
                self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
            self.end_headers()
            if with_body:
                self.wfile.write(os.pread(file.fileno(), last - first + 1, first))

    def do_GET(self) -> None:
        self.answer(True)

    def do_HEAD(self) -> None:
        self.answer(False)

    def log_message(self, *_) -> None:
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ranges)
with open(sys.argv[1], "w", encoding="ascii") as port:
    port.write(f"{server.server_address[1]}\n")
server.serve_forever()
