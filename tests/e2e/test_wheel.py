# SPDX-License-Identifier: Apache-2.0
"""The wheel: built by ./dev wheel, installed into fresh environments, runs a job there."""
import glob
import os
import re
import subprocess
import sys
import zipfile

from prs_job import JobCase

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))

COMPAT = """
import os, sys, prs_engine.compat
prs_engine.compat.install()
import azureml.core
from azureml.core import Workspace
print(azureml.core.VERSION, Workspace.create(os.path.basename(sys.prefix)).name)
"""


def interpreters():
    """This one, and the oldest and newest of a version manager, where there is one."""
    found = glob.glob(os.path.expanduser("~/.pyenv/versions/3.*/bin/python"))
    found.sort(key=lambda p: [int(n) for n in re.findall(r"/3\.(\d+)\.(\d+)/", p)[0]])
    found = [p for p in found if int(re.findall(r"/3\.(\d+)", p)[0]) >= 8]
    return [sys.executable] + found[:1] + found[-1:]


class WheelTest(JobCase):
    def call(self, *words):
        return subprocess.run(words, cwd=self.dir, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT,
                              universal_newlines=True).stdout

    def build(self):
        """The wheel of a clone whose origin is a server's."""
        env = dict(os.environ, GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="remote.origin.url",
                   GIT_CONFIG_VALUE_0="https://me:secret@example.org/team/prs.git")
        said = subprocess.run([os.path.join(ROOT, "dev"), "wheel", os.path.join(self.dir, "dist")], check=True, env=env,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
        [wheel] = glob.glob(os.path.join(self.dir, "dist", "*manylinux*.whl"))
        self.assertEqual(said.stdout.split(), [wheel])
        if "no glibc" not in said.stderr:
            self.assertIn("-manylinux_2_28_%s.whl" % os.uname().machine, wheel)
        return wheel

    def check_metadata(self, wheel):
        with zipfile.ZipFile(wheel) as z:
            read = {name.rpartition("/")[2]: z.read(name).decode() for name in z.namelist() if ".dist-info/" in name}
            self.assertIn("prs_engine/__init__.py", z.namelist())
        self.assertIn("\nName: prs-engine\n", read["METADATA"])
        for library in ("libuv", "xxHash", "Jansson", "YAML", "uthash"):
            self.assertIn(library.lower(), read["LICENSE"].partition("This wheel contains the libraries")[2].lower())
        self.assertEqual(read["entry_points.txt"].split(), ["[console_scripts]", "prs", "=", "prs_engine:main"])
        self.assertEqual(re.findall("(?m)^Project-URL: (.*)$", read["METADATA"]),
                         ["Homepage, https://example.org/team/prs",
                          "Documentation, https://example.org/team/prs/tree/main/docs",
                          "Changes, https://example.org/team/prs/commits/main",
                          "Issues, https://example.org/team/prs/issues"])

    def test_installed_into_a_fresh_environment(self):
        wheel = self.build()
        self.check_metadata(wheel)
        want = self.files(20)
        self.write("score.py", "import os\ndef run(mini_batch): return ['%s: %s' % (os.path.basename(p), open(p).read()) for p in mini_batch]\n")
        for i, python in enumerate(interpreters()):
            with self.subTest(python):
                self.call(python, "-m", "venv", "venv%d" % i)
                self.call("venv%d/bin/python" % i, "-m", "pip", "install", "-q", "--no-index", wheel)
                self.assertIn("prs ", self.call("venv%d/bin/prs" % i, "version"))
                self.call("venv%d/bin/prs" % i, "run", "score.py", "--input", "in", "--output", "out%d.txt" % i,
                          "--python", "venv%d/bin/python" % i)
                with open(os.path.join(self.dir, "out%d.txt" % i)) as f:
                    self.assertEqual(f.read(), want)
                self.assertIn("prs ", self.call("venv%d/bin/python" % i, "-m", "prs_engine", "version"))
                self.assertEqual(self.call("venv%d/bin/python" % i, "-c", COMPAT), "1.60.0 venv%d\n" % i)
