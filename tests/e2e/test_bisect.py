# SPDX-License-Identifier: Apache-2.0
"""The poison item: a mini-batch that is out of tries is halved until the bad items stand alone (on_failure: bisect)."""
import glob
import json
import os
import re
import signal
import unittest.mock

from prs_job import JobCase, wait_until

POISON = """
    import os, signal, time
    def run(mini_batch):
        rows = []
        for p in mini_batch:
            n = os.path.basename(p)
            if n == "f0013":
                raise ValueError("thirteen")
            if n == "f0237":
                os.kill(os.getpid(), signal.SIGKILL)
            if n == "f0555":
                time.sleep(3600)
            if n == "f0771":
                eaten = bytearray(300 << 20)
                while True:
                    time.sleep(0.01)
            rows.append("%s: %s" % (n, open(p).read()))
        return rows
"""

# Bad are the files whose number is in BAD; how they are bad does not matter here.
SOME = """
    import os
    BAD = set(os.environ["BAD"].split())
    def run(mini_batch):
        names = [os.path.basename(p) for p in mini_batch]
        if BAD & set(names):
            raise ValueError("bad: %s" % sorted(BAD & set(names)))
        return ["%s: %s" % (n, open(p).read()) for n, p in zip(names, mini_batch)]
"""


class BisectTest(JobCase):
    words = ("run", "code/score.py", "--input", "in", "--mini-batch-size", "10", "--processes", "2",
             "--output", "out.txt", "--on-failure", "bisect")

    def failed_items(self):
        path = os.path.join(self.run_dir(), "failed_items.jsonl")
        if not os.path.exists(path):
            return {}
        with open(path) as f:
            items = [json.loads(line) for line in f]
        return {os.path.basename(i["path"]): i for i in items}

    def bound(self, said):
        """(what was announced at the first split, runs, at most)"""
        first = re.search(r"that takes (\d+) more runs at most", said)
        runs, most = re.search(r"tried in parts, (\d+) more runs \(at most (\d+)\)", said).groups()
        return int(first.group(1)), int(runs), int(most)

    def without(self, want, *names):
        return "".join(line for line in want.splitlines(True) if line.split(":")[0] not in names)

    def check(self, want, bad, tries):
        """The rows of the others, each once, in order; the bad items alone failed; the runs are what was promised."""
        self.assertEqual(self.output(), self.without(want, *bad))
        self.assertEqual(sorted(self.failed_items()), sorted(bad))
        runs = {}
        for f in self.journal("DONE", "TRY"):
            if f.get("item_count"):
                runs[f["id"]] = runs.get(f["id"], 0) + 1
        self.assertTrue(all(n <= 10 * tries + 8 for n in runs.values()), runs)
        return sum(runs.values())

    def test_four_poisons(self):
        want = self.files(1000)
        self.script(POISON)
        r = self.run_job("--run-invocation-timeout", "6", "--run-max-try", "1", "--memory-limit-per-process", "150MB")
        self.assertEqual(r.returncode, 0, r.stderr)
        bad = ("f0013", "f0237", "f0555", "f0771")
        runs = self.check(want, bad, 1)
        self.assertEqual(len(self.output().splitlines()), 996)
        failed = self.failed_items()
        self.assertEqual([failed[n]["error"] for n in bad],
                         ["RUN_EXCEPTION", "RUN_CRASH", "RUN_TIMEOUT", "MEMORY_LIMIT"])
        self.assertTrue(all(failed[n]["item_count"] == 1 for n in bad))
        self.assertIn("thirteen", failed["f0013"]["message"])
        first, said_runs, most = self.bound(r.stderr)
        self.assertEqual((first, most), (18, 72))
        self.assertEqual(said_runs, runs)
        self.assertLessEqual(runs, most)
        self.assertEqual(r.stderr.count("must depend on that item alone"), 1)
        self.assertIn("failed        4 mini-batches, 4 items", r.stderr)
        self.assertEqual(self.prs("check", self.run_dir()).returncode, 0)
        self.check_no_strays()

    def test_everything_is_bad(self):
        self.files(23)
        self.script(SOME)
        r = self.run_job("--run-max-try", "2", env={"BAD": " ".join("f%04d" % i for i in range(23))})
        self.assertEqual(r.returncode, 1)
        self.assertIn("Failed: every mini-batch failed: ValueError: bad: ", r.stderr)
        self.assertEqual(len(self.failed_items()), 23)
        _, runs, most = self.bound(r.stderr)
        self.assertEqual(runs, most)
        self.assertEqual(most, 2 * (10 * 3 - 2) + (3 * 3 - 2))

    def test_nothing_is_bad_alone(self):
        """A mini-batch that only fails as a whole is done in the end: a script that cannot take so many at once."""
        want = self.files(40)
        self.script("""
            import os
            def run(mini_batch):
                assert len(mini_batch) < 4, "too many"
                return ["%s: %s" % (os.path.basename(p), open(p).read()) for p in mini_batch]
        """)
        r = self.run_job("--allowed-failed-count", "0")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), want)
        self.assertEqual(self.failed_items(), {})

    def test_plan(self):
        self.files(3)
        self.script(SOME)
        r = self.prs("plan", *self.words[1:])
        self.assertIn("\n  tries         3; then halved until only the bad items fail (--on-failure)\n", r.stdout,
                      r.stderr)

    def test_one_item_is_not_split(self):
        want = self.files(3)
        self.script(SOME)
        r = self.run_job("--mini-batch-size", "1", env={"BAD": "f0001"})
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), self.without(want, "f0001"))
        self.assertNotIn("tried in parts", r.stderr)
        self.assertEqual(len(self.journal("TRY")), 3)

    def test_limits(self):
        """Items count one by one, the mini-batch once."""
        want = self.files(30)
        self.script(SOME)
        env = {"BAD": "f0003 f0004 f0027"}
        for words, exit_code in ((("--error-threshold", "3", "--allowed-failed-count", "2"), 0),
                                 (("--error-threshold", "2"), 1), (("--allowed-failed-count", "1"), 1)):
            self.clean()
            r = self.run_job("--run-max-try", "1", *words, env=env)
            self.assertEqual(r.returncode, exit_code, r.stderr)
            if exit_code == 0:
                self.check(want, env["BAD"].split(), 1)

    def test_summary_only(self):
        self.files(20)
        self.script(SOME)
        r = self.run_job("--output-action", "summary_only", "--output", "kept", env={"BAD": "f0007"})
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(list(self.failed_items()), ["f0007"])
        self.assertIn("19 items", r.stderr)

    def test_engine_dies_in_the_middle(self):
        want = self.files(60)
        self.script(SOME)
        bad = ("f0002", "f0031", "f0038", "f0059")
        for kills in range(1, 6):
            self.clean()
            words, env = self.words + ("--run-max-try", "2"), {"BAD": " ".join(bad)}
            for k in range(kills):
                p = self.start(*words, env=env)
                wait_until(lambda: p.poll() is not None or self.splits() > k, "a split")
                if p.poll() is None:
                    p.send_signal(signal.SIGKILL)
                p.wait()
                words = ("resume", "last")
            r = self.prs(*words, env=env)
            self.assertIn(r.returncode, (0, 2), r.stderr) # 2: it had ended before
            self.check(want, bad, 2 + kills)

    def test_engine_dies_before_it_tells_the_end(self):
        """The run is completed, its reports are not written: resume has nothing to do but that."""
        want = self.files(60)
        self.script(SOME)
        bad, env = ("f0002", "f0038"), {"BAD": "f0002 f0038"}
        self.assertEqual(self.prs(*self.words, env=env).returncode, 0)
        whole = self.reports()
        self.assertIn("failed items:       failed_items.jsonl", whole[0])
        self.clean()
        with unittest.mock.patch.dict(os.environ, env):
            p, pid = self.stop_at("master.ended", 1, *self.words)
        self.assertEqual(pid, p.pid)
        p.kill()
        p.wait()
        self.assertEqual(self.reports(), ([], {}))
        for _ in range(2): # the second one finds all as it should be
            r = self.prs("resume", "last", env=env)
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertIn("is completed: there is nothing to resume", r.stderr)
            self.check(want, bad, 4)
            self.assertEqual(self.reports(), whole)

    def reports(self):
        """What is written at the end, without what differs from run to run."""
        path = os.path.join(self.run_dir(), "logs", "job_result.txt")
        told = []
        if os.path.exists(path):
            with open(path) as f:
                told = [line for line in f.read().split("\n\n")[0].splitlines()
                        if line.split()[0] not in ("run:", "ended:", "wall", "busy:", "next:")]
        return told, {name: (item["error"], item["message"]) for name, item in self.failed_items().items()}

    def test_looked_at(self):
        """Commands that look at a run whose mini-batches are in parts: running, interrupted, completed."""
        want = self.files(30)
        self.script(SOME.replace("    if BAD", "    while len(names) < 4 and os.path.exists('%s'): __import__('time').sleep(0.01)\n        if BAD" % self.path("wait")))
        self.write("wait", "")
        p = self.start(*self.words, "--run-max-try", "1", env={"BAD": "f0003"})
        wait_until(lambda: self.splits() == 2 or p.poll() is not None, "two splits")
        r = wait_until(lambda: (lambda r: r if "given" not in r.stdout else None)(self.prs("why", "last")),
                       "only parts are left")
        self.assertIn("waits for mini-batches: 1 tried in parts\n", r.stdout)
        self.assertRegex(self.prs("list").stdout, r" running +2\d/30 ")
        p.kill()
        p.wait()
        os.remove(self.path("wait"))
        self.assertRegex(self.prs("list").stdout, r" interrupted +2\d/30 ")
        self.assertIn(" is interrupted: ", self.prs("why", "last").stderr)
        self.assertIn(" is interrupted: ", self.prs("cancel", "last").stderr)
        r = self.prs("resume", "last", env={"BAD": "f0003"})
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), self.without(want, "f0003"))
        self.assertRegex(self.prs("list").stdout, r" completed, 1 item failed +29/30 ")
        r = self.prs("clean", "--older", "0s")
        self.assertEqual((r.returncode, os.listdir(self.path("runs"))), (0, []), r.stdout + r.stderr)

    def splits(self):
        if not glob.glob(self.path("runs", "*", "journal-*")):
            return 0
        r = self.prs("dump", "journal", self.run_dir(), "--json")
        return r.stdout.count('"SPLIT"') if r.returncode == 0 else 0

    def test_commands_read_a_run_with_parts(self):
        self.files(40)
        self.script(SOME)
        self.assertEqual(self.prs(*self.words, "--run-max-try", "1", env={"BAD": "f0011"}).returncode, 0)
        for words in (("list",), ("status",), ("why",), ("logs",), ("output", "last", "--partial"), ("check",),
                      ("cancel",), ("clean", "--older", "0d", "--dry-run"),
                      ("dump", "journal", "last")):
            r = self.prs(*words)
            self.assertIn(r.returncode, (0, 2) if words[0] in ("cancel", "why") else (0,), (words, r.stderr))
            self.assertNotRegex(r.stdout + r.stderr, "SPLIT of|unreadable", words)

    def test_a_failed_job_is_mended(self):
        """A job that failed on a few items goes on as bisect."""
        want = self.files(40)
        self.script(SOME)
        env = {"BAD": "f0011"}
        words = tuple(w for w in self.words if w not in ("--on-failure", "bisect"))
        r = self.prs(*words, "--run-max-try", "1", "--allowed-failed-count", "0", env=env)
        self.assertEqual(r.returncode, 1, r.stderr)
        r = self.prs("resume", "last", "--retry-failed", "--set", "on_failure=bisect",
                     "--set", "allowed_failed_count=1", env=env)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.check(want, ("f0011",), 1)
