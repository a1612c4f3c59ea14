"""One row a reading. A broken file makes json.load() raise."""
import json
import os


def run(mini_batch):
    rows = []
    for path in mini_batch:
        with open(path) as f:
            reading = json.load(f)
        rows.append("%s: %.1f F" % (os.path.basename(path), reading["celsius"] * 9 / 5 + 32))
    return rows
