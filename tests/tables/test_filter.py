# SPDX-License-Identifier: Apache-2.0
"""The filter of a table: what it says, and what it refuses."""
import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prs_loader.tables import filter

pandas = pytest.importorskip("pandas")

from prs_loader.tables import frame  # noqa: E402

DAY = datetime.datetime(2024, 2, 29)


def table():
    return frame.of_arrays(pandas, ["i", "f", "s", "b", "o", "d", "m", "n"], [
        [1, 2, 3, 4], [1.0, None, 2.5, -1.0], frame.strings(pandas, ["a", None, "c", "7"]), [True, False, True, False],
        pandas.Series(frame.objects([True, None, False, True])), frame.dates(pandas, [DAY, None, DAY.replace(day=1), DAY]),
        pandas.Series(frame.objects([1, "x", None, 2.5])), [float("nan")] * 4], 4)


@pytest.mark.parametrize("text, stays", [
    ('col("i") > 2', "34"), ('col("i") >= 2 and col("i") < 4', "23"), ('1 < col("i") <= 3', "23"),
    ('not col("i") == 2', "134"), ('col("f") > 0', "13"), ('col("f") != 1', "234"), ('not (col("f") > 0)', "24"),
    ('col("f") == None', "2"), ('None != col("f")', "134"), ('col("s") == "a"', "1"), ('col("s") > "a"', "3"),
    ('col("s") != "a"', "234"), ('col("b")', "13"), ('not col("b") or col("s") == "a"', "124"), ('col("b") == False', "24"),
    ('col("o")', "14"), ('not col("o")', "23"), ('col("d") == datetime(2024, 2, 29)', "14"),
    ('col("d") < "2024-02-29"', "3"), ('"2024-02-29" <= col("d")', "14"), ('col("f") < col("i")', "34"),
    ('col("i") == -(-3)', "3"), ('col("m") == 1', "1"), ('col("m") == "x"', "2"), ('col("m") > 1', "4"),
    ('col("i") < 100000000000000000000', "1234"), ('col("i") > -1e400', "1234"), ('col("n") > 1', ""),
    ('col("n") != 1', "1234"), ('True', "1234"), ('False or col("i") == 1', "1"), (' col("i") == 1 ', "1"),
    ('col("i") == 1 or\n col("i") == 2', "12"), ("col('s') == 'c'", "3"),
    ('col("s") == col("s")', "134"), ('col("m") == col("m")', "124"),
])
def test_what_stays(text, stays):
    assert filter.check(text) is None
    mask = filter.Filter(text).mask(table())
    assert mask.dtype == bool and "".join(str(v) for v in table()["i"][mask]) == stays


@pytest.mark.parametrize("text, words, column", [
    ("", "no expression", None), ('col("i") >', "no expression", None), ("x > 1", 'a column is written col("x")', 1),
    ('col("i") > 1 & col("f") > 2', "write `and`, `or`", 12), ('col(i) == 1', 'a column is written col("i")', 5),
    ('col("i", "j") == 1', "col() takes the name", 1), ("col(1) == 1", "col() takes the name", 1),
    ('__import__("os").system("x")', "may stand here", 1), ('col("i").real == 1', "may stand here", 1),
    ('col("i")[0] == 1', "may stand here", 1), ('(lambda: 1) == col("i")', "may stand here", 2), ('"a"', "a comparison is", 1),
    ("1 == 1", "a comparison needs a column", 1), ('col("i") in (1, 2)', "only == != < <= > >=", 1),
    ('col("i") > None', "None is compared with == and !=", 1), ('datetime(2024) == col("d")', "datetime(): ", 1),
    ('col("d") > datetime(2024, 2, 30)', "datetime(): day is out of range", 12),
    ('col("d") > datetime(2024, 2, "3")', "datetime(): ", 12), ('col("i") == 1 if True else False', "may stand here", 1),
    ('col("é") == 1 and y == 2', 'col("y")', 19), ('f"{1}" == col("i")', "may stand here", 1),
    ('col("i") + 1 == 2', "may stand here", 1), ('col(name="i") == 1', "may stand here", 1), ("(" * 300 + "1", "it is", None),
    ("not " * 5000 + 'col("b")', "", None), ("col('s') == '" + "x" * 10000 + "'", "longer than", 0), ("a\0b", "", None),
    ('col("i") == 1j', "may stand here", 13), ('col("i") == b"x"', "may stand here", 13),
])
def test_what_is_refused(text, words, column):
    sentence, at = filter.check(text)
    assert words in sentence
    if column is not None:
        assert at == column
    with pytest.raises(filter.FilterError):
        filter.Filter(text)


@pytest.mark.parametrize("text, words", [
    ('col("x") == 1', "there is no column 'x'; there are 'i', 'f'"), ('col("s") == 7', 'col("s") is a text, and is compared'),
    ('col("i") == "7"', "is a number"), ('col("b") == 1', "is a boolean"), ('col("i")', "is a number"),
    ('col("d") == "yesterday"', "is a date"), ('col("s") < col("i")', "is a text"),
])
def test_columns_that_are_not_there_or_of_another_kind(text, words):
    assert filter.check(text) is None
    with pytest.raises(filter.FilterError, match="filter: ") as e:
        filter.Filter(text).mask(table())
    assert words in str(e.value)


def test_columns():
    assert filter.columns('col("a") > 1 and not (col("b") == col("c") or 1 < col("a") < 5)') == {"a", "b", "c"}


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(alphabet='col("i)datetime.,<>=!&|+-*[]{}1_ \nandotr\\\'#:;@', max_size=40))
def test_any_text_is_checked_or_refused(text):
    """Nothing but our own errors, and nothing is run."""
    found = filter.check(text)
    assert found is None or (found[0] and found[1] >= 0)
