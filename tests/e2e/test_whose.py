# SPDX-License-Identifier: Apache-2.0
"""Whose word counts: prs.yml and the cache of environments only when nobody else could have written them; validate and
plan run nothing."""
import os
import stat
import sys
import unittest

from prs_job import SCRIPT, JobCase

ROOT = os.geteuid() == 0
OTHER = 65534


class TrustCase(JobCase):
    def setUp(self):
        super().setUp()
        self.write("home/a/b/code/score.py", "")
        self.home = self.path("home")
        self.env = {"HOME": self.home, "XDG_CONFIG_HOME": self.path("config"), "XDG_CACHE_HOME": self.path("cache")}
        self.script(SCRIPT)
        os.replace(self.path("code/score.py"), self.path("home/a/b/code/score.py"))
        self.files(2)

    def evil(self, name="evil"):
        """A program that leaves a mark when it is run."""
        self.write(name, "#!/bin/sh\necho run >>%s\nexec %s \"$@\"\n" % (self.path("mark"), sys.executable))
        os.chmod(self.path(name), 0o755)
        return self.path(name)

    def was_run(self):
        return os.path.exists(self.path("mark"))

    def plan(self, *more, command="plan"):
        r = self.prs(command, "home/a/b/code/score.py", "--input", "in", *more, env=self.env)
        self.assertEqual(r.returncode, 0, r.stderr)
        return r


class ProjectTest(TrustCase):
    def test_found_upward_to_the_home(self):
        self.write("home/prs.yml", "python: %s\n" % sys.executable)
        self.assertIn("(python of prs.yml)", self.plan().stdout)

    def test_not_above_the_home(self):
        self.write("prs.yml", "python: %s\n" % self.evil())
        r = self.plan()
        self.assertIn("(PATH)", r.stdout)
        self.assertEqual(r.stderr, "")
        self.env["HOME"] = self.path("home", "a", "b", "nowhere")
        self.assertIn("(python of prs.yml)", self.plan().stdout)  # it is the home that stops

    def test_not_above_the_root_of_a_repository(self):
        self.write("home/prs.yml", "python: %s\n" % self.evil())
        for mark in (".git", ".hg", ".svn", ".jj"):
            self.write("home/a/%s/x" % mark, "")
            self.assertIn("(PATH)", self.plan().stdout)
            self.write("home/a/prs.yml", "python: %s\n" % sys.executable)
            self.assertIn("(python of prs.yml)", self.plan().stdout)  # the root itself counts
            os.remove(self.path("home/a/prs.yml"))
            os.rename(self.path("home/a", mark), self.path("gone" + mark))
        self.write("home/a/.git", "gitdir: elsewhere\n")  # a work tree
        self.assertIn("(PATH)", self.plan().stdout)

    def not_used(self, why, run=True):
        r = self.plan()
        self.assertIn("(PATH)", r.stdout)
        self.assertIn(why, r.stderr)
        r = self.prs("run", "home/a/b/code/score.py", "--input", "in", "--output", "out.txt", "--overwrite",
                     env=self.env)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn(why, r.stderr)
        self.assertFalse(self.was_run())

    def test_a_folder_that_everybody_can_write_to(self):
        """The sticky bit makes it no better: anybody can put a prs.yml there."""
        self.write("home/a/prs.yml", "python: %s\n" % self.evil())
        for mode in (0o777, 0o1777):
            os.chmod(self.path("home/a"), mode)
            self.not_used("%s can be written to by everybody" % self.path("home/a"))
        self.write("home/prs.yml", "python: %s\n" % sys.executable)
        os.remove(self.path("home/a/prs.yml"))
        r = self.plan()
        self.assertIn("(PATH)", r.stdout)  # what is above such a folder does not count
        self.assertEqual(r.stderr, "")  # and without a prs.yml there is nothing to say

    def test_a_file_that_everybody_can_write_to(self):
        self.write("home/a/prs.yml", "python: %s\n" % self.evil())
        os.chmod(self.path("home/a/prs.yml"), 0o666)
        self.write("home/prs.yml", "python: %s\n" % sys.executable)
        self.not_used("%s can be written to by everybody" % self.path("home/a/prs.yml"))

    def test_the_users_own_file(self):
        self.write("config/prs/prs.yml", "python: %s\n" % self.evil())
        os.chmod(self.path("config/prs/prs.yml"), 0o646)
        self.not_used("%s can be written to by everybody" % self.path("config/prs/prs.yml"))

    @unittest.skipUnless(ROOT, "changes owners")
    def test_another_owner(self):
        self.write("home/a/prs.yml", "python: %s\n" % self.evil())
        os.chown(self.path("home/a/prs.yml"), OTHER, OTHER)
        self.not_used("%s belongs to another user" % self.path("home/a/prs.yml"))
        os.chown(self.path("home/a/prs.yml"), 0, 0)
        os.chown(self.path("home/a"), OTHER, OTHER)
        self.not_used("%s belongs to another user" % self.path("home/a"))

    @unittest.skipUnless(ROOT, "changes owners")
    def test_a_group(self):
        """The group that a user has alone is as good as the user; another is not."""
        self.write("home/a/prs.yml", "python: %s\n" % sys.executable)
        os.chmod(self.path("home/a"), 0o775)
        os.chown(self.path("home/a"), 0, 0)
        self.assertIn("(python of prs.yml)", self.plan().stdout)
        os.chown(self.path("home/a"), 0, OTHER)
        self.not_used("%s can be written to by its group" % self.path("home/a"))


