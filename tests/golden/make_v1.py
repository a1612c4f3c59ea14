# SPDX-License-Identifier: Apache-2.0
"""Wrote the run folder v1/: python3 make_v1.py FOLDER. A second implementation of docs/formats.md, independent of the engine.

v1 is frozen: engines of all times read it to the same result (tests/unit/test_golden.c). A new format gets a folder of its own.
"""
import ctypes
import os
import struct
import sys

xxh = ctypes.CDLL("libxxhash.so.0")
xxh.XXH3_64bits.restype = ctypes.c_uint64
xxh.XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]

RUN = bytes(range(0xA0, 0xB0))
T = 1700000000000000
PRINT = bytes(range(0x10, 0x20))


def checksum(data):
    return xxh.XXH3_64bits(data, len(data)) & 0xFFFFFFFF


def text(s):
    return struct.pack("<H", len(s)) + s


def unit(i, first=0, count=0):
    return struct.pack("<QII", i, first, count)


def record(kind, payload, flags=0):
    b = struct.pack("<HHI", kind, flags, len(payload)) + payload
    return b + bytes(-len(b) % 8)


def plan_sum(records):
    total = 0
    for r in records:
        total = checksum(struct.pack("<II", total, checksum(r)))
    return total


class File:
    def __init__(self, magic):
        self.records = []
        self.bytes = magic + RUN + struct.pack("<HH", 1, 0)
        self.bytes += struct.pack("<I", checksum(self.bytes))

    def frame(self, *records):
        """One frame; the offset of each record's payload in the file."""
        at, body = len(self.bytes), b"".join(records)
        self.records += records
        head = struct.pack("<4sIQQI", b"PB01", len(body), at, at, checksum(body))
        self.bytes += head + struct.pack("<I", checksum(head)) + body
        ends, at = [], at + 32
        for r in records:
            ends.append(at + 8)
            at += len(r)
        return ends


def head(epoch, previous, journal, plan):
    return record(1, struct.pack("<QIIQQ", T, epoch, previous, journal, plan) + PRINT + bytes(reversed(PRINT)) +
                  text(b"0.1.0") + text(b"host") +
                  struct.pack("<I", 4711) + text(b"5f3c"))


def planned(epoch, size, next_id, items, complete):
    return record(3, struct.pack("<QIQQQB", T, epoch, size, next_id, items, complete))


def rows(i, lease, data, head_len=0):
    return record(1, struct.pack("<QQIIII", i, lease, 0, 0, 2, head_len) + data)


def done(i, lease, segment, place, data, head_len=0, raw=0):
    flags = raw | (2 if head_len else 0)
    return record(4, struct.pack("<QQHBBHHIIQQIIIIIIQQQQ", i, lease, 1, 0, flags, 0, 1, 3, segment, place + 32,
                                 len(data), head_len, checksum(data), 0, 0,
                                 2, 2, T + i, 100 + i, 200 + i, 300 + i))


