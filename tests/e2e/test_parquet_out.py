# SPDX-License-Identifier: Apache-2.0
"""output_format parquet: real jobs with the user's pyarrow. What pandas reads back is what run() returned; any number of
processes and any kill give the same bytes; whatever becomes of the process that writes the file, the run can be resumed
and no row is lost.

Which Python: the first of PRS_TABLE_PYTHONS that has pandas and pyarrow, else that of the tests."""
import glob
import json
import os
import signal
import subprocess
import sys

from prs_job import JobCase, family, wait_until
from pythons import one_having

SCRIPT = """
    import datetime
    import pandas as pd
    def run(mini_batch):
        rows = []
        for path in mini_batch:
            n = int(open(path).read())
            rows.append({"n": n, "half": n / 2 if n % 5 else None, "text": "row %d" % n, "even": n % 2 == 0,
                         "day": pd.Timestamp("2024-02-28") + pd.Timedelta(days=n), "none": None if n < 14 else n})
        return pd.DataFrame(rows)
"""
CHECK = """
import sys, pandas as pd
f = pd.read_parquet(sys.argv[1])
assert f["n"].tolist() == list(range(60)), f
assert f["text"].tolist() == ["row %d" % n for n in range(60)]
assert f["half"].fillna(-1).tolist() == [n / 2 if n % 5 else -1 for n in range(60)]
assert f["even"].tolist() == [n % 2 == 0 for n in range(60)]
assert (f["day"] == pd.date_range("2024-02-28", periods=60)).all()
assert f["none"].fillna(-1).tolist() == [-1] * 14 + list(range(14, 60))
"""
# What the process that writes is made to do; any other Python goes on.
FAULTS = """
import os
words = open("/proc/self/cmdline", "rb").read().split(b"\\0")
what = os.environ.get("PRS_TEST_WRITER")
if b"table_out" in words and what:
    import time
    real = os.open
    def opened(path, *more, **options):
        if os.fsencode(path).endswith(b".tmp"):
            if what == "dies":
                os.kill(os.getpid(), 9)
            if what == "hangs":
                time.sleep(1000)
            if what == "full":
                raise OSError(28, "No space left on device")
            if what == "fails":
                raise KeyError("what is wrong")
        return real(path, *more, **options)
    os.open = opened
    if what == "exits":
        os._exit(3)
    if what == "nonsense":
        os.write(3, b"\\5\\0\\0\\0\\7bcde")
    if what == "large":
        os.write(3, b"\\377" * 8)
"""


