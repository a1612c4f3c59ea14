# SPDX-License-Identifier: Apache-2.0
"""prs plan: its text, and a random job printed as YAML and read again is the same job."""
import glob
import json
import os
import re
import sys
import textwrap
import unittest

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prs_job import JobCase

# what YAML, the shell, expressions and the flags of the original could take for something else
ODD = ["", " ", "a b", "it's", '"', "\\", "$HOME", "${{x}}", "$[[y]]", "]]", "${{inputs.data}}", "no", "010", "1:30",
       "~", "- x", "#c", "a: b", "\u00e9\u4e2d\U0001f600", "a\nb", "\t", "%", "@x",
       "*.png", "&a", "!t", "{", "[", "|", ">", "'", "--error_threshold", "--allowed_failed_p", "-1", "\u2028", "\x07",
       "\x85", "\ufeff"]
words = st.one_of(st.sampled_from(ODD), st.text(st.characters(blacklist_categories=["Cs"],
                                                              blacklist_characters="\x00\x01\x02"), max_size=8))
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
OPTIONS = {
    "mini_batch_size": st.integers(1, 10**9).map(str), "max_concurrency_per_instance": st.integers(1, 1024),
           "error_threshold": st.integers(-1, 2**31 - 1),
    "mini_batch_error_threshold": st.integers(-1, 2**31 - 1),
           "logging_level": st.sampled_from(["WARNING", "INFO", "DEBUG"]),
}
OWN = {
    "task_overhead_timeout": st.floats(0.001, 259200), "init_timeout": st.integers(1, 259200),
       "allowed_failed_percent": st.floats(0, 100), "threads": st.sampled_from(["auto", "keep"]),
    "engine_args": st.sampled_from(["show", "hide"]), "overwrite": st.booleans(), "grace": st.integers(1, 100),
}


def yaml_of(job):
    """JSON is YAML but for the escapes of what lies above U+FFFF."""
    return re.sub(r"\\u(d[89ab]..)\\u(d[c-f]..)",
                  lambda m: "\\U%08x" % (0x10000 + ((int(m[1], 16) - 0xd800) << 10) + int(m[2], 16) - 0xdc00),
                  json.dumps(job))


def quoted(word):
    """As a user writes a word in program_arguments: in single quotes, and so that ${{ is no reference."""
    return "'" + word.replace("'", "'\\''").replace("${{", "$'{'{").replace("$[[", "$'['[") + "'"


@st.composite
def jobs(draw):
    inputs = {"data": draw(st.sampled_from([
        {"type": "uri_folder", "path": "./in"}, {"path": "in/a.txt"}, {"type": "uri_folder", "path": "in/**/*.txt"},
                                            {"path": "@files.txt"},
        {"paths": ["in/a.txt", "in/sub", "in/*.png"]}, {"type": "mltable", "path": "./table"}]))}
    for name, value in draw(st.dictionaries(names.map(lambda n: "l_" + n), words, max_size=3)).items():
        inputs[name] = {"type": "string", "default": value.replace("${{", "$ {{")}
    if draw(st.booleans()):
        inputs["model"] = {"type": "uri_folder", "path": "./in/sub"}
    outputs = {name: draw(st.sampled_from([{"type": "uri_folder"}, {"type": "uri_folder", "path": "./out/${{name}}"},
                                           {"type": "uri_file"}, {"type": "uri_file", "path": "./rows.txt"}]))
               for name in draw(st.lists(names, max_size=2, unique=True))}
    arguments = [quoted(w) for w in draw(st.lists(words, max_size=4))]
    arguments += ["--%s ${{outputs.%s}}" % (name, name) for name in outputs] + ["--run ${{name}}"]
    arguments += ["--%s \"${{inputs.%s}}\"" % (n, n) for n, v in inputs.items() if v.get("type") == "string"
                  and not set(v["default"]) & set('"\\')]
    if "model" in inputs:
        arguments.append("--model ${{inputs.model}}")
    if draw(st.booleans()):
        arguments.append("--first_task_creation_timeout %d --copy_logs_to_parent True" % draw(st.integers(1, 259200)))
    task = {"type": "run_function", "code": "./code", "entry_script": "score.py",
            "program_arguments": " ".join(arguments)}
    if outputs and draw(st.booleans()):
        task["append_row_to"] = "${{outputs.%s}}" % draw(st.sampled_from(sorted(outputs)))
    environment = draw(st.sampled_from([None, "azureml:x:1",
                                        {"conda_file": {"dependencies": ["python=3", "numpy=1.2", {"pip": ["a b", "./c", "it's", "-i x"]}]}}, {"name": "n", "version": 2}]))
    if environment:
        task["environment"] = environment
    job = {"type": "parallel", "name": draw(st.one_of(names, st.just("a name"))), "inputs": inputs, "outputs": outputs,
           "input_data": "${{inputs.data}}", "task": task}
    for key, value in OPTIONS.items():
        if draw(st.booleans()):
            job[key] = draw(value)
    retry = {k: draw(v) for k, v in (("max_retries", st.integers(0, 65534)), ("timeout", st.integers(1, 259200)))
             if draw(st.booleans())}
    if retry:
        job["retry_settings"] = retry
    job["environment_variables"] = {k: v.replace("${{", "$ {{")
                                    for k, v in draw(st.dictionaries(names, words, max_size=3)).items()}
    job["prs"] = {k: draw(v) for k, v in OWN.items() if draw(st.booleans())}
    if draw(st.booleans()):
        job["prs"]["model"] = ["digits=./in"]
        job["prs"]["side_input"] = ["labels=./in/a.txt"]
    keys = draw(st.sampled_from([[], ["stem"], ["ending", "stem"], '["ending"]', "stem, ending"]))
    if keys:
        job["partition_keys"] = keys
        inputs["data"]["partition_format"] = "{stem}.{ending}"
        if draw(st.booleans()):
            job["prs"]["partition_format"] = inputs["data"].pop("partition_format") if draw(st.booleans()) else "{stem}{ending}"
    return job


