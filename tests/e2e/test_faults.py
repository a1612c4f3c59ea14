# SPDX-License-Identifier: Apache-2.0
"""Jobs whose file functions and allocations fail: each ends well or resumable and never wrong; resumed without faults, one output.

The workers are the C stub of tests/stub, which makes a job take a tenth of a second. The n-th call of each function fails with ENOSPC and
with EIO, once or from then on; a sample of n, all of them with PRS_TORTURE.
"""
import glob
import os
import random

from prs_job import PRS, JobCase

STUB = os.path.join(os.path.dirname(PRS), "..", "..", "tests", "stub", "stub_worker")
FUNCTIONS = ("open", "close", "pread", "pwrite", "fdatasync", "sync_dir", "fallocate", "ftruncate", "fstat", "stat", "rename", "unlink", "mkdir",
             "mmap", "list", "entry", "free_bytes")
SAMPLE = None if os.environ.get("PRS_TORTURE") else 4


class FaultCase(JobCase):
    words = ("run", "code/score.py", "--input", "in", "--mini-batch-size", "2", "--processes", "2", "--output", "out.txt")

    def setUp(self):
        super().setUp()
        self.script("def run(mini_batch): return mini_batch")
        self.want = ""
        names = ["a%02d" % i for i in range(9)] + ["b.raw", "c.once.fail", "d.once.crash"]
        for folder in ("", "x/", "x/y/", "z/"):
            for name in names if folder != "z/" else names[:3]:
                self.write("in/" + folder + name, folder + name)
                self.want += "%s: %s\n" % (name, folder + name)

    def prs(self, *words, env=None, **more):
        return super().prs(*words, env=dict(env or {}, PRS_STUB=STUB), **more)

    def clean(self):
        super().clean()
        for mark in glob.glob(self.path("mark-*")):
            os.remove(mark)

    def attempt(self, *words, fault=None, **more):
        """(process result, {function: calls}): what a command did under a fault."""
        report = self.path("report")
        if os.path.exists(report):
            os.remove(report)
        env = dict({"PRS_FAULT": fault} if fault else {}, PRS_FAULT_REPORT=report, **more)
        r = self.prs(*words, env=env)
        with open(report) as f:
            return r, {name: int(n) for name, n in (line.split() for line in f)}

    def check_output(self):
        self.assertEqual(self.output(), self.want)

    def check_end(self, r, report):
        """What holds after every fault."""
        said = r.stdout + r.stderr
        self.assertIn(r.returncode, (0, 2, 4), said)
        self.assertNotIn("Sanitizer", said)
        self.assertEqual((report["open_files"], report["mapped"]), (0, 0), said)
        started = bool(glob.glob(self.path("runs", "*", "RUN")))
        self.assertEqual(r.returncode == 2, not started, said)
        if r.returncode == 4:
            self.assertIn("prs resume", said)
        if os.path.exists(self.path("out.txt")):
            self.check_output()

    def finish(self, r):
        """Without faults: to the end."""
        if r.returncode == 4:
            r = self.prs("resume", "last")
        elif r.returncode == 2:
            r = self.run_job()
        self.assertEqual(r.returncode, 0, r.stderr)
        self.check_output()

    def one_fault(self, fault):
        with self.subTest(fault):
            self.clean()
            r, report = self.attempt(*self.words, fault=fault)
            self.check_end(r, report)
            self.finish(r)
            return r, report

    def sample(self, calls, seed):
        if not SAMPLE or calls <= SAMPLE:
            return range(1, calls + 1)
        dice = random.Random(seed)
        return sorted({1, 2, calls} | {dice.randint(3, calls) for _ in range(SAMPLE - 1)})


class FileFaultTest(FaultCase):
    def every(self, function):
        r, report = self.attempt(*self.words)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertGreater(report[function], 0)
        for error in ("ENOSPC", "EIO"):
            for repeat in ("", ":repeat"):
                for n in self.sample(report[function], function + error + repeat):
                    self.one_fault("%s:%d:%s%s" % (function, n, error, repeat))
        self.check_no_strays()


def add_tests():
    for function in FUNCTIONS:
        def test(self, function=function):
            self.every(function)
        setattr(FileFaultTest, "test_" + function, test)


add_tests()

class MemoryFaultTest(FaultCase):
    def test_out_of_memory(self):
        r, report = self.attempt(*self.words)
        self.assertEqual(r.returncode, 0, r.stderr)
        calls = report["malloc"]
        dice = random.Random(1)
        for n in range(1, calls + 1) if not SAMPLE else sorted({1, 2, 3} | {dice.randint(4, calls) for _ in range(40)}):
            for repeat in ("", ":repeat"):
                self.one_fault("malloc:%d:ENOMEM%s" % (n, repeat))
        self.check_no_strays()


class DurableTest(FaultCase):
    def syncs(self):
        self.clean()
        r, report = self.attempt("run", "code/score.py", "--input", "in", "--mini-batch-size", "1000", "--output", "out.txt", "--processes", "1")
        self.assertEqual(r.returncode, 0, r.stderr)
        return report["fdatasync"], report["sync_dir"]

    def test_the_code_is_durable_before_anything_counts(self):
        """A resume after a loss of power runs the snapshot: each file and folder of both copies was synced."""
        files, folders = self.syncs()
        for name in ("a.py", "package/b.py", "package/data/c.json"):
            self.write("code/" + name, "x = 1\n")
        more_files, more_folders = self.syncs()
        self.assertEqual((more_files - files, more_folders - folders), (6, 4))