class ParquetOutTest(JobCase):
    @classmethod
    def setUpClass(cls):
        cls.python = one_having("pandas", "pyarrow.parquet")

    def setUp(self):
        super().setUp()
        self.files(60)
        self.script(SCRIPT)

    def job(self, name, *more, processes=2, **options):
        return self.prs("run", "code/score.py", "--input", "in", "--mini-batch-size", "7", "--processes", str(processes),
                        "--python", self.python, "--output", name, *more, **options)

    def done(self, name, *more, **options):
        r = self.job(name, *more, **options)
        self.assertEqual(r.returncode, 0, r.stderr)
        return r.stderr

    def resume(self, *more, status=0, **options):
        r = self.prs("resume", "last", *more, **options)
        self.assertEqual(r.returncode, status, r.stderr)
        return r.stderr

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def check(self, name):
        r = subprocess.run([self.python, "-c", CHECK, self.path(name)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           universal_newlines=True)
        self.assertEqual(r.returncode, 0, r.stdout)

    def check_nothing_is_left(self):
        self.assertEqual(glob.glob(self.path(".prs-*")), [])
        self.check_no_strays()

    def test_reads_back_equal(self):
        said = self.done("1.parquet", processes=1)
        self.check("1.parquet")
        self.assertNotIn("other columns", said)
        for processes in (2, 5):
            self.done("%d.parquet" % processes, processes=processes)
            self.assertEqual(self.read("1.parquet"), self.read("%d.parquet" % processes))
        [published] = [f for f in self.journal_of_last("PUBLISHED")]
        self.assertEqual(published["bytes"], os.path.getsize(self.path("1.parquet")))
        self.assertEqual(published["rows"], 60)
        self.check_nothing_is_left()

    def journal_of_last(self, *types):
        r = self.prs("dump", "journal", "last", "--json")
        self.assertEqual(r.returncode, 0, r.stderr)
        return [f for f in map(json.loads, r.stdout.splitlines()) if f["type"] in types]

    def test_killed_while_it_is_written(self):
        self.done("whole.parquet")
        for k, point in enumerate(("store.assemble.before_write", "store.assemble.before_rename",
                                   "store.assemble.after_rename")):
            name = "k%d.parquet" % k
            self.assertEqual(self.job(name, kill=point + ":1").returncode, -signal.SIGKILL)
            self.resume()
            self.assertEqual(self.read(name), self.read("whole.parquet"))
            self.check_nothing_is_left()

    def test_a_foreign_file_is_not_replaced(self):
        self.assertEqual(self.job("x.parquet", kill="store.assemble.before_rename:1").returncode, -signal.SIGKILL)
        self.write("x.parquet", "mine")
        self.assertIn("x.parquet exists", self.resume(status=4))
        self.assertEqual(self.read("x.parquet"), b"mine")
        self.resume("--overwrite")
        self.check("x.parquet")

    def faulty(self, what):
        self.write("site/sitecustomize.py", FAULTS)
        return {"PRS_TEST_WRITER": what, "PYTHONPATH": self.path("site")}

    def test_faults_of_the_process_that_writes(self):
        self.done("whole.parquet")
        for what, words in (("dies", "was ended by signal 9"), ("exits", "ended with status 3"),
                            ("full", "No space left on device"), ("nonsense", "is no answer"),
                            ("large", "is no answer"), ("fails", "KeyError: 'what is wrong'")):
            name = what + ".parquet"
            r = self.job(name, env=self.faulty(what))
            self.assertEqual(r.returncode, 4, r.stderr)
            self.assertTrue(words in r.stderr or (what == "exits" and "closed its socket" in r.stderr), r.stderr)
            self.check_nothing_is_left()
            self.resume()
            self.assertEqual(self.read(name), self.read("whole.parquet"))

    def test_one_that_hangs(self):
        self.assertEqual(self.job("x.parquet", kill="store.assemble.before_write:1").returncode, -signal.SIGKILL)
        said = self.resume("--init-timeout", "5", status=4, env=self.faulty("hangs"))
        self.assertIn("did not answer for 5 s", said)
        self.resume("--init-timeout", "300")
        self.check("x.parquet")
        self.check_nothing_is_left()

    def test_ctrl_c_while_it_hangs(self):
        self.assertEqual(self.job("x.parquet", kill="store.assemble.before_write:1").returncode, -signal.SIGKILL)
        p = self.start("resume", "last", env=self.faulty("hangs"))
        wait_until(lambda: glob.glob(self.path(".prs-*")) or p.poll() is not None, "the file is begun")
        wait_until(lambda: len(family(p.pid)) > 1 or p.poll() is not None, "the process that writes")
        p.send_signal(signal.SIGINT)
        self.assertEqual(p.wait(), 4, self.said())
        self.check_nothing_is_left()
        self.resume()
        self.check("x.parquet")

    def test_the_engine_is_killed_while_it_hangs(self):
        self.assertEqual(self.job("x.parquet", kill="store.assemble.before_write:1").returncode, -signal.SIGKILL)
        p = self.start("resume", "last", env=self.faulty("hangs"))
        wait_until(lambda: glob.glob(self.path(".prs-*")) or p.poll() is not None, "the file is begun")
        p.kill()
        p.wait()
        self.resume()
        self.check("x.parquet")
        self.check_nothing_is_left()

    # the text is a number in mini-batches that end behind 40
    MIXED = SCRIPT.replace("return pd", "for r in rows: r['text'] = r['n'] if n > 40 else r['text']\n        return pd")

    def test_types_that_do_not_unite(self):
        self.script(self.MIXED)
        r = self.job("x.parquet")
        self.assertEqual(r.returncode, 4, r.stderr)
        self.assertRegex(r.stderr, r"column text is (large_)?string in mini-batch 0 and int64 in mini-batch 5")
        self.assertIn("in mini-batch 5: resumed with --output-types text=string it is text", r.stderr)
        run = os.path.basename(self.run_dir())
        self.assertIn("prs output %s --format jsonl (or csv) writes all rows as they are; prs resume %s with" % (run, run),
                      r.stderr)
        self.assertNotIn(" RUN ", r.stderr)
        self.assertRegex(r.stderr, r"next +prs output \S+ --format jsonl\n")
        self.check_nothing_is_left()
        # the rows as lines of JSON
        r = self.prs("output", "last", "--format", "jsonl", "--output", "rows.jsonl")
        self.assertEqual(r.returncode, 0, r.stderr)
        rows = [json.loads(line) for line in self.read("rows.jsonl").splitlines()]
        self.assertEqual([row["n"] for row in rows], list(range(60)))
        self.assertEqual([row["text"] for row in rows], ["row %d" % n if n < 35 else n for n in range(60)])
        r = self.prs("output", "last", "--format", "csv")
        self.assertEqual(r.returncode, 0, r.stderr)
        with open(r.stdout.strip()) as f:
            self.assertEqual(f.readline(), "n,half,text,even,day,none\n")
        # or that column as text
        self.resume("--output-types", "text=string")
        r = subprocess.run([self.python, "-c", "import sys, pandas as pd; f = pd.read_parquet(sys.argv[1]); "
                            "assert f['text'].tolist() == ['row %d' % n if n < 35 else str(n) for n in range(60)], f",
                            self.path("x.parquet")])
        self.assertEqual(r.returncode, 0)

    def test_types_of_a_job_file(self):
        self.script(self.MIXED)
        self.write("job.yml", """
type: parallel
inputs:
  data: {type: uri_folder, path: in}
outputs:
  rows: {type: uri_folder, path: out}
input_data: ${{inputs.data}}
mini_batch_size: "7"
task: {type: run_function, code: code, entry_script: score.py, append_row_to: "${{outputs.rows}}"}
prs: {output_format: parquet, output_types: {text: string}, python: %s}
""" % self.python)
        r = self.prs("run", "job.yml")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertTrue(self.read("out/parallel_run_step.parquet").startswith(b"PAR1"))
        with open(self.path("job.yml"), "a") as f:
            f.write("# \n")
        self.write("bad.yml", self.read("job.yml").decode().replace("text: string", "text: varchar"))
        r = self.prs("run", "bad.yml")
        self.assertEqual(r.returncode, 2)
        self.assertIn('found "text=varchar"', r.stderr)

    def test_lines_of_text(self):
        self.script("def run(mini_batch): return ['a'] * len(mini_batch)")
        r = self.job("x.parquet", "--error-threshold", "0", "--run-max-try", "1")
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertIn("return a pandas DataFrame or a list of dicts", r.stderr)

    def test_partial_and_formats(self):
        self.script(SCRIPT.replace("rows = []", "rows = []; assert 'f0028' not in str(mini_batch[0])"))
        r = self.job("x.parquet", "--error-threshold", "0", "--run-max-try", "1")
        self.assertEqual(r.returncode, 1, r.stderr)
        r = self.prs("output", "last", "--partial")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertTrue(r.stdout.strip().endswith("/outputs/partial.parquet"))
        self.assertEqual(subprocess.run([self.python, "-c", "import sys, pandas as pd; f = pd.read_parquet(sys.argv[1]); "
                                         "assert 0 < len(f) < 60 and 28 not in f['n'].tolist()",
                                         r.stdout.strip()]).returncode, 0)
        r = self.prs("output", "last", "--partial", "--format", "tsv", "--output", "some.tsv")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertTrue(self.read("some.tsv").startswith(b"n\thalf\t"))
        self.write("some.tsv", "mine")
        r = self.prs("output", "last", "--partial", "--format", "tsv", "--output", "some.tsv")
        self.assertEqual(r.returncode, 2)
        self.assertIn("some.tsv exists", r.stderr)


class WithoutPyarrowTest(JobCase):
    def test_refused_before_anything_runs(self):
        self.files(3)
        self.script("import pandas as pd\ndef run(mini_batch): return pd.DataFrame({'a': [1]})")
        self.write("site/pyarrow.py", "raise ImportError('not here')")
        r = self.prs("run", "code/score.py", "--input", "in", "--output", "x.parquet", "--python", sys.executable,
                     env={"PYTHONPATH": self.path("site")})
        self.assertEqual(r.returncode, 2, r.stderr)
        self.assertIn("Parquet needs pyarrow, which %s cannot import (ImportError: not here): "
                      "%s -m pip install pyarrow" % (sys.executable, sys.executable), r.stderr)
        self.assertFalse(os.path.exists(self.path("runs")))

    def test_other_formats_of_rows_that_are_text(self):
        self.files(3)
        self.script("def run(mini_batch): return [{'a': 1} for _ in mini_batch]")
        r = self.prs("run", "code/score.py", "--input", "in", "--output", "x.csv")
        self.assertEqual(r.returncode, 0, r.stderr)
        r = self.prs("output", "last", "--format", "jsonl")
        self.assertEqual(r.returncode, 2)
        self.assertIn("are kept as csv", r.stderr)
        r = self.prs("output", "last", "--format", "csv", "--output", "y.csv")
        self.assertEqual(r.returncode, 0, r.stderr)
        with open(self.path("y.csv")) as f:
            self.assertEqual(f.read(), "a\n1\n1\n1\n")
        r = self.prs("output", "last", "--format", "xlsx")
        self.assertIn('expected csv, tsv, jsonl or parquet, found "xlsx"', r.stderr)
