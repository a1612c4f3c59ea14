# SPDX-License-Identifier: Apache-2.0
"""The last screen of a job with failures: every kind of error with its count, also of a job that is over in no time."""
import json
import re

from prs_job import JobCase

# (what a mini-batch does, flags, what the end says of it)
ENDS = {
    "exception": ("[1 / 0]", (), "2 x RUN_EXCEPTION: ZeroDivisionError: division by zero"),
    "signal": ("os.kill(os.getpid(), 11)", (), r"2 x RUN_CRASH: .*signal 11 \(Segmentation fault\).*"),
    "native": ("[os.write(2, b'libfoo: no such thing\\n'), os.abort()]", (),
               r"2 x RUN_CRASH: .*stderr ends with: libfoo: no such thing"),
    "native, after an empty line": ("[os.write(2, b'\\n  \\n  libfoo: odd\\nmore\\n'), os.abort()]", (),
                                    r"2 x RUN_CRASH: .*stderr ends with:   libfoo: odd"),
    "timeout": ("time.sleep(600)", ("--run-invocation-timeout", "3"), "2 x RUN_TIMEOUT: .*"),
    "exit": ("os._exit(0)", (), "2 x RUN_EXIT: .*exit status 0"),
    "memory": ("[bytearray(300 << 20), time.sleep(600)]", ("--memory-limit-per-process", "200MB"),
               "2 x MEMORY_LIMIT: .*200 MB"),
    "return": ("sys", (), "2 x USER_RETURN_TYPE: The run.* should return a list .* The actual type of output is module. .*"),
}
SCRIPT = """
    import os, sys, time
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
                self.assertRegex(r.stderr, r"(?m)^  next          prs run JOB --only-failed score-\S+\n$")
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
        self.assertRegex(r.stderr, r" 6 x RUN_EXCEPTION: ValueError: number \d+\n")  # numbers make no kinds
        self.assertRegex(r.stderr, r" 6 x RUN_EXIT: .*exit status \d+\n")

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
