# SPDX-License-Identifier: Apache-2.0
"""What a job says of tables: which inputs are, what of them the lister and the workers are told, and what is refused
before anything runs."""
import glob
import gzip
import json
import os
import subprocess
import tempfile

from pythons import one_having
from prs_job import JobCase

ROWS = "id,name\n1,a\n2,b\n3,c\n"


class TableCase(JobCase):
    def setUp(self):
        super().setUp()
        self.script("def run(mini_batch):\n    return mini_batch\n")
        self.write("in/a.csv", ROWS)
        self.write("in/b.csv", ROWS)

    def read(self, name):
        with open(self.path(name)) as f:
            return f.read()

    def plan(self, *words, status=0):
        """The plan as JSON; with a status the text of the mistakes."""
        r = self.prs("plan", *words, *(() if status else ("--json",)))
        self.assertEqual(r.returncode, status, r.stdout + r.stderr)
        return r.stderr if status else json.loads(r.stdout)

    def tabular(self, *words, status=0):
        return self.plan("code/score.py", "--input", "in", "--input-format", "tabular", *words, status=status)

    def job(self, text="", own="input_format: tabular", name="job.yml", data="type: uri_folder, path: ./in"):
        self.write(name, "type: parallel\ninputs:\n  data: {%s}\noutputs: {rows: {type: uri_file}}\n"
                   "input_data: ${{inputs.data}}\n%s\ntask:\n  type: run_function\n  code: ./code\n"
                   "  entry_script: score.py\n  append_row_to: ${{outputs.rows}}\nprs:\n  %s\n"
                   % (data, text, own or "infer_rows: 200"))
        return name


class FormatTest(TableCase):
    def kinds(self, *inputs, status=0):
        words = [w for path in inputs for w in ("--input", path)]
        return self.plan("code/score.py", *words, "--input-format", "tabular", status=status)

    def test_endings(self):
        for name, kind, delimiter in (("x.csv", "delimited", ","), ("x.TSV", "delimited", "\t"),
                                      ("x.jsonl", "jsonl", ""), ("x.ndjson", "jsonl", ""),
                                      ("x.csv.gz", "delimited", ","), ("x.jsonl.zst", "jsonl", "")):
            self.write("one/" + name, "")
            self.write("list.txt", "one/%s\n" % name)
            r = self.prs("validate", "code/score.py", "--input", "one/" + name, "--input-format", "tabular")
            self.assertEqual(r.returncode, 0, r.stderr)
        for path in ("in", "in/a.csv", "in/*.csv", "in/a*"):
            table = self.kinds(path)["inputs"][0]["table"]
            self.assertEqual((table["format"], table["delimiter"], table["by_ending"]), ("delimited", ",", True))
        self.write("list.txt", "in/a.csv\nin/b.csv\n")
        self.assertEqual(self.kinds("@list.txt")["inputs"][0]["table"]["format"], "delimited")

    def test_kinds_do_not_mix(self):
        self.write("in/deep/c.jsonl", "{}\n")
        said = self.kinds("in", status=2)
        self.assertIn("in/a.csv is CSV, ", said)
        self.assertIn("in/deep/c.jsonl is JSON lines: the files of an input are of one kind", said)
        plan = self.kinds("in/*.csv", "in/deep")["plan"]  # each input has its own kind
        self.assertEqual(plan["inputs"][0]["mini_batches"], 2)
        self.write("list.txt", "in/a.csv\nin/deep/c.jsonl\n")
        self.assertIn("is CSV, in/deep/c.jsonl is JSON lines", self.kinds("@list.txt", status=2))

    def test_ending_that_is_not_known(self):
        self.write("in/README", "x")
        self.assertIn("in/README is no table by its ending (.csv, .tsv, .jsonl, .ndjson or .parquet): "
                      "choose files by a pattern, as in '**/*.csv'", self.kinds("in", status=2))
        self.write("text/a.txt", "x")
        self.assertIn("text/a.txt is no table by its ending", self.kinds("text", status=2))
        self.write("csv/_SUCCESS", "")
        self.write("csv/a.csv", "a\n1\n")
        self.assertIn("csv/_SUCCESS is no table by its ending", self.kinds("csv", status=2))
        self.assertEqual(self.kinds("nothing", status=2), "prs: --input nothing: no such folder or file\n")

    def test_the_lister_looks_at_all_of_them(self):
        """A job file that only the lister sees whole: more names than the check of a job looks at."""
        for i in range(100):
            self.write("many/%02d/x.csv" % i, "a\n1\n")
        self.write("many/99/y.tsv", "a\n1\n")
        self.write("list.txt", "many/00/x.csv\n" * 20000 + "many/99/y.tsv\n")
        said = self.kinds("@list.txt", status=2)
        self.assertIn("many/99/y.tsv is TSV by its ending, and the input is CSV", said)


