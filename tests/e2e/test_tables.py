# SPDX-License-Identifier: Apache-2.0
"""Mini-batches whose items are rows, through the whole engine: counts, errors, logs, kills, resumes, faults.

The workers are the C stub of tests/stub, which splits its slices again and returns a row for each record; what the
words in a record make it do stands there. The oracle knows the records that it wrote.
"""
import glob
import json
import os

from prs_job import PRS, JobCase, wait_until

STUB = os.path.join(os.path.dirname(PRS), "..", "..", "tests", "stub", "stub_worker")


class TableCase(JobCase):
    """Files of records: `want` is what a job over all of them must write."""

    words = ("run", "code/score.py", "--input", "in", "--input-format", "tabular", "--processes", "2", "--output",
             "out.txt")

    def setUp(self):
        super().setUp()
        self.script("def run(mini_batch): return mini_batch")

    def prs(self, *words, env=None, **more):
        return super().prs(*words, env=dict(env or {}, PRS_STUB=STUB), **more)

    def table(self, name, rows, more=None, header="id,name"):
        """A file with that many records; more: {number of a record from 1: what its cell says}. Every seventh record has
        a line end in quotes. Returns the rows that it must give."""
        records = []
        for i in range(1, rows + 1):
            word = (more or {}).get(i, "n%d" % i)
            records.append("%d,%s" % (i, '"%s\n"' % word if i % 7 == 0 else word))
        self.write(name, "".join(line + "\n" for line in [header, *records]))
        return "".join("%s:%d: %s\n" % (os.path.basename(name), i, record.replace("\n", "|"))
                       for i, record in enumerate(records, 1))

    def job(self, *more, status=0, **given):
        r = self.run_job(*more, **given)
        self.assertEqual(r.returncode, status, r.stdout + r.stderr)
        return r

    def lines(self, text, *but):
        """The rows of `text` without those of some records: "a.csv:7"."""
        gone = tuple(name + ": " for name in but)
        return "".join(line for line in text.splitlines(True) if not line.startswith(gone)) if but else text

    def counts(self):
        """Items: planned, succeeded, failed."""
        events = [json.loads(line) for line in self.log("events.jsonl").splitlines()]
        planned = [e for e in events if e["type"] == "planned"][-1]
        self.assertEqual(events[-1]["type"], "finished")
        return planned["items"], events[-1]["items_succeeded"], events[-1]["items_failed"]

    def log(self, name):
        with open(os.path.join(self.run_dir(), "logs", name)) as f:
            return f.read()

    def failed(self):
        path = os.path.join(self.run_dir(), "failed_items.jsonl")
        if not os.path.exists(path):
            return []
        with open(path) as f:
            return [json.loads(line) for line in f]


class RowsTest(TableCase):
    def setUp(self):
        super().setUp()
        self.want = self.table("in/a.csv", 100) + self.table("in/b.csv", 41) + self.table("in/x/c.csv", 1)
        self.table("in/empty.csv", 0)

    def test_by_rows(self):
        self.job("--mini-batch-rows", "20")
        self.assertEqual(self.output(), self.want)
        self.assertEqual(self.counts(), (142, 142, 0))
        self.assertEqual([f["succeeded"] for f in sorted(self.journal("DONE"), key=lambda f: f["id"])],
                         [20] * 7 + [1, 1])  # never across files

    def test_by_size(self):
        self.job("--mini-batch-size", "100")
        self.assertEqual(self.output(), self.want)
        self.assertEqual(self.counts(), (142, 142, 0))
        self.assertGreater(len(self.journal("DONE")), 10)

    def test_as_one(self):
        self.job()
        self.assertEqual(self.output(), self.want)
        self.assertEqual(len(self.journal("DONE")), 3)

    def test_summary_only(self):
        self.job("--mini-batch-rows", "20", "--output-action", "summary_only")
        self.assertEqual(self.counts(), (142, 142, 0))


