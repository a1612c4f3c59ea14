# SPDX-License-Identifier: Apache-2.0
"""Transformations and notes of tables, through whole jobs with a real pandas (test_frames.py says which)."""
import json
import os

from test_frames import FrameCase

SHOWN = """
    def run(mini_batch, context):
        return ["%s|%s" % (",".join(mini_batch.columns), "|".join(map(str, row))) for row in mini_batch.values.tolist()]
"""
MLTABLE = """
    paths: [{pattern: ./**/*.csv}]
    transformations:
      - read_delimited: {delimiter: ",", include_path_column: true}
      - convert_column_types:
          - {columns: [id], column_type: string}
          - {columns: day, column_type: {datetime: {formats: ["%d.%m.%Y"]}}}
          - {columns: yes, column_type: {boolean: {true_values: ["y"], false_values: ["n"]}}}
      - extract_columns_from_partition_format: {partition_format: "store={store}/{f}.csv"}
      - filter: 'col("yes") and col("store") == "2" and col("day") > datetime(2024, 3, 20)'
      - drop_columns: [Path, f]
"""


class StepsTest(FrameCase):
    def out(self):
        with open(self.path("out.txt")) as f:
            return f.read().splitlines()

    def counts(self):
        with open(os.path.join(self.run_dir(), "logs", "events.jsonl")) as f:
            end = json.loads(f.read().splitlines()[-1])
        return end["items_succeeded"], end["items_failed"]

    def test_a_table_with_all_of_them(self):
        self.script(SHOWN)
        for store in (1, 2):
            rows = "".join("%03d,%02d.03.2024,%s\n" % (i, 1 + i % 28, "yn"[i % 2]) for i in range(50))
            self.write("in/store=%d/a.csv" % store, "id,day,yes\n" + rows)
        self.write("in/MLTable", MLTABLE)
        self.words = tuple(w for w in self.words if w not in ("--input-format", "tabular"))
        r = self.run_job()
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        days = [i for i in range(0, 50, 2) if 1 + i % 28 > 20]
        self.assertEqual([line.split("|")[:2] for line in self.out()], [["id,day,yes,store", "%03d" % i] for i in days])
        self.assertEqual(self.out()[0].split("|")[2:], ["2024-03-21 00:00:00", "True", "2"])
        self.assertEqual(self.counts(), (100, 0))

    def test_a_value_that_no_format_takes_is_split_off(self):
        self.script(SHOWN)
        self.write("in/a.csv", "d,x\n" + "".join("%02d.03.2024,%d\n" % (1 + i % 28, i) for i in range(20)) + "soon,20\n"
                   "01.03.2024,21\n")
        self.write("in/MLTable", """
            paths: [{file: ./a.csv}]
            transformations:
              - read_delimited: {}
              - convert_column_types: [{columns: d, column_type: {datetime: {formats: ["%d.%m.%Y"]}}}]
        """)
        self.words = tuple(w for w in self.words if w not in ("--input-format", "tabular"))
        r = self.run_job("--on-failure", "bisect")
        self.assertIn('a.csv line 22, column "d": "soon" is not datetime (%d.%m.%Y)', r.stdout + r.stderr)
        self.assertEqual(self.counts(), (21, 1))
        self.assertEqual(len(self.out()), 21)

    def mltable(self, *steps):
        """The table in/*.csv with these steps; words of the job without --input-format."""
        self.write("in/MLTable", "paths: [{pattern: ./*.csv}]\ntransformations:\n  - read_delimited: {}\n" +
                   "".join("  - %s\n" % s for s in steps))
        self.words = tuple(w for w in self.words if w not in ("--input-format", "tabular"))

    def test_a_step_that_no_row_can_pass_is_tried_once_and_not_halved(self):
        self.script(SHOWN)
        self.write("in/a.csv", "a,b\n" + "x,1\n" * 500)
        self.mltable("filter: 'col(\"a\") > 3'")
        r = self.run_job("--on-failure", "bisect", "--mini-batch-size", "1kb", "--processes", "1")
        self.assertEqual(r.returncode, 1, r.stdout + r.stderr)
        with open(os.path.join(self.run_dir(), "logs", "events.jsonl")) as f:
            events = [json.loads(line) for line in f]
        tries = [e for e in events if e["type"] == "try_failed"]
        self.assertEqual({e["error"] for e in tries}, {"TRANSFORM_FAILED"})
        self.assertEqual(len(tries), 2)  # mini-batches
        self.assertEqual([e for e in events if e["type"] == "split"], [])
        self.assertNotIn("prs replay", (r.stdout + r.stderr).rpartition("next")[2])

    def refused(self, *sentences):
        """plan and run say the same, and no mini-batch is tried."""
        for command in ("plan", "run"):
            r = self.prs(command, *self.words[1:])
            self.assertEqual(r.returncode, 2, r.stdout + r.stderr)
            for sentence in sentences:
                self.assertIn(sentence, r.stdout + r.stderr)
        with open(os.path.join(self.run_dir(), "logs", "events.jsonl")) as f:
            self.assertNotIn("try_failed", f.read())

    def test_a_column_that_no_file_has_is_told_before_anything_runs(self):
        self.write("in/a.csv", "price,day\n1,2024-01-01\n")
        for step, near in (('keep_columns: [day, pricee]', 'pricee"; did you mean "price"?'),
                           ('drop_columns: shop', 'shop": '),
                           ("filter: 'col(\"Price\") > 3 and col(\"day\") != None'", 'Price"; did you mean "price"?'),
                           ("convert_column_types: [{columns: [x9], column_type: int}]", 'x9": ')):
            with self.subTest(step):
                self.words = StepsTest.words[:4] + ("--output", "out.txt", "--python", self.python)
                self.mltable(step)
                self.refused("in/MLTable:4:", 'there is no column "' + near, "in/a.csv has price, day")
                self.clean()
        self.words = StepsTest.words[:4] + ("--output", "out.txt", "--python", self.python)
        self.mltable("keep_columns: price", "filter: 'col(\"day\") != None'")
        self.refused('in/MLTable:5:', 'filter: there is no column "day" any more')

    def test_what_a_step_left_out_is_not_there_in_the_next_one_of_its_kind(self):
        self.write("in/a.csv", "price,day\n1,2024-01-01\n")
        for first, second in (("keep_columns: price", "keep_columns: [day, price]"),
                              ("drop_columns: day", "drop_columns: day")):
            with self.subTest(first):
                self.words = StepsTest.words[:4] + ("--output", "out.txt", "--python", self.python)
                self.mltable(first, second)
                self.refused('in/MLTable:5:', second.split(":")[0] + ': there is no column "day" any more')
                self.clean()

    def test_columns_of_json_lines_and_parquet_can_be_named_only_where_they_are(self):
        self.write("in/a.jsonl", '{"price": 1, "day": "2024-01-01"}\n')
        self.refuse_names("read_json_lines", "./*.jsonl", "the lines of the sample have price, day")
        try:
            import pandas
            import pyarrow  # noqa: F401
        except ImportError:
            self.skipTest("no pyarrow to write a Parquet file with")
        pandas.DataFrame({"price": [1], "day": ["x"]}).to_parquet(self.path("in/a.parquet"))
        self.refuse_names("read_parquet", "./*.parquet", "in/a.parquet has price, day")

    def refuse_names(self, reader, pattern, has):
        for steps, said in ((["keep_columns: [day, pricee]"], 'keep_columns: there is no column "pricee"; did you mean'),
                            (["filter: 'col(\"shop\") == None'"], 'filter: there is no column "shop": '),
                            (["drop_columns: day", "convert_column_types: [{columns: day, column_type: string}]"],
                             'there is no column "day" any more')):
            with self.subTest(reader=reader, steps=steps):
                self.words = StepsTest.words[:4] + ("--output", "out.txt", "--python", self.python)
                self.mltable(*steps)
                self.write("in/MLTable", open(self.path("in/MLTable")).read().replace("read_delimited", reader)
                           .replace("./*.csv", pattern))
                self.refused("in/MLTable:%d:" % (3 + len(steps)), said, has)
                self.clean()

    def test_columns_of_paths_and_of_all_headers_can_be_named(self):
        self.script(SHOWN)
        self.write("in/s=1/a.csv", "a\n1\n")
        self.write("in/s=2/b.csv", "b\n2\n")
        self.write("in/MLTable", """
            paths: [{pattern: "./**/*.csv"}]
            transformations:
              - read_delimited: {header: all_files_different_headers, include_path_column: true}
              - extract_columns_from_partition_format: {partition_format: "s={s}/{f}.csv"}
              - filter: 'col("b") == None and col("Path") != "x"'
              - keep_columns: [a, b, s]
        """)
        self.words = tuple(w for w in self.words if w not in ("--input-format", "tabular"))
        r = self.run_job()
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.assertEqual([line.split("|")[0] for line in self.out()], ["a,b,s"])

    def test_no_python_is_started_for_a_plan_of_text_without_a_filter(self):
        self.write("bin/python3", "#!/bin/sh\necho $$ >> %s\nexec /usr/bin/python3 \"$@\"\n" % self.path("starts"))
        os.chmod(self.path("bin/python3"), 0o755)
        self.write("in/a.csv", "a,b\nx,1\n")
        env = {"PATH": self.path("bin") + ":" + os.environ["PATH"]}
        words = ("plan", "code/score.py", "--input", "in")
        self.script("def run(mini_batch): return mini_batch")

        def starts(*more):
            open(self.path("starts"), "w").close()
            r = self.prs(*words, *more, env=env)
            self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
            with open(self.path("starts")) as f:
                return len(f.readlines())

        of_files = starts()  # the script is read by one
        self.assertEqual(starts("--input-format", "tabular"), of_files)
        self.mltable("keep_columns: a")
        self.assertEqual(starts(), of_files)
        self.mltable("filter: 'col(\"a\") == None'")
        self.assertEqual(starts(), of_files + 1)

    def test_a_filter_that_is_too_long_and_a_skip_that_is_too_large(self):
        self.write("in/a.csv", "a,b\nx,1\n")
        self.mltable("filter: 'col(\"a\") == \"%s\"'" % ("x" * 200000), "skip: 123456789012345678901")
        for command in ("plan", "run"):
            r = self.prs(command, *self.words[1:])
            self.assertEqual(r.returncode, 2, r.stdout + r.stderr)
            self.assertIn("filter: expected at most 10000 characters, found 200", r.stderr)
            self.assertEqual(os.listdir(self.path("runs")) if os.path.exists(self.path("runs")) else [], [])

    def test_without_pandas_nothing_begins(self):
        self.write("bare/bin/python", "#!/bin/sh\nexec /usr/bin/python3 -S \"$@\"\n")
        self.write("in/a.csv", "a,b\nx,1\n")
        os.chmod(self.path("bare/bin/python"), 0o755)
        words = self.words[:-1] + (self.path("bare/bin/python"),)
        r = self.prs(*words)
        self.assertEqual(r.returncode, 2, r.stdout + r.stderr)
        self.assertIn("bin/python -m pip install pandas", r.stderr)
        self.assertFalse(os.path.exists(self.path("runs")))

    def test_what_is_odd_is_said_once(self):
        self.script("def run(mini_batch): return mini_batch")
        rows = "".join("%d,x\n" % i for i in range(1000))
        self.write("in/a.csv", "a,b\n" + rows + ",y\n7\n" + rows + ",y\n7\n")
        r = self.run_job("--mini-batch-rows", "300")
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        said = r.stdout + r.stderr
        self.assertEqual(said.count('column "a" has a cell that is none, where the sample has integers only'), 1)
        self.assertEqual(said.count("has fewer cells than the table has columns"), 1)
        self.assertRegex(said, r"warning: \S*/in/a.csv line (1002|2004): column \"a\" has")