class DelimiterTest(TableCase):
    """A file with another delimiter than the one that it is read with."""

    def setUp(self):
        super().setUp()
        os.remove(self.path("in/b.csv"))

    def said(self, text, *words):
        self.write("in/a.csv", text)
        r = self.prs("plan", "code/score.py", "--input", "in", *words)
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        return r.stdout + r.stderr

    def test_it_is_asked_about(self):
        for text, word in (("a;b;c\n1;2;3\n4;5;6\n", ";"), ("a\tb\n1\t2\n", "\\t"), ("a|b\n1|\n", "|"),
                           ("a;b\n1,5;2\n2,5;\"x;y\"\n", ";")):
            with self.subTest(text):
                said = self.said(text, "--input-format", "tabular")  # once
                self.assertEqual(said.count('is its delimiter "%s"? Then say so in a file MLTable' % word), 1, said)
                self.assertIn('in/a.csv has one column, "', said)

    def test_what_it_says_does(self):
        said = self.said("a;b\n1;2\n", "--input-format", "tabular")
        [line] = [line for line in said.splitlines() if "is its delimiter" in line]
        paths, steps = line[line.index("paths:"):].split(" and ")
        self.write("in/MLTable", paths + "\n" + steps + "\n")
        said = self.said("a;b\n1;2\n")
        self.assertNotIn("is its delimiter", said)
        self.assertIn("columns       2", said)

    def test_it_is_not_asked_about(self):
        for text in ("a;b\n1\n2\n", "a\n1;2\n", '"a;b"\n1;2\n', "a;b\n1;2\n1;2;3\n", "a,b;c\n1,2;3\n"):
            with self.subTest(text):
                self.assertNotIn("is its delimiter", self.said(text, "--input-format", "tabular"))


class SizeTest(TableCase):
    def size(self, plan):
        options = plan["options"]
        return [options.get(k, {}).get("value", [None])[0] for k in ("mini-batch-size", "mini-batch-rows")]

    def test_size(self):
        self.assertEqual(self.size(self.tabular()), ["1048576", None])
        self.assertEqual(self.tabular()["plan"]["mini_batches"], 2)
        for word, size in (("1", "1"), ("100", "100"), ("2kb", "2048"), ("3MB", "3145728"), ("2gb", "2147483648")):
            self.assertEqual(self.size(self.tabular("--mini-batch-size", word)), [size, None])
        self.assertEqual(self.tabular("--mini-batch-size", "5")["plan"]["mini_batches"], 6)
        for word in ("0", "3gb", "-1", "1.5mb", "x"):
            self.assertIn("--mini-batch-size: ", self.tabular("--mini-batch-size", word, status=2))

    def test_rows(self):
        plan = self.tabular("--mini-batch-rows", "2")
        self.assertEqual((self.size(plan), plan["plan"]["mini_batches"]), (["1048576", "2"], 4))
        self.assertIn("--mini-batch-rows and --mini-batch-size exclude each other: keep one",
                      self.tabular("--mini-batch-rows", "2", "-b", "5mb", status=2))
        said = self.plan("code/score.py", "--input", "in", "--mini-batch-rows", "2", status=2)
        self.assertIn("--mini-batch-rows is for tables, and the input is files", said)
        self.assertIn("exclude each other",
                      self.tabular("--mini-batch-rows", "2", "--partition-keys", "id", status=2))

    def test_a_higher_source_wins(self):
        job = self.job("mini_batch_size: 10kb")
        self.assertEqual(self.size(self.plan(job)), ["10240", None])
        self.assertEqual(self.size(self.plan(job, "--mini-batch-rows", "7")), ["1048576", "7"])
        job = self.job(own="{input_format: tabular, mini_batch_rows: 7}")
        self.assertEqual(self.size(self.plan(job)), ["1048576", "7"])
        self.assertEqual(self.size(self.plan(job, "--mini-batch-size", "5kb")), ["5120", None])
        job = self.job("mini_batch_size: 5kb", own="{input_format: tabular, mini_batch_rows: 7}")
        self.assertIn("exclude each other: keep one", self.plan(job, status=2))
        # a flag of the original in program_arguments is weaker than a key
        self.write("job.yml", self.read("job.yml").replace("mini_batch_size: 5kb\n", "")
                   .replace("task:\n", "task:\n  program_arguments: --mini_batch_size 5kb\n"))
        self.assertEqual(self.size(self.plan("job.yml")), ["1048576", "7"])

    def test_defaults(self):
        self.write("prs.yml", "defaults: {mini_batch_rows: 2}\n")
        self.assertEqual(self.size(self.tabular()), ["1048576", "2"])
        self.assertEqual(self.size(self.tabular("-b", "1kb")), ["1024", None])
        plan = self.plan("code/score.py", "--input", "in")  # of files, which have no rows
        self.assertEqual(self.size(plan), ["10", None])

    def test_what_is_said(self):
        self.write("code/pandas.py", "")  # which is looked for, and not needed here
        words = ["run", "code/score.py", "--input", "in"]
        r = self.prs(*words, "--input-format", "tabular", "-b", "100")
        self.assertIn("--mini-batch-size 100 is 100 bytes of a table", r.stdout + r.stderr)
        r = self.prs(*words, "--input-format", "tabular", "-b", "10kb")
        self.assertNotIn("--mini-batch-size 10", r.stdout + r.stderr)
        r = self.prs(*words, "-b", "10kb")
        self.assertIn("--mini-batch-size 10kb is 10,240 files", r.stdout + r.stderr)
        r = self.prs("plan", self.job("mini_batch_size: 10kb"))
        self.assertNotIn("10240 files", r.stderr)
        r = self.prs("plan", self.job("mini_batch_size: 10kb", own=""))
        self.assertIn("10kb is 10240 files", r.stderr)

    def test_other_options(self):
        options = self.plan(self.job(own="{input_format: tabular, infer_rows: 5, max_record: 1mb}"))["options"]
        self.assertEqual((options["infer-rows"]["value"], options["max-record"]["value"]), (["5"], ["1048576"]))
        self.assertIn("is longer than max_record (4 bytes)", self.tabular("--max-record", "4", status=2))

    def test_the_job_reads_back(self):
        job = self.job(own="{input_format: tabular, mini_batch_rows: 2, infer_rows: 5}")
        r = self.prs("plan", job, "--yaml")
        self.write("again.yml", r.stdout)
        first, again = self.plan(job), self.plan("again.yml")
        self.assertEqual(first["inputs"][0]["table"], again["inputs"][0]["table"])
        self.assertEqual(self.size(first), self.size(again))

    def test_a_job_as_json(self):
        self.write("job.json", json.dumps({"job_format": 1, "entry": "score.py", "code_dir": self.path("code"),
                                           "inputs": [{"path": "in"}], "options": {"input_format": "tabular"}}))
        self.assertEqual(self.plan("--job-json", "job.json")["inputs"][0]["table"]["format"], "delimited")
        self.write("in/c.tsv", "")
        self.assertIn("inputs: input input_0: ", self.plan("--job-json", "job.json", status=2))


