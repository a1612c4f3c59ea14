# SPDX-License-Identifier: Apache-2.0
"""Wrote part/: python3 make_part.py FOLDER. The plans of a run that was killed twice while it listed one folder in
parts; beside v1, and frozen like it."""
import os
import struct
import sys

from make_v1 import File, plan_sum, record, text


def names(dir, first, last, *files):
    blob = b"".join(f + b"\0" for f in files)
    return record(4, struct.pack("<IIQII", dir, len(files), first, last, len(blob)) + blob)


def folder(dir, parent, name):
    return record(3, struct.pack("<IIH", dir, parent, 0) + text(name))


def rule(first_id, count, first_file, per):
    return record(5, struct.pack("<QQQIHH", first_id, count, first_file, per, 0, 0))


def plans(root):
    plan1 = File(b"PRSplan1")
    plan1.frame(record(2, struct.pack("<HHHHQ", 0, 0, 0, 0, 2) + bytes(16) + text(b"input_0") + text(root) + text(b"")),
                folder(0, 0xFFFFFFFF, b""),
                names(0, 0, 1), folder(1, 0, b"large"), folder(2, 0, b"small"))
    plan1.frame(record(10, struct.pack("<I", 1)), names(1, 0, 0, b"a"), names(1, 1, 0, b"b\xff", b"c"),
                rule(0, 1, 0, 2))
    plan2 = File(b"PRSplan1")  # in the middle of the files
    plan2.frame(names(1, 3, 0, b"d"), folder(3, 1, b"p"), rule(1, 1, 2, 2))
    plan3 = File(b"PRSplan1")  # in the middle of the folders
    plan3.frame(folder(4, 1, b"q"), names(1, 4, 1))
    last = [names(3, 4, 1, b"x"), names(4, 5, 1), names(2, 5, 1, b"y", b"z"), rule(2, 1, 4, 2), rule(3, 1, 6, 1)]
    plan3.frame(*last, record(9, struct.pack("<QQQII", 4, 7, 7, 0,
                                             plan_sum(plan1.records + plan2.records + plan3.records + last))))
    return plan1, plan2, plan3


def main(out):
    os.makedirs(out, exist_ok=True)
    for number, plan in enumerate(plans(b"/data/in"), 1):
        with open(os.path.join(out, "plan-%d" % number), "wb") as f:
            f.write(plan.bytes)


if __name__ == "__main__":
    main(sys.argv[1])