def main(folder):
    files = {"RUN": b"prs-run 1\nkind run\nid " + RUN.hex().encode() + b" golden-20231114-221320-abc\nengine 0.1.0\n"}
    lease1, lease3 = 1 << 40, 3 << 40

    # epoch 1: two of seven mini-batches are done, a third failed a try; then the engine is killed
    plan1 = File(b"PRSplan1")
    plan1.frame(record(2, struct.pack("<HHHHQ", 0, 0, 0, 0, 2) + bytes(16) + text(b"input_0") + text(b"/data/in") +
                       text(b"")),
                record(3, struct.pack("<IIH", 0, 0xFFFFFFFF, 0) + text(b"")),
                record(4, struct.pack("<IIQII", 0, 6, 0, 1, 19) + b"a\0b c\0d\xff\0e\nf\0g\0hij\0"),
                record(3, struct.pack("<IIH", 1, 0, 0) + text(b"sub \xe4")),
                record(5, struct.pack("<QQQIHH", 0, 3, 0, 2, 0, 0)))
    seg1, raw1 = File(b"PRSsegm1"), File(b"PRSraws1")
    zero, one, two = b"h1 h2\na 1\nb 2\n", b"h1 h2\nc 3\nd 4\n", b"x" * 2000 + b"\n" + b"\0\xff" * 1000 + b"\n"
    at0, at1 = seg1.frame(rows(0, lease1 + 1, zero, 6), rows(1, lease1 + 2, one, 6))
    [at2] = raw1.frame(rows(2, lease1 + 3, two))
    journal1 = File(b"PRSjrnl1")
    journal1.frame(head(1, 0, 0, 0))
    journal1.frame(record(2, struct.pack("<QHIBHHHH", T, 0, 1, 1, 0, 2, 4, 0) + text(b"host") + text(b"127.0.0.1")),
                   planned(1, len(plan1.bytes), 3, 6, 0),
                   record(10, struct.pack("<QBBH", T, 0, 1, 0) + text(b"")),
                   record(13, struct.pack("<QHHIIBHIQI", T, 0, 1, 3, 4712, 1, 0, 0, 0, 0) + text(b"")),
                   record(200, b"a newer engine's, not needed", 1))
    journal1.frame(done(0, lease1 + 1, 0, at0, zero, 6), done(1, lease1 + 2, 0, at1, one, 6))
    journal1.frame(record(5, struct.pack("<QQHBBHHIIIIQQQQIHBBQI", 2, lease1 + 3, 1, 0, 0, 0, 1, 3, 0, 0, 0, T, 1, 2, 3,
                                         0x100, 100, 1, 1, 50, 60) +
                          text(b"ValueError: \xff")))
    sealed, counted = (len(journal1.bytes), len(plan1.bytes)), list(plan1.records)
    # ... but not dead: what it writes now is not read
    journal1.frame(record(6, struct.pack("<Q", T) + unit(2) + struct.pack("<IH", 2, 100)))
    plan1.frame(record(5, struct.pack("<QQQIHH", 3, 1, 0, 2, 0, 0)))

    # epoch 2: killed before its HEAD
    journal2 = File(b"PRSjrnl1")

    # epoch 3: goes on; the rows of mini-batch 1 were damaged and run again; a mini-batch of one file; published
    plan3 = File(b"PRSplan1")
    plan3.frame(record(4, struct.pack("<IIQII", 1, 2, 6, 1, 4) + b"k\0l\0"),
                record(5, struct.pack("<QQQIHH", 3, 1, 6, 2, 0, 0)))
    last = [record(3, struct.pack("<IIH", 2, 1, 0) + text(b"deep")),
            record(4, struct.pack("<IIQII", 2, 1, 8, 1, 2) + b"m\0"),
            record(5, struct.pack("<QQQIHH", 4, 1, 8, 1, 0, 0))]
    plan3.frame(*last, record(9, struct.pack("<QQQII", 5, 9, 9, 0, plan_sum(counted + plan3.records + last))))
    seg3 = File(b"PRSsegm1")
    one, three = b"h1 h2\nc 3\nd 4\n", b"h1 h3\ne 5\n"
    [again] = seg3.frame(rows(1, lease3 + 1, one, 6))
    [at3] = seg3.frame(rows(3, lease3 + 3, three, 6))
    journal3 = File(b"PRSjrnl1")
    journal3.frame(head(3, 1, *sealed))
    journal3.frame(record(7, struct.pack("<QHIII", T, 0, 1, 1, 1) + unit(2) + unit(1)),
                   record(8, struct.pack("<Q", T) + unit(1) + struct.pack("<QH", 1, 1)),
                   record(9, struct.pack("<Q", T) + text(b"run_max_try") + text(b"3") + text(b"5")))
    journal3.frame(planned(3, len(plan3.bytes), 5, 9, 1), done(1, lease3 + 1, 0, again, one, 6),
                   done(2, lease1 + 3, 1, at2, two, 0, 1))
    journal3.frame(done(3, lease3 + 3, 0, at3, three, 6), done(0, lease3 + 4, 0, at3, three, 6),
                   record(6, struct.pack("<Q", T) + unit(4) + struct.pack("<IH", 1, 111)))
    output = b"h1 h2\na 1\nb 2\n" + b"c 3\nd 4\n" + two + b"e 5\n"
    journal3.frame(record(10, struct.pack("<QBBH", T, 1, 2, 0) + text(b"")),
                   record(12, struct.pack("<Q", T) + unit(4, 0, 1) + struct.pack("<I", 2)),
                   record(14, struct.pack("<Q", T) + text(b"score") + text(b"golden") + b"\3" + text(b"")),
                   record(11, struct.pack("<Q", T) + text(b"/out/\xff.txt") + struct.pack("<QQ", len(output), 8) +
                          PRINT),
                   record(10, struct.pack("<QBBH", T, 2, 3, 0) + text(b"")))

    files.update({"journal-1": journal1.bytes, "journal-2": journal2.bytes, "journal-3": journal3.bytes,
                  "plan-1": plan1.bytes, "plan-3": plan3.bytes,
                  "seg/1-0-0.seg": seg1.bytes, "seg/1-0-1.raw": raw1.bytes, "seg/3-0-0.seg": seg3.bytes,
                  "output": output})
    os.makedirs(os.path.join(folder, "seg"), exist_ok=True)
    for name, data in files.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)


if __name__ == "__main__":
    main(sys.argv[1])
