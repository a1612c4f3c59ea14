# SPDX-License-Identifier: Apache-2.0
"""The interpreter is started as it is named: wrappers are kept as long as they become Python; what they say instead is
shown."""
import json
import os
import shutil
import sys
import unittest

from prs_job import JobCase

SEES = """
    import os
    def run(mini_batch):
        return [os.environ.get("FROM_WRAPPER", "nothing") for p in mini_batch]
"""


class WrapperTest(JobCase):
    def setUp(self):
        super().setUp()
        self.script(SEES)
        self.files(3)
        self.python = shutil.which("python3", path=os.path.dirname(sys.executable)) or sys.executable

    def wrapper(self, text, name="wrapper"):
        self.write(name, "#!/bin/sh\n" + text.replace("PYTHON", self.python))
        os.chmod(self.path(name), 0o755)
        return "./" + name

    def refused(self, python, *says):
        r = self.run_job("--python", python)
        self.assertEqual(r.returncode, 2, r.stderr)
        for text in says:
            self.assertIn(text, r.stderr)
        self.assertFalse(os.path.exists(self.path("runs")))

    def test_is_started_as_it_is(self):
        """Never replaced by what it runs: what it sets is there in the workers."""
        r = self.run_job("--python", self.wrapper('export FROM_WRAPPER=module\nexec PYTHON "$@"\n'))
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), "module\n" * 3)
        with open(os.path.join(self.run_dir(), "job.json")) as f:
            self.assertEqual(json.load(f)["python"], self.path("wrapper"))

    def test_on_the_path(self):
        """A version manager's shim is kept too."""
        self.wrapper('export FROM_WRAPPER=shim\nexec PYTHON "$@"\n', "bin/python3")
        r = self.run_job(env={"PATH": self.path("bin") + ":" + os.environ["PATH"]})
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), "shim\n" * 3)

    def test_a_greeting(self):
        r = self.run_job("--python", self.wrapper('echo Loading module 3.11\necho hello >&2\nexec PYTHON "$@"\n'))
        self.assertEqual(r.returncode, 0, r.stderr)

    def test_a_child_is_refused(self):
        self.refused(self.wrapper('PYTHON "$@"\n'),
                     "--python: ./wrapper: the interpreter starts Python as a child process instead of becoming it",
                     'let the last line of the wrapper be exec python "$@"')

    def test_a_child_that_only_the_engine_meets(self):
        """The check before the run sees another process than the workers do: the engine looks once more."""
        r = self.run_job("--python", self.wrapper('[ "$1" != -S ] || exec PYTHON "$@"\nPYTHON "$@"\n'))
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertIn("the interpreter starts Python as a child process instead of becoming it", r.stderr + self.said())
        self.assertEqual(self.journal("done"), [])
        self.check_no_strays()

    def test_what_it_says_is_shown(self):
        self.refused(self.wrapper('echo "module: not found: python/9.9" >&2\necho second line >&2\nexit 3\n'),
                     "./wrapper is no Python interpreter that runs here: it ended with status 3. It says:\n    module: not found: python/9.9\n    second line\n")
        self.refused(self.wrapper('echo "no answer today" >&2\n'),
                     "./wrapper is no Python interpreter: it did not answer a line of Python. It says:\n    no answer today\n")

    def test_much_is_shown_from_its_end(self):
        self.refused(self.wrapper('seq 1 20000 >&2\nexit 1\n'), "    19999\n    20000\n")

    def test_something_of_it_stays_behind(self):
        """A process that the wrapper leaves in the background holds its stderr open: nothing waits for it."""
        r = self.run_job("--python", self.wrapper('sleep 600 &\necho $! >>pids\nexec PYTHON "$@"\n'))
        with open(self.path("pids")) as f:
            pids = [int(line) for line in f]
        for pid in pids:
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                pass
        self.assertEqual(r.returncode, 0, r.stderr)

    def test_a_virtual_environment_by_its_folder(self):
        os.makedirs(self.path("env/bin"))
        os.symlink(self.python, self.path("env/bin/python"))
        r = self.run_job("--python", "env")
        self.assertEqual(r.returncode, 0, r.stderr)
        with open(os.path.join(self.run_dir(), "job.json")) as f:
            self.assertEqual(json.load(f)["python"], self.path("env/bin/python"))  # not what it links to

    def test_a_folder_called_python3(self):
        """What nobody named is looked for on the PATH alone."""
        self.wrapper('export FROM_WRAPPER=folder\nexec PYTHON "$@"\n', "python3/bin/python")
        self.assertEqual(self.run_job().returncode, 0)
        self.assertEqual(self.output(), "nothing\n" * 3)


if __name__ == "__main__":
    unittest.main()
