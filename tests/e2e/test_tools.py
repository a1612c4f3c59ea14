# SPDX-License-Identifier: Apache-2.0
"""prs init, logs, output."""
import glob
import json
import os
import signal
import time

from prs_job import DEADLINE, SCRIPT, JobCase, wait_until
from test_terminal import GATED, begun


class ToolCase(JobCase):
    def gated(self, count=6, script=GATED):
        self.files(count)
        self.script(script % {"dir": self.dir})
        p = self.start("run", "code/score.py", "-i", "in", "-b", "1", "-p", "2", "-o", "out.txt")
        begun(self, 1)
        return p

    def ok(self, *words, status=0):
        r = self.prs(*words)
        self.assertEqual(r.returncode, status, r.stdout + r.stderr)
        return r.stdout


class InitTest(ToolCase):
    def test_what_it_says_works(self):
        said = self.ok("init", "my job")
        commands = [line.split("   ")[0].split()[1:] for line in said.splitlines() if line.startswith("  prs ")]
        self.assertEqual(len(commands), 3)
        self.dir = self.path("my job")
        self.assertIn("no mistakes", self.ok("validate", "job.yml"))
        for words in commands:
            r = self.prs(*words)
            self.assertEqual(r.returncode, 0, r.stderr)
        with open(self.path("counts.txt")) as f, open(self.path("counts2.txt")) as g:
            self.assertEqual(f.read(), "a.txt: 3 words\nb.txt: 2 words\nc.txt: 1 words\n")
            f.seek(0)
            self.assertEqual(g.read(), f.read())

    def test_nothing_is_overwritten(self):
        self.write("mine/job.yml", "mine")
        r = self.prs("init", "mine")
        self.assertEqual(r.returncode, 2)
        self.assertIn("mine/job.yml is there already", r.stderr)
        self.assertEqual(os.listdir(self.path("mine")), ["job.yml"])
        os.makedirs(self.path("half/data"))
        self.ok("init", "half")
        self.assertEqual(self.prs("init", "half").returncode, 2)
        self.assertEqual(self.prs("init", "/proc/x").returncode, 2)


class LogsTest(ToolCase):
    PRINTS = """
        import os, sys
        def init(): print("init of", os.getpid())
        def run(mini_batch):
            print("größe", mini_batch.task_id, flush=True)
            sys.stderr.write("warn %d\\n" % mini_batch.task_id)
            if mini_batch.task_id == 1: raise ValueError("bad one")
            return mini_batch
    """

    def test_a_run_that_has_ended(self):
        self.files(20)
        self.script(self.PRINTS)
        self.assertEqual(self.run_job("-q", "-p", "1").returncode, 0)
        overview = self.ok("logs")
        with open(os.path.join(self.run_dir(), "logs/job_progress_overview.txt")) as f:
            self.assertEqual(overview, f.read())
        self.assertEqual(self.ok("logs", "-f"), overview)
        for word in ("0", "000", "process000"):
            text = self.ok("logs", "--process", word)
            self.assertIn("==> user/stdout/127.0.0.1/process000.stdout.txt <==\ninit of ", text)
            self.assertIn("größe 2\n", text)
            self.assertIn("\n==> user/stderr/127.0.0.1/process000.stderr.txt <==\n", text)
            self.assertIn("warn 2\n", text)
        self.assertIn("bad one", self.ok("logs", "--errors"))
        self.assertEqual(self.ok("logs", "--errors", "--process", "0").count("ValueError: bad one"), 3)
        r = self.prs("logs", "--process", "7")
        self.assertEqual(r.returncode, 2)
        self.assertRegex(r.stderr, r"has no process007 in .*/logs\n$")
        for word in ("x", "", "-1", "process"):
            self.assertIn("--process: expected a number such as 3", self.prs("logs", "--process=" + word).stderr)

    def test_followed(self):
        p = self.gated(script=GATED.replace("open(", "print('now', mini_batch.task_id); open("))
        with open(self.path("followed"), "wb") as out:
            f = self.start("logs", "-f", "--process", "0", stdout=out)
        with open(self.path("overview"), "wb") as out:
            g = self.start("logs", "--follow", stdout=out)
        wait_until(lambda: b"now " in open(self.path("followed"), "rb").read(), "the first line, while it runs")
        self.write("go", "")
        self.assertEqual((p.wait(timeout=DEADLINE), f.wait(timeout=DEADLINE), g.wait(timeout=DEADLINE)), (0, 0, 0))
        with open(self.path("overview")) as f:
            self.assertEqual(f.read(), self.ok("logs"))
        with open(self.path("followed")) as f, open(os.path.join(self.run_dir(),
                                                                 "logs/user/stdout/127.0.0.1/process000.stdout.txt")) as want:
            self.assertIn(want.read(), f.read())


