# SPDX-License-Identifier: Apache-2.0
"""Tables to the end with a real pandas: the frames of all mini-batches put together are what pandas reads of the whole.

Which Python: the first of PRS_TABLE_PYTHONS, else the system's or that of the tests, where it has pandas.
"""
import json
import os
import subprocess
import textwrap

from pythons import one_having
from prs_job import JobCase

SCRIPT = """
    import os

    def run(mini_batch, context):
        mini_batch.attrs["bound"] = bound = context.global_row_index_lower_bound
        mini_batch.to_pickle(os.path.join(os.environ["FRAMES"], "%09d.%d" % (bound, len(mini_batch))))
        return mini_batch
"""
# What pandas reads of the files, against the frames of all mini-batches.
COMPARE = """
    import glob, os, sys
    import pandas as pd

    files, rows = sys.argv[2:], 0
    whole = pd.concat([pd.read_csv(f, parse_dates=["day"], float_precision="round_trip") for f in files], ignore_index=True)
    parts = [pd.read_pickle(f) for f in sorted(glob.glob(os.path.join(sys.argv[1], "*")))]
    for part in parts:
        assert list(part.index) == list(range(len(part))), part.index
        assert part.attrs["bound"] == rows, (part.attrs, rows)
        rows += len(part)
    together = pd.concat(parts, ignore_index=True)
    whole["day"] = whole["day"].astype(together["day"].dtype)
    assert len({str(p.dtypes.to_dict()) for p in parts}) == 1, "types that change between mini-batches"
    pd.testing.assert_frame_equal(together, whole, check_exact=True)
    print(len(parts), len(whole))
"""


class FrameCase(JobCase):
    words = ("run", "code/score.py", "--input", "in", "--input-format", "tabular", "--processes", "2", "--output",
             "out.txt")

    def setUp(self):
        super().setUp()
        self.python = one_having("pandas")
        self.words = (*self.words, "--python", self.python)
        self.script(SCRIPT)

    def table(self, name, first, rows, more=None):
        """Every kind of cell; more: {row from 1: the text of its column n}."""
        lines = ["id,name,ratio,day,yes,n"]
        for i in range(first, first + rows):
            name_ = '"a ""quoted"", name\nof %d"' % i if i % 5 == 0 else "" if i % 7 == 0 else "n%d" % i
            lines.append("%d,%s,%s,%s,%s,%s" % (
                i, name_, "" if i % 11 == 0 else repr(i / 3), "2024-02-%02d" % (1 + i % 29), i % 2 == 0,
                (more or {}).get(i - first + 1, str(-i * 1000003))))
        self.write(name, "\n".join(lines) + "\n" * (first % 3))
        return self.path(name)

    def compare(self, *files):
        """Mini-batches, rows."""
        r = subprocess.run([self.python, "-c", textwrap.dedent(COMPARE), self.path("frames"), *files],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
        self.assertEqual(r.returncode, 0, r.stdout)
        return tuple(map(int, r.stdout.split()))

    def job(self, *more, status=0):
        os.makedirs(self.path("frames"), exist_ok=True)
        r = self.run_job(*more, env={"FRAMES": self.path("frames")})
        self.assertEqual(r.returncode, status, r.stdout + r.stderr)
        return r


class WholeTest(FrameCase):
    def whole(self, mini_batches, *more):
        files = [self.table("in/a.csv", 1, 100), self.table("in/b.csv", 101, 57), self.table("in/c/d.csv", 158, 1)]
        self.job(*more)
        self.assertEqual(self.compare(*files), (mini_batches, 158))

    def test_by_rows(self):
        self.whole(15 + 9 + 1, "--mini-batch-rows", "7")

    def test_by_size(self):
        self.whole(3)

    def test_record_by_record(self):
        self.whole(158, "--mini-batch-size", "1")


class MisfitTest(FrameCase):
    def failed(self):
        with open(os.path.join(self.run_dir(), "failed_items.jsonl")) as f:
            return [json.loads(line) for line in f]

    def test_bisect(self):
        """Only the row that does not fit fails, and it is named as in the file."""
        self.table("in/a.csv", 1, 600, {391: "none", 392: "1.5e"})
        self.job("--mini-batch-rows", "100", "--on-failure", "bisect", "--infer-rows", "100")
        self.assertEqual([(f["row"], f["rows"], f["error"]) for f in self.failed()],
                         [(392, 1, "VALUE_MISFIT")])
        # a line has one line end more for each fifth row before it
        self.assertIn("line %d" % (1 + 392 + 391 // 5), self.failed()[0]["message"])
        self.assertIn("1.5e", self.failed()[0]["message"])
        self.assertEqual(len(self.journal("TRY")), 2)

    def test_without(self):
        self.table("in/a.csv", 1, 600, {391: "x"})
        self.job("--mini-batch-rows", "100", "--infer-rows", "100")
        self.assertEqual([(f["row"], f["rows"], f["error"], f["tries"]) for f in self.failed()],
                         [(301, 100, "VALUE_MISFIT", 1)])


class ForegroundTest(FrameCase):
    def setUp(self):
        super().setUp()
        self.script("def run(df):\n    print('%d rows from %s' % (len(df), df['id'].iloc[0]))\n    return df")
        self.table("in/a.csv", 1, 50)

    def test_test(self):
        r = self.prs("test", *self.words[1:-4], "--python", self.python, "--mini-batch-rows", "20", "--limit", "2")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("20 rows from 1\n", r.stdout)
        self.assertIn("20 rows from 21\n", r.stdout)
        self.assertNotIn("from 41", r.stdout)

    def test_replay(self):
        self.job("--mini-batch-rows", "20")
        r = self.prs("replay", "last", "1")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertTrue(r.stdout.startswith("20 rows from 21\n"), r.stdout)
        r = self.prs("replay", "last", "2", "--item", "3")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertTrue(r.stdout.startswith("1 rows from 44\n"), r.stdout)

    def test_replay_of_a_file_that_moved(self):
        self.job("--mini-batch-rows", "20")
        with open(self.path("in/a.csv"), "a") as f:
            f.write("\n1,2,3")
        r = self.prs("replay", "last", "1")
        self.assertEqual(r.returncode, 1)
        self.assertIn(self.path("in/a.csv"), r.stderr)
