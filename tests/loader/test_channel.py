# SPDX-License-Identifier: Apache-2.0
"""Every byte between worker and node: frames in any pieces, the fields of a result, the page."""
import os
import struct
import time

import pytest
from node import DEADLINE, RESULT, TASK

MORE = 2


def task_payload(number, lease, paths, first=0, count=0):
    return struct.pack("<QQIIIHHHHIQ", number, lease, first, count, len(paths), 3, 0, 0, 0, 0, 0) + b"".join(os.fsencode(p) + b"\0" for p in paths)


def frame(payload, claim, flags=0):
    return struct.pack("<IHHII", len(payload), TASK, flags, claim, 0) + payload


def give(n, count):
    os.write(n.event, struct.pack("<Q", count))


ECHO = "def run(mini_batch):\n    return [str(mini_batch.task_id)] + list(mini_batch)\n"


@pytest.mark.parametrize("step", [1, 7, 63, 64, 65, 1000])
def test_frames_in_any_pieces(node, step):
    n = node(ECHO).begin()
    stream = b"".join(frame(task_payload(i, i, ["a" * i, "b"]), i) for i in range(1, 9))
    give(n, 8)
    for at in range(0, len(stream), step):
        n.sock.sendall(stream[at:at + step])
    for i in range(1, 9):
        _, claim, payload, _ = n.expect(RESULT)
        assert (claim, payload[104:].decode()) == (i, "%d\n%s\nb\n" % (i, "a" * i))
    assert n.end() == 0


def test_task_in_parts_between_others(node):
    n = node(ECHO).begin()
    names = ["n%06d" % i for i in range(40000)]  # 320 kB: more than one read
    whole = task_payload(2, 2, names)
    cuts = [0, 10, 48, 100000, len(whole)]
    parts = [frame(whole[a:b], 2, MORE if b < len(whole) else 0) for a, b in zip(cuts, cuts[1:])]
    n.sock.sendall(frame(task_payload(1, 1, ["x"]), 1))
    give(n, 3)
    for part in parts + [frame(task_payload(3, 3, ["y"]), 3)]:
        n.sock.sendall(part)
    rows = [n.expect(RESULT)[2][104:].decode() for _ in range(3)]
    assert rows == ["1\nx\n", "2\n" + "".join(name + "\n" for name in names), "3\ny\n"]
    assert n.end() == 0


def test_fields_of_a_result(node):
    n = node("def run(mini_batch):\n    return mini_batch[1:]\n", slot="7").begin()
    n.sock.sendall(frame(task_payload(2 ** 40 + 5, 2 ** 63 + 9, ["a", "b", "c"], 11, 3), 1))
    give(n, 1)
    _, claim, d, _ = n.expect(RESULT)
    assert struct.unpack_from("<QQHBBHHII", d) == (2 ** 40 + 5, 2 ** 63 + 9, 3, 1, 0, 0, 7, 0, 0)
    assert struct.unpack_from("<QQIIIIII", d, 32) == (0, 4, 0, 0, 11, 3, 2, 2)
    start, run, elapsed, cpu = struct.unpack_from("<QQQQ", d, 72)
    assert start > 10 ** 15 and run <= elapsed
    assert (claim, d[104:]) == (1, b"b\nc\n")
    assert n.end() == 0


def test_page(node):
    """While run() runs, and when the worker waits."""
    n = node("def run(mini_batch):\n    return [open('../page', 'rb').read(64).hex()]\n").begin()
    n.sock.sendall(frame(task_payload(5, 6, ["a"], 7, 1), 1))
    give(n, 1)
    d = n.expect(RESULT)[2]
    word, number, lease, first, count, results, pid, _, recalls, claim, start = struct.unpack("<QQQIIQIIIIQ", bytes.fromhex(d[104:].decode()))
    assert (word >> 56, number, lease, first, count, results, recalls, claim) == (4, 5, 6, 7, 1, 0, 0, 1)
    assert pid == n.process.pid and start == struct.unpack_from("<Q", d, 72)[0]
    n.task(["b"])  # claim 1 again: of no account here
    n.expect(RESULT)
    until = time.monotonic() + DEADLINE
    while struct.unpack("<Q", os.pread(n.page, 8, 0))[0] >> 56 != 2:  # IDLE: it waits
        assert time.monotonic() < until
        time.sleep(0.01)
    assert struct.unpack("<Q", os.pread(n.page, 8, 32))[0] == 2
    assert n.end() == 0


def test_cpu_time_of_each(node):
    """Work of one mini-batch is not counted for the next one."""
    n = node("""
        import time
        def run(mini_batch):
            until = time.process_time() + float(mini_batch[0])
            while time.process_time() < until:
                pass
            return mini_batch
    """).begin()
    for i, seconds in enumerate(["0.05", "0", "0.05", "0"], 1):
        n.sock.sendall(frame(task_payload(i, i, [seconds]), i))
    give(n, 4)
    spent = [struct.unpack_from("<Q", n.expect(RESULT)[2], 96)[0] for _ in range(4)]
    assert spent[0] >= 50000 > spent[1] and spent[2] >= 50000 > spent[3]
    assert n.end() == 0