class PlanTest(JobCase):
    def setUp(self):
        super().setUp()
        for name in ("in/a.txt", "in/b.png", "in/sub/c.txt"):
            self.write(name, "")
        self.write("files.txt", "in/b.png\nin/a.txt\n")
        self.write("table/MLTable", "paths:\n  - pattern: ../in/**/*.txt\n  - file: ../in/b.png\n")
        self.write("code/score.py", "def run(b): return b\n")

    def plan(self, *words):
        r = self.prs("plan", *words)
        self.assertEqual(r.returncode, 0, r.stderr)
        return r.stdout

    @staticmethod
    def same(text):
        """A plan as JSON without where its values come from, and what is told only to people."""
        plan = json.loads(text)
        for option in plan["options"].values():
            del option["from"]
        del plan["command"]  # as it was typed
        plan.pop("code_copy", None)  # a job file names the folder of its code on purpose
        for i in plan["inputs"]:
            del i["type"]
        return plan

    def read_again(self, *words):
        first = self.same(self.plan("--json", *words))
        text = self.plan("--yaml", *words)
        with open(os.path.join(self.dir, "again.yml"), "w", encoding="utf-8") as f:
            f.write(text)
        again = self.same(self.plan("--json", "again.yml"))
        for key in first:
            # a command line gives its output no name
            if key != "options" and not (key == "outputs" and not first[key]):
                self.assertEqual(again[key], first[key], text)
        for key in set(first["options"]) | set(again["options"]):
            if key not in ("input", "output", "env", "python", "model", "side-input"):
                self.assertEqual(again["options"].get(key), first["options"].get(key), key + "\n" + text)

    @settings(database=None, max_examples=int(os.environ.get("PRS_EXAMPLES", 60)), deadline=None,
              suppress_health_check=list(HealthCheck))
    @given(jobs())
    def test_random_job_read_again(self, job):
        self.write("job.yml", yaml_of(job))
        self.read_again("job.yml")

    def test_command_lines_read_again(self):
        self.read_again("code/score.py", "--input", "in", "-p", "2", "--output", "rows.txt", "--",
                        "--error_threshold", "5", "${{name}}", "it's", "")
        self.read_again("code/score.py", "--input", "in", "--code", "none", "--fail-fast=false")
        self.read_again("code/score.py", "--input", "a=in", "--input", "b=@files.txt",
                        "--output-action", "summary_only", "--output", "in", "--env", "A=b c", "--model", "m=in")
        self.read_again("code/score.py", "--input", "in", "--partition-keys", "b,a", "--partition-format", "{a}.{b}")
        self.read_again("code/score.py", "--input", "in/*.txt", "--run-max-try", "1", "--side-input", "labels=in/a.txt")
        self.write("v1.yml", "parallel_run_config:\n  entry_script: score.py\n  source_directory: code\n  output_action: append_row\n  append_row_file_name: mine.txt\n  run_max_try: 2\n")
        self.read_again("v1.yml", "--input", "in")
        self.write("batch.yml", "type: model\nname: d\nmodel: {path: in}\ncode_configuration: {code: code, scoring_script: score.py}\nsettings: {mini_batch_size: 2}\n")
        self.read_again("batch.yml", "--input", "in")

    def test_inputs_that_are_not_split_keep_their_names(self):
        self.write("job.yml", "type: parallel\ninputs:\n  data: {type: uri_folder, path: ./in}\n"
                   "  labels: {type: uri_folder, path: ./table}\ninput_data: ${{inputs.data}}\n"
                   "task: {type: run_function, code: ./code, entry_script: score.py}\n")
        text = self.plan("--yaml", "job.yml")
        self.assertIn("\n  labels:\n    type: uri_folder\n    path: %s\n" % self.path("table"), text)
        self.assertNotIn("environment_variables", text)
        self.read_again("job.yml")

    def test_names_that_are_none(self):
        for name, want in ((".", "run"), ("..", "run"), ("- -", "run"), ("\u00e9t\u00e9 1", "__t___1"), ("a/b", "a_b")):
            shown = json.loads(self.plan("--json", "code/score.py", "--input", "in", "--name", name))
            self.assertEqual(shown["name"], want)

    def test_not_utf8(self):
        os.mkdir(os.fsencode(self.dir) + b"/bad\xff")
        with open(os.fsencode(self.dir) + b"/bad\xff/f", "w"):
            pass
        r = self.prs("plan", "code/score.py", "--input", os.fsdecode(b"bad\xff"), "--yaml", "--python", sys.executable)
        self.assertEqual(r.returncode, 2)
        self.assertIn("YAML cannot hold it", r.stderr)

    def test_text(self):
        self.write("job.yml", textwrap.dedent("""
            type: parallel
            name: digits
            inputs:
              data: {type: uri_folder, path: ./in}
            outputs:
              rows: {type: uri_file}
            input_data: ${{inputs.data}}
            mini_batch_size: "2"
            error_threshold: 3
            retry_settings: {max_retries: 1}
            task:
              type: run_function
              code: ./code
              entry_script: score.py
              program_arguments: --top 5
              append_row_to: ${{outputs.rows}}
        """))
        text = self.plan("job.yml", "--processes", "4")
        for line in ("digits", "  script        code/score.py", "  arguments     --top 5",
                     "  input         data: in, 3 files", "  mini-batches  2 of 2 files (job.yml:9)",
                     "  output        runs/digits-<date>-<time>-<letters>/outputs/rows, the rows",
                     "  processes     4 (--processes)", "  tries         2 (job.yml:11)",
                     "  seconds       60 for run(), 30 around it, 300 for init()", "  gives up      after 600 s without a new mini-batch", "                after 180 s without a finished mini-batch",
                     "  may fail      3 items (job.yml:10)", "                any number of mini-batches"):
            self.assertIn(line, text.splitlines())
        self.assertFalse(os.path.exists(os.path.join(self.dir, "runs")))


