# SPDX-License-Identifier: Apache-2.0
"""The frame that columns become, in the pandas at hand."""
import datetime

import pytest
from prs_loader.tables import careful

pandas = pytest.importorskip("pandas")
numpy = pytest.importorskip("numpy")

from prs_loader.tables import frame  # noqa: E402

MAJOR = int(pandas.__version__.split(".")[0])
DAY = datetime.datetime(2024, 2, 29, 10, 30, 0, 123456)


def frame_of(*columns, dropped=0):
    table = careful.Table()
    table.columns = [careful.Values("c%d" % i, kind, list(values)) for i, (kind, values) in enumerate(columns)]
    table.rows = len(columns[0][1]) + dropped
    table.dropped = dropped, 1
    return frame.of_table(pandas, table)


def test_types():
    df = frame_of(("int", [1, (1 << 63) - 1]), ("float", [1.5, None]), ("bool", [True, False]), ("object", [True, None]),
                  ("date", [DAY, None]), ("string", ["x", None]))
    unit = "us" if MAJOR >= 3 else "ns"
    text = pandas.Series(["x"]).dtype
    assert [str(t) for t in df.dtypes] == ["int64", "float64", "bool", "object", "datetime64[%s]" % unit, str(text)]
    assert df["c0"].tolist() == [1, (1 << 63) - 1]
    assert df["c1"][0] == 1.5 and numpy.isnan(df["c1"][1])
    assert df["c3"].tolist() == [True, None]
    assert df["c4"][0].to_pydatetime() == DAY and df["c4"][1] is pandas.NaT
    assert df["c5"][0] == "x" and (df["c5"][1] is None if text == object else pandas.isna(df["c5"][1]))
    assert isinstance(df.index, pandas.RangeIndex) and df.index.tolist() == [0, 1]


def test_dates_at_both_ends():
    ends = [datetime.datetime(1678, 1, 1), datetime.datetime(2261, 12, 31, 23, 59, 59, 999999)]
    assert [d.to_pydatetime() for d in frame_of(("date", ends))["c0"]] == ends


def test_objects():
    df = frame_of(("object", [[1, 2], [3, 4]]), ("object", [{"x": 1}, "text"]), ("object", [DAY, "y"]),
                  ("object", ["a", "b"]))
    assert df["c0"].tolist() == [[1, 2], [3, 4]] and df["c1"].tolist() == [{"x": 1}, "text"]
    assert type(df["c2"][0]) is pandas.Timestamp and df["c2"][0] == DAY
    assert [str(t) for t in df.dtypes] == ["object"] * 4


@pytest.mark.parametrize("kind", ["int", "float", "bool", "date", "string", "object"])
def test_no_rows(kind):
    df = frame_of((kind, []))
    assert df.shape == (0, 1)
    assert df.dtypes[0:1].astype(str).tolist() == frame_of((kind, {"int": [1], "float": [1.0], "bool": [True],
                                                                   "date": [DAY], "string": ["x"], "object": [1]}[kind]
                                                            )).dtypes.astype(str).tolist()


def test_dropped_lines_are_no_rows():
    assert frame_of(("int", [1, 2]), dropped=3).index.tolist() == [0, 1]
