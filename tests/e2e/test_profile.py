# SPDX-License-Identifier: Apache-2.0
"""--profiling-module writes a profile of run() for each process."""
import glob
import os
import pstats

from prs_job import JobCase


class ProfileTest(JobCase):
    def test_both_modules(self):
        self.files(20)
        self.write("code/score.py", "def slow(x): return sum(range(1000)) + len(x)\ndef run(mini_batch): return [slow(p) for p in mini_batch]\n")
        for module in ("cProfile", "profile"):
            with self.subTest(module):
                r = self.run_job("--profiling_module", module, "--overwrite", "--processes", "1",
                                 "--python", "/usr/bin/python3")
                self.assertEqual(r.returncode, 0, r.stderr)
                [newest] = glob.glob(os.path.join(max(glob.glob(os.path.join(self.dir, "runs", "*")), key=os.path.getmtime), "logs", "sys", "profile", "*"))
                calls = {name: stats[1] for (_, _, name), stats in pstats.Stats(newest).stats.items()}
                self.assertEqual((calls["run"], calls["slow"]), (3, 20))
                self.assertNotIn("next_task", calls)

    def test_off(self):
        self.files(1)
        self.write("code/score.py", "def run(mini_batch): return mini_batch\n")
        self.assertEqual(self.run_job().returncode, 0)
        self.assertEqual(glob.glob(os.path.join(self.dir, "runs", "*", "logs", "sys", "profile")), [])
