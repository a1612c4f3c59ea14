# SPDX-License-Identifier: Apache-2.0
"""Wrote the first inputs of corpus/ from tests/golden: python3 make_corpus.py. What the fuzzers found was added by
hand."""
import json
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "golden")
sys.path.insert(0, GOLDEN)
import make_part  # noqa: E402
import make_v2  # noqa: E402


def golden(name, run="v1"):
    with open(os.path.join(GOLDEN, run, name), "rb") as f:
        return f.read()


def put(target, name, data):
    folder = os.path.join(HERE, "corpus", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)


def bodies(data):
    at = 32
    while at < len(data):
        n = struct.unpack_from("<I", data, at + 4)[0]
        yield data[at + 32:at + 32 + n]
        at += 32 + n


def piece(kind, data):
    return struct.pack("<HB", len(data) + 1, kind) + data


def frame(kind, payload, claim=0, flags=0):
    return struct.pack("<IHHII", len(payload), kind, flags, claim, 0) + payload


def text(s):
    return struct.pack("<H", len(s)) + s


def record(kind, payload):
    return struct.pack("<HHI", kind, 0, len(payload)) + payload + b"\0" * (-len(payload) % 8)


def grouped(groups):
    """The plan of /in with a1 a2 b1, by their letters; the first `groups` groups."""
    names = b"a1\0a2\0b1\0"
    body = record(2, struct.pack("<HHHHQ16s", 0, 3, 0, 0, 0, b"") + text(b"in") + text(b"/in") + text(b""))
    body += record(3, struct.pack("<IIH", 0, 0xffffffff, 0) + text(b""))
    body += record(4, struct.pack("<IIQII", 0, 3, 0, 1, len(names)) + names)
    for number, (key, first, count) in enumerate(((b"a", 0, 2), (b"b", 2, 1))):
        keys = b"letter\0s" + key + b"\0"
        if number < groups:
            body += record(7, struct.pack("<QHHIII", number, 0, 0, len(keys), 1, 0) +
                           struct.pack("<QII", first, count, 0) + keys)
    return body


def table_of_one():
    """A plan of one file with rows of each kind of record, small enough to be found out."""
    keys = b"k\0i1\0"
    return b"".join((make_v2.an_input(0, 1, make_v2.BYTES, 9, b"t"), make_v2.root(0, 0),
                     make_v2.files(0, 0, [b"a"], [(99, 7)]), make_v2.schema(0, 0, b"{}"),
                     make_v2.slices(0, 0, 0, 0, 0, 0, 0, (99, 7), [(1, 9), (2, 8)]),
                     make_v2.table_group(2, 0, keys, [(0, 20, 9, 4, 4, 2, 0), (0, 30, 9, 6, 6, 1, 0)])))


def columns(kinds, line, flags=1, delimiter=b","):
    """The header of a table of delimited rows."""
    head = struct.pack("<2sBxI", delimiter + b'"', flags, len(kinds)) + bytes(kinds) + line
    return struct.pack("<H", len(head)) + head


def merges():
    """Tables with other columns, name -> bytes."""
    first = columns([0, 1], b"a,d\n") + text(b"1,2024-02-29\n,\n")
    other = columns([2, 0], b'd,"b, ""c"""\n') + text(b'2024-02-29 10:30:00,"x\n,"\n"",""""\n')
    crlf = [columns([0], b"a\r\n", 5), columns([0, 0], b"b;a\r\n", 5, b";"), columns([0, 0], b"b,a\r\n", 5)]
    return {"other-columns": b"\3" + first + other, "same": b"\7" + first + first,
            "crlf": b"\1" + b"".join(c + text(b'1,"\r\n"\r\n2,\r') for c in crlf),
            "rows-that-do-not-fit": b"\2" + first + columns([0, 0, 0], b"x,a,x\n") + text(b'1\n1,2,3,4\n"1'),
            "foreign": b"\2" + first + struct.pack("<H8x", 10) + b"a\n" + text(b"1\n") + first}


def paths():
    """Keys and the path of a file, name -> pieces."""
    return {"two": [b"store", b"day", b"/in/store=1/day=2024-01-01/a.csv"],
            "encoded": [b"a b", b"/in/a%20b=x%2Fy%00%zz/a%20b=%C3%A4/f"], "null": [b"s", b"/s=__HIVE_DEFAULT_PARTITION__/f"],
            "deepest": [b"s", b"s=1/s=2/t=3/s=4"], "missing": [b"s", b"t", b"/s=1/f"], "equals": [b"a=b", b"a", b"/a=b=c/f"]}


def long_text(s):
    return struct.pack("<I", len(s)) + s


