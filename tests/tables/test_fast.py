# SPDX-License-Identifier: Apache-2.0
"""The fast readers say what the careful one says, cell by cell, type by type, or leave it to him; in the pandas (and
pyarrow) at hand. Every text is read by each reader that is there."""
import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prs_loader.tables import careful, schema

pandas = pytest.importorskip("pandas")

from prs_loader.tables import fast, frame  # noqa: E402

try:
    import pyarrow.csv  # noqa: F401
    READERS = [fast._Arrow, fast._Pandas]
except Exception:  # noqa: BLE001 - also one that does not fit the numpy at hand
    READERS = [fast._Pandas]

many = settings(max_examples=5000 if os.environ.get("PRS_TORTURE") else 100, deadline=None, derandomize=True,
                suppress_health_check=list(HealthCheck))
TYPES = ("int", "float", "bool", "date", "string")


def schema_of(layout, **more):
    """layout: types, those with ? had nulls in the sample"""
    columns = [{"name": "c%d" % i, "type": word.rstrip("?"), "nulls": int(word.endswith("?"))}
               for i, word in enumerate(layout.split())]
    v = dict(version=1, format="delimited", delimiter=",", encoding="utf8", empty="null", sampled=1,
             fields=len(columns), columns=columns)
    return schema.read(json.dumps(dict(v, **more)))


def shown(frame):
    """Types and values, cell by cell; of nulls, what they are."""
    return [(name, str(frame[name].dtype), [repr(v) for v in frame[name].tolist()]) for name in frame.columns]


def outcome(data, s, rows, reader=None):
    """What the reader makes of it: (frame and what is said of it, who read it), or the words of a misfit."""
    try:
        if reader is None:
            table = careful.read(data, s)
            widened = {c.name: c.widened for c in table.columns if c.widened is not None}
            return (shown(frame.of_table(pandas, table)), widened, table.short), "careful"
        mine, fast._reader = fast._reader, lambda size: reader
        try:
            got = fast.read(pandas, data, s, rows)
        finally:
            fast._reader = mine
        return (shown(got.frame), got.widened, got.short), got.by
    except careful.Misfit as e:
        return str(e), "careful"


def check(core, text, layout, **more):
    """Every reader says the same; returns who read it, in the order of READERS."""
    data = text if isinstance(text, bytes) else text.encode()
    s = schema_of(layout, **more)
    rows = core.rows(data, s.delimiter)
    expected, _ = outcome(data, s, rows)
    by = []
    for reader in READERS:
        got, who = outcome(data, s, rows, reader)
        assert got == expected, (reader.name, data, layout)
        by.append(who)
    return by


# ---- who reads what


def by_fast(text, layout, core, **more):
    assert check(core, text, layout, **more) == [r.name for r in READERS]


@pytest.mark.parametrize("text, layout", [
    ("1,1.5,true,2024-02-29,x\n-0,-0,FALSE,2024-02-29 10:30:00.5,NA\n", "int float bool date string"),
    ("007,.5,True,2024-02-29T10,\n", "int float bool date string"),
    ("1,NA,,NULL,x\n2,,,,\n", "int float bool? date string"),
    ("NA,1,true,x\nnull,1e5,None,None\n", "float float bool? string"),
    ("1\n\"\"\n3\n", "int"), ("true\n\"\"\n", "bool"), ("x\n\"\"\ny\n", "string"), ("\"\"\n", "date"),
    ("\"\"\n", "float"),
    ("\"a\nb\",1\r\n\"c\"\"d\",2\r\n", "string int"), ("a\n\nb\r\nc\n\n\nd", "string"), ("a\"b,c\"d\n", "string string"),
    ("9223372036854775807\n-9223372036854775808\n", "int"), ("9007199254740992\n-1\n", "float"),
    ("1e300\n-inf\n1e-320\n0.1\n", "float"), ("é,ß\n", "string string"), ("\"b\r\nc\",1\n" * 50, "string int"),
    ("2261-12-31 23:59:59.999999\n1678-01-01\n", "date"), ("2024-02-29 10:30:00.1234560\n", "date"),
    ("0\n1\n\"\"\n", "float"), ("0xab,1\n", "string int"), ("nan(,1.5\n\"(\",NaN\n", "string float"),
    ("true,\nfalse,\n", "bool string"), ("1,\n2,\n", "int float"),
])
def test_read_fast(core, text, layout):
    by_fast(text, layout, core)


