# SPDX-License-Identifier: Apache-2.0
"""A run folder that prs was stopped from making: killed, it is known as half made; told to end, nothing is left of
it."""
import glob
import json
import os
import signal

from prs_job import JobCase, wait_until

POINT = "code.restore.before_write"  # the code is copied, job.json is not written


class HalfMadeTest(JobCase):
    def setUp(self):
        super().setUp()
        self.script("def run(mini_batch): return mini_batch\n")
        self.files(3)

    def held(self, **more):
        """A prs run that stands in the middle of its run folder, and the file that lets it go on."""
        mark = self.path("mark")
        p = self.start(*self.words, env={"PRS_HOLD": "%s:1:%s" % (POINT, mark)}, **more)
        wait_until(lambda: os.path.exists(mark) or p.poll() is not None, POINT)
        self.assertIsNone(p.returncode, self.said())
        return p, mark

    def test_killed(self):
        r = self.run_job(kill=POINT + ":1")
        self.assertEqual(r.returncode, -signal.SIGKILL, r.stderr)
        half = self.run_dir()
        self.assertEqual(sorted(set(os.listdir(half)) & {"RUN", "job.json"}), ["RUN"])
        r = self.prs("list", "--json")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(json.loads(r.stdout)["state"], "half-made")
        r = self.prs("resume", "last")
        self.assertEqual(r.returncode, 3, r.stdout)
        self.assertIn("this run folder is only half made", r.stderr)
        self.assertIn("start a new run", r.stderr)
        # no input of the next one
        r = self.prs("run", "code/score.py", "--input", ".", "--processes", "1", "--output-action", "summary_only")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("2 run folders in the input were passed over", r.stderr)
        runs = {os.path.join(self.path("runs"), r["run"]): r
                for r in map(json.loads, self.prs("list", "--json").stdout.splitlines())}
        [whole] = set(runs) - {half}
        self.assertEqual(runs[whole]["state"], "completed")
        self.assertEqual(runs[whole]["done"], 1)
        self.assertIn('"items":4', self.prs("dump", "plan", whole, "--json").stdout.replace(" ", ""))
        r = self.prs("clean", os.path.basename(half))
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.assertFalse(os.path.exists(half))

    def test_told_to_end(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            p, mark = self.held()
            p.send_signal(number)
            os.remove(mark)
            self.assertEqual(p.wait(), -number, self.said())
            self.assertEqual(glob.glob(self.path("runs", "*")), [])

    def test_nohup(self):
        """A signal that is ignored ends nothing."""
        p, mark = self.held(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        p.send_signal(signal.SIGHUP)
        os.remove(mark)
        self.assertEqual(p.wait(), 0, self.said())
        self.assertEqual(len(self.output().split()), 3)
