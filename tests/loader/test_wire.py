# SPDX-License-Identifier: Apache-2.0
"""prs_loader/wire.py against the homes of its facts: the tables in src/, and the golden bytes in
tests/unit/test_msg.c."""
import os
import re
import struct

from node import FAIL, RESULT, TASK
from prs_loader import batch, wire

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
LEASE = 3 << 40 | 77
TIME = 1700000000000000


def text(path):
    with open(os.path.join(ROOT, path)) as f:
        return f.read()


def enum(path, first):
    """The enum that begins with the constant `first`: name -> value."""
    body = re.search(r"enum[^{;]*\{\s*(%s\b.*?)\}" % first, text(path), re.S).group(1)
    values, last = {}, -1
    for entry in re.sub(r"/\*.*?\*/", "", body, flags=re.S).split(","):
        name, _, value = entry.strip().partition("=")
        if name:
            last = eval(value, {}, values) if value else last + 1
            values[name.strip()] = last
    return values


def golden(name, path="tests/unit/test_msg.c"):
    found = re.search(r"%s\[\] =\s*((?:\"[0-9a-f]*\"\s*)+);" % name, text(path))
    return bytes.fromhex("".join(re.findall(r'"([0-9a-f]*)"', found.group(1))))


def check(names, of_c):
    assert {n: getattr(wire, n) for n in names} == {n: of_c(n) for n in names}


def test_error_codes():
    rows = re.findall(r"^PRS_ERROR\((\d+), (\w+),", text("src/base/errors.def"), re.M)
    codes = {name: int(code) for code, name in rows}
    ours = [n for n in vars(wire) if codes.get(n, 0) >= 100]
    assert len(ours) >= 13
    check(ours, codes.get)


def test_messages_and_phases():
    types = enum("src/wire/msg.h", "PRS_MSG_HELLO")
    for name, value in types.items():
        assert getattr(wire, name.replace("PRS_MSG_", "")) == value
    flags = enum("src/wire/msg.h", "PRS_MSG_FD")
    assert (wire.FLAG_FD, wire.FLAG_MORE) == (flags["PRS_MSG_FD"], flags["PRS_MSG_MORE"])
    sizes = enum("src/wire/msg.h", "PRS_MSG_HEADER_BYTES")
    assert (wire.header.size, wire.PROTOCOL, wire.ROWS_INLINE_MAX) == (sizes["PRS_MSG_HEADER_BYTES"],
                                                                       sizes["PRS_MSG_PROTOCOL"],
                                                                      sizes["PRS_ROWS_INLINE_MAX"])
    for name, value in enum("src/wire/page.h", "PRS_PHASE_START").items():
        assert getattr(wire, name.replace("PRS_PHASE_", "")) == value
    assert wire.PAGE_BYTES == enum("src/wire/page.h", "PRS_PAGE_BYTES")["PRS_PAGE_BYTES"]
    assert wire.EXIT_SOCKET_CLOSED == int(re.search(r"EXIT_SOCKET_CLOSED = (\d+)", text("src/pool/pool.c")).group(1))


def test_done():
    assert wire.DONE_BYTES == enum("src/wire/facts.h", "PRS_DONE_BYTES")["PRS_DONE_BYTES"]
    status, flags = enum("src/wire/facts.h", "PRS_DONE_OK"), enum("src/wire/facts.h", "PRS_DONE_RAW")
    check(["OK", "SHORT", "EMPTY"], lambda n: status["PRS_DONE_" + n])
    check(["DONE_HAS_HEADER", "DONE_FRAMES", "DONE_BARE"], lambda n: flags["PRS_" + n])


def test_page():
    """The offsets that src/wire/page.h gives and test_msg.c asserts."""
    at = {name: int(n) for name, n in re.findall(r"offsetof\(struct prs_page, (\w+)\), (\d+)\)",
                                                 text("tests/unit/test_msg.c"))}
    assert (wire.PAGE_UNIT, wire.PAGE_RESULTS, wire.PAGE_PID, wire.PAGE_RECALLS, wire.PAGE_CLAIM,
            wire.PAGE_START) == tuple(
        at[name] for name in ("id", "results", "pid", "recalls", "claim", "start_us"))


def test_task():
    raw = golden("task_hex")
    t = wire.task(17, b"...." + raw + b"k\0v\0kkkkk" + b"/a\0/b\0", 4, 4 + len(raw) + 9 + 6)
    assert [getattr(t, name) for name in wire.Task.__slots__] == [5, LEASE, 10, 20, 20, 2, 0, 1, 12345, 17, b"k\0v\0kkkkk",
                                                                  b"/a\0/b",
                                                                 struct.pack("<QQII", 5, LEASE, 10, 20)]