class CountTest(TableCase):
    """Rows that are left out before run() succeeded; what run() does not return failed."""

    def test_rows_left_out(self):
        want = self.table("in/a.csv", 20, {3: "GONE", 9: "GONE", 10: "SHORT"})
        self.job("--mini-batch-rows", "10")
        self.assertEqual(self.output(), self.lines(want, "a.csv:3", "a.csv:9", "a.csv:10"))
        self.assertEqual(self.counts(), (20, 19, 1))
        self.assertEqual([(f["status"], f["succeeded"], f["rows"]) for f in self.journal("DONE") if f["id"] == 0],
                         [("SHORT", 9, 7)])
        self.assertEqual(self.failed(), [{"mini_batch": 0, "missing": 1, "total": 10}])
        [first] = [line for line in self.log("sys/job_report/processed_mini-batches.csv").splitlines()
                   if line.startswith("0,")]
        self.assertEqual(first.split(",")[5:8], ["10", "9", "1"])

    def test_a_mini_batch_left_empty(self):
        want = self.table("in/a.csv", 20, {i: "GONE" for i in range(1, 11)})
        self.job("--mini-batch-rows", "10", "--error-threshold", "0")
        self.assertEqual(self.output(), self.lines(want, *("a.csv:%d" % i for i in range(1, 11))))
        self.assertEqual(self.counts(), (20, 20, 0))
        self.assertEqual([(f["status"], f["succeeded"], f["rows"], f["run_us"]) for f in self.journal("DONE")
                          if f["id"] == 0], [("EMPTY", 10, 0, 0)])

    def test_all_left_out(self):
        """run() was never called: nothing went wrong."""
        self.table("in/a.csv", 20, {i: "GONE" for i in range(1, 21)})
        r = self.job("--mini-batch-rows", "10")
        self.assertEqual(self.output(), "")
        self.assertEqual(self.counts(), (20, 20, 0))
        self.assertIn("every row was left out before run()", r.stdout + r.stderr)

    def test_nothing_returned(self):
        self.table("in/a.csv", 20, {i: "GONE" if i < 10 else "SHORT" for i in range(1, 21)})
        r = self.job("--mini-batch-rows", "10", status=1)
        self.assertIn("There is no succeeded mini batch item returned from run()", r.stdout + r.stderr)

    def test_threshold(self):
        more = {i: "SHORT" for i in range(5, 9)}
        self.table("in/a.csv", 40, more)
        self.job("--mini-batch-rows", "10", "--error-threshold", "4")
        self.clean()
        r = self.job("--mini-batch-rows", "10", "--error-threshold", "3", status=1)
        self.assertIn("4 items failed; error_threshold allows 3", r.stdout + r.stderr)

    def test_threshold_and_a_failed_mini_batch(self):
        self.table("in/a.csv", 40, {5: "FAIL"})
        r = self.job("--mini-batch-rows", "10", "--run-max-try", "1", "--error-threshold", "9", status=1)
        self.assertIn("10 items failed; error_threshold allows 9", r.stdout + r.stderr)


class EmptyTest(TableCase):
    def test_no_rows(self):
        self.table("in/a.csv", 0)
        self.write("in/b.csv", "\n\n")
        self.write("in/c.csv", "")
        r = self.job(status=1)
        said = r.stdout + r.stderr
        self.assertIn("there is no row in the 3 files of %s\n" % self.path("in"), said)
        self.assertIn("NO_INPUT", self.log("events.jsonl"))

    def test_two_inputs(self):
        self.table("in/a.csv", 0)
        self.table("more/b.csv", 0)
        r = self.job("--input", "more", status=1)
        self.assertIn("no row in the 2 files of %s, %s\n" % (self.path("in"), self.path("more")),
                      r.stdout + r.stderr)

    def test_one_of_two(self):
        self.table("in/a.csv", 0)
        want = self.table("more/b.csv", 3)
        self.job("--input", "more")
        self.assertEqual(self.output(), want)


