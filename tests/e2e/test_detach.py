# SPDX-License-Identifier: Apache-2.0
"""prs run --detach, prs resume --detach: the command comes back when the job runs, and the job does not need its
terminal."""
import json
import os
import pty
import re
import signal
import subprocess

from prs_job import DEADLINE, PRS, JobCase, read_proc, state_of, wait_until

GATED = """
    import os, time
    def init():
        open("%(dir)s/up", "w").close()
    def run(mini_batch):
        while not os.path.exists("%(dir)s/go"):
            time.sleep(0.005)
        return ["%%s: %%s" %% (os.path.basename(p), open(p).read()) for p in mini_batch]
"""
WORDS = ("run", "code/score.py", "-i", "in", "-o", "out.txt", "-p", "1", "--python", "/usr/bin/python3")


class DetachTest(JobCase):
    def setUp(self):
        super().setUp()
        self.want = self.files(12)
        self.script(GATED % {"dir": self.dir})

    def begin(self, *words):
        r = self.prs(*words)
        self.assertEqual(r.returncode, 0, r.stderr)
        pid = int(re.search(r"It goes on without this terminal, as process (\d+)\n", r.stderr).group(1))
        self.addCleanup(self.end_engine, pid)
        return r.stderr, pid

    def end_engine(self, pid):
        if not self.is_gone(pid) and b"--detach" in read_proc(pid, "cmdline"):
            os.kill(pid, signal.SIGKILL)

    def is_gone(self, pid):
        return (state_of(pid) or ("Z",))[0] == "Z"

    def screen(self):
        [run] = os.listdir(self.path("runs"))
        with open(self.path("runs/%s/logs/detached.txt" % run), encoding="utf-8") as f:
            return f.read()

    def finish(self, pid):
        self.write("go", "")
        wait_until(lambda: self.is_gone(pid), "the end of the engine")
        self.assertEqual(self.output(), self.want)
        self.assertIn("Completed: ", self.screen())

    def test_it_comes_back_while_the_job_runs(self):
        said, pid = self.begin(*WORDS, "--detach")
        [run] = os.listdir(self.path("runs"))
        self.assertTrue(said.startswith(run + " in runs\n  score.py on in; 1 process of "), said)
        self.assertTrue(said.endswith(
            "It goes on without this terminal, as process %d\n"
            "  follow        prs status %s --watch\n"
            "  stop          kill %d (then prs resume goes on)\n"
            "  cancel        prs cancel %s\n"
            "  screen        runs/%s/logs/detached.txt\n" % (pid, run, pid, run, run)), said)
        wait_until(lambda: os.path.exists(self.path("up")), "init()")
        self.assertEqual(os.getsid(pid), pid)
        self.assertEqual([os.readlink("/proc/%d/fd/%d" % (pid, fd)) for fd in range(3)],
                         ["/dev/null"] + 2 * [self.path("runs/%s/logs/detached.txt" % run)])
        self.assertIn(": running\n", self.prs("status").stdout)
        self.finish(pid)

    def test_a_terminal_that_closes(self):
        leader, terminal = pty.openpty()
        r = subprocess.run([PRS] + list(WORDS) + ["--detach"], cwd=self.dir, stdin=terminal, stdout=terminal,
                           stderr=terminal, start_new_session=True, timeout=DEADLINE)
        os.close(terminal)
        self.assertEqual(r.returncode, 0)
        said = b""
        while b"detached.txt\r\n" not in said:
            said += os.read(leader, 4096)
        os.close(leader)
        pid = int(re.search(rb"as process (\d+)\r\n", said).group(1))
        self.finish(pid)

    def test_watch_follows_it(self):
        _, pid = self.begin(*WORDS, "--detach")
        p = self.start("status", "--watch", "--json", stdout=subprocess.PIPE)
        seen = json.loads(p.stdout.readline())
        self.assertEqual((seen["ok"], seen["done"]), (True, 0))
        self.finish(pid)
        rest = p.stdout.read().splitlines()
        self.assertEqual(p.wait(DEADLINE), 0)
        self.assertEqual(json.loads(rest[-1])["state"], "completed")

    def test_kill_and_resume_detached(self):
        _, pid = self.begin(*WORDS, "--detach")
        wait_until(lambda: os.path.exists(self.path("up")), "init()")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.is_gone(pid), "the end of the engine")
        said, pid = self.begin("resume", "--detach")
        self.assertIn("It goes on without this terminal", said)
        self.finish(pid)

    def test_what_is_wrong_is_said_here(self):
        r = self.prs("run", "code/score.py", "-i", "nowhere", "--detach")
        self.assertEqual((r.returncode, r.stderr),
                         (2, "prs: --input nowhere: no such folder or file\n"))
        self.assertFalse(os.path.exists(self.path("runs")))
        self.write("go", "")
        self.run_job()
        r = self.prs("resume", "--detach")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("is completed: there is nothing to resume", r.stderr)
        self.assertNotIn("goes on without", r.stderr)

    def test_a_job_that_does_not_start_gives_its_own_status(self):
        self.write("code/score.py", "def run(mini_batch): raise ValueError('no')\n")
        self.assertEqual(self.run_job("--error-threshold", "0").returncode, 1)
        r = self.prs("resume", "--detach")
        self.assertEqual(r.returncode, 1)
        self.assertIn("--retry-failed", r.stderr)
        with open(os.path.join(self.run_dir(), "code", "score.py"), "a") as f:
            f.write("# another\n")
        r = self.prs("resume", "--detach", "--retry-failed")
        self.assertEqual((r.returncode, "code/score.py" in r.stderr), (2, True), r.stderr)
        self.assertNotIn("goes on without", r.stderr)

    def test_for_programs_one_line(self):
        r = self.prs(*WORDS, "--detach", "--json")
        self.assertEqual(r.returncode, 0, r.stderr)
        line = json.loads(r.stdout.splitlines()[-1])
        self.addCleanup(self.end_engine, line["pid"])
        [run] = os.listdir(self.path("runs"))
        self.assertEqual(line, {"type": "detached", "run": run, "dir": self.path("runs/" + run), "pid": line["pid"]})
        self.finish(line["pid"])
