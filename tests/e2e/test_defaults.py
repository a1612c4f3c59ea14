# SPDX-License-Identifier: Apache-2.0
"""`defaults:` of prs.yml and config.yml: any option; the command line, then the job file, then prs.yml, then config.yml,
then what is built in."""
import json
import os
import sys

from prs_job import SCRIPT, JobCase

JOB = """
type: parallel
inputs: {data: {type: uri_folder, path: ./in}}
outputs: {rows: {type: uri_file}}
input_data: ${{inputs.data}}
%s
task: {type: run_function, code: ./code, entry_script: score.py, append_row_to: "${{outputs.rows}}"}
"""


class DefaultsTest(JobCase):
    def setUp(self):
        super().setUp()
        self.env = {"HOME": self.dir, "XDG_CONFIG_HOME": self.path("config"), "PRS_RUNS": ""}
        self.want = self.files(6)
        self.script(SCRIPT)

    def project(self, text):
        self.write("prs.yml", text)

    def user(self, text):
        self.write("config/prs/config.yml", text)

    def plan(self, *words, status=0):
        json_too = [] if status else ["--json"]  # mistakes as text
        r = self.prs("plan", *words, *json_too, "--python", sys.executable, env=self.env)
        self.assertEqual(r.returncode, status, r.stderr)
        return json.loads(r.stdout) if not status else r.stderr

    def option(self, name, *words):
        """Its value, as text; of a list all."""
        value = self.plan(*words)["options"][name]["value"]
        return value[0] if len(value) == 1 else value

    def test_the_nearer_word_wins(self):
        """Each file is there when the next one is added on top."""
        words = ["code/score.py", "-i", "in"]
        self.assertEqual(self.option("run-max-try", *words), "3")
        self.user("defaults: {run_max_try: 4}\n")
        self.assertEqual(self.option("run-max-try", *words), "4")
        self.project("defaults: {run_max_try: 5}\n")
        self.assertEqual(self.option("run-max-try", *words), "5")
        self.write("job.yml", JOB % "retry_settings: {max_retries: 5}")
        self.assertEqual(self.option("run-max-try", "job.yml"), "6")
        self.write("own.yml", JOB % "prs: {run_max_try: 7}")
        self.assertEqual(self.option("run-max-try", "own.yml"), "7")
        for file in (words, ["job.yml"], ["own.yml"]):
            self.assertEqual(self.option("run-max-try", *file, "--run-max-try", "8"), "8")
        os.remove(self.path("prs.yml"))
        self.assertEqual(self.option("run-max-try", "job.yml"), "6")

    def test_where_it_comes_from_is_said(self):
        self.project("defaults:\n  processes: 2\n")
        r = self.prs("plan", "code/score.py", "-i", "in", env=self.env)
        self.assertIn("2 (prs.yml:2)", r.stdout)

    def test_options_of_every_type(self):
        self.project("""
defaults:
  processes: 0x2
  allowed-failed-percent: 2.5
  run_invocation_timeout: 1.5
  memory_limit_per_process: 1GB
  overwrite: yes
  profiling_module: off
  on_failure: bisect
  logging_level: DEBUG
  threads:
""")
        options = self.plan("code/score.py", "-i", "in")["options"]
        names = ("processes", "allowed-failed-percent", "run-invocation-timeout", "memory-limit-per-process", "overwrite",
                 "profiling-module", "on-failure", "logging-level", "threads")
        self.assertEqual([options[name]["value"][0] for name in names],
                         ["2", "2.5", "1.5", "1073741824", "true", "off", "bisect", "DEBUG", "auto"])

    def test_lists(self):
        """A stronger list replaces a weaker one; variables and secrets are added up."""
        for name in ("one", "two"):
            self.write("config/prs/%s/f" % name, "x")
            self.write(name + "/f", "x")
        self.user("defaults: {side_input: {a: ./one, b: two}, environment_variable: {A: 1, B: 1, C: 1}}\n")
        pairs = lambda job, key: {p["name"]: p["value"] for p in job[key]}
        job = self.plan("code/score.py", "-i", "in")
        self.assertEqual(pairs(job, "side_inputs"),
                         {"a": self.path("config/prs/one"), "b": self.path("config/prs/two")})
        self.project("defaults:\n  side_input: [c=two]\n  environment_variable: [B=2, C=2]\n")
        job = self.plan("code/score.py", "-i", "in", "--env", "C=3")
        self.assertEqual(pairs(job, "side_inputs"), {"c": self.path("two")})
        job = self.plan("code/score.py", "-i", "in", "--side-input", "d=one")
        self.assertEqual(pairs(job, "side_inputs"), {"d": self.path("one")})
        self.write("code/score.py", "import os\ndef run(b): return [os.environ[n] for n in 'ABC']\n")
        r = self.prs("run", "code/score.py", "-i", "in/f0000", "-o", "out.txt", "--env", "C=3", env=self.env)
        self.assertEqual((r.returncode, self.output()), (0, "1\n2\n3\n"), r.stderr)

    def test_variables_of_a_job_file_are_stronger(self):
        self.project("defaults: {environment_variable: {A: 1, B: 1, C: 1}}\n")
        self.write("code/score.py", "import os\ndef run(b): return [os.environ[n] for n in 'ABC']\n")
        self.write("job.yml", JOB % "environment_variables: {B: 2, C: 2}\nmini_batch_size: '9'")
        r = self.prs("run", "job.yml", "-o", "out.txt", "--env", "C=3", env=self.env)
        self.assertEqual((r.returncode, self.output()), (0, "1\n2\n3\n"), r.stderr)

    def test_a_whole_job_for_scripts_alone(self):
        """Input and output too; a job file has its own."""
        self.project("defaults: {input: ./in, output: rows/out.txt, name: mine, mini_batch_size: 2}\n")
        os.makedirs(self.path("rows"))
        os.makedirs(self.path("deep"))
        r = self.prs("run", "code/score.py", env=self.env)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("mine-", r.stderr)
        with open(self.path("rows/out.txt")) as f:
            self.assertEqual(f.read(), self.want)
        self.write("job.yml", JOB % "name: own")
        job = self.plan("job.yml")
        self.assertEqual((job["name"], job["options"]["mini-batch-size"]["value"]), ("own", ["2"]))
        job = self.plan("code/score.py", "-i", "code", "-o", "other.txt")
        self.assertEqual([i["path"] for i in job["inputs"]], [self.path("code")])

    def test_keys_give_way_to_a_size(self):
        self.project("defaults: {mini_batch_size: 2}\n")
        self.assertEqual(self.option("partition-keys", "code/score.py", "-i", "in", "--partition-keys", "k",
                                     "--partition-format", "{k}"), "k")
        self.project("defaults: {partition_keys: k, partition_format: '{k}'}\n")
        self.assertNotIn("partition-keys", self.plan("code/score.py", "-i", "in", "-b", "3")["options"])
        self.assertEqual(self.option("partition-keys", "code/score.py", "-i", "in"), "k")

    def test_mistakes_have_their_place(self):
        self.project("defaults:\n  proceses: 2\n  run_max_try: many\n  input: {a: [1]}\n  quiet: [1]\n")
        said = self.plan("code/score.py", "-i", "in", status=2)
        for line in ("prs.yml:2:3: proceses is not an option; did you mean processes? (prs options lists them)",
                     "prs.yml:3:16: run_max_try: expected a whole number from 1 to 65535, found \"many\"",
                     "prs.yml:4:14: a: expected one value, found a list",
                     "prs.yml:5:10: quiet: expected one value, found a list"):
            self.assertIn(self.path(line) + "\n", said)
        self.project("defaults: 3\n")
        self.assertIn("prs.yml:1:11: defaults: expected keys and values, found \"3\"",
                      self.plan("code/score.py", "-i", "in", status=2))

    def test_of_others_they_do_not_count(self):
        self.project("defaults: {run_max_try: 9, runs_dir: ./theirs}\n")
        os.chmod(self.path("prs.yml"), 0o666)
        r = self.prs("plan", "code/score.py", "-i", "in", "--json", env=self.env)
        self.assertEqual(json.loads(r.stdout)["options"]["run-max-try"]["value"], ["3"])
        r = self.prs("list", env=self.env)
        self.assertIn("%s can be written to by everybody" % self.path("prs.yml"), r.stderr)
        self.assertNotIn("theirs", r.stdout + r.stderr.replace(self.path("prs.yml"), ""))

    def test_the_folder_of_runs_is_one_for_all_commands(self):
        self.project("defaults: {runs_dir: ./there}\n")
        r = self.prs("run", "code/score.py", "-i", "in", "-o", "out.txt", env=self.env)
        self.assertEqual(r.returncode, 0, r.stderr)
        [run] = os.listdir(self.path("there"))
        self.assertIn(run, self.prs("list", env=self.env).stdout)
        self.assertTrue(self.prs("status", env=self.env).stdout.startswith(run + ": completed"))
        os.makedirs(self.path("deep"))
        self.assertIn(run, self.prs("list", "--runs-dir", "there", env=self.env).stdout)
        self.env["PRS_RUNS"] = self.path("elsewhere")
        self.prs("run", "code/score.py", "-i", "in", env=self.env)
        self.assertEqual(len(os.listdir(self.path("elsewhere"))), 1)
        self.prs("run", "code/score.py", "-i", "in", "--runs-dir", "third", env=self.env)
        self.assertEqual(len(os.listdir(self.path("third"))), 1)
        self.write("job.yml", JOB % "prs: {runs_dir: ./fourth}")
        r = self.prs("run", "job.yml", env=self.env)
        self.assertEqual((r.returncode, len(os.listdir(self.path("fourth")))), (0, 1), r.stderr)

    def test_quiet_and_json(self):
        self.project("defaults: {quiet: true}\n")
        r = self.prs("run", "code/score.py", "-i", "in", env=self.env)
        self.assertNotIn("2 processes", r.stderr)
        self.assertTrue(r.stderr.startswith("Completed: "), r.stderr)
        self.project("defaults: {json: true}\n")
        self.assertEqual(json.loads(self.prs("status", env=self.env).stdout)["state"], "completed")

    def test_a_json_job_is_stronger(self):
        self.project("defaults: {run_max_try: 9, processes: 2, input: ./code, environment_variable: {A: 1}}\n")
        self.write("job.json", json.dumps({"job_format": 1, "entry": "score.py", "code_dir": self.path("code"),
                                           "inputs": [{"path": self.path("in")}], "options": {"run_max_try": 4}}))
        job = self.plan("--job-json", "job.json")
        self.assertEqual(([job["options"][name]["value"] for name in ("run-max-try", "processes")],
                          [i["path"] for i in job["inputs"]], job["environment"]),
                         ([["4"], ["2"]], [self.path("in")], []))