class MisfitTest(TableCase):
    """VALUE_MISFIT ends the mini-batch at its first try, not the job."""

    def test_without_bisect(self):
        want = self.table("in/a.csv", 40, {17: "MISFIT"})
        r = self.job("--mini-batch-rows", "10")
        self.assertEqual(self.output(), self.lines(want, *("a.csv:%d" % i for i in range(11, 21))))
        self.assertEqual(self.counts(), (40, 30, 10))
        [tried] = self.journal("TRY")
        self.assertEqual((tried["id"], tried["error"], tried["bad_item"], tried["counted"], tried["fault"]),
                         (1, "VALUE_MISFIT", 7, 1, "user"))
        [failed] = self.failed()
        self.assertEqual({k: failed[k] for k in ("file", "row", "rows", "mini_batch", "tries", "error")},
                         {"file": self.path("in/a.csv"), "row": 11, "rows": 10, "mini_batch": 1, "tries": 1,
                          "error": "VALUE_MISFIT"})
        with open(self.path("in/a.csv")) as f:
            slice_ = f.read()[failed["offset"]:failed["offset"] + failed["bytes"]]
        self.assertEqual((slice_[:3], slice_[-7:]), ("11,", "20,n20\n"))
        self.assertIn("a.csv: row 17: no number: 17,MISFIT", failed["message"])
        self.assertIn("VALUE_MISFIT", self.log("user/error.txt"))
        self.assertIn("LOAD_EXCEPTION", self.log("sys/job_report/processed_mini-batches.csv"))
        self.assertIn("a.csv rows 11-20", self.log("sys/job_report/processed_mini-batches.csv"))
        self.assertIn("a.csv: row 17: no number", r.stdout + r.stderr)

    def test_bisect_splits_the_row_off(self):
        bad = (1, 17, 18, 40)
        want = self.table("in/a.csv", 40, {i: "MISFIT" for i in bad})
        r = self.job("--mini-batch-rows", "20", "--on-failure", "bisect")
        self.assertEqual(self.output(), self.lines(want, *("a.csv:%d" % i for i in bad)))
        self.assertEqual(self.counts(), (40, 36, 4))
        self.assertEqual([(f["row"], f["rows"], f["item_first"], f["item_count"]) for f in self.failed()],
                         [(i, 1, (i - 1) % 20, 1) for i in bad])
        splits = [(f["id"], f["item_first"], f["item_count"], f["parts"], f["bad_item"])
                  for f in self.journal("SPLIT")]
        self.assertEqual(sorted(splits), [(0, 0, 0, 2, 1), (0, 1, 19, 3, 17), (0, 17, 3, 2, 18), (1, 0, 0, 2, 20)])
        # each bad row once with those around it and once alone, and what lies between them: no half was tried
        self.assertEqual(len(self.journal("TRY")), 8)
        self.assertEqual(len(self.journal("DONE")), 3)
        said = r.stdout + r.stderr
        self.assertEqual(said.count("does not fit the types of the table: it fails alone"), 1)
        self.assertNotIn("ever smaller parts", said)

    def test_bisect_of_an_error_of_run(self):
        """What run() raises names no row: halves, as of files."""
        want = self.table("in/a.csv", 10, {7: "FAIL"})
        self.job("--mini-batch-rows", "10", "--on-failure", "bisect", "--run-max-try", "1")
        self.assertEqual(self.output(), self.lines(want, "a.csv:7"))
        self.assertEqual([(f["row"], f["rows"]) for f in self.failed()], [(7, 1)])

    def test_a_part_that_crashes(self):
        want = self.table("in/a.csv", 30, {3: "CRASH", 4: "MISFIT"})
        self.job("--mini-batch-rows", "10", "--on-failure", "bisect", "--run-max-try", "2")
        self.assertEqual(self.output(), self.lines(want, "a.csv:3", "a.csv:4"))
        self.assertEqual(self.counts(), (30, 28, 2))

    def test_resume_that_retries(self):
        """Bisect at a resume: the job that failed on a few rows is mended."""
        want = self.table("in/a.csv", 40, {17: "MISFIT"})
        self.job("--mini-batch-rows", "10", "--error-threshold", "1", status=1)
        r = self.prs("resume", "last", "--retry-failed", "--on-failure", "bisect")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), self.lines(want, "a.csv:17"))

    def test_fail_fast(self):
        self.table("in/a.csv", 400, {i: "MISFIT" for i in range(1, 401)})
        r = self.job("--mini-batch-rows", "10", "--fail-fast", status=1)
        self.assertIn("the first 10 mini-batches all failed with the same error: a value does not fit", r.stderr)


class MovedTest(TableCase):
    def test_a_file_that_changes(self):
        """It is written to while its mini-batches wait: each fails at its first try, those of other files go on."""
        self.table("in/a.csv", 20, {1: "SLOW"})
        want = self.table("in/b.csv", 20)
        engine = self.start(*self.words, "--mini-batch-rows", "10", "--processes", "1", env={"PRS_STUB": STUB})
        wait_until(lambda: glob.glob(self.path("runs/*/logs/events.jsonl")) and
                   '"complete":true' in self.log("events.jsonl"), "the plan")
        with open(self.path("in/a.csv"), "a") as f:
            f.write("21,late\n")
        self.write("go", "")
        self.assertEqual(engine.wait(), 0, self.said())
        self.assertTrue(self.output().endswith(want))
        self.assertEqual([(f["id"], f["error"], f["counted"]) for f in self.journal("TRY")],
                         [(1, "INPUT_MOVED", 1)])
        self.assertEqual([(f["row"], f["rows"], f["error"]) for f in self.failed()], [(11, 10, "INPUT_MOVED")])
