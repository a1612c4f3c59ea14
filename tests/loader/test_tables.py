# SPDX-License-Identifier: Apache-2.0
"""The examples of docs/tables.md, read by the loader's careful reader on every interpreter."""
import os
import subprocess

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")

EXAMPLES = r"""
import tables_page
from prs_loader.tables import careful, cell

def same(found, expected, row):
    assert found == expected, "%r: %r" % (row, found)

rows = tables_page.examples(tables_page.RECORDS)
assert len(rows) >= 16
for record, delimiter, cells in rows:
    found = [[c.decode() for c in row] for _, row in careful.Records(record.encode(), delimiter.encode())]
    same(found, [cells] if cells else [], record)
rows = tables_page.examples(tables_page.CELLS)
assert len(rows) >= 60
for text, kind in rows:
    same(cell.name_of(text), kind, text)
print("done")
"""


def test_examples_of_the_page(python):
    paths = os.pathsep.join(os.path.join(ROOT, *p) for p in (("python",), ("tests", "lib")))
    r = subprocess.run([python, "-c", EXAMPLES], env=dict(os.environ, PYTHONPATH=paths), stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, universal_newlines=True)
    assert r.stdout == "done\n"
