# SPDX-License-Identifier: Apache-2.0
"""Random tables through whole jobs with a real pandas: whatever the size of the mini-batches, put together they are the table, values and types;
a job that is killed again and again gives the same bytes.

The generator is seeded by the test's own numbers: what failed once fails again. The oracle is the table that was written, never a reader.
"""
import datetime
import json
import random
import shutil

from test_hostile_tables import HostileCase

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


def value(kind, cell):
    """What a cell of a column is in the frame, as the script of the hostile tables writes it."""
    if not cell:
        return None
    if kind == "i":
        return int(cell)
    if kind == "f":
        return repr(float(cell))
    if kind == "b":
        return cell.lower() == "true"
    if kind == "d":
        return datetime.datetime.fromisoformat(cell).isoformat()
    return cell


class WholeTest(HostileCase):
    def table(self, r, rows):
        """Files of one table; what it is, row by row. The first row has a null where the column has any, the second has none."""
        kinds = [r.choice("ifdbs") for _ in range(r.randrange(1, 6))]
        nulls = [k != "i" and r.random() < 0.5 for k in kinds]
        cells = [[KINDS[k](r) if not (null and (n == 0 or r.random() < 0.1)) else "" for k, null in zip(kinds, nulls)] for n in range(rows)]
        for row in cells[1:2]:
            row[:] = [KINDS[k](r) or "x" for k in kinds]
        header = ",".join("c%d" % i for i in range(len(kinds)))
        files, at = r.randrange(1, 4), 0
        for n in range(files):
            end = rows if n == files - 1 else r.randrange(max(at, 2), rows + 1)
            line = r.choice(("\n", "\r\n"))
            self.bytes("%d.csv" % n, (header + line + "".join(",".join(self.cell(r, c) for c in row) + line for row in cells[at:end])).encode())
            at = end
        return [[value(k, c) for k, c in zip(kinds, row)] for row in cells]

    @staticmethod
    def cell(r, text):
        quoted = any(c in text for c in ',"\r\n') or not text or r.random() < 0.1
        return '"%s"' % text.replace('"', '""') if quoted else text

    def sizes(self, r):
        return r.choice((("-b", "1"), ("-b", "%d" % r.randrange(20, 400)), ("-b", "1mb"), ("--mini-batch-rows", str(r.randrange(1, 40)))))

    def test_put_together_they_are_the_table(self):
        for seed in range(8):
            r = random.Random(seed)
            self.no_input()
            want = self.table(r, r.randrange(2, 80))
            words = self.sizes(r)
            _, rows = self.job(*words)
            self.assertEqual(rows, want, (seed, words))

    def no_input(self):
        shutil.rmtree(self.path("in"), ignore_errors=True)

    def test_killed_again_and_again(self):
        points = ("schema.after_rename:1", "store.plan.after_sync:1", "store.segment.after_sync:1", "store.segment.after_sync:3",
                  "store.assemble.before_rename:1", "data.spool.after_write:1", "data.spool.after_sync:1")
        for seed in range(3):
            r = random.Random(100 + seed)
            self.no_input()
            self.table(r, 60)
            words = ("run", "code/score.py", "-i", "in", "--input-format", "tabular", "-o", "out.txt", "-p", "2", "--python", self.python,
                     *(("-b", "100") if seed else ("--partition-keys", "c0")))
            self.clean()
            self.assertEqual(self.prs(*words).returncode, 0)
            want = self.output()
            self.clean()
            self.prs(*words, kill=r.choice(points))
            for _ in range(3):
                self.prs("resume", kill=r.choice(points))
            self.prs("resume")
            self.assertEqual(self.output(), want, seed)
            self.assertEqual(json.loads(self.prs("status", "--json").stdout)["state"], "completed")
