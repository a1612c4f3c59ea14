# SPDX-License-Identifier: Apache-2.0
"""SIGKILL of the engine, of a worker, of both: at every named kill point and at random moments; resume; every row once,
in order."""
import glob
import hashlib
import os
import random
import re
import signal
import tempfile
import time
import unittest.mock

from prs_job import JobCase, input_order, workers

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "..", "..", "src", "base", "killpoint.def")) as f:
    POINTS = [p for p in re.findall(r'PRS_KILLPOINT\("(.*)"\)', f.read())
              if p.startswith(("store", "master", "worker"))]
WHO = ("engine", "worker", "both")
SEEDS, MINI_BATCHES = (1000, 20000) if os.environ.get("PRS_TORTURE") else (50, 3000)
GROUPS = 10

ROWS = """
    import os, time
    def run(mini_batch):
        time.sleep(float(os.environ["PAUSE_S"]))
        return ["%s: %s" % (p, open(p).read()) for p in mini_batch]
"""


class KillCase(JobCase):
    """One input for all tests of the class; `make_input` fills it."""

    @classmethod
    def setUpClass(cls):
        cls.keep = tempfile.TemporaryDirectory(prefix="prs-kill-")
        cls.input = os.path.join(cls.keep.name, "in")
        cls.make_input()
        cls.want = hashlib.sha256()
        for path in input_order(cls.input):
            with open(path, "rb") as f:
                cls.want.update(cls.row(path, f.read()))
        cls.want = cls.want.hexdigest()

    @classmethod
    def tearDownClass(cls):
        cls.keep.cleanup()

    @staticmethod
    def row(path, text):
        return path + b": " + text + b"\n"

    @classmethod
    def add(cls, name, text):
        path = os.path.join(cls.input, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)

    def setUp(self):
        super().setUp()
        keep = unittest.mock.patch.dict(os.environ, PAUSE_S="0")
        keep.start()
        self.addCleanup(keep.stop)
        self.script(ROWS)

    def check_output(self, path="out.txt"):
        with open(self.path(path), "rb") as f:
            got = hashlib.sha256(f.read()).hexdigest()
        self.assertEqual(got, self.want, "the rows of the output")

    def kill_at(self, point, count, who, words):
        """Runs until the count-th passing of the point, kills; the exit status (None = it never came there)."""
        p, stopped = self.stop_at(point, count, *words)
        if not stopped:
            self.assertEqual(p.returncode, 0, self.said())
            return None
        worker = stopped if stopped != p.pid else next(iter(workers(p.pid)), None)
        if who != "engine" and worker:
            os.kill(worker, signal.SIGKILL)
        if who != "worker":
            os.kill(p.pid, signal.SIGKILL)
        elif stopped == p.pid:
            os.kill(p.pid, signal.SIGCONT)
        return p.wait()

    def resume_until_done(self, words, status):
        lives = 0
        while status != 0:
            lives += 1
            self.assertLess(lives, 20, "it never ends: " + self.said())
            p = self.start(*self.again(words))
            status = p.wait()
            if status < 0 or status == 4:
                continue
            self.assertEqual(status, 0, self.said())

    def again(self, words):
        """`resume`, unless the first life ended before there was a whole run folder: its last file is job.json."""
        if glob.glob(self.path("runs", "*", "job.json")):
            return ["resume", os.path.dirname(glob.glob(self.path("runs", "*", "job.json"))[0])]
        self.clean()
        return words


class KillPointTest(KillCase):
    """Three folders whose names fill a plan block each."""

    CUT = ["--mini-batch-size", "20"]

    @classmethod
    def make_input(cls):
        for folder in "abc":
            for i in range(320):
                cls.add("%s/%s%04d" % (folder, "n" * 210, i), "%s %d" % (folder, i))

    def one(self, point, count, who, words, output):
        self.clean()
        status = self.kill_at(point, count, who, words)
        reached = status is not None
        if status not in (None, 0):
            status = self.kill_at(point, max(4 - count, 1), who, self.again(words))
        self.resume_until_done(words, status or 0)
        self.check_output(output if output else os.path.join(self.run_dir(), "outputs", "parallel_run_step.txt"))
        facts = self.journal("TRY", "DONE", "PLANNED")
        ids = range([f["next_id"] for f in facts if f["type"] == "PLANNED"][-1])
        self.assertEqual(sorted(f["id"] for f in facts if f["type"] == "DONE"), list(ids),
                         "what was done once is not done again")
        tries = [f for f in facts if f["type"] == "TRY"]
        if who == "engine":
            self.assertEqual(tries, [])
        self.assertTrue(all(t["code"] == 104 and t["exit"] == 9 for t in tries), tries)
        if who == "worker" and reached and point in ("worker.before_run", "worker.after_run", "worker.before_send"):
            self.assertEqual(len(tries), 1)
        if point == "worker.after_send":
            self.assertEqual(tries, [])
        self.check_no_strays()
        return reached

    def matrix(self, point, output="out.txt", more=(), counts=(1, 2, 3)):
        words = ["run", "code/score.py", "--input", self.input, *self.CUT, "--processes", "2", "--run-max-try", "20",
                 *more]
        if output:
            words += ["--output", output]
        once = point.endswith(("creating", "created", "ended")) or "assemble" in point  # at most, in a life
        for count in counts:
            came = False
            for who in WHO:
                with self.subTest("%s:%d %s" % (point, count, who)):
                    came = self.reach(point, count, who, words, output, must=count == 1 or not once) or came
            if count == 1 and not came:
                return  # there is no such point: the others would take long to find that out

    def reach(self, *what, must):
        """A fast machine passes a point less often: what comes together is written together. So the mini-batches take
        longer and longer."""
        for pause_s in (0,) if what[1] == 1 else (0, 0.002, 0.02, 0.2, 1):
            os.environ["PAUSE_S"] = str(pause_s)
            came = self.one(*what)
            if came or not must:
                return came
        self.fail("it did not come to " + str(what[:2]))


