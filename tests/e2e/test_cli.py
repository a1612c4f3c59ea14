# SPDX-License-Identifier: Apache-2.0
"""The command line as a person meets it: help, wrong words, finding runs, what the read-only commands show, exit
statuses."""
import json
import os
import re
import stat

from prs_job import SCRIPT, JobCase

COMMANDS = ["run", "validate", "plan", "resume", "list", "status", "check", "dump", "options", "errors", "help",
            "version"]
NOBODY = 65534


class CliCase(JobCase):
    def refused(self, *words, says, status=2, **more):
        """One clear sentence on stderr, nothing on stdout, no run folder, no traceback of ours."""
        r = self.prs(*words, **more)
        self.assertEqual(r.returncode, status, r.stderr)
        self.assertEqual(r.stdout, "")
        self.assertTrue(r.stderr.startswith("prs: "), r.stderr)
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, r.stderr)
        return r.stderr

    def shown(self, *words, status=0):
        r = self.prs(*words)
        self.assertEqual((r.returncode, r.stderr), (status, ""))
        return r.stdout

    def a_run(self, *more):
        r = self.run_job("-q", *more)
        self.assertEqual(r.returncode, 0, r.stderr)
        [run] = os.listdir(self.path("runs"))
        return run


class HelpTest(CliCase):
    def test_options_of_a_run_are_told_once(self):
        """Those who look at a job name the ten that matter, what is their own, and where the others are."""
        self.assertIn("--progress-update-timeout", self.shown("help", "run"))
        for command, own in (("test", "--limit N"), ("plan", "--yaml"), ("validate", "--job NAME")):
            text = self.shown("help", command)
            self.assertNotIn("--progress-update-timeout", text)
            for part in ("--mini-batch-size N", own, "\nAnd all other options of prs run: prs help run\n"):
                self.assertIn(part, text)
            self.assertLess(len(text.splitlines()), 90)
        self.assertIn("--progress-update-timeout", self.shown("help", "resume"))  # not all of them: they are listed

    def test_overview(self):
        overview = self.shown("help")
        for words in ([], ["--help"], ["-h"]):
            self.assertEqual(self.shown(*words), overview)
        for command in COMMANDS:
            self.assertIn("\n  %s " % command, overview)
        self.assertNotIn("_worker", overview)
        self.assertLessEqual(max(len(line) for line in overview.splitlines()), 80)

    def test_every_command(self):
        for command in COMMANDS:
            text = self.shown("help", command)
            self.assertEqual(self.shown(command, "--help"), text)
            self.assertEqual(self.shown(command, "-h"), text)
            for part in ("Usage: prs %s" % command, "\nExamples\n", "\nExit status\n"):
                self.assertIn(part, text)

    def test_version(self):
        self.assertRegex(self.shown("version"), r"^prs \d+\.\d+\.\d+\n$")
        self.assertEqual(self.shown("--version"), self.shown("version"))
        self.assertEqual(json.loads(self.shown("version", "--json"))["program"], "prs")

    def test_unknown_words(self):
        self.refused("stauts", says="no command stauts; did you mean prs status?")
        self.refused("elephant", says="no command elephant: prs help shows all")
        self.refused("runs", says="no command runs; did you mean prs list?")
        self.refused("history", says="no command history; did you mean prs list?")
        self.refused("tail", says="no command tail; did you mean prs logs -f?")
        self.refused("attach", says="no command attach; did you mean prs status --watch?")
        self.refused("help", "resmue", says="did you mean resume?")
        self.refused("list", "more", says="unexpected word more")
        self.refused("status", "--jsom", says="did you mean --json?")
        self.refused("options", "mini-batch-sise", says="did you mean --mini-batch-size?")
        self.refused("errors", "run_timout", says="did you mean RUN_TIMEOUT?")

    def test_options_and_errors(self):
        self.assertIn("default     3", self.shown("options", "run_max_try"))
        self.assertIn("1 to 65535", self.shown("options", "--run-max"))
        self.assertIn("--mini-batch-size", self.shown("options"))
        self.assertNotIn("bench", self.shown("options"))
        self.assertEqual(self.shown("errors", "102"), self.shown("errors", "run_timeout"))
        self.assertEqual(self.shown("errors", "nospace"),
                         "NOSPACE (4): no space left on the disk\n  fault       store\n"
                         "  the engine  stops in a way that prs resume can go on from\n  what to do  make room on that disk\n")

    def test_every_error_has_its_columns(self):
        lines = self.shown("errors").splitlines()
        self.assertGreater(len(lines), 40)
        begins = set()
        for line in lines:
            code, name, sentence = re.fullmatch(r" *(\d+)  ([A-Z_]+)  +(\S.*)", line).groups()
            begins.add(line.index(sentence))
        self.assertEqual(len(begins), 1, begins)

    def test_a_closed_pipe_is_no_failure(self):
        read, write = os.pipe()
        os.close(read)
        p = self.start("options", stdout=write)
        os.close(write)
        self.assertEqual(p.wait(timeout=120), 0)
        self.assertEqual(self.said(), "")


