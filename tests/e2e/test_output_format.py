# SPDX-License-Identifier: Apache-2.0
"""output_format: tables as csv, tsv and jsonl that tools read back, whatever the number of processes, however often the
engine is killed while it writes them."""
import csv
import glob
import io
import json
import os
import signal

from prs_job import JobCase

# Mini-batches 0, 3, 6 ... have other columns than 1, 4, 7 ..., and both others than 2, 5, 8 ...
DICTS = """
    import os
    def run(mini_batch):
        rows = []
        for path in mini_batch:
            n = int(open(path).read())
            row = {"n": n, "text": 'a "b", c\\nd %d' % n}
            if n // 7 % 3 == 1:
                row = {"extra": [n, None], "n": n}
            if n // 7 % 3 == 2:
                row = {"text": None, "half": n / 2}
            rows.append(row)
        return rows
"""


def expected(n):
    if n // 7 % 3 == 1:
        return {"extra": [n, None], "n": n}
    if n // 7 % 3 == 2:
        return {"text": None, "half": n / 2}
    return {"n": n, "text": 'a "b", c\nd %d' % n}


class OutputFormatTest(JobCase):
    def setUp(self):
        super().setUp()
        self.files(60)
        self.script(DICTS)

    def of(self, name, *more, processes=2, kill=None):
        return self.prs("run", "code/score.py", "--input", "in", "--mini-batch-size", "7", "--processes",
                        str(processes), "--output", name, *more, kill=kill)

    def done(self, name, *more, **options):
        r = self.of(name, *more, **options)
        self.assertEqual(r.returncode, 0, r.stderr)
        return r.stderr

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def rows_of_csv(self, name, delimiter=","):
        return list(csv.DictReader(io.StringIO(self.read(name).decode(), newline=""), delimiter=delimiter))

    def check_cells(self, rows):
        self.assertEqual(len(rows), 60)
        for n, row in enumerate(rows):
            want = {k: "" if v is None else json.dumps(v, separators=(",", ":")) if isinstance(v, list) else str(v)
                    for k, v in expected(n).items()}
            self.assertEqual(row, dict(dict.fromkeys(("n", "text", "extra", "half"), ""), **want))

    def test_columns_of_all(self):
        said = self.done("o.csv")
        self.check_cells(self.rows_of_csv("o.csv"))
        self.assertTrue(self.read("o.csv").startswith(b'n,text,extra,half\n0,"a ""b"", c\nd 0",,\n'))
        self.assertEqual(said.count("other columns than the first one"), 1, said)
        self.assertIn("6 mini-batches returned other columns", said)
        self.done("o.tsv")
        self.check_cells(self.rows_of_csv("o.tsv", "\t"))

    def test_jsonl(self):
        said = self.done("o.jsonl")
        self.assertEqual([json.loads(line) for line in self.read("o.jsonl").splitlines()], [expected(n) for n in range(60)])
        self.assertNotIn("other columns", said)

    def test_any_number_of_processes_gives_the_same_bytes(self):
        for ending in ("csv", "tsv", "jsonl"):
            for processes in (1, 2, 5):
                self.done("%d.%s" % (processes, ending), processes=processes)
            self.assertEqual(self.read("1." + ending), self.read("2." + ending))
            self.assertEqual(self.read("1." + ending), self.read("5." + ending))

    def test_killed_while_it_is_written(self):
        self.done("whole.csv")
        for k, point in enumerate(("store.assemble.before_write", "store.assemble.before_rename", "store.assemble.after_rename")):
            name = "k%d.csv" % k
            self.assertEqual(self.of(name, kill=point + ":1").returncode, -signal.SIGKILL)
            r = self.prs("resume", "last")
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertEqual(self.read(name), self.read("whole.csv"))
        self.assertEqual(glob.glob(self.path(".prs-*")), [])

    def test_partial(self):
        self.script(DICTS.replace("rows = []", "rows = []; assert 'f0028' not in str(mini_batch[0])"))
        r = self.of("o.csv", "--error-threshold", "0")
        self.assertEqual(r.returncode, 1, r.stderr)
        r = self.prs("output", "last", "--partial")
        self.assertEqual(r.returncode, 0, r.stderr)
        path = r.stdout.strip()
        self.assertTrue(path.endswith("/outputs/partial.csv"), path)
        with open(path, newline="") as f:
            rows = list(csv.DictReader(f))
        self.assertEqual(list(rows[0])[:2], ["n", "text"])
        self.assertTrue(0 < len(rows) < 60)
        self.assertFalse([row for row in rows if row["n"] in map(str, range(28, 35))])

    def test_text_is_chosen_or_a_list_of_texts(self):
        self.script("""
            def run(mini_batch):
                return ["%s, %d" % (open(p).read(), len(mini_batch)) for p in mini_batch]
        """)
        self.done("o.csv")
        self.done("o.txt")
        self.assertEqual(self.read("o.csv"), self.read("o.txt"))
        self.done("t.jsonl")
        self.assertEqual([json.loads(line) for line in self.read("t.jsonl").splitlines()],
                         self.read("o.txt").decode().splitlines())
        self.script(DICTS)
        self.done("d.csv", "--output-format", "text")
        self.assertIn("{'n': 0", self.read("d.csv").decode())

    def test_tables_and_lines_in_one_file(self):
        self.script("""
            def run(mini_batch):
                n = int(open(mini_batch[0]).read())
                return ["a line"] if n == 7 else [{"a": n, "b": 1}] if n else [{"b": 2}]
        """)
        self.done("o.csv")
        self.assertEqual(self.read("o.csv").decode().splitlines()[:4], ["b,a", "2,", "a line", "1,14"])

    def job_file(self, more, output=""):
        self.write("job.yml", """
type: parallel
inputs:
  data: {type: uri_folder, path: in}
outputs:
  rows: {type: uri_folder%s}
input_data: ${{inputs.data}}
mini_batch_size: "7"
task: {type: run_function, code: code, entry_script: score.py, append_row_to: "${{outputs.rows}}"}
prs: {%s}
""" % (output, more))

    def test_job_file(self):
        self.job_file("output_format: csv")
        r = self.prs("run", "job.yml")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.check_cells(self.rows_of_csv(os.path.join(self.run_dir(), "outputs", "rows", "parallel_run_step.csv")))
        self.job_file("append_row_file_name: x.csv", ", path: out")
        r = self.prs("run", "job.yml")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("{'n': 0", self.read("out/x.csv").decode())
        self.job_file("output_format: cvs")
        r = self.prs("run", "job.yml")
        self.assertEqual(r.returncode, 2)
        self.assertIn("text, csv, tsv, jsonl", r.stderr.replace("|", ", "))

    def test_in_the_run_folder(self):
        r = self.prs("run", "code/score.py", "--input", "in", "--output-format", "jsonl")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(len(self.read(os.path.join(self.run_dir(), "outputs", "parallel_run_step.jsonl")).splitlines()), 60)

    def test_prs_test_shows_rows(self):
        r = self.prs("test", "code/score.py", "--input", "in", "--output-format", "csv", "-b", "7")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertTrue(r.stdout.startswith("n,text\n0,"), r.stdout)

    def test_endings(self):
        for name, more, said in (("x.ndjson", (), ""), ("x.CSV", (), ""), ("x.txt", (), ""), ("x", (), ""),
                                 ("x.csv", ("--output-format", "text"), ""),
                                 ("x.csv.gz", (), "a file .gz is asked for, and it will be text: .csv, "),
                                 ("x.xlsx", ("--output-format", "csv"), "a file .xlsx is asked for, and it will be csv"),
                                 ("x.csv", ("--output-format", "parquet"), "a file .csv is asked for, and it will be parquet")):
            r = self.prs("plan", "code/score.py", "--input", "in", "--output", name, *more, "--json")
            self.assertEqual(r.returncode, 0, r.stderr)
            chosen = json.loads(r.stdout)["options"].get("output-format", {"value": ["text"]})["value"][0]
            want = more[-1] if more else {"x.ndjson": "jsonl", "x.CSV": "csv"}.get(name, "text")
            self.assertEqual(chosen, want, name)
            r = self.prs("validate", "code/score.py", "--input", "in", "--output", name, *more)
            self.assertEqual("is asked for" in r.stderr, bool(said), r.stderr)
            self.assertIn(said, " ".join(r.stderr.split()))

    def test_settings_are_looked_at(self):
        """What nobody would read in them is said before anything runs, also by validate."""
        name = "code/parallel_run_step.settings.json"
        words = ["validate", "code/score.py", "--input", "in", "--output", "out.csv"]
        for text, said in (
                ('{"append_rows": {}}', "append_rows is no key of this file (append_row is); did you mean append_row?"),
                ('{"append_row": {"to_csv": {"sep": ";"}}}',
                 "to_csv is no key of append_row (pandas.DataFrame.to_csv is); it is not used"),
                ('{"append_row": {"pandas.DataFrame.to_csv": {"seperator": ";"}}}',
                 "seperator is no argument of to_csv; did you mean sep?"),
                ('{"append_row": {"pandas.DataFrame.to_csv": {"quote_char": "x"}}}',
                 "quote_char is no argument of to_csv; did you mean quotechar?"),
                ('{"append_row": {"pandas.DataFrame.to_csv": {"nope": 1}}}',
                 "nope is no argument of to_csv; pandas may refuse it when rows are written"),
                ('{"append_row": {"pandas.DataFrame.to_csv": {"mode": "w"}}}',
                 "mode is not used: rows go into the output file"),
                ('\ufeff{"append_row": {"pandas.DataFrame.to_csv": {"sep": ";", "lineterminator": "\\n"}}}', "")):
            self.write(name, text)
            r = self.prs(*words)
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertEqual("parallel_run_step.settings.json" in r.stderr, bool(said), r.stderr)
            self.assertIn(said, " ".join(r.stderr.split()))
        for ending in ("tsv", "jsonl", "parquet"):
            r = self.prs(*words[:-1], "out." + ending)
            self.assertIn("settings.json: it is not used: arguments of to_csv are for csv and text", r.stderr)
        for text, said in (("{", "settings.json:1:1: "), ("[]", "the file must be an object, as in {"),
                           ('{"append_row": 3}', '"append_row" must be an object'),
                           ('{"append_row": {"pandas.DataFrame.to_csv": []}}', '"pandas.DataFrame.to_csv" must be an')):
            self.write(name, text)
            r = self.prs(*words)
            self.assertEqual(r.returncode, 2, r.stderr)
            self.assertIn(said, r.stderr)

    def test_counting_only(self):
        r = self.prs("run", "code/score.py", "--input", "in", "--output-format", "csv", "--output-action", "summary_only")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("output_format is not used", r.stderr)