class RawKillPointTest(KillPointTest):
    """Rows above 1 MiB: the raw files."""

    @classmethod
    def make_input(cls):
        for i in range(8):
            cls.add("f%d" % i, str(i))

    @staticmethod
    def row(path, text):
        return path + b": " + text * (1 << 20 | 17) + b"\n"

    def setUp(self):
        super().setUp()
        self.script("""
            import os, time
            def run(mini_batch):
                time.sleep(float(os.environ["PAUSE_S"]))
                return ["%s: %s" % (p, open(p).read() * (1 << 20 | 17)) for p in mini_batch]
        """)

    def matrix(self, point, **more):
        super().matrix(point, more=["--mini-batch-size", "1"], **more)


class SummaryKillPointTest(KillPointTest):
    """summary_only: run() keeps its own output, at least once; each mini-batch is counted once."""

    def setUp(self):
        super().setUp()
        self.script("""
            import os, time
            from azureml_user.parallel_run import EntryScript
            def run(mini_batch):
                time.sleep(float(os.environ["PAUSE_S"]))
                path = os.path.join(EntryScript().output_dir, "%06d" % mini_batch.task_id)
                with open(path + ".new", "w") as f:
                    f.writelines("%s: %s\\n" % (p, open(p).read()) for p in mini_batch)
                os.replace(path + ".new", path)
                return mini_batch
        """)

    def check_output(self, path="out.txt"):
        got = hashlib.sha256()
        for name in sorted(glob.glob(os.path.join(self.run_dir(), "outputs", "*[0-9]"))):
            with open(name, "rb") as f:
                got.update(f.read())
        self.assertEqual(got.hexdigest(), self.want, "what the script wrote")

    def matrix(self, point, **more):
        super().matrix(point, output=None, more=["--output-action", "summary_only"], **more)


def add_matrix(case, points, tag="", **more):
    for point in points:
        def test(self, point=point):
            self.matrix(point, **more)
        setattr(case, "test_%s%s" % (point.replace(".", "_"), tag), test)


add_matrix(KillPointTest, [p for p in POINTS if "raw" not in p])
add_matrix(KillPointTest, [p for p in POINTS if "assemble" in p or "journal" in p], "_inside", output=None)
# the first frames of a journal hold no result yet
add_matrix(KillPointTest, [p for p in POINTS if "journal" in p and "journal.creat" not in p], "_later", counts=(16,))
for inherited in [name for name in dir(KillPointTest) if name.startswith("test_")]:
    setattr(RawKillPointTest, inherited, None)
    setattr(SummaryKillPointTest, inherited, None)
add_matrix(RawKillPointTest, [p for p in POINTS if "raw" in p or p.startswith("worker") or p.endswith("before_rename")])
add_matrix(SummaryKillPointTest, [p for p in POINTS if p.startswith("worker") or p == "store.journal.after_write"])


class RandomKillTest(KillCase):
    """A trivial run() over one file a mini-batch; kills at random moments of random processes."""

    @classmethod
    def make_input(cls):
        for i in range(MINI_BATCHES):
            cls.add("%s/f%06d" % ("xyz"[i * 3 // MINI_BATCHES], i), str(i * i))

    def life(self, dice, words, mean_s, kills, most):
        """One engine's life; its exit status. Fewer workers are killed than make init() look broken (twice in every
        process)."""
        p = self.start(*words)
        worker_kills = 0
        while p.poll() is None:
            time.sleep(dice.expovariate(1 / mean_s)) # a random moment, nothing is waited for
            who = dice.choice(WHO)
            if who != "engine" and worker_kills < most:
                worker_kills += self.kill_one(dice, workers(p.pid))
            if who != "worker" and kills[0] < 5:
                kills[0] += 1
                p.kill()
                p.wait()
        kills[1] += worker_kills
        return p.returncode

    @staticmethod
    def kill_one(dice, pids):
        try:
            os.kill(dice.choice(pids), signal.SIGKILL)
        except (IndexError, ProcessLookupError): # there is none, or it has just ended
            return 0
        return 1

    def one(self, seed, took_s):
        dice = random.Random(seed)
        self.clean()
        processes = dice.choice((1, 2, 3))
        words = ["run", "code/score.py", "--input", self.input, "--mini-batch-size", "1", "--processes", str(processes),
                 "--run-max-try",
                 "1000", "--output", "out.txt"]
        kills, status, lives = [0, 0], -9, 0
        while status != 0:
            lives += 1
            self.assertLess(lives, 30, "it never ends")
            mean_s = took_s / dice.choice((2, 4, 8))
            status = self.life(dice, words if lives == 1 else self.again(words), mean_s, kills, 2 * processes - 1)
            self.assertIn(status, (0, -9), self.said())
        self.check_output()
        tries = self.journal("TRY")
        self.assertLessEqual(len(tries), kills[1])
        self.assertTrue(all(t["code"] == 104 and t["exit"] == 9 for t in tries), tries)
        self.check_no_strays()

    def group(self, number):
        begun = time.monotonic()
        self.assertEqual(self.start("run", "code/score.py", "--input", self.input, "--mini-batch-size", "1",
                                    "--processes", "2", "--output",
                                    "out.txt").wait(), 0, self.said())
        took_s = time.monotonic() - begun
        for seed in range(number, SEEDS, GROUPS):
            with self.subTest(seed):
                self.one(seed, took_s)


for group_number in range(GROUPS):
    setattr(RandomKillTest, "test_random_%d" % group_number, lambda self, n=group_number: self.group(n))