class NothingRunsTest(TrustCase):
    """validate and plan run nothing that the current folder, prs.yml or the job names."""

    def check(self, *words, says=None):
        for command in ("validate", "plan"):
            r = self.prs(command, *words, env=self.env)
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertFalse(self.was_run(), command)
            if says:
                self.assertIn(says, r.stdout + r.stderr)

    words = ("home/a/b/code/score.py", "--input", "in")

    def test_python_of_prs_yml(self):
        self.write("home/a/prs.yml", "python: %s\n" % self.evil())
        self.check(*self.words)
        r = self.prs("run", *self.words, env=self.env)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertTrue(self.was_run())  # prs run does

    def test_python_of_the_job(self):
        self.write("home/a/b/job.yml", "type: parallel\ninputs: {data: {path: %s}}\ninput_data: ${{inputs.data}}\nprs: {python: %s}\n"
                                       "task: {type: run_function, code: ./code, entry_script: score.py}\n" %
                   (self.path("in"), self.evil()))
        self.check("home/a/b/job.yml")

    def test_the_current_folder_on_the_path(self):
        self.evil("python3")
        for path in (".:", ":", "home/..:", os.environ["PATH"] + ":.:"):
            self.env["PATH"] = path + os.environ["PATH"]
            self.check(*self.words)

    def test_modules_of_the_current_folder(self):
        for name in ("warnings", "encodings/__init__", "codecs", "sitecustomize", "usercustomize", "os", "traceback"):
            self.write(name + ".py", "open(%r, 'a').write('run')\n" % self.path("mark"))
        # a SyntaxWarning
        self.write("home/a/b/code/score.py", "def run(mini_batch):\n    return '\\d' is mini_batch\n")
        self.env["PYTHONPATH"] = self.dir
        self.env["PYTHONWARNINGS"] = "always"
        self.check(*self.words)

    def test_a_program_that_the_flag_names_is_asked(self):
        self.plan("--python", self.evil())
        self.assertTrue(self.was_run())

    def test_syntax_is_checked_by_the_python_of_the_path(self):
        self.write("home/a/b/code/score.py", "def run(mini_batch)\n    pass\n")
        r = self.prs("validate", *self.words, env=self.env)
        self.assertEqual(r.returncode, 2)
        self.assertIn("score.py:1: SyntaxError", r.stderr)
        self.write("home/a/prs.yml", "python: %s\n" % self.evil())
        self.check(*self.words, says="(as python3 of the PATH reads it; the job's own Python is not asked)")

    def test_not_checked(self):
        """Without a python3 on the PATH the job's own is still not run."""
        self.write("home/a/prs.yml", "python: %s\n" % self.evil())
        os.makedirs(self.path("bin"))
        self.env["PATH"] = self.path("bin")
        self.check(*self.words, says="score.py is not checked: no program python3 on the PATH")


