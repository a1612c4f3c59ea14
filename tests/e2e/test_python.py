# SPDX-License-Identifier: Apache-2.0
"""The interpreter is started as it is named: wrappers are kept as long as they become Python; what they say instead is
shown."""
import json
import os
import re
import shutil
import subprocess
import sys
import unittest

from prs_job import DEADLINE, LOADER, PRS, JobCase

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


class FoundTest(JobCase):
    """Nobody names an interpreter: ./.venv, the environment that holds this prs, the PATH; the screen says which."""

    def setUp(self):
        super().setUp()
        os.makedirs(self.path("home/a/b"))
        self.env = {"HOME": self.path("home"), "XDG_CONFIG_HOME": self.path("config")}
        self.folder = "home/a"
        self.write("code/score.py", "import sys\ndef run(b): return [sys.prefix for _ in b]\n")
        self.write("in/f", "")

    def venv(self, name):
        """An environment as `venv` makes it; its interpreter."""
        self.write(name + "/pyvenv.cfg", "home = %s\ninclude-system-site-packages = false\n" %
                   os.path.dirname(os.path.realpath(sys.executable)))
        os.makedirs(self.path(name, "bin"))
        os.symlink(os.path.realpath(sys.executable), self.path(name, "bin", "python"))
        return self.path(name, "bin/python")

    def evil(self, path):
        self.write(path, "#!/bin/sh\necho run >>%s\nexec %s \"$@\"\n" % (self.path("mark"), sys.executable))
        os.chmod(self.path(path), 0o755)

    def called(self, *words):
        return subprocess.run([self.program, *words], cwd=self.path(self.folder), env=dict(os.environ, **self.env),
                              timeout=DEADLINE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, universal_newlines=True)

    def chosen(self, *words):
        """Why, and the prefix that the script sees."""
        r = self.called("run", self.path("code/score.py"), "-i", self.path("in"), "-o", self.path("out.txt"),
                        "--overwrite", "-p", "1", *words)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.said_then = r.stderr
        return re.search(r"1 process of .* \((.*)\)\n", r.stderr).group(1), self.output().strip()

    def test_a_venv_here_and_above(self):
        self.venv("home/a/.venv")
        self.assertEqual(self.chosen(), ("./.venv", self.path("home/a/.venv")))
        self.folder = "home/a/b"
        self.assertEqual(self.chosen(), (self.path("home/a/.venv"), self.path("home/a/.venv")))
        self.venv("home/a/b/.venv")
        self.assertEqual(self.chosen(), ("./.venv", self.path("home/a/b/.venv")))

    def test_what_is_named_is_stronger(self):
        self.venv("home/a/.venv")
        other = self.venv("other")
        self.assertEqual(self.chosen("--python", other), ("--python", self.path("other")))
        self.write("code/prs.yml", "python: %s\n" % other)
        self.assertEqual(self.chosen(), ("python of prs.yml", self.path("other")))

    def test_the_borders_are_those_of_prs_yml(self):
        self.venv(".venv")  # above the home
        self.assertEqual(self.chosen()[0], "PATH")
        self.venv("home/.venv")
        self.assertEqual(self.chosen()[0], self.path("home/.venv"))
        self.write("home/a/.git", "gitdir: elsewhere\n")
        self.assertEqual(self.chosen()[0], "PATH")
        self.assertNotIn("warning", self.said_then)

    def test_what_others_could_have_put_there_is_not_run(self):
        self.evil("home/a/.venv/bin/python")
        self.write("home/a/.venv/pyvenv.cfg", "home = /usr/bin\n")
        for path, mode in (("home/a/.venv/pyvenv.cfg", 0o666), ("home/a", 0o1777), ("home/a/.venv", 0o777), ("home/a/.venv/bin", 0o777),
                           ("home/a/.venv/bin/python", 0o777)):
            with self.subTest(path):
                before = os.stat(self.path(path)).st_mode & 0o7777
                os.chmod(self.path(path), mode)
                self.assertEqual(self.chosen()[0], "PATH")
                self.assertIn("not used, for it could make you run programs of others: %s can be written to by everybody"
                              % self.path(path), self.said_then)
                os.chmod(self.path(path), before)
        self.assertFalse(os.path.exists(self.path("mark")))

    def test_validate_and_plan_do_not_run_it(self):
        self.evil("home/a/.venv/bin/python")
        for command in ("validate", "plan"):
            r = self.called(command, self.path("code/score.py"), "-i", self.path("in"))
            self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("(./.venv)", r.stdout)
        self.assertFalse(os.path.exists(self.path("mark")))

    def install(self, bin_dir):
        """This program as an installed one."""
        os.makedirs(self.path(bin_dir))
        self.program = shutil.copy(PRS, self.path(bin_dir, "prs"))
        os.makedirs(self.path(bin_dir, "../share/prs"))
        os.symlink(LOADER, self.path(bin_dir, "../share/prs/python"))

    def test_the_environment_that_holds_prs(self):
        python = self.venv("env")
        os.symlink("python", self.path("env/bin/python3.9"))
        self.install("env/lib/python3.9/site-packages/prs_engine/bin")
        self.assertEqual(self.chosen(), ("the environment of prs", self.path("env")))
        self.venv("home/a/.venv")
        self.assertEqual(self.chosen()[0], "./.venv")
        shutil.rmtree(self.path("home/a/.venv"))
        self.write("env/pipx_metadata.json", "{}")  # made for prs alone
        self.assertEqual(self.chosen()[0], "PATH")
        os.remove(self.path("env/pipx_metadata.json"))
        os.remove(python)  # the Python that it was made for is gone
        self.assertEqual(self.chosen()[0], "PATH")

    def test_bin_of_an_environment(self):
        self.venv("env")
        os.rename(self.path("env/bin"), self.path("kept"))
        self.install("env/bin")
        os.rename(self.path("kept/python"), self.path("env/bin/python"))
        self.assertEqual(self.chosen(), ("the environment of prs", self.path("env")))
        os.remove(self.path("env/pyvenv.cfg"))
        self.assertEqual(self.chosen()[0], "PATH")  # ~/.local/bin is no environment
        os.makedirs(self.path("env/conda-meta"))
        self.assertEqual(self.chosen()[0], "the environment of prs")


if __name__ == "__main__":
    unittest.main()
