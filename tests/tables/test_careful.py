# SPDX-License-Identifier: Apache-2.0
"""The careful reader: what it makes of records and a schema, and what it says of those that do not fit."""
import datetime
import json
import os

import pytest
import tables_page
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prs_loader.tables import careful, schema

many = settings(max_examples=5000 if os.environ.get("PRS_TORTURE") else 100, deadline=None, derandomize=True,
                suppress_health_check=list(HealthCheck))
json_scalars = (st.none() | st.booleans() | st.integers(-9, 9) | st.integers(-(1 << 65), 1 << 65) | st.floats() |
                st.sampled_from(["", "x", "NA", "1", "2024-02-29", "2024-02-29 10:30", "é\n", "\0"]))
json_values = st.recursive(json_scalars, lambda inner: st.lists(inner, max_size=3) |
                           st.dictionaries(st.text(max_size=2), inner, max_size=2), max_leaves=4)

DAY = datetime.datetime(2024, 2, 29)


def schema_of(layout, **more):
    """layout: "name:type name:type", a type with ? had nulls in the sample."""
    items = []
    for word in layout.split():
        name, type_ = word.split(":")
        items.append({"name": name, "type": type_.rstrip("?"), "nulls": int(type_.endswith("?"))})
    v = dict(version=1, format="delimited", delimiter=",", encoding="utf8", empty="null", sampled=1, fields=len(items),
             columns=items)
    return schema.read(json.dumps(dict(v, **more)))


def read(text, layout, mixed=False, first_line=1, drop=False, **more):
    data = text if isinstance(text, bytes) else text.encode()
    return careful.read(data, schema_of(layout, **more), mixed, first_line, drop)


def lines(text, layout, **more):
    return read(text, layout, format="jsonl", **more)


def columns_of(table):
    return {c.name: (c.kind, c.values) for c in table.columns}


def refused(call, *args, **more):
    with pytest.raises(careful.Misfit) as e:
        call(*args, **more)
    return e.value


# ---- types


def test_types():
    t = read("1,1.5,true,2024-02-29,x\n-0,-0,FALSE,2024-02-29 10:30:00.5,NA\n", "i:int f:float b:bool d:date s:string")
    assert repr(columns_of(t)) == repr({
        "i": ("int", [1, 0]), "f": ("float", [1.5, -0.0]), "b": ("bool", [True, False]),
        "d": ("date", [DAY, DAY + datetime.timedelta(hours=10, minutes=30, microseconds=500000)]),
        "s": ("string", ["x", "NA"])})
    assert t.rows == 2 and t.short == (0, 0) and [c.widened for c in t.columns] == [None] * 5


def test_nulls():
    t = read(",NA, ,,\n", "i:int f:float b:bool d:date s:string")
    assert columns_of(t) == {"i": ("float", [None]), "f": ("float", [None]), "b": ("object", [None]),
                             "d": ("date", [None]), "s": ("string", [None])}
    assert {c.name: c.widened for c in t.columns} == {"i": 0, "f": None, "b": 0, "d": None, "s": None}
    assert columns_of(read(" \n", "s:string i:int")) == {"s": ("string", [" "]), "i": ("float", [None])}
    assert columns_of(read(",\n", "s:string i:int", empty="text"))["s"] == ("string", [""])


def test_what_a_mini_batch_widens():
    t = read("1\n1E+05\n", "i:int", first_line=7)
    assert columns_of(t) == {"i": ("float", [1.0, 100000.0])} and t.columns[0].widened == 1
    assert columns_of(read("true\n", "b:bool?")) == {"b": ("object", [True])}
    assert read("true\n\"\"\n", "b:bool?").columns[0].widened is None


@pytest.mark.parametrize("text, columns, said", [
    ("1\nx\n", "i:int", 'line 2, column "i": "x" is not int'),
    ("1\n0x10\n", "i:int", 'line 2, column "i": "0x10" is not int'),
    ("1.5\n\n\nx\n", "f:float", 'line 4, column "f": "x" is not float'),
    ("\"a\nb\",1\nc,x\n", "s:string i:int", 'line 3, column "i": "x" is not int'),
    ("yes\n", "b:bool", 'line 1, column "b": "yes" is not bool'),
    ("2023-02-29\n", "d:date", 'line 1, column "d": "2023-02-29" is not date'),
    ("2024-02-29T10:00:00Z\n", "d:date", 'line 1, column "d": "2024-02-29T10:00:00Z" is not date'),
    ("9223372036854775808\n", "i:int",
     'line 1, column "i": "9223372036854775808" is not int: it needs more than 64 bits'),
    ("9007199254740993\n\"\"\n", "i:int",
     'line 1, column "i": "9007199254740993" is not int: float64 would be another number'),
    ("1.5\n9007199254740993\n", "f:float",
     'line 2, column "f": "9007199254740993" is not float: float64 would be another number'),
    ("1\n\0\n", "i:int", 'line 2, column "i": "\\u0000" has a NUL: no text file has one'),
    (b"a\n\xff\n", "s:string", "line 2, column \"s\": b'\\xff' is not text in utf8: byte 0xff"),
    ("1,2\n1,2,3\n", "a:int b:int",
     'line 2: 3 cells where the table has 2: is a quote missing, or a delimiter in a text?'),
    ("a, \"b,c\"\n", "a:string b:string",
     'line 1: 3 cells where the table has 2: is a quote missing, or a delimiter in a text?'),
    ("1,2,,\n", "a:int b:int",
     'line 1: 4 cells where the table has 2: is a quote missing, or a delimiter in a text?'),
    # the first in the file, not in the first column
    ("1,x\ny,2\n", "a:int b:int", 'line 1, column "b": "x" is not int'),
])
def test_misfits(text, columns, said):
    assert str(refused(read, text, columns)) == said


