# SPDX-License-Identifier: Apache-2.0
"""Transformations of a table, in the pandas at hand."""
import datetime
import os
import re

import pytest
from prs_loader import batch
from prs_loader.tables import paths
from table_tasks import Table
from test_source import refused, run, schema_of, table, values

pandas = pytest.importorskip("pandas")

from prs_loader.tables import steps  # noqa: E402

DAY = datetime.datetime(2024, 2, 29)
TEXT = "1,x\n2,y\n3,z\n4,w\n5,v\n6,u\n"


def stepped(tmp_path, *todo, layout="a:int b:string", text=TEXT, rows=(2, 3, 1), **about):
    return table(tmp_path, layout, text, *rows, steps=list(todo), **about)


def of_all(t, **more):
    """The frames of all mini-batches that have rows, and what was left out of each."""
    got = [run(t, files, **more) for files in t.mini_batches()]
    return [f for f, _, _ in got if f is not None and len(f)], [n for _, _, n in got]


def names(frame):
    return list(frame.columns)


# ---- columns


@pytest.mark.parametrize("todo, left", [
    ({"keep_columns": ["b", "a"]}, ["a", "b"]), ({"keep_columns": ["b"]}, ["b"]), ({"drop_columns": ["a"]}, ["b"]),
    ({"drop_columns": ["a", "b"]}, []), ({"keep_columns": []}, []),
])
def test_columns_that_stay_and_go(tmp_path, todo, left):
    t = stepped(tmp_path, todo)
    frame, _, removed = run(t, t.files)
    assert names(frame) == left and len(frame) == 6 and removed == 0


def test_columns_that_are_not_there(tmp_path):
    for i, name in enumerate(("keep_columns", "drop_columns", "convert_column_types")):
        todo = {name: ["b", "x"]} if i < 2 else {name: [{"columns": ["b", "x"], "type": {"datetime": {"formats": "%d"}}}]}
        t = stepped(tmp_path / str(i), todo, text="1,7\n", rows=(1,))
        e = refused(steps.StepError, t, t.files)
        assert str(e) == "%s: there is no column 'x'; there are 'a', 'b'" % name


def test_the_path_and_what_stands_in_it(tmp_path):
    t = Table(tmp_path, path_column="Path",
              steps=[{"extract_columns_from_partition_format": "{store}/{day:yyyy-MM}/*.csv"}])
    t.schema(schema_of("a:int"))
    t.file("s=1/2024-02/x.csv", b"1\n2\n", [(b"1\n2\n", 2)])
    t.file("s=2/2023-12/y.csv", b"3\n", [(b"3\n", 1)])
    frame, context, _ = run(t, t.files)
    assert names(frame) == ["a", "Path", "store", "day"]
    assert frame["Path"].tolist() == [t.files[0][0]] * 2 + [t.files[1][0]]
    assert frame["store"].tolist() == ["s=1", "s=1", "s=2"]
    text = pandas.Series(["x"]).dtype
    assert frame["store"].dtype == text == frame["Path"].dtype and frame["day"].dtype.kind == "M"
    assert frame["day"].tolist()[1:] == [DAY.replace(day=1), datetime.datetime(2023, 12, 1)]
    t.about["steps"] += [{"drop_columns": ["Path", "day"]}, {"filter": 'col("store") == "s=2"'}]
    frame, _, removed = run(t, t.files)
    assert values(frame) == [["a", "3"], ["store", "'s=2'"]] and removed == 2
    t.about["steps"] = [{"extract_columns_from_partition_format": "{store}/x/*.csv"}]
    assert "does not fit the partition format" in str(refused(steps.StepError, t, t.files))


def test_conversions_of_columns_that_no_file_has(tmp_path):
    """A reader cannot do them; nor is one of nothing passed over."""
    t = Table(tmp_path, path_column="Path", steps=[
        {"extract_columns_from_partition_format": "s={store}/*.csv"},
        {"convert_column_types": [{"columns": ["store", "a"], "type": "int"}, {"columns": ["key"], "type": "float"}]}])
    t.schema(schema_of("a:string"))
    t.file("s=07/x.csv", b"1\n2\n", [(b"1\n2\n", 2)])
    frame, _, _ = run(t, t.files, keys=b"key\0s2.5\0")
    assert {name: cells for name, *cells in values(frame)} == {
        "a": ["1", "2"], "Path": [repr(t.files[0][0])] * 2, "store": ["7", "7"], "key": ["2.5", "2.5"]}
    t.about["steps"][1]["convert_column_types"][0]["columns"] = ["nope"]
    assert "convert_column_types: there is no column 'nope'" in str(refused(steps.StepError, t, t.files))


