# SPDX-License-Identifier: Apache-2.0
"""Two engines on one run folder; engines that are killed at random."""
import os
import random
import shutil
import signal
import subprocess
import textwrap
import time

from prs_job import DEADLINE, PRS, SCRIPT, JobCase


class EngineTest(JobCase):
    def start(self, *words):
        p = subprocess.Popen([PRS, *words], cwd=self.dir, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                             universal_newlines=True)
        self.addCleanup(p.stderr.close)
        return p

    def wait_for(self, path):
        end = time.monotonic() + DEADLINE
        while not os.path.exists(os.path.join(self.dir, path)):
            self.assertLess(time.monotonic(), end, path + " did not appear")
            os.sched_yield()

    def test_second_engine_is_refused_and_takeover_wins(self):
        want = self.files(20)
        self.write("code/score.py", textwrap.dedent("""
            import os
            ROOT = %r
            def run(mini_batch):
                open(os.path.join(ROOT, "started"), "w").close()
                while not os.path.exists(os.path.join(ROOT, "go")): os.sched_yield()
                return ["%%s: %%s" %% (os.path.basename(p), open(p).read()) for p in mini_batch]
        """ % self.dir))
        first = self.start("run", "code/score.py", "--input", "in", "--mini-batch-size", "7", "--processes", "2", "--output", "out.txt")
        self.wait_for("started")
        refused = self.prs("resume", "last")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("in use by pid %d" % first.pid, refused.stderr)
        first.send_signal(signal.SIGSTOP)
        self.write("go", "")
        second = self.prs("resume", "last", "--takeover")
        self.assertEqual(second.returncode, 0, second.stderr)
        first.send_signal(signal.SIGCONT)
        _, said = first.communicate(timeout=DEADLINE)
        self.assertEqual(first.returncode, 3, said)
        self.assertIn("another engine took this run over", said)
        self.assertEqual(self.output(), want)