@pytest.mark.parametrize("text", ["5\r\r 7\r8\n", "5\r7\n", "\r\r 7", "\"5\"\r\r\t7\n", "5\n\r 7\n"])
def test_a_lone_return_is_not_for_the_tokenizer_of_an_old_pandas(core, text, monkeypatch):
    """It may never come back. That it is not asked is what is looked at."""
    old = int(pandas.__version__.split(".")[0]) < 3
    if old:
        monkeypatch.setattr(pandas, "read_csv", None)
    assert check(core, text, "int") == ["careful" if old and r is fast._Pandas else r.name for r in READERS]


@pytest.mark.parametrize("encoding, raw", [("latin1", b"\xdf,1\n"), ("windows1252", b"\x80,1\n")])
def test_other_encodings_are_read_fast(core, raw, encoding):
    by_fast(raw, "string int", core, encoding=encoding)


def test_empty_as_string(core):
    by_fast("x,1\n\"\",\n", "string float", core, empty="text")


def test_columns_in_another_order(core):
    columns = [{"name": "a", "type": "int", "nulls": 0, "field": 2},
               {"name": "b", "type": "string", "nulls": 0, "field": 0}]
    by_fast("x,y,7\n", "", core, fields=3, columns=columns)


def test_a_column_that_the_file_has_not(core):
    columns = [{"name": "a", "type": "int", "nulls": 1, "field": None},
               {"name": "b", "type": "string", "nulls": 0, "field": 0}]
    check(core, "x\n", "", fields=1, columns=columns)


# ---- where readers go wrong


TRAPS = [
    ("0x10\n", "int"), ("0X1F\n1\n", "int"), ("0x10\n", "float"), ("1,0x10\n", "int string"),
    ("9007199254740993\n1.0\n", "float"), ("123456789012345678901234567890\n", "float"),
    ("9007199254740993\n\"\"\n", "int"), ("9007199254740993\n1.0\n", "int"), ("-9007199254740993,\n", "float string"),
    ("1e16\n", "float"), ("1e16\n", "int"), ("9223372036854775808\n", "int"), ("18446744073709551616\n", "int"),
    ("-9223372036854775809\n", "int"), ("1.0\n", "int"), ("1e5\n2\n", "int"), ("1E+05\n", "int"), ("True\n", "int"),
    ("True\nfalse\n", "float"), ("True\n1\n", "float"), ("1\n0\n", "bool"), ("1.0\n", "bool"), ("tRUE\n", "bool"),
    (" true\n", "bool"), ("yes\n", "bool"), ("-0\n", "float"), ("-0\n\"\"\n", "int"), ("-0\n1.5\n", "int"),
    ("NAN\n", "float"), ("nan(1)\n", "float"), ("-nan\n1\n", "float"), ("nan\n", "int"), ("NONE\n1\n", "int"),
    ("nOnE\n1\n", "int"), ("NA\nNaN\n", "string"), ("NA,1\nx,NA\n", "string float"),
    ("1e400\n-1e400\n1e-400\n", "float"), ("1e\n", "float"), ("1d5\n", "float"), ("1_0\n", "int"), ("1_0\n", "float"),
    ("٧\n", "int"), (" 7\n", "int"), ("+7\n", "int"), ("\"\n7\"\n", "int"), ("7\x0b\n", "int"),
    ("\"\n7.5\"\n", "float"), ("- 7\n", "int"), ("0000000000000000000000000000007\n", "int"),
    ("0.1234567890123456789012345678901234567890\n8.5e-321\n1e23\n", "float"), (" \n", "int"), (" \n", "string"),
    ("1\n \n2\n", "float"), ("x\n  \n y\n", "string"), ("a,b\n \n", "string string"), (" ,1\n", "int int"),
    ("1, \n", "int int"), ("1, \n", "int string"), ("1\0\n", "int"), ("a\0b\n", "string"), (b"\xff\n", "string"),
    (b"1,\xff\n", "int string"), (b"\xef\xbb\xbfa\n", "string"), (b"\"\xef\xbb\xbf\"\n", "string"),
    (b"\xef\xbb\xbf1\n", "int"), ("1,2\n3\n4,5\n", "int int"), ("1,2\n3\n", "string string"), ("1\n2,3\n", "int int"),
    ("1,2\n3,\n", "int int"), ("1\n2,3,\n", "int int"), ("1,2,3\n", "int int"), ("1,2,3\n4,5\n", "int int"),
    ("4,5\n1,2,3,4\n", "int int"), ("1,2,3,4\n4,5\n", "int int"), ("1,2,,\n4,5\n", "int int"),
    ("1,2,\n4,5,\n", "int int"), ("1,2,\n4,5\n", "int int"), ("1,2, \n", "int int"), ("1,2,\"\"\n", "int int"),
    ("a, \"b,c\"\n", "string string"), ("\"a,b\"\n", "string string"), ("\"a,b\",\n", "string string"),
    ("2024-02-29 10:30:00.1234567\n", "date"), ("2024-02-29 10:30:00.123456789\n", "date"), ("1677-12-31\n", "date"),
    ("2262-01-01\n", "date"), ("1500-01-01\n", "date"), ("9999-12-31\n", "date"), ("2024-02-30\n", "date"),
    (" 2024-02-29\n", "date"), ("2024-02-29T10:30:00Z\n", "date"), ("2024-02-29 10:30+01:00\n", "date"),
    ("20240229\n", "date"), ("2024-02-29 24:00\n", "date"), ("NaT\n", "date"), ("NA\n2024-02-29\n", "date"),
    ("now\n", "date"), ("1700000000\n", "date"), ("2024\n", "date"), ("2024-02\n", "date"),
    ("#a\n\\b\n", "string"), ("a\\\n", "string"), ("\"\"\n\"\"\n", "string"),
    ("\"\"\n\n\"\"", "int"), ("", "int"), ("\n\n", "int"), ("'a,b'\n", "string string"), ("1,000\n", "int int"),
    ("\"1,000\"\n", "int"), ("\"1\"\n\"2\"\n", "int"), ("inf\n-Infinity\nINF\n", "float"), ("inf\n", "int"),
    ("1.5\n", "string"), ("1\n2\n", "string"), ("true\n", "string"), ("NaN\n", "bool"), ("\"NA\"\n1\n", "int"),
    ("\"\"\"\"\n", "string"), ("\"a\"b\n", "string"), ("\"a\"\"b\"c\"\n", "string"), ("a b c\n", "string"),
    ("1,NaT\n", "int string"), ("nan(1),x\n", "float string"), ("NaN,nan(\n", "float string"),
    ("(1)\nNaN\n", "float"), ("\"\"\n1 \n", "int"), ("2\nNA\n 7\n", "float"), ("-9223372036854775808\n\"\"\n", "float"),
]


