# SPDX-License-Identifier: Apache-2.0
"""Tasks of slices become frames: parts, groups, what moved, what does not fit; in the pandas at hand."""
import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prs_loader import batch, wire
from prs_loader.job import Job
from table_tasks import Table

pandas = pytest.importorskip("pandas")

from prs_loader.tables import source  # noqa: E402

many = settings(max_examples=2000 if os.environ.get("PRS_TORTURE") else 60, deadline=None, derandomize=True,
                suppress_health_check=list(HealthCheck))


def columns(layout):
    return [{"name": word.split(":")[0], "type": word.split(":")[1], "nulls": 0} for word in layout.split()]


def schema_of(layout, **more):
    """layout: "name:type name:type" """
    return dict({"version": 1, "format": "delimited", "delimiter": ",", "encoding": "utf8", "empty": "null",
                 "sampled": 1, "fields": len(layout.split()), "columns": columns(layout)}, **more)


def table(tmp_path, layout, text, *rows, front=b"", **about):
    """A table of one file; rows: of each slice, lines"""
    t = Table(tmp_path, **about)
    t.schema(schema_of(layout))
    lines = text.encode().splitlines(True)
    slices, at = [], 0
    for n in rows or (len(lines),):
        slices.append((b"".join(lines[at:at + n]), n))
        at += n
    t.file("t.csv", text.encode(), slices, front)
    return t


def tables(t):
    return source.Tables(Job({key: [value] for key, value in t.setup().items()}), lambda *note: None)


def run(t, files, *args, **more):
    """(frame, context, left out)"""
    raw = t.task(files, *args, **more)
    return tables(t).read(wire.task(1, raw, 0, len(raw)))


def refused(kind, t, files, *args, **more):
    with pytest.raises(kind) as e:
        run(t, files, *args, **more)
    return e.value


def values(frame):
    return [[name] + [repr(v) for v in frame[name].tolist()] for name in frame.columns]


# ---- frames


def test_a_slice(tmp_path):
    t = table(tmp_path, "a:int b:string", "1,x\n2,y\n3,z\n", 2, 1, front=b"a,b\n")
    frames = [run(t, files, number=i) for i, files in enumerate(t.mini_batches())]
    assert [f["a"].tolist() for f, _, _ in frames] == [[1, 2], [3]]
    assert [f.index.tolist() for f, _, _ in frames] == [[0, 1], [0]]
    assert [(c.minibatch_index, c.global_row_index_lower_bound) for _, c, _ in frames] == [(0, 0), (1, 2)]
    assert [c.partition_key_value for _, c, _ in frames] == [None, None]
    assert [n for _, _, n in frames] == [0, 0]


def test_a_group_of_ranges_of_many_files(tmp_path):
    """Ranges without a line end at the end; keys."""
    t = Table(tmp_path)
    t.schema(schema_of("a:int"))
    t.file("x.csv", b"1\n2\n3\n4", [(b"1\n", 1), (b"4", 1)], b"a\n")
    t.file("y.csv", b"5\r6", [(b"5\r", 1), (b"6", 1)])
    frame, context, _ = run(t, t.files, keys=b"day\0d2024-02-29T00:00:00\0n\0i7\0")
    assert frame["a"].tolist() == [1, 4, 5, 6]
    assert list(context.partition_key_value.items())[1] == ("n", 7)
    for skip in range(4):
        for items in range(1, 5 - skip):
            frame, context, _ = run(t, t.files, skip, items)
            assert frame["a"].tolist() == [1, 4, 5, 6][skip:skip + items]
            assert frame.index.tolist() == list(range(items))


