# SPDX-License-Identifier: Apache-2.0
"""Random tables through whole jobs with a real pandas: by size, rows and keys, of CSV, JSON lines and Parquet, packed or not, the mini-batches
put together are the table, values and types; a job that is killed again and again, while it plans, sorts, runs and writes, gives the same bytes.

The generator is seeded by the test's own numbers: what failed once fails again. The oracle is the table that was written, never a reader.
"""
import datetime
import gzip
import json
import os
import random
import shutil
import signal
import subprocess

from test_hostile_tables import HostileCase, has

TORTURE = bool(os.environ.get("PRS_TORTURE"))
WORDS = ["", "x", "NA", "a b", 'say "it"', "two\nlines", "\r\n", ",", "\u00e4\u20ac", "'", "0x10", " blanks ", "null", "1.5.2"]


def integer(r):
    return str(r.choice((0, 1, -1, 7, 2 ** 53, -2 ** 62, r.randrange(-1000, 1000))))


def decimal(r):
    return r.choice(("0.1", "1e3", "-2.5", "1E+05", ".5", "inf", "%r" % r.random(), "%d.0" % r.randrange(100)))


def date(r):
    day = datetime.datetime(1900, 1, 1) + datetime.timedelta(days=r.randrange(80000), seconds=r.randrange(86400))
    return r.choice((day.strftime("%Y-%m-%d"), day.strftime("%Y-%m-%d %H:%M"), day.strftime("%Y-%m-%dT%H:%M:%S")))


KINDS = {"i": integer, "f": decimal, "d": date, "b": lambda r: r.choice(("true", "false", "True")),
         "s": lambda r: r.choice(WORDS) + "w%d" % r.randrange(9) if r.random() < 0.9 else r.choice(WORDS)}


def typed(kind, cell):
    if not cell:
        return None
    if kind == "d":
        return datetime.datetime.fromisoformat(cell)
    return {"i": int, "f": float, "b": lambda c: c.lower() == "true", "s": str}[kind](cell)


def shown(value):
    """What a cell of a column is in the frame, as the script of the hostile tables writes it."""
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return repr(value) if isinstance(value, float) else value


def place(value):
    """Where a mini-batch stands by a value of its key."""
    return value is None, value.encode() if isinstance(value, str) else value or 0


class Table:
    """Rows of random columns c0, c1 ...; the first row has a null where the column has any, the second has none."""

    def __init__(self, r, rows, few=()):
        self.r = r
        self.kinds = [r.choice("ifdbs") for _ in range(r.randrange(1, 6))]
        self.names = ["c%d" % i for i in range(len(self.kinds))]
        nulls = [k != "i" and r.random() < 0.5 for k in self.kinds]
        some = {k: [KINDS[k](r) for _ in range(5)] for k in few}
        make = {k: (lambda r, k=k: r.choice(some[k])) if k in some else KINDS[k] for k in KINDS}
        self.cells = [[make[k](r) if not (null and (n == 0 or r.random() < 0.1)) else "" for k, null in zip(self.kinds, nulls)]
                      for n in range(rows)]
        for row in self.cells[1:2]:
            row[:] = [KINDS[k](r) or "x" for k in self.kinds]
        self.rows = [[typed(k, c) for k, c in zip(self.kinds, row)] for row in self.cells]
        ends = sorted(r.randrange(2, rows + 1) for _ in range(r.randrange(3))) + [rows]
        self.pieces = list(zip([0] + ends, ends))  # of a file

    def cell(self, text):
        quoted = any(c in text for c in ',"\r\n') or not text or self.r.random() < 0.1
        return '"%s"' % text.replace('"', '""') if quoted else text

    def delimited(self):
        for a, b in self.pieces:
            line = self.r.choice(("\n", "\r\n"))
            yield (line.join([",".join(self.names)] + [",".join(map(self.cell, row)) for row in self.cells[a:b]]) + line).encode()

    def lines(self):
        """A null may be missing, but not in the first row: the sample knows the names."""
        for a, b in self.pieces:
            text = []
            for row, cells in zip(self.rows[a:b], self.cells[a:b]):
                values = [c if k == "d" and c else v for k, c, v in zip(self.kinds, cells, row)]
                text.append(json.dumps({n: v for n, v in zip(self.names, values)
                                        if v is not None or a == 0 or self.r.random() < 0.5}) + "\n")
            yield "".join(text).encode()


PARQUET = """
import datetime, json, sys
import pyarrow as pa, pyarrow.parquet as pq
types = {"i": pa.int64(), "f": pa.float64(), "d": pa.timestamp("us"), "b": pa.bool_(), "s": pa.string()}
for number, (kinds, rows, group) in enumerate(json.load(sys.stdin)):
    columns = list(zip(*rows)) or [()] * len(kinds)
    columns = [[v and datetime.datetime.fromisoformat(v) for v in c] if k == "d" else c for k, c in zip(kinds, columns)]
    table = pa.table({"c%d" % i: pa.array(list(c), types[k]) for i, (k, c) in enumerate(zip(kinds, columns))})
    pq.write_table(table, "in/%d.parquet" % number, row_group_size=group)
"""


