# SPDX-License-Identifier: Apache-2.0
"""Rows of Parquet files as frames: what pandas.read_parquet says of the whole file, in any pieces; footers as the engine
asks for them."""
import datetime
import decimal
import json
import os
import struct

import pytest

pa = pytest.importorskip("pyarrow")
pd = pytest.importorskip("pandas")
pq = pytest.importorskip("pyarrow.parquet")

from hypothesis import given, settings, strategies as st  # noqa: E402

from prs_loader import batch, footers, wire  # noqa: E402
from prs_loader.job import Job  # noqa: E402
from prs_loader.tables import files, parquet, source  # noqa: E402

settings.register_profile("parquet", deadline=None, max_examples=50)
settings.load_profile("parquet")


class World:
    """Files, their schema as the planner would write it, and the loader that reads their rows."""

    def __init__(self, folder):
        self.folder = str(folder)
        os.makedirs(self.folder + "/work/schema", exist_ok=True)
        self.stats = {}
        self.steps = None
        self.start()

    def start(self):
        table = {"input": 0, "format": "parquet", "steps": self.steps}
        self.tables = source.Tables(Job({"run_folder": [self.folder], "table": ["t=" + json.dumps(table)]}),
                                    lambda *note: None)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, table, **options):
        """As pyarrow writes it, or pandas."""
        if isinstance(table, pd.DataFrame):
            table.to_parquet(self.path(name), engine="pyarrow", **options)
        else:
            pq.write_table(table, self.path(name), **options)
        self.count(name)
        return self.path(name)

    def count(self, name):
        self.stats[name] = footers.stamp(os.stat(self.path(name)))

    def schema(self, name, number=0, **changes):
        """That of one file; changes: name=type or name=nulls"""
        said = Said(footers.Footers(pa, pq).answer(self.path(name).encode(), 1))
        assert not said.why, said.why
        columns = [{"name": n, "type": t, "nulls": k} for (n, t), k in zip(said.columns, said.nulls)]
        for column in columns:
            change = changes.get(column["name"])
            column["type" if isinstance(change, str) else "nulls"] = change if change is not None else column["nulls"]
        with open("%s/work/schema/%d.json" % (self.folder, number), "w") as f:
            json.dump({"version": 1, "format": "parquet", "sampled": 1, "columns": columns}, f)

    def span(self, name, row, rows, schema=0, skip=0, take=None):
        file = wire.TableFile()
        file.path, file.spool, file.schema = self.path(name).encode(), b"", schema
        file.size, file.mtime_us = self.stats[name]
        s = files.Span()
        s.file, s.offset, s.bytes, s.row, s.global_row, s.rows, s.skip = file, 0, 0, row, row, rows, skip
        s.take = rows - skip if take is None else take
        return s

    def read(self, *spans):
        first = 0
        for s in spans:
            s.first, first = first, first + s.take
        frame, gone = parquet.read(self.tables, self.tables.inputs[0], list(spans))
        assert gone == []
        assert list(frame.index) == list(range(len(frame)))
        return frame

    def rows(self, name, row, rows):
        return self.read(self.span(name, row, rows))


class Said:
    """An answer of the helper, as src/wire/footers.h describes it."""

    def __init__(self, raw):
        self.raw, self.at = raw, 1
        self.why = self.text() if raw[0] else ""
        if raw[0]:
            return
        self.size, self.mtime, self.schema, groups, columns, nulls = self.take("<QqIIII")
        self.columns = [(self.text(), self.text()) for _ in range(columns)]
        self.nulls = [self.take("<Q")[0] for _ in range(nulls)]
        self.groups = [self.take("<QQ") for _ in range(groups)]
        assert self.at == len(raw)

    def take(self, kind):
        values = struct.unpack_from(kind, self.raw, self.at)
        self.at += struct.calcsize(kind)
        return values

    def text(self):
        n, = self.take("<I")
        self.at += n
        return self.raw[self.at - n:self.at].decode()


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def shown(frame):
    """Names, types and each cell by repr."""
    return [(c, str(frame[c].dtype), [repr(v) for v in frame[c]]) for c in frame.columns]


def whole(path):
    return pd.read_parquet(path, engine="pyarrow").reset_index(drop=True)


