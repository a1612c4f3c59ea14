# SPDX-License-Identifier: Apache-2.0
"""JSON lines: the fast reader says what the careful one says, cell by cell, or leaves it to him."""
import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prs_loader.tables import careful, schema

pandas = pytest.importorskip("pandas")
pyarrow = pytest.importorskip("pyarrow.json") and pytest.importorskip("pyarrow")

from prs_loader.tables import fast, frame  # noqa: E402
from test_fast import READERS, shown  # noqa: E402

if READERS[0].name != "pyarrow":
    pytest.skip("a pyarrow that does not fit", allow_module_level=True)
many = settings(max_examples=5000 if os.environ.get("PRS_TORTURE") else 300, deadline=None, derandomize=True,
                suppress_health_check=list(HealthCheck))
TYPES = ("int", "float", "bool", "date", "string")


def schema_of(layout):
    """layout: types of c0, c1, ..."""
    columns = [{"name": "c%d" % i, "type": word.rstrip("?"), "nulls": int(word.endswith("?"))}
               for i, word in enumerate(layout.split())]
    return schema.read(json.dumps({"version": 1, "format": "jsonl", "encoding": "utf8", "empty": "null", "sampled": 1,
                                   "columns": columns}))


def outcome(read):
    try:
        return read()
    except careful.Misfit as e:
        return str(e)