class RunTest(CliCase):
    def setUp(self):
        super().setUp()
        self.script(SCRIPT)

    def test_script(self):
        self.files(1)
        self.refused("run", "nothing.py", "-i", "in", says="nothing.py: no such entry script")
        self.refused("run", "code", "-i", "in", says="code is a folder: name the entry script in it")
        self.refused("run", says="prs run JOB.yml|SCRIPT [--input PATH]")
        said = self.refused("run", "code/score.py", "in", says="prs: unexpected word in: an input is given as --input in\n")
        self.assertNotIn("no input", said)  # one slip, one mistake
        self.refused("run", "code/score.py", "in", "-i", "in",
                     says="prs: unexpected word in: an input is given as --input in\n")
        self.write("job.yml", "parallel_run_config: {entry_script: score.py, source_directory: code}\n")
        self.refused("run", "job.yml", "in", "-i", "in", says="unexpected word in: an input is given as --input NAME=in\n")
        self.write("code/bad.py", "def run(mini_batch):\n    return [x for x in mini_batch\n")
        said = self.refused("run", "code/bad.py", "-i", "in", says="SyntaxError")
        self.assertIn("code/bad.py:", said)
        self.assertIn("^", said)
        self.write("code/odd.py", "x = 1\0\n")
        self.refused("run", "code/odd.py", "-i", "in", says="code/odd.py")
        self.assertFalse(os.path.exists(self.path("runs")))

    def test_input(self):
        os.makedirs(self.path("empty/deep"))
        self.refused("run", "code/score.py", says="no input: give the folder or file to process with --input PATH")
        self.refused("run", "code/score.py", "-i", "nowhere", says="--input nowhere: no such folder or file")
        self.refused("run", "code/score.py", "-i", "empty", says="--input empty: there is no file in it")
        self.assertFalse(os.path.exists(self.path("runs")))

    def test_an_input_that_is_refused(self):
        """It is not missing, too: one mistake, in each front end."""
        self.files(1)
        self.write("job.yml", """type: parallel
inputs: {texts: {type: uri_folder}}
outputs: {rows: {type: uri_file}}
input_data: ${{inputs.texts}}
mini_batch_size: "2"
task: {type: run_function, code: ./code, entry_script: score.py, append_row_to: "${{outputs.rows}}"}
""")
        self.write("v1.yml", "parallel_run_config: {entry_script: score.py, source_directory: code}\n")
        for words in (("code/score.py", "-i", "-"), ("job.yml", "-i", "texts=-"), ("v1.yml", "-i", "-")):
            said = self.refused("run", *words, says="a list of files is not read from stdin")
            self.assertNotIn("no input", said)
            self.assertNotIn("has no value", said)
            self.assertEqual(said.count("--input"), 2, said)

    def test_output(self):
        self.files(1)
        self.write("out.txt", "mine")
        self.refused("run", "code/score.py", "-i", "in", "-o", "out.txt",
                     says="exists: name another file, or replace it with --overwrite")
        self.assertEqual(self.output(), "mine")
        os.mkfifo(self.path("pipe"))
        self.refused("run", "code/score.py", "-i", "in", "-o", "pipe", "--overwrite",
                     says="pipe is a device, a pipe or a socket: expected an ordinary file")
        self.refused("run", "code/score.py", "-i", "in", "-o", "out.txt/no/out.txt", says="out.txt is no folder")
        for name in ("/proc/out.txt", "/proc/new/out.txt"):
            self.refused("run", "code/score.py", "-i", "in", "-o", name, says="--output: no file can be made in /proc")
        self.refused("run", "code/score.py", "-i", "in", "--runs-dir", "/proc/runs",
                     says="the run folder cannot be made in /proc/runs")
        self.refused("run", "code/score.py", "-i", "in", "--runs-dir", "out.txt", says="the run folder cannot be made")
        self.assertFalse(os.path.exists(self.path("runs")))

    def test_a_size_in_bytes(self):
        want = self.files(3)
        for size, said in (("1KB", True), ("1024", False)):
            r = self.prs("run", "code/score.py", "-i", "in", "-o", "out.txt", "--overwrite", "-b", size)
            self.assertEqual((r.returncode, self.output()), (0, want), r.stderr)
            self.assertEqual("warning: --mini-batch-size 1KB is 1,024 files: sizes are for tables, and the input is files\n" in r.stderr, said, r.stderr)

    def test_folders_without_permission(self):
        self.files(1)
        self.give_everybody_the_program()
        os.mkdir(self.path("locked"), 0o555)
        os.mkdir(self.path("open"), 0o777)
        os.chmod(self.path("open"), 0o777)
        as_nobody = {} if os.getuid() else {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        for words, says in ((("-o", "locked/out.txt", "--runs-dir", "open"),
                             "no file can be made in %s: Permission denied" % self.path("locked")),
                            (("--runs-dir", "locked"), "the run folder cannot be made")):
            p = self.start("run", "code/score.py", "-i", "in", "--python", "/usr/bin/python3", *words, **as_nobody)
            self.assertEqual(p.wait(timeout=120), 2)
            self.assertIn(says, self.said())
        self.assertEqual(os.listdir(self.path("open")), [])
        os.chmod(self.path("code"), 0o600)
        p = self.start("run", "code/score.py", "-i", "in", "--python", "/usr/bin/python3", "--runs-dir", "open",
                       **as_nobody)
        self.assertEqual(p.wait(timeout=120), 2)
        self.assertIn("code/score.py: no permission to reach the entry script %s\n" % self.path("code/score.py"),
                      self.said())
        os.chmod(self.path("code"), 0o755)

    def test_interpreter(self):
        self.files(1)
        self.refused("run", "code/score.py", "-i", "in", "--python", "no-such-python",
                     says="--python: no program no-such-python on the PATH")
        self.refused("run", "code/score.py", "-i", "in", "--python", "./no/python",
                     says="--python: no interpreter ./no/python")
        self.refused("run", "code/score.py", "-i", "in", "--python", "code",
                     says="code is a folder without bin/python: no virtual environment")
        for name, text in (("true", "#!/bin/sh\n"), ("fails", "#!/bin/sh\nexit 3\n"),
                           ("echo", "#!/bin/sh\necho hello\n"), ("no-format", "garbage")):
            self.write(name, text)
            os.chmod(self.path(name), 0o755)
            self.refused("run", "code/score.py", "-i", "in", "--python", "./" + name,
                         says="./%s is no Python interpreter" % name)
        self.write("old", "#!/bin/sh\nprintf 'prs\\n3.6.9\\n/usr/bin/python3\\n'\n")
        os.chmod(self.path("old"), 0o755)
        self.refused("run", "code/score.py", "-i", "in", "--python", "./old",
                     says="./old is Python 3.6.9: 3.8 or newer is needed")
        self.refused("run", "code/score.py", "-i", "in", env={"PATH": self.path("code")},
                     says="no program python3 on the PATH")
        os.makedirs(self.path("venv/bin"))
        os.symlink("/usr/bin/python3", self.path("venv/bin/python"))
        self.assertEqual(self.prs("run", "code/score.py", "-i", "in", "--python", "venv", "-q").returncode, 0)

    def test_options_in_every_form(self):
        want = self.files(9)
        r = self.prs("run", "--mini_batch_size=2", "-p2", "code/score.py", "-i", "in", "-q", "--out", "out.txt",
                     "--run-m", "2", "--resource_monitor_interva", "20")
        self.assertEqual(r.returncode, 2)
        self.assertIn("--out can mean --output, --output-action, --output-format or --output-types", r.stderr)
        r = self.prs("run", "--mini_batch_size=2", "-p2", "code/score.py", "-i", "in", "-q", "-o", "out.txt",
                     "--run-m", "2", "--resource_monitor_interva", "20")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), want)
        with open(os.path.join(self.run_dir(), "job.json")) as f:
            options = json.load(f)["options"]
        self.assertEqual(options["mini-batch-size"], {"value": ["2"], "from": "--mini-batch-size"})
        self.assertEqual(options["processes"], {"value": ["2"], "from": "--processes"})
        self.assertEqual(options["resource-monitor-interval"]["value"], ["20"])
        self.assertEqual(options["error-threshold"], {"value": ["-1"], "from": "default"})
        self.assertNotIn("quiet", options)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.run_dir(), "job.json")).st_mode), 0o600)

    def test_all_mistakes_at_once(self):
        said = self.refused("run", "nothing.py", "-i", "nowhere", "--processes", "0", "--model", "x", "--bogus", "3",
                            says="prs: 5 mistakes\n")
        for text in ("nothing.py", "nowhere", "found \"0\"", "NAME=PATH", "--bogus"):
            self.assertIn(text, said)

    def test_names(self):
        self.files(1)
        r = self.prs("run", "code/score.py", "-i", "in", "-q", "--name", "../my job; $(x)")
        self.assertEqual(r.returncode, 0, r.stderr)
        [run] = os.listdir(self.path("runs"))
        self.assertRegex(run, r"^_._my_job____x_-\d{8}-\d{6}-[a-z]{3}$")
        self.assertEqual(json.loads(self.shown("status", run, "--json"))["state"], "completed")

    def test_a_code_folder_that_is_too_large(self):
        self.files(1)
        self.write("code/data/weights.bin", "")
        os.truncate(self.path("code/data/weights.bin"), 301 << 20)
        self.write("job.yml", "parallel_run_config:\n  entry_script: score.py\n  source_directory: code\n")
        says = ["largest: data/weights.bin, 301.0 MB", "code/.amlignore leaves the most of it out: /data/"]
        self.refused("run", "job.yml", "-i", "in", says=says)
        self.write("code/data/data.py", "")
        self.refused("run", "code/score.py", "-i", "in", says=says + ["--code none"])
        self.assertEqual(os.listdir(self.path("runs")), [])

    def test_data_beside_the_script(self):
        """Some of it is the input; the folder that holds it is no code. --code none: nothing but the script."""
        for i in range(1200):
            self.write("code/im/%03d/f%04d" % (i % 10, i), str(i))
        self.write("code/helper.py", "")
        want = "".join("f%04d: %d\n" % (i, i) for i in range(0, 1200, 10))
        words = ("code/score.py", "-i", "code/im/000", "-o", "out.txt")
        r = self.prs("run", *words)
        self.assertEqual((r.returncode, self.output()), (0, want), r.stderr)
        self.assertIn("not copied with the script, because no .py file is in it: im/ (1,080 files)", r.stderr)
        self.assertEqual(sorted(os.listdir(os.path.join(self.run_dir(), "code"))), ["helper.py", "score.py"])
        self.clean()
        r = self.prs("run", *words, "--code", "none")
        self.assertEqual((r.returncode, self.output()), (0, want), r.stderr)
        self.assertNotIn("not copied", r.stderr)
        self.assertEqual(os.listdir(os.path.join(self.run_dir(), "code")), ["score.py"])
        self.clean()
        os.makedirs(self.path("none"))
        os.rename(self.path("code/score.py"), self.path("none/score.py"))
        self.write("none/mine.py", "")
        r = self.prs("run", "none/score.py", *words[1:], "--code", "./none")
        self.assertEqual((r.returncode, self.output()), (0, want), r.stderr)
        self.assertEqual(sorted(os.listdir(os.path.join(self.run_dir(), "code"))), ["mine.py", "score.py"])

    def test_json(self):
        self.files(20)
        r = self.run_job("--json")
        self.assertEqual((r.returncode, r.stderr), (0, ""))
        events = [json.loads(line) for line in r.stdout.splitlines()]
        types = [e["type"] for e in events]
        self.assertEqual((types[0], types[-1]), ("run_started", "end"))
        self.assertEqual(types.count("mini_batch_done"), 3)
        with open(os.path.join(self.run_dir(), "logs", "events.jsonl")) as f:
            self.assertEqual([json.loads(line) for line in f], events[:-1])
        end = events[-1]
        self.assertEqual([end[k] for k in ("result", "exit", "done", "items_succeeded", "rows", "output")],
                         ["completed", 0, 3, 20, 20, self.path("out.txt")])

    def test_json_of_a_job_that_fails(self):
        self.files(20)
        self.script("def run(mini_batch): raise ValueError('no\\nway')")
        r = self.run_job("--json")
        self.assertEqual((r.returncode, r.stderr), (1, ""))
        events = [json.loads(line) for line in r.stdout.splitlines()]
        self.assertEqual([events[-1][k] for k in ("type", "result", "exit", "failed", "error")],
                         ["end", "failed", 1, 3, "NO_RESULT_TO_APPEND"])
        r = self.prs("resume", "last", "--json", "--takeover")
        self.assertEqual(json.loads(r.stdout.splitlines()[-1])["result"], "failed")

    def test_screen_without_a_terminal(self):
        self.files(20)
        r = self.run_job()
        self.assertEqual(r.stdout, "")
        self.assertNotIn("\r", r.stderr)
        self.assertNotIn("\033", r.stderr)
        lines = r.stderr.splitlines()
        self.assertRegex(lines[0], r"^score-\d{8}-\d{6}-[a-z]{3} in runs$")
        self.assertRegex(lines[1], r"^  score.py on in; 2 processes of .*python.* \(PATH\)$")
        self.assertRegex(lines[2], r"^Completed: 3 mini-batches, 20 items in [0-9.]+ s, [0-9.,]+ items/s, busy \d+%$")
        self.assertEqual(lines[3], "  output        out.txt (20 rows, 190 bytes)")
        self.assertRegex(lines[4], r"^  logs          runs/score-[^/]*/logs$")
        self.assertEqual(len(lines), 5)
        r = self.run_job("--overwrite", "--quiet")
        self.assertTrue(r.stderr.startswith("Completed: "), r.stderr)

    def test_first_traceback_within_five_lines(self):
        self.files(20)
        self.script("""
            def init(): raise RuntimeError('no model here')
            def run(mini_batch): return mini_batch
        """)
        r = self.run_job()
        self.assertEqual(r.returncode, 1)
        lines = r.stderr.splitlines()
        self.assertRegex(lines[2], r"^The script failed: init\(\), process00[01] on 127.0.0.1$")
        self.assertEqual(lines[3], "    Traceback (most recent call last):")
        # the user's file, not the copy
        self.assertIn('File "%s", line 2, in init' % self.path("code/score.py"), lines[4])
        self.assertEqual(r.stderr.count("    RuntimeError: no model here"), 1)
        self.assertIn("Failed: init() failed", r.stderr)
        self.assertRegex(lines[-1], r"^  next          \S")


    def test_commands_that_are_proposed_work(self):
        self.files(20)
        self.script("""
            def run(mini_batch):
                if mini_batch.task_id == 1: raise ValueError('no way')
                return mini_batch
        """)
        r = self.run_job("--error-threshold", "0", "-p", "1")
        self.assertEqual(r.returncode, 1)
        [replay] = [line.split() for line in r.stderr.splitlines() if line.startswith("    prs replay ")]
        self.assertEqual(replay[4], "--pdb")
        again = self.prs(*replay[1:4])
        self.assertEqual(again.returncode, 1)
        self.assertIn("ValueError: no way", again.stdout + again.stderr)
        self.script("def run(mini_batch): raise ValueError('none')")
        r = self.run_job("-q")
        [command] = [line.split()[1:] for line in r.stderr.splitlines() if line.startswith("  next  ")]
        self.assertEqual(command[-1:], ["--pdb"])
        again = self.prs(*command[1:-1])
        self.assertEqual(again.returncode, 1)
        self.assertIn("ValueError: none", again.stderr)


