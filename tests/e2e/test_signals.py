# SPDX-License-Identifier: Apache-2.0
"""Signals to the engine at every moment of a job, pipes that nobody reads: the run can be resumed, nothing is
charged."""
import os
import signal
import time

from prs_job import DEADLINE, JobCase, gate, wait_until

GATED = """
    import os, time
    ROOT = %r
    def run(mini_batch):
        if mini_batch.task_id >= 2:
            open(os.path.join(ROOT, "started-%%d" %% mini_batch.task_id), "w").close()
            while not os.path.exists(os.path.join(ROOT, "go")): time.sleep(0.001)
        return ["%%s: %%s" %% (os.path.basename(p), open(p).read()) for p in mini_batch]
"""


class SignalCase(JobCase):
    def gated(self, count=70):
        """Ten mini-batches; from the third on they wait for the file `go`."""
        self.want = self.files(count)
        self.script(GATED % self.dir)

    def go(self):
        self.write("go", "")

    def running(self, p):
        wait_until(lambda: p.poll() is not None or len(self.started()) == 2, "two mini-batches run")
        self.assertIsNone(p.returncode, self.said())

    def started(self):
        return [int(name[8:]) for name in os.listdir(self.dir) if name.startswith("started-")]

    def ends_resumable(self, p, *words):
        self.assertEqual(p.wait(DEADLINE), 4, self.said())
        said = self.said()
        for word in words + ("prs resume",):
            self.assertIn(word, said)
        self.check_no_strays()

    def resumed(self):
        self.go()
        r = self.prs("resume", "last")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), self.want)
        self.assertEqual(self.journal("TRY"), [])
        done = [f["id"] for f in self.journal("DONE")]
        self.assertEqual(sorted(done), list(range(len(done))))
        self.check_no_strays()

    def done(self):
        return sorted(f["id"] for f in self.journal("DONE"))


class RunningTest(SignalCase):
    """While mini-batches run."""

    def drain(self, number, *words, options=()):
        """What runs may finish; nothing new is begun."""
        self.gated()
        p = self.start(*self.words, *options)
        self.running(p)
        p.send_signal(number)
        wait_until(lambda: "stopping" in self.said(), "the engine says that it stops")
        self.go()
        self.ends_resumable(p, *words)
        self.assertEqual(self.done(), sorted([0, 1] + self.started()), self.journal())
        self.resumed()

    def test_int(self):
        self.drain(signal.SIGINT, "mini-batches that are running have 20 s to finish")

    def test_term(self):
        """--grace is for Ctrl-C."""
        self.drain(signal.SIGTERM, "mini-batches that are running have 20 s to finish", options=("--grace", "86400"))

    def test_hup(self):
        self.drain(signal.SIGHUP, "mini-batches that are running have 20 s to finish", options=("--grace", "86400"))

    def test_int_with_a_grace(self):
        self.gated()
        p = self.start(*self.words, "--grace", "0.5")
        self.running(p)
        p.send_signal(signal.SIGINT)
        self.ends_resumable(p, "mini-batches that are running have 0.5 s to finish")
        self.assertEqual(self.done(), [0, 1])
        self.resumed()

    def test_stopped_during_the_grace(self):
        """Time that the engine did not see is not held against the grace either."""
        self.gated()
        p = self.start(*self.words, "--grace", "8")
        self.running(p)
        p.send_signal(signal.SIGINT)
        wait_until(lambda: "stopping" in self.said(), "the engine says that it stops")
        p.send_signal(signal.SIGSTOP)
        time.sleep(11)  # longer than the grace and the engine's own interval of looking (2 s) together
        p.send_signal(signal.SIGCONT)
        self.prs("why")  # it has looked at its clock when it answers
        self.go()
        self.ends_resumable(p)
        self.assertEqual(self.done(), sorted([0, 1] + self.started()), self.said() + str(self.journal()))
        self.resumed()

    def test_int_twice(self):
        self.gated()
        p = self.start(*self.words, "--grace", "86400")
        self.running(p)
        p.send_signal(signal.SIGINT)
        wait_until(lambda: "stopping" in self.said(), "the engine says that it stops")
        p.send_signal(signal.SIGINT)
        self.ends_resumable(p)
        self.assertEqual(self.done(), [0, 1])
        self.resumed()

    def test_many_signals(self):
        self.gated()
        p = self.start(*self.words, "--grace", "86400")
        self.running(p)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGINT, signal.SIGINT, signal.SIGTERM):
            p.send_signal(number)
        self.ends_resumable(p)
        self.resumed()

    def test_stopped_and_continued(self):
        """Ctrl-Z and fg: time that the engine did not see is not held against run()."""
        self.gated()
        p = self.start(*self.words, "--run-invocation-timeout", "8")
        self.running(p)
        p.send_signal(signal.SIGSTOP)
        time.sleep(11)  # longer than the limit and the engine's own interval of looking (2 s) together
        self.go()
        p.send_signal(signal.SIGCONT)
        self.assertEqual(p.wait(DEADLINE), 0, self.said())
        self.assertEqual(self.output(), self.want)
        self.assertEqual(self.journal("TRY"), [])


