# SPDX-License-Identifier: Apache-2.0
"""Tests of the readers of tables, in the process of pytest: run them with each pair of Python and pandas that matters.
$PRS: the program under test; table_core lies beside it in the build folder."""
import os
import struct
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path[:0] = [os.path.join(ROOT, "python"), os.path.join(ROOT, "tests", "lib")]


class Core:
    """The engine's view of a text (table_core.c)."""

    def __init__(self):
        build = os.path.join(os.path.dirname(os.path.abspath(os.environ["PRS"])), "..", "..")
        self.process = subprocess.Popen([os.path.join(build, "tests", "tables", "table_core")], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def ask(self, kind, text, delimiter=b","):
        self.process.stdin.write(delimiter + kind + struct.pack("<I", len(text)) + text)
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip(b"\n").decode()

    def rows(self, text, delimiter=b","):
        return int(self.ask(b"r", text, delimiter))

    def table(self, text, delimiter=b","):
        """(rows behind the header, JSON of the schema that all of them give)"""
        rows, schema = self.ask(b"t", text, delimiter).split(" ", 1)
        return int(rows), schema

    def slices(self, text, rows, delimiter=b","):
        """(bytes, rows) of each slice of so many rows"""
        words = list(map(int, self.ask(b"s", struct.pack("<I", rows) + text, delimiter).split()))
        return [(text[at:at + n], k) for at, n, k in zip(words[::3], words[1::3], words[2::3])]

    def objects(self, text):
        """(rows, JSON of the schema that all of them give) of JSON lines"""
        rows, schema = self.ask(b"j", text).split(" ", 1)
        return int(rows), schema

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture(scope="session")
def core():
    c = Core()
    yield c
    c.close()