def test_tables():
    """Kinds of tasks, and the body of one: the second and third item of two JSON lines files."""
    for name, value in enum("src/wire/msg.h", "PRS_TASK_FILES").items():
        assert getattr(wire, name.replace("PRS_TASK_", "KIND_")) == value
    body = golden("group_body_hex", "tests/unit/test_golden.c")
    skip, files = wire.table(body[:-1])
    assert skip == 1
    assert [[getattr(f, name) for name in wire.TableFile.__slots__] for f in files] == [
        [b"/data/lines/x.jsonl", b"", 50, TIME + 3, 3, [(0, 50, 0, 0, 2)]],
        [b"/data/lines/y.jsonl", b"", 60, TIME + 4, 3, [(20, 40, 1, 3, 3)]]]
    sizes = enum("src/wire/msg.h", "PRS_TASK_FILE_BYTES")
    assert len(body) == 8 + 2 * (sizes["PRS_TASK_FILE_BYTES"] + sizes["PRS_TASK_RANGE_BYTES"] + 20)


def test_kinds_of_keys():
    kinds = re.findall(r"PRS_KEY_\w+ = '(.)'", text("src/wire/plan.h"))
    assert sorted(kinds) == sorted(batch._VALUES)


def test_reports():
    assert wire.report(wire.INIT_EXCEPTION, 12345, 678, b"no model") == golden("report_hex")
    assert wire.hello(4711, 0x030b07f0, b"3.11.7", b"/usr/bin/python3") == golden("hello_hex")
    assert wire.header.pack(300, RESULT, wire.FLAG_FD, 17, 0) == golden("header_hex")
    assert wire.ready(7, 8) == struct.pack("<QQ", 7, 8)


def test_failure():
    t = wire.task(17, golden("task_hex"), 0, 48)
    made = wire.failure(t, 11, wire.RUN_EXCEPTION, (TIME, 111, 222, 333), 12345, 678, b"ValueError: five")
    assert made == golden("fail_hex")


def test_full_disk():
    """Behind the messages of FAIL and of reports."""
    source = text("tests/unit/test_msg.c")
    full, unnamed = (bytes.fromhex(re.search(name + r'\[\] = "([0-9a-f]+)"', source).group(1))
                     for name in ("full_hex", "unnamed_hex"))
    assert (wire.full_disk(28, 253), wire.full_disk(122, None)) == (full, unnamed)
    assert wire.report(wire.INIT_EXCEPTION, 12345, 678, b"no model", full) == golden("report_hex") + full
    t = wire.task(17, golden("task_hex"), 0, 48)
    made = wire.failure(t, 11, wire.RUN_EXCEPTION, (TIME, 111, 222, 333), 12345, 678, b"ValueError: five", unnamed)
    assert made == golden("fail_hex") + unnamed


def test_bad_item():
    """Behind FAIL, with what else may stand there."""
    t = wire.task(17, golden("task_hex"), 0, 48)
    made = wire.failure(t, 11, wire.RUN_EXCEPTION, (TIME, 111, 222, 333), 12345, 678, b"ValueError: five", bad_item=15)
    assert made == golden("fail_hex") + bytes(16) + b"\0\0" + b"\x0f\0\0\0"


def test_frames_of_a_worker(node):
    """A whole RESULT and a whole FAIL; only their times, and where the traceback lies, are not known before."""
    n = node("def run(mini_batch): return [1 / (len(mini_batch) - 1)]", slot="11").begin()
    head = golden("task_hex")[:36] + struct.pack("<I", 0) + golden("task_hex")[40:]
    for body, kind, name in ((b"/a\0/b\0", RESULT, "result_hex"), (b"/a\0", FAIL, "fail_hex")):
        n.send(TASK, head + body, 17)
        os.write(n.event, struct.pack("<Q", 1))
        _, claim, payload, _ = n.expect(kind)
        want = golden(name)
        assert claim == 17
        varies = (72, 104) if kind == RESULT else (40, 72)
        end = 104 if kind == RESULT else 76
        assert payload[:varies[0]] + payload[varies[1]:end] == want[:varies[0]] + want[varies[1]:end]
        if kind == RESULT:
            assert payload[104:] == want[104:] == b"1.0\n"
    assert n.end() == 0