class EarlyTest(SignalCase):
    def early(self, ready, number, *more, env=None):
        p = self.start(*self.words, *more, env=env)
        wait_until(lambda: p.poll() is not None or ready(p), "the moment for the signal")
        self.assertIsNone(p.returncode, self.said())
        p.send_signal(number)
        self.ends_resumable(p)
        self.assertEqual(self.journal("TRY"), [])

    def journaled(self, kind):
        """Facts of a kind, also before there is a journal."""
        r = self.prs("dump", "journal", "last", "--json")
        return ('"%s"' % kind) in r.stdout

    def test_while_listing(self):
        """Even when the file system stands still."""
        self.want = self.files(70)
        self.write("in/slow/f", "x")
        self.want += "f: x\n"
        self.script(GATED % self.dir)
        self.early(lambda p: self.journaled("INIT_DONE"), signal.SIGINT, "--mini-batch-size", "1000",
                   env=gate("slow", self.dir))
        self.resumed()

    def test_in_init(self):
        self.want = self.files(70)
        self.script(GATED % self.dir + """
    def init():
        open(os.path.join(ROOT, "started"), "w").close()
        while not os.path.exists(os.path.join(ROOT, "go")): time.sleep(0.001)
""")
        self.early(lambda p: os.path.exists(self.path("started")), signal.SIGINT, "--grace", "86400")
        self.resumed()

    def test_while_a_failed_init_waits(self):
        self.want = self.files(70)
        self.script(GATED % self.dir + """
    def init():
        if not os.path.exists(os.path.join(ROOT, "go")): raise ValueError(os.getpid())
""")
        self.early(lambda p: self.journaled("INIT_FAILED"), signal.SIGTERM)
        self.resumed()

    def test_between_two_tries(self):
        """Tries that were charged stay charged."""
        self.files(7)
        self.script("""
            import os, time
            ROOT = %r
            def run(mini_batch):
                if not os.path.exists(os.path.join(ROOT, "failed")):
                    open(os.path.join(ROOT, "failed"), "w").close()
                    raise ValueError("once")
                open(os.path.join(ROOT, "started"), "w").close()
                while not os.path.exists(os.path.join(ROOT, "go")): time.sleep(0.001)
                raise ValueError("again")
        """ % self.dir)
        p = self.start(*self.words, "--grace", "86400")
        wait_until(lambda: p.poll() is not None or os.path.exists(self.path("started")), "the second try")
        for _ in range(2):
            p.send_signal(signal.SIGINT)
            wait_until(lambda: "stopping" in self.said(), "the engine says that it stops")
        self.ends_resumable(p)
        self.assertEqual([t["try"] for t in self.journal("TRY")], [1])
        self.go()
        self.assertEqual(self.prs("resume", "last").returncode, 1)
        self.assertEqual([t["try"] for t in self.journal("TRY")], [1, 2, 3])


