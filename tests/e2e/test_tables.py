# SPDX-License-Identifier: Apache-2.0
"""Mini-batches whose items are rows, through the whole engine: counts, errors, logs, kills, resumes, faults.

The workers are the C stub of tests/stub, which splits its slices again and returns a row for each record; what the
words in a record make it do stands there. The oracle knows the records that it wrote.
"""
import glob
import gzip
import json
import os
import random
import shutil
import signal
import time

from prs_job import PRS, JobCase, wait_until
from test_faults import FaultCase

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

    def start(self, *words, env=None, **more):
        return super().start(*words, env=dict(env or {}, PRS_STUB=STUB), **more)

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
        # and told of once
        self.assertEqual(self.log("user/error.txt").splitlines()[0][:19], "4 errors in 1 kind,")
        self.assertIn("\n4 x VALUE_MISFIT", self.log("user/error.txt"))
        said = r.stdout + r.stderr
        self.assertRegex(said, r"\b4 x a.csv: row|\b4 x .*no number")
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


class AdviceTest(TableCase):
    """What a person is told to type counts what the job counts."""

    def slow(self, *more):
        self.table("in/a.csv", 40, {3: "SLOW"})
        r = self.job("--run-invocation-timeout", "1", "--run-max-try", "1", *more)
        return r.stdout + r.stderr

    def test_half_as_many_rows(self):
        self.assertIn(" with 20 items: --run-invocation-timeout 2, or --mini-batch-rows 10\n",
                      self.slow("--mini-batch-rows", "20"))

    def test_half_as_many_bytes(self):
        self.assertIn(", or --mini-batch-size 50\n", self.slow("--mini-batch-size", "100"))

    def test_the_rows_again(self):
        self.table("in/a.csv", 40, {3: "MISFIT"})
        self.assertIn("prs run --only-failed", self.job("--mini-batch-rows", "20").stderr)