class FindTest(CliCase):
    def setUp(self):
        super().setUp()
        self.files(3)
        self.script(SCRIPT)

    def test_every_way_to_name_a_run(self):
        run = self.a_run()
        for word in (run, run[:8], "last", self.path("runs", run), "runs/" + run, "./runs/%s/" % run):
            self.assertEqual(json.loads(self.shown("status", word, "--json"))["run"], run)
        self.assertEqual(self.shown("status"), self.shown("status", "last"))
        os.rename(self.path("runs"), self.path("elsewhere"))
        for words, env in ((("--runs-dir", "elsewhere"), {}), ((), {"PRS_RUNS": "elsewhere"})):
            r = self.prs("status", run, "--json", *words, env=env)
            self.assertEqual(json.loads(r.stdout)["run"], run)

    def test_no_such_run(self):
        self.refused("status", says="there is no run in runs")
        run = self.a_run()
        self.refused("status", "elephant", says="no run elephant in runs: give an id")
        self.refused("status", "", says="the name of a run is empty: give an id")
        near = run[:-1] + "?"
        self.refused("status", near, says="did you mean %s?" % run)
        self.refused("resume", near, says="did you mean %s?" % run)
        self.refused("status", "./nowhere", says="there is no folder ./nowhere")
        self.refused("check", "./code", says="./code is not a run folder: it has no file RUN")
        os.remove(self.path("out.txt"))
        self.run_job("-q")
        self.refused("status", "score", says="2 runs in runs begin with score (")