@pytest.mark.parametrize("text, layout", TRAPS)
def test_traps(core, text, layout):
    check(core, text, layout)


@pytest.mark.parametrize("text, layout", TRAPS)
def test_traps_between_other_rows(core, text, layout):
    """The same behind and before rows that are as they should be."""
    if not isinstance(text, bytes):
        text = text.encode()
    good = {"int": b"5", "float": b"5.5", "bool": b"true", "date": b"2024-03-01", "string": b"s"}
    row = b",".join(good[word] for word in layout.split()) + b"\n"
    if text and text[-1:] not in b"\r\n":
        text += b"\n"
    check(core, row * 3 + text + row * 2, layout)


@pytest.mark.parametrize("size", [1 << 16, 1 << 20, (1 << 20) + 1])
def test_a_quoted_line_end_where_a_block_could_end(core, size):
    for shift in range(3):
        text = b"x" * (size - 10 + shift) + b",\"a\r\nb\r\nc\"\r\n" + b"y" * 100 + b",\"\r\n\"\r\n"
        by_fast(text, "string string", core)


def test_more_than_rows_say_is_left_to_the_careful_reader(core):
    got = fast.read(pandas, b"1\n2\n", schema_of("int"), 3)
    assert got.by == "careful" and len(got.frame) == 2


def test_a_slice_that_is_too_large_for_pyarrow_is_one_for_pandas(monkeypatch):
    assert fast.read(pandas, b"1\n2\n", schema_of("int"), 2).by == READERS[0].name
    monkeypatch.setattr(fast, "_BLOCK_MAX", 4)
    assert fast.read(pandas, b"1\n2\n", schema_of("int"), 2).by == "pandas"