class V1Test(TableCase):
    def test_input_format(self):
        self.write("v1.yml", "parallel_run_config:\n  entry_script: score.py\n  source_directory: ./code\n"
                   "  input_format: tabular\n  mini_batch_size: 1KB\n  error_threshold: 1\n"
                   "  output_action: append_row\n")
        plan = self.plan("v1.yml", "--input", "in")
        self.assertEqual(plan["inputs"][0]["table"]["format"], "delimited")
        self.assertEqual(plan["options"]["mini-batch-size"]["value"], ["1024"])


    def test_without_an_input(self):
        """Looked at before its input is known: 20KB are no files where the items are rows, or may be."""
        self.write("v1.yml", "parallel_run_config:\n  entry_script: score.py\n  source_directory: ./code\n"
                   "  input_format: tabular\n  mini_batch_size: 20KB\n  error_threshold: 1\n"
                   "  output_action: append_row\n")
        self.write("any.yml", self.read("v1.yml").replace("  input_format: tabular\n", ""))
        self.write("part.yml", "type: parallel\ninputs:\n  data: {type: mltable}\noutputs: {rows: {type: uri_file}}\n"
                   "input_data: ${{inputs.data}}\nmini_batch_size: 20KB\ntask:\n  type: run_function\n  code: ./code\n"
                   "  entry_script: score.py\n  append_row_to: ${{outputs.rows}}\n")
        for words, files in ((["v1.yml"], False), (["any.yml"], False), (["any.yml", "--input", "in"], True),
                             (["any.yml", "--input-format", "tabular"], False), (["part.yml"], False),
                             (["part.yml", "--input", "data=in"], True)):
            r = self.prs("validate", *words)
            self.assertEqual((r.returncode, "20480 files" in r.stderr), (0, files), (words, r.stderr))
        r = self.prs("validate", "v1.yml", "--mini-batch-rows", "5")
        self.assertEqual(r.returncode, 0, r.stderr)
        r = self.prs("validate", "v1.yml", "--mini-batch-size", "20")
        self.assertIn("is 20 bytes of a table", r.stderr)


