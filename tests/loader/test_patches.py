# SPDX-License-Identifier: Apache-2.0
"""Scripts that put their own functions in the place of the system's: the loader goes on with those it found."""
import struct
import time

import pytest
from node import FAIL, RESULT

# As freezegun does: the functions of `time`, and every attribute of any module that is one of them.
FREEZE = """
import sys, time

def freeze(at):
    fakes = {}
    for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "process_time_ns"):
        fakes[id(getattr(time, name))] = lambda at=at if name.endswith("_ns") else at / 1e9: at
    for module in list(sys.modules.values()):
        for name in dir(module):
            fake = fakes.get(id(getattr(module, name, None)))
            if fake:
                setattr(module, name, fake)
"""
# Other functions that the loader needs, broken wherever a module has them.
BREAK = """
import os, select, sys

def refuse(*args, **kwargs):
    raise OSError("not this one")

def break_all():
    mine = {id(getattr(os, n)) for n in ("getpid", "getppid", "read", "write", "lseek", "close", "open", "_exit", "kill", "dup", "memfd_create")
            if hasattr(os, n)} | {id(select.poll)}
    for module in list(sys.modules.values()):
        for name in dir(module):
            if id(getattr(module, name, None)) in mine:
                setattr(module, name, refuse)
"""
SCRIPT = """
import patcher
def init(): patcher.freeze(%s)
def run(mini_batch):
    page = open("../page", "rb").read(8)
    return [int.from_bytes(page, "little") & (1 << 56) - 1] if mini_batch == ["a"] else 1 / 0
"""


@pytest.mark.parametrize("at", ["0", "1 << 62", "-(1 << 62)", "2051222400 * 10 ** 9"])
def test_clock_that_stands(node, at):
    before, wall = time.monotonic_ns() // 1000, time.time_ns() // 1000
    n = node(SCRIPT % at, files={"patcher.py": FREEZE}).begin()
    n.task(["a"])
    payload = n.expect(RESULT)[2]
    assert before <= int(payload[104:]) <= time.monotonic_ns() // 1000
    start, run, elapsed, cpu = struct.unpack_from("<QQQQ", payload, 72)
    assert wall <= start <= time.time_ns() // 1000
    assert 0 < run <= elapsed <= time.monotonic_ns() // 1000 - before and cpu <= 10 ** 9
    n.task(["b"])
    payload = n.expect(FAIL)[2]
    assert struct.unpack_from("<H", payload, 76) == (100,)
    assert wall <= struct.unpack_from("<Q", payload, 40)[0] <= time.time_ns() // 1000
    assert n.end() == 0


@pytest.mark.parametrize("clock", ["0", "-(1 << 70)", "(1 << 70)", "start - next(count) * 10 ** 9"])
def test_clock_below_python(node, clock):
    """As under libfaketime: the loader itself finds no other clock. What it sends is wrong, but whole."""
    patch = "import itertools, time\ncount = itertools.count()\nstart = time.monotonic_ns()\n" + "".join(
        "time.%s = lambda: %s\n" % (name, clock) for name in ("monotonic_ns", "time_ns", "process_time_ns"))
    n = node("def run(mini_batch): return mini_batch if mini_batch == ['a'] else 1 / 0",
             files={"sitecustomize.py": patch},
             path_first=True).begin()
    assert n.rows() == b"a\n"
    assert n.failure(["b"]) == (100, "ZeroDivisionError: division by zero")
    assert n.end() == 0


def test_functions_of_the_system(node):
    n = node("import patcher\ndef init(): patcher.break_all()\ndef run(mini_batch): return mini_batch * 200000 if mini_batch == ['large'] "
             "else mini_batch if mini_batch == ['a'] else 1 / 0", files={"patcher.py": BREAK}).begin()
    assert n.rows() == b"a\n"
    assert n.rows(["large"]) == b"large\n" * 200000
    assert n.failure(["b"]) == (100, "ZeroDivisionError: division by zero")
    assert "division by zero" in n.traces() and "division by zero" in n.read("err")
    assert n.rows() == b"a\n"
    assert n.end() == 0


def test_exit_that_is_patched(node):
    n = node("import patcher, sys\ndef init(): patcher.break_all()\ndef run(mini_batch): sys.exit(3)",
             files={"patcher.py": BREAK}).begin()
    assert n.failure()[0] == 101
    assert n.process.wait(60) == 1
