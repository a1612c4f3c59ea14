# SPDX-License-Identifier: Apache-2.0
"""The program on a terminal (a pty), as a person sees it: the live line, its width, colours, Ctrl-C once and twice,
signals."""
import fcntl
import glob
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
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


def begun(case, number):
    """Waits until that mini-batch runs, and all before it: two processes begin in any order."""
    for i in range(number + 1):
        wait_until(lambda: os.path.exists(case.path("at_%d" % i)), "mini-batch %d" % i)


class Terminal:
    def __init__(self, case, words, columns=80, env=None, program=(PRS,), without=None):
        self.master, slave = pty.openpty()
        self.resize(columns)
        environment = dict(os.environ, **dict({"TERM": "xterm"}, **(env or {})))
        environment.pop("NO_COLOR", None) if not env or "NO_COLOR" not in env else None
        self.text = ""
        streams = {name: subprocess.DEVNULL if i == without else slave
                   for i, name in enumerate(("stdin", "stdout", "stderr"))}
        self.process = subprocess.Popen([*program, *words], cwd=case.dir, env=environment, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(2, termios.TIOCSCTTY, 0), **streams)
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


class GatedCase(JobCase):
    def run_gated(self, count=6, **more):
        self.files(count)
        self.script(GATED % {"dir": self.dir})
        return Terminal(self, ("run", "code/score.py", "-i", "in", "-b", "1", "-p", "2", "-o", "out.txt"), **more)

    def allow(self, name):
        self.write(name, "")

    def at(self, number):
        begun(self, number)


class TerminalTest(GatedCase):
    def test_live_line(self):
        t = self.run_gated()
        t.wait_for(r"0/6 items.*busy 2/2")
        self.allow("let_0")
        self.allow("let_1")
        here = t.wait_for(r"\r[^\n]*2/6 items")
        self.assertIn("\033[32m", t.text)  # a green bar
        t.resize(40)
        self.allow("let_2")
        here = t.wait_for(r"3/6", here)
        narrow = t.text[here - 30:here + 30]
        self.assertNotIn("items", narrow)  # no room for the word
        t.resize(80)
        self.allow("go")
        self.assertEqual(t.finish(), 0)
        for line in re.split(r"[\r\n]+", visible(t.text)):
            self.assertLessEqual(len(line.rstrip()), 80, line)
        last = visible(t.text.rsplit("\r\033[K", 1)[1])
        self.assertRegex(last, r"^Completed: 6 mini-batches, 6 items in .*\r\n  output        out.txt \(6 rows, .*\r\n  logs          runs/.*/logs\r\n$")

    def test_the_bar_is_what_the_terminal_has(self):
        """Eighths of a cell where it has UTF-8, else ASCII. LC_ALL wins over LANG."""
        none = {"LC_ALL": "", "LC_CTYPE": "", "LANG": ""}
        for env, bar in ((dict(none, LANG="de_DE.UTF-8"), "[\u2588\u258f"), (dict(none, LANG="C"), "[###"),
                         (dict(none, LC_ALL="C", LANG="C.utf8"), "[###"), (none, "[###"),
                         (dict(none, LC_CTYPE="C.utf8", TERM="linux"), "[###")):
            with self.subTest(env):
                self.clean()
                for name in glob.glob(self.path("*t_*")) + glob.glob(self.path("go")):
                    os.remove(name)
                t = self.run_gated(env=env, count=9)
                self.allow("let_0")
                self.allow("let_1")
                t.wait_for(r"2/9 items")
                self.assertRegex(visible(t.text), re.escape(bar[:2]) + "[^]]*\\]  22%  2/9 items")
                self.assertEqual("#" in t.text, "#" in bar)
                self.allow("go")
                self.assertEqual(t.finish(), 0)

    def test_quiet(self):
        """The end alone: no head, no live line, no traceback on the way, no warning before it."""
        self.files(4)
        self.script("def run(mini_batch):\n    if mini_batch.task_id == 1: raise ValueError('x')\n    return mini_batch\n")
        t = Terminal(self, ("run", "code/score.py", "-i", "in", "-b", "2", "-p", "2", "-o", "out.txt", "-q",
                            "--run-max-try", "1"))
        self.assertEqual(t.finish(), 0)
        self.assertRegex(visible(t.text), r"^Completed, [^\n]*\r\n  failed        1 mini-batch, 2 items\r\n"
                                          r"  errors        1 x RUN_EXCEPTION: ValueError: x\r\n  output ")
        t = Terminal(self, ("run", "code/score.py", "-i", "in", "-b", "2", "-p", "1", "-o", "more.txt", "-q",
                            "--run-max-try", "1", "--error-threshold", "0"))
        self.assertEqual(t.finish(), 1)
        self.assertRegex(visible(t.text), r"^The script failed\r\n(    .*\r\n)*    ValueError: x\r\nFailed: ")

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
        t = Terminal(self, ("run", "code/score.py", "-i", "in", "-b", "1", "-p", "2", "-o", "out.txt",
                            "--run-max-try", "1"))
        t.wait_for(r"ValueError: größer \\x1b\[2J bad")  # it does not drive the terminal
        self.assertNotIn("\033[2J", t.text)
        t.wait_for(r"\r.*/4 items.*failed 1")
        self.allow("go")
        self.assertEqual(t.finish(), 0)
        self.assertEqual(visible(t.text).count("    ValueError: gr"), 1)
        self.assertEqual(visible(t.text).count("  errors        1 x RUN_EXCEPTION: ValueError: gr"), 1)
        self.assertIn("Completed, with failures", visible(t.text))
        self.assertIn("failed items  runs/", visible(t.text))

    def test_ctrl_c(self):
        t = self.run_gated()
        self.at(1)
        t.wait_for("busy 2/2")
        t.type("\x03")
        here = t.wait_for(r"stopping: mini-batches that are running have 20 s to finish; Ctrl-C again\s+stops\s+at\s+once")
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
        t.wait_for(r"Ctrl-C again\s+stops\s+at\s+once")
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


