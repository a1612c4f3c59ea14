"""Counts the words of text files: one row per file, "name words distinct"."""
import collections
import os
import re


def run(mini_batch):
    rows = []
    for path in mini_batch:
        with open(path, encoding="utf-8", errors="replace") as f:
            words = collections.Counter(re.findall(r"[A-Za-z']+", f.read().lower()))
        rows.append("%s %d %d" % (os.path.basename(path), sum(words.values()), len(words)))
    return rows
