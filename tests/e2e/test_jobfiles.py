# SPDX-License-Identifier: Apache-2.0
"""Job files: the reports of broken ones word for word; good ones run."""
import glob
import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
import unittest
import zipfile

from prs_job import DEADLINE, PRS, JobCase, wait_until

BROKEN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "jobs", "broken")


def report(path):
    """What prs validate, or the command of the first line, says about a broken job file."""
    with open(path, "rb") as f:
        first = f.readline()
    words = shlex.split(first[len(b"# args: "):].decode()) if first.startswith((b"# args: ", b"# plan: ")) else []
    command = "plan" if first.startswith(b"# plan:") else "validate"
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PRS", "XDG_"))}
    env["HOME"] = BROKEN
    r = subprocess.run([PRS, command, os.path.basename(path), "--python", sys.executable, *words], cwd=BROKEN, env=env,
                       timeout=DEADLINE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT)
    return r.returncode, r.stdout.decode("utf-8", "surrogateescape").replace(BROKEN, "$HERE")


class BrokenTest(unittest.TestCase):
    def test_reports(self):
        files = sorted(glob.glob(os.path.join(BROKEN, "*.yml")))
        self.assertGreaterEqual(len(files), 60)
        for path in files:
            with self.subTest(os.path.basename(path)):
                status, text = report(path)
                beside = path[:-4] + ".txt"
                if os.environ.get("PRS_UPDATE"):
                    with open(beside, "w", encoding="utf-8", errors="surrogateescape") as f:
                        f.write(text)
                with open(beside, encoding="utf-8", errors="surrogateescape") as f:
                    self.assertEqual(text, f.read())
                self.assertEqual(status, 2)
                self.assertRegex(text, r"^prs: [1-9]")


ROWS = """
    import os, sys
    def run(mini_batch):
        return ["%s %s" % (os.path.basename(p), len(mini_batch)) for p in mini_batch]
"""
ARGV = """
    import json, os, sys
    def init():
        with open(os.path.join(os.environ["SEEN"], "argv"), "w") as f:
            json.dump(sys.argv[1:], f)
    def run(mini_batch):
        return mini_batch
"""


