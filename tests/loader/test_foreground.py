# SPDX-License-Identifier: Apache-2.0
"""What prs test and prs replay show of a table. (Whole commands: tests/e2e/test_again.py.)"""
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
