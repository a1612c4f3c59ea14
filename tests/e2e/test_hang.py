# SPDX-License-Identifier: Apache-2.0
"""Never a silent hang: whatever stands still, the job ends by a rule, and says what stood where."""
import os
import stat
import sys
import textwrap

from prs_job import JobCase, gate

INIT_GIVE_UP, NO_PROGRESS, FIRST_TASK_TIMEOUT = 206, 203, 204


class HangCase(JobCase):
    def setUp(self):
        super().setUp()
        self.want = self.files(28)

    def fails(self, code, *options, env=None):
        """The job fails by the code; what the console says."""
        r = self.run_job(*options, env=env)
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertEqual([f["code"] for f in self.journal("STATE") if f["to"] == "FAILED"], [code])
        self.assertFalse(os.path.exists(self.path("out.txt")))
        self.check_no_strays()
        return r.stderr

    def shows(self, said, *words):
        """The traceback begins within the first five lines and holds the words, but no frames of ours."""
        lines = said.splitlines()
        self.assertTrue(any("Traceback" in line or "most recent call" in line for line in lines[:5]), said)
        self.assertNotIn("/prs_loader/", said)
        for word in words:
            self.assertIn(word, said)

    def completes(self, *options):
        r = self.run_job(*options)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), self.want)
        self.check_no_strays()
        return r.stderr


RUN = """
def run(mini_batch):
    return ["%s: %s" % (os.path.basename(p), open(p).read()) for p in mini_batch]
"""


class InitTest(HangCase):
    def init(self, text, run=RUN):
        self.write("code/score.py", "import os, signal, sys, threading, time\nfrom azureml_user.parallel_run import EntryScript\n" + text + run)

    def inits_failed(self):
        return [f["slot"] for f in self.journal("PROC") if f["event"] == "INIT_FAILED"]

    def test_all_hang(self):
        """Once in every process."""
        self.init("def load_model(): threading.Event().wait()\ndef init(): load_model()\n")
        said = self.fails(INIT_GIVE_UP, "--init-timeout", "5")
        self.shows(said, "load_model", "init() took longer than init_timeout in every process")
        self.assertEqual(sorted(self.inits_failed()), [0, 1])

    def test_all_hang_in_native_code_and_ignore_sigterm(self):
        self.init("def init():\n    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n    threading.Event().wait()\n")
        said = self.fails(INIT_GIVE_UP, "--init-timeout", "5")
        self.assertIn("init() took longer than init_timeout in every process", said)

    def test_import_never_ends(self):
        self.init("def download(): time.sleep(1000)\ndownload()\n")
        said = self.fails(INIT_GIVE_UP, "--init-timeout", "5")
        self.shows(said, "download")

    def test_all_fail(self):
        """Twice in the same way in every process."""
        self.init("def init(): raise RuntimeError('no model here')\n")
        said = self.fails(INIT_GIVE_UP)
        self.shows(said, "RuntimeError: no model here", "init() failed twice in the same way in every process")
        self.assertTrue(all(self.inits_failed().count(i) >= 2 for i in (0, 1)), self.inits_failed())

    def test_all_fail_each_time_otherwise(self):
        """3 x processes failures in a row."""
        self.init("def init(): raise RuntimeError('no model in %d' % os.getpid())\n")
        said = self.fails(INIT_GIVE_UP)
        self.shows(said, "RuntimeError: no model in")
        self.assertEqual(len(self.inits_failed()), 6)

    def test_system_exit(self):
        self.init("def init(): print('please log in first', file=sys.stderr); sys.exit(3)\n")
        said = self.fails(INIT_GIVE_UP)
        self.shows(said, "SystemExit: 3")
        self.assertIn("please log in first", said)

    def test_crash(self):
        self.init("def init(): os.abort()\n")
        said = self.fails(INIT_GIVE_UP)
        self.shows(said, "in init", "signal 6", "init() failed twice in the same way in every process")

    def test_fails_in_one_process_only(self):
        # the other process works only when the failure is in the logs: it has been told by then
        self.init("ERROR = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'logs', 'events.jsonl')\n"
                  "def init():\n    if EntryScript().agent_name.endswith('0'): raise RuntimeError('not here')\n"
                  "    while 'not here' not in (open(ERROR).read() if os.path.exists(ERROR) else ''): time.sleep(0.01)\n")
        self.assertIn("not here", self.completes())

    def test_hangs_in_one_process_only(self):
        """The others do the work; nobody waits for the limit of that one."""
        self.init("def init():\n    if EntryScript().agent_name.endswith('0'): threading.Event().wait()\n")
        self.completes("--init-timeout", "86400")

    def test_hangs_once(self):
        """It is started again: run() waits for that."""
        self.init("ROOT = %r\n"
                  "def init():\n    try: open(ROOT + '/once', 'x')\n    except OSError: open(ROOT + '/init-%%d' %% os.getpid(), 'w').close()\n"
                  "    else: threading.Event().wait()\n" % self.dir,
                  "\ndef both(): return sum(name.startswith('init-') for name in os.listdir(ROOT)) >= 2\n" +
                  RUN.replace("    return", "    while not both(): time.sleep(0.01)\n    return"))
        self.completes("--init-timeout", "10")

    def interpreter(self, text):
        """An interpreter that answers questions and then does something else."""
        self.write("python", "#!/bin/sh\ncase $1 in -*) exec %s \"$@\";; esac\n%s\n" % (sys.executable, text))
        os.chmod(self.path("python"), stat.S_IRWXU)
        return ["--python", self.path("python")]

    def test_interpreter_that_never_starts(self):
        """It never comes as far as the script: a fault of the node, whose starts are tried five times."""
        self.init("")
        r = self.run_job("--init-timeout", "1", *self.interpreter("sleep 1000"))
        self.assertEqual(r.returncode, 4, r.stderr)
        self.assertIn("processes could not be started, 5 times in a row: a process could not be started: it had not "
                      "come as far as the script when init_timeout was over", r.stderr)

    def test_interpreter_that_ends_at_once(self):
        self.init("")
        """That is no fault of the script's: another machine, or the same one tomorrow, may have the library."""
        r = self.run_job(*self.interpreter("echo no such library >&2; exit 127"))
        self.assertEqual(r.returncode, 4, r.stderr)
        self.assertIn("a process could not be started: exit status 127; stderr ends with: no such library", r.stderr)


