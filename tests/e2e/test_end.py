# SPDX-License-Identifier: Apache-2.0
"""The normal end of a worker process: what the script left open is written, what it left running ends."""
import glob
import gzip
import os
import zipfile

from prs_job import JobCase

LEFT_OPEN = """
    import csv, gzip, os, zipfile
    def init():
        global plain, rows, packed, archive
        name = "outputs/%d." % os.getpid()
        plain = open(name + "csv", "w")
        rows = csv.writer(plain)
        packed = gzip.open(name + "gz", "wt")
        archive = zipfile.ZipFile(name + "zip", "w")
    def run(mini_batch):
        for path in mini_batch:
            name = os.path.basename(path)
            rows.writerow([name])
            packed.write(name + "\\n")
            archive.writestr(name, "x")
        return ["%s: %s" % (os.path.basename(p), open(p).read()) for p in mini_batch]
"""
POOL = """
    import os
    from concurrent.futures import ProcessPoolExecutor
    def init():
        global pool
        pool = ProcessPoolExecutor(2)
    def read(path):
        return "%s: %s" % (os.path.basename(path), open(path).read())
    def run(mini_batch):
        return list(pool.map(read, mini_batch))
"""


class EndTest(JobCase):
    def completes(self, script, *options):
        """Every process that was ready ends by itself."""
        want = self.files(20)
        self.script(script)
        r = self.run_job(*options)
        self.assertEqual((r.returncode, self.output()), (0, want), r.stderr)
        facts = self.journal("PROC")
        ready = [f["pid"] for f in facts if f["event"] == "INIT_DONE"]
        ends = [(f["event"], f["exit"]) for f in facts if f["event"] not in ("STARTED", "INIT_DONE")
                and f["pid"] in ready]
        self.assertEqual(set(ends), {("EXITED", 0)})
        for path in glob.glob(os.path.join(self.run_dir(), "logs/user/stderr/*/*")):
            with open(path) as f:
                self.assertNotIn("prs: ", f.read())
        self.check_no_strays()

    def check_files(self):
        names = ["f%04d" % i for i in range(20)]
        of_csv, of_gz, of_zip = [], [], []
        # A process whose init() still ran when the job was over was stopped in it.
        for pid in {f["pid"] for f in self.journal("PROC") if f["event"] == "INIT_DONE"}:
            path = os.path.join(self.run_dir(), "outputs/%d.csv" % pid)
            with open(path) as f:
                of_csv += f.read().split()
            with gzip.open(path[:-3] + "gz", "rt") as f:
                of_gz += f.read().split()
            with zipfile.ZipFile(path[:-3] + "zip") as f:
                of_zip += f.namelist()
        self.assertEqual([sorted(of_csv), sorted(of_gz), sorted(of_zip)], [names] * 3)

    def test_files_left_open(self):
        self.completes(LEFT_OPEN)
        self.check_files()

    def test_files_left_open_by_processes_that_are_replaced(self):
        self.completes(LEFT_OPEN, "--max-mini-batches-per-process", "1")
        self.assertGreaterEqual(len(glob.glob(os.path.join(self.run_dir(), "outputs/*.csv"))), 3)
        self.check_files()

    def test_pool_left_open(self):
        self.completes(POOL)

    def test_files_and_pool_left_open(self):
        self.completes(LEFT_OPEN + POOL.replace("def init", "files = init\n    def init").replace("global pool", "global pool; files()").replace(
            "def run", "write = run\n    def run").replace("return list", "write(mini_batch); return list"))
        self.check_files()
