# SPDX-License-Identifier: Apache-2.0
"""Rows in the spool, through the whole engine: compressed files, UTF-16, mini-batches by keys that are columns; kills,
resumes, what is said of files and rows. The workers are the C stub, but for the frames in the end."""
import csv
import glob
import gzip
import io
import json
import os
import shutil
import signal
import subprocess
import unittest

from pythons import one_having
from test_tables import TableCase


def records(text):
    return [line + "\n" for line in text.splitlines()]


class SpoolCase(TableCase):
    def put(self, name, data):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)

    def pack(self, name, how, to):
        """A file that table() wrote becomes a packed one."""
        with open(self.path(name), "rb") as f:
            data = f.read()
        os.unlink(self.path(name))
        self.put(to, how(data))

    def spools(self):
        return sorted(os.path.basename(p) for p in glob.glob(os.path.join(self.run_dir(), "spool-*")))

    def rows_of_keys(self, rows, column=1):
        """The rows that mini-batches by that column of texts must give, whatever they are numbered."""
        return "".join(sorted(rows, key=lambda r: (r.split(",")[column] == "", r.split(",")[column])))

    def values(self, text):
        """The rows without what names them."""
        return [line.split(": ", 1)[-1].replace("|", "\n") for line in text.splitlines()]


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


class PackedTest(SpoolCase):
    def test_packed_files_are_cut_like_others(self):
        want = self.table("in/a.csv", 50)
        self.pack("in/a.csv", gzip.compress, "in/a.csv.gz")
        want = want.replace("a.csv:", "a.csv.gz:") + self.table("in/b.csv", 20)
        self.job("--mini-batch-rows", "7")
        self.assertEqual(self.output(), want)
        self.assertEqual(self.counts(), (70, 70, 0))
        self.assertEqual(self.spools(), ["spool-1-0"])

    @unittest.skipUnless(shutil.which("zstd"), "no zstd")
    def test_zstd(self):
        want = self.table("in/a.csv", 50).replace("a.csv:", "a.csv.zst:")
        self.pack("in/a.csv", zstd, "in/a.csv.zst")
        self.job("--mini-batch-size", "100")
        self.assertEqual(self.output(), want)

    def test_utf_16_by_its_mark(self):
        want = self.table("in/a.csv", 30)
        self.pack("in/a.csv", lambda data: data.decode().encode("utf-16"), "in/a.csv")
        self.job("--mini-batch-rows", "10")
        self.assertEqual(self.output(), want)

    def test_no_spool_where_none_is_needed(self):
        self.table("in/a.csv", 10)
        self.job("--mini-batch-rows", "5")
        self.assertEqual(self.spools(), [])

    def test_a_file_that_was_cut_off(self):
        self.table("in/a.csv", 3000)
        self.pack("in/a.csv", lambda data: gzip.compress(data)[:-9], "in/a.csv.gz")
        r = self.job("--mini-batch-rows", "500", status=1)
        self.assertIn("in/a.csv.gz: the gzip data ends in the middle: the file was cut off", r.stdout + r.stderr)

    def test_what_failed_is_in_the_file_of_the_user(self):
        self.table("in/a.csv", 20, {13: "FAIL"})
        self.pack("in/a.csv", gzip.compress, "in/a.csv.gz")
        self.job("--mini-batch-rows", "5", "--run-max-try", "1", "--error-threshold", "-1")
        [failed] = self.failed()
        self.assertEqual((failed["file"], failed["row"], failed["rows"]), (self.path("in/a.csv.gz"), 11, 5))
        self.assertNotIn("offset", failed)

    def test_plan_counts_without_a_run(self):
        self.table("in/a.csv", 20)
        self.pack("in/a.csv", gzip.compress, "in/a.csv.gz")
        r = self.prs("plan", *self.words[1:], "--mini-batch-rows", "5")
        self.assertRegex(r.stdout, "mini-batches +4 ")
        r = self.prs("plan", *self.words[1:], "--partition-keys", "name")
        self.assertRegex(r.stdout, "mini-batches +20 by name")
        self.assertEqual(glob.glob(self.path("runs", "*")), [])

    def test_replay_reads_the_spool(self):
        self.script("def run(frame): return ['row %s' % v for v in frame['v']]")
        self.put("in/a.csv.gz", gzip.compress(b"k,v\n1,a\n2,b\n1,c\n"))
        self.job("--partition-keys", "k", "--python", one_having("pandas"))
        r = self.prs("replay", self.run_dir(), "0")
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.assertIn("row c", r.stdout + r.stderr)

    def test_clean_removes_it(self):
        self.table("in/a.csv", 20)
        self.pack("in/a.csv", gzip.compress, "in/a.csv.gz")
        self.job("--mini-batch-rows", "5")
        folder = self.run_dir()
        self.assertTrue(os.path.exists(os.path.join(folder, "spool-1-0")))
        r = self.prs("clean", folder, "--outputs")
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.assertFalse(os.path.exists(folder))


