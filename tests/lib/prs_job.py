# SPDX-License-Identifier: Apache-2.0
"""Real jobs with the real program (environment PRS) in a private folder: what the end-to-end tests share.

The oracle reads the rows and the input, never the engine's counters.
"""
import os
import subprocess
import tempfile
import unittest

PRS = os.environ["PRS"]
DEADLINE = 120
SCRIPT = """
    import os
    def run(mini_batch):
        return ["%s: %s" % (os.path.basename(p), open(p).read()) for p in mini_batch]
"""


class JobCase(unittest.TestCase):
    def setUp(self):
        keep = tempfile.TemporaryDirectory(prefix="prs-e2e-")
        self.addCleanup(keep.cleanup)
        self.dir = keep.name

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)

    def files(self, count):
        """Makes in/f0000 ...; returns the output a correct job has."""
        for i in range(count):
            self.write("in/f%04d" % i, str(i))
        return "".join("f%04d: %d\n" % (i, i) for i in range(count))

    def prs(self, *words, kill=None):
        env = dict(os.environ)
        if kill:
            env["PRS_KILL"] = kill
        return subprocess.run([PRS, *words], cwd=self.dir, env=env, timeout=DEADLINE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, universal_newlines=True)

    def run_job(self, *more, kill=None):
        return self.prs("run", "code/score.py", "--input", "in", "--mini-batch-size", "7", "--processes", "2", "--output", "out.txt", *more, kill=kill)

    def output(self):
        with open(os.path.join(self.dir, "out.txt")) as f:
            return f.read()