class JobFileTest(JobCase):
    def setUp(self):
        super().setUp()
        self.write("code/score.py", textwrap.dedent(ROWS))

    def rows(self, name):
        with open(os.path.join(self.dir, name)) as f:
            return f.read().splitlines()

    def run_file(self, *words, **more):
        r = self.prs("run", "--python", sys.executable, *words, **more)
        self.assertEqual(r.returncode, 0, r.stderr)
        return r

    def in_run(self, name):
        [path] = glob.glob(os.path.join(self.dir, "runs", "*", name))
        return os.path.relpath(path, self.dir)

    def test_pipeline(self):
        self.files(5)
        self.write("job/pipeline.yml", PIPELINE)
        r = self.run_file("job/pipeline.yml")
        self.assertIn("not used here: compute", r.stderr)
        self.assertEqual(self.rows("job/out/scores.txt"), ["f%04d %d" % (i, 2 if i < 4 else 1) for i in range(5)])

    def test_flags_win_over_keys(self):
        self.files(5)
        self.write("job/pipeline.yml", PIPELINE)
        self.run_file("job/pipeline.yml", "--set", "jobs.score.mini_batch_size=4", "--output", "scores=one.txt")
        self.assertEqual(self.rows("one.txt"), ["f%04d %d" % (i, 4 if i < 4 else 1) for i in range(5)])
        self.run_file("job/pipeline.yml", "--set", "jobs.score.mini_batch_size=4", "--mini-batch-size", "3",
                      "--output", "scores=two.txt")
        self.assertEqual(self.rows("two.txt"), ["f%04d %d" % (i, 3 if i < 3 else 2) for i in range(5)])

    def test_component_by_itself(self):
        self.files(3)
        self.write("component.yml", COMPONENT)
        self.run_file("component.yml", "--input", "data=in", "--input", "model=code", "--output", "rows=rows.txt")
        self.assertEqual(len(self.rows("rows.txt")), 3)

    def test_component_of_a_pipeline(self):
        self.files(3)
        self.write("parts/component.yml", COMPONENT.replace("./code", "../code"))
        self.write("pipeline.yml", PIPELINE_OF_COMPONENT)
        self.run_file("pipeline.yml")
        self.assertEqual(len(self.rows("scores.txt")), 3)

    def test_constructs_of_public_files(self):
        """Several nodes, an output of another node, literals bound to settings, an output without value, the older
        words, every tolerated key."""
        for i in range(4):
            self.write("data/%d.png" % i, "")
        self.write("data/MLTable", "paths:\n  - file: ./0.png\n  - file: ./1.png\n  - file: ./2.png")
        self.write("model/weights", "w")
        self.write("src/score.py", COPIES)
        self.write("score.yml", OLD_COMPONENT)
        self.write("pipeline.yml", TWO_NODES)
        r = self.prs("validate", "pipeline.yml")
        self.assertEqual((r.returncode, r.stdout), (0, "pipeline.yml: no mistakes\n"), r.stderr)
        r = self.prs("test", "pipeline.yml")
        self.assertEqual(r.returncode, 2)
        self.assertIn("--job second", r.stderr)
        r = self.prs("validate", "pipeline.yml", "--job", "second")
        flags = re.findall(r"\((--input \w+=)PATH\)", r.stderr)
        self.assertEqual(flags, ["--input data="])
        self.run_file("pipeline.yml", "--job", "second", "--input", "data=data")
        with open(os.path.join(self.dir, self.in_run("job.json"))) as f:
            options = json.load(f)["options"]
        self.assertEqual({k: options[k]["value"] for k in ("processes", "allowed-failed-count", "run-max-try",
                                                           "mini-batch-size")},
                         {"processes": ["2"], "allowed-failed-count": ["1"], "run-max-try": ["3"],
                          "mini-batch-size": ["1"]})
        self.assertEqual(sorted(os.listdir(os.path.join(self.dir, self.in_run("outputs/copies")))),
                         ["0.png", "1.png", "2.png"])

    def test_arguments(self):
        self.files(1)
        self.write("seen/x", "")
        self.write("code/score.py", textwrap.dedent(ARGV))
        self.write("my model/m.txt", "")
        self.write("component.yml", COMPONENT.replace("ARGUMENTS", ARGUMENTS))
        self.run_file("component.yml", "--input", "data=in", "--input", "model=my model", "--output", "rows=rows.txt",
                      "--env", "SEEN=" + os.path.join(self.dir, "seen"),
                      "--", "--error_threshold", "3")
        with open(os.path.join(self.dir, "seen", "argv")) as f:
            argv = json.load(f)
        at = argv.index("--model")
        run = os.path.join(self.dir, os.path.dirname(self.in_run("job.json")))
        self.assertEqual(argv[at:-4], ["--model", os.path.join(self.dir, "my model"), "--title", "two words",
                                       "--deep", "True", "--words", "a", "b", "--one", "a b",
                                       "--dollar", "$HOME", "--rows", os.path.join(self.dir, "rows.txt"), "--extra",
                                       os.path.join(run, "outputs", "extra"),
                                       "--run", os.path.basename(run), "--task", "sum", "--error_threshold", "3"])
        before = argv[:at]
        self.assertEqual(before[before.index("--error_threshold") + 1], "7")
        self.assertEqual(before[before.index("--task_overhead_timeout") + 1], "50")
        self.assertEqual(before[before.index("--resource_monitor_interva") + 1], "20")
        self.assertTrue(os.path.isdir(os.path.join(run, "outputs", "extra")))
        with open(os.path.join(self.dir, self.in_run("job.json"))) as f:
            options = json.load(f)["options"]
        self.assertEqual(options["task-overhead-timeout"]["value"], ["50"])
        self.assertEqual(options["resource-monitor-interval"]["value"], ["20"])
        self.assertEqual(options["run-max-try"]["value"], ["2"])
        self.assertRegex(options["run-max-try"]["from"], r"^component.yml:\d+:\d+$")

    def test_summary_only_and_its_folder(self):
        self.files(3)
        self.write("code/score.py", "import os\nfrom azureml_user.parallel_run import EntryScript\ndef run(b):\n    for p in b:\n        open(os.path.join(EntryScript().output_dir, os.path.basename(p)), 'w').close()\n    return b\n")
        self.write("component.yml", COMPONENT.replace("  append_row_to: ${{outputs.rows}}\n", "").replace("  rows:\n    type: uri_file\n", ""))
        r = self.run_file("component.yml", "--input", "data=in", "--input", "model=code", "--output", "extra=mine/deep")
        self.assertRegex(r.stderr, r"output +mine/deep\n")
        self.assertEqual(sorted(os.listdir(os.path.join(self.dir, "mine", "deep"))), ["f0000", "f0001", "f0002"])

    def test_late_parts_in_variables(self):
        """What is known when the run begins reaches the environment of the script."""
        self.files(1)
        self.script("""
            import os
            def run(mini_batch):
                return ["%s %s" % (k, os.environ[k]) for k in "ABC"]
        """)
        self.write("job.yml", COMPONENT.replace("input_data:", "environment_variables: {A: '${{outputs.extra}}', B: "
                                                "'x/${{name}}', C: plain}\ninput_data:"))
        self.run_file("job.yml", "--input", "data=in", "--input", "model=code", "--output", "rows=rows.txt")
        run = os.path.join(self.dir, os.path.dirname(self.in_run("job.json")))
        self.assertEqual(self.rows("rows.txt"), ["A " + os.path.join(run, "outputs", "extra"),
                                                 "B x/" + os.path.basename(run), "C plain"])

    def test_folders_of_outputs_are_made(self):
        """-o names a place that is not there yet: in every front end it is made, as file and as folder."""
        self.files(2)
        self.script("""
            import os, sys
            def run(mini_batch):
                for p in mini_batch:
                    open(os.path.join(os.environ["AZUREML_BI_OUTPUT_PATH"], os.path.basename(p)), "w").close()
                return mini_batch
        """)
        self.write("v1.yml", "parallel_run_config: {entry_script: score.py, source_directory: ./code}\n")
        self.write("batch.yml", "code_configuration: {code: ./code, scoring_script: score.py}\n")
        self.write("v2.yml", ("type: parallel\ninputs: {data: {type: uri_folder}}\noutputs: {rows: {type: uri_file}}\n"
                              "input_data: ${{inputs.data}}\ntask: {type: run_function, code: ./code, entry_script: "
                              "score.py, append_row_to: '${{outputs.rows}}'}\n"))
        self.write("v2sum.yml", ("type: parallel\ninputs: {data: {type: uri_folder}}\ninput_data: ${{inputs.data}}\n"
                                 "task: {type: run_function, code: ./code, entry_script: score.py}\n"))
        names = {"batch.yml": "predictions.csv"}
        for job, given in (("code/score.py", "in"), ("v1.yml", "in"), ("batch.yml", "in"), ("v2.yml", "data=in")):
            for output in ("rows.txt", "deep/"):
                at = "new/%s/%s" % (job, output)
                with self.subTest(at):
                    self.run_file(job, "-i", given, "-o", at)
                    rows = at + names.get(job, "parallel_run_step.txt") if output == "deep/" else at
                    self.assertEqual([os.path.basename(r) for r in self.rows(rows)], ["f0000", "f0001"])
                    beside = os.listdir(os.path.join(self.dir, os.path.dirname(at + "x")))
                    self.assertTrue({"f0000", "f0001"} <= set(beside), beside)
        for job, given in (("code/score.py", "in"), ("v1.yml", "in"), ("batch.yml", "in"), ("v2sum.yml", "data=in")):
            with self.subTest("summary " + job):
                self.run_file(job, "-i", given, "-o", "sum/%s/deep" % job, "--output-action", "summary_only")
                self.assertEqual(sorted(os.listdir(os.path.join(self.dir, "sum", job, "deep"))), ["f0000", "f0001"])

    def test_output_folder_behind_the_dashes(self):
        """${{outputs.default}} in the words behind -- is the folder that the script knows as its output."""
        self.files(1)
        self.script("""
            import os, sys
            def run(mini_batch):
                return [sys.argv[sys.argv.index("--to") + 1]]
        """)
        self.write("v1.yml", "parallel_run_config: {entry_script: score.py, source_directory: ./code}\n")
        self.run_file("v1.yml", "-i", "in", "-o", "new/rows.txt", "--", "--to", "${{outputs.default}}/more")
        self.assertEqual(self.rows("new/rows.txt"), [os.path.join(self.dir, "new", "more")])
        r = self.prs("validate", "v1.yml", "-i", "in", "--", "--to", "${{outputs.rows}}")
        self.assertEqual(r.returncode, 2)
        self.assertIn("-- ${{outputs.rows}}: ${{outputs.rows}}: there is no output named rows (there is default)",
                      r.stderr)

    def test_dots_in_names(self):
        """Names of inputs and outputs hold dots in every front end: in the file, in references, in flags and --set."""
        self.files(1)
        self.script("""
            import json, os, sys
            def run(mini_batch):
                return [json.dumps(sys.argv[-6:-4] + [os.environ["B"]])]
        """)
        self.write("job.yml", DOTTED)
        flags = ["--input", "pics=in", "--output", "a.b=out"]
        rows = os.path.join(self.dir, "rows.txt")
        for more, conns in (([], "a.connection=prod,"),
                            (["--input", "llm.model=m5"], "a.connection=prod,a.model=m5,"),
                            (["--set", "inputs.llm.model=m6", "--set", "inputs.llm.connection.default=test"],
                             "a.connection=test,a.model=m6,")):
            with self.subTest(conns):
                self.run_file("job.yml", *flags, "--output", "the.rows=rows.txt", "--overwrite", *more)
                self.assertEqual([json.loads(r) for r in self.rows("rows.txt")],
                                 [["--conns", conns, os.path.join(self.dir, "out")]])
        self.write("v1.yml", "parallel_run_config: {entry_script: one.py, source_directory: ./code}\n")
        self.write("code/one.py", "import sys\ndef run(b): return [sys.argv[-3]]\n")
        for job in ("v1.yml", "code/one.py"):
            self.run_file(job, "--input", "llm.pics=in", "--output", rows, "--overwrite", "--name", "names")
            self.assertEqual(self.rows("rows.txt"), ["llm.pics"])
        self.write("bad.yml", DOTTED.replace("llm.model", "llm..model"))
        r = self.prs("validate", "bad.yml", *flags)
        self.assertEqual(r.returncode, 2)
        self.assertIn('consists of letters, digits, _ and -, and a dot between them, found "llm..model"', r.stderr)

    def test_keys_that_the_service_writes(self):
        """A file that was saved runs: keys of the service's are said once, those of nobody in a component; a misspelt
        key stays a mistake."""
        self.files(1)
        self.write("c.yml", "creation_context: {created_by: x}\nid: azureml:/subscriptions/0/x\nlatest_version: 2\n"
                   "auto_delete_setting: {condition: x}\nintellectual_property: {publisher: x}\n"
                   "something_of_theirs: [1]\n" +
                   COMPONENT.replace("max_retries: 1", "max_retries: 1\n  backoff: 3"))
        self.write("job.yml", SAVED)
        r = self.prs("validate", "job.yml")
        self.assertEqual(r.returncode, 0, r.stderr)
        said = [line for line in r.stderr.splitlines() if ": not used: " in line]
        for key in ("creation_context", "id", "latest_version", "auto_delete_setting", "intellectual_property", "status",
                    "log_files", "provisioning_state", "job_name", "resourceGroup", "backoff", "something_of_theirs"):
            self.assertEqual(len([line for line in said if " %s: not used: " % key in line]), 1, key + r.stderr)
        self.run_file("job.yml", "--output", "rows=rows.txt")
        self.assertEqual(len(self.rows("rows.txt")), 1)
        for wrong, name in (("mini_batch_sise: 1\n", "c.yml"), ("something_of_ours: 1\n", "job.yml")):
            with open(self.path(name)) as f:
                text = f.read()
            self.write(name, wrong + text)
            r = self.prs("validate", "job.yml")
            self.write(name, text)
            self.assertEqual(r.returncode, 2, wrong)
            self.assertIn(wrong.split(":")[0] + " is not a key of ", r.stderr)

    def test_variables_of_a_v1_environment(self):
        self.files(1)
        self.script("""
            import os
            def run(mini_batch):
                return [os.environ.get(k, "-") for k in ("EXAMPLE", "BOTH", "FLAG")]
        """)
        saved = {"name": "e", "environmentVariables": {"EXAMPLE": "value", "BOTH": "of the environment", "FLAG": "of it"},
                 "python": {"condaDependencies": {"dependencies": ["pip"]}}}
        self.write("env/azureml_environment.json", json.dumps(saved, indent=4))
        head = "parallel_run_config:\n  entry_script: score.py\n  source_directory: ./code\n" \
               "  environment_variables: {BOTH: of the job}\n"
        self.write("dir.yml", head + "  environment_dir_path: ./env\n")
        self.write("here.yml", head + "  environment: " + json.dumps(saved) + "\n")
        for name in ("dir.yml", "here.yml"):
            self.run_file(name, "--input", "in", "--output", "rows.txt", "--overwrite", "--env", "FLAG=of the flag")
            self.assertEqual(self.rows("rows.txt"), ["value", "of the job", "of the flag"])

    def test_literal_by_its_path(self):
        """path: ${{parent.inputs.x}} is what it binds, as the SDK's own dump has it."""
        self.files(1)
        self.script("""
            import json, sys
            def run(mini_batch):
                return [json.dumps(sys.argv[sys.argv.index("--a"):][:6])]
        """)
        self.write("job.yml", LITERALS)
        self.run_file("job.yml", "--output", "rows=rows.txt")
        self.assertEqual(json.loads(self.rows("rows.txt")[0]),
                         ["--a", "0.25", "--b", "abc", "--c", os.path.join(self.dir, "in")])

    def test_name_of_the_rows_in_a_folder(self):
        self.files(2)
        self.write("job.yml", COMPONENT.replace("uri_file", "uri_folder") + "prs: {append_row_file_name: mine.txt}\n")
        flags = ["--input", "data=in", "--input", "model=code"]
        self.run_file("job.yml", *flags, "--output", "rows=out")
        self.assertEqual(self.rows("out/mine.txt"), ["f0000 2", "f0001 2"])
        r = self.prs("plan", "job.yml", *flags, "--yaml")
        self.assertIn("\n  append_row_file_name: mine.txt\n", r.stdout)
        self.write("job.yml", COMPONENT + "prs: {append_row_file_name: mine.txt}\n")
        r = self.run_file("job.yml", *flags, "--output", "rows=rows.txt")
        self.assertIn("not used here: append_row_file_name", r.stderr)
        self.assertEqual(self.rows("rows.txt"), ["f0000 2", "f0001 2"])

    def test_folder_of_ours_is_no_code(self):
        self.files(1)
        self.write("code/.prs/keep", "x")
        self.write("code/deep/.prs/keep", "x")
        self.run_file("code/score.py", "-i", "in")
        self.assertEqual(sorted(os.listdir(os.path.join(self.dir, self.in_run("code")))), ["deep", "score.py"])
        self.assertEqual(os.listdir(os.path.join(self.dir, self.in_run("code/deep"))), [])

    def test_requirements(self):
        """Lines for pip: files are read, also those they name, relative to themselves; URLs are left to pip."""
        self.files(1)
        self.write("more/a.txt", "one==1\n-r deep/b.txt\n-c limits.txt\n-e ./pkg\n")
        self.write("more/deep/b.txt", "two # why\n-r https://x.org/c.txt\n")
        self.write("round.txt", "-r round.txt\n")
        form = ("task: {type: run_function, code: ./code, entry_script: score.py, environment: {conda_file: {dependencies: "
                "[pip, {pip: [%s]}]}}}\n")
        head = "type: parallel\ninputs: {data: {path: ./in}}\ninput_data: ${{inputs.data}}\n"
        self.write("job.yml", head + form % "'-r more/a.txt', '-r https://x.org/r.txt', '--requirement=https://x.org/s.txt'")
        r = self.prs("plan", "job.yml", "--yaml")
        self.assertEqual(r.returncode, 0, r.stderr)
        lines = [line.strip()[2:].strip('"') for line in r.stdout.split("- pip:\n")[1].split("\n")
                 if line.startswith("            - ")]
        self.assertEqual(lines, ["one==1", "two", "-r https://x.org/c.txt", "-c %s/more/limits.txt" % self.dir,
                                 "-e %s/more/pkg" % self.dir, "-r https://x.org/r.txt", "-r https://x.org/s.txt"])
        self.write("job.yml", head + form % "'-r round.txt'")
        r = self.prs("plan", "job.yml", "--yaml")
        self.assertEqual(r.returncode, 2)
        self.assertIn("requirements: round.txt: more than 8 files, each named by another", r.stderr)

    def test_script_of_another_name(self):
        self.files(1)
        for word, says in (("code/scoer.py", "; did you mean code/score.py?"),
                           ("code\\score.py", "; folders are parted by / here: code/score.py"),
                           ("code/nothing_like_it.py", "nothing_like_it.py)\n")):
            r = self.prs("run", word, "-i", "in")
            self.assertEqual(r.returncode, 2)
            self.assertIn("no such entry script", r.stderr)
            self.assertIn(says, r.stderr)

    def test_additional_includes(self):
        """Files and folders beside the code are part of it: in a run, a trial and a run of its own JSON or YAML."""
        self.files(1)
        self.script("""
            import helper, shared.deep.words
            def run(mini_batch):
                print("includes", helper.NAME + shared.deep.words.NAME)
                return [helper.NAME + shared.deep.words.NAME]
        """)
        self.write("lib/helper.py", "NAME = 'a'")
        self.write("lib/shared/__init__.py", "")
        self.write("lib/shared/deep/words.py", "NAME = 'b'")
        self.write("jobs/c.yml", "additional_includes:\n  - ../lib/helper.py\n  - ../lib/shared/\n" +
                   COMPONENT.replace("./code", "../code"))
        flags = ["--input", "data=in", "--input", "model=in", "--output", "rows=rows.txt"]
        r = self.prs("test", "jobs/c.yml", *flags, "--python", sys.executable)
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.run_file("jobs/c.yml", *flags)
        self.assertEqual(self.rows("rows.txt"), ["ab"])
        self.assertEqual(sorted(os.listdir(os.path.join(self.dir, "code"))), ["score.py"])
        r = self.prs("plan", "jobs/c.yml", *flags, "--yaml", "--overwrite")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.write("again.yml", r.stdout)
        self.run_file("again.yml", "--overwrite")
        self.assertEqual(self.rows("rows.txt"), ["ab"])
        [run, _] = sorted(glob.glob(os.path.join(self.dir, "runs", "*", "job.json")))
        with open(run) as f:
            self.assertEqual(json.load(f)["additional_includes"],
                             [os.path.join(self.dir, "lib", name) for name in ("helper.py", "shared")])
        [first, _] = sorted(glob.glob(os.path.join(self.dir, "runs", "*")))
        replay = ["replay", os.path.basename(first), "0"]
        self.assertNotIn("changed since", self.prs(*replay).stderr)
        self.write("lib/shared/deep/words.py", "NAME = 'c'")
        r = self.prs(*replay)
        self.assertIn("shared/deep/words.py has changed since", r.stderr)
        r = self.prs(*replay, "--code", "code")
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.assertIn("includes ac", r.stdout + r.stderr)
        self.write("code/helper.py", "")
        for name, says in (("c.yml", "helper.py: the code folder %s/code has something of this name" % self.dir),
                           ("gone.yml", "no such file or folder: %s/lib/gone.py" % self.dir),
                           ("map.yml", "expected the path of a file or folder, found keys and values")):
            first = {"c.yml": "../lib/helper.py", "gone.yml": "../lib/gone.py", "map.yml": "{type: artifact}"}[name]
            self.write("jobs/" + name, "additional_includes: [%s]\n" % first + COMPONENT.replace("./code", "../code"))
            r = self.prs("validate", "jobs/" + name, *flags, "--overwrite")
            self.assertEqual(r.returncode, 2)
            self.assertIn("additional_includes: " if name == "map.yml" else says, r.stderr)
            self.assertIn(says, r.stderr)

    def test_outputs_of_a_trial(self):
        """prs test gives the script folders of its own for every output; those of the job stay as they are."""
        self.files(1)
        self.script("""
            import os, sys
            def run(mini_batch):
                to = sys.argv[sys.argv.index("--extra") + 1]
                print("writes to", to)
                open(os.path.join(to, "x"), "w").close()
                return mini_batch
        """)
        self.write("component.yml", COMPONENT.replace("ARGUMENTS", "--extra ${{outputs.extra}}"))
        r = self.prs("test", "component.yml", "--input", "data=in", "--input", "model=code", "--output", "rows=new/r.txt",
                     "--output", "extra=mine/deep", "--python", sys.executable)
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.dir, "mine")))
        self.assertFalse(os.path.exists(os.path.join(self.dir, "new")))

    def test_v1(self):
        self.files(5)
        self.write("prs.yaml", "parallel_run_config:\n  input_format:\n  description:\n  source_directory: ./code\n  entry_script: score.py\n  mini_batch_size: 3\n"
                   "  error_threshold: 10\n  output_action: append_row\n  append_row_file_name: mine.txt\n  logging_level: INFO\n  compute_target_name: cpu\n  node_count: 2\n"
                   "  process_count_per_node: 2\n  run_invocation_timeout: 60\n  run_max_try: 2\n  environment_name: x\n")
        self.run_file("prs.yaml", "--input", "a=in", "--input", "b=in")
        self.assertEqual(len(self.rows(self.in_run("outputs/mine.txt"))), 10)

    def test_a_file_name_that_is_empty_is_the_default(self):
        """The service writes these keys into what it saves."""
        self.files(3)
        v1 = "parallel_run_config:\n  source_directory: ./code\n  entry_script: score.py\n  append_row_file_name: %s\n"
        batch = ("name: d\ncode_configuration:\n  code: code\n  scoring_script: score.py\n"
                 "settings:\n  output_action: append_row\n  output_file_name: %s\n")
        for text, default in ((v1, "parallel_run_step.txt"), (batch, "predictions.csv")):
            for value in ('""', "null", "''", ""):
                self.write("job.yml", text % value)
                self.run_file("job.yml", "--input", "a=in")
                self.assertEqual(os.listdir(self.path(self.in_run("outputs"))), [default], value)
                self.clean()
            for value in ("a/b", ".", ".."):
                self.write("job.yml", text % value)
                r = self.prs("run", "job.yml", "--input", "a=in")
                self.assertEqual(r.returncode, 2, r.stderr)
                self.assertIn('_file_name: expected a file name without folders, found "%s"' % value, r.stderr)

    def test_batch_deployment(self):
        self.files(3)
        self.write("code/score.py", "import glob, os\ndef run(b): return [open(os.environ['AZUREML_MODEL_DIR'] + '/weights/w.bin').read() + str(len(glob.glob(os.environ['AZUREML_MODEL_DIR'] + '/*')))] * len(b)\n")
        self.write("weights/w.bin", "w")
        self.write("deployment.yml", "$schema: https://azuremlschemas.azureedge.net/latest/modelBatchDeployment.schema.json\nname: d\nendpoint_name: e\ntype: model\n"
                   "model:\n  path: weights\ncode_configuration:\n  code: code\n  scoring_script: score.py\nenvironment: azureml:x@latest\nresources:\n  instance_count: 1\n"
                   "settings:\n  mini_batch_size: 2\n  output_action: append_row\n  output_file_name: predictions.csv\n  retry_settings:\n    max_retries: 3\n    timeout: 30\n"
                   "  error_threshold: -1\n  logging_level: info\n")
        self.run_file("deployment.yml", "--input", "in")
        self.assertEqual(self.rows(self.in_run("outputs/predictions.csv")), ["w1"] * 3)
        self.write("old.yml", "name: d\nmodel:\n  name: m\n  version: 5\n  path: weights/w.bin\ncode_configuration:\n  code: code\n  scoring_script: one.py\n"
                   "settings:\n  instance_count: 2\n  mini_batch_size: 2\n  max_concurrency_per_instance: 2\n")
        self.write("code/one.py", "import os\ndef run(b): return [open(os.environ['AZUREML_MODEL_DIR'] + '/w.bin').read()] * len(b)\n")
        self.run_file("old.yml", "--input", "in", "--name", "old")
        self.assertEqual(self.rows(glob.glob(os.path.join(self.dir, "runs", "old-*", "outputs", "predictions.csv"))[0]),
                         ["w"] * 3)
        r = self.prs("test", "old.yml", "--input", "in")
        self.assertEqual(r.returncode, 0, r.stderr)

    def test_mltable_of_files(self):
        for name in ("a/1.png", "a/2.txt", "a/deep/3.png", "b/4.txt", "c/5.png", "c/6.png"):
            self.write("data/" + name, "")
        self.write("data/MLTable", "type: mltable\npaths:\n  - pattern: ./a/**/*.png\n  - file: ./c/6.png\n  - folder: ./b\n  - pattern: ./c/*.png\n")
        self.write("component.yml", COMPONENT.replace("type: uri_folder  # data", "type: mltable"))
        self.run_file("component.yml", "--input", "data=data", "--input", "model=code", "--output", "rows=rows.txt")
        self.assertEqual(self.rows("rows.txt"), [n +
                                                 " 6" for n in ("1.png", "3.png", "6.png", "4.txt", "5.png", "6.png")])

    def test_mltable_of_one_file(self):
        """Its folder is the root, not the file."""
        for name in ("a/1.png", "a/2.png"):
            self.write("data/" + name, "")
        self.write("data/MLTable", "paths:\n  - file: ./a/2.png\n")
        self.script("def run(b): return b")
        r = self.prs("run", "code/score.py", "--input", "data", "--output", "rows.txt")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.rows("rows.txt"), [self.path("data/a/2.png")])

    def test_plain_folder_for_an_mltable(self):
        """By --input, also through a pipeline's input; in the file it is a mistake (106)."""
        self.files(3)
        self.write("job/pipeline.yml", PIPELINE.replace("type: uri_folder", "type: mltable", 1))
        self.write("component.yml", COMPONENT.replace("type: uri_folder  # data", "type: mltable"))
        for name, more in (("job/pipeline.yml", ["--input", "images=in"]),
                           ("component.yml", ["--input", "data=in", "--input", "model=code"])):
            r = self.run_file(name, *more)
            self.assertIn("no file named MLTable in", r.stderr)
            self.assertIn("3 items", r.stderr)

    def test_pattern_and_list(self):
        for name in ("a/1.png", "a/2.txt", "b/3.png"):
            self.write("data/" + name, "")
        self.write("files.txt", "data/b/3.png\n\n./data//a/1.png\r\n%s\n" % os.path.join(self.dir, "data/a/2.txt"))
        self.run_file("code/score.py", "--input", "data/**/*.png", "--input", "list=@files.txt", "--output", "rows.txt",
                      "-b", "2")
        self.assertEqual(self.rows("rows.txt"), ["1.png 2", "3.png 2", "3.png 2", "1.png 2", "2.txt 1"])

    def test_pattern_and_list_resumed(self):
        want = []
        for i in range(300):
            self.write("data/%d/f%04d" % (i % 7, i), "")
        names = sorted("data/%d/f%04d" % (i % 7, i) for i in range(300))
        self.write("files.txt", "".join("data/%d/f%04d\n" % (i % 7, i) for i in range(300)))
        want = [os.path.basename(n) for n in names] + ["f%04d" % i for i in range(300)]
        for point in ("store.plan.after_sync:1", "store.plan.before_write:1", "store.journal.after_sync:4",
                      "store.assemble.before_rename:1"):
            r = self.prs("run", "code/score.py", "--input", "data/*/f*", "--input", "l=@files.txt",
                         "--output", "rows.txt", "--overwrite", "-b", "3", "--python", sys.executable, kill=point)
            self.assertNotEqual(r.returncode, 0, r.stderr)
            os.rename(os.path.join(self.dir, "files.txt"), os.path.join(self.dir, "moved.txt"))
            r = self.prs("resume")
            os.rename(os.path.join(self.dir, "moved.txt"), os.path.join(self.dir, "files.txt"))
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertEqual([row.split()[0] for row in self.rows("rows.txt")], want)

    def test_project_file(self):
        self.files(2)
        self.write("job/pipeline.yml", PIPELINE.replace("path: ../in", "path: azureml:digits:2").replace(
            "./out/scores.txt", "azureml://datastores/${{default_datastore}}/paths/${{name}}/scores.txt"))
        r = self.prs("validate", "job/pipeline.yml")
        self.assertEqual(r.returncode, 2)
        entries = re.findall(r"\((assets: .*?}|datastores: .*?})\)", r.stderr)
        # as it is said
        self.write("prs.yml", "\n".join(entries).replace("PATH", "./in").replace("FOLDER", "./store") + "\n")
        r = self.prs("validate", "job/pipeline.yml", "--set", "jobs.score.task.environment=azureml:here:3")
        [entry] = re.findall(r"environment: not used: azureml:here:3 is not mapped in \S+/prs.yml \((environments: .*})\)", r.stderr)
        self.write("prs.yml", "\n".join([*entries, entry]).replace("PATH", "./in").replace("FOLDER", "./store").replace("INTERPRETER", sys.executable) + "\n")
        r = self.prs("plan", "job/pipeline.yml", "--set", "jobs.score.task.environment=azureml:here:3")
        self.assertIn("environments of prs.yml", r.stdout)
        self.assertNotIn("environment", r.stderr)
        self.run_file("job/pipeline.yml")
        [path] = glob.glob(os.path.join(self.dir, "store", "*", "scores.txt"))
        self.assertTrue(os.path.basename(os.path.dirname(path)).startswith("digits-"))

    def test_inputs_come_later(self):
        """A component, a configuration and a deployment are whole without inputs; a run is not."""
        self.files(1)
        self.write("component.yml", COMPONENT)
        self.write("v1.yml", "parallel_run_config:\n  source_directory: code\n  entry_script: score.py\n")
        self.write("batch.yml", "code_configuration:\n  code: code\n  scoring_script: score.py\n")
        for name, inputs in (("component.yml", ["--input", "data=in", "--input", "model=code"]),
                             ("v1.yml", ["--input", "in"]), ("batch.yml", ["--input", "in"])):
            r = self.prs("validate", name)
            self.assertEqual((r.returncode, r.stdout), (0, name + ": no mistakes\n"), r.stderr)
            self.assertRegex(r.stderr, r"warning: .*--input \S*PATH")
            self.assertEqual(self.prs("run", name).returncode, 2)
            r = self.prs("validate", name, *inputs)
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertNotIn("--input", r.stderr)

    def test_validate_looks_for_run(self):
        """A script that certainly has no run at its top level is told; whatever may bind one is not."""
        self.files(1)
        with_run = ["def run(b): return b", "async def run(b): return b", "from x import run", "import run",
                    "from x import go as run", "run = 1", "a, (b, *run) = 1, (2, 3)", "run: int = 1",
                    "if True:\n    def run(b): return b\nelse:\n    run = None",
                    "try:\n    from fast import run\nexcept ImportError:\n    from slow import run",
                    "with open('x') as run: pass", "for run in []: pass", "class run: pass", "(run := 1)",
                    "def init():\n    global run\n    run = print", "from x import *", "globals()['run'] = 1",
                    "exec('def run(b): return b')"]
        without = ["", "def Run(b): return b", "def init():\n    def run(b): return b", "class A:\n    def run(self): pass",
                   "import run.x as y", "x.run = 1", "print(run)", "run\n", "f = lambda: (run := 1)"]
        for text in with_run + without:
            with self.subTest(text):
                self.write("code/score.py", text)
                r = self.prs("validate", "code/score.py", "-i", "in")
                self.assertEqual(r.returncode, 0, r.stderr)
                self.assertEqual("code/score.py binds no run at its top level" in r.stderr, text in without, r.stderr)
        self.write("v1.yml", "parallel_run_config: {entry_script: score.py, source_directory: ./code}\n")
        self.assertIn("code/score.py binds no run at its top level", self.prs("validate", "v1.yml", "-i", "in").stderr)
        self.write("code/score.py", "def run(:\n")
        r = self.prs("validate", "v1.yml", "-i", "in")
        self.assertEqual(r.returncode, 2)
        self.assertNotIn("binds no run", r.stderr)

    def test_validate(self):
        self.files(1)
        self.write("job/pipeline.yml", PIPELINE.replace("mini_batch_size: 2", "mini_batch_size: 010"))
        r = self.prs("validate", "job/pipeline.yml", "--python", sys.executable)
        self.assertEqual((r.returncode, r.stdout), (0, "job/pipeline.yml: no mistakes\n"))
        self.assertIn("010 is the number 8 in YAML", r.stderr)
        r = self.prs("validate", "job/pipeline.yml", "--set", "jobs.score.mini_batch_size=10kb")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("mini_batch_size: 10kb is 10240 files", r.stderr)
        self.assertIn("compute: not used: the job runs on this machine", r.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.dir, "runs")))