DAY = datetime.datetime(2024, 2, 29, 10, 30)
KINDS = {
    "int64": pa.array([1, -2, 3, 4, 5]),
    "int8 and nulls": pa.array([1, None, 3, None, 5], pa.int8()),
    "uint64": pa.array([1, 2, 3, 4, 1 << 63], pa.uint64()),
    "float": pa.array([1.5, None, float("nan"), -0.0, 1e300], pa.float32()),
    "double": pa.array([1.5, 2.5, 0.1, -0.0, 1e300]),
    "bool": pa.array([True, False, True, True, False]),
    "bool and nulls": pa.array([True, None, False, None, True]),
    "string": pa.array(["a", "", "é\n\0", "d", "e"]),
    "string and nulls": pa.array(["a", None, "", None, "NA"]),
    "large_string": pa.array(["a", None, "c", "d", "e"], pa.large_string()),
    "binary": pa.array([b"a", None, b"\xff", b"", b"\0"]),
    "null": pa.array([None] * 5),
    "date": pa.array([DAY.date(), None, DAY.date(), DAY.date(), datetime.date(1, 1, 1)]),
    "timestamp": pa.array([DAY, None, DAY, DAY, DAY], pa.timestamp("us")),
    "timestamp of a zone": pa.array([DAY, None, DAY, DAY, DAY], pa.timestamp("ms", tz="Europe/Berlin")),
    "time": pa.array([DAY.time(), None, DAY.time(), DAY.time(), DAY.time()]),
    "decimal": pa.array([decimal.Decimal("1.50"), None, decimal.Decimal("2.00")] + [decimal.Decimal("-1.00")] * 2),
    "list": pa.array([[1, 2], None, [], [None], [5]]),
    "struct": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}, {"a": 4, "b": "z"}, {"a": 5, "b": ""}]),
    "category": pa.array(["a", "b", None, "a", "c"]).dictionary_encode(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_is_as_pandas_reads_it(world, kind):
    table = pa.table({"x": KINDS[kind], "n": pa.array(range(5))})
    path = world.write("a.parquet", table, row_group_size=2)
    world.schema("a.parquet")
    want = whole(path)
    assert shown(world.rows("a.parquet", 0, 5)) == shown(want)
    pieces = [world.rows("a.parquet", i, n) for i, n in ((0, 1), (1, 2), (3, 2))]
    if kind not in ("list", "struct"):  # what is in them is as pandas makes it of the nulls of a piece
        assert [c for p in pieces for c in shown(p)[0][2]] == shown(want)[0][2]
    if kind != "category":
        assert {str(p["x"].dtype) for p in pieces} == {str(want["x"].dtype)}


@pytest.mark.parametrize("frame", [
    pd.DataFrame({"x": pd.array([1, None, 3], dtype="Int64"), "y": pd.array([True, None, False], dtype="boolean")}),
    pd.DataFrame({"x": pd.array(["a", None, "c"], dtype="string"), "y": pd.Categorical(["u", "v", "u"])}),
    pd.DataFrame({"x": pd.to_datetime(["2024-02-29", None, "2024-03-01"]), "y": pd.to_timedelta([1, 2, 3], "s")}),
    pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": ["a", None, "c"]}),
], ids=lambda frame: "-".join(map(str, frame.dtypes)))
def test_types_of_pandas_come_back(world, frame):
    path = world.write("a.parquet", frame)
    world.schema("a.parquet")
    assert shown(world.rows("a.parquet", 0, 3)) == shown(whole(path))
    assert shown(world.rows("a.parquet", 0, 1))[0][:2] == shown(whole(path))[0][:2]


def test_names_are_texts_in_the_order_of_the_file(world):
    world.write("a.parquet", pa.table({"b.c": [1], "a": [{"c": 1}], "é": [2], "b": [{"c": 5}], "": [3]}))
    world.schema("a.parquet")
    assert list(world.rows("a.parquet", 0, 1).columns) == ["b.c", "a", "é", "b", ""]


INDEXES = {
    "range": (pd.RangeIndex(3), ["x"]),
    "range with a name": (pd.RangeIndex(3, name="n"), ["x"]),
    "without a name": (pd.Index(["a", "b", "c"]), ["x"]),
    "with a name": (pd.Index(["a", "b", "c"], name="key"), ["x", "key"]),
    "two": (pd.MultiIndex.from_tuples([("a", 1), ("b", 2), ("c", 3)], names=["key", None]), ["x", "key"]),
}


@pytest.mark.parametrize("kind", INDEXES)
def test_an_index_with_a_name_is_a_column(world, kind):
    index, columns = INDEXES[kind]
    world.write("a.parquet", pd.DataFrame({"x": [1, 2, 3]}, index=index))
    world.schema("a.parquet")
    frame = world.rows("a.parquet", 1, 2)
    assert list(frame.columns) == columns
    assert list(frame["x"]) == [2, 3]


# ---- rows


def numbered(world, rows=1000, groups=100, **options):
    table = pa.table({"n": pa.array(range(rows)), "s": pa.array(["%d" % i for i in range(rows)])})
    world.write("a.parquet", table, row_group_size=groups, **options)
    world.schema("a.parquet")


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(1, 100)), max_size=12), st.sampled_from([1, 7, 33, 100]),
       st.sampled_from([1, 5, 64]))