class LookTest(CliCase):
    def setUp(self):
        super().setUp()
        self.files(20)
        self.script(SCRIPT)

    def test_list(self):
        self.assertEqual(self.shown("list"), "there are no runs in the folder runs\n")
        first = self.a_run()
        self.script("def run(mini_batch): raise ValueError('x')")
        self.prs("run", "code/score.py", "-i", "in", "-q", "--name", "a-much-longer-name", "-b", "5")
        os.makedirs(self.path("runs/not-a-run"))
        os.makedirs(self.path("runs/damaged"))
        self.write("runs/damaged/RUN", "garbage")
        lines = self.shown("list").splitlines()
        self.assertEqual(lines[0].split(), ["RUN", "STATE", "ITEMS", "TIME", "INPUT", "AGE"])
        rows = {line.split()[0]: line.split() for line in lines[1:]}
        self.assertRegex(" ".join(rows[first][1:]), r"^completed 20/20 0:0\d in \d+ s$")
        [failed] = [r for r in rows.values() if r[0].startswith("a-much")]
        self.assertRegex(" ".join(failed[1:]), r"^failed, 20 items failed 0/20 0:0\d in \d+ s$")
        self.assertEqual(rows["damaged"][1], "unreadable")
        self.assertEqual(len(rows), 3)
        column = lines[0].index("STATE")
        self.assertTrue(all(line[column - 1] == " " and line[column] != " " for line in lines))
        objects = [json.loads(line) for line in self.shown("list", "--json").splitlines()]
        self.assertEqual(sorted(o["state"] for o in objects), ["completed", "failed", "unreadable"])
        [one] = [o for o in objects if o["state"] == "completed"]
        self.assertEqual((one["items"], one["items_succeeded"], one["items_failed"], one["input"]), (20, 20, 0, "in"))
        self.assertTrue(0 < one["wall_us"] <= one["last_us"] - one["started_us"])
        # its journal is empty
        self.prs("run", "code/score.py", "-i", "in", "-q", "--name", "begun", kill="store.journal.created:1")
        [begun] = [line.split() for line in self.shown("list").splitlines() if line.startswith("begun")]
        self.assertEqual(begun[1:], ["interrupted", "0/>=0", "0:00", "in"])
        self.assertIn("\n  started       never\n", self.shown("status", begun[0]))

    def test_status(self):
        run = self.a_run()
        text = self.shown("status")
        for part in (run + ": completed\n", "mini-batches  3 of 3 done\n", "items         20 of 20 succeeded\n",
                     "output        %s\n" % self.path("out.txt")):
            self.assertIn(part, text)

    def test_of_a_newer_version(self):
        run = self.a_run()
        with open(self.path("runs", run, "RUN")) as f:
            text = f.read()
        self.write("runs/%s/RUN" % run, text.replace("prs-run 1", "prs-run 2"))
        for command in ("status", "resume", "check"):
            self.refused(command, run, says="run format 2", status=3)
        self.write("runs/%s/RUN" % run, "garbage")
        for command in ("status", "resume", "check"):
            self.refused(command, run, says="not a run file", status=3)

    def test_damaged(self):
        run = self.a_run()
        path = self.path("runs", run, "journal-1")
        with open(path, "r+b") as f:
            f.seek(40)
            f.write(b"\xff\xff\xff\xff")
        for command in ("status", "resume", "check"):
            self.refused(command, run, says="journal-1", status=3)
        self.assertIn("unreadable", self.shown("list"))

    def test_job_json_changed_by_hand(self):
        run = self.a_run()
        path = self.path("runs", run, "job.json")
        with open(path) as f:
            text = f.read()
        with open(path, "w") as f:
            f.write(text.replace('"10"', '"11"').replace('"7"', '"8"'))
        self.refused("resume", run, says="job.json was changed after the run began")
        with open(path, "w") as f:
            f.write(text[:-20])
        self.refused("resume", run, says="job.json:", status=3)
        os.remove(path)
        self.refused("resume", run, says="job.json", status=3)