class MLTableTest(TableCase):
    def mltable(self, text, name="table", paths="  - folder: ../in\n"):
        self.write(name + "/MLTable", "type: mltable\npaths:\n%stransformations:\n%s" % (paths, text))
        return name

    def table(self, text, *words):
        """What a v2 job makes of the transformations; a script, a v1 file, a job as JSON make the same of the folder."""
        folder = self.mltable(text)
        found = self.plan(self.job(own="", data="type: mltable, path: ./table"), *words)["inputs"][0]
        self.write("v1.yml", "parallel_run_config:\n  entry_script: score.py\n  source_directory: ./code\n"
                   "  error_threshold: 1\n  output_action: append_row\n")
        self.write("job.json", json.dumps({"job_format": 1, "entry": "score.py", "code_dir": self.path("code"),
                                           "inputs": [{"mltable": folder}]}))
        self.write("again.yml", self.prs("plan", "job.yml", "--yaml").stdout)
        for ask in (["code/score.py", "--input", folder], ["v1.yml", "--input", "data=" + folder],
                    ["--job-json", "job.json"], ["again.yml"]):
            other = self.plan(*ask, *words)["inputs"][0]
            self.assertEqual({k: v for k, v in other.items() if k != "name"},
                             {k: v for k, v in found.items() if k != "name"}, ask)
        self.assertEqual((found["type"], found["mltable"]), ("mltable", self.path("table")))
        return found["table"]

    def steps(self, text):
        return self.table("  - read_delimited\n" + text)["steps"]

    def test_read_delimited(self):
        self.assertEqual(self.table("  - read_delimited\n"), {
            "format": "delimited", "delimiter": ",", "header": "all_files_same_headers", "encoding": "utf8",
            "one_line": False, "all_strings": False, "empty_as_string": False, "drop_invalid": False,
            "by_ending": False, "path_column": None, "text_columns": [], "named": [], "steps": []})
        table = self.table("""
  - read_delimited:
      delimiter: '\\t'
      encoding: windows1252
      header: from_first_file
      infer_column_types: false
      empty_as_string: true
      include_path_column: true
      support_multi_line: false
      partition_size: 20971520
      path_column: source
""")
        self.assertEqual((table["delimiter"], table["encoding"], table["header"], table["path_column"]),
                         ("\t", "windows1252", "from_first_file", "source"))
        self.assertEqual((table["all_strings"], table["empty_as_string"], table["one_line"]), (True, True, True))
        r = self.prs("plan", "job.yml")
        self.assertIn("partition_size", r.stderr)
        for word, encoding in (("ascii", "utf8"), ("utf8bom", "utf8"), ("iso88591", "latin1")):
            self.assertEqual(self.table("  - read_delimited: {encoding: %s}\n" % word)["encoding"], encoding)
        for word in ("no_header", "all_files_different_headers"):
            self.assertEqual(self.table("  - read_delimited: {header: %s}\n" % word)["header"], word)
        table = self.table("  - read_delimited: {delimiter: ' ', include_path_column: true}\n")
        self.assertEqual((table["delimiter"], table["path_column"]), (" ", "Path"))
        # a file is read as it is said, whatever its ending
        self.write("in/c.txt", ROWS)
        self.assertEqual(self.table("  - read_delimited:\n")["format"], "delimited")

    def test_other_formats(self):
        self.write("in/a.csv", '{"a": 1}\n')
        self.write("in/b.csv", '{"a": 1}\n')
        self.mltable("  - read_json_lines: {invalid_lines: drop, encoding: latin1, include_path_column: true}\n")
        for text, expected in (("read_json_lines: {invalid_lines: drop, encoding: latin1, include_path_column: true}",
                                ("jsonl", True, "latin1", "Path")),
                               ("read_json_lines: {invalid_lines: error}", ("jsonl", False, "utf8", None)),
                               ("read_json_lines", ("jsonl", False, "utf8", None)),
                               ("read_parquet", ("parquet", False, "utf8", None)),
                               ("read_parquet: {include_path_column: true}", ("parquet", False, "utf8", "Path"))):
            self.mltable("  - %s\n" % text)
            r = self.prs("validate", self.job(own="", data="type: mltable, path: ./table, mode: direct"))
            self.assertEqual(r.returncode, 0, r.stderr)
            table = self.yaml_table()
            self.assertEqual((table["format"], table["drop_invalid"], table["encoding"], table["path_column"]), expected)

    def yaml_table(self):
        """Of a job that the lister need not read."""
        self.write("none/x.csv", "")
        self.write("table/MLTable", self.read("table/MLTable").replace("../in", "../none"))
        return self.plan("job.yml")["inputs"][0]["table"]

    def columns(self, *names):
        for name in ("in/a.csv", "in/b.csv"):
            self.write(name, ",".join(names) + "\n" + ",".join("1" for _ in names) + "\n")

    def test_steps(self):
        self.columns("id", "name", "more")
        self.assertEqual(self.steps("""
  - keep_columns: [id, name, more]
  - drop_columns: more
  - skip: 1
  - take: 5
  - filter: 'col("id") > 3 and not (col("name") == "x")'
  - take_random_sample: {probability: 0.1, seed: 7}
  - take_random_sample:
      probability: 1
"""), [{"keep_columns": ["id", "name", "more"]}, {"drop_columns": ["more"]}, {"skip": 1}, {"take": 5},
       {"filter": 'col("id") > 3 and not (col("name") == "x")'},
       {"take_random_sample": {"probability": 0.1, "seed": 7}},
       {"take_random_sample": {"probability": 1.0, "seed": 0}}])

    def test_conversions(self):
        self.columns("id", "name", "d", "b", "7")
        table = self.table("""
  - read_delimited:
  - convert_column_types:
      - columns: id
        column_type: string
      - columns: [name, d]
        column_type:
          datetime:
            formats: ["%d.%m.%Y", '%Y']
      - columns: name
        column_type: {datetime: {formats: '%Y'}}
      - columns: [b]
        column_type:
          boolean:
            mismatch_as: error
            true_values: ["yes", '1']
            false_values: no
  - convert_column_types:
      columns: 7
      column_type: float
""")
        self.assertEqual(table["text_columns"], ["id", "name", "d", "b", "7"])
        self.assertEqual(table["steps"], [
            {"convert_column_types": [
                {"columns": ["id"], "type": "string"},
                {"columns": ["name", "d"], "type": {"datetime": {"formats": ["%d.%m.%Y", "%Y"]}}},
                {"columns": ["name"], "type": {"datetime": {"formats": ["%Y"]}}},
                {"columns": ["b"], "type": {"boolean": {"true_values": ["yes", "1"], "false_values": ["no"]}}}]},
            {"convert_column_types": [{"columns": ["7"], "type": "float"}]}])

    def test_partition_format(self):
        for text, form in (("'{store}/{day:yyyy-MM}/{file_name}.{extension}'",
                            "{store}/{day:yyyy-MM}/{file_name}.{extension}"),
                           ("{timestamp:yyyy/MM/dd}", "{timestamp:yyyy/MM/dd}"),  # as the documentation has it
                           ("{partition_format: '/puYear={year}/puMonth={month}'}", "/puYear={year}/puMonth={month}")):
            self.mltable("  - read_delimited\n  - extract_columns_from_partition_format: %s\n" % text)
            job = self.plan(self.job(own="", data="type: mltable, path: ./table"))
            self.assertEqual(job["inputs"][0]["partition_format"], form)
            self.assertEqual(job["inputs"][0]["table"]["steps"], [{"extract_columns_from_partition_format": form}])

    def test_a_filter_is_read(self):
        """Before anything runs, by the PATH's Python alone: nothing of a filter is run."""
        mark = self.path("ran")
        for text, says in (("col('id') > 1", None), ("col('id') >", "it is no expression: "),
                           ("open('%s', 'w') == 1" % mark, "may stand here"), ("id > 1", 'a column is written col("id")')):
            self.mltable("  - read_delimited\n  - filter: \"%s\"\n" % text)
            r = self.prs("validate", self.job(own="", data="type: mltable, path: ./table"))
            self.assertEqual(r.returncode, 2 if says else 0, r.stderr)
            if says:
                self.assertIn("table/MLTable:6:", r.stderr)
                self.assertIn(says, r.stderr)
        self.assertFalse(os.path.exists(mark))

    def test_in_place_of_a_script(self):
        folder = self.mltable("  - read_delimited\n")
        for command in ("plan", "validate", "run"):
            r = self.prs(command, folder)
            self.assertEqual((r.returncode, r.stderr), (2, "prs: table is an MLTable, which is an input: name the entry "
                                                        "script, too, as in score.py --input table\n"))

    def test_the_file_in_place_of_its_folder(self):
        folder = self.mltable("  - read_delimited\n")
        self.assertEqual(self.plan("code/score.py", "--input", folder + "/MLTable", status=2),
                         "prs: --input table/MLTable: that file says what a table is: give its folder\n")

    def test_a_list_of_files_stays_one(self):
        self.write("table/MLTable", "paths:\n  - folder: ../in\n")
        for words in (["code/score.py", "--input", "table"], [self.job(own="", data="type: mltable, path: ./table")]):
            plan = self.plan(*words)
            self.assertNotIn("table", plan["inputs"][0])
            self.assertEqual(plan["plan"]["files"], 2)  # and the file MLTable is none of them
        table = self.plan("code/score.py", "--input", "table", "--input-format", "tabular")["inputs"][0]["table"]
        self.assertEqual((table["format"], table["by_ending"]), ("delimited", True))

    def test_mode(self):
        self.mltable("  - read_delimited\n")
        for mode in ("direct", "DIRECT"):
            self.plan(self.job(own="", data="type: mltable, path: ./table, mode: " + mode))
        said = self.plan(self.job(own="", data="type: mltable, path: ./table, mode: ro_mount"), status=2)
        self.assertIn("job.yml:3:46: mode: input data is a table by its MLTable: expected direct, found ro_mount", said)
        self.write("table/MLTable", "paths:\n  - folder: ../in\n")
        self.plan("job.yml")  # of a list of files any mode will do


