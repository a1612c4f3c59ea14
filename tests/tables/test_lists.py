# SPDX-License-Identifier: Apache-2.0
"""JSON lines, the other way: run() gets a list of dicts, and pandas is not asked for."""
import json
import os
import struct
import sys

import pytest
from prs_loader import batch, wire
from prs_loader.job import Job
from prs_loader.tables import source
from table_tasks import Table

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "loader"))
from node import RESULT, TASK, Node  # noqa: E402

TEXT = b'{"a": 1, "b": [1, {"c": null}]}\n\n{"a": "x"}\r\n{}\n{"n": NaN, "a": 9007199254740993}'


def lines(tmp_path, *slices, **about):
    t = Table(tmp_path, format="jsonl", other_way=True, **about)
    t.schema({"version": 1, "format": "jsonl", "encoding": "utf8", "empty": "null", "sampled": 1, "columns": []})
    t.file("t.jsonl", b"".join(text for text, _ in slices), slices)
    return t


def run(t, files, *args):
    said = []
    raw = t.task(files, *args, number=3)
    reader = source.Tables(Job({k: [v] for k, v in t.setup().items()}), lambda *note: said.append(note))
    return reader.read(wire.task(1, raw, 0, len(raw))) + (said,)


def test_a_list_of_objects(tmp_path):
    at = TEXT.index(b"{}")
    t = lines(tmp_path, (TEXT[:at], 2), (TEXT[at:], 2))
    first, context, removed, _ = run(t, t.mini_batches()[0])
    assert first == [{"a": 1, "b": [1, {"c": None}]}, {"a": "x"}] and type(first[0]) is dict
    assert isinstance(first, list) and first.task_id == 3 and removed == 0
    second, context, _, _ = run(t, t.mini_batches()[1])
    assert repr(second[1]) == "{'n': nan, 'a': 9007199254740993}" and context.global_row_index_lower_bound == 2
    assert [run(t, t.files, i, 1)[0] for i in range(4)] == [[x] for x in first] + [[second[0]], run(t, t.files, 3, 1)[0]]
    assert context.dataset.to_path() == [t.files[0][0]]


def test_a_line_that_is_no_object(tmp_path):
    text = b'{"a": 1}\n[1]\n{"a": 2}\n{"a"\n'
    t = lines(tmp_path, (text, 4))
    with pytest.raises(batch.ValueMisfit) as e:
        run(t, t.files)
    assert str(e.value).startswith(t.files[0][0] + ' line 2: "[1]" is not a JSON object') and e.value.bad_item == 2
    t.about["drop_invalid"] = True
    found, _, removed, said = run(t, t.files)
    assert found == [{"a": 1}, {"a": 2}] and removed == 2
    assert said[0][1] == t.files[0][0] + " line 2 (and 1 more in its mini-batch) is left out: invalid_lines: drop"


def test_rows_that_are_not_as_many_as_they_were(tmp_path):
    t = lines(tmp_path, (b"{}\n{}\n", 3))
    with pytest.raises(batch.InputMoved):
        run(t, t.files)


def test_in_a_worker_without_pandas(tmp_path):
    """The fields `output` are the rows."""
    hidden = {"pandas/__init__.py": "raise ModuleNotFoundError(\"No module named 'pandas'\", name='pandas')"}
    script = """
        import json
        def run(mini_batch, context):
            at = context.global_row_index_lower_bound
            return [json.dumps({"output": x["a"], "line": at + i}) for i, x in enumerate(mini_batch)]
    """
    t = lines(tmp_path, (b'{"a": "x\\ny"}\n{"a": {"b": "\xc3\xa9"}}\n', 2), (b'{"c": 1}\n', 1))
    node = Node(sys.executable, script, files=hidden, path_first=True, run_mode="component", **t.setup())
    try:
        node.begin()
        for number, (files, expected) in enumerate(zip(t.mini_batches(), ('x\ny\n{"b": "é"}\n',))):
            node.send(TASK, t.task(files), number + 1)
            os.write(node.event, struct.pack("<Q", 1))
            assert node.expect(RESULT)[2][104:].decode() == expected
    finally:
        node.close()


def test_a_row_without_an_output():
    from prs_loader.rows import Component

    rows = Component(False)
    assert rows.encode(['{"output": "x"}', {"output": None}, '{"output": 1.5}']) == (b"x\nnull\n1.5\n", 0, 0)
    for item in ("x", "{}", "[]", json.dumps({"Output": 1}), 3):
        with pytest.raises(ValueError, match="item 1 of what run"):
            rows.encode(['{"output": "x"}', item])