LITERALS = """
type: pipeline
inputs:
  t: 0.25
  s: abc
  m: {type: uri_folder, path: ./in}
jobs:
  n:
    type: parallel
    inputs:
      pics: {type: uri_folder, path: ./in}
      a: {path: "${{parent.inputs.t}}"}
      b: {path: "${{parent.inputs.s}}"}
      c: {path: "${{parent.inputs.m}}", mode: download}
    outputs: {rows: {type: uri_file}}
    input_data: ${{inputs.pics}}
    task:
      type: run_function
      code: ./code
      entry_script: score.py
      program_arguments: --a ${{inputs.a}} --b ${{inputs.b}} --c ${{inputs.c}}
      append_row_to: ${{outputs.rows}}
"""
DOTTED = """
$schema: https://azuremlschemas.azureedge.net/latest/parallelComponent.schema.json
type: parallel
name: dotted
inputs:
  pics: {type: uri_folder}
  llm.connection: {type: string, default: prod, optional: true}
  llm.model: {type: string, optional: true}
outputs:
  the.rows: {type: uri_file}
  a.b: {type: uri_folder}
input_data: ${{inputs.pics}}
mini_batch_size: "1"
environment_variables: {B: "${{outputs.a.b}}"}
task:
  type: run_function
  code: ./code
  entry_script: score.py
  program_arguments: >-
    --conns "$[[a.connection=${{inputs.llm.connection}},]]$[[a.model=${{inputs.llm.model}},]]"
  append_row_to: ${{outputs.the.rows}}
"""
SAVED = """
creation_context: {created_by: x}
id: /subscriptions/0
type: pipeline
status: Completed
log_files: {a: b}
resourceGroup: g
inputs:
  images: {type: uri_folder, path: ./in, creation_context: {created_by: y}}
jobs:
  score:
    type: parallel
    provisioning_state: Succeeded
    component: ./c.yml
    inputs:
      data: ${{parent.inputs.images}}
      model: {type: uri_folder, path: ./code, job_name: x}
"""
PIPELINE = """
$schema: https://azuremlschemas.azureedge.net/latest/pipelineJob.schema.json
type: pipeline
display_name: digits
inputs:
  images:
    type: uri_folder
    path: ../in
    mode: ro_mount
outputs:
  scores:
    type: uri_file
    path: ./out/scores.txt
    mode: rw_mount
jobs:
  score:
    type: parallel
    compute: azureml:cpu-cluster
    inputs:
      data: ${{parent.inputs.images}}
    outputs:
      rows: ${{parent.outputs.scores}}
    input_data: ${{inputs.data}}
    mini_batch_size: 2
    max_concurrency_per_instance: 2
    task:
      type: run_function
      code: ../code
      entry_script: score.py
      append_row_to: ${{outputs.rows}}
"""
COPIES = """
import argparse, os
def init():
    global args
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--copies")
    parser.add_argument("--weights")
    args, _ = parser.parse_known_args()
def run(mini_batch):
    assert os.environ["COLOUR"] == "red" and os.path.isfile(args.weights + "/weights")
    for path in mini_batch:
        with open(os.path.join(args.copies, os.path.basename(path)), "w") as f:
            f.write(path)
    return mini_batch
"""
OLD_COMPONENT = """
#source of it
$schema: http://azureml/sdk-2-0/ParallelComponent.json
name: old
type: parallel
version: 1.0.0
is_deterministic: true
inputs:
  data: {type: mltable, description: to be split, optional: false}
  weights: {type: custom_model, optional: false}
outputs:
  copies:
    type: uri_folder
resources:
  instance_count: 2
mini_batch_size: "1"
input_data: ${{inputs.data}}
retry_settings: {max_retries: 2, timeout: 60}
task:
  type: function
  code: ./src/
  entry_script: ./score.py
  args: >- # optional
    --weights ${{inputs.weights}}
    --copies ${{outputs.copies}}
  environment: azureml:somewhere@latest
"""
TWO_NODES = """
type: pipeline
tags: {owner: me}
settings: {default_compute: azureml:cpu-cluster, continue_on_step_failure: false}
inputs:
  weights: {type: custom_model, path: ./model, mode: download}
  one: 1
  two: 2
outputs:
  not_bound: {type: uri_folder, mode: upload}
jobs:
  first:
    type: command
    command: echo
    outputs: {data: {type: mltable}}
  second:
    type: parallel
    compute: azureml:cpu-cluster
    component: file:./score.yml
    inputs:
      data:
        path: ${{parent.jobs.first.outputs.data}}
        mode: eval_mount
      weights: ${{parent.inputs.weights}}
    outputs:
      copies:
    mini_batch_error_threshold: ${{parent.inputs.one}}
    max_concurrency_per_instance: ${{parent.inputs.two}}
    resources: {instance_count: "${{parent.inputs.two}}"}
    environment_variables: {COLOUR: "red"}
"""
COMPONENT = """
type: parallel
name: scorer
version: 1
inputs:
  data:
    type: uri_folder  # data
  model:
    type: uri_folder
    mode: download
  deep:
    type: boolean
    default: true
  words:
    type: string
    default: a b
  more:
    type: string
    optional: true
outputs:
  rows:
    type: uri_file
  extra:
    type: uri_folder
input_data: ${{inputs.data}}
mini_batch_size: "10"
error_threshold: 7
retry_settings:
  max_retries: 1
task:
  type: run_function
  code: ./code
  entry_script: score.py
  program_arguments: >-
    ARGUMENTS
  append_row_to: ${{outputs.rows}}
"""
ARGUMENTS = """--model ${{inputs.model}} --title 'two words' --deep ${{inputs.deep}} --error_threshold 9
    --words ${{inputs.words}} --one "${{inputs.words}}" --dollar \\$HOME --task_overhead_timeout 50
    $[[--more ${{inputs.more}}]] --rows ${{outputs.rows}} --extra ${{outputs.extra}} --run ${{name}}
    --resource_monitor_interva 20 --task sum"""