def test_partition_keys_without_a_format(tmp_path):
    """Those that are no columns of the file stand behind them."""
    t = table(tmp_path, "a:int", "1\n2\n", 2)
    frame, context, _ = run(t, t.files, keys=b"a\0i1\0store\0sx\0none\0n\0day\0d2024-02-29T00:00:00\0")
    assert names(frame) == ["a", "store", "none", "day"] and frame["a"].tolist() == [1, 2]
    assert frame["store"].tolist() == ["x"] * 2 and frame["none"].isna().all() and frame["day"].tolist() == [DAY] * 2
    assert list(context.partition_key_value.values()) == [1, "x", None, DAY]


def test_names_of_files_that_are_no_utf_8(tmp_path):
    """As Python has such names: Arrow, and with it the strings of pandas 3, holds none of them."""
    t = Table(tmp_path, path_column="Path")
    t.schema(schema_of("a:int"))
    t.file(os.fsdecode(b"s=\xff/x.csv"), b"1\n2\n", [(b"1\n2\n", 2)])
    frame, context, _ = run(t, t.files, keys=b"s\0s\xff\0")
    assert context.partition_key_value == {"s": "\udcff"}
    assert frame["s"].tolist() == ["\udcff"] * 2 and frame["s"].dtype == object
    assert all(os.fsencode(p).endswith(b"/s=\xff/x.csv") for p in frame["Path"].tolist())


def test_formats_are_those_of_the_engine():
    """The table of tests/unit/test_partition.c."""
    with open(os.path.join(os.path.dirname(__file__), "..", "unit", "test_partition.c"), encoding="utf-8") as f:
        source = f.read()
    text = r'"((?:[^"\\]|\\.)*)"'
    rows = re.findall(r'\{ %s, %s, %s,\s*%s \}' % (text, text, text, text), source)
    assert len(rows) >= 20
    for format_, keys, path, expected in rows:
        found = paths.Format(format_).values(path)
        shown = [] if found is None else ["%s=%s" % (key, _shown(found[key])) for key in keys.split(",")]
        assert " ".join(shown) == expected.replace(r"\xc3\xa4", "\xe4"), (format_, path)


def _shown(value):
    if value is None:
        return "n"
    return "s" + value if isinstance(value, str) else "d" + value.isoformat()


# ---- rows


@pytest.mark.parametrize("todo, left", [
    ([{"take": 3}], [[1, 2], [3]]), ([{"skip": 3}], [[4, 5], [6]]), ([{"skip": 1}, {"take": 3}], [[2], [3, 4]]),
    ([{"take": 3}, {"skip": 1}], [[2], [3]]), ([{"take": 0}], []), ([{"skip": 6}], []), ([{"take": 99}], [[1, 2], [3, 4, 5], [6]]),
])
def test_take_and_skip(tmp_path, todo, left):
    frames, removed = of_all(stepped(tmp_path, *todo))
    assert [f["a"].tolist() for f in frames] == left
    assert sum(removed) == 6 - sum(map(len, left)) and all(f.index.tolist() == list(range(len(f))) for f in frames)


def test_rows_outside_of_take_are_not_read(tmp_path):
    """Nor typed."""
    t = stepped(tmp_path, {"take": 3}, text=TEXT.replace("4", "bad"))
    frames, removed = of_all(t)
    assert [f["a"].tolist() for f in frames] == [[1, 2], [3]] and removed == [0, 2, 1]
    t.about["steps"] = [{"skip": 3}]
    e = refused(batch.ValueMisfit, t, t.files)
    assert e.row == 3 and e.bad_item == 4 and " line 4, " in str(e)


def test_take_of_a_part(tmp_path):
    t = stepped(tmp_path, {"skip": 1}, {"take": 4})
    frame, context, removed = run(t, t.files, 1, 4)
    assert frame["a"].tolist() == [2, 3, 4, 5] and removed == 0 and context.global_row_index_lower_bound == 1
    frame, _, removed = run(t, t.files, 4, 2)
    assert frame["a"].tolist() == [5] and removed == 1


