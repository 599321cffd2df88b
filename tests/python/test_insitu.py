# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of the module insitu, in the current directory."""

import array
import mmap
import os
import pathlib
import random
import signal
import threading
import time
import unittest

import insitu
from support import content


class ImageTest(unittest.TestCase):
    def setUp(self) -> None:
        self.raw = content(1_500_001)
        pathlib.Path("raw").write_bytes(self.raw)
        insitu.pack("raw", "packed.img", force=True)

    def test_reads_any_range(self) -> None:
        with insitu.open("packed.img") as image:
            self.assertGreaterEqual(image.size, len(self.raw))
            self.assertEqual(image.info.algorithm, "lzo")
            for at, length in ((0, 1), (4095, 2), (12345, 70000), (0, len(self.raw)), (7, 0)):
                self.assertEqual(image.read(at, length), self.raw[at : at + length])

    def test_reads_into_buffers(self) -> None:
        with insitu.open(pathlib.Path("packed.img")) as image:
            for buffer in (bytearray(5000), mmap.mmap(-1, 8192), array.array("Q", [0] * 100)):
                length = image.readinto(1001, buffer)
                self.assertEqual(bytes(memoryview(buffer).cast("B")), self.raw[1001 : 1001 + length])
            part = bytearray(100)
            image.readinto(50, memoryview(part)[10:20])
            self.assertEqual(bytes(part), bytes(10) + self.raw[50:60] + bytes(80))
            with self.assertRaises(TypeError):
                image.readinto(0, bytes(5))

    def test_writes_buffers(self) -> None:
        insitu.format("written.img", 4 << 20, algorithm="deflate", force=True)
        with insitu.open("written.img", write=True) as image:
            image.write(100, b"bytes", fua=True)
            image.write(5000, bytearray(b"bytearray"))
            image.write(9000, memoryview(b"..view..")[2:6])
            image.write(20001, array.array("H", [0x4142] * 3000))
            image.zero(20001, 2)
            image.unmap(24576, 4096)
            image.flush()
        with insitu.open("written.img") as image:
            self.assertEqual(image.read(100, 5), b"bytes")
            self.assertEqual(image.read(5000, 9), b"bytearray")
            self.assertEqual(image.read(9000, 4), b"view")
            self.assertEqual(image.read(20001, 4), b"\0\0BA")
            self.assertEqual(sum(extent.length for extent in image.extents()), 5 * 4096)
        self.assertTrue(insitu.check("written.img").clean)

    def test_maps(self) -> None:
        with insitu.open("packed.img") as image:
            runs = image.map()
            self.assertEqual(sum(run.length for run in runs), image.size)
            mapped = sum(run.length for run in runs if run.mapped)
            totals = image.stat()
            extents = image.extents()
            self.assertEqual(mapped, totals.mapped_blocks * 4096)
            self.assertEqual(mapped, sum(extent.length for extent in extents))
            self.assertEqual(totals.payload_bytes, sum(extent.payload_bytes for extent in extents))
            for run in runs:
                if not run.mapped:
                    self.assertFalse(any(image.read(run.at_byte, run.length)))

    def test_unpacks(self) -> None:
        done = []
        with insitu.open("packed.img") as image:
            image.unpack("all", force=True, progress=lambda now, total: done.append((now, total)))
            image.unpack("part", at_byte=4097, length=8190, force=True)
            size = image.size
        self.assertEqual(pathlib.Path("all").read_bytes(), self.raw.ljust(size, b"\0"))
        self.assertEqual(pathlib.Path("part").read_bytes(), self.raw[4097 : 4097 + 8190])
        self.assertEqual(done[-1], (size, size))

    def test_threads_share_an_image(self) -> None:
        wrong = []
        with insitu.open("packed.img") as image:

            def work(seed: int) -> None:
                chooser = random.Random(seed)
                for _ in range(100):
                    at = chooser.randrange(len(self.raw) - 5000)
                    if image.read(at, 5000) != self.raw[at : at + 5000]:
                        wrong.append(at)

            threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(wrong, [])

    def test_closing(self) -> None:
        image = insitu.open("packed.img")
        image.close()
        image.close()
        with self.assertRaises(insitu.Error) as caught:
            image.read(0, 1)
        self.assertEqual(caught.exception.code, insitu.Code.REFUSED)

    def test_errors(self) -> None:
        with self.assertRaises(insitu.Error) as caught:
            insitu.open("missing.img")
        error = caught.exception
        self.assertEqual(error.code, insitu.Code.IO)
        self.assertEqual(error.os_error, 2)
        self.assertEqual(error.place, insitu.Place("missing.img"))
        with self.assertRaises(insitu.Error) as caught:
            insitu.open("raw")
        self.assertEqual(caught.exception.code, insitu.Code.DAMAGED)
        self.assertIn("insitu-pack", caught.exception.hint)
        with insitu.open("packed.img") as image:
            for at, length in ((image.size, 1), (0, 1 << 62)):
                with self.assertRaises(insitu.Error):
                    image.read(at, length)
            with self.assertRaises(ValueError):
                image.read(-1, 1)
            with self.assertRaises(insitu.Error) as caught:
                image.write(0, b"x")
            self.assertEqual(caught.exception.code, insitu.Code.REFUSED)
        with self.assertRaises(ValueError):
            insitu.open("packed.img", pending="perhaps")
        with self.assertRaises(insitu.Error):
            insitu.pack("raw", "x.img", level=-1)

    def test_names_that_are_no_utf8(self) -> None:
        name = b"caf\xe9.img"
        insitu.pack("raw", name, force=True)
        with insitu.open(os.fsdecode(name)) as image:
            self.assertEqual(image.read(0, 10), self.raw[:10])
        with self.assertRaises(insitu.Error) as caught:
            insitu.open(b"no-caf\xe9.img")
        self.assertEqual(os.fsencode(caught.exception.place.file), b"no-caf\xe9.img")