class KeyTest(GatedCase):
    """Keys while a job runs: what they show, and that the terminal is as it was on every way out."""

    def modes(self, t):
        """Does the terminal edit lines, and does it echo? (The other end of a pty has the same modes.)"""
        flags = termios.tcgetattr(t.master)[3]
        return bool(flags & termios.ICANON), bool(flags & termios.ECHO)

    def keys_are_read(self, t):
        def look():
            t.read()
            return self.modes(t) == (False, False)
        wait_until(look, "keys that are read one by one")

    def put_back(self, t, status):
        end = time.monotonic() + DEADLINE
        while t.process.poll() is None and time.monotonic() < end:
            t.read()
        self.assertEqual(t.process.returncode, status, t.text)
        self.assertEqual(termios.tcgetattr(t.master), self.before)
        t.finish()

    def run_gated(self, **more):
        t = super().run_gated(**more)
        self.before = termios.tcgetattr(t.master)
        self.assertEqual(self.modes(t), (True, True))
        self.keys_are_read(t)
        return t

    def test_p_shows_the_processes(self):
        for key in ("p", " "):
            with self.subTest(key):
                self.clean()
                for name in glob.glob(self.path("*t_*")) + glob.glob(self.path("go")):
                    os.remove(name)
                t = self.run_gated()
                self.at(1)
                t.wait_for(r"busy 2/2  \033\[2mp: processes")
                t.type(key)
                here = t.wait_for(r"waits for [^\r]*\r\n  PROCESS     STATE     PHASE          SINCE  MINI-BATCH  QUEUED\r\n")
                here = t.wait_for(r"  process000  busy      run [ .0-9:]+ s? +[01] .*\r\n  process001  busy      run .*\r\n", here)
                here = t.wait_for("busy 2/2", here)
                t.type("q\x1b[A\r\nxyz\t\x04\x11\x13\x11")  # nobody's keys
                self.allow("let_0")
                t.wait_for("1/6 items", here)
                self.assertNotIn("p: processes", t.text[here:])  # known by now
                self.assertNotIn("PROCESS", t.text[here:])
                self.allow("go")
                self.put_back(t, 0)
                self.assertEqual(len(self.output().splitlines()), 6)

    def test_last_error(self):
        self.files(4)
        self.script("""
            import os, time
            def run(mini_batch):
                if mini_batch.task_id == 0: raise ValueError("the \033[2J cause")
                while not os.path.exists(%r): time.sleep(0.01)
                return mini_batch
        """ % self.path("go"))
        t = Terminal(self, ("run", "code/score.py", "-i", "in", "-b", "1", "-p", "2", "-o", "out.txt",
                            "--run-max-try", "1"))
        t.wait_for("failed 1")
        t.type("p")
        t.wait_for(r"last error: mini-batch 0, try 1, process00. on 127.0.0.1: ValueError: the\s+\\x1b\[2J\s+cause\r\n")
        self.allow("go")
        self.assertEqual(t.finish(), 0)

    def test_every_way_out(self):
        ways = [("go", 0)] + [(s, 4) for s in ("int", "term")] + [(s, -s)
                                                                  for s in (signal.SIGABRT, signal.SIGUSR1, signal.SIGALRM)]
        for way, status in ways:
            with self.subTest(way):
                self.clean()
                for name in glob.glob(self.path("*t_*")) + glob.glob(self.path("go")):
                    os.remove(name)
                t = self.run_gated()
                self.at(1)
                if way == "go":
                    self.allow("go")
                elif way == "int":
                    t.type("\x03")
                    t.wait_for(r"Ctrl-C again\s+stops\s+at\s+once")
                    t.type("\x03")
                elif way == "term":
                    t.process.terminate()
                    t.wait_for("stopping: mini-batches that are running")
                    self.allow("go")
                else:
                    t.process.send_signal(way)
                self.put_back(t, status)

    def test_a_process_crashes(self):
        self.files(6)
        self.script("import os\ndef run(mini_batch):\n    os.kill(os.getpid(), 11 if mini_batch.task_id else 0)\n    return mini_batch\n")
        t = Terminal(self, ("run", "code/score.py", "-i", "in", "-b", "1", "-p", "2", "-o", "out.txt",
                            "--run-max-try", "1"))
        self.before = termios.tcgetattr(t.master)
        self.put_back(t, 0)

    def test_no_keys(self):
        """Stdin is no terminal, or the output goes elsewhere: the terminal is left alone."""
        self.files(6)
        self.script(GATED % {"dir": self.dir})
        for number in (0, 1):
            self.clean()
            t = Terminal(self, ("run", "code/score.py", "-i", "in", "-b", "1", "-p", "2", "-o", "out.txt"),
                         without=number)
            t.wait_for("busy 2/2")
            self.at(1)
            self.assertEqual(self.modes(t), (True, True))
            self.allow("go")
            self.assertEqual(t.finish(), 0)
            self.assertNotIn("p: processes", t.text)
            for name in glob.glob(self.path("*t_*")) + glob.glob(self.path("go")):
                os.remove(name)

    def test_dumb_and_without_color(self):
        t = self.run_gated(env={"NO_COLOR": "1"})
        t.wait_for("busy 2/2  p: processes")
        t.type("p")
        t.wait_for("PROCESS")
        self.assertFalse(re.search(r"\033\[[0-9;]*m", t.text))
        self.allow("go")
        self.put_back(t, 0)
        self.clean()
        t = Terminal(self, ("run", "code/score.py", "-i", "in", "-b", "1", "-o", "out.txt"), env={"TERM": "dumb"})
        self.assertEqual(t.finish(), 0)
        self.assertNotIn("p: processes", t.text)

    def test_narrow(self):
        t = self.run_gated(columns=40)
        self.at(1)
        t.resize(40)
        t.type("p")
        t.wait_for("process001 ")
        t.resize(30)
        t.type("p")
        here = t.wait_for("process001 ", t.wait_for("PROCESS", len(t.text)))
        self.allow("go")
        self.put_back(t, 0)
        table = [line for line in re.split(r"[\r\n]+", visible(t.text[:here]))
                 if line.lstrip().startswith(("process0", "PROCESS"))]
        self.assertLessEqual(max(len(line) for line in table), 40)

    def test_two_on_one_terminal(self):
        """Side by side in one process group (of a script): only one reads, and the last one leaves the modes as the
        first one found them."""
        self.files(1)
        self.script("""
            import os, sys, time
            def run(mini_batch):
                open(os.path.join(%(dir)r, "at_" + sys.argv[-5]), "w").close()
                while not os.path.exists(os.path.join(%(dir)r, "let_" + sys.argv[-5])):
                    time.sleep(0.01)
                return mini_batch
        """ % {"dir": self.dir})
        both = """if True:
            import os, subprocess, sys, time
            one = subprocess.Popen(sys.argv[1:] + ["one"])
            while not os.path.exists("second"): time.sleep(0.01)
            two = subprocess.Popen(sys.argv[1:] + ["two"])
            sys.exit(one.wait() or two.wait())
        """
        t = Terminal(self, (both, PRS, "run", "code/score.py", "-i", "in", "-p", "1", "--"),
                     program=(sys.executable, "-c"))
        self.before = termios.tcgetattr(t.master)
        self.keys_are_read(t)
        t.wait_for("busy 1/1")  # the first one's line; what follows looks for both
        self.allow("second")
        wait_until(lambda: t.read() and os.path.exists(self.path("at_two")), "the second job")
        t.wait_for(r"(?s)busy 1/1.* in runs\r\n.*busy 1/1")
        self.allow("let_one")
        t.wait_for("Completed")
        self.keys_are_read(t)  # by the other one, now or already
        self.allow("let_two")
        self.put_back(t, 0)

    def shell(self):
        """A shell with job control on a terminal of its own; nothing is running in it."""
        self.files(6)
        self.script(GATED % {"dir": self.dir})
        t = Terminal(self, (), program=["bash", "--norc", "--noprofile", "--noediting", "-i"],
                     env={"PS1": "$ ", "HISTFILE": ""})
        t.wait_for(r"\$ ")
        self.before = termios.tcgetattr(t.master)
        return t

    RUN = PRS + " run code/score.py -i in -b 1 -p 2 -o out.txt"

    def test_stop_and_go_on(self):
        t = self.shell()
        t.type(self.RUN + "\n")
        self.keys_are_read(t)
        self.at(1)
        t.type("\x1a")
        here = t.wait_for("Stopped")
        t.wait_for(r"\$ ", here)
        self.assertEqual(self.modes(t), (True, True))
        t.type("fg\n")
        self.keys_are_read(t)
        here = len(t.text)
        t.type("p")
        here = t.wait_for("process001", here)
        t.type("\x1a")
        here = t.wait_for("Stopped", here)
        t.type("bg\n")
        here = t.wait_for(r"&\r\n", here)
        self.allow("let_0")
        self.allow("let_1")
        self.at(3)  # it goes on in the background; it neither reads nor draws
        self.assertEqual(self.modes(t), (True, True))
        t.type("p\n")
        here = t.wait_for("command not found", here)
        self.assertNotIn("busy", t.text[here:])
        t.type("fg\n")
        self.keys_are_read(t)
        self.allow("go")
        here = t.wait_for(r"Completed\S*: 6 mini-batches", here)
        t.wait_for(r"\$ ", here)
        self.assertEqual(termios.tcgetattr(t.master), self.before)
        t.type("exit\n")
        t.finish()

    def test_in_the_background(self):
        t = self.shell()
        t.type(self.RUN + " &\n")
        self.at(1)
        self.assertEqual(self.modes(t), (True, True))
        t.type("jobs\n")
        t.wait_for(r"Running +")
        self.allow("go")
        t.wait_for(r"Completed\S*: 6 mini-batches")
        self.assertNotIn("busy 2/2", t.text)
        self.assertEqual(termios.tcgetattr(t.master), self.before)
        t.type("exit\n")
        t.finish()


class SignalTest(JobCase):
    def running(self, **more):
        self.files(6)
        self.script(GATED % {"dir": self.dir})
        p = self.start("run", "code/score.py", "-i", "in", "-b", "1", "-p", "2", "-o", "out.txt", **more)
        begun(self, 1)
        return p

    def test_terminated(self):
        p = self.running()
        p.terminate()
        wait_until(lambda: "stopping: mini-batches that are running have 20 s to finish\n" in self.said(), "the sentence")
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
