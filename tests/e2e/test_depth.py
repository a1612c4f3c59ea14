# SPDX-License-Identifier: Apache-2.0
"""Many mini-batches queued at one worker, one of them bad; results that come just around their timeout."""
import glob
import os
import re

from prs_job import JobCase, read_proc, wait_until, workers

RUN_TIMEOUT, RUN_CRASH = 102, 104
BAD = 17 # of the units queued at the worker, counted from 0

QUEUE_SCRIPT = """
    import os, signal, time
    ROOT = %r
    PID = os.getpid()
    gated, count = False, 0

    def there(name):
        return os.path.exists(os.path.join(ROOT, name))

    def run(mini_batch):
        global gated, count
        with open(os.path.join(ROOT, "began"), "a") as f:
            f.write("%%d %%d\\n" %% (PID, mini_batch.task_id))
        if mini_batch.task_id >= 300 and not gated and not there("bad"):
            gated = True
            open(os.path.join(ROOT, "gate-%%d" %% PID), "w").close()
            while not there("go-%%d" %% PID):
                time.sleep(0.001)
        elif there("chosen-%%d" %% PID) and not there("bad"):
            count += 1
            if count == %d:
                open(os.path.join(ROOT, "bad"), "w").close()
                %s
        return list(mini_batch)
"""


class DepthTest(JobCase):
    """Both workers wait at a gate until their queues are full; then the 18th unit of one of them is bad."""

    def touch(self, name):
        open(self.path(name), "w").close()

    def queued(self, pid):
        """Tokens of the worker: units behind the one that it runs."""
        for fd in glob.glob("/proc/%d/fdinfo/*" % pid):
            found = re.search(rb"eventfd-count:\s+([0-9a-f]+)", read_proc(pid, "fdinfo/" + os.path.basename(fd)))
            if found:
                return int(found.group(1), 16)
        return 0

    def fill(self, *options):
        """(engine, worker with a full queue, the other worker), all waiting. Queues are full when the runs before were
        short."""
        for _ in range(100):
            p = self.start("run", "code/score.py", "--input", "in", "--mini-batch-size", "1", "--processes", "2",
                           "--output", "out.txt", *options)
            wait_until(lambda: len(glob.glob(self.path("gate-*"))) == 2 or p.poll() is not None,
                       "both workers at the gate")
            self.assertIsNone(p.returncode, self.said())
            pids = sorted(workers(p.pid), key=self.queued)
            if self.queued(pids[1]) > BAD + 2:
                return p, pids[1], pids[0]
            self.end(p)
            self.clean()
            for path in glob.glob(self.path("gate-*")) + [self.path("began")]:
                os.remove(path)
        self.fail("the runs before are never short")

    def check_depth(self, misdeed, code, *options):
        self.files(1000)
        self.script(QUEUE_SCRIPT % (self.dir, BAD, misdeed))
        p, chosen, other = self.fill(*options)
        self.touch("chosen-%d" % chosen)
        self.touch("go-%d" % chosen)
        wait_until(lambda: os.path.exists(self.path("bad")), "the bad unit")
        self.touch("go-%d" % other)
        self.assertEqual(p.wait(), 0, self.said())
        with open(self.path("began")) as f:
            began = [tuple(map(int, line.split())) for line in f]
        own = [id_ for pid, id_ in began if pid == chosen]
        bad = own[-1]
        done = {d["id"]: d for d in self.journal("DONE")}
        proc = next(f for f in self.journal("PROC") if f["pid"] == chosen)
        self.assertEqual([(t["id"], t["code"], t["try"]) for t in self.journal("TRY")], [(bad, code, 1)])
        self.assertEqual(len(done), 1000)
        self.assertEqual(len(self.journal("DONE")), 1000)
        for id_ in own[-1 - BAD:-1]:
            self.assertEqual((done[id_]["slot"], done[id_]["incarnation"]), (proc["slot"], proc["incarnation"]))
        self.assertEqual({id_: d["try"] for id_, d in done.items() if d["try"] != 1}, {bad: 2})
        ran = [id_ for _, id_ in began]
        self.assertEqual(sorted(ran), sorted(list(range(1000)) + [bad]))
        self.assertEqual(self.output(), "".join(self.path("in", "f%04d\n" % i) for i in range(1000)))
        self.check_no_strays()

    def test_unit_17_crashes(self):
        self.check_depth("os.kill(PID, signal.SIGSEGV)", RUN_CRASH)

    def test_unit_17_hangs(self):
        # both workers wait at the gate within it
        self.check_depth("signal.pause()", RUN_TIMEOUT, "--run-invocation-timeout", "15")


class RaceTest(JobCase):
    def test_results_around_their_timeout(self):
        """Twenty mini-batches that end within a few milliseconds of the limit; half of them also when they were told to
        stop."""
        self.files(20)
        self.script("""
            import os, random, signal, time
            def run(mini_batch):
                signal.signal(signal.SIGTERM, signal.SIG_IGN if mini_batch.task_id % 2 else signal.SIG_DFL)
                end = time.monotonic() + 0.4 + random.uniform(-0.005, 0.005)
                while time.monotonic() < end:
                    time.sleep(max(0, (end - time.monotonic()) / 2))
                return ["%s: %s" % (os.path.basename(p), open(p).read()) for p in mini_batch]
        """)
        p = self.start("run", "code/score.py", "--input", "in", "--mini-batch-size", "1", "--processes", "8",
                       "--output", "out.txt",
                       "--run-invocation-timeout", "0.4")
        self.assertIn(p.wait(), (0, 1), self.said())
        done = [f["id"] for f in self.journal("DONE")]
        failed = [f["id"] for f in self.journal("FAILED")]
        self.assertEqual(sorted(done + failed), list(range(20)))
        tries = {i: [t["try"] for t in self.journal("TRY") if t["id"] == i] for i in range(20)}
        self.assertEqual({t["code"] for t in self.journal("TRY")} - {RUN_TIMEOUT}, set())
        for fact in self.journal("DONE"):
            self.assertEqual(tries[fact["id"]], list(range(1, fact["try"])))
        for i in failed:
            self.assertEqual(tries[i], [1, 2, 3])
        if done: # the job fails when there is no row at all
            self.assertEqual(self.output(), "".join("f%04d: %d\n" % (i, i) for i in sorted(done)))
        self.check_no_strays()