class OnlyFailedTest(TableCase):
    """--only-failed takes the rows that failed, whatever mini-batches had them; the types are those of all files."""

    def again(self, *more, status=0):
        r = self.prs(*self.words[:-2], "--only-failed", "last", "--output", "out2.txt", *more)
        self.assertEqual(r.returncode, status, r.stdout + r.stderr)
        return r.stdout + r.stderr

    def output2(self):
        with open(self.path("out2.txt")) as f:
            return f.read()

    def only(self, text, *records):
        return "".join(line for line in text.splitlines(True)
                       if line.startswith(tuple(name + ": " for name in records)))

    def mend(self, name, old, new):
        """In its place: the other rows stay where they are, or move."""
        with open(self.path(name)) as f:
            text = f.read()
        with open(self.path(name), "w") as f:
            f.write(text.replace(old, new))

    def schema(self, run):
        with open(os.path.join(run, "work/schema/0.json")) as f:
            return f.read()

    def test_whole_mini_batches(self):
        want = self.table("in/a.csv", 40, {17: "FAIL", 35: "FAIL"}) + self.table("in/b.csv", 9)
        self.job("--mini-batch-rows", "10", "--run-max-try", "1")
        first = self.run_dir()
        self.again("--mini-batch-rows", "4", "--run-max-try", "1", "--on-failure", "bisect")
        rows = ["a.csv:%d" % i for i in (*range(11, 17), *range(18, 21), *range(31, 35), *range(36, 41))]
        self.assertEqual(self.output2(), self.only(want, *rows))
        [run] = [d for d in glob.glob(self.path("runs", "*")) if d != first]
        self.assertEqual(self.schema(run), self.schema(first))

    def test_rows_that_bisect_found(self):
        bad = {3: "MISFIT", 4: "MISFIT", 18: "MISFIT", 25: "MISFIT"}
        self.table("in/a.csv", 40, bad)
        self.table("in/b.csv", 12, {5: "MISFIT"}, header="name,id")
        self.job("--mini-batch-rows", "10", "--on-failure", "bisect")
        self.mend("in/a.csv", "MISFIT", "mended")
        self.mend("in/b.csv", "MISFIT", "fit")
        self.again("--mini-batch-rows", "10")
        self.assertEqual(self.output2(), "".join("a.csv:%d: %d,mended\n" % (i, i) for i in bad) + "b.csv:5: 5,fit\n")

    def test_where_they_lie(self):
        """Rows that follow each other are one mini-batch, and the rows over the input are those of all of it."""
        self.table("in/a.csv", 3)
        self.table("in/b.csv", 3000, {700: "FAIL", 701: "FAIL", 2900: "FAIL"})
        self.job("--mini-batch-rows", "100", "--on-failure", "bisect", "--run-max-try", "1")
        first = self.run_dir()
        self.again("--mini-batch-rows", "5", "--run-max-try", "1", status=1)
        [run] = [d for d in glob.glob(self.path("runs", "*")) if d != first]
        r = self.prs("dump", "plan", run, "--json")
        slices = [f for f in map(json.loads, r.stdout.splitlines()) if f["type"] == "SLICES"]
        self.assertEqual([(f["row"], f["global_row"], f["count"]) for f in slices], [(699, 702, 1), (2899, 2902, 1)])
        with open(self.path("in/b.csv")) as f:
            self.assertEqual(f.read()[slices[0]["offset"]:][:9], '700,"FAIL')

    def test_packed_files(self):
        self.table("in/a.csv", 400, {35: "FAIL", 36: "FAIL", 350: "FAIL"})
        with open(self.path("in/a.csv"), "rb") as f, gzip.open(self.path("in/a.csv.gz"), "wb") as to:
            to.write(f.read())
        os.remove(self.path("in/a.csv"))
        self.job("--mini-batch-rows", "10", "--on-failure", "bisect", "--run-max-try", "1")
        self.assertEqual([(f["row"], f["rows"]) for f in self.failed()], [(35, 1), (36, 1), (350, 1)])
        with gzip.open(self.path("in/a.csv.gz"), "wb") as to:
            to.write(b"id,name\n" + b"".join(b"%d,mended\n" % i for i in range(1, 401)))
        self.again("--mini-batch-rows", "5")
        self.assertEqual([line.split(": ")[1] for line in self.output2().splitlines()],
                         ["35,mended", "36,mended", "350,mended"])

    def test_rows_that_are_gone(self):
        self.table("in/a.csv", 40, {35: "FAIL"})
        self.job("--mini-batch-rows", "10", "--run-max-try", "1")
        self.table("in/a.csv", 33)
        said = self.again(status=4)
        self.assertIn("%s has 33 rows, and row 34 is to run again" % self.path("in/a.csv"), said)

    def test_a_file_that_is_gone(self):
        self.table("in/a.csv", 20, {15: "FAIL"})
        self.table("in/b.csv", 20)
        self.job("--mini-batch-rows", "10", "--run-max-try", "1")
        os.remove(self.path("in/a.csv"))
        self.assertIn("not there any more: " + self.path("in/a.csv"), self.again(status=2))

    def test_as_files(self):
        self.table("in/a.csv", 20, {15: "FAIL"})
        self.job("--mini-batch-rows", "10", "--run-max-try", "1")
        r = self.prs("run", "code/score.py", "--input", "in", "--only-failed", "last", "--output", "out2.txt")
        self.assertEqual(r.returncode, 2)
        self.assertIn("its items were rows, and are files now: --input-format tabular", r.stderr)

    def test_killed_while_it_is_planned(self):
        want = "".join(self.table("in/%c.csv" % c, 60, {i: "FAIL" for i in range(1, 61)}) for c in b"abcdef")
        self.job("--mini-batch-rows", "20", "--run-max-try", "1", "--fail-fast=false", status=1)
        for c in "abcdef":
            self.mend("in/%s.csv" % c, "FAIL", "GOOD")
        for point in ("store.plan.before_write", "store.plan.after_write", "store.plan.after_sync"):
            with self.subTest(point):
                if os.path.exists(self.path("out2.txt")):
                    os.remove(self.path("out2.txt"))
                first = self.first
                p, stopped = self.stop_at(point, 1, *self.words[:-2], "--only-failed", first, "--output", "out2.txt",
                                          "--mini-batch-rows", "7")
                self.assertTrue(stopped, self.said())
                os.kill(p.pid, signal.SIGKILL)
                p.wait()
                r = self.prs("resume", "last")
                self.assertEqual(r.returncode, 0, r.stderr)
                self.assertEqual(self.output2(), want.replace("FAIL", "GOOD"))

    @property
    def first(self):
        return os.path.basename(sorted(glob.glob(self.path("runs", "*")), key=os.path.getmtime)[0])


class MovedTest(TableCase):
    def test_a_file_that_changes(self):
        """It is written to while its mini-batches wait: each fails at its first try, those of other files go on."""
        self.table("in/a.csv", 20, {1: "SLOW"})
        want = self.table("in/b.csv", 20)
        engine = self.start(*self.words, "--mini-batch-rows", "10", "--processes", "1")
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
        self.assertNotIn("bisect", self.said())  # no row of them is bad


