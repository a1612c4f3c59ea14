# SPDX-License-Identifier: Apache-2.0
"""./dev install --prefix DIR: the installed program finds what belongs to it by its own path, wherever the folder
goes."""
import os
import shutil
import subprocess

import prs_job
from prs_job import SCRIPT, JobCase

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class InstallTest(JobCase):
    def run_with(self, program):
        env = {"PATH": "/usr/bin:/bin", "HOME": self.dir}
        return subprocess.run([program, "run", "code/score.py", "-i", "in", "-o", "out.txt", "--overwrite",
                               "--python", "/usr/bin/python3", "-q"], cwd=self.dir,
                              env=env, timeout=prs_job.DEADLINE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, universal_newlines=True)

    def works(self, program):
        r = self.run_with(program)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), self.want)
        os.remove(self.path("out.txt"))

    def test_install_move_and_link(self):
        self.want = self.files(12)
        self.script(SCRIPT)
        prefix = self.path("first place")
        r = subprocess.run([os.path.join(ROOT, "dev"), "install", "--prefix", prefix], timeout=600,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           universal_newlines=True)
        self.assertEqual(r.returncode, 0, r.stdout)
        self.assertTrue(os.path.exists(os.path.join(prefix, "share/man/man1/prs.1")))
        self.works(prefix + "/bin/prs")
        moved = self.path("moved")
        os.rename(prefix, moved)
        self.works(moved + "/bin/prs")
        os.makedirs(self.path("links"))
        os.symlink("../moved/bin/prs", self.path("links/prs"))
        self.works(self.path("links/prs"))
        self.works("./links/prs")
        os.rename(moved + "/share", moved + "/elsewhere")
        before = len(os.listdir(self.path("runs")))
        r = self.run_with(moved + "/bin/prs")
        self.assertEqual(r.returncode, 2)
        self.assertIn("share/prs/python/prs_worker.py is missing", r.stderr)
        self.assertIn("install prs again", r.stderr)
        self.assertEqual(len(os.listdir(self.path("runs"))), before)
        shutil.rmtree(self.path("runs"))
