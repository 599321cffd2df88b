# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of the module insitu: hashes, copies, changes in place; in the current directory."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time
import unittest
from collections.abc import Iterator

import insitu
from support import content

RAW = content(2_000_001, 5)


class Workplace(unittest.TestCase):
    """A directory with a raw file, and an image of it."""

    def setUp(self) -> None:
        here = tempfile.mkdtemp(dir=".")
        before = os.getcwd()
        os.chdir(here)
        self.addCleanup(os.chdir, before)
        pathlib.Path("raw").write_bytes(RAW)
        insitu.pack("raw", "one.img", label="one", uuid="1" * 32)

    def content_of(self, path: str) -> bytes:
        with insitu.open(path) as image:
            return image.read(0, image.size).rstrip(b"\0")


class ChangesTest(Workplace):
    def test_hashes_are_those_of_a_manifest(self) -> None:
        subprocess.run(["insitu-pack", "-q", "--manifest", "two.json", "raw", "two.img"], check=True)
        manifest = json.loads(pathlib.Path("two.json").read_text())
        with insitu.open("two.img") as image:
            rows = image.hashes()
            self.assertEqual(
                [(r.at_byte // 4096, r.length // 4096, r.xxh3_128) for r in rows],
                [(e["first_block"], e["blocks"], e["xxh3_128"]) for e in manifest["extents"]],
            )
            self.assertEqual(image.verify(rows, logical_bytes=manifest["logical_bytes"]), [])
            seen: list[insitu.Hash] = []
            self.assertEqual(image.hashes(found=seen.append, threads=1), [])
            self.assertEqual(seen, rows)

    def test_verify_finds_what_differs(self) -> None:
        with insitu.open("one.img") as image:
            rows = image.hashes()
        with insitu.open("one.img", write=True) as image:
            image.write(rows[2].at_byte + 5, b"another")
        with insitu.open("one.img") as image:
            self.assertEqual(image.verify(rows), [insitu.Range(rows[2].at_byte, rows[2].length)])
            self.assertEqual(image.verify([], others_unknown=True), [])
            self.assertNotEqual(image.verify([]), [])
            with self.assertRaises(insitu.Error) as caught:
                image.verify(rows, logical_bytes=4096)
            self.assertEqual(caught.exception.code, insitu.Code.REFUSED)
            with self.assertRaises(ValueError):
                image.verify([insitu.Hash(0, 4096, "12")])
            with self.assertRaises(ValueError):
                image.verify([insitu.Hash(-4096, 4096, "0" * 32)])

    def test_threads_work_on_one_image(self) -> None:
        with insitu.open("one.img") as image:
            rows = image.hashes()
            failed: list[str] = []

            def work(number: int) -> None:
                for _ in range(3):
                    if image.hashes() != rows:
                        failed.append("hashes")
                    if image.verify(rows):
                        failed.append("verify")
                    image.copy(f"copy{number}.img")
                    image.unpack(f"copy{number}.raw", force=True)

            threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(failed, [])
        for number in range(3):
            copy = pathlib.Path(f"copy{number}.img").read_bytes()
            self.assertEqual(copy, pathlib.Path("one.img").read_bytes())
            raw = pathlib.Path(f"copy{number}.raw").read_bytes()
            self.assertEqual(raw.rstrip(b"\0"), RAW.rstrip(b"\0"))

    def test_what_a_callback_raises_comes_back(self) -> None:
        class Stop(Exception):
            pass

        def stop(*_arguments: object) -> None:
            raise Stop

        with insitu.open("one.img") as image:
            for work in (
                lambda: image.hashes(found=stop),
                lambda: image.hashes(progress=stop),
                lambda: image.verify([], progress=stop),
                lambda: image.copy("stopped.img", progress=stop),
            ):
                with self.assertRaises(Stop):
                    work()
        self.assertFalse(os.path.exists("stopped.img"))
        with self.assertRaises(Stop):
            insitu.resize("one.img", 64 << 20, progress=stop)
        # Whether or not that had begun, it can be completed.
        self.assertEqual(insitu.resize("one.img", 64 << 20).logical_bytes, 64 << 20)
        self.assertTrue(insitu.check("one.img").clean)

    def test_copies(self) -> None:
        with insitu.open("one.img") as image:
            copied = image.copy("copy.img")
            self.assertEqual(copied.recoded_windows, 0)
            recoded = image.copy(
                pathlib.Path("recoded.img"),
                recode="deflate",
                level=9,
                logical_bytes=16 << 20,
                label="two",
            )
            self.assertEqual(recoded.logical_bytes, 16 << 20)
            self.assertGreater(recoded.recoded_windows, 0)
            with self.assertRaises(insitu.Error) as caught:
                image.copy("small.img", logical_bytes=4096)
            self.assertEqual(caught.exception.code, insitu.Code.REFUSED)
            self.assertIsNotNone(caught.exception.place.block)
            with self.assertRaises(ValueError):
                image.copy("small.img", recode="zstd")
        self.assertEqual(
            pathlib.Path("copy.img").read_bytes(), pathlib.Path("one.img").read_bytes()
        )
        self.assertEqual(self.content_of("recoded.img"), RAW.rstrip(b"\0"))
        with insitu.open("recoded.img") as image:
            self.assertEqual((image.info.algorithm, image.info.label), ("deflate", "two"))

    def test_updates(self) -> None:
        shutil.copy("one.img", "old.img")
        with insitu.open("old.img", write=True) as image:
            image.write(70000, b"older content" * 1000)
        with insitu.open("one.img") as image:
            self.assertGreater(image.update("old.img").written_bytes, 0)
            again = image.update("old.img", trust_seals=True)
            self.assertEqual(again.written_bytes, 0)
            self.assertGreater(again.trusted_bytes, 0)
            self.assertFalse(again.resumed)
        self.assertEqual(self.content_of("old.img"), RAW.rstrip(b"\0"))
        pathlib.Path("newer").write_bytes(b"newer" + RAW[5:])
        packed = insitu.pack("newer", "old.img", update=True)
        self.assertGreater(packed.written_bytes, 0)
        self.assertGreater(packed.kept_bytes, 0)
        self.assertEqual(self.content_of("old.img")[:5], b"newer")
        with insitu.open("old.img") as image:
            self.assertEqual((image.info.label, image.info.uuid[:8]), ("one", "11111111"))

    def test_names(self) -> None:
        insitu.set_name("one.img", uuid="random", label="a näme")
        with insitu.open("one.img") as image:
            self.assertEqual(image.info.label, "a näme")
            self.assertNotEqual(image.info.uuid[:8], "11111111")
        for wrong in ({"uuid": "12"}, {"label": "a\nb"}, {"label": "x" * 65}):
            with self.assertRaises(insitu.Error):
                insitu.set_name("one.img", **wrong)
        with self.assertRaises(ValueError):
            insitu.set_name("one.img", label="a\0b")
        insitu.format("empty.img", 1 << 20, label="named")
        with insitu.open("empty.img") as image:
            self.assertEqual(image.info.label, "named")

    def test_trims(self) -> None:
        with insitu.open("one.img") as image:
            first = next(run for run in image.map() if run.mapped)
            dry = image.trim([(first.at_byte, first.length)], dry_run=True)
            self.assertEqual(dry.freed_bytes, first.length)
            with self.assertRaises(insitu.Error):
                image.trim([(0, 4096)])
        with insitu.open("one.img", write=True, unprotected="refuse") as image:
            trimmed = image.trim([(first.at_byte, first.length)])
            self.assertEqual(trimmed, insitu.Trimmed(first.length, first.length, 0))
            self.assertFalse(any(image.read(first.at_byte, first.length)))
            self.assertEqual(image.trim([]).unused_bytes, 0)
            with self.assertRaises(insitu.Error):
                image.trim([(image.size, 1)])
            with self.assertRaises(ValueError):
                image.trim([(-1, 1)])
        before = os.stat("one.img").st_blocks
        insitu.punch_holes("one.img")
        self.assertLessEqual(os.stat("one.img").st_blocks, before)
        self.assertTrue(insitu.check("one.img").clean)

    def test_resizes(self) -> None:
        size = insitu.resize("one.img", 32 << 20)
        self.assertEqual((size.logical_bytes, size.resumed), (32 << 20, False))
        small = insitu.resize("one.img", to_minimum=True)
        self.assertLess(small.logical_bytes, 3 << 20)
        self.assertEqual(os.path.getsize("one.img"), small.device_bytes)
        self.assertEqual(self.content_of("one.img"), RAW.rstrip(b"\0"))
        with self.assertRaises(insitu.Error) as caught:
            insitu.resize("one.img", 4096)
        self.assertEqual(caught.exception.code, insitu.Code.REFUSED)
        with self.assertRaises(insitu.Error):
            insitu.resize("one.img")
        with self.assertRaises(ValueError):
            insitu.resize("one.img", -1)


@contextlib.contextmanager
def served(path: str) -> Iterator[str]:
    """The NBD URI of a file."""
    socket = os.path.abspath("socket")
    # Its socket is there before it listens; its pid file is not.
    ready = pathlib.Path("socket.pid")
    with subprocess.Popen(["nbdkit", "-f", "-U", socket, "-P", ready, "file", path]) as server:
        try:
            while not ready.exists():
                time.sleep(0.01)
            yield f"nbd+unix:///?socket={socket}"
        finally:
            server.terminate()
            server.wait()
            pathlib.Path(socket).unlink(missing_ok=True)
            ready.unlink(missing_ok=True)


@unittest.skipUnless(shutil.which("nbdkit"), "nbdkit is not installed")
class UriTest(Workplace):
    """The same as the tools: sources, targets and images at NBD URIs."""

    def test_packs_reads_and_unpacks(self) -> None:
        pathlib.Path("exported").write_bytes(bytes(4 << 20))
        with served("exported") as uri:
            insitu.pack("raw", uri, verify=True)
            with insitu.open(uri) as image:
                self.assertEqual(image.read(70001, 5000), RAW[70001:75001])
                self.assertEqual(image.verify(image.hashes()), [])
                image.unpack("back", force=True)
            with self.assertRaises(insitu.Error) as caught:
                insitu.pack("raw", uri)
            self.assertEqual(caught.exception.code, insitu.Code.REFUSED)
            with insitu.open(uri, write=True) as image:
                image.write(70001, b"written", fua=True)
            self.assertTrue(insitu.check(uri).clean)
        self.assertEqual(pathlib.Path("back").read_bytes().rstrip(b"\0"), RAW.rstrip(b"\0"))
        self.assertEqual(self.content_of("exported")[70001:70008], b"written")

    def test_copies_from_and_to(self) -> None:
        pathlib.Path("exported").write_bytes(bytes(8 << 20))
        with served("exported") as uri:
            with insitu.open("one.img") as image:
                first = image.copy(uri)
                image.update(uri)
                again = image.copy(uri, force=True, resume=True)
                self.assertLess(again.written_bytes, first.written_bytes // 10)
                with self.assertRaises(insitu.Error) as caught:
                    image.copy("file.img", resume=True)
                self.assertEqual(caught.exception.code, insitu.Code.REFUSED)
        self.assertEqual(self.content_of("exported"), RAW.rstrip(b"\0"))

    def test_a_server_that_is_not_there(self) -> None:
        with self.assertRaises(insitu.Error) as caught:
            insitu.open("nbd+unix:///?socket=/no/such/socket")
        self.assertEqual(caught.exception.code, insitu.Code.IO)


if __name__ == "__main__":
    unittest.main()