class PlanTest(TableCase):
    def text(self, *words):
        r = self.prs("plan", "code/score.py", *words)
        self.assertEqual(r.returncode, 0, r.stderr)
        return r.stdout

    def setUp(self):
        super().setUp()
        self.write("in/a.csv", 'id,day,name,price\n1,2020-01-01,"a ""b""\n c",1.5\n2,,zwei,3\n3,2020-01-03,drei,\n'
                   "4,2020-01-04,v,1\n")
        self.write("in/b.csv", "id,day,price,name\n7,2020-01-01,1,x\n")

    def test_text(self):
        text = self.text("--input", "in", "--input-format", "tabular", "--mini-batch-rows", "2")
        self.assertIn("""
  input         input_0: in, 2 files, 5 rows
  mini-batches  3 of 2 rows (--mini-batch-rows)
  a file has    1 to 2 mini-batches, median 2
  each has      1 to 2 rows, median 2
                17 to 40 bytes, median 36
  columns       4, types from a sample of 5 rows; what the first ones hold:
                id (int): 1, 2, 3
                day (date): 2020-01-01, null, 2020-01-03
                name (string): a "b"\\n c, zwei, drei
                price (float): 1.5, 3, null
""", text)
        text = self.text("--input", "x=in/a.csv", "--input", "y=in/b.csv", "--input-format", "tabular")
        self.assertIn("  mini-batches  2 of 1 MB\n  of            x:\n  a file has    1 mini-batch\n"
                      "  each has      4 rows\n", text)
        self.assertIn("  of            y:\n", text)
        self.assertIn(" of 3 KB (--mini-batch-size)\n",
                      self.text("--input", "in", "--input-format", "tabular", "-b", "3kb"))

    def test_json(self):
        plan = self.tabular("--mini-batch-rows", "2")["plan"]
        self.assertEqual((plan["files"], plan["mini_batches"]), (2, 3))
        one = plan["inputs"][0]
        self.assertEqual(one["rows_of_a_mini_batch"], {"min": 1, "median": 2, "max": 2})
        self.assertEqual(one["bytes_of_a_mini_batch"], {"min": 17, "median": 36, "max": 40})
        self.assertEqual(one["mini_batches_of_a_file"], {"min": 1, "median": 2, "max": 2})
        self.assertEqual((one["rows"], one["bytes"], one["files"], one["sampled_rows"]), (5, 93, 2, 5))
        self.assertEqual(one["columns"][1], {"name": "day", "type": "date", "nulls": 1, "from": "sample"})
        self.assertEqual(one["first_rows"], [
            {"id": "1", "day": "2020-01-01", "name": 'a "b"\n c', "price": "1.5"},
            {"id": "2", "day": None, "name": "zwei", "price": "3"},
            {"id": "3", "day": "2020-01-03", "name": "drei", "price": None}])

    def test_transformations(self):
        self.write("table/MLTable", """paths: [{folder: ../in}]
transformations:
  - read_delimited: {include_path_column: true, encoding: latin1}
  - drop_columns: price
  - convert_column_types: [{columns: day, column_type: {datetime: {formats: ['%Y-%m-%d']}}}]
  - extract_columns_from_partition_format: '{store}/{d:yyyy}.csv'
  - keep_columns: [d, day, id, Path]
""")
        os.makedirs(self.path("in/7"))
        for name, to in (("a", "2020"), ("b", "2021")):
            os.rename(self.path("in/%s.csv" % name), self.path("in/7/%s.csv" % to))
        one = self.plan("code/score.py", "--input", "table")["plan"]["inputs"][0]
        self.assertEqual([(c["name"], c["type"], c["from"]) for c in one["columns"]],
                         [("id", "int", "sample"), ("day", "date", "convert_column_types"), ("Path", "string", "path"),
                          ("d", "date", "path")])
        path = self.path("in/7/2020.csv")
        self.assertEqual(one["first_rows"][0], {"id": "1", "day": "2020-01-01", "Path": path, "d": "2020-01-01"})
        text = self.text("--input", "table")
        self.assertIn("day (date, convert_column_types): 2020-01-01, null", text)
        self.assertIn("  then          drop_columns, convert_column_types, extract_columns_from_partition_format, "
                      "keep_columns\n", text)

    def test_json_lines(self):
        self.write("lines/x.jsonl", '{"a": 1, "b": {"x": [1, 2]}}\n\n{"b": null, "c": "2020-01-01", "a": true}\n')
        one = self.plan("code/score.py", "--input", "lines", "--input-format", "tabular")["plan"]["inputs"][0]
        self.assertEqual([(c["name"], c["type"]) for c in one["columns"]],
                         [("a", "object"), ("b", "object"), ("c", "date")])
        self.assertEqual(one["first_rows"], [{"a": "1", "b": '{"x":[1,2]}', "c": None},
                                             {"a": "true", "b": None, "c": "2020-01-01"}])

    def test_parquet(self):
        """Footers are read by a Python that the command names, and by no other."""
        self.write("prs.yml", "python: ./python\n")
        self.write("python", "#!/bin/sh\ntouch %s\nexec /usr/bin/python3 \"$@\"\n" % self.path("started"))
        os.chmod(self.path("python"), 0o755)
        self.write("files/a.parquet", "PAR1 and more")
        self.write("files/b.parquet", "PAR1")
        words = ["code/score.py", "--input", "files", "--input-format", "tabular"]
        plan = self.plan(*words)["plan"]
        self.assertEqual((plan["files"], plan["mini_batches"]), (2, None))
        self.assertEqual(plan["inputs"], [{"name": "input_0", "files": 2, "bytes": 17, "mini_batches": None}])
        self.assertIn("  input         input_0: files, 2 files, 17 bytes\n  mini-batches  known from the footers of the "
                      "Parquet files, which prs plan --python PATH reads\n", self.text(*words[1:]))
        self.assertFalse(os.path.exists(self.path("started")))
        self.plan(*words, "--python", "./python", status=2)
        self.assertTrue(os.path.exists(self.path("started")))

    def test_footers(self):
        arrow = one_having("pyarrow.parquet")
        words = ["code/score.py", "--input", "files", "--input-format", "tabular"]
        os.mkdir(self.path("files"))
        subprocess.run([arrow, "-c", "import pyarrow, pyarrow.parquet\npyarrow.parquet.write_table(pyarrow.table("
                        "{'n': list(range(10)), 't': ['x'] * 10}), 'files/a.parquet', row_group_size=4)\n"],
                       cwd=self.dir, check=True)
        one = self.plan(*words, "--python", arrow, "--mini-batch-rows", "4")["plan"]["inputs"][0]
        self.assertEqual((one["rows"], one["mini_batches"]), (10, 3))
        self.assertEqual([(c["name"], c["type"], c["from"]) for c in one["columns"]],
                         [("n", "int64", "file"), ("t", "string", "file")])
        self.assertEqual(one["first_rows"], [{"n": str(i), "t": "x"} for i in range(3)])
        self.assertEqual(glob.glob(os.path.join(tempfile.gettempdir(), "prs-footers-*")), [])

    def test_first_rows_that_a_run_puts_in_order(self):
        """Of packed files, and where keys are columns, the first rows of the first file."""
        first = [{"id": "1", "day": "2020-01-01", "name": 'a "b"\n c', "price": "1.5"},
                 {"id": "2", "day": None, "name": "zwei", "price": "3"},
                 {"id": "3", "day": "2020-01-03", "name": "drei", "price": None}]
        self.assertEqual(self.tabular("--partition-keys", "day")["plan"]["inputs"][0]["first_rows"], first)
        self.write("in/0.csv", "")
        self.assertEqual(self.tabular("--partition-keys", "day")["plan"]["inputs"][0]["first_rows"], first)
        os.unlink(self.path("in/0.csv"))
        with gzip.open(self.path("in/0.csv.gz"), "wb") as f:
            f.write(self.read("in/a.csv").encode())
        self.assertEqual(self.tabular()["plan"]["inputs"][0]["first_rows"], first)

    def test_keys(self):
        self.write("shop/store=1/brand=a%20b/x.csv", ROWS)
        self.write("shop/store=2/brand=c/x.csv", ROWS)
        words = ["--input", "shop", "--input-format", "tabular", "--partition-keys", "brand,store"]
        self.assertIn("""  columns       4, types from a sample of 6 rows; what the first ones hold:
                id (int): 1, 2, 3
                name (string): a, b, c
                brand (string, path): a b, a b, a b
                store (string, path): 1, 1, 1
""", self.text(*words))
        one = self.plan("code/score.py", *words)["plan"]["inputs"][0]
        self.assertEqual(one["first_rows"][1], {"id": "2", "name": "b", "brand": "a b", "store": "1"})
        self.assertEqual(one["columns"][2], {"name": "brand", "type": "string", "from": "path"})

    def test_the_columns_are_those_of_the_frame(self):
        python = one_having("pandas")
        self.write("code/names.py", "def run(mini_batch):\n    return [','.join(mini_batch.columns)] * len(mini_batch)\n")
        self.write("shop/store=1/2020/x.csv", "id,name,store\n1,a,b\n")
        self.write("bare/store=1/2020/x.csv", "id,name\n1,a\n")
        table = "paths: [{folder: ../%s}]\ntransformations:\n  - read_delimited: {include_path_column: true}\n%s"
        extract = "  - extract_columns_from_partition_format: 'store={store}/{year:yyyy}/x.csv'\n"
        for i, (folder, steps) in enumerate((("shop", ""), ("bare", ""), ("shop", extract), ("bare", extract),
                                             ("bare", extract + "  - drop_columns: [store, Path]\n"),
                                             ("bare", "  - keep_columns: [id]\n"))):
            name = "table%d" % i
            self.write(name + "/MLTable", table % (folder, steps))
            for keys in ([], ["--partition-keys", "store"]):
                words = ["code/names.py", "--input", name, *keys]
                columns = [c["name"] for c in self.plan(*words)["plan"]["inputs"][0]["columns"]]
                r = self.prs("test", *words, "--python", python)
                self.assertEqual((r.returncode, r.stdout), (0, ",".join(columns) + "\n"), (folder, steps, keys, r.stderr))

    def test_first_rows_of_another_order(self):
        """The first rows are those of the first mini-batch, in the columns of the table."""
        self.write("in/0.csv", "price,id,day,name\n")
        one = self.tabular()["plan"]["inputs"][0]
        self.assertEqual([c["name"] for c in one["columns"]], ["price", "id", "day", "name"])
        self.assertEqual(one["first_rows"][0], {"price": "1.5", "id": "1", "day": "2020-01-01", "name": 'a "b"\n c'})