class NoFileTest(JobCase):
    """What is named where a file is expected, but is a fifo or a device: told at once, nothing waits for it."""

    def setUp(self):
        super().setUp()
        self.files(2)
        self.script("def run(b): return list(b)\n")
        os.mkfifo(self.path("fifo.yml"))

    def told(self, sentence, *words):
        r = self.prs(*words)
        self.assertEqual(r.returncode, 2, r.stderr)
        self.assertIn(sentence, r.stderr)

    def test_job_file(self):
        for command in ("validate", "plan", "run"):
            self.told("fifo.yml: is no plain file: expected a file, found a fifo, a socket or a device", command,
                      "fifo.yml")

    def test_folder(self):
        os.mkdir(self.path("dir.yml"))
        self.told("dir.yml: Is a directory", "validate", "dir.yml")

    def test_file_of_a_job_file(self):
        self.write("job.yml", """
            type: pipeline
            jobs: {score: {type: parallel, component: ./fifo.yml}}
        """)
        self.told("component: %s: is no plain file" % self.path("fifo.yml"), "validate", "job.yml")

    def test_prs_yml(self):
        os.rename(self.path("fifo.yml"), self.path("prs.yml"))
        self.told("prs.yml: is no plain file", "plan", "code/score.py", "-i", "in")

    def test_script(self):
        """Python would read a device without an end."""
        self.told("/dev/zero: no such entry script (looked for /dev/zero)\n", "validate", "/dev/zero", "-i", "in")
