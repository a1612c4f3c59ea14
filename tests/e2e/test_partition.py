# SPDX-License-Identifier: Apache-2.0
"""Partition keys: files with the same values in their paths are one mini-batch."""
import glob
import hashlib
import json
import os

import test_kill
from prs_job import JobCase

FORMAT = "{store}/{day:yyyy-MM}/{brand}_*.csv"
SCRIPT = """
    import datetime, os, sys
    def run(mini_batch, context):
        keys = context.partition_key_value
        text = ",".join("%s=%s" % (k, v.strftime("%Y/%m") if isinstance(v, datetime.datetime) else v) for k, v in keys.items()) if keys else keys
        return ["%d %s %s" % (context.minibatch_index, text, os.path.basename(p)) for p in mini_batch]
"""


class PartitionTest(JobCase):
    def setUp(self):
        super().setUp()
        self.script(SCRIPT)
        for store, day, brand, n in (("2", "2020-02", "b", 1), ("2", "2020-02", "a", 2), ("10", "2020-02", "a", 3),
                                     ("10", "2019-12", "a", 4), ("10", "2019-12", "a", 5)):
            self.write("in/%s/%s/%s_%d.csv" % (store, day, brand, n), str(n))
        self.words = ["code/score.py", "--input", "in", "--partition-format", FORMAT, "--processes", "1"]

    def rows(self, *words, status=0, command="run"):
        r = self.prs(command, *words, "--output", "out.txt", "--overwrite")
        self.assertEqual(r.returncode, status, r.stderr + r.stdout)
        with open(self.path("out.txt")) as f:
            return f.read().splitlines()

    def refused(self, *words):
        r = self.prs("plan", *words)
        self.assertEqual(r.returncode, 2, r.stdout + r.stderr)
        return r.stderr

    def job(self, keys="partition_keys: [brand, day]", data="path: ./in", more="",
            form="partition_format: \"%s\"" % FORMAT, name="job.yml"):
        self.write(name, "type: parallel\nname: p\ninputs:\n  data:\n    type: uri_folder\n    %s\n    %s\noutputs: {rows: {type: uri_file}}\ninput_data: ${{inputs.data}}\n%s\n"
                   "task:\n  type: run_function\n  code: ./code\n  entry_script: score.py\n  append_row_to: ${{outputs.rows}}\n%s" % (data, form, keys, more))
        return name

    BY_BRAND_AND_DAY = ["0 brand=a,day=2019/12 a_4.csv", "0 brand=a,day=2019/12 a_5.csv",
                        "1 brand=a,day=2020/02 a_3.csv", "1 brand=a,day=2020/02 a_2.csv",
                        "2 brand=b,day=2020/02 b_1.csv"]

    # ---- runs

    def test_keys(self):
        self.assertEqual(self.rows(*self.words, "--partition-keys", "brand,day"), self.BY_BRAND_AND_DAY)
        self.assertEqual(self.rows(*self.words, "--partition-keys", "day", "--partition-keys", "brand")[2:4],
                         ["1 day=2020/02,brand=a a_3.csv", "1 day=2020/02,brand=a a_2.csv"])
        self.assertEqual(self.rows(*self.words, "--partition-keys", '["store"]'),
                         ["0 store=10 a_4.csv", "0 store=10 a_5.csv", "0 store=10 a_3.csv", "1 store=2 a_2.csv",
                          "1 store=2 b_1.csv"])

    def test_load_failed(self):
        """What goes wrong while a mini-batch is made of its task is a failed try like others, and no end of a
        process."""
        self.write("code/datetime.py", "raise RuntimeError('not the datetime you meant')\n")
        self.script("import os\ndef run(b, context):\n    return [os.getpid() for p in b]\n")
        r = self.prs("run", *self.words, "--partition-keys", "day", "--run-max-try", "2", "--error-threshold", "-1",
                     "--output", "out.txt")
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertIn("RuntimeError: not the datetime you meant", r.stdout + r.stderr)
        tries = self.journal("TRY")
        self.assertEqual([(t["code"], t["counted"]) for t in tries], [(105, 1)] * 4)
        self.assertEqual([f["event"] for f in self.journal("PROC")].count("STARTED"), 1)
        r = self.prs("replay", self.run_dir(), "0")
        self.assertEqual(r.returncode, 1)
        self.assertIn("loading mini-batch 0 (2 items) failed:\n", r.stderr)
        self.assertIn("RuntimeError: not the datetime you meant", r.stderr)
        r = self.prs("test", *self.words, "--partition-keys", "store,brand")
        self.assertEqual((r.returncode, len(r.stdout.splitlines())), (0, 5), r.stderr)

    def test_each_input_has_its_own_groups(self):
        self.write("more/2/2020-02/a_9.csv", "9")
        rows = self.rows(*self.words, "--input", "more", "--partition-keys", "store")
        self.assertEqual(rows[-2:], ["1 store=2 b_1.csv", "2 store=2 a_9.csv"])

    def test_list_and_pattern(self):
        self.write("list.txt", "in/2/2020-02/a_2.csv\nin/10/2020-02/a_3.csv\nin/2/2020-02/b_1.csv\n")
        words = ["code/score.py", "--partition-format", FORMAT, "--partition-keys", "brand"]
        self.assertEqual(self.rows(*words, "--input", "@list.txt"),
                         ["0 brand=a a_2.csv", "0 brand=a a_3.csv", "1 brand=b b_1.csv"])
        self.assertEqual(self.rows(*words, "--input", "in/**/a_[1-3].csv"), ["0 brand=a a_3.csv", "0 brand=a a_2.csv"])

    def test_argv(self):
        self.script("import sys\ndef run(b): return [' '.join(sys.argv[1:])] * len(b)\n")
        [row] = set(self.rows(*self.words, "--partition-keys", "brand,day"))
        self.assertIn(' --partition_keys ["brand","day"] --input_fds_0 input_0', row)
        self.assertNotIn("--mini_batch_size", row)

    def test_names_that_are_no_text(self):
        os.makedirs(os.path.join(self.dir.encode(), b"odd/\xff"))
        with open(os.path.join(self.dir.encode(), b"odd/\xff/1"), "w"):
            pass
        self.script("def run(b, context): return [context.partition_key_value]\n")
        r = self.prs("run", "code/score.py", "--input", "odd", "--partition-format", "{k}/*", "--partition-keys", "k",
                     "--output", "out.txt")
        self.assertEqual(r.returncode, 0, r.stderr)
        with open(self.path("out.txt")) as f:
            self.assertEqual(f.read(), "{'k': '\\udcff'}\n")

    # ---- job files

    def test_job_files(self):
        self.write("table/MLTable", "paths:\n  - folder: ../in\ntransformations:\n  - extract_columns_from_partition_format:\n      partition_format: \"%s\"\n" % FORMAT)
        self.write("short/MLTable", "paths:\n  - folder: ../in\ntransformations:\n  - extract_columns_from_partition_format: \"%s\"\n" % FORMAT)
        for job in (dict(), dict(keys="partition_keys: '[\"brand\", \"day\"]'"), dict(keys="partition_keys: brand,day"),
                    dict(keys="partition_keys: [brand, day]\nmini_batch_size: 1"),
                    dict(keys="", more="  program_arguments: --partition_keys '[\"brand\",\"day\"]'\n"),
                    dict(form="", more="prs: {partition_format: \"%s\"}\n" % FORMAT),
                    dict(form="", data="paths: [./in/2, ./in/10]", more="prs: {partition_format: \"%s\"}\n" % FORMAT),
                    dict(data="path: ./table\n    mode: direct", form="").copy()):
            with self.subTest(**job):
                self.job(**job)
                if "table" in job.get("data", ""):
                    for table in ("table", "short"):
                        self.job(data="path: ./" + table, form="")
                        with open(self.path("job.yml")) as f:
                            text = f.read()
                        self.write("job.yml", text.replace("type: uri_folder", "type: mltable", 1))
                        self.assertEqual(self.rows("job.yml"), self.BY_BRAND_AND_DAY)
                    continue
                rows = self.rows("job.yml")
                self.assertEqual(sorted(rows) if "paths" in job.get("data", "") else rows,
                                 sorted(self.BY_BRAND_AND_DAY) if "paths" in job.get("data", "")
                                 else self.BY_BRAND_AND_DAY)

    def test_bound_to_a_pipeline(self):
        self.write("p.yml", "type: pipeline\ninputs:\n  all: {type: uri_folder, path: ./in, partition_format: \"%s\"}\n  by: '[\"store\"]'\njobs:\n  x:\n    type: parallel\n"
                   "    inputs: {data: '${{parent.inputs.all}}'}\n    outputs: {rows: {type: uri_file}}\n    input_data: ${{inputs.data}}\n    partition_keys: ${{parent.inputs.by}}\n"
                   "    task: {type: run_function, code: ./code, entry_script: score.py, append_row_to: '${{outputs.rows}}'}\n" % FORMAT)
        self.assertEqual(self.rows("p.yml")[0], "0 store=10 a_4.csv")
        self.assertIn("by brand (--partition-keys)", self.prs("plan", "p.yml", "--partition-keys", "brand").stdout)

    def test_v1(self):
        self.write("v1.yml", "parallel_run_config:\n  entry_script: score.py\n  source_directory: ./code\n  output_action: append_row\n  partition_keys: [brand, day]\n")
        self.assertEqual(self.rows("v1.yml", "--input", "in", "--partition-format", FORMAT), self.BY_BRAND_AND_DAY)

    def test_size_is_not_used(self):
        self.job(keys="partition_keys: [day]\nmini_batch_size: 1")
        r = self.prs("validate", "job.yml")
        self.assertEqual(r.returncode, 0)
        self.assertIn("mini_batch_size: not used: partition_keys make the mini-batches", r.stderr + r.stdout)

    # ---- what is wrong

    def test_mistakes(self):
        for words, says in ((["--partition-keys", "bran"],
                             'partition key bran is not in partition_format "%s" (store, day, brand)' % FORMAT),
                            (["--partition-keys", "day,day"], "partition key day is given twice"),
                            (["--partition-keys", "day", "--mini-batch-size", "3"],
                             "--partition-keys and --mini-batch-size exclude each other: keep one"),
                            (["--partition-keys", "day", "--partition-format", "{day:yyyy"],
                             'partition_format "{day:yyyy": a { without its }')):
            self.assertIn(says, self.refused(*self.words, *words))
        self.assertIn("is in no folder named day=..., and no partition_format says where its value stands",
                      self.refused("code/score.py", "--input", "in", "--partition-keys", "day"))

    def test_folders_that_name_their_keys(self):
        for store, brand in (("1", "b"), ("2", "a"), ("1", "a")):
            self.write("hive/store=%s/brand=%s/x.csv" % (store, brand), "x")
        self.words = ["code/score.py", "--input", "hive", "--processes", "1"]
        self.assertEqual(self.rows(*self.words, "--partition-keys", "brand"),
                         ["0 brand=a x.csv", "0 brand=a x.csv", "1 brand=b x.csv"])

    def test_values_in_names_of_folders(self):
        for path in ("hive/b=2/a=%2f/1.txt", "hive/b=1/a=__HIVE_DEFAULT_PARTITION__/1.txt", "hive/b=1/a=x/1.txt"):
            self.write(path, "x")
        self.write("code/keys.py", "def run(mini_batch, context):\n    return [repr(context.partition_key_value)]\n")
        r = self.prs("run", "code/keys.py", "--input", "hive", "--partition-keys", "a,b", "--output", "keys.txt")
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        with open(self.path("keys.txt")) as f:
            rows = f.read().splitlines()
        self.assertEqual(rows,
                         ["{'a': '/', 'b': '2'}", "{'a': 'x', 'b': '1'}", "{'a': None, 'b': '1'}"])

    def test_mistakes_of_a_job_file(self):
        self.job(keys="partition_keys: [shop]")
        self.assertIn("job.yml:10:18: partition key shop is not in partition_format", self.refused("job.yml"))
        self.job(form="partition_format: \"{store}/{day\"")
        self.assertIn('job.yml:7:23: partition_format "{store}/{day": a { without its }', self.refused("job.yml"))
        self.job(form="")
        self.assertIn("partition key brand: the file ", self.refused("job.yml"))
        self.job(keys="partition_keys: {a: b}")
        self.assertIn("job.yml:10:17: partition_keys: expected one value, found", self.refused("job.yml"))

    def test_a_file_that_does_not_fit(self):
        self.write("in/readme.txt", "x")
        r = self.prs("run", *self.words, "--partition-keys", "day")
        self.assertEqual(r.returncode, 1)
        self.assertIn("the file %s does not fit partition_format \"%s\"" % (self.path("in/readme.txt"), FORMAT),
                      r.stderr)
        self.assertEqual(self.journal("DONE"), [])
        self.assertIn("does not fit partition_format", self.prs("plan", *self.words, "--partition-keys", "day").stderr)

    # ---- the plan

    def test_plan(self):
        words = [*self.words, "--partition-keys", "brand,day"]
        self.assertIn("mini-batches  3 by brand, day (--partition-keys)\n", self.prs("plan", *words).stdout)
        plan = json.loads(self.prs("plan", *words, "--json").stdout)
        self.assertEqual((plan["plan"]["mini_batches"], plan["plan"]["files"], plan["options"]["partition-keys"]["value"]), (3, 5, ["brand", "day"]))
        text = self.prs("plan", *words, "--yaml", "--output", "x.txt").stdout
        self.write("again.yml", text)
        self.assertEqual(self.prs("plan", "again.yml", "--yaml").stdout, text)
        self.assertEqual(self.rows("again.yml"), self.BY_BRAND_AND_DAY)
        self.job(keys="partition_keys: [\"brand\"]")
        text = self.prs("plan", "job.yml", "--yaml").stdout
        self.assertIn("    partition_format: \"%s\"\n" % FORMAT, text)
        self.write("again.yml", text)
        self.assertEqual(self.prs("plan", "again.yml", "--yaml").stdout, text)

    def test_dump(self):
        self.rows(*self.words, "--partition-keys", "brand,day")
        r = self.prs("dump", "plan")
        self.assertIn('\nGROUP id=1 input=0 ranges=2+2 keys={"brand":"a","day":"2020-02-01T00:00:00"}\n', r.stdout)
        groups = [g for g in map(json.loads, self.prs("dump", "plan", "--json").stdout.splitlines())
                  if g["type"] == "GROUP"]
        self.assertEqual(groups[1]["ranges"], [[2, 2]])
        self.assertEqual(groups[1]["keys"], {"brand": "a", "day": "2020-02-01T00:00:00"})

    # ---- one mini-batch, part of one

    def test_replay_and_test(self):
        self.rows(*self.words, "--partition-keys", "brand,day")
        [run] = glob.glob(self.path("runs/*"))
        r = self.prs("replay", run, "1")
        self.assertEqual(r.stdout.splitlines(), self.BY_BRAND_AND_DAY[2:4], r.stderr)
        r = self.prs("replay", run, "1", "--item", "1")
        self.assertEqual(r.stdout.splitlines(), self.BY_BRAND_AND_DAY[3:4], r.stderr)
        r = self.prs("test", *self.words[:5], "--partition-keys", "brand,day", "--limit", "2")
        self.assertEqual(r.stdout.splitlines(), self.BY_BRAND_AND_DAY[:4], r.stderr)

    def test_bisect(self):
        """The parts of a group have its keys; what failed once more is all of it."""
        self.script(SCRIPT.replace("keys = context", "assert not any(p.endswith('a_3.csv') for p in mini_batch), 'poison'\n        keys = context"))
        words = ("run", *self.words, "--partition-keys", "brand", "--run-max-try", "1")
        r = self.prs(*words, "--on-failure", "bisect", "--output", "out.txt")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("warning: on_failure bisect with partition keys: run() is also given parts of a failing partition", r.stderr)
        self.assertEqual(self.output(), "0 brand=a a_4.csv\n0 brand=a a_5.csv\n0 brand=a a_2.csv\n1 brand=b b_1.csv\n")
        self.script(SCRIPT)
        r = self.prs(*words, "--only-failed", "last", "--output", "rest.txt")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("failed in part and runs again as a whole: rows of it are in the output of that run, too", r.stderr)
        with open(self.path("rest.txt")) as f:
            self.assertEqual([line.split()[-1] for line in f], ["a_4.csv", "a_5.csv", "a_3.csv", "a_2.csv"])

    def test_bisect_at_a_resume(self):
        self.script(SCRIPT.replace("keys = context", "assert not any(p.endswith('a_3.csv') for p in mini_batch), 'poison'\n        keys = context"))
        r = self.prs("run", *self.words, "--partition-keys", "brand", "--run-max-try", "1", "--error-threshold", "1", "--output", "out.txt")
        self.assertEqual(r.returncode, 1, r.stderr)
        r = self.prs("resume", "--retry-failed", "--set", "on_failure=bisect")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), "0 brand=a a_4.csv\n0 brand=a a_5.csv\n0 brand=a a_2.csv\n1 brand=b b_1.csv\n")

    def test_only_failed(self):
        self.script(SCRIPT.replace("keys = context",
                                   "assert not any(p.endswith('a_3.csv') for p in mini_batch), 'poison'\n        keys = context"))
        self.assertEqual(self.rows(*self.words, "--partition-keys", "brand", "--run-max-try", "1"),
                         ["1 brand=b b_1.csv"])
        [run] = glob.glob(self.path("runs/*"))
        self.script(SCRIPT)
        r = self.prs("run", *self.words, "--partition-keys", "brand", "--only-failed", run, "--output", "rest.txt")
        self.assertEqual(r.returncode, 0, r.stderr)
        with open(self.path("rest.txt")) as f:
            self.assertEqual("".join(sorted(f)), "0 brand=a a_2.csv\n0 brand=a a_3.csv\n0 brand=a a_4.csv\n0 brand=a a_5.csv\n")

    def test_partial(self):
        self.script(SCRIPT.replace("keys = context",
                                   "assert context.minibatch_index != 1, 'poison'\n        keys = context"))
        r = self.prs("run", *self.words, "--partition-keys", "brand,day", "--run-max-try", "1",
                     "--error-threshold", "0")
        self.assertEqual(r.returncode, 1)
        r = self.prs("output", "--partial", "--output", "part.txt")
        self.assertEqual(r.returncode, 0, r.stderr)
        with open(self.path("part.txt")) as f:
            rows = f.read().splitlines()
        self.assertLessEqual(set(rows), set(self.BY_BRAND_AND_DAY[:2] + self.BY_BRAND_AND_DAY[4:]))
        self.assertEqual(rows[:2], self.BY_BRAND_AND_DAY[:2])

    # ---- the input changes between a crash and the resume

    def test_changed_input(self):
        for i in range(400):
            self.write("in/1/2020-01/%s_%04d.csv" % ("c" * 200, i), "x")
        words = ["run", *self.words, "--partition-keys", "brand", "--output", "out.txt"]
        p, stopped = self.stop_at("store.plan.after_sync", 1, *words)
        self.assertTrue(stopped)
        p.kill()
        p.wait()
        self.write("in/3/2020-01/d_1.csv", "new")
        os.remove(self.path("in/10/2020-02/a_3.csv"))
        [run] = glob.glob(self.path("runs/*"))
        r = self.prs("resume", run)
        self.assertIn(r.returncode, (0, 4), r.stderr)
        with open(self.path("out.txt")) as f:
            rows = f.read().splitlines()
        numbers = [int(row.split()[0]) for row in rows]
        self.assertEqual(numbers, sorted(numbers))
        for number in set(numbers):
            self.assertEqual(len({row.split()[1] for row in rows if row.startswith("%d " % number)}), 1)
        self.assertEqual(len([row for row in rows if "brand=c" in row]), 400)


class PartitionKillTest(test_kill.KillPointTest):
    """Groups over folders that fill a plan block each, of two inputs: kills while they are listed, between their
    groups, while they run."""

    @property
    def CUT(self):
        return ["--partition-keys", "key", "--partition-format", "{folder}/{name}_{key}", "--input", self.input + "2"]

    @classmethod
    def make_input(cls):
        for folder in ("a", "b", "../in2/c"):
            for i in range(320):
                cls.add("%s/%s%04d_%02d" % (folder, "n" * 210, i, i % 16), "%s %d" % (folder, i))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        want = hashlib.sha256()
        for folder in (cls.input, cls.input + "2"):
            for path in sorted(test_kill.input_order(folder), key=lambda p: p[-2:]):
                with open(path, "rb") as f:
                    want.update(cls.row(path, f.read()))
        cls.want = want.hexdigest()


for inherited in [name for name in dir(test_kill.KillPointTest) if name.startswith("test_")]:
    setattr(PartitionKillTest, inherited, None)
test_kill.add_matrix(PartitionKillTest, ["store.plan.before_write", "store.plan.after_write", "store.plan.after_sync",
                                         "store.journal.after_write", "store.segment.after_sync",
                                         "worker.before_run"])