class InheritedTest(SignalCase):
    """What the parent left: signals that are ignored or blocked when prs begins."""

    CRASH = """
        import ctypes, os
        def run(mini_batch):
            if mini_batch.task_id == 1: ctypes.string_at(0)
            return ["%s: %s" % (os.path.basename(p), open(p).read()) for p in mini_batch]
    """

    def test_sigchld_ignored(self):
        """A crash is a crash: the kernel still says how a process ended."""
        self.files(21)
        self.script(self.CRASH)
        p = self.start(*self.words, "--run-max-try", "1",
                       preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        self.assertEqual(p.wait(DEADLINE), 0, self.said())
        [t] = self.journal("TRY")
        self.assertEqual((t["id"], t["code"], t["exit"]), (1, 104, signal.SIGSEGV))

    def test_sigchld_ignored_in_the_foreground(self):
        self.files(3)
        self.script("def run(mini_batch): raise ValueError('no')")
        words = ("test", "code/score.py", "--input", "in")
        usual = self.start(*words).wait(DEADLINE)
        self.assertNotEqual(usual, 0)
        p = self.start(*words, preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        self.assertEqual(p.wait(DEADLINE), usual, self.said())

    def test_blocked(self):
        """Ctrl-C and TERM reach the engine all the same."""
        every = set(range(1, signal.NSIG)) - {32, 33}
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                self.clean()
                self.gated()
                p = self.start(*self.words, preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, every))
                self.running(p)
                p.send_signal(number)
                wait_until(lambda: "stopping" in self.said(), "the engine says that it stops")
                self.go()
                self.ends_resumable(p)
                for name in os.listdir(self.dir):
                    if name.startswith("started-") or name == "go":
                        os.remove(self.path(name))

    def test_ignored_on_purpose(self):
        """nohup; a job that a script started in the background."""
        self.gated()
        def ignore():
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        p = self.start(*self.words, preexec_fn=ignore)
        self.running(p)
        p.send_signal(signal.SIGHUP)
        p.send_signal(signal.SIGINT)
        self.go()
        self.assertEqual(p.wait(DEADLINE), 0, self.said())
        self.assertNotIn("stopping", self.said())
        self.assertEqual(self.output(), self.want)

    def test_an_alarm_of_the_script(self):
        """Its own clock rings, in a worker and in the foreground, though the parent blocked and ignored it."""
        self.files(3)
        self.script("""
            import signal
            def ring(*_): raise TimeoutError("it rang")
            def run(mini_batch):
                signal.signal(signal.SIGALRM, ring)
                signal.setitimer(signal.ITIMER_REAL, 0.01)
                try:
                    while True: signal.pause()
                except TimeoutError as e:
                    return [e] * len(mini_batch)
        """)
        def deaf():
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
        for words in (self.words, ("test", "code/score.py", "--input", "in")):
            p = self.start(*words, preexec_fn=deaf)
            self.assertEqual(p.wait(DEADLINE), 0, self.said())
        self.assertEqual(self.output(), "it rang\n" * 3)


class PipeTest(SignalCase):
    """Nobody reads what the program says."""

    def setUp(self):
        super().setUp()
        self.want = self.files(70)
        self.script("""
            import os
            def run(mini_batch):
                if mini_batch.task_id == 3: raise ValueError("x" * 5000)
                return ["%s: %s" % (os.path.basename(p), open(p).read()) for p in mini_batch]
        """)

    def check_job(self, code, p):
        self.assertEqual(p.wait(DEADLINE), code)
        self.assertEqual(len(self.output().splitlines()), 63)
        r = self.prs("check", "last")
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.check_no_strays()

    def test_closed_pipe(self):
        """prs run ... 2>&1 | head -1"""
        for more in ((), ("--json",)):
            self.clean()
            read, write = os.pipe()
            p = self.start(*self.words, *more, stdout=write, stderr=write)
            os.close(write)
            os.read(read, 1)
            os.close(read)
            self.check_job(0, p)

    def test_no_descriptors(self):
        """prs run ... <&- >&- 2>&-: what is said goes into none of the run's files."""
        for fds in ((0, 1, 2), (2,), (1, 2), (0,)):
            self.clean()
            p = self.start(*self.words, preexec_fn=lambda fds=fds: [os.close(fd) for fd in fds])
            self.check_job(0, p)

    def test_full_disk_for_messages(self):
        with open("/dev/full", "w") as full:
            self.check_job(0, self.start(*self.words, "--json", stdout=full, stderr=full))
