# SPDX-License-Identifier: Apache-2.0
"""The examples of docs/tables.md, for the tests that run them. Runs on every Python of the loader."""
import json
import os

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "tables.md")


def _value(word):
    if word[:1] != "`":
        return word
    word = word[1:-1]
    if word[:1] in '"[':
        return json.loads(word)
    return "\t" if word == "\\t" else word


def examples(head):
    """The rows of the table with that first line."""
    with open(PAGE, encoding="utf-8") as f:
        rows = f.read().split("\n%s\n" % head, 1)[1].split("\n\n", 1)[0].split("\n")
    return [[_value(word) for word in row[2:-2].split(" | ")] for row in rows[1:]]


RECORDS = "| record | delimiter | cells |"
CELLS = "| cell | is |"
OBJECTS = "| lines of the sample | names, types, nulls |"
TYPES = "| cells of the sample | type |"
