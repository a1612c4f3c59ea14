# SPDX-License-Identifier: Apache-2.0
"""Wrote the run folder v2/: python3 make_v2.py FOLDER. A run over tables, of two lives: its plans have minor 2. Beside v1, and
frozen like it."""
import os
import struct
import sys

from make_v1 import RUN, T, File, checksum, head, plan_sum, planned, record, text, unit

ALL = 0xFFFFFFFFFFFFFFFF  # of a file: all of them, or many
ITEMS, BYTES, ROWS = 0, 1, 2
LAST, STATS = 1, 2


def plan_file():
    plan = File(b"PRSplan1")
    plan.bytes = plan.bytes[:24] + struct.pack("<HH", 2, 0)
    plan.bytes += struct.pack("<I", checksum(plan.bytes))
    return plan


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n % 128 + 128])
        n //= 128
    return out + bytes([n])


def an_input(number, kind, unit_of_size, size, name):
    return record(2, struct.pack("<HHHHQ", number, kind, unit_of_size, 0, size) + bytes(16) + text(name) +
                  text(b"/data/" + name) + text(b""))


def root(folder, number):
    return record(3, struct.pack("<IIH", folder, 0xFFFFFFFF, number) + text(b""))


def files(folder, first, names, stats=None):
    blob = b"".join(n + b"\0" for n in names)
    flags = LAST | (STATS if stats else 0)
    return record(4, struct.pack("<IIQII", folder, len(names), first, flags, len(blob)) + blob +
                  b"".join(struct.pack("<QQ", *s) for s in stats or []))


def schema(number, of, json, file=ALL):
    return record(8, struct.pack("<HHIQI", of, 0, number, file, len(json)) + json)


def slices(of, schema_number, file, first_id, offset, row, global_row, stat, packed, spool=0, kind=6):
    """packed: (rows, bytes) of each; of Parquet rows alone."""
    blob = b"".join(varint(n) for one in packed for n in one)
    return record(kind, struct.pack("<HHI7Q4I", of, 0, schema_number, file, first_id, offset, row, global_row, *stat, spool,
                                    len(packed), len(blob), 0) + blob)


def table_group(i, of, keys, ranges, spool=0):
    """ranges: (file, offset, bytes, row, global row, rows, schema)"""
    return record(12, struct.pack("<QHHIII", i, of, 0, spool, len(keys), len(ranges)) +
                  b"".join(struct.pack("<5QII", *r) for r in ranges) + keys)


def file_group(i, of, keys, ranges):
    return record(7, struct.pack("<QHHIII", i, of, 0, len(keys), len(ranges), 0) +
                  b"".join(struct.pack("<QII", first, count, 0) for first, count in ranges) + keys)


def rows(i, first, items, lease, succeeded, data):
    return record(1, struct.pack("<QQIIII", i, lease, first, items, succeeded, 0) + data)


def done(i, first, items, lease, place, succeeded, data):
    return record(4, struct.pack("<QQHBBHHIIQQIIIIIIQQQQ", i, lease, 1, 0, 0, 0, 1, 3, 0, place + 32, len(data), 0,
                                 checksum(data), first, items, succeeded, succeeded, T, 1, 2, 3))


