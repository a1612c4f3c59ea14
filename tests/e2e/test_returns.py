# SPDX-License-Identifier: Apache-2.0
"""Everything run() may return, through whole jobs, against an oracle that knows the rules and nothing of the loader."""
import glob
import json
import os
import shutil
import subprocess
import textwrap
import unittest

from prs_job import JobCase

PYTHON = "/usr/bin/python3"  # the one that ./dev setup gives numpy and pandas
BATCH = 3
NAMES = [b"plain", b"with blank", b"line\nfeed", b"\xff\xfe", b" ", b"caf\xc3\xa9", b"q\"uote's", b"-n", b"tab\there",
         b"\\n", b"a,b", b"~"]

# run() of the mini-batch with id i returns the value of the i-th line, again and again.
SCRIPT = """
    import numpy as np, pandas as pd
    class Item:
        def __str__(self): return "item"
    def generate(mb):
        for p in mb: yield len(mb)
    KINDS = [
        lambda mb: mb,
        lambda mb: list(mb),
        lambda mb: tuple(mb),
        lambda mb: mb[:1],
        lambda mb: [],
        lambda mb: list(mb) * 2,
        lambda mb: ["two\\nlines"] * len(mb),
        lambda mb: [1, 2.5, None],
        lambda mb: [{"k": 1}, [1, 2], (3,)],
        lambda mb: [np.float32(0.1), np.int8(3), np.bool_(True)],
        lambda mb: [Item(), b"bytes", ""],
        lambda mb: np.array([1.5, 2, 3]),
        lambda mb: np.array([[1, 2], [3, 4]]),
        lambda mb: pd.Series(["x y", None, 3]),
        lambda mb: pd.DataFrame({"n": [1, 2, 3], "t": ["a", "b c", None], "f": [0.5, float("nan"), 2]}),
        lambda mb: pd.DataFrame({"path": list(mb)}),
        lambda mb: pd.DataFrame({"n": []}),
        lambda mb: [pd.DataFrame({"n": [7]})],
        lambda mb: generate(mb),
        lambda mb: map(str.upper, "abc"),
        lambda mb: "text",
        lambda mb: b"xy",
        lambda mb: {"a": 1, "b": 2},
        lambda mb: {1, 2},
        lambda mb: np.array(5),
        lambda mb: 5,
        lambda mb: np.float64(1),
        lambda mb: None,
        lambda mb: 1 / 0,
    ]
    def run(mini_batch): return KINDS[mini_batch.task_id % len(KINDS)](mini_batch)
"""
ONLY_SIZE = "only its size counts"


def quoted(path):
    """A cell of a CSV with blanks between, as pandas writes it: in quotes where it holds a blank, a quote or a line
    end."""
    return b'"' + path.replace(b'"', b'""') + b'"' if any(c in path for c in (b" ", b'"', b"\n", b"\r")) else path


def lines(*rows):
    return b"".join(r + b"\n" for r in rows)


# For each line of KINDS: paths -> (the bytes in the output, number of items), or an error, or bytes ONLY_SIZE: refused
# by append_row.
ORACLE = [
    lambda p: (lines(*p), len(p)), lambda p: (lines(*p), len(p)), lambda p: (lines(*p), len(p)),
          lambda p: (lines(p[0]), 1), lambda p: (b"", 0),
    lambda p: (lines(*p, *p), 2 * len(p)), lambda p: (b"two\nlines\n" * len(p), len(p)),
          lambda p: (b"1\n2.5\nNone\n", 3),
    lambda p: (b"{'k': 1}\n[1, 2]\n(3,)\n", 3), lambda p: (b"0.1\n3\nTrue\n", 3), lambda p: (b"item\nb'bytes'\n\n", 3),
          lambda p: (b"1.5\n2.0\n3.0\n", 3),
    lambda p: (b"[1 2]\n[3 4]\n", 2), lambda p: (b"x y\nNone\n3\n", 3), lambda p: (b'1 a 0.5\n2 "b c" \n3  2.0\n', 3),
          lambda p: (lines(*map(quoted, p)), len(p)),
    lambda p: (b"", 0), lambda p: (b"   n\n0  7\n", 1), lambda p: (b"%d\n" % len(p) * len(p), len(p)),
          lambda p: (b"A\nB\nC\n", 3),
    lambda p: (ONLY_SIZE, 4), lambda p: (ONLY_SIZE, 2), lambda p: (ONLY_SIZE, 2), lambda p: (ONLY_SIZE, 2),
    None, None, None, None, None]