def test_filters(tmp_path):
    t = stepped(tmp_path, {"filter": 'col("a") != 3'}, {"filter": 'col("b") < "x"'})
    frames, removed = of_all(t)
    assert [f["a"].tolist() for f in frames] == [[4, 5], [6]] and removed == [2, 1, 0]
    assert frames[0].index.tolist() == [0, 1]
    t.about["steps"] = [{"filter": 'col("c") == 1'}]
    assert "there is no column 'c'" in str(refused(steps.StepError, t, t.files))


def test_a_sample_is_the_same_however_the_input_is_cut(tmp_path):
    text = "".join("%d,x\n" % i for i in range(1000))
    sample = {"take_random_sample": {"probability": 0.3, "seed": 7}}
    kept = []
    for k, rows in enumerate(((1000,), (500, 499, 1), (7,) * 142 + (6,))):
        frames, _ = of_all(stepped(tmp_path / str(k), sample, text=text, rows=rows))
        kept.append(pandas.concat(frames)["a"].tolist())
    assert kept[0] == kept[1] == kept[2] and 240 < len(kept[0]) < 360
    other, _ = of_all(stepped(tmp_path / "o", {"take_random_sample": {"probability": 0.3, "seed": 8}}, text=text, rows=(1000,)))
    assert other[0]["a"].tolist() != kept[0]
    for probability in (0, 1):
        t = stepped(tmp_path / ("p%d" % probability), {"take_random_sample": {"probability": probability}}, text=text, rows=(1000,))
        assert of_all(t)[1] == [1000 - 1000 * probability]
    # which rows stay is part of what a resume relies on
    assert kept[0][:5] == KEPT


KEPT = [6, 16, 18, 21, 23]


def test_a_sample_behind_a_filter_and_dropped_lines(tmp_path):
    """Numbers are those of the input."""
    text = "".join("%d,x\n" % i if i % 3 else "%d,x,long\n" % i for i in range(300))
    sample = {"take_random_sample": {"probability": 0.5, "seed": 1}}
    whole, _ = of_all(stepped(tmp_path / "1", sample, text="".join("%d,x\n" % i for i in range(300)), rows=(300,)))
    t = stepped(tmp_path / "2", {"filter": 'col("a") > 20'}, sample, text=text, rows=(300,), drop_invalid=True)
    some, removed = of_all(t)
    assert some[0]["a"].tolist() == [i for i in whole[0]["a"].tolist() if i > 20 and i % 3]
    assert removed == [300 - len(some[0])]


# ---- conversions


def converted(tmp_path, type_, *texts, first=(), layout="a:string b:int", **about):
    text = "".join("%s,1\n" % t for t in texts)
    t = table(tmp_path, layout, text, steps=[*first, {"convert_column_types": [{"columns": ["a"], "type": type_}]}], **about)
    return run(t, t.files)[0]["a"]


ALL = {"filter": 'col("b") == 1'}  # behind it conversions are no more those of the readers


@pytest.mark.parametrize("first", [(), (ALL,)], ids=["reader", "frame"])
@pytest.mark.parametrize("type_, texts, dtype, found", [
    ("int", ["1", "007", "-3"], "int64", [1, 7, -3]), ("int", ["1", "NA", "3"], "float64", [1.0, None, 3.0]),
    ("int", ["1", "2.0", "1e3"], "int64", [1, 2, 1000]),
    ("float", ["1", "1E+05", "nan"], "float64", [1.0, 1e5, None]), ("boolean", ["true", "FALSE"], "bool", [True, False]),
    ("boolean", ["true", "NA"], "object", [True, None]), ("datetime", ["2024-02-29", "null"], None, [DAY, None]),
    ("string", ["1", "x", "NA"], None, ["1", "x", "NA"]),
])
def test_words(tmp_path, first, type_, texts, dtype, found):
    column = converted(tmp_path, type_, *texts, first=first)
    assert [None if pandas.isna(v) else v for v in column.tolist()] == found
    if dtype:
        assert str(column.dtype) == dtype
    else:
        assert column.dtype.kind == "M" if type_ == "datetime" else column.dtype == pandas.Series(["x"]).dtype


