# SPDX-License-Identifier: Apache-2.0
"""What is said of rows that can be read all the same: once for each kind, with file and line."""
import pytest
from prs_loader import wire
from prs_loader.job import Job
from table_tasks import Table
from test_source import schema_of

pytest.importorskip("pandas")

from prs_loader.tables import notes, source  # noqa: E402


def said(tmp_path, layout, *texts, front=b"h\n", **about):
    """The notes of mini-batches with these texts."""
    t, found = Table(tmp_path, **about), []
    t.schema(schema_of(layout, **({"format": "jsonl"} if about.get("format") == "jsonl" else {})))
    t.file("t", b"".join(texts), [(text, len(text.splitlines())) for text in texts], front)
    reader = source.Tables(Job({k: [v] for k, v in t.setup().items()}), lambda *note: found.append(note))
    for files in t.mini_batches():
        raw = t.task(files)
        reader.read(wire.task(1, raw, 0, len(raw)))
    return [(kind, sentence.replace(t.files[0][0], "t")) for kind, sentence in found]


def test_nothing(tmp_path):
    assert said(tmp_path, "a:int b:bool c:float", b"1,true,\n2,false,1\n") == []


def test_what_is_widened(tmp_path):
    assert said(tmp_path / "i", "a:int b:string", b"1,x\n", b"2,y\n,x\n", b",z\n") == [(
        notes.WIDENED, 't line 4: column "a" has a cell that is none, where the sample has integers only: it is float64 in '
        'that mini-batch')]
    assert said(tmp_path / "b", "a:bool", b"true\nNA\n") == [(
        notes.WIDENED, 't line 3: column "a" has a cell that is none, where the sample has no null: it is object, with None, '
        'in that mini-batch')]


def test_whole_floats_that_a_conversion_makes_int(tmp_path):
    steps = [{"convert_column_types": [{"columns": ["a"], "type": "int"}]}]
    assert said(tmp_path / "w", "a:int b:int", b"1,1\n2.0,2\n", steps=steps) == []
    for i, text in enumerate((b"1,1\n2,2.0\n", b"1,1\n2.0,2\n,3\n")):
        (kind, sentence), = said(tmp_path / str(i), "a:int b:int", text, steps=steps)
        assert kind == notes.WIDENED and sentence.startswith("t line 3: column"), sentence
    (kind, sentence), = said(tmp_path / "m", "a:int b:int", b"1,1\n2.5,2\n", steps=steps, mixed=True)
    assert kind == notes.WIDENED


def test_short_rows(tmp_path):
    assert said(tmp_path, "a:int b:string", b"1,x\n2\n3\n", b"4\n") == [(
        notes.SHORT, "t line 3 (and 1 more in its mini-batch) has fewer cells than the table has columns: the others are "
        "null")]


def test_dropped_rows(tmp_path):
    assert said(tmp_path, "a:int", b"1\n2,3\n", drop_invalid=True) == [(
        notes.DROPPED, "t line 3 is left out: invalid_lines: drop")]


def test_names_that_the_sample_does_not_have(tmp_path):
    assert said(tmp_path, "a:int", b'{"a": 1}\n{"b": 1, "a": 2}\n', front=b"", format="jsonl") == [(
        notes.UNKNOWN, 't line 2: "b" is in no object of the sample: it is left out, here and elsewhere')]


def test_mixed_types(tmp_path):
    assert said(tmp_path, "a:int", b"1\nx\n", b"y\n", mixed=True) == [(
        notes.MIXED, 't line 3, column "a": "x" is not int: the column is object in that mini-batch')]


def test_kinds_are_those_that_the_engine_takes():
    assert max(v for k, v in vars(notes).items() if k.isupper() and isinstance(v, int)) < 32