class OtherWayTest(TableCase):
    """JSON lines as lists of dicts, by the flags of the original (contract of prompt flow)."""

    def setUp(self):
        super().setUp()
        self.write("lines/x.jsonl", "".join('{"n": %d}\n' % i for i in range(10)))

    def arguments(self, words, text="", status=0):
        job = self.job(text, own="", data="type: uri_file, path: ./lines/x.jsonl")
        with open(self.path(job)) as f:
            before = f.read()
        self.write(job, before.replace("task:\n", "task:\n  program_arguments: %s\n" % words))
        return self.plan(job, status=status)

    def test_flags(self):
        plan = self.arguments("--amlbi_pf_enabled True --amlbi_file_format jsonl --amlbi_mini_batch_rows 3",
                              "mini_batch_size: 5")
        self.assertEqual(plan["inputs"][0]["table"]["format"], "jsonl")
        self.assertEqual((plan["plan"]["mini_batches"], plan["plan"]["inputs"][0]["rows"]), (4, 10))
        self.assertEqual([plan["options"].get("mini-batch-size")["value"], plan["options"]["mini-batch-rows"]["value"]],
                         [["1048576"], ["3"]])
        self.assertEqual(plan["system_arguments"][-2:], ["--amlbi_mini_batch_rows", "3"])
        # without rows a size, without a format a file
        plan = self.arguments("--amlbi_pf_enabled True --amlbi_file_format jsonl", "mini_batch_size: 20")
        self.assertEqual((plan["plan"]["mini_batches"], plan["plan"]["inputs"][0]["rows"]), (5, 10))
        plan = self.arguments("--amlbi_pf_enabled True")
        self.assertEqual((plan["plan"]["mini_batches"], plan["plan"]["files"]), (1, 1))
        self.assertNotIn("table", plan["inputs"][0])
        said = self.arguments("--amlbi_pf_enabled True --amlbi_mini_batch_rows 3", status=2)
        self.assertIn("mini_batch_rows is for tables", said)

    def test_of_a_script(self):
        words = ["code/score.py", "--input", "lines", "--amlbi_file_format", "jsonl"]
        plan = self.plan(*words, "--amlbi_mini_batch_rows", "4", "--amlbi_run_mode", "component",
                         "--amlbi_dataframe_mixed_types", "True")
        options = plan["options"]
        self.assertEqual([options[k]["value"] for k in ("mini-batch-rows", "amlbi-run-mode",
                                                        "amlbi-dataframe-mixed-types")],
                         [["4"], ["component"], ["true"]])
        self.assertEqual(plan["plan"]["mini_batches"], 3)
        self.write("table/MLTable", "paths: [{folder: ../lines}]\ntransformations: [read_delimited]\n")
        said = self.plan("code/score.py", "--input", "table", "--amlbi_file_format", "jsonl", status=2)
        self.assertIn("--amlbi-file-format jsonl: the MLTable of input input_0 reads other files", said)

    def test_run(self):
        self.script("""
            import json
            def run(mini_batch, context):
                first = context.global_row_index_lower_bound
                return [json.dumps({"output": [first + i, row["n"], type(mini_batch).__name__ != "DataFrame"]})
                        for i, row in enumerate(mini_batch)]
        """)
        r = self.prs("run", "code/score.py", "--input", "lines", "--amlbi_file_format", "jsonl",
                     "--amlbi_mini_batch_rows", "3", "--amlbi_run_mode", "component", "--output", "out.txt")
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.assertEqual(self.output().splitlines(), ["[%d, %d, true]" % (i, i) for i in range(10)])