class KeysTest(SpoolCase):
    def keyed(self, name, rows, keys):
        """id,name: the name is one of so many; ids go on over all files."""
        first = getattr(self, "next_id", 0)
        self.next_id = first + rows
        made = ["%d,%s" % (i, "" if i * 7919 % keys == 0 else "k%d" % (i * 7919 % keys))
                for i in range(first, first + rows)]
        self.write(name, "".join(line + "\n" for line in ["id,name", *made]))
        return made

    def by_key(self, made):
        return sorted(made, key=lambda r: (r.split(",")[1] == "", r.split(",")[1].encode()))

    def test_rows_of_a_key_are_a_mini_batch(self):
        made = self.keyed("in/a.csv", 100, 7) + self.keyed("in/b.csv", 50, 7)
        self.job("--partition-keys", "name")
        self.assertEqual([v.rstrip() for v in self.values(self.output())], self.by_key(made))
        self.assertEqual(len(self.journal("DONE")), 7)
        self.assertEqual(self.counts(), (150, 150, 0))

    def test_a_key_that_is_no_column(self):
        self.keyed("in/a.csv", 10, 3)
        r = self.job("--partition-keys", "shop", status=2)
        self.assertIn('the partition key "shop" is no column of the table, nor part of its paths: id, name',
                      r.stdout + r.stderr)
        self.assertNotIn("--errors", r.stdout + r.stderr)  # there are none

    def test_a_value_that_is_none_of_its_column(self):
        self.write("in/a.csv", "id,name\n" + "".join("%d,x\n" % i for i in range(300)) + "x1,y\n")
        r = self.job("--partition-keys", "id", status=1)
        self.assertIn('in/a.csv line 302, column "id", a partition key: "x1" is no int', r.stdout + r.stderr)
        self.assertIn("VALUE_MISFIT", r.stdout + r.stderr + self.log("job_result.txt"))

    def test_what_failed_is_told_with_file_and_line(self):
        self.write("in/a.csv", 'id,name\n1,x\n2,"FAIL\n"\n3,x\n4,"FAIL\n"\n5,"FAIL\n"\n')
        self.write("in/b.csv", 'id,name\n6,x\n7,"FAIL\n"\n')
        self.job("--partition-keys", "name", "--run-max-try", "1", "--error-threshold", "-1")
        self.assertEqual([(os.path.basename(f["file"]), f["row"], f["rows"], f["line"]) for f in self.failed()],
                         [("a.csv", 2, 1, 3), ("a.csv", 4, 2, 6), ("b.csv", 2, 1, 3)])
        data = {name: open(self.path("in", name), "rb").read() for name in ("a.csv", "b.csv")}
        for f in self.failed():
            part = data[os.path.basename(f["file"])][f["offset"]:f["offset"] + f["bytes"]]
            self.assertEqual(part.count(b"FAIL"), f["rows"])


class SpoolKillTest(SpoolCase):
    """Killed at each step of a spool, and again in the next life: the same bytes, in a spool of its own."""

    def input(self, keys):
        self.made = ["%d,k%05d" % (i, i * 7919 % 30000) for i in range(60000)]
        text = "".join(line + "\n" for line in ["id,name", *self.made]).encode()
        if keys:
            self.put("in/a.csv", text)
            self.want = sorted(self.made, key=lambda r: r.split(",")[1])
            self.words = (*TableCase.words, "--partition-keys", "name")
        else:
            self.put("in/a.csv.gz", gzip.compress(text))
            self.want = self.made
            self.words = (*TableCase.words, "--mini-batch-rows", "100")

    def again(self):
        jobs = glob.glob(self.path("runs", "*", "job.json"))
        return ("resume", os.path.dirname(jobs[0])) if jobs else self.words

    def matrix(self, point, counts):
        for count in counts:
            with self.subTest("%s:%d" % (point, count)):
                self.clean()
                for life in range(2):
                    p, stopped = self.stop_at(point, count, *self.again())
                    self.assertTrue(stopped or life, self.said())
                    if stopped:
                        os.kill(p.pid, signal.SIGKILL)
                    p.wait()
                for _ in range(5):
                    p = self.start(*self.again())
                    if p.wait() >= 0:
                        break
                self.assertEqual(p.returncode, 0, self.said())
                self.assertEqual([v.rstrip() for v in self.values(self.output())], self.want)
                self.assertEqual(sorted(f["id"] for f in self.journal("DONE")),
                                 list(range(len(self.journal("DONE")))))

    def test_a_packed_file(self):
        self.input(False)
        for point in "data.spool.created", "data.spool.after_write", "data.spool.after_sync", "store.plan.after_sync":
            self.matrix(point, (1,))

    def test_keys(self):
        self.input(True)
        for point in "data.spool.created", "data.spool.after_write", "data.spool.after_sync", "store.plan.after_sync":
            self.matrix(point, (1,))


