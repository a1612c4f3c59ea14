# SPDX-License-Identifier: Apache-2.0
"""Parquet: what a worker makes of a mini-batch's table, and what the helper makes of all of them."""
import datetime
import decimal
import json
import os
import socket
import struct
import sys
import threading

import pytest

pd = pytest.importorskip("pandas")
pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
np = pytest.importorskip("numpy")
from prs_loader import arrow, formats, rows, table_out  # noqa: E402


class Writing:
    """The engine's side: the tables of mini-batches 0, 1, 2 ... as one file."""

    def __init__(self, path, output_format="parquet", types=()):
        ours, theirs = socket.socketpair()
        self.path, self.output_format, self.sock = str(path), output_format, ours
        self.thread = threading.Thread(target=self.serve, args=(theirs,))
        self.thread.start()
        assert self.answer()[:5] == b"\0" + struct.pack("<I", 1)
        for name, kind in types:
            self.send(1, self.text(name) + self.text(kind))

    @staticmethod
    def serve(sock):
        engine = table_out.Engine(sock)
        table_out.answer_all(engine)
        sock.close()

    @staticmethod
    def text(s):
        raw = s.encode()
        return struct.pack("<I", len(raw)) + raw

    def send(self, what, payload=b""):
        self.sock.sendall(struct.pack("<IB", len(payload) + 1, what) + payload)

    def answer(self):
        n, = struct.unpack("<I", self.sock.recv(4, socket.MSG_WAITALL))
        return self.sock.recv(n, socket.MSG_WAITALL)

    @staticmethod
    def refusal(answer):
        """(kind, text)"""
        one, kind, _errno, n = struct.unpack_from("<BBII", answer)
        assert (one, len(answer)) == (1, 10 + n)
        return kind, answer[10:].decode()

    def all(self, batches, piece=1000):
        """batches: (bytes, header bytes) each; the rows that were written, or what was refused."""
        heads = []
        for number, (data, head) in enumerate(batches):
            if data[:head] not in heads:
                heads.append(data[:head])
                self.send(2, struct.pack("<Q", number) + data[:head])
        with open(self.path, "wb") as f:
            st = os.fstat(f.fileno())
        self.send(3, struct.pack("<QQ", st.st_dev, st.st_ino) + self.text(self.output_format) + self.text(self.path))
        ready = self.answer()
        if ready[0]:
            return self.refusal(ready)
        assert len(ready) == 1 + len(heads)
        self.differs = list(ready[1:])
        try:
            for number, (data, head) in enumerate(batches):
                self.send(4, struct.pack("<QIQ", number, heads.index(data[:head]), len(data) - head))
                for at in range(head, len(data), piece):
                    self.send(5, data[at:at + piece])
            self.send(6)
        except (BrokenPipeError, ConnectionResetError):
            pass
        written = self.answer()
        if written[0]:
            return self.refusal(written)
        return struct.unpack_from("<Q", written, 1)[0]

    def close(self):
        self.sock.close()
        self.thread.join()


def of(items, types=()):
    maker = arrow.Arrow(dict(types))
    data, head, flags = maker.encode(maker.items(items)[0])
    assert flags == 2
    return data, head


@pytest.fixture
def write(tmp_path):
    started = []

    def write(*batches, output_format="parquet", types=(), late_types=None, path=None, piece=1000):
        """(what came of it, the file as a table or its text)"""
        path = path or tmp_path / ("out%d.%s" % (len(started), output_format))
        w = Writing(path, output_format, types if late_types is None else late_types)
        started.append(w)
        result = w.all([of(b, types) for b in batches], piece)
        write.differs = getattr(w, "differs", None)
        if not isinstance(result, int):
            return result, None
        return result, pq.read_table(str(path)) if output_format == "parquet" else path.read_text()

    yield write
    for w in started:
        w.close()


FRAME = pd.DataFrame({"i": [1, 2, 3], "f": [0.1, None, 3.0], "s": ["a", None, "c"], "b": [True, False, True],
                      "d": pd.to_datetime(["2024-02-29", None, "2024-03-01"])})


def test_frames_read_back_equal(write, tmp_path):
    count, _ = write(FRAME, FRAME[1:])
    assert count == 5
    whole = pd.concat([FRAME, FRAME[1:]], ignore_index=True)
    pd.testing.assert_frame_equal(pd.read_parquet(str(tmp_path / "out0.parquet")), whole)
    assert write.differs == [0]


