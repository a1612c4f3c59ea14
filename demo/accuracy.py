# SPDX-License-Identifier: Apache-2.0
"""Reads the output of the demo: accuracy.py FILE. The label stands in the file name; the classifier has seen the first half."""
import sys

with open(sys.argv[1]) as f:
    rows = [line.split() for line in f]
right = [name.split("_")[1][0] == answer for name, answer in rows]
unseen = right[len(right) // 2:]
print("right: %d of %d (%.1f %%); of the %d that the classifier was not trained on: %.1f %%" % (
    sum(right), len(right), 100 * sum(right) / len(right), len(unseen), 100 * sum(unseen) / len(unseen)))