def test_any_rows_in_any_order(tmp_path_factory, wanted, groups, batch_rows):
    world = World(tmp_path_factory.mktemp("w"))
    numbered(world, 100, groups)
    parquet._BATCH_ROWS = batch_rows
    for row, n in wanted:
        n = min(n, 100 - row)
        frame = world.rows("a.parquet", row, n)
        assert list(frame["n"]) == list(range(row, row + n))
        assert list(frame["s"]) == ["%d" % i for i in range(row, row + n)]
    parquet._BATCH_ROWS = 1 << 14


def test_skip_and_take(world):
    numbered(world)
    assert list(world.read(world.span("a.parquet", 250, 100, skip=60, take=3))["n"]) == [310, 311, 312]


class Counted:
    """ParquetFile, and how often decoding began, and where."""
    began = []

    def __init__(self, *words, **more):
        self.real = REAL(*words, **more)

    def __getattr__(self, name):
        return getattr(self.real, name)

    def iter_batches(self, rows, row_groups, **more):
        self.began.append(row_groups[0])
        return self.real.iter_batches(rows, row_groups=row_groups, **more)


REAL = pq.ParquetFile


@pytest.fixture
def counted(monkeypatch):
    monkeypatch.setattr(pq, "ParquetFile", Counted)
    Counted.began = []
    return Counted


def test_a_row_group_is_decoded_once(world, counted):
    """Rows to the front go on where the last ones ended; others of the file are passed by."""
    numbered(world)
    for row in range(0, 400, 40):
        world.rows("a.parquet", row, 20)
    assert counted.began == [0, 1, 2, 3]
    before = len(counted.began)
    world.rows("a.parquet", 750, 20)  # in another row group: what lies between is not decoded
    world.rows("a.parquet", 770, 20)
    world.rows("a.parquet", 760, 20)  # back: its row group begins anew
    assert counted.began[before:] == [7, 7]


def test_no_more_than_a_batch_is_kept(world):
    """One row group of 64 MB in mini-batches of some KB."""
    rows = 1 << 14
    text = pa.array(["%d" % i + "x" * 4096 for i in range(rows)])
    world.write("a.parquet", pa.table({"s": text, "n": pa.array(range(rows))}), use_dictionary=False,
                compression="NONE")
    world.schema("a.parquet")
    assert pq.ParquetFile(world.path("a.parquet")).num_row_groups == 1
    text, most, before = None, 0, pa.total_allocated_bytes()
    for row in range(0, rows, 64):
        assert world.rows("a.parquet", row, 64)["n"].iloc[0] == row
        most = max(most, pa.total_allocated_bytes() - before)
    assert most < 32 << 20


def test_a_column_goes_when_it_is_in_the_frame(world):
    """Not the whole table of pyarrow beside the whole frame."""
    numbers = range(1 << 19)
    table = pa.table({str(t): pa.array(numbers, t) for t in (pa.int64(), pa.uint64(), pa.float64(), pa.duration("ns"))})
    world.write("a.parquet", table, use_dictionary=False)
    world.schema("a.parquet")
    before = pa.default_memory_pool()
    counted = pa.proxy_memory_pool(before)
    pa.set_memory_pool(counted)
    try:
        frame = world.rows("a.parquet", 0, len(numbers))
    finally:
        pa.set_memory_pool(before)
    assert frame["int64"].iloc[-1] == numbers[-1]
    assert counted.max_memory() < 1.6 * table.nbytes
    del frame, world.tables.arrow.stream  # before the pool that they are in
    assert counted.bytes_allocated() == 0