def test_a_part_is_cut_out_before_it_is_typed(tmp_path):
    t = Table(tmp_path)
    t.schema(schema_of("a:int b:string"))
    text = b"1,x\nbad,y\n\n3,\"z\n\"\n,w\n"
    t.file("t.csv", text, [(text, 4)])
    files = t.mini_batches()[0]
    assert values(run(t, files, 0, 1)[0]) == [["a", "1"], ["b", "'x'"]]
    assert values(run(t, files, 2, 1)[0]) == [["a", "3"], ["b", "'z\\n'"]]
    assert run(t, files, 2, 2)[0]["a"].dtype == "float64"
    assert refused(batch.ValueMisfit, t, files, 0, 3).row == 1
    assert refused(batch.ValueMisfit, t, files, 1, 1).row == 0
    assert [refused(batch.ValueMisfit, t, files, skip, 3 - skip).bad_item for skip in (0, 1)] == [2, 2]


def test_files_with_another_order_of_columns(tmp_path):
    t = Table(tmp_path)
    t.schema(schema_of("a:int b:string"))
    other = columns("a:int b:string")
    for column, field in zip(other, (1, 0)):
        column["field"] = field
    t.schema(schema_of("a:int b:string", columns=other))
    t.file("x.csv", b"1,x\n", [(b"1,x\n", 1)])
    t.file("y.csv", b"y,2\nz,3\n", [(b"y,2\nz,3\n", 2)], schema=1)
    frame, _, _ = run(t, t.files)
    assert values(frame) == [["a", "1", "2", "3"], ["b", "'x'", "'y'", "'z'"]]
    assert str(frame["a"].dtype) == "int64" and frame["b"].dtype == pandas.Series(["x"]).dtype


def two_orders(tmp_path, first, second, **about):
    t = Table(tmp_path, **about)
    for field in (0, 1):
        column = dict(columns("a:int")[0], field=field)
        t.schema(schema_of("a:int", columns=[column], fields=2))
    t.file("x.csv", first, [(first, first.count(b"\n"))])
    t.file("y.csv", second, [(second, second.count(b"\n"))], schema=1)
    return t


def test_columns_that_are_widened_in_one_file_only(tmp_path):
    t = two_orders(tmp_path, b"1,\n2,\n", b",3\n,\n")
    frame, _, _ = run(t, t.files)
    assert values(frame) == [["a", "1.0", "2.0", "3.0", "nan"]] and str(frame["a"].dtype) == "float64"
    wide = (1 << 53) + 1
    t = two_orders(tmp_path / "wide", b"1,\n%d,\n" % wide, b",3\n,\n")
    e = refused(batch.ValueMisfit, t, t.files)
    assert e.row == 1 and str(e).startswith(t.files[0][0] + " line 2, column \"a\": %d is not int: float64 would" % wide)
    t = two_orders(tmp_path / "mixed", b"1,\n%d,\n" % wide, b",3\n,\n", mixed=True)
    assert values(run(t, t.files)[0]) == [["a", "1", str(wide), "3.0", "None"]]


# ---- what does not fit


@pytest.mark.parametrize("text, row, line, words", [
    ("1,x\nbad,y\n", 1, 3, 'column "a": "bad" is not int; say what the column is with convert_column_types, or'),
    ("\r\n1,x\r\rbad,y\r\n", 1, 5, 'column "a": "bad" is not int'),
    ("1,\"x\r\ny\n\"\n2,\"\n\"\nbad,\n", 2, 7, 'column "a": "bad" is not int'),
    ("1,x,\n2,y,z\n", 1, 3, '3 cells where the table has 2'),
])
def test_file_line_column_value_and_type(tmp_path, text, row, line, words):
    t = Table(tmp_path)
    t.schema(schema_of("a:int b:string"))
    t.file("t.csv", text.encode(), [(text.encode(), row + 1)], b"a,b\n")
    e = refused(batch.ValueMisfit, t, t.files)
    assert e.row == row
    assert str(e).startswith("%s line %d" % (t.files[0][0], line)) and words in str(e)
    assert ("convert_column_types" in str(e)) == ("is not int" in words)


