# SPDX-License-Identifier: Apache-2.0
"""The last screen of a job with failures: every kind of error with its count, also of a job that is over in no time."""
import json
import os
import re
import shlex
import textwrap

from prs_job import JobCase

# (what a mini-batch does, flags, what the end says of it)
ENDS = {
    "exception": ("[1 / 0]", (), "2 x RUN_EXCEPTION: ZeroDivisionError: division by zero"),
    "signal": ("os.kill(os.getpid(), 11)", (), r"2 x RUN_CRASH: [^;]*: signal 11 \(Segmentation fault\)"),
    "native": ("[os.write(2, b'libfoo: no such thing\\n'), os.abort()]", (),
               r"2 x RUN_CRASH: .*stderr ends with: libfoo: no such thing"),
    "native, after an empty line": ("[os.write(2, b'\\n  \\n  libfoo: odd\\nmore\\n'), os.abort()]", (),
                                    r"2 x RUN_CRASH: .*stderr ends with:   libfoo: odd"),
    "native, above a deep stack": ("[os.write(2, b'libfoo: deep\\n'), deep(90)]", (),
                                   r"2 x RUN_CRASH: .*stderr ends with: libfoo: deep"),
    "fatal": ("[os.write(2, b'Fatal Python error: no way out\\n'), os.kill(os.getpid(), 9)]", (),
              r"2 x RUN_CRASH: .*stderr ends with: Fatal Python error: no way out"),
    "timeout": ("time.sleep(600)", ("--run-invocation-timeout", "3"),
                r"2 x RUN_TIMEOUT: run\(\) took longer than run_invocation_timeout \(3 s\): --run-invocation-timeout 6"),
    "exit": ("os._exit(0)", (), "2 x RUN_EXIT: .*exit status 0"),
    "memory": ("[bytearray(300 << 20), time.sleep(600)]", ("--memory-limit-per-process", "200MB"),
               "2 x MEMORY_LIMIT(:|, such as) .*200 MB"),
    "return": ("sys", (), "2 x USER_RETURN_TYPE: The run.* should return a list .* The actual type of output is module. .*"),
}
SCRIPT = """
    import os, sys, time
    def deep(n): return deep(n - 1) if n else os.abort()
    def run(mini_batch):
        if mini_batch.task_id == 1:
            x = %s
            return sys
        return mini_batch
"""