@pytest.mark.parametrize("type_, texts, dtype, found", [
    ({"datetime": {"formats": ["%d.%m.%Y", "%Y/%m/%d"]}}, ["29.02.2024", "2024/02/29", "NA", " 29.02.2024 "], "M",
     [DAY, DAY, None, DAY]),
    ({"datetime": {"formats": "%Y-%m-%dT%H:%M:%S%z"}}, ["2024-02-29T01:00:00+0100"], "M", [DAY]),
    ({"boolean": {"true_values": ["Y", "1"], "false_values": ["n"]}}, ["y", "N", "1"], "b", [True, False, True]),
    ({"boolean": {"true_values": ["Y"], "false_values": ["n"]}}, ["y", ""], "O", [True, None]),
])
def test_formats_and_words_of_the_user(tmp_path, type_, texts, dtype, found):
    column = converted(tmp_path, type_, *texts)
    assert [None if pandas.isna(v) else v for v in column.tolist()] == found and column.dtype.kind == dtype


@pytest.mark.parametrize("first", [(), (ALL,)], ids=["reader", "frame"])
@pytest.mark.parametrize("type_, texts, words", [
    ("int", ["1", "2.5"], '"2.5" is not int'), ("int", ["1", "x"], '"x" is not int'),
    ("int", ["1", "inf"], '"inf" is not int'), ("int", ["", "2.5"], '"2.5" is not int'),
    ("int", ["9007199254740993", ""], '"9007199254740993" is not int'), ("float", ["1", "9007199254740993"], '"9007199254740993" is not float'),
    ("boolean", ["true", "yes"], '"yes" is not bool'), ("datetime", ["2024-02-29", "2023-02-29"], '"2023-02-29" is not date'),
])
def test_what_does_not_fit(tmp_path, first, type_, texts, words):
    with pytest.raises(batch.ValueMisfit) as e:
        converted(tmp_path, type_, *texts, first=first)
    assert words.split('"')[-1] in str(e.value) and words.split('"')[1] in str(e.value)
    assert ' line ' in str(e.value) and 'column "a"' in str(e.value) and e.value.bad_item == e.value.row + 1


def test_what_does_not_fit_says_where(tmp_path):
    type_ = {"datetime": {"formats": ["%d.%m.%Y"]}}
    t = table(tmp_path, "a:string b:int", "29.02.2024,1\n\nx,1\n", 3, front=b"a,b\n",
              steps=[{"convert_column_types": [{"columns": ["a"], "type": type_}]}])
    t.files[0][1][0] = t.files[0][1][0][:4] + (2,)
    e = refused(batch.ValueMisfit, t, t.files)
    assert str(e).startswith(t.files[0][0] + ' line 4, column "a": "x" is not datetime (%d.%m.%Y); '
                             'convert_column_types makes that of the column: write another type there')
    assert (e.row, e.bad_item) == (1, 2)
    t.about["mixed"] = True
    assert run(t, t.files)[0]["a"].tolist() == [pandas.Timestamp(DAY), "x"]


def test_the_type_is_that_of_the_sample(tmp_path):
    """Nulls in the sample make a column of integers float64 in every mini-batch."""
    t = Table(tmp_path, steps=[{"convert_column_types": [{"columns": ["a"], "type": "int"}]}])
    columns = [{"name": "a", "type": "string", "nulls": 1}]
    t.schema(schema_of("a:string", columns=columns))
    t.file("t.csv", b"1\n", [(b"1\n", 1)])
    assert str(run(t, t.files)[0]["a"].dtype) == "float64"


def test_in_written_order(tmp_path):
    """A filter before a conversion sees texts."""
    convert = {"convert_column_types": [{"columns": ["a"], "type": "int"}, {"columns": ["b"], "type": "string"}]}
    text = "07,1\n7,2\nbad,3\n"
    t = table(tmp_path, "a:string b:int", text, steps=[{"filter": 'col("a") == "07"'}, convert])
    assert values(run(t, t.files)[0]) == [["a", "7"], ["b", "'1'"]]
    t = table(tmp_path, "a:string b:int", text[:-6], steps=[convert, {"filter": 'col("a") == 7'}])
    assert values(run(t, t.files)[0]) == [["a", "7", "7"], ["b", "'1'", "'2'"]]


# ---- what the script finds


def test_the_rows_again(tmp_path):
    t = stepped(tmp_path, {"filter": 'col("a") > 2'})
    frame, context, _ = run(t, t.files)
    frame["a"] = 0
    assert context.dataset.to_pandas_dataframe()["a"].tolist() == [3, 4, 5, 6]
    assert context.dataset.to_path() == [t.files[0][0]] and t.files[0][0] in repr(context)


def test_a_transformation_that_nobody_knows(tmp_path):
    t = stepped(tmp_path, {"fold": 1})
    assert "does not know the transformation 'fold'" in str(refused(steps.StepError, t, t.files))