class WholeImageTest(unittest.TestCase):
    def setUp(self) -> None:
        pathlib.Path("raw").write_bytes(content(3_000_000, 2))
        insitu.pack("raw", "good.img", force=True, verify=True, algorithm="deflate", level=1)

    def test_check_and_repair(self) -> None:
        self.assertTrue(insitu.check("good.img").clean)
        damaged = bytearray(pathlib.Path("good.img").read_bytes())
        damaged[4096:4099] = b"\xff\xff\xff"
        pathlib.Path("bad.img").write_bytes(damaged)
        checked = insitu.check("bad.img")
        self.assertEqual(checked.errors, len([f for f in checked.findings if f.severity == "error"]))
        self.assertEqual(checked.findings[0].id[0], "M")
        self.assertTrue(insitu.repair("bad.img", dry_run=True).errors_before)
        repaired = insitu.repair("bad.img", "bad.undo")
        self.assertTrue(repaired.changed)
        self.assertEqual(repaired.errors_after, 0)
        self.assertTrue(insitu.check("bad.img").clean)
        self.assertTrue(os.path.exists("bad.undo"))

    def test_what_a_callback_raises_comes_back(self) -> None:
        class Stop(Exception):
            pass

        def stop(*_arguments: object) -> None:
            raise Stop

        with self.assertRaises(Stop):
            insitu.pack("raw", "stopped.img", progress=stop)
        self.assertFalse(os.path.exists("stopped.img"))
        pathlib.Path("bad2.img").write_bytes(
            pathlib.Path("good.img").read_bytes()[:4096] + b"\xff" * 3
            + pathlib.Path("good.img").read_bytes()[4099:]
        )
        with self.assertRaises(Stop):
            insitu.check("bad2.img", found=stop)

    def test_ctrl_c_stops(self) -> None:
        arrived = threading.Event()
        calls: list[int] = []

        def handler(_signal: int, _frame: object) -> None:
            arrived.set()
            raise KeyboardInterrupt

        def interrupt(done: int, _total: int) -> None:
            calls.append(done)
            if len(calls) == 1:
                signal.raise_signal(signal.SIGINT)
                self.assertTrue(arrived.wait(30))
                time.sleep(0.2)  # the other thread is about to ask for the stop

        before = signal.signal(signal.SIGINT, handler)
        try:
            with self.assertRaises(KeyboardInterrupt):
                insitu.pack("raw", "interrupted.img", progress=interrupt, threads=1)
        finally:
            signal.signal(signal.SIGINT, before)
        self.assertFalse(os.path.exists("interrupted.img"))

    def test_a_target_that_is_the_source(self) -> None:
        with self.assertRaises(insitu.Error) as caught:
            insitu.pack("raw", "raw", force=True)
        self.assertEqual(caught.exception.code, insitu.Code.REFUSED)


if __name__ == "__main__":
    unittest.main()