def test_where_a_misfit_stands():
    e = refused(read, "1\r\n\"2\"\r3\nx\n", "i:int", first_line=100)
    assert (e.row, e.line, e.column, e.value, e.type) == (3, 103, "i", "x", "int")
    assert len(str(refused(read, "y" * 5000 + "\n", "i:int"))) < 300


def test_integers_beyond_2_53_alone():
    assert columns_of(read("9223372036854775807\n-9223372036854775808\n", "i:int")) == {
        "i": ("int", [(1 << 63) - 1, -1 << 63])}
    assert columns_of(read("%s7\n" % ("0" * 5000), "i:int")) == {"i": ("int", [7])}
    assert refused(read, "9" * 5000, "i:int").column == "i"


def test_lines_of_rows():
    data = b"1\r\n\n\"a\nb\"\rc\n"
    assert [careful.line_of(data, schema_of("s:string"), row, 10) for row in range(3)] == [10, 12, 14]
    s = schema_of("s:string", format="jsonl")
    assert [careful.line_of(b"{}\n \n{}\n", s, row, 10) for row in range(2)] == [10, 12]


def test_mixed_types():
    t = read("1,2024-02-29,1.5,true\nx,y,9007199254740993,z\n,,,\n", "i:int d:date f:float b:bool", mixed=True)
    assert columns_of(t) == {"i": ("object", [1, "x", None]), "d": ("object", [DAY, "y", None]),
                             "f": ("object", [1.5, "9007199254740993", None]), "b": ("object", [True, "z", None])}
    assert columns_of(read("9007199254740993\n\"\"\n", "i:int", mixed=True)) == {
        "i": ("object", [9007199254740993, None])}
    assert columns_of(read("1\n\"\"\n", "i:int", mixed=True)) == {"i": ("float", [1.0, None])}
    for text in ("1\0\n", "1,2,3\n", b"\xff\n"):
        assert refused(read, text, "i:string", mixed=True).line == 1


# ---- records


def test_short_and_long_records():
    t = read("1,2\n3\n4,5,\n6\n", "a:int b:int")
    assert columns_of(t) == {"a": ("int", [1, 3, 4, 6]), "b": ("float", [2.0, None, 5.0, None])}
    assert t.short == (2, 2)


def test_fields():
    columns = [{"name": "a", "type": "int", "nulls": 0, "field": 2},
               {"name": "b", "type": "int", "nulls": 1, "field": None},
               {"name": "c", "type": "string", "nulls": 0, "field": 0}]
    assert columns_of(read("x,y,7\n", "a:int", fields=3, columns=columns)) == {
        "a": ("int", [7]), "b": ("float", [None]), "c": ("string", ["x"])}


@pytest.mark.parametrize("encoding, raw, text", [
    ("utf8", "ß€".encode(), "ß€"), ("latin1", b"\xdf\x80", "ß\x80"), ("windows1252", b"\xdf\x80", "ß€")])
def test_encodings(encoding, raw, text):
    assert columns_of(read(raw + b"\n", "s:string", encoding=encoding)) == {"s": ("string", [text])}


def test_bytes_that_windows_1252_has_not():
    assert str(refused(read, b"\x81\n", "s:string", encoding="windows1252")) == (
        "line 1, column \"s\": b'\\x81' is not text in windows1252: byte 0x81")


def test_an_open_quote_is_no_slice():
    with pytest.raises(ValueError):
        read('a\n"b\n', "s:string")
    with pytest.raises(ValueError):
        read('a\n"b""', "s:string")


@pytest.mark.parametrize("text", [
    "", "\n", "\r", "\n\r\n", "a", "a\n\nb", "a\r\rb\r", '"a\nb"\n"c"', ' \n\t\n', '""\n""', 'a"b\n"c"d\n',
    '"a""\n""b"\n\n'])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", " ", "|", "^", "]", "-", "\\"])
def test_as_many_rows_as_the_engine_counts(core, text, delimiter):
    for raw in (text, text.replace("b", delimiter), text.replace("\n", delimiter)):
        found = list(careful.Records(raw.encode(), delimiter.encode()))
        assert len(found) == core.rows(raw.encode(), delimiter.encode())