def test_columns_that_keep_columns_leaves_are_not_read(world):
    assert parquet.names_of(None, ["a", "b"]) == ["a", "b"]
    assert parquet.names_of([{"keep_columns": ["c", "a"]}], ["a", "b", "c"]) == ["a", "c"]
    assert parquet.names_of([{"take": 5}, {"keep_columns": ["a"]}], ["a", "b"]) == ["a"]
    assert parquet.names_of([{"convert_column_types": [{"columns": ["b"], "type": "int"}]}, {"keep_columns": ["a"]}],
                            ["a", "b", "c"]) == ["a", "b"]
    assert parquet.names_of([{"filter": 'col("b") > 1'}, {"keep_columns": ["a"]}], ["a", "b"]) == ["a", "b"]
    assert parquet.names_of([{"drop_columns": ["b"]}, {"keep_columns": ["a"]}], ["a", "b"]) == ["a", "b"]
    world.steps = [{"keep_columns": ["s"]}]
    world.start()
    numbered(world)
    assert list(world.rows("a.parquet", 0, 5).columns) == ["s"]


def test_a_frame_can_be_written_to(world):
    world.write("a.parquet", pa.table({"x": pa.array([1.5, 2.5, 3.5])}), use_dictionary=False)
    world.schema("a.parquet")
    frame = world.rows("a.parquet", 0, 3)
    frame.loc[0, "x"] = 7.0
    assert list(frame["x"]) == [7.0, 2.5, 3.5]


# ---- one type per column


def test_nulls_of_the_sample_say_the_type_of_all(world):
    world.write("a.parquet", pa.table({"i": pa.array([1, 2, None]), "b": pa.array([True, False, None])}))
    world.schema("a.parquet")
    frame = world.rows("a.parquet", 0, 2)
    assert str(frame["i"].dtype) == "float64" and str(frame["b"].dtype) == "object"
    world.schema("a.parquet", i=0, b=0)
    world.start()
    frame = world.rows("a.parquet", 0, 2)
    assert str(frame["i"].dtype) == "int64" and str(frame["b"].dtype) == "bool"
    frame = world.rows("a.parquet", 0, 3)
    assert str(frame["i"].dtype) == "float64" and str(frame["b"].dtype) == "object"


WIDER = [(pa.array([1, 2], pa.int32()), "int64", "int64"), (pa.array([1, 2]), "double", "float64"),
         (pa.array([1.5, 2.5], pa.float32()), "double", "float64"), (pa.array([None, None]), "double", "float64"),
         (pa.array([DAY, DAY], pa.timestamp("ms")), "timestamp[us]", None),
         (pa.array([DAY, DAY], pa.timestamp("ms", tz="UTC")), "timestamp[us, tz=UTC]", None),
         (pa.array(["a", "b"]).dictionary_encode(), "string", None), (pa.array(["a", "b"], pa.large_string()), "string", None)]


@pytest.mark.parametrize("column,type_,dtype", WIDER, ids=lambda v: str(getattr(v, "type", v)))
def test_a_file_of_a_narrower_type(world, column, type_, dtype):
    world.write("a.parquet", pa.table({"x": column}))
    world.schema("a.parquet", x=type_)
    if type_ not in ("double", "int64"):
        target = parquet.Arrow.type_of(world.tables.arrow, type_)
        want = World(world.path("other"))
        want.write("b.parquet", pa.table({"x": column.cast(target)}))
        dtype = str(whole(want.path("b.parquet"))["x"].dtype)
    assert str(world.rows("a.parquet", 0, 2)["x"].dtype) == dtype


def test_a_null_column_of_a_wider_table_and_the_reverse(world):
    world.write("a.parquet", pa.table({"x": pa.array(["a", "b"])}))
    world.schema("a.parquet", x="null")
    assert list(world.rows("a.parquet", 0, 2)["x"]) == ["a", "b"]


@pytest.mark.parametrize("value", [(1 << 53) + 1, -(1 << 53) - 1, 1 << 62, -(1 << 63)])
def test_an_integer_that_float64_does_not_hold(world, value):
    world.write("a.parquet", pa.table({"x": pa.array([1, 2, 3, value, None])}), row_group_size=3)
    world.schema("a.parquet", x=0)
    assert list(world.rows("a.parquet", 3, 1)["x"]) == [value]
    with pytest.raises(batch.ValueMisfit) as e:
        world.read(world.span("a.parquet", 0, 5, skip=1))
    assert e.value.row == 2
    assert str(e.value).startswith('%s row 4, column "x": %d is int, and beside the nulls of its column'
                                   % (world.path("a.parquet"), value))