class KillCase(TableCase):
    """Two folders that fill a plan block each, and files whose columns stand in another order: they have a schema of
    their own."""

    words = (*TableCase.words[:-2], "--mini-batch-rows", "3", "--run-max-try", "100", "--output", "out.txt")

    def setUp(self):
        super().setUp()
        self.want = "".join(self.table("in/%s/%s%04d.csv" % (folder, "n" * 210, i), 7 + i % 3,
                                       header="name,id" if i % 50 == 9 else "id,name")
                            for folder in "ab" for i in range(320))

    def table(self, name, rows, more=None, header="id,name"):
        """The types must be the same in any order."""
        return super().table(name, rows, {i: str(i) for i in range(1, rows + 1)}, header)

    def again(self):
        """`resume`, unless the first life ended before there was a whole run folder: its last file is job.json."""
        jobs = glob.glob(self.path("runs", "*", "job.json"))
        if jobs:
            return ("resume", os.path.dirname(jobs[0]))
        self.clean()
        return self.words

    def finish(self):
        for _ in range(20):
            p = self.start(*self.again())
            if p.wait() >= 0:
                break
        self.assertEqual(p.returncode, 0, self.said())
        self.check()

    def check(self):
        self.assertEqual(self.output(), self.want)
        facts = self.journal("TRY", "DONE", "PLANNED")
        planned = [f for f in facts if f["type"] == "PLANNED"][-1]
        self.assertEqual(planned["items"], self.want.count("\n"))
        self.assertEqual(sorted(f["id"] for f in facts if f["type"] == "DONE"), list(range(planned["next_id"])),
                         "what was done once is not done again")
        self.assertLessEqual({(f["code"], f["exit"]) for f in facts if f["type"] == "TRY"}, {(104, 9)})
        self.check_no_strays()


class KillPointTest(KillCase):
    def matrix(self, point, counts=(1, 2, 3), twice=True):
        for count in counts:
            with self.subTest("%s:%d" % (point, count)):
                self.clean()
                p, stopped = self.stop_at(point, count, *self.words)
                self.assertTrue(stopped, "it did not come to it: " + self.said())
                os.kill(p.pid, signal.SIGKILL)
                p.wait()
                if twice:
                    p, stopped = self.stop_at(point, max(4 - count, 1), *self.again())
                    os.kill(p.pid, signal.SIGKILL) if stopped else None
                    p.wait()
                self.finish()


for kill_point in ("store.plan.before_write", "store.plan.after_write", "store.plan.after_sync", "schema.before_write",
                   "schema.before_rename", "schema.after_rename", "store.segment.after_write",
                   "store.journal.after_sync"):
    # the files with another order share a schema
    setattr(KillPointTest, "test_" + kill_point.replace(".", "_"),
            lambda self, point=kill_point: self.matrix(point, (1, 2) if point.startswith("schema") else (1, 2, 3)))


class KeysTest(KillCase):
    """Rows by a key that is a column: records of all files, sorted into the spool. Killed anywhere."""

    words = (*TableCase.words[:-2], "--partition-keys", "id", "--run-max-try", "100", "--output", "out.txt")

    def setUp(self):
        TableCase.setUp(self)
        groups = {}
        for name in ("in/a.csv", "in/b.csv", "in/x/c.csv"):
            records = [(i * 7919 % 23, '"n\n%d"' % i if i % 9 == 0 else name[3:-4] + str(i)) for i in range(400)]
            self.write(name, "id,name\n" + "".join("%d,%s\n" % r for r in records))
            for key, text in records:
                groups.setdefault(key, []).append("%d,%s\n" % (key, text.replace("\n", "|")))
        self.want = "".join("".join(groups[key]) for key in sorted(groups))

    def test_counts(self):
        self.assertEqual(self.start(*self.words).wait(), 0, self.said())
        self.check()
        self.assertEqual(self.counts(), (1200, 1200, 0))
        self.assertEqual(len(self.journal("DONE")), 23)

    def test_bisect(self):
        """The bad rows alone fail, and are named; the others are those of their partition."""
        self.write("in/b.csv", "id,name\n5,b1\n5,FAIL\n5,b3\n99,MISFIT\n99,b5\n")
        self.job("--on-failure", "bisect", "--run-max-try", "1")
        self.assertEqual([(f["file"], f["row"], f["rows"], f["line"]) for f in self.failed()],
                         [(self.path("in/b.csv"), row, 1, row + 1) for row in (2, 4)])
        rows = [line for line in self.output().splitlines() if line.startswith(("5,b", "99,b"))]
        self.assertEqual(rows, ["5,b1", "5,b3", "99,b5"])

    def test_failed_rows_have_their_lines(self):
        self.write("in/b.csv", "id,name\n5,FAIL\n99,FAIL\n")
        r = self.job("--run-max-try", "1")
        self.assertIn("prs run --only-failed", r.stderr)
        failed = [f for f in self.failed() if f["file"] == self.path("in/b.csv")]
        self.assertEqual([(f["row"], f["line"], f["mini_batch"]) for f in failed], [(1, 2, 5), (2, 3, 23)])

    def test_only_failed(self):
        want = [line for line in self.want.splitlines(True) if line.startswith("5,")] + ["5,GOOD\n"]
        self.write("in/d.csv", "id,name\n5,FAIL\n")
        self.job("--run-max-try", "1")
        self.write("in/d.csv", "id,name\n5,GOOD\n")
        r = self.prs(*self.words[:-2], "--only-failed", "last", "--output", "out2.txt")
        self.assertEqual(r.returncode, 0, r.stderr)
        with open(self.path("out2.txt")) as f:
            self.assertEqual(sorted(f.read().splitlines(True)), sorted(want))

    def test_killed(self):
        for point in ("store.plan.before_write", "store.plan.after_sync", "schema.before_rename",
                      "store.segment.after_write"):
            with self.subTest(point):
                self.clean()
                p, stopped = self.stop_at(point, 1, *self.words)
                self.assertTrue(stopped, self.said())
                os.kill(p.pid, signal.SIGKILL)
                p.wait()
                self.finish()

    def test_killed_at_random(self):
        RandomKillTest.random(self, 10)


