# SPDX-License-Identifier: Apache-2.0
"""The program on a terminal (a pty), as a person sees it: the live line, its width, colours, Ctrl-C once and twice, signals."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from prs_job import DEADLINE, PRS, SCRIPT, JobCase, wait_until

# Every mini-batch waits for a file of its number, or for "go".
GATED = """
    import os, time
    def run(mini_batch):
        open(os.path.join(%(dir)r, "at_%%d" %% mini_batch.task_id), "w").close()
        while not os.path.exists(os.path.join(%(dir)r, "let_%%d" %% mini_batch.task_id)) and not os.path.exists(os.path.join(%(dir)r, "go")):
            time.sleep(0.01)
        return mini_batch
"""
ESCAPES = re.compile(r"\033\[[0-9;]*[A-Za-z]")


def visible(text):
    return ESCAPES.sub("", text)


class Terminal:
    def __init__(self, case, words, columns=80, env=None):
        self.master, slave = pty.openpty()
        self.resize(columns)
        environment = dict(os.environ, **dict({"TERM": "xterm"}, **(env or {})))
        environment.pop("NO_COLOR", None) if not env or "NO_COLOR" not in env else None
        self.text = ""
        self.process = subprocess.Popen([PRS, *words], cwd=case.dir, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        case.addCleanup(case.end, self.process)

    def resize(self, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def read(self):
        if not select.select([self.master], [], [], 0.05)[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.text += data.decode("utf-8", "replace")
        return bool(data)

    def wait_for(self, pattern, after=0):
        """Read until the pattern is there; where it ends."""
        end = time.monotonic() + DEADLINE
        while True:
            found = re.compile(pattern).search(self.text, after)
            if found:
                return found.end()
            if not self.read() or time.monotonic() > end:
                raise AssertionError("%r did not come after %r" % (pattern, self.text[after:]))

    def type(self, text):
        os.write(self.master, text.encode())

    def finish(self):
        end = time.monotonic() + DEADLINE
        while self.read() and time.monotonic() < end:
            pass
        os.close(self.master)
        return self.process.wait(timeout=DEADLINE)


class TerminalTest(JobCase):
    def run_gated(self, count=6, **more):
        self.files(count)
        self.script(GATED % {"dir": self.dir})
        return Terminal(self, ("run", "code/score.py", "-i", "in", "-b", "1", "-p", "2", "-o", "out.txt"), **more)

    def allow(self, name):
        self.write(name, "")

    def at(self, number):
        wait_until(lambda: os.path.exists(self.path("at_%d" % number)), "mini-batch %d" % number)

    def test_live_line(self):
        t = self.run_gated()
        t.wait_for(r"0/6 mini-batches.*busy 2/2")
        self.allow("let_0")
        self.allow("let_1")
        here = t.wait_for(r"\r[^\n]*2/6 mini-batches")
        self.assertIn("\033[32m", t.text)  # a green bar
        t.resize(40)
        self.allow("let_2")
        here = t.wait_for(r"3/6", here)
        narrow = t.text[here - 30:here + 30]
        self.assertNotIn("mini-batches", narrow)  # no room for the word
        self.allow("go")
        self.assertEqual(t.finish(), 0)
        for line in re.split(r"[\r\n]+", visible(t.text)):
            self.assertLessEqual(len(line.rstrip()), 80, line)
        last = visible(t.text.rsplit("\r\033[K", 1)[1])
        self.assertRegex(last, r"^Completed: 6 mini-batches, 6 items in .*\r\n  output        out.txt \(6 rows, .*\r\n  logs          runs/.*/logs\r\n$")

    def test_no_color(self):
        for env, has in (({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)):
            self.clean()
            self.files(3)
            self.script(SCRIPT)
            t = Terminal(self, self.words, env=env)
            self.assertEqual(t.finish(), 0)
            self.assertEqual(bool(re.search(r"\033\[[0-9;]*m", t.text)), has)

    def test_dumb_terminal(self):
        self.files(3)
        self.script(SCRIPT)
        t = Terminal(self, self.words, env={"TERM": "dumb"})
        self.assertEqual(t.finish(), 0)
        self.assertNotIn("\033", t.text)
        self.assertIn("Completed: 1 mini-batch", t.text)

    def test_traceback_as_it_happens(self):
        self.files(4)
        self.script("""
            import os, time
            def run(mini_batch):
                if mini_batch.task_id == 0: raise ValueError("größer \\033[2J bad")
                while not os.path.exists(%r): time.sleep(0.01)
                return mini_batch
        """ % self.path("go"))
        t = Terminal(self, ("run", "code/score.py", "-i", "in", "-b", "1", "-p", "2", "-o", "out.txt", "--run-max-try", "1"))
        t.wait_for(r"ValueError: größer \\x1b\[2J bad")  # it does not drive the terminal
        self.assertNotIn("\033[2J", t.text)
        t.wait_for(r"\r.*/4 mini-batches.*failed 1")
        self.allow("go")
        self.assertEqual(t.finish(), 0)
        self.assertEqual(visible(t.text).count("ValueError: gr"), 1)
        self.assertIn("Completed, with failures", visible(t.text))
        self.assertIn("failed items  runs/", visible(t.text))

    def test_ctrl_c(self):
        t = self.run_gated()
        self.at(1)
        t.wait_for("busy 2/2")
        t.type("\x03")
        here = t.wait_for(r"stopping: what runs may finish, for 20 s at most; Ctrl-C again stops at once")
        t.wait_for(r"stopping", here)  # the live line goes on and says so
        self.allow("go")
        self.assertEqual(t.finish(), 4)
        said = visible(t.text)
        self.assertRegex(said, r"Interrupted: 2 of 6 mini-batches done, nothing is lost\r\n")
        [command] = re.findall(r"  next          (prs resume \S+)\r\n", said)
        r = self.prs(*command.split()[1:])
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(len(self.output().splitlines()), 6)
        self.assertEqual(len(self.journal("TRY")), 0)  # a stop costs no try

    def test_ctrl_c_twice(self):
        t = self.run_gated()
        self.at(1)
        t.type("\x03")
        t.wait_for("Ctrl-C again stops at once")
        t.type("\x03")
        self.assertEqual(t.finish(), 4)
        self.assertIn("Interrupted: 0 of 6 mini-batches done", visible(t.text))
        self.check_no_strays()
        self.allow("go")
        self.assertEqual(self.prs("resume").returncode, 0)
        self.assertEqual(len(self.output().splitlines()), 6)

    def test_the_terminal_is_closed(self):
        t = self.run_gated()
        self.at(1)
        os.close(t.master)  # SIGHUP
        self.allow("go")
        self.assertEqual(t.process.wait(timeout=DEADLINE), 4)
        self.assertEqual(self.prs("resume").returncode, 0)
        self.assertEqual(len(self.output().splitlines()), 6)


class SignalTest(JobCase):
    def running(self, **more):
        self.files(6)
        self.script(GATED % {"dir": self.dir})
        p = self.start("run", "code/score.py", "-i", "in", "-b", "1", "-p", "2", "-o", "out.txt", **more)
        wait_until(lambda: os.path.exists(self.path("at_1")), "mini-batch 1")
        return p

    def test_terminated(self):
        p = self.running()
        p.terminate()
        wait_until(lambda: "stopping: what runs may finish, for 20 s at most\n" in self.said(), "the sentence")
        self.write("go", "")
        self.assertEqual(p.wait(timeout=DEADLINE), 4)
        self.assertIn("prs resume score-", self.said())
        self.assertEqual(self.prs("resume").returncode, 0)

    def test_grace_is_over(self):
        p = self.running()
        p.kill()
        p.wait()
        os.remove(self.path("at_1"))
        p = self.start("resume", "--grace", "0.2")
        wait_until(lambda: os.path.exists(self.path("at_1")), "mini-batch 1")
        p.send_signal(signal.SIGINT)
        self.assertEqual(p.wait(timeout=DEADLINE), 4)
        self.check_no_strays()

    def test_ignored_signals_stay_ignored(self):
        """nohup, or a background job of a script."""
        def ignore():
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        p = self.running(preexec_fn=ignore)
        p.send_signal(signal.SIGHUP)
        p.send_signal(signal.SIGINT)
        self.write("go", "")
        self.assertEqual(p.wait(timeout=DEADLINE), 0)
        self.assertNotIn("stopping", self.said())
