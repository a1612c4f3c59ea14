"""Reads a number from each file and names it with a table that every worker gets: the side input of the original's documentation."""
import argparse
import os


def init():
    global labels
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--labels_dir", dest="labels_dir", required=True)
    args, _ = parser.parse_known_args()
    with open(os.path.join(args.labels_dir, "labels.txt"), encoding="utf-8") as f:
        labels = dict(line.rstrip("\n").split("\t") for line in f)


def run(mini_batch):
    rows = []
    for path in mini_batch:
        with open(path, encoding="utf-8") as f:
            code = f.read().strip()
        rows.append("%s: %s" % (os.path.basename(path), labels.get(code, "unknown code " + code)))
    return rows