class FramesTest(SpoolCase):
    """With pandas: what run() gets."""

    def setUp(self):
        super().setUp()
        self.words = (*self.words, "--python", one_having("pandas"))

    def prs(self, *words, env=None, **more):
        return super(TableCase, self).prs(*words, env=env, **more)

    def test_keys_have_the_types_of_their_columns(self):
        self.script("""
            def run(frame, context):
                return ["%s %s" % (context.partition_key_value, frame["v"].tolist())]
        """)
        out = io.StringIO()
        rows = csv.writer(out, lineterminator="\n")
        rows.writerows([["day", "shop", "open", "v"], ["2024-02-29", 7, "true", 1], ["2024-01-01", 10, "false", 2],
                        ["2024-01-01 00:00", "07", "TRUE", 3], ["2024-02-29", "7", "True", 4]])
        self.put("in/a.csv.gz", gzip.compress(out.getvalue().encode()))
        self.job("--partition-keys", "day,shop,open")
        self.assertEqual(self.output().splitlines(), [
            "{'day': datetime.datetime(2024, 1, 1, 0, 0), 'shop': 7, 'open': True} [3]",
            "{'day': datetime.datetime(2024, 1, 1, 0, 0), 'shop': 10, 'open': False} [2]",
            "{'day': datetime.datetime(2024, 2, 29, 0, 0), 'shop': 7, 'open': True} [1, 4]"])

    def test_keys_that_are_converted(self):
        self.script("""
            def run(frame, context):
                key = context.partition_key_value
                assert all(len(set(frame[name].tolist())) == 1 for name in key), frame
                assert all(type(v) in (int, bool) or frame[k][0] == v for k, v in key.items()), (frame, key)
                return ["%s %s" % (list(key.values()), frame["v"].tolist())]
        """)
        self.write("in/a.csv", "k,day,open,v\n7,31.12.2024,yes,1\n007,31.12.2024,YES,2\n7.0, 31.12.2024,yes,3\n7,1.2.2024,n,4\n")
        self.write("in/MLTable", """type: mltable
paths:
  - pattern: ./*.csv
transformations:
  - read_delimited
  - convert_column_types:
      - columns: k
        column_type: int
      - columns: [day]
        column_type: {datetime: {formats: ["%Y", "%d.%m.%Y"]}}
      - columns: open
        column_type: {boolean: {true_values: [y, yes], false_values: n}}
""")
        words = [w for w in self.words if w not in ("--input-format", "tabular")]
        r = self.prs(*words, "--partition-keys", "k,day,open")
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.assertEqual(self.output().splitlines(), ["[7, datetime.datetime(2024, 2, 1, 0, 0), False] [4]",
                                                      "[7, datetime.datetime(2024, 12, 31, 0, 0), True] [1, 2, 3]"])

    def test_a_value_that_does_not_fit_is_told_by_the_file_of_the_user(self):
        self.script("def run(frame): return frame")
        good = "".join("%d,%d,\"a\nb\"\n" % (i, i % 3) for i in range(250))
        self.put("in/a.csv.gz", gzip.compress(("v,k,t\n" + good + "x1,1,\n").encode()))
        self.put("in/b.csv", ("v,k,t\n" + good + "x2,2,\n").encode())
        for words, places in ((("--mini-batch-rows", "1000"), ("a.csv.gz row 251, ", "b.csv line 502, ")),
                              (("--partition-keys", "k"), ("a.csv.gz line 502, ", "b.csv line 502, "))):
            self.clean()
            self.run_job(*words, "--error-threshold", "-1", "--run-max-try", "1", "--fail-fast=false")
            said = " ".join(f["message"] for f in self.failed())
            for place in places:
                self.assertIn("/in/" + place + 'column "v"', said)

    def test_keys_of_the_path_beside_those_of_columns(self):
        self.script("""
            def run(frame, context):
                return ["%s %s %s" % (context.partition_key_value, list(frame.columns), frame.values.tolist())]
        """)
        for name, text in (("a_1", "k,v\n7,1\n8,2\n"), ("b_1", "k,v\n7,3\n"), ("a_2", "k,v\n7,4\n")):
            self.write("in/%s.csv" % name, text)
        self.write("in/MLTable", """type: mltable
paths:
  - pattern: ./*.csv
transformations:
  - read_delimited:
      delimiter: ","
  - extract_columns_from_partition_format:
      partition_format: "/{shop}_*.csv"
""")
        words = [w for w in self.words if w not in ("--input-format", "tabular")]
        r = self.prs(*words, "--partition-keys", "k,shop")
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.assertEqual(self.output().splitlines(), [
            "{'k': 7, 'shop': 'a'} ['k', 'v', 'shop'] [[7, 1, 'a'], [7, 4, 'a']]",
            "{'k': 7, 'shop': 'b'} ['k', 'v', 'shop'] [[7, 3, 'b']]",
            "{'k': 8, 'shop': 'a'} ['k', 'v', 'shop'] [[8, 2, 'a']]"])

    def test_keys_of_folders_beside_those_of_columns(self):
        self.script("""
            def run(frame, context):
                return ["%s %s %s" % (context.partition_key_value, list(frame.columns), frame.values.tolist())]
        """)
        for shop, text in (("a%20b", "k,v\n7,1\n8,2\n"), ("c", "k,v\n7,3\n")):
            self.write("in/shop=%s/x.csv" % shop, text)
        self.job("--partition-keys", "k,shop")
        self.assertEqual(self.output().splitlines(), [
            "{'k': 7, 'shop': 'a b'} ['k', 'v', 'shop'] [[7, 1, 'a b']]",
            "{'k': 7, 'shop': 'c'} ['k', 'v', 'shop'] [[7, 3, 'c']]",
            "{'k': 8, 'shop': 'a b'} ['k', 'v', 'shop'] [[8, 2, 'a b']]"])
        plan = self.prs("plan", *(w for w in self.words[1:] if w not in ("--output", "out.txt")), "--partition-keys", "k,shop")
        self.assertIn("                shop (string, path): a b, a b\n", plan.stdout)
        self.write("in/zz/y.csv", "k,v\n7,3\n")
        self.clean()
        r = self.job("--partition-keys", "k,shop", status=1)
        self.assertIn("in/zz/y.csv is in no folder named shop=", r.stdout + r.stderr)

    def test_a_traceback_names_the_keys(self):
        """Rows that lie in many places are told by what they have in common."""
        self.script("def run(frame): raise ValueError('no')")
        for i in range(5):
            self.write("in/%d.csv" % i, "k,day\n1,2020-01-01\n")
        r = self.job("--partition-keys", "k,day", status=1)
        self.assertIn("while in the 5 rows with k=1, day=2020-01-01 00:00:00\n", r.stderr)

    def test_a_key_in_a_path_that_is_no_utf_8(self):
        self.script("""
            def run(frame, context):
                if context.partition_key_value["s"] == "b":
                    raise ValueError(context.partition_key_value)
                return frame
        """)
        for folder in b"s=\xff", b"s=%FE", b"s=b", b"s=b\xff":
            os.makedirs(os.path.join(os.fsencode(self.path("in")), folder))
            with open(os.path.join(os.fsencode(self.path("in")), folder, b"a.csv"), "w") as f:
                f.write("x\n1\n")
        self.run_job("--partition-keys", "s", "--error-threshold", "-1", "--run-max-try", "1", "--output-format", "csv")
        with open(self.path("out.txt"), "rb") as f:
            self.assertEqual(f.read(), b"x,s\n1,b\xff\n1,\xfe\n1,\xff\n")
        self.assertEqual([f["file"] for f in self.failed()], [self.path("in/s=b/a.csv")])
        self.script("def run(frame): raise ValueError(frame)")
        self.clean()
        self.run_job("--partition-keys", "s", "--error-threshold", "-1", "--run-max-try", "1", "--fail-fast=false")
        self.assertEqual(len(self.failed()), 4)
        r = self.prs("status", self.run_dir(), "--json")
        self.assertEqual(json.loads(r.stdout)["failed"], 4, r.stdout)

    def test_test_has_a_spool_of_its_own(self):
        self.script("def run(frame): return frame")
        self.put("in/a.csv.gz", gzip.compress(b"k,v\n1,a\n2,b\n"))
        for words in ("--mini-batch-rows", "1"), ("--partition-keys", "k"):
            r = self.prs("test", *(w for w in self.words[1:] if w not in ("--output", "out.txt")), *words)
            self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.assertEqual(glob.glob(self.path("runs", "*")), [])

    def test_replay_reads_the_spool(self):
        self.script("def run(frame): return ['row %s' % v for v in frame['v']]")
        self.put("in/a.csv.gz", gzip.compress(b"k,v\n1,a\n2,b\n1,c\n"))
        self.job("--partition-keys", "k", "--python", one_having("pandas"))
        r = self.prs("replay", self.run_dir(), "0")
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.assertIn("row c", r.stdout + r.stderr)