def test_types_that_remain(write, tmp_path):
    frame = pd.DataFrame({"n": pd.array([1, None], dtype="Int64"), "z": pd.to_datetime(["2024-02-29 10:00+02:00"] * 2),
                          "v": [[0.5, 1.5], [2.5]], "st": [{"a": 1}, {"a": None}], "u": np.array([1, 2], dtype="uint8"),
                          "f4": np.array([0.1, 2], dtype="float32")})
    count, table = write(frame)
    back = pd.read_parquet(str(tmp_path / "out0.parquet"))
    assert count == 2 and str(back["n"].dtype) == "Int64" and back["n"].isna().tolist() == [False, True]
    assert table.schema.field("u").type == pa.uint8() and table.schema.field("f4").type == pa.float32()
    assert table.column("v").to_pylist() == [[0.5, 1.5], [2.5]] and table.column("st").to_pylist()[0] == {"a": 1}
    assert str(back["z"].dtype).startswith("datetime64[") and back["z"].dt.tz is not None


def test_categories_are_values(write):
    a = pd.DataFrame({"c": pd.Categorical(["x", "y", None])})
    b = pd.DataFrame({"c": pd.Categorical(["z"])})
    _, table = write(a, b)
    assert table.column("c").to_pylist() == ["x", "y", None, "z"]


def test_dicts(write):
    _, table = write([{"a": 1, "n": {"k": [1, None]}}, {"b": "x", "a": None}], [{"a": 2.5, "when": datetime.date(2024, 2, 29)}])
    assert table.column_names == ["a", "n", "b", "when"]
    assert table.column("a").to_pylist() == [1.0, None, 2.5]
    assert table.column("n").to_pylist() == ['{"k":[1,null]}', None, None]
    assert table.column("when").to_pylist() == [None, None, datetime.date(2024, 2, 29)]
    assert write.differs == [0, 1]


@pytest.mark.parametrize("first, second, kind", [
    (pa.int64(), pa.float64(), pa.float64()), (pa.int8(), pa.float32(), pa.float64()), (pa.null(), pa.string(), pa.string()),
    (pa.float64(), pa.null(), pa.float64()), (pa.int32(), pa.int64(), pa.int64()), (pa.uint8(), pa.int8(), pa.int16()),
    (pa.uint16(), pa.int64(), pa.int64()), (pa.uint64(), pa.int8(), pa.int64()), (pa.float32(), pa.float64(), pa.float64()),
    (pa.string(), pa.large_string(), pa.large_string()), (pa.date32(), pa.timestamp("ms"), pa.timestamp("ms")),
    (pa.timestamp("s"), pa.timestamp("ns"), pa.timestamp("ns")), (pa.timestamp("us", "UTC"), pa.timestamp("ms", "UTC"), pa.timestamp("us", "UTC")),
    (pa.decimal128(5, 2), pa.decimal128(6, 4), pa.decimal128(7, 4)), (pa.list_(pa.null()), pa.list_(pa.string()), pa.list_(pa.string())),
    (pa.list_(pa.int64()), pa.large_list(pa.float64()), pa.large_list(pa.float64())), (pa.duration("s"), pa.duration("us"), pa.duration("us")),
    (pa.struct([("a", pa.int64())]), pa.struct([("b", pa.string()), ("a", pa.float64())]),
     pa.struct([("a", pa.float64()), ("b", pa.string())])), (pa.time32("s"), pa.time64("us"), pa.time64("us")),
    (pa.int64(), pa.string(), None), (pa.bool_(), pa.int64(), None), (pa.timestamp("us"), pa.timestamp("us", "UTC"), None),
    (pa.string(), pa.binary(), None), (pa.list_(pa.int64()), pa.int64(), None), (pa.decimal128(38, 0), pa.decimal128(38, 9), None),
    (pa.struct([("a", pa.int64())]), pa.struct([("a", pa.string())]), None), (pa.date32(), pa.string(), None)])
def test_types_unite(first, second, kind):
    union = table_out.Union(pa)
    assert union.of(first, second) == kind
    if kind is not None and not pa.types.is_struct(kind):
        assert union.of(second, first) == kind
        assert union.of(kind, first) == kind