@pytest.mark.parametrize("about, words, not_words", [
    ({}, ["say what the column is with convert_column_types, or leave"], ["MLTable"]),
    ({"by_ending": True}, ["--amlbi_dataframe_mixed_types True, or say", "a file MLTable beside the data"], ["convert_"]),
    ({"steps": [{"convert_column_types": [{"columns": ["b", "a"], "type": "int"}]}]},
     ["convert_column_types makes that of the column: write another type there"], ["MLTable", "say what"]),
    ({"steps": [{"filter": 'col("a") != 0'}, {"convert_column_types": [{"columns": ["b"], "type": "int"}]}]},
     ["column \"b\": \"x\" is not int; convert_column_types makes that", "another type"], ["MLTable"]),
])
def test_the_ways_out(tmp_path, about, words, not_words):
    """Nobody is told to write what stands there already, or where nothing is written."""
    bad = b"1,x\n" if "filter" in str(about) else b"bad,1\n"
    t = Table(tmp_path, **about)
    t.schema(schema_of("a:int b:string" if b"x" in bad else "a:int b:int"))
    t.file("t.csv", bad, [(bad, 1)])
    said = str(refused(batch.ValueMisfit, t, t.files))
    assert all(w in said for w in words) and not any(w in said for w in not_words), said


def test_the_line_is_that_of_the_file(tmp_path, monkeypatch):
    """Of a later slice, of the second file of a group, whatever blocks are counted."""
    from prs_loader.tables import files, slices

    t = Table(tmp_path)
    t.schema(schema_of("a:int"))
    t.file("x.csv", b"1\r\n2\n\n3\r4\r\n5\n", [(b"1\r\n2\n", 2), (b"5\n", 1)], b"\"a\n\"\r\n")
    t.file("y.csv", b"6\nbad", [(b"6\nbad", 2)])
    for block in (1, 2, 3, 1 << 20):
        monkeypatch.setattr(slices, "_COUNT_BYTES", block)
        assert str(refused(batch.ValueMisfit, t, t.files)).startswith(t.files[1][0] + " line 2, ")
        t.files[0][1][1] = t.files[0][1][1][:1] + (2,) + t.files[0][1][1][2:]
        raw, all_ = t.task(t.files[:1]), tables(t)
        spans = files.spans_of(wire.task(1, raw, 0, len(raw)))
        pieces = slices.pieces_of(all_, all_.inputs[0], spans)
        assert slices.place_of_line(all_, pieces, 3) == t.files[0][0] + " line 8"
        assert slices.place_of_line(all_, pieces, 1) == t.files[0][0] + " line 3"


def test_mixed_types(tmp_path):
    t = table(tmp_path, "a:int b:bool", "1,true\nbad,\n", mixed=True)
    assert values(run(t, t.files)[0]) == [["a", "1", "'bad'"], ["b", "True", "None"]]


def test_records_that_fit_no_table_are_dropped(tmp_path):
    text = "1,x\n2,y,z\n\0,\n3,w\n"
    t = table(tmp_path, "a:int b:string", text, drop_invalid=True)
    frame, _, removed = run(t, t.files)
    assert values(frame) == [["a", "1", "3"], ["b", "'x'", "'w'"]] and removed == 2 and frame.index.tolist() == [0, 1]
    t = table(tmp_path / "all", "a:int b:string", "1,x,y\n", drop_invalid=True)
    frame, _, removed = run(t, t.files)
    assert len(frame) == 0 and list(frame.columns) == ["a", "b"] and removed == 1


# ---- what moved


def rewrite(path, data, times=None):
    now = os.stat(path)
    with open(path, "wb") as f:
        f.write(data)
    os.utime(path, ns=times or (now.st_atime_ns, now.st_mtime_ns))


