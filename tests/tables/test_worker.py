# SPDX-License-Identifier: Apache-2.0
"""A worker process that gets tasks of a table: what run() finds, what is sent back; in the pandas at hand."""
import os
import struct
import sys

import pytest
from prs_loader import wire
from table_tasks import Table
from test_source import schema_of

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "loader"))
from node import FAIL, RESULT, TASK, Node, Result  # noqa: E402

pytest.importorskip("pandas")


@pytest.fixture
def start():
    started = []

    def one(script, t, **more):
        started.append(Node(sys.executable, script, **dict(t.setup(), **more)))
        return started[-1].begin()

    yield one
    for n in started:
        n.close()


def send(node, raw):
    node.claim += 1
    node.send(TASK, raw, node.claim)
    os.write(node.event, struct.pack("<Q", 1))


def result(node, raw):
    send(node, raw)
    _, _, payload, fd = node.expect(RESULT)
    return Result(payload, fd)


def failure(node, raw):
    """(code, message, bad item)"""
    send(node, raw)
    payload = node.expect(FAIL)[2]
    end = 94 + struct.unpack_from("<H", payload, 92)[0]
    return struct.unpack_from("<H", payload, 76)[0], payload[94:end].decode(), struct.unpack("<I", payload[-4:])[0]


def three_rows(tmp_path, **about):
    t = Table(tmp_path, **about)
    t.schema(schema_of("a:int b:string"))
    t.file("t.csv", b"1,x\nbad,y\n3,z\n", [(b"1,x\nbad,y\n", 2), (b"3,z\n", 1)], b"a,b\n")
    return t


SCRIPT = """
    def run(mini_batch, context):
        return ["%d %s %s" % (i, row.a, context.global_row_index_lower_bound) for i, row in mini_batch.iterrows()]
"""


def test_rows(start, tmp_path):
    t = three_rows(tmp_path)
    node = start(SCRIPT, t)
    first, second = t.mini_batches()
    r = result(node, t.task(second))
    assert (r.rows, r.succeeded, r.row_count, r.status) == (b"0 3 2\n", 1, 1, wire.OK)
    code, message, bad_item = failure(node, t.task(first))
    assert (code, bad_item) == (wire.VALUE_MISFIT, 2)
    assert message.startswith(second[0][0] + ' line 3, column "a": "bad" is not int')
    assert message in node.traces() and "Traceback" not in node.traces()
    assert failure(node, t.task(first, 1))[2] == 2
    assert result(node, t.task(first, 0, 1)).rows == b"0 1 0\n"
    planned = t.task(second)
    with open(second[0][0], "a") as f:
        f.write("4,w\n")
    assert failure(node, planned)[0] == wire.INPUT_MOVED
    assert node.end() == 0


def test_a_frame_as_the_result_and_fewer_rows(start, tmp_path):
    t = three_rows(tmp_path, mixed=True)
    node = start("def run(mini_batch): return mini_batch.tail(1)", t)
    r = result(node, t.task(t.files))
    assert (r.rows, r.succeeded, r.row_count, r.status) == (b"3 z\n", 1, 1, wire.SHORT)
    kind, sentence = node.notes[0]
    assert sentence in node.printed() and ' line 3, column "a": "bad" is not int: the column is object' in sentence
    result(node, t.task(t.files))
    assert len(node.notes) == 1


def test_an_error_of_the_script_beside_a_frame(start, tmp_path):
    t = three_rows(tmp_path, mixed=True)
    code, message, _ = failure(start("def run(mini_batch): return mini_batch.nothing", t), t.task(t.files))
    assert code == wire.RUN_EXCEPTION and "has no attribute 'nothing'" in message
    node = start("def run(mini_batch): raise ValueError('five')", t)
    assert failure(node, t.task(t.mini_batches()[0], 1))[1] == "ValueError: five"
    assert "while in rows 2 to 2 of %s\n" % t.files[0][0] in node.traces()
    failure(node, t.task(t.files))
    assert "while in rows 1 to 2 of %s, rows 3 to 3 of " % t.files[0][0] in node.traces()


def test_a_script_that_wants_paths(start, tmp_path):
    t = three_rows(tmp_path, mixed=True)
    node = start("def run(mini_batch): return [open(path).read() for path in mini_batch]", t)
    code, message, _ = failure(node, t.task(t.mini_batches()[0], 1))
    assert code == wire.RUN_EXCEPTION
    assert message.endswith("hint: run() gets a DataFrame here, and a is a column: for paths leave --input-format tabular out")


def test_a_mini_batch_of_which_all_is_left_out(start, tmp_path):
    t = Table(tmp_path, drop_invalid=True)
    t.schema(schema_of("a:int b:string"))
    t.file("t.csv", b"1,x,y\n2,y\n3,z,z\n", [(b"1,x,y\n", 1), (b"2,y\n3,z,z\n", 2)])
    node = start("def run(mini_batch): print('called'); return []", t)
    r = result(node, t.task(t.mini_batches()[0]))
    assert (r.rows, r.succeeded, r.row_count, r.status) == (b"", 1, 0, wire.EMPTY) and "called" not in node.printed()
    r = result(node, t.task(t.mini_batches()[1]))
    assert (r.rows, r.succeeded, r.row_count, r.status) == (b"", 1, 0, wire.EMPTY) and "called" in node.printed()


def test_an_interpreter_without_pandas(tmp_path):
    """Told at the start of the process; without a table nobody asks for pandas."""
    t = three_rows(tmp_path)
    hidden = {"pandas/__init__.py": "raise ModuleNotFoundError(\"No module named 'pandas'\", name='pandas')"}
    node = Node(sys.executable, SCRIPT, files=hidden, path_first=True, **t.setup())
    try:
        code, message = node.init_failure()
        assert code == wire.IMPORT_FAILED and "%s -m pip install pandas" % sys.executable in message
        assert "Traceback" not in message
    finally:
        node.close()
    node = Node(sys.executable, "def run(mini_batch): return [1]", files=hidden, path_first=True)
    try:
        assert node.begin().rows() == b"1\n"
    finally:
        node.close()
