# SPDX-License-Identifier: Apache-2.0
"""./dev install --prefix DIR: the installed program finds what belongs to it by its own path, wherever the folder
goes."""
import os
import shutil
import subprocess

import prs_job
from prs_job import SCRIPT, JobCase

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class NeedsTest(JobCase):
    """./dev on a machine that has nothing: what it would install, and that it says so before it becomes root."""
    TOOLS = {"dpkg-query": "exit 1", "id": "echo 1000", "apt-get": "echo apt-get >&2",
             "sudo": "echo became root >&2; exit 9"}

    def say(self, *words):
        for name, does in self.TOOLS.items():
            self.write("bin/" + name, "#!/bin/sh\n%s\n" % does)
            os.chmod(self.path("bin/" + name), 0o755)
        for name in ("sh", "dirname", "cat"):
            os.symlink(shutil.which(name), self.path("bin/" + name))
        r = subprocess.run([os.path.join(ROOT, "dev")] + list(words), timeout=600, env={"PATH": self.path("bin")},
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
        self.assertNotEqual(r.returncode, 0)
        return r.stdout.splitlines()

    def test_install_takes_what_building_needs_and_says_so_first(self):
        said = self.say("install", "--prefix", self.path("there"))
        self.assertEqual(said, ["installing as root (sudo apt-get), which may ask for your password: build-essential meson "
                                "ninja-build pkg-config libuv1-dev libxxhash-dev libjansson-dev libyaml-dev zlib1g-dev libzstd-dev uthash-dev "
                                "python3", "became root"])

    def test_without_sudo_it_says_what_root_would_type(self):
        self.TOOLS = {name: does for name, does in self.TOOLS.items() if name != "sudo"}
        [said] = self.say("install", "--prefix", self.path("there"))
        self.assertTrue(said.startswith("missing, and there is no sudo here. As root: apt-get install build-essential "))


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
