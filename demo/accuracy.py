# SPDX-License-Identifier: Apache-2.0
"""Reads the output of the demo: accuracy.py FILE. The label stands in the file name."""
import sys

rows = [line.split() for line in open(sys.argv[1])]
right = sum(name.split("_")[1].startswith(answer) for name, answer in rows)
print("%d rows; right: %.1f %%" % (len(rows), 100 * right / len(rows)))