def test_the_largest_integer_that_it_holds(world):
    world.write("a.parquet", pa.table({"x": pa.array([1 << 53, -(1 << 53), None])}))
    world.schema("a.parquet")
    assert list(world.rows("a.parquet", 0, 2)["x"]) == [2.0 ** 53, -2.0 ** 53]


def test_spans_of_several_files(world):
    world.write("a.parquet", pa.table({"x": pa.array([1, 2, 3]), "y": pa.array(["a", "b", "c"])}))
    world.write("b.parquet", pa.table({"y": pa.array(["d"]), "x": pa.array([4], pa.int8())}))
    world.write("c.parquet", pa.table({"x": pa.array([5.5]), "y": pa.array(["e"])}))
    world.schema("a.parquet")
    world.schema("a.parquet", 1, x="double")
    frame = world.read(world.span("a.parquet", 1, 2), world.span("b.parquet", 0, 1))
    assert shown(frame)[0] == ("x", "int64", [repr(v) for v in pd.Series([2, 3, 4])])
    frame = world.read(world.span("a.parquet", 0, 2), world.span("c.parquet", 0, 1, schema=1))
    assert str(frame["x"].dtype) == "float64" and list(frame["x"]) == [1.0, 2.0, 5.5]
    assert list(frame.columns) == ["x", "y"] and list(frame["y"]) == ["a", "b", "e"]


# ---- what moved


def moved(world, name="a.parquet", row=5, rows=10):
    with pytest.raises(batch.InputMoved) as e:
        world.rows(name, row, rows)
    return str(e.value)


def test_a_file_that_is_not_as_it_was(world):
    numbered(world)
    path = world.path("a.parquet")
    world.rows("a.parquet", 0, 5)
    st = os.stat(path)
    os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns + 1000))
    assert moved(world) == "%s was written to since its rows were counted" % path
    os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))
    world.rows("a.parquet", 5, 5)
    with open(path, "ab") as f:
        f.write(b"x")
    assert "had %d when its rows were counted" % st.st_size in moved(world)
    os.unlink(path)
    assert moved(world) == "%s is gone since its rows were counted" % path


def test_another_file_of_that_name(world):
    """Of the same size and time: it is opened anew."""
    numbered(world)
    path = world.path("a.parquet")
    assert list(world.rows("a.parquet", 0, 1)["n"]) == [0]
    st = os.stat(path)
    with open(path, "rb") as f:
        data = f.read()
    os.unlink(path)
    with open(path, "wb") as f:
        f.write(data)
    os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))
    assert list(world.rows("a.parquet", 1, 1)["n"]) == [1]


def test_fewer_rows_than_were_counted(world):
    numbered(world, 10)
    assert moved(world, row=5, rows=6) == "%s has fewer rows since its rows were counted" % world.path("a.parquet")


def test_damage_in_the_middle(world):
    """It names the file and the rows, and the process reads on."""
    numbered(world, 1000, 100, compression="snappy", use_dictionary=False)
    path = world.path("a.parquet")
    meta = pq.ParquetFile(path).metadata
    at = meta.row_group(3).column(0).data_page_offset
    with open(path, "r+b") as f:
        f.seek(at)
        f.write(b"\xff" * 60)
    world.count("a.parquet")
    with pytest.raises(batch.LoadError) as e:
        world.rows("a.parquet", 310, 5)
    assert str(e.value).startswith("%s: rows 311 to 315 cannot be read: " % path)
    assert list(world.rows("a.parquet", 299, 1)["n"]) == [299]
    assert list(world.rows("a.parquet", 400, 2)["n"]) == [400, 401]


# ---- footers


def ask(world, name, flags=1):
    return Said(footers.Footers(pa, pq).answer(world.path(name).encode(), flags))


def test_a_footer(world):
    table = pa.table({"x": pa.array([1, None, 3]), "l": pa.array([[1], None, []]), "s": pa.array(["a", None, None])})
    world.write("a.parquet", table, row_group_size=2)
    said = ask(world, "a.parquet")
    assert said.columns[0] == ("x", "int64") and said.columns[1][0] == "l" and said.columns[2] == ("s", "string")
    assert said.nulls == [1, 0, 2]
    assert [rows for rows, _ in said.groups] == [2, 1]
    meta = pq.ParquetFile(world.path("a.parquet")).metadata
    assert [size for _, size in said.groups] == [meta.row_group(i).total_byte_size for i in range(2)]
    assert (said.size, said.mtime) == world.stats["a.parquet"]
    assert ask(world, "a.parquet", 0).nulls == []