class RandomKillTest(KillCase):
    def life(self, dice, words, mean_s):
        p = self.start(*words)
        time.sleep(dice.expovariate(1 / mean_s))  # a random moment, nothing is waited for
        if p.poll() is None:
            p.kill()
        return p.wait()

    def test_random(self):
        self.random(12)

    def random(self, seeds):
        begun = time.monotonic()
        self.assertEqual(self.start(*self.words).wait(), 0, self.said())
        took_s = time.monotonic() - begun
        for seed in range(500 if os.environ.get("PRS_TORTURE") else seeds):
            with self.subTest(seed):
                dice = random.Random(seed)
                self.clean()
                words, kills = self.words, dice.choice((1, 2, 4))
                while kills and RandomKillTest.life(self, dice, words, took_s / dice.choice((1, 2, 4, 8))) != 0:
                    kills -= 1
                    words = self.again()
                if not os.path.exists(self.path("out.txt")):
                    self.finish()
                self.check()


class ChangedTest(TableCase):
    """A file is another one than it was when its first rows were planned."""

    def setUp(self):
        super().setUp()
        self.want = self.table("in/a.csv", 3) + self.table("in/b.csv", 60000) + self.table("in/c.csv", 3)
        self.words = (*self.words, "--mini-batch-rows", "2")

    def planned_half(self):
        p, stopped = self.stop_at("store.plan.after_sync", 1, *self.words)
        self.assertTrue(stopped, self.said())
        os.kill(p.pid, signal.SIGKILL)
        p.wait()
        [dump] = [self.prs("dump", "plan", self.run_dir(), "--json")]
        types = [json.loads(line)["type"] for line in dump.stdout.splitlines()]
        self.assertIn("SLICES", types)
        self.assertNotIn("END", types)

    def resume(self, status=0):
        r = self.prs("resume", "last")
        self.assertEqual(r.returncode, status, r.stderr)
        return r.stderr

    def test_of_which_half_is_planned(self):
        self.planned_half()
        was = os.stat(self.path("in/b.csv"))
        with open(self.path("in/b.csv"), "r+b") as f:
            f.seek(was.st_size - 3)
            tail = f.read()
            f.write(b"1,1\n")
        said = self.resume(4)
        self.assertIn("%s: size or time of change is not as it was when its first rows were planned"
                      % self.path("in/b.csv"), said)
        self.assertIn("put the input back as it was", said)
        with open(self.path("in/b.csv"), "r+b") as f:
            f.truncate(was.st_size)
            f.seek(was.st_size - 3)
            f.write(tail)
        os.utime(self.path("in/b.csv"), ns=(was.st_atime_ns, was.st_mtime_ns))
        self.resume()
        self.assertEqual(self.output(), self.want)

    def test_of_the_sample(self):
        """Another type would be decided now."""
        self.planned_half()
        with open(self.path("in/c.csv"), "a") as f:
            f.write("x,4\n")
        self.assertIn("the rows that the types of the columns were decided from are not as they were", self.resume(4))

    def test_that_is_not_planned_yet(self):
        """Other values of the same types."""
        self.planned_half()
        self.want = self.lines(self.want, *("c.csv:%d" % i for i in range(1, 4)))
        self.want += self.table("in/c.csv", 3, {2: "another one"})
        self.resume()
        self.assertEqual(self.output(), self.want)

    def test_that_is_planned_whole(self):
        """Nothing is listed again, and what had not run yet says it."""
        self.table("in/a.csv", 3, {1: "SLOW"})
        p = self.start(*self.words[:-1], "60000", "--processes", "1")
        wait_until(lambda: glob.glob(self.path("runs/*/logs/events.jsonl")) and
                   '"complete":true' in self.log("events.jsonl"), "the plan")
        p.kill()
        p.wait()
        with open(self.path("in/c.csv"), "a") as f:
            f.write("4,n4\n")
        self.write("go", "")
        self.resume()
        self.assertEqual([(f["row"], f["rows"], f["error"]) for f in self.failed()], [(1, 3, "INPUT_MOVED")])


