# SPDX-License-Identifier: Apache-2.0
"""The copied code is the run: what a hand, a script or an accident did to it between two lives of an engine."""
import glob
import os
import shutil
import subprocess
import sys

from prs_job import JobCase, wait_until

SCRIPT = """
    import os, helper, time
    def run(mini_batch):
        while "STOP" in os.environ and mini_batch.task_id == 20:
            time.sleep(0.01)
        return ["%s: %s" % (os.path.basename(p), helper.VERSION) for p in mini_batch]
"""


class CodeCase(JobCase):
    def setUp(self):
        super().setUp()
        self.files(40)
        self.script(SCRIPT)
        self.write("code/helper.py", "VERSION = 1\n")
        self.write("code/pkg/data.txt", "x")
        self.want = "".join("f%04d: 1\n" % i for i in range(40))
        p = self.start("run", "code/score.py", "-i", "in", "-b", "1", "-p", "1", "-o", "out.txt", env={"STOP": "1"})
        wait_until(lambda: glob.glob(self.path("runs", "*", "journal-1")) and len(self.journal("DONE")) == 20,
                   "the first half")
        p.kill()
        p.wait()
        self.work = os.path.join(self.run_dir(), "work", "code")

    def edit(self, *names, text="VERSION = 2\n"):
        path = os.path.join(self.run_dir(), *names)
        with open(path, "w") as f:
            f.write(text)
        return path

    def resume(self, status=0, kill=None):
        r = self.prs("resume", kill=kill)
        self.assertEqual(r.returncode, status, r.stderr)
        return r.stderr

    def completed(self):
        self.assertEqual(self.output(), self.want)
        self.assertIn(": 0 problems", self.prs("check").stdout)


class WorkingCopyTest(CodeCase):
    def test_an_edit(self):
        self.edit("work", "code", "helper.py")
        said = self.resume()
        self.assertIn("work/code: 1 file changed since the run began, it is again what code/ holds (helper.py)", said)
        self.completed()

    def test_bytecode_of_an_edit(self):
        """Compiled from another text of the same size and time."""
        self.edit("work", "code", "helper.py")
        subprocess.run(["python3", "-c", "import py_compile as p; p.compile('helper.py', invalidation_mode=p.PycInvalidationMode.UNCHECKED_HASH)"],
                       cwd=self.work, check=True)
        self.assertTrue(glob.glob(os.path.join(self.work, "__pycache__", "helper.*.pyc")))
        self.resume()
        self.completed()

    def test_nothing_changed(self):
        self.assertNotIn("work/code", self.resume())
        self.completed()

    def test_several(self):
        self.edit("work", "code", "helper.py")
        os.remove(os.path.join(self.work, "score.py"))
        shutil.rmtree(os.path.join(self.work, "pkg"))
        self.assertIn("work/code: 3 files changed since the run began, they are again what code/ holds (helper.py, ...)", self.resume())
        self.completed()

    def test_missing(self):
        for what in ("work/code/score.py", "work/code", "work"):
            path = os.path.join(self.run_dir(), what)
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
            said = self.resume(kill="store.segment.after_sync:1", status=-9)
            self.assertIn(" missing, ", said)
            self.assertNotIn("init()", said)
        self.resume()
        self.completed()

    def test_what_the_script_wrote_stays(self):
        self.edit("work", "code", "state.json", text="mine")
        self.edit("work", "code", "outputs", "part", text="mine")
        self.assertNotIn("work/code", self.resume())
        self.completed()
        for name in ("state.json", "outputs/part"):
            with open(os.path.join(self.work, name)) as f:
                self.assertEqual(f.read(), "mine")

    def test_killed_while_it_is_restored(self):
        """At every file, at each moment."""
        for point in ("before_write", "before_rename", "after_rename"):
            for count in (1, 2, 3):
                with self.subTest(point, count=count):
                    self.edit("work", "code", "helper.py")
                    self.edit("work", "code", "score.py", text="raise ValueError(1)")
                    shutil.rmtree(os.path.join(self.work, "pkg"))
                    before = len(glob.glob(os.path.join(self.run_dir(), "journal-*")))
                    self.resume(kill="code.restore.%s:%d" % (point, count), status=-9)
                    self.assertEqual(len(glob.glob(os.path.join(self.run_dir(), "journal-*"))), before, "no life began")
                    self.resume(kill="store.segment.after_sync:1", status=-9)
        self.resume()
        self.completed()

    def test_a_first_life_that_never_began(self):
        """Killed before its journal has a HEAD: what job.json says counts."""
        shutil.rmtree(self.path("runs"))
        self.assertEqual(self.prs("run", "code/score.py", "-i", "in", "-o", "out.txt", kill="store.journal.created:1").returncode, -9)
        self.edit("work", "code", "helper.py")
        self.assertIn("1 file changed since the run began", self.resume())
        self.completed()


class ChangedCodeTest(CodeCase):
    def refused(self, said):
        before = sorted(os.listdir(self.run_dir()))
        self.assertIn("%s/code%s" % (os.path.realpath(self.run_dir()), said), self.resume(status=2))
        self.assertEqual(sorted(os.listdir(self.run_dir())), before)  # no life began

    def test_refused_by_name(self):
        kept = self.path("kept")
        shutil.copytree(os.path.join(self.run_dir(), "code"), kept)
        self.edit("code", "helper.py")
        self.refused("/helper.py was changed after the run began: put it back as it was, or start a new run")
        shutil.copy2(os.path.join(kept, "helper.py"), os.path.join(self.run_dir(), "code", "helper.py"))
        os.remove(os.path.join(self.run_dir(), "code", "pkg", "data.txt"))
        self.refused("/pkg/data.txt was removed after the run began: put it back, or start a new run")
        shutil.copy2(os.path.join(kept, "pkg", "data.txt"), os.path.join(self.run_dir(), "code", "pkg", "data.txt"))
        added = self.edit("code", "json.py")
        self.refused("/json.py was added after the run began: remove it, or start a new run")
        os.remove(added)
        os.rename(os.path.join(self.run_dir(), "code"), self.path("away"))
        self.refused(" is missing: put it back, or start a new run")
        os.rename(self.path("away"), os.path.join(self.run_dir(), "code"))
        self.resume()
        self.completed()

    def test_without_sums(self):
        """A run of an engine that wrote none."""
        os.remove(os.path.join(self.run_dir(), "code.sums"))
        kept = self.edit("code", "more.py")
        self.refused(" was changed after the run began: put it back as it was")
        os.remove(kept)
        self.resume()
        self.completed()

    def test_what_tools_leave_is_no_change(self):
        subprocess.run([sys.executable, "-c", "import helper"], cwd=os.path.join(self.run_dir(), "code"), check=True,
                       env={k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"})
        self.assertTrue(os.path.exists(os.path.join(self.run_dir(), "code", "__pycache__")))
        self.resume()
        self.completed()

    def test_a_job_that_is_over(self):
        self.resume()
        self.edit("code", "helper.py")
        self.assertIn(" is completed: there is nothing to resume", self.prs("resume").stderr)
        self.completed()