def test_a_schema_is_told_once(world):
    world.write("a.parquet", pa.table({"x": [1]}))
    world.write("b.parquet", pa.table({"x": [2]}).replace_schema_metadata({"who": "me"}))
    world.write("c.parquet", pa.table({"y": [2]}))
    f = footers.Footers(pa, pq)
    said = [Said(f.answer(world.path(name).encode(), 0)) for name in ("a.parquet", "b.parquet", "c.parquet", "c.parquet")]
    assert [(s.schema, len(s.columns)) for s in said] == [(0, 1), (0, 0), (1, 1), (1, 0)]


def test_the_index_without_a_name_is_no_column(world):
    world.write("a.parquet", pd.DataFrame({"x": [1]}, index=["a"]))
    assert [name for name, _ in ask(world, "a.parquet").columns] == ["x"]
    world.write("b.parquet", pa.table({"__index_level_0__": [1]}))  # nobody says that it is an index
    assert [name for name, _ in ask(world, "b.parquet").columns] == ["__index_level_0__"]


def write_raw(world, name, data):
    with open(world.path(name), "wb") as f:
        f.write(data)


def test_footers_that_are_none(world):
    world.write("a.parquet", pa.table({"x": list(range(1000))}))
    with open(world.path("a.parquet"), "rb") as f:
        data = f.read()
    cases = {"empty": b"", "text": b"a,b\n1,2\n" * 10, "cut": data[:-100], "front": data[:50],
             "length": data[:-8] + b"\xff\xff\xff\x7fPAR1", "zeros": data[:-8 - 200] + b"\0" * 200 + data[-8:]}
    for name, raw in cases.items():
        write_raw(world, name, raw)
        said = ask(world, name)
        assert said.why.startswith("its footer cannot be read: "), (name, said.why)
        assert "\n" not in said.why
    assert ask(world, "nothing").why == "No such file or directory"
    os.mkdir(world.path("folder"))
    assert ask(world, "folder").why == "Is a directory"


def test_first_rows(world):
    """What prs plan shows: texts, whatever the types are, from any row on."""
    table = pa.table({"n": list(range(10)), "t": ["a\0b", None] * 5, "d": pa.array([0] * 10, pa.timestamp("us")),
                      "o": [[1, 2]] * 10})
    pq.write_table(table, world.path("a.parquet"), row_group_size=4)
    reader, _ = footers.hello()

    def rows(first, count):
        said = reader.answer(world.path("a.parquet").encode(), 2, struct.pack("<QI", first, count))
        assert said[0] == 0 and struct.unpack_from("<I", said, 1) == (len(said) - 5,)
        return json.loads(said[5:].decode())

    assert rows(0, 2) == [{"n": "0", "t": "a b", "d": "1970-01-01 00:00:00", "o": "[1, 2]"},
                          {"n": "1", "t": None, "d": "1970-01-01 00:00:00", "o": "[1, 2]"}]
    for first in range(11):
        assert [row["n"] for row in rows(first, 3)] == [str(n) for n in range(10)[first:first + 3]]
    assert rows(100, 3) == []


def test_two_columns_of_a_name(world):
    world.write("a.parquet", pa.table([pa.array([1]), pa.array([2])], names=["x", "x"]))
    assert ask(world, "a.parquet").why == 'two of its columns are called "x"'


def test_the_words_of_the_helper():
    frame = struct.pack("<II", 1, 2) + struct.pack("<I", 2) + b"/a" + struct.pack("<I", 2) + b"/\xff"
    flags, paths, _more = footers.asked(frame)
    assert (flags, paths) == (1, [b"/a", b"/\xff"])
    _, first = footers.hello()
    assert first[0] == 0 and struct.unpack_from("<I", first, 1) == (footers.PROTOCOL,)
    assert first.endswith(pa.__version__.encode())


def test_without_pyarrow(monkeypatch):
    import sys
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    found, first = footers.hello()
    assert found is None
    assert Said(first).why.endswith(": %s -m pip install pyarrow" % sys.executable)