class OutputTest(ToolCase):
    def test_completed(self):
        self.files(20)
        self.script(SCRIPT)
        self.assertEqual(self.run_job("-q").returncode, 0)
        self.assertEqual(self.ok("output"), self.path("out.txt") + "\n")

    def test_partial_at_any_time(self):
        p = self.gated()
        r = self.prs("output", "--partial")
        self.assertEqual(r.returncode, 2)
        self.assertIn("has no rows yet", r.stderr)
        self.write("let_0", "")
        wait_until(lambda: json.loads(self.prs("status", "--json").stdout)["done"] == 1, "mini-batch 0")
        [run] = os.listdir(self.path("runs"))
        path = self.ok("output", "--partial").strip()
        self.assertEqual(path, self.path("runs", run, "outputs/partial.txt"))
        first = self.path("in/f0000") + "\n"
        with open(path) as f:
            self.assertEqual(f.read(), first)
        p.kill()
        p.wait()
        r = self.prs("output")
        self.assertEqual(r.returncode, 2)
        self.assertIn("is interrupted: it has no output. prs output %s --partial" % run, r.stderr)
        self.assertEqual(self.ok("output", "--partial"), path + "\n")  # again: replaced
        self.ok("output", "--partial", "--output", "so-far.txt")
        with open(self.path("so-far.txt")) as f:
            self.assertEqual(f.read(), first)
        self.write("so-far.txt", "mine")
        r = self.prs("output", "--partial", "--output", "so-far.txt")
        self.assertEqual(r.returncode, 2)
        self.assertIn("so-far.txt exists", r.stderr)
        self.ok("output", "--partial", "--output", "so-far.txt", "--overwrite")
        self.assertEqual([n for n in os.listdir(self.path("runs", run)) if n.startswith("index")], [])
        self.write("go", "")
        self.assertEqual(self.prs("resume").returncode, 0)  # it was not changed
        self.assertEqual(len(self.output().splitlines()), 6)

    def test_two_partial_outputs_at_the_same_time(self):
        """Neither takes the other's file away, also when both have the same name."""
        self.files(20)
        self.script(SCRIPT)
        self.assertEqual(self.run_job("-q").returncode, 0)
        for other in ("other.txt", "first.txt"):
            first, pid = self.stop_at("store.assemble.before_rename", 1, "output", "--partial", "--output", "first.txt",
                                      "--overwrite")
            self.ok("output", "--partial", "--output", other, "--overwrite")
            self.assertTrue(glob.glob(self.path(".prs-*.tmp")))
            os.kill(pid, signal.SIGCONT)
            self.assertEqual(first.wait(timeout=DEADLINE), 0, self.said())
            for path in (self.path("first.txt"), self.path(other)):
                with open(path) as f:
                    self.assertEqual(f.read(), self.output())
            self.assertEqual(glob.glob(self.path(".prs-*.tmp")), [])

    def test_what_a_killed_partial_output_left(self):
        self.files(20)
        self.script(SCRIPT)
        self.assertEqual(self.run_job("-q").returncode, 0)
        first, _ = self.stop_at("store.assemble.before_rename", 1, "output", "--partial", "--output", "first.txt")
        [left] = glob.glob(self.path(".prs-*.tmp"))
        os.utime(left, (1, 1))
        self.ok("output", "--partial", "--output", "other.txt")
        self.assertEqual(glob.glob(self.path(".prs-*.tmp")), [left])  # it lives
        first.kill()
        first.wait()
        os.utime(left)
        self.ok("output", "--partial", "--output", "other.txt", "--overwrite")
        self.assertEqual(glob.glob(self.path(".prs-*.tmp")), [left])  # perhaps of another machine, and at work
        os.utime(left, (1, 1))
        self.ok("output", "--partial", "--output", "other.txt", "--overwrite")
        self.assertEqual(glob.glob(self.path(".prs-*.tmp")), [])

    def test_partial_of_a_failed_run(self):
        self.files(20)
        self.script("""
            def run(mini_batch):
                if mini_batch.task_id == 1: raise ValueError("x")
                return [str(mini_batch.task_id)] * len(mini_batch)
        """)
        self.assertEqual(self.run_job("-q", "--error-threshold", "0", "-p", "1").returncode, 1)
        with open(self.ok("output", "--partial").strip()) as f:
            self.assertEqual(f.read().split()[:7], ["0"] * 7)

    def test_damaged_rows(self):
        self.files(20)
        self.script(SCRIPT)
        self.run_job("-q", kill="store.assemble.before_rename:1")
        seg = [os.path.join(d, n) for d, _, names in os.walk(self.path("runs")) for n in names if n.endswith(".seg")
               and os.path.getsize(os.path.join(d, n)) > 64]
        with open(seg[0], "r+b") as f:
            f.seek(150)
            f.write(b"#")
        r = self.prs("output", "--partial")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertRegex(r.stderr, r"warning: the rows of 1 mini-batch are damaged and left out \(mini-batch \d: ")
        with open(r.stdout.strip()) as f:
            self.assertIn(len(f.readlines()), (13, 14))