class SecretTest(JobCase):
    """Screens do not show what nobody else shall read; the script gets it all the same."""

    def setUp(self):
        super().setUp()
        self.script("import os, sys\ndef run(mini_batch):\n    return [sys.argv[-5] + os.environ['DB_PASSWORD'] for _ in mini_batch]\n")
        self.files(2)

    def test_arguments_and_variables(self):
        words = ("code/score.py", "-i", "in", "--env", "DB_PASSWORD=hunter1", "--secret", "colour", "--", "--n", "5",
                 "--api-key", "hunter2", "--colour=hunter3", "--url", "x://me:hunter4@h/",
                 "--token", "hunter5")
        r = self.prs("plan", *words)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertNotIn("hunter", r.stdout + r.stderr)
        self.assertIn("  arguments     --n 5\n                --api-key ***\n                --colour=***\n                --url x://me:***@h/\n                --token ***\n", r.stdout)
        self.assertIn("  variables     DB_PASSWORD\n", r.stdout)
        r = self.prs("run", *words[:3], "--output", "out.txt", *words[3:])
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertNotIn("hunter", r.stdout + r.stderr)
        self.assertEqual(self.output(), "hunter5hunter1\n" * 2)
        with open(os.path.join(glob.glob(self.path("runs", "*"))[0], "job.json")) as f:
            self.assertIn("hunter3", f.read())  # its owner's alone

    def test_lines_of_a_job_file(self):
        """A mistake is shown with its line."""
        self.write("job.yml", "type: parallel\ninputs: {data: {path: ./in}}\ninput_data: ${{inputs.data}}\nenvironment_variables:\n  DB_PASSWORD: [hunter1]\n"
                              "task: {type: run_function, code: ./code, entry_script: score.py, program_arguments: '--token hunter2 --n ${{inputs.nothing}}'}\n")
        r = self.prs("validate", "job.yml")
        self.assertEqual(r.returncode, 2)
        self.assertNotIn("hunter", r.stdout + r.stderr)
        self.assertIn("--token ******* --n ${{inputs.nothing}}'}\n", r.stderr)  # the caret stands below the same column
        line, caret = next((a, b) for a, b in zip(r.stderr.splitlines(), r.stderr.splitlines()[1:]) if "--token" in a)
        self.assertEqual(line[caret.index("^"):caret.rindex("^") + 1], "inputs.nothing")

    def test_names_in_a_job_file(self):
        self.write("job.yml", "type: parallel\ninputs: {data: {path: ./in}}\ninput_data: ${{inputs.data}}\nprs: {secret: [my_pin, colour]}\n"
                              "task: {type: run_function, code: ./code, entry_script: score.py, program_arguments: --my-pin 1234 --colour blue --n 5}\n")
        r = self.prs("plan", "job.yml")
        self.assertIn("--my-pin ***\n                --colour ***\n                --n 5\n", r.stdout, r.stderr)
        yaml = self.prs("plan", "job.yml", "--yaml").stdout
        self.assertIn("  secret:\n    - my_pin\n    - colour\n", yaml)
        self.assertIn("--my-pin 1234", yaml)  # a job that runs the same has to have them