class CacheTest(TrustCase):
    """The environments that were made for packages."""

    def setUp(self):
        super().setUp()
        self.write("home/a/b/job.yml", "type: parallel\ninputs: {data: {path: %s}}\ninput_data: ${{inputs.data}}\noutputs: {rows: {type: uri_file, path: %s}}\n"
                                       "task: {type: run_function, code: ./code, entry_script: score.py, append_row_to: '${{outputs.rows}}', "
                                       "environment: {conda_file: {dependencies: [pip: [nothing-at-all]]}}}\n" %
                   (self.path("in"), self.path("out.txt")))
        self.write("bin/uv", "#!/bin/sh\nif [ \"$1\" = venv ]; then for d; do :; done; mkdir -p \"$d/bin\" && ln -s %s \"$d/bin/python\"; fi\necho uv \"$1\"\n" % sys.executable)
        os.chmod(self.path("bin/uv"), 0o755)
        self.env["PATH"] = self.path("bin") + ":" + os.environ["PATH"]

    def run_it(self):
        return self.prs("run", "home/a/b/job.yml", "--overwrite", env=self.env)

    def made(self):
        """The folder of the environment, from a run that makes it."""
        r = self.run_it()
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("\nuv pip\n", r.stderr)  # what it says is heard
        [name] = [n for n in os.listdir(self.path("cache/prs/environments")) if "." not in n]
        return self.path("cache/prs/environments", name)

    def test_ours_alone_whatever_the_umask(self):
        was = os.umask(0)
        try:
            path = self.made()
        finally:
            os.umask(was)
        for p in (path, os.path.dirname(path), os.path.dirname(os.path.dirname(path))):
            self.assertEqual(stat.S_IMODE(os.stat(p).st_mode), 0o700, p)

    def test_folders_of_older_engines_are_closed(self):
        path = self.made()
        for p in (path, os.path.dirname(path), os.path.dirname(os.path.dirname(path))):
            os.chmod(p, 0o755)
        r = self.run_it()
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertNotIn("uv pip", r.stderr)  # it is used as it is
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o700)

    def refused(self, path, why):
        for command in ("run", "plan", "validate"):
            r = self.prs(command, "home/a/b/job.yml", "--overwrite", env=self.env)
            self.assertEqual(r.returncode, 2, r.stderr)
            self.assertIn("%s %s: what lies in it is not run" % (path, why), r.stderr)
        self.assertFalse(self.was_run())

    def plant(self, path):
        os.remove(os.path.join(path, "bin/python"))
        os.symlink(self.evil(), os.path.join(path, "bin/python"))

    def test_a_folder_that_others_can_write_to(self):
        path = self.made()
        self.plant(path)
        for p in (path, os.path.dirname(path), os.path.dirname(os.path.dirname(path))):
            for mode in (0o770, 0o777, 0o1777):
                os.chmod(p, mode)
                self.refused(p, "can be written to by others")
            os.chmod(p, 0o700)

    def test_a_link(self):
        path = self.made()
        self.plant(path)
        os.rename(path, self.path("elsewhere"))
        os.symlink(self.path("elsewhere"), path)
        self.refused(path, "is a link")

    @unittest.skipUnless(ROOT, "changes owners")
    def test_another_owner(self):
        path = self.made()
        self.plant(path)
        os.chown(path, OTHER, OTHER)
        self.refused(path, "belongs to another user")

    def test_a_failure_names_where_to_look(self):
        self.write("bin/uv", "#!/bin/sh\necho no network today\nexit 7\n")
        r = self.run_it()
        self.assertEqual(r.returncode, 2)
        self.assertIn("\nno network today\n", r.stderr)
        self.assertIn("could not be installed (see above;", r.stderr)
        r = self.prs("run", "home/a/b/job.yml", "--quiet", env=self.env)
        self.assertNotIn("no network today", r.stderr)
        log = r.stderr.partition("(see ")[2].partition(";")[0]
        with open(log) as f:
            self.assertEqual(f.read(), "no network today\n")


if __name__ == "__main__":
    unittest.main()