def check(text, layout):
    """Both say the same; returns who read it."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    s = schema_of(layout)
    rows = sum(1 for line in data.split(b"\n") if line.strip(b" \t\r"))
    by = ["careful"]

    def slowly():
        table = careful.read(data, s)
        widened = {c.name: c.widened for c in table.columns if c.widened is not None}
        return shown(frame.of_table(pandas, table)), widened, sorted(table.unknown)

    def fastly():
        got = fast.read(pandas, data, s, rows)
        by.append(got.by)
        return shown(got.frame), got.widened, sorted(got.unknown)

    assert outcome(fastly) == outcome(slowly), (data, layout)
    return by[-1]


@pytest.mark.parametrize("text, layout", [
    ('{"c0": 1, "c1": 1.5, "c2": true, "c3": "2024-02-29", "c4": "x"}\n{}\n', "int float bool date string"),
    ('{"c1": 2, "c0": -7}\r\n\n{"c0": 9007199254740993, "c1": 1e10}', "int float"),
    ('{"c0": "\\u00e9\\n\\"", "c1": "NA"}\n{"c0": "", "c1": null}', "string string"),
    ('{"c0": 1, "more": [1, 2]}\n{"c0": 2, "other": "x"}\n', "int"),
    ('{"c0": "2024-02-29 10:30"}\n{"c0": "1678-01-01"}\n{"c0": null}\n', "date"), ('{"c0": false}\n{"c0": true}\n', "bool?"),
    ('{"x": {"c0": 1}, "c0": 2}\n', "int"),
])
def test_read_fast(text, layout):
    assert check(text, layout) == ("pyarrow" if int(pyarrow.__version__.split(".")[0]) >= 11 else "careful")


def test_an_old_pyarrow_is_not_asked(monkeypatch):
    """It reads 1.0 as an int."""
    monkeypatch.setattr(pyarrow, "__version__", "10.0.1")
    assert check('{"c0": 1}\n', "int") == "careful"


@pytest.mark.parametrize("text, layout", [
    ('{"c0": 1}{"c0": 2}\n{"c0":\n3}\n', "int"), ('{"c0": 1}{"c0": 2}\n{"c0": 3}\n', "int"), ('{"c0": {\n"c0": 1}}\n', "int"),
    ('[1]\n', "int"), ('{"c0": 1}\n7\n', "int"), ('{"c0": -0}\n', "float"), ('{"c0": -0}\n{}\n', "int"),
    ('{"c0": "\\ud800"}\n', "string"), ('{"c0": "\\uD83D\\uDE00"}\n', "string"), ('{"c0": 1.0}\n', "int"),
    ('{"c0": "1"}\n', "int"), ('{"c0": 1}\n', "string"), ('{"c0": 1}\n', "bool"), ('{"c0": true}\n', "int"),
    ('{"c0": true}\n', "float"), ('{"c0": 9007199254740993}\n', "float"), ('{"c0": 9223372036854775808}\n', "int"),
    ('{"c0": 9007199254740993}\n{}\n', "int"), ('{"c0": NaN}\n{"c0": Infinity}\n', "float"), ('{"c0": 1e400}\n', "float"),
    ('{"c0": "NA"}\n', "date"), ('{"c0": ""}\n', "date"), ('{"c0": "2024-02-30"}\n', "date"), ('{"c0": 1, "c0": 2}\n', "int"),
    ('\ufeff{"c0": 1}\n', "int"), (' {"c0": 1} \n', "int"), (' \t\n{"c0": 1}\n', "int"), (b'{"c0": "\xff"}\n', "string"),
    ('{"c0": "a\0b"}\n', "string"), ('{"c0": "\\u0000"}\n', "string"), ('{"c0": [1]}\n', "string"), ('{"c0": 01}\n', "int"),
    ('{"c0": 1,}\n', "int"), ("{'c0': 1}\n", "int"), ('{"c0": 1} // x}\n', "int"), ('{"c0": "a\tb"}\n', "string"),
    ('{"c0": 0.1}\n{"c0": 123456789.123456789e-20}\n', "float"), ('{"new": null, "c0": 1}\n', "int"),
    ('{"c0": +1}\n', "int"), ('{"c0": .5}\n', "float"), ('{"c0": 5.}\n', "float"), ('{"c0": "\\x"}\n', "string"),
    ('{"": 1, "c0": 1}\n', "int"), ('{"c0": 5e-324}\n{"c0": 1.7976931348623157e308}\n', "float"), ('{"c0": 1e5}\n', "int"),
    ('{"c0": "' + "x" * 100000 + '"}\n', "string"), ('{"c0": -0.0}\n', "float"), ('{"c0": 1E5}\n', "float"),
    ('{"c\\u0030": 1}\n', "int"), ('{"C0": 1}\n', "int"), ('{"c0": tru}\n', "bool"), ('{"c0": nul}\n', "int"), ("{}\n", "int"),
    ('{"c0": 1}\n{"c0": 2', "int"), ('{"a": {"b": 1}}\n{"a": {"b": "x"}}\n', "int"), ('{"c0": 1}\x0b\n', "int"),
])
def test_where_the_reader_may_go_wrong(text, layout):
    check(text, layout)


cells = (st.none() | st.booleans() | st.integers(-9, 9) | st.integers(-(1 << 65), 1 << 65) | st.floats() |
         st.sampled_from(["", "x", "NA", "1", "2024-02-29", "2024-02-29 10:30", "é\n", "\0", "\U0001f600", [1], {"a": 1}]))
fitting = {"int": st.integers(-99, 99), "float": st.floats(allow_nan=False) | st.integers(-9, 9), "bool": st.booleans(),
           "date": st.sampled_from(["2024-02-29", "1999-12-31T23:59:59.5", None]), "string": st.text(max_size=5)}


@st.composite
def tables(draw, noise):
    layout = draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=3))
    lines = []
    for _ in range(draw(st.integers(1, 6))):
        row = {}
        for i, type_ in enumerate(layout):
            if draw(st.integers(0, 9)):
                row["c%d" % i] = draw(cells if noise and not draw(st.integers(0, 5)) else fitting[type_])
        if not draw(st.integers(0, 9)):
            row["new"] = draw(cells)
        lines.append(json.dumps(row, ensure_ascii=draw(st.booleans())))
    return draw(st.sampled_from(["\n", "\r\n", "\n\n"])).join(lines), " ".join(layout)


@many
@given(tables(False))
def test_tables_that_fit(table):
    check(*table)


@many
@given(tables(True))
def test_any_table(table):
    check(*table)


@many
@given(st.lists(st.sampled_from(['{', '}', '"c0"', ':', ',', '1', '-0', '"x"', '\n', '[', ']', 'null', ' ', '{"c0": 1}', '\r\n']),
                max_size=12), st.sampled_from(TYPES))
def test_any_pieces(pieces, type_):
    check("".join(pieces), type_)
