# SPDX-License-Identifier: Apache-2.0
"""Wrote groups/: python3 make_groups.py FOLDER. The plan of a table whose partition keys are folders; beside v2, and frozen
like it."""
import os
import struct
import sys

from make_v1 import plan_sum, record, text
from make_v2 import ITEMS, an_input, files, plan_file, root, schema, table_group

# in the order of their listing: folder, its files with their rows
FOLDERS = ((b"s=%61", (b"a.csv", 1)), (b"s=10", (b"a.csv", 2)), (b"s=9", (b"a.csv", 1), (b"b.csv", 3)),
           (b"s=__HIVE_DEFAULT_PARTITION__", (b"a.csv", 1)))
JSON = (b'{"version":1,"format":"delimited","delimiter":",","fields":1,"encoding":"utf8","empty":"null","sampled":8,'
        b'"columns":[{"name":"x","type":"int","nulls":0}]}')


def folder(number, name):
    return record(3, struct.pack("<IIH", number, 0, 0) + text(name))


def plan():
    """A file has a header, "x", and rows of one digit: 2 bytes each."""
    listed, at, first = [], {}, 0
    for number, (name, *has) in enumerate(FOLDERS, 1):
        listed.append(files(number, first, [n for n, _ in has], [(2 + 2 * rows, number) for _, rows in has]))
        for _, rows in has:
            at.setdefault(name, []).append((first, rows))
            first += 1
    groups, row = [], 0
    for i, (name, value) in enumerate(((b"s=10", b"s10"), (b"s=9", b"s9"), (b"s=%61", b"sa"), (FOLDERS[3][0], b"n"))):
        ranges = []
        for file, rows in at[name]:
            ranges.append((file, 2, 2 * rows, 0, row, rows, 0))
            row += rows
        groups.append(table_group(i, 0, b"s\0" + value + b"\0", ranges))
    all_records = [an_input(0, 1, ITEMS, 0, b"in"), root(0, 0), files(0, 0, [])]
    all_records += [folder(number, name) for number, (name, *_) in enumerate(FOLDERS, 1)] + listed + [schema(0, 0, JSON)] + groups
    plan1 = plan_file()
    plan1.frame(*all_records, record(9, struct.pack("<QQQII", len(groups), row, first, 0, plan_sum(all_records))))
    return plan1


def main(out):
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "plan-1"), "wb") as f:
        f.write(plan().bytes)


if __name__ == "__main__":
    main(sys.argv[1])