class RandomCase(HostileCase):
    def no_input(self):
        shutil.rmtree(self.path("in"), ignore_errors=True)
        os.makedirs(self.path("in"))

    def put(self, table, form):
        self.no_input()
        if form == "parquet":
            about = [[table.kinds, [list(map(self.plain, row)) for row in table.rows[a:b]], table.r.randrange(1, 40)] for a, b in table.pieces]
            subprocess.run([self.python, "-c", PARQUET], cwd=self.dir, check=True, input=json.dumps(about), universal_newlines=True)
            return
        for number, data in enumerate(table.delimited() if form == "csv" else table.lines()):
            packed = table.r.random() < 0.2
            self.bytes("%d.%s%s" % (number, form, ".gz" if packed else ""), gzip.compress(data) if packed else data)

    @staticmethod
    def plain(value):
        return value.isoformat() if isinstance(value, datetime.datetime) else value

    def forms(self):
        return ("csv", "jsonl", "parquet") if has(self.python, "pyarrow") else ("csv", "jsonl")

    @staticmethod
    def cut(r, form):
        by_key = ("--partition-keys", "c0")
        return r.choice((("-b", "1"), ("-b", "%d" % r.randrange(20, 400)), ("-b", "1mb"), ("--mini-batch-rows", str(r.randrange(1, 40))))
                        + ((by_key, by_key) if form != "parquet" else ()))


class WholeTest(RandomCase):
    def test_put_together_they_are_the_table(self):
        for seed in range(300 if TORTURE else 12):
            r = random.Random(seed)
            form = self.forms()[seed % len(self.forms())]
            words = self.cut(r, form)
            table = Table(r, r.randrange(2, 80), "ifdbs" if "--partition-keys" in words else "")
            self.put(table, form)
            shapes, rows = self.job(*words)
            want = sorted(table.rows, key=lambda row: place(row[0])) if "--partition-keys" in words else table.rows
            self.assertEqual(rows, [list(map(shown, row)) for row in want], (seed, form, words))
            self.assertEqual({s[0] for s in shapes}, {",".join(table.names)}, (seed, form, words))
            for i, kind in enumerate(table.kinds):
                nulls = any(row[i] is None for row in table.rows)
                ours = {"s": "o", "b": "o" if nulls else "b"}.get(kind, kind)
                self.assertLessEqual({s[1][i] for s in shapes}, {ours, "o" if kind in "sb" else ours}, (seed, form, words, i))


FRAMES = """
import pandas as pd
def run(frame, context):
    n = int(context.minibatch_index)
    frame = frame.assign(number=n, half=n / 2) if n % 3 == 1 else frame
    return frame.drop(columns="c0") if n % 5 == 2 and len(frame.columns) > 1 else frame
"""


class KilledTest(RandomCase):
    """Each life ends at a random place. The last of them is in the writing of the output."""

    PLACES = {"plan": ("schema.before_rename", "schema.after_rename", "store.plan.after_write", "store.plan.after_sync"),
              "spool": ("data.spool.created", "data.spool.after_write", "data.spool.after_sync"),
              "rows": ("store.segment.after_write", "store.segment.after_sync", "store.journal.after_sync"),
              "output": ("store.assemble.before_write", "store.assemble.range", "store.assemble.range", "store.assemble.range",
                         "store.assemble.before_rename", "store.assemble.after_rename")}

    def setUp(self):
        super().setUp()
        self.script(FRAMES)

    def words(self, r, form, name, cut):
        return ("run", "code/score.py", "-i", "in", "--input-format", "tabular", "-o", name, "-p", str(r.randrange(1, 4)), "--python",
                self.python, "--run-max-try", "100", *cut)

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def random_place(self, r, stage):
        place = r.choice(self.PLACES[stage])
        return "%s:%d" % (place, r.choice((1, 2, 3, 5)) if place == "store.assemble.range" or stage != "output" else 1)

    def life(self, words, place, output):
        """One that may end at a place; that it came to its end is no use."""
        begun = os.path.exists(self.path("runs")) and os.listdir(self.path("runs"))
        status = self.prs(*(("resume",) if begun else words), kill=place).returncode
        if status == 0:
            self.forget(output)
        return status

    def of(self, output, seeds):
        for seed in range(200 if TORTURE else seeds):
            with self.subTest(output + " %d" % seed):
                r = random.Random("%s %d" % (output, seed))
                form = self.forms()[seed % len(self.forms())]
                self.put(Table(r, 60, "ifdbs"), form)
                cut = ("--partition-keys", "c0") if form != "parquet" and seed % 2 else ("-b", "100")
                words = self.words(r, form, "out." + output, cut)
                self.forget(output)
                whole = self.prs(*words)
                self.assertEqual(whole.returncode, 0, whole.stderr)
                want = self.read("out." + output)
                self.forget(output)
                stages = [r.choice(("plan", "spool", "rows", "output")) for _ in range(r.randrange(1, 4))]
                for stage in stages:
                    self.assertIn(self.life(words, self.random_place(r, stage), output), (0, -signal.SIGKILL))
                there = os.path.exists(self.path("out." + output))  # a life ended behind the rename: it is only compared
                place = r.choice(self.PLACES["output"][:4 if there else None]) + ":1"
                self.assertEqual(self.life(words, place, output), -signal.SIGKILL, place)
                last = self.prs("resume")
                self.assertEqual(last.returncode, 0, last.stderr)
                self.assertEqual(self.read("out." + output), want)
                self.assertEqual(json.loads(self.prs("status", "--json").stdout)["state"], "completed")
                self.assertEqual([n for n in os.listdir(self.dir) if n.startswith(".prs-")], [])
                self.check_no_strays()

    def forget(self, output):
        self.clean()
        if os.path.exists(self.path("out." + output)):
            os.remove(self.path("out." + output))

    def test_csv(self):
        self.of("csv", 4)

    def test_jsonl(self):
        self.of("jsonl", 4)

    def test_parquet(self):
        if "parquet" not in self.forms():
            self.skipTest("no pyarrow for " + self.python)
        self.of("parquet", 4)