def footers():
    """Answers about footers, name -> which and the payload."""
    names = b"".join(map(long_text, (b"n", b"int64", b"s", b"string")))
    head = struct.pack("<BQQIIII", 0, 700, 7, 0, 2, 2, 2)
    whole = b"\0" + head + names + struct.pack("<6Q", 0, 3, 1000, 8000, 24, 192)
    return {"footer": whole, "cut": whole[:-3], "long": whole + b"x", "refused": b"\0\1" + long_text(b"no Parquet"),
            "known": b"\0" + struct.pack("<BQQIIII2Q", 0, 700, 7, 1, 1, 0, 0, 5, 40),
            "hello": b"\1\0" + struct.pack("<I", 1) + long_text(b"14.0.2"), "no-hello": b"\1\1" + long_text(b"no pyarrow"),
            "rows": b"\2\0" + long_text(b"[[1]]"), "no-rows": b"\2\1" + long_text(b"gone")}


def main():
    files = {"journal-1": 0, "journal-2": 0, "journal-3": 0, "plan-1": 1, "plan-3": 1, "seg/1-0-0.seg": 2,
             "seg/3-0-0.seg": 2}
    raw = golden("seg/1-0-1.raw")
    small_raw = raw[:32 + 32 + 40 + 100]
    for name, kind in files.items():
        put("log", os.path.basename(name), bytes([kind]) + golden(name))
    put("log", "raw-cut", b"\3" + small_raw)
    for name in ("journal-1", "journal-3"):
        for i, body in enumerate(bodies(golden(name))):
            put("facts", "%s-%d" % (name, i), body)
    for name in ("plan-1", "plan-3"):
        for i, body in enumerate(bodies(golden(name))):
            put("planrec", "%s-%d" % (name, i), body)
    tables = [body for name in ("plan-1", "plan-2") for body in bodies(golden(name, "v2"))]
    for n in (3, len(tables)):
        put("planrec", "tables-%d" % n, b"".join(tables[:n]))
    put("planrec", "tables-small", table_of_one())
    put("planrec", "groups", grouped(2))
    put("planrec", "groups-cut", grouped(1))
    parts = [body for plan in make_part.plans(b"/in") for body in bodies(plan.bytes)]
    for n in range(2, len(parts) + 1):
        put("planrec", "parts-%d" % n, b"".join(parts[:n]))
    put("planrec", "whole", b"".join(list(bodies(golden("plan-1")))[:1] + list(bodies(golden("plan-3")))))
    for name in ("seg/1-0-0.seg", "seg/3-0-0.seg"):
        for i, body in enumerate(bodies(golden(name))):
            put("rows", "%s-%d" % (os.path.basename(name), i), body)

    for name, data in merges().items():
        put("merge", name, data)
    for name, pieces in paths().items():
        put("hive", name, b"".join(text(p) for p in pieces))
    for name, data in footers().items():
        put("footers", name, data)

    # the golden run, its HEADs left out: the target makes its own
    def journal(name, skip):
        return [piece(0, b) for b in list(bodies(golden(name)))[skip:]]
    plan1, plan3 = list(bodies(golden("plan-1"))), list(bodies(golden("plan-3")))
    seg1 = [piece(2, b) for b in bodies(golden("seg/1-0-0.seg"))]
    seg3 = [piece(2, b) for b in bodies(golden("seg/3-0-0.seg"))]
    first = [piece(1, plan1[0])] + seg1 + [piece(3, small_raw)] + journal("journal-1", 1)[:3]
    second = [piece(4, b"")] + [piece(1, b) for b in plan3] + seg3 + journal("journal-3", 1)
    put("run", "one-epoch", b"".join(first))
    put("run", "two-epochs", b"".join(first + second))
    def journal2(name):
        return [piece(0, b) for b in list(bodies(golden(name, "v2")))[1:]]
    seg = [[piece(2, b) for b in bodies(golden("seg/%d-0-0.seg" % n, "v2"))] for n in (1, 2)]
    plan = [[piece(1, b) for b in bodies(golden("plan-%d" % n, "v2"))] for n in (1, 2)]
    put("run", "tables", b"".join(plan[0] + seg[0] + journal2("journal-1") + [piece(4, b"")] + plan[1] + seg[1] +
                                  journal2("journal-2")))
    put("run", "parts", b"".join(piece(1, b) for b in parts))
    put("run", "no-plan", b"".join(journal("journal-1", 1)))

    hello = struct.pack("<IIII", 4711, 0x030B07F0, 1, 0) + text(b"3.11.7") + text(b"/usr/bin/python3")
    report = struct.pack("<HHIQ", 150, 0, 678, 12345) + text(b"no model")
    done = next(b for b in bodies(golden("journal-1")) if b[0] == 4)[8:112]
    failed = next(b for b in bodies(golden("journal-1")) if b[0] == 5)
    failed = failed[8:8 + struct.unpack_from("<I", failed, 4)[0]]
    session = b"".join((frame(1, hello), frame(3, struct.pack("<QQ", 5, 6)), frame(6, done + b"a 1\nb 2\n", 1),
                        frame(7, failed, 2), frame(9, report)))
    put("msg", "session", session)
    put("msg", "init-failed", frame(1, hello) + frame(4, report))
    put("msg", "fd", frame(6, done, 1, 1))
    put("msg", "cut", session[:-5])
    put("msg", "no-frame", b"GET / HTTP/1.1\r\n\r\n")

    def page(phase, since, claim):
        return struct.pack("<QQQIIQIIIIQ", phase << 56 | since, claim, claim, 0, 0, 0, 100, 0, 0, claim, 0)

    now = 1000000000
    put("page", "runs-on", b"".join(struct.pack("<BH", 0, 900) + page(4, now + 10, 1) +
                                    page(3, now + 20, 1) for _ in range(4)))
    put("page", "dies", b"".join(struct.pack("<BH", k, 100) + page(4, now, k) + page(5, now, 1) for k in (1, 2, 3)))
    put("page", "nonsense", struct.pack("<BH", 0, 65535) + bytes(range(128)) + struct.pack("<BH", 1, 1) + b"\xff" * 128)

    pair = [{"name": "m", "value": "/models/m"}]
    job = {"format": 1, "engine": "0.1.0", "code_print": "23312ec14c4c4419e6119c8db0361b49", "name": "score",
           "entry": "score.py", "code_dir": "/code", "submit_dir": "/", "output_file": None,
           "output_dir": "/out", "python": "/usr/bin/python3", "python_why": "",
           "inputs": [{"name": "input_0", "path": "/in"}], "models": pair,
           "side_inputs": [], "environment": [{"name": "A", "value": {"hex": "ff"}}],
           "arguments": ["--x", {"hex": "ff"}],
           "options": {"processes": {"value": ["2"], "from": "default"},
                       "run-invocation-timeout": {"value": ["1.5"], "from": "--run-invocation-timeout"}}}
    put("job", "small", json.dumps(job).encode())
    put("job", "empty", b"{}")
    doc = {"job_format": 1, "name": "score", "entry": "score.py", "code_dir": "code",
           "inputs": [{"path": "in"}, {"name": "p", "parts": ["a/x", "a/*.csv"], "partition_format": "{k}/*"}],
           "outputs": [{"name": "rows", "type": "uri_file", "path": "no.csv"}, {"name": "more", "path": None}],
           "append_row_to": "rows", "models": [{"name": "m", "value": "m.bin"}],
           "environment": [{"name": "A", "value": {"hex": "ff"}}], "arguments": ["--n", "1"],
           "options": {"run_max_try": 5, "threads": {"value": ["keep"], "from": "x"}}}
    put("doc", "whole", json.dumps(doc).encode())
    put("doc", "small", b'{"job_format": 1, "entry": "score.py", "inputs": [{"path": "in"}]}')
    put("doc", "wrong-types", json.dumps({k: 1 for k in doc}).encode())
    put("doc", "cut", json.dumps(doc).encode()[:200])
    put("job", "cut", json.dumps(job).encode()[:200])
    put("job", "wrong-types", json.dumps({k: 1 for k in job}).encode())

    run = golden("RUN")
    put("runfile", "golden", run)
    put("runfile", "newer", run.replace(b"prs-run 1", b"prs-run 2"))
    put("runfile", "cut", run[:30])
    put("cursor", "begun", b"prs-cursor 1\nrun %s\nat 1 32 0\ntick 0\nfile 11 0 job_progress_overview.txt\n" %
        b"a run of 16 byt\0".hex().encode())
    put("cursor", "elsewhere", b"prs-cursor 1\nrun %s\nat 7 99999 3\ntick 1\nfile 12 1 x\nfile 1 99 ../y\n" %
        b"a run of 16 byt\0".hex().encode())
    put("cursor", "outside", b"prs-cursor 1\nrun %s\nat 1 32 0\ntick 0\nfile 1 0 ../y\n" %
        b"a run of 16 byt\0".hex().encode())
    put("cursor", "other-run", b"prs-cursor 1\nrun 00\nat 1 32 0\ntick 0\n")


if __name__ == "__main__":
    main()