def test_types_that_do_not_unite(write):
    result, _ = write([{"a": 1, "x": None}], [{"a": 2, "x": 1.5}], [{"x": "text"}])
    assert result == (1, "column x is double in mini-batch 1 and string in mini-batch 2: resumed with "
                          "--output-types x=string it is text")


def test_an_integer_that_float64_does_not_hold(write):
    kind, text = write([{"x": 2**53 + 1}], [{"x": 0.5}])[0]
    assert kind == 1 and text.startswith("column x of mini-batch 0 is int64 and cannot be double, as others are: ")


def test_types_that_are_asked_for(write):
    both = ([{"x": 1, "y": 1}], [{"x": "text", "y": True}], [{"x": 0.1, "y": None}], [{"x": None}])
    for types, late in (((("x", "string"), ("y", "string")), None), ((), (("x", "string"), ("y", "string")))):
        _, table = write(*both, types=types, late_types=late)
        assert table.column("x").to_pylist() == ["1", "text", "0.1", None]
        assert table.column("y").to_pylist() == ["1", "True", None, None]
    frame = pd.DataFrame({"x": [1, "a", [2], None], "n": ["1", "2", None, "4"], "d": ["2024-02-29", None, None, "2024-02-29 10:00"]})
    _, table = write(frame, types=(("x", "string"), ("n", "int"), ("d", "date")))
    assert table.column("x").to_pylist() == ["1", "a", "[2]", None]
    assert table.column("n").to_pylist() == [1, 2, None, 4]
    assert table.column("d").to_pylist() == [datetime.datetime(2024, 2, 29), None, None, datetime.datetime(2024, 2, 29, 10)]
    with pytest.raises(ValueError, match="output_types: 'x' of column a cannot be int"):
        of([{"a": "x"}], (("a", "int"),))


