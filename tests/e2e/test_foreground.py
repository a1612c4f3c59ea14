# SPDX-License-Identifier: Apache-2.0
"""prs test and prs replay: mini-batches in the foreground."""
import os
import pty
import select
import subprocess
import sys

from prs_job import DEADLINE, PRS, JobCase

SCRIPT = """
import os, sys
def init():
    print("init in", os.getcwd())
def run(mini_batch):
    print("run", mini_batch.task_id)
    for p in mini_batch:
        if p.endswith("f0008"): raise ValueError("bad digit in " + sys.argv[-5])
    return ["%s: %s" % (os.path.basename(p), open(p).read()) for p in mini_batch]
def shutdown():
    print("shutdown")
"""


class ForegroundTest(JobCase):
    def test_first_mini_batches(self):
        self.files(20)
        self.write("code/score.py", SCRIPT)
        r = self.prs("test", "code/score.py", "--input", "in", "--mini-batch-size", "4", "--limit", "2", "--", "arg")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(r.stdout.splitlines(), ["init in " + os.path.join(self.dir, "code"), "run 0"] +
                         ["f%04d: %d" % (i, i) for i in range(4)] +
                         ["run 1"] + ["f%04d: %d" % (i, i) for i in range(4, 8)] + ["shutdown"])
        self.assertIn("mini-batch 1 (4 items): 4 returned", r.stderr)
        self.assertEqual(sorted(os.listdir(self.dir)), ["code", "in"])

    def test_failure(self):
        self.files(20)
        self.write("code/score.py", SCRIPT)
        r = self.prs("test", "code/score.py", "--input", "in", "--mini-batch-size", "4", "--", "here")
        self.assertEqual(r.returncode, 1)
        self.assertIn("mini-batch 2 (4 items) failed", r.stderr)
        self.assertIn("ValueError: bad digit in here", r.stderr)
        self.assertNotIn("foreground.py", r.stderr)
        self.write("code/score.py", "import nothing_of_that_name\n")
        r = self.prs("test", "code/score.py", "--input", "in")
        self.assertEqual(r.returncode, 1)
        self.assertIn("pip install nothing_of_that_name", r.stderr)

    def test_a_script_that_writes_nothing(self):
        """The folder that is made for an output of a job file goes, as long as there is nothing in it."""
        self.files(3)
        self.script("def run(mini_batch): return [open(p).read() for p in mini_batch]")
        self.write("job.yml", """
type: parallel
inputs: {texts: {type: uri_folder, path: ./in}}
outputs: {rows: {type: uri_file}, more: {type: uri_folder}}
input_data: ${{inputs.texts}}
mini_batch_size: "2"
task: {type: run_function, code: ./code, entry_script: score.py, append_row_to: "${{outputs.rows}}"}
""")
        temporary = self.path("temporary")
        os.mkdir(temporary)
        r = self.prs("test", "job.yml", env={"TMPDIR": temporary})
        self.assertEqual((r.returncode, r.stdout), (0, "0\n1\n2\n"), r.stderr)
        self.assertNotIn("what the script wrote", r.stderr)
        self.assertEqual(os.listdir(temporary), [])

    def test_own_files_are_kept_apart(self):
        self.files(2)
        self.write("code/score.py", "import os\ndef run(mini_batch):\n    open(os.path.join(os.environ['AZUREML_BI_OUTPUT_PATH'], 'mine'), 'w').close()\n    return mini_batch\n")
        r = self.prs("test", "code/score.py", "--input", "in", "--output-action", "summary_only", "--output", "out")
        self.assertEqual((r.returncode, r.stdout), (0, ""))
        self.assertFalse(os.path.exists(os.path.join(self.dir, "out", "mine")))
        folder = r.stderr.rsplit("what the script wrote is in ", 1)[1].strip()
        self.assertEqual(os.listdir(folder), ["mine"])
        subprocess.run(["rm", "-r", os.path.dirname(folder)], check=True)

    def test_replay(self):
        self.files(20)
        self.write("code/score.py", SCRIPT)
        self.assertEqual(self.run_job("--mini-batch-size", "4", "--run-max-try", "1", "--", "there").returncode, 0)
        self.write("code/score.py", "def run(mini_batch): return []\n")  # the run has its own copy
        os.rename(os.path.join(self.dir, "out.txt"), os.path.join(self.dir, "kept.txt"))
        r = self.prs("replay", "last", "2")
        self.assertEqual(r.returncode, 1)
        self.assertIn("ValueError: bad digit in there", r.stderr)
        r = self.prs("replay", "last", "2", "--item", "1")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("f0009: 9\n", r.stdout)
        self.assertNotIn("f0010", r.stdout)
        self.assertFalse(os.path.exists(os.path.join(self.dir, "out.txt")))
        self.assertIn("0 problems", self.prs("check", "last").stdout)

    def test_each_variable_is_given_once(self):
        """Given twice it is one value for the C library and another for Python. A prs test inside of a prs test has one
        already."""
        self.script("""
            import collections
            def run(mini_batch):
                with open("/proc/self/environ", "rb") as f:
                    pairs = f.read().split(b"\\0")[:-1]
                names = collections.Counter(p.partition(b"=")[0] for p in pairs)
                assert not [n for n, times in names.items() if times > 1], names
                return [p.decode() for p in pairs if p.startswith((b"CUDA_VISIBLE_DEVICES=", b"AZUREML_RUN_ID="))]
        """)
        self.files(2)
        r = self.prs("test", "code/score.py", "--input", "in", "--limit", "1", "--env", "AZUREML_RUN_ID=mine",
                     "--python", sys.executable,  # a shell in front would keep one of each
                     env={"CUDA_VISIBLE_DEVICES": "3,1", "PRS_FOREGROUND": "77,1", "AZUREML_RUN_ID": "other"})
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(sorted(r.stdout.split()), ["AZUREML_RUN_ID=mine", "CUDA_VISIBLE_DEVICES=3"])

    def test_mistakes(self):
        self.files(2)
        self.write("code/score.py", SCRIPT)
        r = self.prs("test", "code/score.py", "--input", "in", "--limit", "none")
        self.assertEqual(r.returncode, 2)
        self.assertIn('--limit: expected a number of mini-batches from 1 on, found "none"', r.stderr)
        self.run_job()
        for words, said in ((("last", "7"), "mini-batches 0 to 0, not 7"), (("last", "x"), "ID: expected a number"),
                            (("last", "0", "--item", "2"), "items 0 to 1, not 2"),
                            (("nothing", "0"), "nothing")):
            r = self.prs("replay", *words)
            self.assertEqual(r.returncode, 2, words)
            self.assertIn(said, r.stderr)

    def test_debugger(self):
        self.files(10)
        self.write("code/score.py", SCRIPT)
        ours, theirs = pty.openpty()
        p = subprocess.Popen([PRS, "test", "code/score.py", "--input", "in", "--pdb"], cwd=self.dir, stdin=theirs,
                             stdout=theirs, stderr=theirs, close_fds=True)
        os.close(theirs)
        seen = b""
        while b"(Pdb)" not in seen:
            self.assertTrue(select.select([ours], [], [], DEADLINE)[0], seen)
            seen += os.read(ours, 4096)
        os.write(ours, b"p 'value of p: ' + p[-5:]\n")
        while b"value of p: f0008" not in seen:
            self.assertTrue(select.select([ours], [], [], DEADLINE)[0], seen)
            seen += os.read(ours, 4096)
        os.write(ours, b"q\n")
        self.assertEqual(p.wait(DEADLINE), 1)
        os.close(ours)
