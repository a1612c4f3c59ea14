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