def test_a_file_that_is_not_as_it_was(tmp_path):
    t = table(tmp_path, "a:int", "1\n2\n3\n")
    path, raw = t.files[0][0], t.task(t.files)
    task = wire.task(1, raw, 0, len(raw))
    read, was = tables(t).read, os.stat(path)
    assert read(task)[0]["a"].tolist() == [1, 2, 3]

    def moved(words):
        with pytest.raises(batch.InputMoved, match=words) as e:
            read(task)
        assert path in str(e.value) and e.value.code == wire.INPUT_MOVED

    rewrite(path, b"1\n2\n3\n4\n")
    moved("has 8 bytes, and had 6")
    rewrite(path, b"1\n")
    moved("has 2 bytes, and had 6")
    rewrite(path, b"1\n2\n3\n", (was.st_atime_ns, was.st_mtime_ns + 1000))
    moved("was written to")
    rewrite(path, b"1\n22\n\n", (was.st_atime_ns, was.st_mtime_ns))
    moved("rows 1 to 3 are not as many")
    os.unlink(path)
    moved("is gone")


def test_a_part_of_a_slice_with_fewer_rows(tmp_path):
    t = table(tmp_path, "a:int", "1\n2\n3\n")
    rewrite(t.files[0][0], b"1\n22\n\n")
    assert "rows 1 to 3 are not as many" in str(refused(batch.InputMoved, t, t.files, 2, 1))


def test_a_spool_is_what_the_run_wrote(tmp_path):
    t = table(tmp_path, "a:int", "1\n2\n")
    os.rename(t.files[0][0], os.path.join(t.folder, "spool-1-0"))
    t.entry = lambda path, *more: Table.entry(os.path.join(t.folder, path.split("/")[0]), *more)
    os.utime(os.path.join(t.folder, "spool-1-0"), ns=(0, 0))
    for name in "spool-1-0", "spool-1-0/in/a.csv.gz":
        raw = t.task([(name,) + t.files[0][1:]])
        assert tables(t).read(wire.task(1, raw, 0, len(raw)))[0]["a"].tolist() == [1, 2]


def spool_of(tmp_path, rows, **about):
    """A spool of one group: (number of the file, line, text)"""
    t = Table(tmp_path, **about)
    t.schema(schema_of("a:int b:string"))
    names = b"/in/x.csv\0/in/y.csv\0\0"
    text = b"".join(r[2] for r in rows)
    with open(os.path.join(t.folder, "spool-1-0"), "wb") as f:
        f.write(names + text + origins(rows))
    t.entry = lambda path, *more: Table.entry(os.path.join(t.folder, "spool-1-0"), *more)
    return t, [("spool-1-0", [(len(names), len(text), 0, 5, len(rows))], 0)]


def varint(n):
    return bytes([n]) if n < 128 else bytes([n & 127 | 128]) + varint(n >> 7)


def origins(rows):
    raw, last, line = b"", None, 0
    for file, at, text in rows:
        if file != last:
            line = 0
        raw += varint(0 if file == last else file + 1) + varint(at - 2 - max(0, line - 2)) + varint(at - line)
        raw += varint(9) + varint(len(text))
        last, line = file, at
    return raw


def test_rows_of_many_files_in_a_spool(tmp_path):
    """A misfit is that of the user's file, and so is the path of a row."""
    rows = [(0, 2, b"1,x\n"), (0, 900, b"2,\"y\nz\"\n"), (1, 300, b"bad,x\n"), (1, 301, b"4,x\n"), (0, 40000, b"5,\n")]
    t, files = spool_of(tmp_path, rows)
    e = refused(batch.ValueMisfit, t, files)
    assert (str(e).split(";")[0], e.row) == ('/in/y.csv line 300, column "a": "bad" is not int', 2)
    assert str(refused(batch.ValueMisfit, t, files, 2, 3)).startswith("/in/y.csv line 300, ")
    t, files = spool_of(tmp_path / "paths", rows[:2] + rows[3:], path_column="Path",
                        steps=[{"extract_columns_from_partition_format": "{name}.csv"}, {"filter": 'col("a") != 2'}])
    frame, context, _ = run(t, files, keys=b"b\0sx\0")
    assert frame["Path"].tolist() == ["/in/x.csv", "/in/y.csv", "/in/x.csv"] and frame["name"].tolist() == ["x", "y", "x"]
    assert context.dataset.to_path() == ["/in/x.csv", "/in/y.csv"]
    frame, _, _ = run(t, files, 1, 2)
    assert frame["Path"].tolist() == ["/in/y.csv"]