def plans():
    """Of the two lives; the first is killed in the middle of a file."""
    sales, old = (700, T), (90, T + 1)
    plan1 = plan_file()
    plan1.frame(an_input(0, 1, BYTES, 300, b"sales"), root(0, 0),
                files(0, 0, [b"a.csv", b"b \xff.csv.gz"], [sales, old]))
    plan1.frame(schema(0, 0, b'{"columns":["n","x"]}'), schema(1, 0, b'{"columns":["x","n"]}', 1))
    plan1.frame(slices(0, 0, 0, 0, 4, 0, 0, sales, [(3, 100), (200, 296)]))
    plan2 = plan_file()
    plan2.frame(slices(0, 0, 0, 2, 400, 203, 203, sales, [(9, 300)]),
                slices(0, 1, 1, 3, 4, 0, 212, old, [(130, 500)], spool=2))
    lake = (9000, T + 2)
    plan2.frame(an_input(1, 2, ROWS, 1000, b"lake"), root(1, 1), files(1, 2, [b"p.parquet"]),
                schema(2, 1, b'{"columns":["n"]}'),
                slices(1, 2, 2, 4, 0, 0, 0, lake, [(1000,), (24,)], kind=11))
    day = [(50, T + 3), (60, T + 4)]
    plan2.frame(an_input(2, 4, ITEMS, 0, b"lines"), root(2, 2), files(2, 3, [b"x.jsonl", b"y.jsonl"], day),
                schema(3, 2, b'{"columns":["s"]}'),
                table_group(6, 2, b"store\0snorth\0day\0d2020-02-29T00:00:00\0",
                            [(3, 0, 50, 0, 0, 2, 3), (4, 20, 40, 1, 3, 3, 3)]))
    plan2.frame(an_input(3, 5, ITEMS, 0, b"keyed"), root(3, 3), files(3, 5, [b"k.csv"]), schema(4, 3, b'{"columns":[]}'),
                table_group(7, 3, b"i\0i-7\0f\0f1e-05\0b\0btrue\0n\0n\0", [(ALL, 3, 80, 0, 1, 4, 4)], spool=2),
                table_group(8, 3, b"i\0i9223372036854775807\0f\0finf\0b\0bfalse\0n\0s\xff\0",
                            [(ALL, 83, 20, 0, 0, 1, 4), (ALL, 200, 20, 0, 5, 1, 4)], spool=2))
    last = [an_input(4, 3, ITEMS, 0, b"many"), root(4, 4), files(4, 6, [b"1.png", b"2.png"]),
            file_group(9, 4, b"k\0i1\0", [(6, 1)]), file_group(10, 4, b"k\0i2\0", [(7, 1)])]
    items = 3 + 200 + 9 + 130 + 1000 + 24 + 5 + 4 + 2 + 2
    plan2.frame(*last, record(9, struct.pack("<QQQII", 11, items, 8, 0, plan_sum(plan1.records + plan2.records + last))))
    return plan1, plan2, items


def main(folder):
    lease1, lease2 = 1 << 40, 2 << 40
    out = {"RUN": b"prs-run 1\nkind run\nid " + RUN.hex().encode() + b" golden-20231114-221320-abc\nengine 0.1.0\n"}
    plan1, plan2, items = plans()

    seg1 = File(b"PRSsegm1")
    zero = b"1\n2\n3\n"
    [at0] = seg1.frame(rows(0, 0, 0, lease1 + 1, 3, zero))
    journal1 = File(b"PRSjrnl1")
    journal1.frame(head(1, 0, 0, 0))
    journal1.frame(planned(1, len(plan1.bytes), 2, 203, 0))
    journal1.frame(done(0, 0, 0, lease1 + 1, at0, 3, zero))

    # a value that does not fit, in the second half of mini-batch 1; mini-batch 4 is of a file that was replaced
    seg2 = File(b"PRSsegm1")
    half = b"4\n" * 100
    [at1] = seg2.frame(rows(1, 0, 100, lease2 + 1, 100, half))
    journal2 = File(b"PRSjrnl1")
    journal2.frame(head(2, 1, len(journal1.bytes), len(plan1.bytes)))
    journal2.frame(planned(2, len(plan2.bytes), 11, items, 1), record(12, struct.pack("<Q", T) + unit(1) + struct.pack("<I", 2)),
                   done(1, 0, 100, lease2 + 1, at1, 100, half),
                   record(5, struct.pack("<QQHBBHHIIIIQQQQIHBBQI", 1, lease2 + 2, 1, 0, 0, 0, 1, 3, 0, 100, 100, T, 1, 2, 3,
                                         0, 112, 0, 1, 50, 60) + text(b"a.csv, line 105, column n")),
                   record(6, struct.pack("<Q", T) + unit(1, 100, 100) + struct.pack("<IH", 100, 112)),
                   record(6, struct.pack("<Q", T) + unit(4) + struct.pack("<IH", 1000, 113)))
    out.update({"journal-1": journal1.bytes, "journal-2": journal2.bytes, "plan-1": plan1.bytes, "plan-2": plan2.bytes,
                "seg/1-0-0.seg": seg1.bytes, "seg/2-0-0.seg": seg2.bytes})
    os.makedirs(os.path.join(folder, "seg"), exist_ok=True)
    for name, data in out.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)


if __name__ == "__main__":
    main(sys.argv[1])