class FaultTest(TableCase, FaultCase):
    """File functions and allocations fail while tables are planned: resumable, or not begun; never another output."""

    words = ("run", "code/score.py", "--input", "in", "--input-format", "tabular", "--mini-batch-rows", "4",
             "--processes", "2", "--output", "out.txt")

    def setUp(self):
        super().setUp()
        shutil.rmtree(self.path("in"))
        more = {5: "RAW", 9: "ONCE"}
        self.want = "".join(self.table(name, 11 + i, more, "name,id" if i == 2 else "id,name")
                            for i, name in enumerate(("in/a.csv", "in/b.csv", "in/c.csv", "in/x/d.csv")))

    def every(self, function):
        r, report = self.attempt(*self.words)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.check_output()
        for error in ("ENOSPC", "EIO"):
            for repeat in ("", ":repeat"):
                for n in self.sample(report[function], function + error + repeat, 3):
                    self.one_fault("%s@/:%d:%s%s" % (function, n, error, repeat))
        self.check_no_strays()

    def test_the_input(self):
        """Whatever read of it fails: the job is resumable, and the resume has the same plan."""
        for function in ("open", "fstat", "pread"):
            for n in range(1, 40):
                fault = "%s@%s:%d:EIO" % (function, self.path("in"), n)
                r, report = self.one_fault(fault)
                if not report["fired"]:
                    break
                self.assertEqual(r.returncode, 4, fault + r.stderr)
                self.assertIn("resume", r.stderr)
            self.assertGreater(n, 4)

    def test_the_schema(self):
        for function, errors in (("open", ("EIO", "ENOSPC", "EACCES")), ("mkdir", ("EIO", "ENOSPC")),
                                 ("pwrite", ("EIO", "ENOSPC")), ("rename", ("EIO",))):
            for error in errors:
                for n in (1, 2):
                    path = "/work/schema" if function == "mkdir" else "/work/schema/"
                    r, report = self.one_fault("%s@%s:%d:%s" % (function, path, n, error))
                    if report["fired"]:
                        self.assertEqual(r.returncode, 4, r.stderr)
                        self.assertIn("/work/schema", r.stderr)
                    self.assertEqual(report["fired"] > 0, n == 1 or function != "mkdir", (function, n))

    def test_out_of_memory(self):
        r, report = self.attempt(*self.words)
        for repeat in ("", ":repeat"):
            for n in self.sample(report["malloc"], repeat, 24):
                self.one_fault("malloc:%d:ENOMEM%s" % (n, repeat))
        self.check_no_strays()


for fault_function in ("open", "close", "pread", "pwrite", "fdatasync", "fstat", "rename", "mkdir", "list"):
    setattr(FaultTest, "test_" + fault_function, lambda self, name=fault_function: self.every(name))


class LargePartitionTest(TableCase):
    def test_larger_than_memory(self):
        """Told before it runs, once, with its keys."""
        self.write("in/a.csv", "id,name\n" + "1,a\n" * 10 + "".join("2,%s\n3,x\n" % ("n" * 60) for _ in range(30000)))
        words = ("--partition-keys", "id", "--memory-limit-per-process")
        said = self.job(*words, "1gb").stderr
        self.assertNotIn("MB of text", said)
        self.clean()
        r = self.run_job(*words, "1mb", "--run-max-try", "1")  # a process is larger than that
        self.assertEqual((r.stdout + r.stderr).count("MB of text"), 1)
        self.assertIn("mini-batch 1, id=2 (30,000 rows), is 1.9 MB of text: more than 1.0 MB, which is "
                      "memory_limit_per_process", r.stdout + r.stderr)