def test_frames_can_be_written_to(core):
    texts = {"int": b"1\n", "float": b"1.5\n", "bool": b"true\n", "date": b"2024-02-29\n", "string": b"x\n"}
    for layout in TYPES:
        got = fast.read(pandas, texts[layout] * 3, schema_of(layout), 3).frame
        got.loc[0, "c0"] = got.loc[1, "c0"]
        assert len(got["c0"].unique()) == 1


# ---- tables made up


def cells_of(kind):
    numbers = st.integers(-20, 20) | st.integers(-(1 << 65), 1 << 65)
    texts = {"int": numbers.map(str), "float": st.floats(allow_nan=False).map(repr) | st.integers(-9, 9).map(str),
             "bool": st.sampled_from(["true", "false", "True", "FALSE"]),
             "date": st.datetimes(min_value=careful.cell.EPOCH.replace(year=1677),
                                  max_value=careful.cell.EPOCH.replace(year=2262)).map(str),
             "string": st.text(st.sampled_from("ab\"', \n\r\t;é0#\\"), max_size=6)}[kind]
    odd = st.sampled_from(["NA", "nan", "null", "0x10", "-0", "1.0", "1e5", "True", " 7", " ", "x", "1e400",
                           "9007199254740993", "2024-02-29", "a\"b"])
    return st.one_of(texts, texts, texts, texts, texts, texts, st.just(""), odd) if kind != "string" else texts | odd


@st.composite
def tables(draw):
    layout = draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=4))
    rows = draw(st.lists(st.tuples(*[cells_of(kind) for kind in layout]), max_size=12))
    ends = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    quoted = draw(st.booleans())

    def written(text):
        if quoted or any(c in text for c in ",\n\r") or text[:1] == "\"" or (len(layout) == 1 and not text):
            return '"%s"' % text.replace('"', '""')
        return text

    lines = [",".join(map(written, row)) for row in rows]
    return ends.join(lines) + draw(st.sampled_from(["", ends, ends * 2])), layout


@many
@given(table=tables())
def test_tables_of_types(core, table):
    text, layout = table
    check(core, text, " ".join(layout))


@many
@given(text=st.text(st.sampled_from("a1\"\",,\n\n\r .-e;\t"), max_size=40),
       layout=st.lists(st.sampled_from(TYPES), min_size=1, max_size=3), delimiter=st.sampled_from(",; \t"))
def test_any_text(core, text, layout, delimiter):
    if core.ask(b"r", text.encode(), delimiter.encode()) != "open":
        check(core, text, " ".join(layout), delimiter=delimiter)


@many
@given(table=tables())
def test_types_of_the_engine(core, table):
    """With the types that the engine gives a sample of all rows nothing is a misfit, nothing is widened, and each
    column has the type that docs/tables.md says."""
    text, layout = table
    header = (",".join("n%d" % i for i in range(len(layout))) + "\n").encode()
    rows, said = core.table(header + text.encode())
    s = schema.read(said)
    assert core.rows(text.encode()) == rows
    for reader in READERS:
        got, _ = outcome(text.encode(), s, rows, reader)
        assert not isinstance(got, str), got
        kinds = {"string": str(pandas.Series(["x"]).dtype), "int": "int64", "float": "float64",
                 "date": "datetime64[%s]" % frame.date_unit(pandas)}
        for column, (name, kind, values) in zip(s.columns, got[0]):
            expected = ("object" if column.nulls else "bool") if column.type == "bool" else kinds[column.type]
            assert (name, kind, len(values)) == (column.name, expected, rows)
        assert got[1] == {}


@many
@given(table=tables(), rows=st.integers(1, 5))
def test_mini_batches_put_together_are_the_whole(core, table, rows):
    text, layout = table
    data = text.encode()
    header = (",".join("n%d" % i for i in range(len(layout))) + "\n").encode()
    n, said = core.table(header + data)
    s = schema.read(said)
    slices = core.slices(data, rows)
    assert sum(k for _, k in slices) == n
    (whole, _, _), _ = outcome(data, s, n)
    for reader in READERS:
        parts = [outcome(part, s, k, reader)[0][0] for part, k in slices]
        for i, (name, kind, values) in enumerate(whole):
            assert [(part[i][0], part[i][1]) for part in parts] == [(name, kind)] * len(slices)
            assert [v for part in parts for v in part[i][2]] == values