def test_types_of_the_engine_fit(core):
    """Every column of the page: read with the type that the engine gives it nothing is a misfit."""
    rows = [r for r in tables_page.examples(tables_page.TYPES) if r[0]]
    assert len(rows) >= 19
    for cells, type_ in rows:
        text = "".join(['"%s"\n' % c for c in ["name", *cells]]).encode()
        n, said = core.table(text)
        s = schema.read(said)
        assert n == len(cells) and [c.type for c in s.columns] == [type_]
        table = careful.read(text[len('"name"\n'):], s, first_line=2)
        assert table.rows == n and table.columns[0].widened is None
        assert table.columns[0].kind in (type_, "object" if type_ == "bool" else type_)


# ---- JSON lines


def test_json_lines():
    t = lines('{"i": 1, "f": 1, "b": true, "s": "é", "d": "2024-02-29", "o": [1]}\n\n{"o": {"x": null}, "f": NaN}\n',
              "i:int f:float b:bool s:string d:date o:object")
    assert columns_of(t) == {"i": ("float", [1.0, None]), "f": ("float", [1.0, None]), "b": ("object", [True, None]),
                             "s": ("string", ["é", None]), "d": ("date", [DAY, None]),
                             "o": ("object", [[1], {"x": None}])}
    assert t.rows == 2 and t.columns[0].widened == 1


@pytest.mark.parametrize("text, said", [
    ('{"i": "1"}\n', 'line 1, column "i": "1" is not int'),
    ('{"i": true}\n', 'line 1, column "i": True is not int'),
    ('{"i": 9223372036854775808}\n', 'line 1, column "i": 9223372036854775808 is not int: it needs more than 64 bits'),
    ('{"s": 1}\n', 'line 1, column "s": 1 is not string'),
    ('{"s": "\\ud800"}\n', None),
    ('{"d": "NA"}\n', 'line 1, column "d": "NA" is not date'),
    ('{"i": 1}\n[1]\n', 'line 2: "[1]" is not a JSON object: it is no object'),
    ('{"i": 1\n', None),
    ('{"i": 1} x\n', None),
    ('[' * 100000 + '\n', None),
    (b'{"s": "\xff"}\n', None),
])
def test_misfits_of_json_lines(text, said):
    e = refused(lines, text, "i:int s:string d:date")
    assert said is None or str(e) == said


def test_dropped_lines():
    t = lines('x\n{"i": 1}\ny\n{"i": 2, "new": 1}\n', "i:int", drop=True, first_line=5)
    assert columns_of(t) == {"i": ("int", [1, 2])}
    assert t.rows == 4 and t.dropped == (2, 5) and t.unknown == {"new": 8}
    e = refused(lines, 'x\n{"i": "a"}\n', "i:int", drop=True)
    assert (e.row, e.line) == (1, 2)


def test_types_of_the_engine_fit_json_lines(core):
    rows = tables_page.examples(tables_page.OBJECTS)
    assert len(rows) >= 15
    for texts, expected in rows:
        data = "\n".join(texts).encode()
        n, said = core.objects(data)
        s = schema.read(said)
        assert n == len(texts) and ["%s %s %d" % (c.name, c.type, c.nulls) for c in s.columns] == expected
        table = careful.read(data, s)
        assert table.rows == n and table.unknown == {} and [c.widened for c in table.columns] == [None] * len(expected)
        for c, read in zip(s.columns, table.columns):
            assert read.kind == ("object" if c.type == "bool" and c.nulls else c.type)
            assert read.values.count(None) == c.nulls


@many
@given(rows=st.lists(st.dictionaries(st.sampled_from(["a", "b", "", "é", "\n\"\\"]), json_values, max_size=4),
                     max_size=6),
       ascii=st.booleans(), end=st.sampled_from(["\n", "\r\n", "\n\n", "\n \n"]))
def test_types_of_the_engine_fit_any_json_lines(core, rows, ascii, end):
    data = end.join(json.dumps(row, ensure_ascii=ascii) for row in rows).encode()
    n, said = core.objects(data)
    s = schema.read(said)
    table = careful.read(data, s)
    assert n == table.rows == len(rows) and table.unknown == {}
    assert {c.name for c in s.columns} == {name for row in rows for name in row}
    for c in table.columns:
        assert c.widened is None
        if c.kind in ("string", "object"):
            assert repr(c.values) == repr([row.get(c.name) for row in rows])


# ---- the schema


@pytest.mark.parametrize("more", [{"version": 2}, {"format": "avro"}, {"encoding": "utf16"}, {"empty": "maybe"},
                                  {"delimiter": None}, {"columns": [{"name": "a", "type": "decimal", "nulls": 0}]},
                                  {"columns": [{"name": "a"}]}])
def test_schemas_of_another_version(more):
    with pytest.raises(schema.SchemaError):
        schema_of("a:int", **more)
