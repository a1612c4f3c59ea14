# SPDX-License-Identifier: Apache-2.0
"""Processes that do not start, or whose init() fails: one of them does not fail the job, and what happens before the script is not the script's
fault."""
import glob
import os
import resource

from prs_job import DEADLINE, JobCase, wait_until

BROKEN_SLOT = """
    import os, itertools
    def init():
        if os.environ["PRS_SLOT"] == "1":
            raise ValueError("no device, attempt " + str(os.getpid()))
    def run(mini_batch):
        return ["%s: %s" % (os.path.basename(p), open(p).read()) for p in mini_batch]
"""


class InitTest(JobCase):
    def test_one_broken_process_does_not_fail_the_job(self):
        want = self.files(20)
        self.script(BROKEN_SLOT.replace("def run(mini_batch):", """def run(mini_batch):
        import time
        n = mini_batch.task_id
        while n == 3 and not os.path.exists(os.path.join(%r, "go")): time.sleep(0.001)""" % self.dir))
        p = self.start(*self.words[:4], "--mini-batch-size", "1", "--processes", "2", "--output", "out.txt")
        wait_until(lambda: p.poll() is not None or "process001 is given up" in self.said(), "it is given up")
        self.write("go", "")
        self.assertEqual(p.wait(DEADLINE), 0, self.said())
        self.assertEqual(self.output(), want)
        self.assertIn("process001 is given up: init() failed 3 times in a row (ValueError: no device", self.said())
        starts = [f for f in self.journal("PROC") if f["slot"] == 1 and f["event"] == "STARTED"]
        self.assertEqual(len(starts), 3)

    def test_a_process_that_exits_in_its_init(self):
        want = self.files(20)
        self.script(BROKEN_SLOT.replace("raise ValueError(", "os._exit(3) #"))
        r = self.run_job()
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), want)

    def test_none_is_left(self):
        """Each fails three times, in other words each time."""
        self.files(20)
        self.script(BROKEN_SLOT.replace('os.environ["PRS_SLOT"] == "1"', "True"))
        r = self.run_job()
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertIn("init() failed 3 times in a row in every process", r.stderr)

    def test_what_to_type_then(self):
        """No mini-batch ran: the script is mended, and the run goes on with it, as the next command says."""
        want = self.files(20)
        good = BROKEN_SLOT.replace('os.environ["PRS_SLOT"] == "1"', "False")
        for bad in (good.replace("if False", "if True").replace(" + str(os.getpid())", ""), "import nothing_of_that_name\n" + good,
                    good.replace("def run", "def rum"), good.replace("raise ValueError(", "os._exit(3) #").replace("False", "True")):
            self.clean()
            self.script(bad.replace("\n    ", "\n"))
            r = self.run_job()
            self.assertEqual(r.returncode, 1, r.stderr)
            run = os.path.basename(self.run_dir())
            self.assertTrue(r.stderr.endswith("  next          prs resume %s --retry-failed --new-code\n" % run), r.stderr)
            self.assertIn("  hint          prs test, with the words of this run, runs init() in the terminal", r.stderr)
            self.assertIn("prs resume %s --retry-failed --new-code\n" % run, self.prs("status").stdout)
            self.script(good)
            r = self.prs("resume", run, "--retry-failed", "--new-code")
            self.assertEqual((r.returncode, self.output()), (0, want), r.stderr)


