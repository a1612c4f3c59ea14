# SPDX-License-Identifier: Apache-2.0
"""The door for front ends that are no person: a job as JSON, the options as JSON."""
import json
import os
import re
import subprocess
import unittest

from prs_job import DEADLINE, JobCase, SCRIPT

COMPUTED = ("format", "engine", "code_print", "command", "output_dir")


class JobJsonTest(JobCase):
    def ask(self, document, *words, command="run"):
        """The command with a document at its stdin."""
        text = document if isinstance(document, str) else json.dumps(document)
        return subprocess.run([self.program, command, "--job-json", "-", *words], cwd=self.dir, input=text,
                              timeout=DEADLINE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              universal_newlines=True)

    def job(self, **more):
        return dict({"job_format": 1, "entry": "code/score.py", "inputs": [{"path": "in"}],
                     "options": {"mini_batch_size": 7, "processes": 2}, "output_file": "out.txt"}, **more)

    def setUp(self):
        super().setUp()
        self.script(SCRIPT)
        self.rows = self.files(20)

    def test_runs_like_the_command_line(self):
        r = self.ask(self.job(arguments=["--n", "a b"], environment=[{"name": "COLOUR", "value": "blue"}]))
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), self.rows)
        with open(os.path.join(self.run_dir(), "job.json")) as f:
            job = json.load(f)
        self.assertEqual(job["options"]["mini-batch-size"], {"value": ["7"], "from": "options.mini_batch_size"})
        self.assertEqual(job["arguments"], ["--n", "a b"])
        self.assertEqual(job["environment"], [{"name": "COLOUR", "value": "blue"}])
        self.assertEqual(job["code_dir"], self.path("code"))

    def test_a_file_in_place_of_stdin(self):
        self.write("job.json", json.dumps(self.job()))
        self.assertEqual(self.prs("run", "--job-json", "job.json").returncode, 0)
        self.assertEqual(self.output(), self.rows)

    def test_all_mistakes_at_once_and_nothing_ran(self):
        r = self.ask(self.job(entry="code/nothing.py", inputs=[{"path": "nowhere"}],
                              options={"run_max_try": 0, "run_max_tri": 1}, colour="blue", engine="x"))
        self.assertEqual(r.returncode, 2)
        self.assertEqual(r.stderr.splitlines()[0], "prs: 6 mistakes")
        for line in ("colour: no such member", "engine: is computed: leave it out (it is this engine)",
                     "entry: nothing.py is not in the code folder " + self.path("code"),
                     "inputs[0]: no such folder or file: " + self.path("nowhere"),
                     'options.run_max_try: expected a whole number from 1 to 65535, found "0"',
                     "options.run_max_tri: no such option; did you mean run-max-try?"):
            self.assertIn(line, r.stderr.splitlines())
        self.assertFalse(os.path.exists(self.path("runs")))

    def test_syntax_errors_of_the_script_are_mistakes_too(self):
        self.script("def run(mini_batch)\n    pass\n")
        r = self.ask(self.job(colour="blue"))
        self.assertEqual(r.returncode, 2)
        self.assertIn("colour: no such member", r.stderr)
        self.assertIn("SyntaxError", r.stderr)

    def test_job_json_of_a_run_is_a_document(self):
        """Without what is computed: the same job runs again, and its job.json is the same but for the places."""
        self.assertEqual(self.run_job("--env", "A=b", "--model", "m=in", "--side-input", "s=code", "--", "--n", "1").returncode, 0)
        with open(os.path.join(self.run_dir(), "job.json")) as f:
            first = json.load(f)
        self.clean()
        document = {k: v for k, v in first.items() if k not in COMPUTED}
        r = self.ask(dict(document, job_format=1))
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), self.rows)
        with open(os.path.join(self.run_dir(), "job.json")) as f:
            again = json.load(f)
        self.assertEqual(again["options"].pop("python")["value"], [first["python"]])  # it is said now
        self.assertNotIn("command", again)  # another program asked
        first.pop("command")
        self.assertEqual(again, first)

    def test_outputs_of_a_job_file(self):
        """Which output has the rows is in job.json, so that a document of it says the same."""
        self.write("job.yml", "type: parallel\ninputs: {data: {path: ./in}}\ninput_data: ${{inputs.data}}\noutputs: {rows: {type: uri_file, path: ./out.txt}, more: {}}\n"
                              "task: {type: run_function, code: ./code, entry_script: score.py, append_row_to: '${{outputs.rows}}'}\n")
        self.assertEqual(self.prs("run", "job.yml").returncode, 0)
        with open(os.path.join(self.run_dir(), "job.json")) as f:
            first = json.load(f)
        self.assertEqual(first["append_row_to"], "rows")
        rows = self.output()
        self.clean()
        document = {k: v for k, v in first.items() if k not in COMPUTED + ("output_file",)}
        document["outputs"] = [dict(o, path=o["path"] if o["name"] == "rows" else None) for o in first["outputs"]]
        self.assertEqual(self.ask(dict(document, job_format=1)).returncode, 0)
        self.assertEqual(self.output(), rows)
        self.assertTrue(os.path.isdir(os.path.join(self.run_dir(), "outputs", "more")))

    def test_the_example_of_the_docs(self):
        with open(os.path.join(os.path.dirname(__file__), "../../docs/job-json.md")) as f:
            text = f.read()
        os.rename(self.path("in"), self.path("images"))
        r = self.ask(re.search(r"```json\n(.*?)```", text, re.S).group(1))
        self.assertEqual(r.returncode, 0, r.stderr)
        with open(self.path("rows.txt")) as f:
            self.assertEqual(f.read(), self.rows)
        job, pipeline = text[:text.index("## Answers in JSON")].split("## Pipelines")
        members = re.findall(r"(?m)^\| (`[^|]*) \|", job)
        of_pipeline = re.findall(r"(?m)^\| (`[^|]*) \| of the pipeline", pipeline)
        for document, names in (({}, members), ({"pipeline_format": 1}, of_pipeline)):
            for name in re.findall(r"`(\w+)`", " ".join(names)):
                r = self.ask(dict(document, **{name: None}), command="validate")
                self.assertNotIn("no such member", r.stderr)

    def test_flags_win_over_the_document(self):
        r = self.ask(self.job(options={"mini_batch_size": 7, "run_max_try": 5}), "--mini-batch-size", "3", "--json",
                     command="plan")
        self.assertEqual(r.returncode, 0, r.stderr)
        plan = json.loads(r.stdout)
        self.assertEqual(plan["options"]["mini-batch-size"], {"value": ["3"], "from": "--mini-batch-size"})
        self.assertEqual(plan["options"]["run-max-try"]["value"], ["5"])
        self.assertEqual(plan["plan"]["mini_batches"], 7)

    def test_words_beside_it(self):
        for words, says in ((("code/score.py",), "unexpected word code/score.py: --job-json has the whole job"),
                            (("--input", "in"), "--input: does not go with a job in JSON"),
                            (("--set", "a=b"), "--set and --job belong to job files")):
            r = self.ask(self.job(), *words)
            self.assertEqual(r.returncode, 2)
            self.assertIn(says, r.stderr)

    def test_only_what_failed(self):
        self.script("""
            import os
            def run(mini_batch):
                if os.environ.get("BAD") and any(p.endswith("f0003") for p in mini_batch):
                    raise ValueError("bad")
                return [os.path.basename(p) for p in mini_batch]
        """)
        self.assertEqual(self.run_job("--run-max-try", "1", "--output", "first.txt", env={"BAD": "1"}).returncode, 0)
        run = os.path.basename(self.run_dir())
        r = self.ask(self.job(only_failed={"run": run}))
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output().split(), ["f%04d" % i for i in range(7)])

    def test_validate_and_plan(self):
        r = self.ask(self.job(), command="validate")
        self.assertEqual((r.returncode, r.stdout), (0, "--job-json: no mistakes\n"))
        r = self.ask("{", command="validate")
        self.assertEqual(r.returncode, 2)
        self.assertIn("prs: line 1, column 1: ", r.stderr)

    def test_a_document_that_is_not_there(self):
        r = self.prs("run", "--job-json", "nowhere.json")
        self.assertEqual(r.returncode, 2)
        self.assertIn("prs: --job-json: ", r.stderr)
        self.assertIn("No such file", r.stderr)