@pytest.mark.parametrize("step", [{"take": 1}, {"skip": 1}, {"take_random_sample": {"probability": 0.5}}])
def test_rows_of_many_files_have_no_numbers(tmp_path, step):
    from prs_loader.tables import steps

    t, files = spool_of(tmp_path, [(0, 2, b"1,x\n")], steps=[step])
    assert "partition_keys put together" in str(refused(steps.StepError, t, files))


def test_a_conversion_of_rows_of_many_files(tmp_path):
    """What does not fit is found again behind the column of paths."""
    t, files = spool_of(tmp_path, [(0, 2, b"1,x\n"), (1, 7, b"2,1.1.2024\n")], path_column="Path", steps=[
        {"convert_column_types": [{"columns": ["b"], "type": {"datetime": {"formats": "%d.%m.%Y"}}}]}])
    assert str(refused(batch.ValueMisfit, t, files, 0, 1)).startswith('/in/x.csv line 2, column "b": "x" is not datetime')
    assert run(t, files, 1, 1)[0]["Path"].tolist() == ["/in/y.csv"]


def test_rows_of_a_text_in_a_spool(tmp_path):
    t = table(tmp_path, "a:int", "1\n\"\n2\"\nbad\n", 3, path_column="Path")
    t.files[0][1][0] = (0, os.path.getsize(t.files[0][0]), 10, 10, 3)
    os.rename(t.files[0][0], os.path.join(t.folder, "spool-1-0"))
    t.entry = lambda path, *more: Table.entry(os.path.join(t.folder, "spool-1-0"), *more)
    files = [("spool-1-0/in/a.csv.gz",) + t.files[0][1:]]
    assert str(refused(batch.ValueMisfit, t, files)).startswith('/in/a.csv.gz row 13, column "a": "bad"')
    assert run(t, files, 0, 2)[0]["Path"].tolist() == ["/in/a.csv.gz"] * 2


# ---- all together equal the whole


def rows_of_text(columns_n):
    cells = st.sampled_from(["1", "", "x", "\"a\nb\"", "\"q\"\"\"", "2024-02-29", "é", " ", "\"\r\n\"", "1.5", "true"])
    return st.lists(st.lists(cells, min_size=columns_n, max_size=columns_n), min_size=1, max_size=12)


@many
@given(st.data(), st.integers(1, 3), st.integers(1, 5), st.sampled_from(["\n", "\r\n", "\n\n"]), st.booleans())
def test_parts_put_together(core, tmp_path_factory, data, width, per, end, ended):
    """Mini-batches, and the parts of each, have the rows of the whole, in order."""
    text = end.join(",".join(row) for row in data.draw(rows_of_text(width)))
    text = (text + (end if ended else "")).encode()
    layout = " ".join("c%d:string" % i for i in range(width))
    t = Table(tmp_path_factory.mktemp("t"))
    t.schema(schema_of(layout))
    slices = core.slices(text, per)
    if not slices:
        return
    t.file("t.csv", text, slices)
    whole = run(t, t.files)[0]
    assert len(whole) == core.rows(text)
    apart, cut = [], []
    for files in t.mini_batches():
        apart.append(run(t, files)[0])
        n = files[0][1][0][4]
        middle = n // 2
        cut += [run(t, files, a, b - a)[0] for a, b in ((0, middle), (middle, n)) if b > a]
    for pieces in (apart, cut):
        assert values(pandas.concat(pieces, ignore_index=True)) == values(whole)


# ---- what is missing


def test_a_schema_of_another_version(tmp_path):
    from prs_loader.tables import schema

    t = table(tmp_path, "a:int", "1\n")
    with open(os.path.join(t.folder, "work", "schema", "0.json"), "w") as f:
        json.dump({"version": 2}, f)
    with pytest.raises(schema.SchemaError, match="different versions"):
        run(t, t.files)