class ReturnsTest(JobCase):
    def setUp(self):
        super().setUp()
        if subprocess.run([PYTHON, "-c", "import pandas"], stderr=subprocess.DEVNULL).returncode:
            raise unittest.SkipTest("no pandas for " + PYTHON)
        self.write("code/score.py", textwrap.dedent(SCRIPT))

    def make_input(self):
        """Files in three folders; the paths in the order of a job: the files of a folder by their bytes, then its
        folders."""
        order = []
        for folder in (b"", b"deep", b"deep/er \xff"):
            path = os.path.join(os.fsencode(self.dir), b"in", folder) if folder else os.path.join(os.fsencode(self.dir), b"in")
            os.makedirs(path)
            names = sorted(b"%s%d" % (n, i) for n in NAMES for i in range(3))
            for name in names:
                with open(os.path.join(path, name), "wb"):
                    pass
            order += [os.path.join(path, name) for name in names]
        return [order[i:i + BATCH] for i in range(0, len(order), BATCH)]

    def expected(self, batches, append):
        """(output, items failed, rows)."""
        output, failed, rows = b"", 0, 0
        for i, paths in enumerate(batches):
            rule = ORACLE[i % len(ORACLE)]
            value, count = rule(paths) if rule else (None, 0)
            if value is None or (append and value is ONLY_SIZE):
                failed += len(paths)
                continue
            output += b"" if value is ONLY_SIZE else value
            failed += max(0, len(paths) - count)
            rows += count
        return output, failed, rows

    def job(self, *more):
        return self.prs("run", "code/score.py", "--input", "in", "--mini-batch-size", str(BATCH), "--python", PYTHON,
                        "--run-max-try", "2", "--output", "out.txt",
                        "--overwrite", *more)

    def counts(self):
        return json.loads(self.prs("status", "last", "--json").stdout)

    def test_append_row(self):
        batches = self.make_input()
        output, failed, rows = self.expected(batches, True)
        for processes in ("1", "2", "16"):
            r = self.job("--processes", processes)
            self.assertEqual(r.returncode, 0, r.stderr)
            with open(os.path.join(self.dir, "out.txt"), "rb") as f:
                self.assertEqual(f.read(), output, "with %s processes" % processes)
            counts = self.counts()
            self.assertEqual((counts["items_failed"], counts["rows"], counts["items"]),
                             (failed, rows, sum(map(len, batches))))
            self.assertEqual(r.stderr.count("run() returned a list of DataFrames (first in mini-batch"), 1, r.stderr)
        refused = glob.glob(os.path.join(self.dir, "runs", "*", "logs", "user", "error", "*", "*.txt"))
        text = "".join(open(p).read() for p in refused)
        self.assertIn("the returned result is what to write into the result file. The actual type of output is NoneType.\n", text)
        self.assertIn("The actual type of output is str. It returned: 'text'\n", text)

    def test_summary_only(self):
        batches = self.make_input()
        _, failed, rows = self.expected(batches, False)
        for processes in ("1", "2", "16"):
            r = self.prs("run", "code/score.py", "--input", "in", "--mini-batch-size", str(BATCH), "--python", PYTHON,
                         "--run-max-try", "2",
                         "--output-action", "summary_only", "--processes", processes)
            self.assertEqual(r.returncode, 0, r.stderr)
            counts = self.counts()
            self.assertEqual((counts["items_failed"], counts["rows"]), (failed, rows))
            self.assertEqual(r.stderr.count("run() returned a bare text, dict or set (first in mini-batch"), 1,
                             r.stderr)

    def test_thresholds_count_the_gap(self):
        """Exactly the failed items of the oracle are tolerated, one less is not."""
        batches = self.make_input()
        _, failed, _ = self.expected(batches, True)
        self.assertEqual(self.job("--error-threshold", str(failed)).returncode, 0)
        self.assertEqual(self.job("--error-threshold", str(failed - 1)).returncode, 1)

    def frames(self, body, count=6):
        shutil.rmtree(os.path.join(self.dir, "in"), ignore_errors=True)
        self.files(count)
        self.write("code/score.py", textwrap.dedent("""
            import os, pandas as pd
            def run(mini_batch):
                i = mini_batch.task_id
                names = [os.path.basename(p) for p in mini_batch]
                return %s
        """) % body)

    def output_of(self, *more):
        r = self.job("--mini-batch-size", "2", *more)
        self.assertEqual(r.returncode, 0, r.stderr)
        return self.output(), r.stderr

    def test_one_header(self):
        self.frames("pd.DataFrame({'name': names, 'a b': i})")
        rows = "f0000 0\nf0001 0\nf0002 1\nf0003 1\nf0004 2\nf0005 2\n"
        for processes in ("1", "3"):
            self.assertEqual(self.output_of("--append-row-dataframe-header", "--processes", processes)[0],
                             'name "a b"\n' + rows)
        self.assertEqual(self.output_of()[0], rows)

    def test_headers_that_differ(self):
        self.frames("pd.DataFrame({'name' if i < 2 else 'other': names}) if i else pd.DataFrame({'empty': []})")
        output, said = self.output_of("--append-row-dataframe-header")
        self.assertEqual(output, "name\nf0002\nf0003\nf0004\nf0005\n")
        self.assertIn("1 mini-batch returned DataFrames with other columns than the first one", said)
        self.assertNotIn("other columns", self.output_of()[1])

    def test_settings_file(self):
        self.frames("pd.DataFrame({'name': names, 'n': i})", 4)
        self.write("code/parallel_run_step.settings.json",
                   '{"append_row": {"pandas.DataFrame.to_csv": {"sep": ",", "index": true}}}')
        self.assertEqual(self.output_of("--append-row-dataframe-header")[0],
                         ",name,n\n0,f0000,0\n1,f0001,0\n0,f0002,1\n1,f0003,1\n")
        self.write("code/parallel_run_step.settings.json", '{"append_row": ')
        r = self.job()
        self.assertNotEqual(r.returncode, 0)
        self.assertIn("parallel_run_step.settings.json:1:15: unexpected token near end of file", r.stderr)

    def test_large_frames_with_a_header(self):
        """Above 1 MiB: through a file descriptor, into a file of its own."""
        self.frames("pd.DataFrame({'name': names * 100000})", 4)
        output, _ = self.output_of("--append-row-dataframe-header")
        want = "name\n" + "".join("f%04d\nf%04d\n" % (a, a + 1) * 100000 for a in (0, 2))
        self.assertTrue(output == want)

    def test_nothing_but_empty_frames(self):
        self.frames("pd.DataFrame({'n': []})")
        r = self.job("--append-row-dataframe-header")
        self.assertEqual(r.returncode, 1)
        self.assertIn("There is no succeeded mini batch item returned from run()", r.stderr)