class OptionsJsonTest(JobCase):
    def test_is_the_option_table(self):
        """Every option that docs/options.md has, with the facts that it has."""
        r = self.prs("options", "--json")
        self.assertEqual(r.returncode, 0, r.stderr)
        options = {o["name"]: o for o in json.loads(r.stdout)["options"]}
        with open(os.path.join(os.path.dirname(__file__), "../../docs/options.md")) as f:
            flags = re.findall(r"(?m)^\| `--([^` ]+)", f.read())
        self.assertEqual(list(options), flags)
        self.assertEqual(options["run-max-try"], {"name": "run-max-try", "flag": "--run-max-try", "aliases": [],
                                                  "v1": "run_max_try", "v2": "retry_settings.max_retries",
                                                  "type": "int", "min": 1,
                                                  "max": 65535, "choices": [], "default": "3",
                                                  "group": "Tries and limits",
                                                  "help": "tries of a mini-batch (tries, not retries)",
                                                  "resume": "yes"})
        self.assertEqual(options["on-failure"]["choices"], ["fail", "bisect"])
        self.assertEqual(options["processes"]["aliases"],
                         ["-p", "-j", "--workers", "--process-count-per-node", "--procs",
                          "--max-concurrency-per-instance"])
        self.assertEqual((options["grace"]["type"], options["grace"]["unit"], options["grace"]["min"]),
                         ("seconds", "seconds", 0))
        self.assertEqual((options["input"]["type"], options["input"]["default"]), ("list", None))

    def test_one_option(self):
        r = self.prs("options", "run_max_try", "--json")
        self.assertEqual([o["name"] for o in json.loads(r.stdout)["options"]], ["run-max-try"])


if __name__ == "__main__":
    unittest.main()