PIPELINE_OF_COMPONENT = """
type: pipeline
inputs:
  images: {type: uri_folder, path: ./in}
jobs:
  score:
    type: parallel
    component: file:./parts/component.yml
    inputs:
      data: ${{parent.inputs.images}}
      model: {type: uri_folder, path: ./code}
    outputs:
      rows: {type: uri_file, path: ./scores.txt}
    mini_batch_size: "2"
"""


class EnvironmentTest(JobCase):
    """Which interpreter a job gets, and why."""

    def setUp(self):
        super().setUp()
        self.files(1)
        self.write("code/score.py", "import sys\ndef run(b): return [sys.prefix]\n")
        self.env = {"HOME": self.dir, "XDG_CACHE_HOME": self.path("cache"), "XDG_CONFIG_HOME": self.path("config")}
        self.job("environment: azureml:sk:1")

    def job(self, environment):
        self.write("job.yml", "type: parallel\nname: e\ninputs: {data: {path: ./in}}\noutputs: {rows: {type: uri_file, path: ./rows.txt}}\ninput_data: ${{inputs.data}}\ntask:\n"
                   "  type: run_function\n  code: ./code\n  entry_script: score.py\n  append_row_to: ${{outputs.rows}}\n  %s\n" % environment)

    def chosen(self, *words):
        r = self.prs("plan", "job.yml", *words, env=self.env)
        self.assertEqual(r.returncode, 0, r.stderr)
        [line] = [line for line in r.stdout.splitlines() if line.startswith("  python ")]
        return line[16:]

    def interpreter(self, name):
        """An interpreter of its own name."""
        self.write(name, "#!/bin/sh\nexec %s \"$@\"\n" % sys.executable)
        os.chmod(self.path(name), 0o755)

    def uv(self, fails=""):
        """A program named uv that writes down what it is asked, and makes an interpreter."""
        self.write("bin/uv", "#!/bin/sh\necho \"uv $*\" >>%s\necho working on it\n%s\n"
                   "if [ \"$1\" = venv ]; then for d; do :; done; mkdir -p \"$d/bin\" && ln -s %s \"$d/bin/python\"; fi\n" % (self.path("uv.log"), fails, sys.executable))
        os.chmod(self.path("bin/uv"), 0o755)
        self.env["PATH"] = self.path("bin") + ":" + os.environ["PATH"]

    def uv_calls(self):
        with open(self.path("uv.log")) as f:
            return f.read().splitlines()

    def test_order(self):
        self.assertIn("(PATH)", self.chosen())
        self.write("config/prs/prs.yml", "python: %s\n" % sys.executable)
        self.assertIn("(python of prs.yml)", self.chosen())
        self.write("prs.yml", "environments: {sk: %s}\n" % sys.executable)
        self.assertIn("(environments of prs.yml)", self.chosen())
        self.assertIn("(--python)", self.chosen("--python", sys.executable))
        os.remove(self.path("config/prs/prs.yml"))
        self.job("environment: azureml:other:1")
        self.assertIn("(PATH)", self.chosen())

    def test_project_for_a_script(self):
        self.write("prs.yml", "python: %s\n" % sys.executable)
        r = self.prs("plan", "code/score.py", "--input", "in", env=self.env)
        self.assertIn("(python of prs.yml)", r.stdout)
        self.write("prs.yml", "pythn: x\n")
        r = self.prs("plan", "code/score.py", "--input", "in", env=self.env)
        self.assertEqual(r.returncode, 2)
        self.assertIn("prs.yml:1:1: pythn is not a key of prs.yml; did you mean python?", r.stderr)

    def test_packages_are_made_once(self):
        self.uv()
        self.write("env/req.txt", "# comment\npandas==2.0  # why\n\n-i https://example.org\n")
        self.write("env/conda.yml", "name: x\nchannels: [conda-forge]\ndependencies:\n  - python=3\n  - pip\n  - numpy=1.26\n  - conda-forge::scikit-learn>=1.2\n  - cudatoolkit=11\n"
                   "  - pytorch=2.1.0=py310\n  - pip:\n    - azureml-core\n    - pillow\n    - -r req.txt\n    - ./local-1.0.whl\n")
        self.job("environment: {image: x, conda_file: ./env/conda.yml}")
        self.assertIn("(to be made for 7 packages of the job)", self.chosen())
        self.assertFalse(os.path.exists(self.path("uv.log")))
        r = self.prs("run", "job.yml", env=self.env)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("making an environment for the packages of the job", r.stderr)
        self.assertIn("working on it", r.stderr)
        self.assertEqual(r.stdout, "")
        [folder] = [p for p in glob.glob(self.path("cache/prs/environments/*")) if os.path.isdir(p)]
        with open(folder + ".txt") as f:
            self.assertEqual(f.read().splitlines(),
                             ["numpy==1.26.*", "scikit-learn>=1.2", "torch==2.1.0.*", "pillow", "pandas==2.0",
                              "-i https://example.org", self.path("env/local-1.0.whl")])
        calls = self.uv_calls()
        self.assertEqual(len(calls), 2)
        self.assertRegex(calls[0], r"^uv venv --quiet --no-project --python /.* " + folder + "$")
        self.assertEqual(calls[1], "uv pip install --python %s/bin/python -r %s.txt" % (folder, folder))
        self.assertIn("(made for 7 packages of the job)", self.chosen("--overwrite"))
        r = self.prs("run", "job.yml", "--overwrite", env=self.env)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(len(self.uv_calls()), 2)
        r = self.prs("validate", "job.yml", "--overwrite", env=self.env)
        self.assertIn("conda package cudatoolkit=11: not installed: only conda has it", r.stderr)
        self.assertIn("azureml-core: not installed: prs gives scripts the names they import from it", r.stderr)
        self.assertIn("image: not used: no container is started", r.stderr)

    def test_packages_that_cannot_be_installed(self):
        self.uv(fails='[ "$1" = pip ] && echo "no such package" && exit 3')
        self.job("environment: {conda_file: {dependencies: [pip: [nothing-like-this]]}}")
        r = self.prs("run", "job.yml", env=self.env)
        self.assertEqual(r.returncode, 2)
        self.assertIn("no such package", r.stderr)
        self.assertIn("the packages of the job could not be installed (see above; --python names an interpreter that has them): uv ended with status 3", r.stderr)
        self.assertFalse(os.path.exists(self.path("runs")))
        r = self.prs("run", "job.yml", "--quiet", env=self.env)
        self.assertNotIn("no such package", r.stderr)
        [log] = glob.glob(self.path("cache/prs/environments/*.log"))
        self.assertIn("see " + log, r.stderr)
        with open(log) as f:
            self.assertIn("no such package", f.read())
        self.uv()
        self.assertEqual(self.prs("run", "job.yml", env=self.env).returncode, 0)

    def slow_uv(self):
        """uv, but `uv pip` waits until the file `go` is there."""
        self.uv(fails='[ "$1" = pip ] && while ! [ -e %s ]; do sleep 0.05; done' % self.path("go"))
        self.job("environment: {conda_file: {dependencies: [pip: [a-package]]}}")

    def begin(self, said):
        with open(self.path(said), "wb") as f:
            p = self.start("run", "job.yml", "--overwrite", env=self.env, stderr=f)
        return p

    def says(self, name, text):
        def look():
            with open(self.path(name)) as f:
                return text in f.read()
        wait_until(look, text)

    def test_two_runs_make_one(self):
        self.slow_uv()
        first = self.begin("1.txt")
        self.says("1.txt", "working on it\nworking on it\n")
        second = self.begin("2.txt")
        self.says("2.txt", "waiting for the one that makes this environment already")
        self.write("go", "")
        self.assertEqual((first.wait(DEADLINE), second.wait(DEADLINE)), (0, 0))
        self.assertEqual([call.split()[1] for call in self.uv_calls()], ["venv", "pip"])

    def test_half_an_environment(self):
        """prs is killed while packages are installed: what goes on behind it is waited for, and nothing of it is
        taken."""
        self.slow_uv()
        first = self.begin("1.txt")
        self.says("1.txt", "working on it\nworking on it\n")
        first.kill()
        first.wait()
        self.assertIn("(to be made for 1 package of the job)", self.chosen())
        second = self.begin("2.txt")
        self.says("2.txt", "waiting for the one that makes this environment already")
        self.write("go", "")
        self.assertEqual(second.wait(DEADLINE), 0)
        self.assertEqual([call.split()[1] for call in self.uv_calls()], ["venv", "pip", "venv", "pip"])

    def test_content_is_the_key(self):
        self.uv()
        for version in ("1", "2", "1"):
            self.job("environment: {conda_file: {dependencies: [pip: [a-package==%s]]}}" % version)
            self.assertEqual(self.prs("run", "job.yml", "--overwrite", env=self.env).returncode, 0)
        self.assertEqual([call.split()[1] for call in self.uv_calls()], ["venv", "pip", "venv", "pip"])

    def no_network(self):
        os.makedirs(self.path("bin"))
        os.symlink(sys.executable, self.path("bin/python3"))
        self.env["PATH"] = self.path("bin") + ":/usr/sbin:/bin"

    def test_pip_that_finds_nothing(self):
        self.no_network()
        self.job("environment: {conda_file: {dependencies: [pip: [--no-index, nothing-of-that-name]]}}")
        r = self.prs("run", "job.yml", env=self.env)
        self.assertEqual(r.returncode, 2)
        self.assertIn("No matching distribution found for nothing-of-that-name", r.stderr)
        self.assertIn("the packages of the job could not be installed (see above; --python names an interpreter that has them): ", r.stderr)
        self.assertIn("(to be made for", self.chosen())
        self.assertIn("prs: 1 mistake\nthe packages", r.stderr)

    def test_packages_of_another_python(self):
        """Packages of an old Python are often not to be had for a new one: the mistake says so."""
        self.no_network()
        self.job("environment: {conda_file: {dependencies: [python=3.1.4, pip: [--no-index, nothing-of-that-name]]}}")
        r = self.prs("run", "job.yml", env=self.env)
        self.assertEqual(r.returncode, 2)
        self.assertIn("prs: 1 mistake\nPython 3.1.4, which the job asks for, is not on this machine, and %s is another: the "
                      "packages of the job could not be installed (see above;" % self.path("bin/python3"), r.stderr)

    def test_venv_and_pip(self):
        """Without uv: a wheel from a file, into a real environment."""
        with zipfile.ZipFile(self.path("tiny-1.0-py3-none-any.whl"), "w") as z:
            z.writestr("tiny.py", "NAME = 'tiny'\n")
            z.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
            z.writestr("tiny-1.0.dist-info/WHEEL",
                       "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            z.writestr("tiny-1.0.dist-info/RECORD",
                       "tiny.py,,\ntiny-1.0.dist-info/METADATA,,\ntiny-1.0.dist-info/WHEEL,,\ntiny-1.0.dist-info/RECORD,,\n")
        self.write("code/score.py", "import tiny\ndef run(b): return [tiny.NAME]\n")
        self.no_network()
        self.job("environment: {conda_file: {dependencies: [pip: [--no-index, ./tiny-1.0-py3-none-any.whl]]}}")
        r = self.prs("run", "job.yml", env=self.env)
        self.assertEqual(r.returncode, 0, r.stderr)
        with open(self.path("rows.txt")) as f:
            self.assertEqual(f.read(), "tiny\n")
        self.write("code/score.py", "import tiny, nothing_of_that_name\ndef run(b): return b\n")
        r = self.prs("run", "job.yml", "--overwrite", env=self.env)
        self.assertEqual(r.returncode, 1)
        self.assertIn("this interpreter was made for the packages of the job", r.stderr)
        self.assertIn("add nothing_of_that_name to the pip packages of its conda_file", r.stderr)