class StartTest(JobCase):
    """The script takes the folder of its process away, so that none can be started any more."""

    def setUp(self):
        super().setUp()
        self.want = self.files(20)
        self.script("""
            import os
            def run(mini_batch):
                mark = os.path.join(%r, "done-once")
                if mini_batch.task_id == 1 and not os.path.exists(mark):
                    open(mark, "w").close()
                    os.rename(os.path.realpath("."), os.path.join(os.path.dirname(os.path.realpath(".")), "gone"))
                    os._exit(3)
                return ["%%s: %%s" %% (os.path.basename(p), open(p).read()) for p in mini_batch]
        """ % self.dir)

    def not_started(self):
        """How often a start failed, from the log of the process."""
        texts = [open(path).read() for path in glob.glob(self.path("runs", "*", "logs", "sys", "node", "*",
                                                                   "process000.txt"))]
        return "".join(texts).count("Process not started")

    def test_a_start_that_fails_for_a_while_costs_nothing(self):
        p = self.start(*self.words[:4], "--mini-batch-size", "7", "--processes", "1", "--output", "out.txt")
        wait_until(lambda: p.poll() is not None or self.not_started() >= 2, "two starts that fail")
        [gone] = glob.glob(self.path("runs", "*", "work", "gone"))
        os.rename(gone, os.path.join(os.path.dirname(gone), "code"))
        self.assertEqual(p.wait(DEADLINE), 0, self.said())
        self.assertEqual(self.output(), self.want)
        self.assertEqual([f["code"] for f in self.journal("TRY")], [101])  # RUN_EXIT

    def test_a_node_that_starts_nothing_ends_the_job_resumable(self):
        r = self.prs(*self.words[:4], "--mini-batch-size", "7", "--processes", "1", "--output", "out.txt")
        self.assertEqual(r.returncode, 4, r.stderr)
        self.assertIn("processes could not be started, 5 times in a row", r.stderr)
        self.assertNotIn("init()", r.stderr)
        self.assertNotIn("dmesg", r.stderr)
        [gone] = glob.glob(self.path("runs", "*", "work", "gone"))
        os.rename(gone, os.path.join(os.path.dirname(gone), "code"))
        r = self.prs("resume", "last")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), self.want)


class BeforeHelloTest(JobCase):
    def sys_log(self):
        return "".join(open(path).read() for path in glob.glob(self.path("runs", "*", "logs", "sys", "node", "*",
                                                                          "process000.txt")))

    def test_an_end_before_the_script_is_no_init(self):
        """A sitecustomize of the user ends each process."""
        self.files(3)
        self.script("def run(mini_batch): return mini_batch")
        self.write("site/sitecustomize.py", "import os, sys\nif 'prs_worker' in ' '.join(sys.orig_argv if hasattr(sys, 'orig_argv') else open('/proc/self/cmdline').read().split(chr(0))):\n    print('no licence', file=sys.stderr)\n    sys.stderr.flush()\n    os._exit(9)\n")
        r = self.prs(*self.words, env={"PYTHONPATH": self.path("site")})
        self.assertEqual(r.returncode, 4, r.stderr)
        self.assertIn("a process could not be started: exit status 9; stderr ends with: no licence", r.stderr)
        self.assertNotIn("init()", r.stderr)


    def test_a_start_that_hangs_is_no_init(self):
        """A sitecustomize hangs until its process was given up once: init() never began."""
        want = self.files(3)
        self.script("""
            import os
            def run(mini_batch):
                return ["%s: %s" % (os.path.basename(p), open(p).read()) for p in mini_batch]
        """)
        self.write("site/sitecustomize.py", "import os, time\n"
                   "worker = b'prs_worker' in open('/proc/self/cmdline', 'rb').read()\n"
                   "while worker and not os.path.exists(%r): time.sleep(0.01)\n" % self.path("go"))
        p = self.start(*self.words[:4], "--processes", "1", "--init-timeout", "2", "--output", "out.txt",
                       env={"PYTHONPATH": self.path("site")})
        said = "a process could not be started: it had not come as far as the script when init_timeout was over"
        wait_until(lambda: p.poll() is not None or said in self.sys_log(), "a start is given up")
        self.write("go", "")
        self.assertEqual(p.wait(DEADLINE), 0, self.said())
        self.assertEqual(self.output(), want)
        self.assertEqual({f["code"] for f in self.journal("PROC") if f["event"] == "INIT_FAILED"}, {16})  # SPAWN


class OpenFilesTest(JobCase):
    def test_too_few_descriptors(self):
        """Some processes cannot be started; those that can do the work, and the disk is not blamed."""
        want = self.files(60)
        self.script("""
            import os
            def run(mini_batch):
                return ["%s: %s" % (os.path.basename(p), open(p).read()) for p in mini_batch]
        """)
        p = self.start(*self.words[:4], "--mini-batch-size", "1", "--processes", "16", "--output", "out.txt",
                       preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
        self.assertEqual(p.wait(DEADLINE), 0, self.said())
        self.assertEqual(self.output(), want)
        self.assertNotIn("dmesg", self.said())
        texts = [f["text"] for f in self.journal("PROC") if f["code"] == 16]  # SPAWN
        self.assertTrue(texts)
        self.assertEqual([t for t in texts if "Too many open files" not in t], [])