def test_what_is_no_table():
    for items in (["a"], [1, 2], [{"a": 1}, "b"], [None], np.array([1, 2])):
        with pytest.raises(rows.ReturnTypeError, match="output_format parquet makes a table.*--output-format csv or jsonl"):
            of(items)
    with pytest.raises(ValueError, match="column x holds int and str.*--output-types x=string"):
        of([{"x": 1}, {"x": "a"}])
    with pytest.raises(ValueError, match="--output-types COLUMN=string"):
        of(pd.DataFrame({"x": [1, "a"]}))
    with pytest.raises(ValueError, match="no column"):
        of([{}])
    with pytest.raises(ValueError):
        of(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    assert arrow.Arrow({}).encode([]) == (b"", 0, 0)


def test_row_groups(write, tmp_path, monkeypatch):
    monkeypatch.setattr(table_out, "_GROUP_MIN", 64 << 10)
    monkeypatch.setattr(table_out, "_GROUP", 96 << 10)
    monkeypatch.setattr(table_out, "_GROUP_MAX", 128 << 10)
    sizes = [1000, 10, 30000, 5, 7000, 7000, 7000, 1]  # rows of 16 bytes
    batches = [pd.DataFrame({"a": np.arange(n), "b": np.arange(n) / 2}) for n in sizes]
    count, table = write(*batches, piece=1 << 16)
    meta = pq.ParquetFile(str(tmp_path / "out0.parquet")).metadata
    groups = [meta.row_group(i).num_rows * 16 for i in range(meta.num_row_groups)]
    assert count == sum(sizes) == meta.num_rows
    assert all(64 << 10 <= g <= 128 << 10 for g in groups[:-1]), groups
    assert table.column("a").to_pylist() == [v for n in sizes for v in range(n)]
    write(*batches, piece=777)
    assert (tmp_path / "out0.parquet").read_bytes() == (tmp_path / "out1.parquet").read_bytes()


def test_as_text(write):
    batches = [[{"a": 1, "b": "x, y"}], [{"a": "text", "c": datetime.datetime(2024, 2, 29, 10)}], FRAME[:1]]
    count, text = write(*batches, output_format="jsonl")
    assert count == 3
    assert [json.loads(line) for line in text.splitlines()] == [
        {"a": 1, "b": "x, y"}, {"a": "text", "c": "2024-02-29T10:00:00"},
        {"i": 1, "f": 0.1, "s": "a", "b": True, "d": "2024-02-29T00:00:00"}]
    _, text = write(*batches, output_format="csv")
    assert text == ('a,b,c,i,f,s,d\n1,"x, y",,,,,\ntext,,2024-02-29 10:00:00,,,,\n,True,,1,0.1,a,2024-02-29 00:00:00\n')
    _, text = write(*batches, output_format="tsv", types=())
    assert text.splitlines()[0] == "a\tb\tc\ti\tf\ts\td"


def test_decimals_and_others_as_lines(write):
    _, text = write([{"d": decimal.Decimal("1.10"), "y": b"x", "t": datetime.time(1, 2)}], output_format="jsonl")
    assert json.loads(text) == {"d": "1.10", "y": "x", "t": "01:02:00"}
    nanos = pd.DataFrame({"t": pd.to_datetime(["2024-02-29 00:00:00.000000001"])})
    _, text = write(nanos, output_format="csv")
    assert text == "t\n2024-02-29 00:00:00\n"


def test_another_file_of_that_name(tmp_path):
    w = Writing(tmp_path / "x")
    (tmp_path / "x").write_bytes(b"")
    data, head = of([{"a": 1}])
    w.send(2, struct.pack("<Q", 0) + data[:head])
    w.send(3, struct.pack("<QQ", 1, 2) + w.text("parquet") + w.text(w.path))
    assert "another file" in w.refusal(w.answer())[1]
    w.close()
    w = Writing(tmp_path / "gone" / "x")
    w.send(3, struct.pack("<QQ", 1, 2) + w.text("parquet") + w.text(w.path))
    assert w.refusal(w.answer()) == (2, "writing the output")
    w.close()


def test_many_small_tables(write, monkeypatch):
    monkeypatch.setattr(table_out, "_TABLES_MAX", 7)
    monkeypatch.setattr(table_out, "_GROUP_MIN", 1500)
    monkeypatch.setattr(table_out, "_GROUP", 2000)
    monkeypatch.setattr(table_out, "_GROUP_MAX", 3000)
    count, table = write(*[[{"a": n, "b": str(n)}] for n in range(300)])
    assert count == 300 and table.column("a").to_pylist() == list(range(300))


def test_a_full_disk():
    w = Writing("/dev/full")
    st = os.stat("/dev/full")
    data, head = of([{"a": 1}])
    w.send(2, struct.pack("<Q", 0) + data[:head])
    w.send(3, struct.pack("<QQ", st.st_dev, st.st_ino) + w.text("parquet") + w.text(w.path))
    answer = w.answer()
    assert answer[:6] == struct.pack("<BBI", 1, 2, 28)
    w.close()


def test_a_disk_that_fills_up(write, monkeypatch):
    """A row group is written while the next one is gathered: what goes wrong with it is not lost."""
    monkeypatch.setattr(table_out, "_GROUP_MIN", 1500)
    monkeypatch.setattr(table_out, "_GROUP", 2000)
    monkeypatch.setattr(table_out, "_GROUP_MAX", 3000)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    for count in (100, 1000):  # at the end, and before
        result, _ = write(*[[{"a": n, "b": str(n)}] for n in range(count)])
        assert result == (2, "writing the output")


def test_nonsense_is_told(tmp_path):
    w = Writing(tmp_path / "x")
    w.send(2, struct.pack("<Q", 0) + b"no schema")
    kind, text = w.refusal(w.answer())
    assert kind == 0 and text.startswith("the process that writes the output failed: ")
    w.close()


def test_without_pyarrow(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match="%s -m pip install pyarrow" % sys.executable):
        arrow.Arrow({})
    with pytest.raises(table_out.Trouble) as e:
        table_out._library()
    assert e.value.kind == 3


def test_formats_know_types():
    maker = formats.of_job("csv", {}, {"x": "string", "n": "int"})
    data, head, _ = maker.encode(pd.DataFrame({"x": [1, None], "n": ["1", None]}))
    assert data[head:] == b"1.0,1\n,\n"
    maker = formats.of_job("jsonl", {}, {"x": "string", "f": "float", "b": "bool", "d": "date"})
    assert maker.encode([{"x": 1, "f": "2", "b": "true", "d": "2024-02-29"}, {"x": None}])[0] == (
        b'{"x":"1","f":2.0,"b":true,"d":"2024-02-29T00:00:00"}\n{"x":null}\n')