class EndScreenTest(JobCase):
    def test_kinds(self):
        self.files(4)
        for name, (what, flags, said) in ENDS.items():
            with self.subTest(name):
                self.clean()
                self.script(SCRIPT % what)
                r = self.prs("run", "code/score.py", "-i", "in", "-b", "1", "-p", "2", "-o", "out.txt",
                             "--run-max-try", "2", *flags)
                self.assertEqual(r.returncode, 0, r.stderr)
                self.assertRegex(r.stderr, r"(?m)^Completed, with failures: 3 mini-batches, 3 items .*\n  failed        1 mini-batch, 1 item\n  errors        %s\n  output " % said)
                self.assertRegex(r.stderr, r"(?m)^  next          prs run --only-failed score-\S+%s\n$" %
                                 (" --run-invocation-timeout 6" if name == "timeout" else ""))
                if name != "memory":
                    self.assertEqual(len(re.findall("(?m)^The script failed: mini-batch 1, try 1, ", r.stderr)), 1)

    def test_the_output_in_the_run_folder(self):
        self.files(4)
        self.script("def run(mini_batch): return mini_batch")
        r = self.prs("run", "code/score.py", "-i", "in")
        self.assertRegex(r.stderr, r"(?m)^  output +runs/score-\S+/outputs/parallel_run_step.txt \(4 rows, \d+ bytes\)$")

    def test_all_failed(self):
        self.files(12)
        self.script("import os\ndef run(mini_batch):\n    if mini_batch.task_id % 2: raise ValueError('number %d' % mini_batch.task_id)\n    os._exit(mini_batch.task_id)\n")
        r = self.prs("run", "code/score.py", "-i", "in", "-b", "1", "-p", "2", "-o", "out.txt", "--run-max-try", "1")
        self.assertEqual(r.returncode, 1)
        self.assertRegex(r.stderr, r"\n  errors        6 x .*\n                6 x .*\n  failed items ")
        self.assertRegex(r.stderr, r" 6 x RUN_EXCEPTION, such as ValueError: number \d+\n")  # numbers make no kinds
        self.assertRegex(r.stderr, r" 6 x RUN_EXIT, such as .*exit status \d+\n")

    def test_addresses_make_no_kinds(self):
        """A crash says where its thread lay, an object where it lay: another place in each process."""
        self.files(4)
        for what, said in (("ctypes.string_at(0)", r"3 x RUN_CRASH: [^;]*: signal 11 \(Segmentation fault\)$"),
                           ("raise ValueError('no place for %r' % object())",
                            r"3 x RUN_EXCEPTION, such as ValueError: no place for <object object at 0x[0-9a-f]+>")):
            with self.subTest(what):
                self.clean()
                self.script(f"""
                    import ctypes
                    def run(mini_batch):
                        if mini_batch.task_id == 1: {what}
                        return mini_batch
                """)
                r = self.prs("run", "code/score.py", "-i", "in", "-b", "1", "-p", "2", "-o", "out.txt")
                self.assertRegex(r.stderr, r"(?m)^  errors        %s.*\n  output " % said)

    def test_fewer_rows_than_items(self):
        """A script may filter: nothing failed, on no screen, not even with --strict."""
        self.files(4)
        self.script("def run(mini_batch):\n    return mini_batch[1:]\n")
        r = self.prs("run", "code/score.py", "-i", "in", "-b", "4", "-o", "out.txt", "--strict")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertRegex(r.stderr, r"(?m)^Completed: 1 mini-batch, 3 items in .*\n  without a row 1 item: run\(\) "
                                   r"returned fewer results than it got items \(failed_items.jsonl\)\n  output ")
        self.assertRegex(self.prs("status").stdout, r"(?m)^score-\S+: completed\n.*\n"
                                                    r"  items         3 of 4 succeeded, 1 without a row\n")
        self.assertRegex(self.prs("list").stdout, r"\nscore-\S+  completed  ")
        self.assertEqual(json.loads(self.prs("status", "--json").stdout)["items_missing"], 1)

    def test_strict(self):
        """Failures that are allowed: 0 without --strict, 1 with it; said the same way everywhere."""
        self.files(12)
        self.script("def run(mini_batch):\n    if mini_batch.task_id == 1: raise ValueError\n    return mini_batch\n")
        words = ("run", "code/score.py", "-i", "in", "-b", "4", "--run-max-try", "1")
        self.assertEqual(self.prs(*words).returncode, 0)
        r = self.prs(*words, "--strict")
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertRegex(r.stderr, r"(?m)^Completed, with failures: 2 mini-batches, 8 items in .*\n  failed        1 mini-batch, 4 items\n")
        self.assertRegex(self.prs("status").stdout, r"(?m)^score-\S+: completed, 4 items failed\n")
        self.assertRegex(self.prs("list").stdout, r"\nscore-\S+  completed, 4 items failed  ")
        self.assertEqual(self.prs("resume").returncode, 1)  # it is part of the job
        end = json.loads(self.prs(*words, "--strict", "--json").stdout.splitlines()[-1])
        self.assertEqual((end["result"], end["exit"], end["items_failed"], end["items_missing"]), ("completed", 1, 4, 0))
        self.assertEqual(self.prs("run", "code/score.py", "-i", "in", "-b", "4", "--strict", "--run-max-try", "1", "-o",
                                  "good.txt", "--", "x").returncode, 1)

    def run_name(self):
        return os.path.basename(self.run_dir())

    def next_of(self, r):
        """The command that the end of a job tells to type, pasted into a shell."""
        [command] = re.findall(r"(?m)^  next          (prs .*)$", r.stderr)
        return shlex.split(command)[1:]

    def test_a_timeout_says_what_was_too_much(self):
        self.files(8)
        self.script("import time\ndef run(mini_batch):\n    if mini_batch.task_id == 1: time.sleep(600)\n    return mini_batch\n")
        r = self.prs("run", "code/score.py", "-i", "in", "-b", "4", "-p", "1", "--run-max-try", "1", "--run-invocation-timeout", "1.5")
        self.assertRegex(r.stderr, r"\n  errors        1 x RUN_TIMEOUT: run\(\) took longer than run_invocation_timeout "
                                   r"\(1\.5 s\) with 4 items: --run-invocation-timeout 3, or --mini-batch-size 2\n")
        self.assertNotIn("  hint ", r.stderr)
        run = self.run_name()
        self.assertEqual(self.next_of(r), ["run", "--only-failed", run, "--run-invocation-timeout", "3"])

    def test_the_job_failed_of_timeouts(self):
        self.files(2)
        self.script("import time\ndef run(mini_batch):\n    time.sleep(600)\n")
        r = self.prs("run", "code/score.py", "-i", "in", "-b", "1", "-p", "2", "--run-max-try", "1", "--run-invocation-timeout", "1")
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertEqual(self.next_of(r), ["resume", self.run_name(), "--retry-failed", "--run-invocation-timeout", "2"])

    def test_which_item(self):
        """The traceback on the screen: the script's frames, those of libraries in a line, the item."""
        self.files(8)
        self.write("in/sub/odd.json", "{")
        self.script("""
            import json
            def run(mini_batch):
                if not any(p.endswith("odd.json") for p in mini_batch):
                    return mini_batch
                for path in mini_batch:
                    if path.endswith("odd.json"):
                        with open(path) as f:
                            json.load(f)
                return mini_batch
        """)
        r = self.prs("run", "code/score.py", "-i", "in", "-b", "3", "-p", "1", "--run-max-try", "1")
        self.assertRegex(r.stderr, r'(?m)^      File "%s/code/score.py", line 9, in run\n'
                                   r"        +json.load\(f\)\n"
                                   r"(?:          [ ^~]+\n)?"
                                   r"      \.\.\. \d library frames, the last: json/decoder\.py, line \d+, in raw_decode\n"
                                   r"    json\.decoder\.JSONDecodeError: .*\n"
                                   r"    while at in/sub/odd\.json, item 3 of 3\n"
                                   r"    prs replay score-\S+ 2 --pdb " % re.escape(self.dir))
        replayed = self.prs("replay", "last", "2")
        self.assertIn("\nwhile at %s/in/sub/odd.json, item 3 of 3\n" % self.dir, replayed.stderr)
        with open(os.path.join(self.run_dir(), "logs", "user", "error.txt")) as f:
            self.assertIn("/json/decoder.py\", line", f.read())  # the logs have all of it

    def test_logs_name_the_files_of_the_user(self):
        """The file that a person edits, wherever a frame lies in the copy; where there is none, the copy."""
        self.files(4)
        self.write("code/kept.py", "def check(p):\n    raise ValueError('bad ' + p)\n")
        self.write("code/gone.py", "import kept\ndef check(p):\n    kept.check(p)\n")
        self.script("import gone\ndef run(mini_batch):\n    gone.check('one')\n")
        os.rename(self.path("code/gone.py"), self.path("gone.py"))
        self.write("job.yml", """type: parallel
inputs: {texts: {type: uri_folder, path: ./in}}
outputs: {rows: {type: uri_file}}
input_data: ${{inputs.texts}}
additional_includes: [./gone.py]
task: {type: run_function, code: ./code, entry_script: score.py, append_row_to: "${{outputs.rows}}"}
""")
        self.assertEqual(self.prs("run", "job.yml", "-p", "1", "--run-max-try", "1").returncode, 1)
        with open(os.path.join(self.run_dir(), "logs", "user", "error.txt")) as f:
            texts = [f.read()]
        texts += [self.prs("logs", *words).stdout for words in (("--errors",), ("--errors", "--process", "0"), ("--errors", "-f"))]
        for text in texts:
            self.assertIn('File "%s", line 3, in run\n' % self.path("code/score.py"), text)
            self.assertIn('File "%s", line 2, in check\n' % self.path("code/kept.py"), text)
            self.assertIn('File "%s/work/code/gone.py", line 3, in check\n' % self.run_dir(), text)
        os.rename(self.path("code"), self.path("moved"))
        self.assertIn('File "%s/work/code/kept.py"' % self.run_dir(), self.prs("logs", "--errors", "--process", "0").stdout)

    def test_perhaps_few_bad_ones(self):
        """What is to be typed next runs what failed again, by halves, with all that was said for the run before."""
        self.files(40)
        script = "import sys\ndef run(mini_batch):\n    if any(p.endswith(('05', '15')) for p in mini_batch): %s\n    return [sys.argv[-1]] * len(mini_batch)\n"
        self.script(script % "raise ValueError('bad')")
        r = self.prs("run", "code/score.py", "-i", "in", "-b", "10", "-o", "rows.txt", "--run-max-try", "1", "--engine-args",
                     "hide", "--", "it's", "mine")
        run = self.run_name()
        self.assertRegex(r.stderr, r"\n  hint          20 items failed, for perhaps 2 bad ones: --on-failure bisect\n"
                                   r"  next          prs run --only-failed %s --on-failure bisect\n$" % run)
        again = self.prs(*self.next_of(r))
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn(", only the 20 items that failed in %s;" % run, again.stderr)
        self.assertRegex(again.stderr, r"\n  output        rows-2\.txt \(18 rows, ")
        with open(self.path("rows-2.txt")) as f:
            self.assertEqual(f.read(), "mine\n" * 18)
        self.assertNotIn("  hint ", again.stderr)
        # and what failed in that one, when the script is mended
        second = self.next_of(again)
        self.script(script % "pass")
        last = self.prs(*second, "--", "yours")
        self.assertRegex(last.stderr, r"\nCompleted: 1 mini-batch, 2 items in .*\n  output        rows-3\.txt \(2 rows, ")
        with open(self.path("rows-3.txt")) as f:
            self.assertEqual(f.read(), "yours\n" * 2)

    def test_every_mini_batch_failed(self):
        self.files(4)
        self.script("def run(mini_batch):\n    return nothing\n")
        r = self.prs("run", "code/score.py", "-i", "in", "-b", "2", "-p", "1", "--run-max-try", "1")
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertIn("\nFailed: every mini-batch failed: NameError: name 'nothing' is not defined\n", r.stderr)
        run = self.run_name()
        self.assertEqual(self.next_of(r), ["replay", run, "0", "--pdb"])
        self.assertIn("\n  cause         every mini-batch failed: NameError: name 'nothing' is not defined\n",
                      self.prs("status").stdout)
        self.assertIn("%s failed: every mini-batch failed: NameError: name 'nothing' is not defined\n" % run,
                      self.prs("resume").stderr)
        with open(os.path.join(self.run_dir(), "logs", "job_result.txt")) as f:
            self.assertIn("There is no succeeded mini batch item returned from run()", f.read())

    def test_nothing_came_of_it(self):
        """Without rows to append such a job completes; nothing of it is worth to be run again as it is."""
        self.files(4)
        self.script("def run(mini_batch):\n    return nothing\n")
        r = self.prs("run", "code/score.py", "-i", "in", "-b", "2", "-p", "1", "--run-max-try", "1", "--output-action",
                     "summary_only")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("\n  failed        2 mini-batches, 4 items\n", r.stderr)
        self.assertNotIn("\n  hint ", r.stderr)
        self.assertEqual(self.next_of(r), ["replay", self.run_name(), "0", "--pdb"])

    def test_a_limit_of_failures_is_not_widened(self):
        """That would hide what is wrong with the script."""
        self.files(6)
        self.script("def run(mini_batch):\n    return nothing\n")
        for limit in ("--error-threshold", "--allowed-failed-count", "--allowed-failed-percent"):
            with self.subTest(limit):
                self.clean()
                r = self.prs("run", "code/score.py", "-i", "in", "-b", "2", "-p", "1", "--run-max-try", "1", limit, "0")
                self.assertEqual(r.returncode, 1, r.stderr)
                self.assertEqual(self.next_of(r), ["replay", self.run_name(), "0", "--pdb"])

    def test_it_was_begun_elsewhere(self):
        self.files(4)
        self.script("def run(mini_batch):\n    if mini_batch.task_id: raise ValueError\n    return mini_batch\n")
        self.prs("run", "code/score.py", "-i", "in", "-b", "2", "--run-max-try", "1")
        os.mkdir(self.path("elsewhere"))
        r = self.prs("run", "--only-failed", self.run_dir(), cwd=self.path("elsewhere"))
        self.assertEqual((r.returncode, r.stderr), (2, "prs: --only-failed: %s was begun in %s: go there (cd), or name the job, too, as in "
                                                    "prs run JOB --only-failed %s\n" % (self.run_name(), self.dir, self.run_name())))

    def test_a_job_file_again(self):
        """Its output is named in the file; the rows of the second run stand beside those of the first one."""
        self.files(4)
        self.script("def run(mini_batch):\n    if mini_batch.task_id: raise ValueError\n    return mini_batch\n")
        self.write("job.yml", textwrap.dedent("""
            type: parallel
            inputs: {data: {type: uri_folder, path: ./in}}
            outputs: {rows: {type: uri_file, path: ./rows.txt}}
            input_data: ${{inputs.data}}
            mini_batch_size: "2"
            retry_settings: {max_retries: 1}
            task: {type: run_function, code: ./code, entry_script: score.py, append_row_to: "${{outputs.rows}}"}
        """))
        r = self.prs("run", "job.yml")
        again = self.prs("plan", *self.next_of(r)[1:])
        self.assertRegex(again.stdout, r"\n  output        rows-2\.txt, ")
        self.script("def run(mini_batch): return mini_batch\n")
        again = self.prs(*self.next_of(r))
        self.assertRegex(again.stderr, r"\nCompleted: 1 mini-batch, 2 items in .*\n  output        rows-2\.txt \(2 rows, ")


class CountsTest(JobCase):
    """One is not several, in what ends a job and in what prs plan says of it."""

    def test_one_item(self):
        self.files(2)
        self.script("def run(mini_batch):\n    return nothing\n")
        words = ["code/score.py", "-i", "in", "-b", "1", "-p", "1", "--run-max-try", "1"]
        r = self.prs("run", *words, "--error-threshold", "0")
        self.assertIn("\nFailed: 1 item failed; error_threshold allows 0\n", r.stderr)
        r = self.prs("run", *words, "--allowed-failed-count", "0")
        self.assertIn("\nFailed: 1 mini-batch failed; allowed_failed_count allows 0\n", r.stderr)
        r = self.prs("plan", *words, "--error-threshold", "1", "--allowed-failed-count", "1")
        self.assertIn("  may fail      1 item (--error-threshold)\n"
                      "                1 mini-batch (--allowed-failed-count)\n", r.stdout)
        r = self.prs("plan", *words, "--error-threshold", "1000")
        self.assertIn("  may fail      1,000 items (--error-threshold)\n                any number of mini-batches\n",
                      r.stdout)
