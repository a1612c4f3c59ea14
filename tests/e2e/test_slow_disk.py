# SPDX-License-Identifier: Apache-2.0
"""A disk that does not come back for a while is nobody's fault: no limit of a mini-batch or of the job runs meanwhile, and who wants to leave is
told what it waits for. The disk is a kill point that holds the thread which writes and syncs."""
import json
import os
import signal
import tempfile
import time

from prs_job import DEADLINE, PRS, JobCase, wait_until

STUB = os.path.join(os.path.dirname(PRS), "..", "..", "tests", "stub", "stub_worker")


def let_pass(seconds):
    """What must not happen has so much time to happen."""
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() >= end, "time to pass")


class SlowDiskCase(JobCase):
    def held(self, point, *words, stub=False, **more):
        """A job whose disk is held once the file `held` is there."""
        env = {"PRS_HOLD": "%s:0:%s" % (point, self.path("held"))}
        if stub:
            env["PRS_STUB"] = STUB
        return self.start("run", "code/score.py", *words, env=env, **more)

    def free(self):
        os.remove(self.path("held"))

    def ends_well(self, p, count):
        self.assertEqual(p.wait(DEADLINE), 0, self.said())
        status = json.loads(self.prs("status", "last", "--json").stdout)
        self.assertEqual((status["done"], status["failed"]), (count, 0))
        self.assertEqual([f for f in self.journal("TRY")], [])


class OverheadTest(SlowDiskCase):
    FILES = 26000

    def test_a_process_that_hands_over_rows_waits_for_the_disk(self):
        """The engine reads no more; the processes stand in WRITE, longer than task_overhead_timeout."""
        many = tempfile.TemporaryDirectory(prefix="prs-many-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.addCleanup(many.cleanup)
        for i in range(self.FILES):
            os.close(os.open(os.path.join(many.name, "f%05d.slow" % i), os.O_CREAT))
        self.script("def run(mini_batch): return mini_batch")
        p = self.held("store.journal.before_write", "--input", many.name, "--mini-batch-size", "1", "--processes", "2",
                      "--output-action", "summary_only",
                      "--task-overhead-timeout", "1", stub=True)
        wait_until(lambda: p.poll() is not None or '"complete":1' in self.prs("dump", "journal", "last", "--json").stdout, "all are listed")
        self.write("held", "")
        self.write("go", "")
        let_pass(4)
        self.free()
        self.ends_well(p, self.FILES)


class ProgressTest(SlowDiskCase):
    def test_a_result_that_waits_for_the_disk_is_progress(self):
        self.files(20)
        self.script("""
            import os, time
            def run(mini_batch):
                open(os.path.join(%r, "ran-%%d" %% mini_batch.task_id), "w").close()
                while not os.path.exists(os.path.join(%r, "go")): time.sleep(0.001)
                return mini_batch
        """ % (self.dir, self.dir))
        p = self.held("store.segment.before_write", "--input", "in", "--mini-batch-size", "5", "--processes", "2",
                      "--progress-update-timeout", "2")
        wait_until(lambda: p.poll() is not None or os.path.exists(self.path("ran-1")), "two run")
        self.write("held", "")
        self.write("go", "")
        wait_until(lambda: p.poll() is not None or os.path.exists(self.path("ran-3")), "all run")
        let_pass(5)
        self.free()
        self.ends_well(p, 4)


class InterruptTest(SlowDiskCase):
    def test_a_second_interrupt_says_what_it_waits_for(self):
        self.files(20)
        self.script("""
            import os, time
            def run(mini_batch):
                open(os.path.join(%r, "ran-%%d" %% mini_batch.task_id), "w").close()
                return mini_batch
        """ % self.dir)
        self.write("held", "")
        p = self.held("store.segment.before_write", "--input", "in", "--mini-batch-size", "5", "--processes", "2")
        wait_until(lambda: p.poll() is not None or os.path.exists(self.path("ran-3")), "all run")
        p.send_signal(signal.SIGINT)
        wait_until(lambda: p.poll() is not None or "stopping" in self.said(), "the first one is heard")

        def asked():
            p.send_signal(signal.SIGINT)
            return p.poll() is not None or "waiting for the disk of the run folder: a write has not come back for" in self.said()

        wait_until(asked, "it says what it waits for")
        self.assertIsNone(p.poll(), self.said())
        self.free()
        self.assertEqual(p.wait(DEADLINE), 4, self.said())
        self.assertEqual(self.prs("resume", "last").returncode, 0)
