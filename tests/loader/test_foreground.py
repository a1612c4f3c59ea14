# SPDX-License-Identifier: Apache-2.0
"""What prs test and prs replay show of a table. (Whole commands: tests/e2e/test_again.py.)"""
import pytest

from prs_loader import foreground


def test_first_rows():
    assert foreground._first(list(range(10))) == list(range(10))
    assert foreground._first(list(range(11))) == [0, 1, 2, 3, 4]
    assert foreground._more(list(range(10))) == ""
    assert foreground._more(list(range(11))) == "\n... 6 more rows"
    assert foreground._first(()) == ()


def test_dicts():
    assert foreground._table([{"a": 1}, {"a": 2}]) == "\n{'a': 1}\n{'a': 2}"
    assert foreground._table([{"a": 1}] * 12).endswith("\n{'a': 1}\n... 7 more rows")


def test_names_stay_on_their_line():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a\nb": [1], "x" * 100000: [2], 'q"\té': [3]})
    text = foreground._table(frame)
    long = "x" * 40 + "..."
    assert text.startswith(" of a\\nb int64, %s int64, q\"\\té int64\n" % long) and len(text.splitlines()) == 3
    assert text.splitlines()[1].split() == ["a\\nb", long, 'q"\\té'] and text.split()[-3:] == ["1", "2", "3"]