class RunTest(HangCase):
    def test_no_progress(self):
        self.script("""
            import threading
            def wait_for_the_database(): threading.Event().wait()
            def run(mini_batch): wait_for_the_database()
        """)
        said = self.fails(NO_PROGRESS, "--progress-update-timeout", "2")
        self.assertIn("no mini-batch was finished for 2 s", said)
        self.shows(said, "wait_for_the_database")

    def test_no_progress_as_init_hangs_in_the_other(self):
        """The clock runs from the first finished init."""
        self.script("""
            import threading
            from azureml_user.parallel_run import EntryScript
            def init():
                if EntryScript().agent_name.endswith("1"): threading.Event().wait()
            def run(mini_batch): threading.Event().wait()
        """)
        self.fails(NO_PROGRESS, "--progress-update-timeout", "2")

    def test_timeout_says_where(self):
        self.script("""
            import threading
            def wait_for_the_database(): threading.Event().wait()
            def run(mini_batch): wait_for_the_database()
        """)
        r = self.run_job("--run-invocation-timeout", "1", "--run-max-try", "1")
        self.assertEqual(r.returncode, 1, r.stderr)
        self.shows(r.stderr, "wait_for_the_database")
        self.assertTrue(all("wait_for_the_database" in t["message"] or t["trace_bytes"] for t in self.journal("TRY")))


class ListTest(HangCase):
    def setUp(self):
        super().setUp()
        self.write("in/slow/f", "x")
        self.script("def run(mini_batch): return mini_batch\n")

    def test_first_mini_batch_never_comes(self):
        said = self.fails(FIRST_TASK_TIMEOUT, "--first-task-creation-timeout", "1", "--mini-batch-size", "100",
                          env=gate("slow", self.dir))
        self.assertIn("first_task_creation_timeout", said)

    def test_listing_stands_still_later(self):
        """Mini-batches were there, then the file system stands: the same limit; the thread that lists is left
        behind."""
        said = self.fails(FIRST_TASK_TIMEOUT, "--first-task-creation-timeout", "5", env=gate("slow", self.dir))
        self.assertIn("unable to list any further mini-batch", said)
        r = self.prs("resume", "last", "--retry-failed")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(len(self.output().splitlines()), 29)


STOPS = """
    import sys, time
    def stop():
        fakes = {id(getattr(time, n)): lambda: %s for n in ("monotonic_ns", "time_ns", "monotonic", "time")}
        for module in list(sys.modules.values()):
            for name in dir(module):
                fake = fakes.get(id(getattr(module, name, None)))
                if fake: setattr(module, name, fake)
"""
HANGS = """
import os
if os.path.exists(os.path.join(os.path.dirname(__file__), "patcher.py")):
    import patcher
    patcher.stop()
def run(mini_batch):
    while any(p.endswith("f0017") for p in mini_batch): pass
""" + RUN.partition("\n")[2].partition("\n")[2]


class ClockTest(HangCase):
    """The clock of the limits is the engine's, whatever clock the script has."""

    def times_out(self, env=None):
        r = self.run_job("--run-invocation-timeout", "5", "--run-max-try", "1", "--error-threshold", "-1", env=env)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), "".join(line +
                                                "\n" for i, line in enumerate(self.want.splitlines())
                                                if i // 7 != 17 // 7))
        [tried] = self.journal("TRY")
        self.assertEqual((tried["code"], tried["id"]), (102, 17 // 7))
        self.assertGreaterEqual(tried["run_us"], 5000000 if not env else 4500000)
        times = [f["time"] for f in self.journal("HEAD", "STATE")]
        self.assertTrue(times[0] <= tried["start"] <= times[-1], (times, tried))
        self.check_no_strays()

    def test_stopped_by_the_script(self):
        self.write("code/score.py", HANGS)
        self.write("code/patcher.py", textwrap.dedent(STOPS % "0"))
        self.times_out()

    def test_stands_below_the_loader(self):
        """As under libfaketime: the page shows the same time for ever."""
        for i, clock in enumerate(("start", "1 << 70", "-1")):
            with self.subTest(clock):
                self.clean()
                self.write("code/score.py", HANGS)
                self.write("early%d/sitecustomize.py" % i,
                           "import time\nstart = time.monotonic_ns()\ntime.monotonic_ns = lambda: %s\n" % clock)
                self.times_out({"PYTHONPATH": self.path("early%d" % i)})
