# SPDX-License-Identifier: Apache-2.0
"""The script was mended while the run was down: what is said, resume --new-code, replay --code."""
import glob
import json
import os
import shutil

from prs_job import JobCase, wait_until

SCRIPT = """
    import os, helper, time
    def run(mini_batch):
        while os.environ.get("STOP") == str(mini_batch.task_id):
            time.sleep(0.01)
        return ["%s: %s" % (os.path.basename(p), helper.VERSION) for p in mini_batch]
"""
SINCE = "helper.py has changed since; this run uses its copy (prs resume --new-code takes the new one)"


class NewCodeCase(JobCase):
    """20 of 40 mini-batches are done with version 1; the folder of the script has version 2 then."""

    def setUp(self):
        super().setUp()
        self.files(40)
        self.script(SCRIPT)
        self.write("code/helper.py", "VERSION = 1\n")
        self.write("code/old.py", "")
        self.killed(20, "run", "code/score.py", "-i", "in", "-b", "1", "-p", "1", "-o", "out.txt")
        self.mend()

    def killed(self, done, *words):
        """Killed when so many mini-batches are done; what it said."""
        p = self.start(*words, env={"STOP": str(done)})
        wait_until(lambda: glob.glob(self.path("runs", "*", "journal-1")) and len(self.journal("DONE")) == done,
                   "%d mini-batches" % done)
        p.kill()
        p.wait()
        return self.said()

    def mend(self, version=2):
        self.write("code/helper.py", "VERSION = %d\n" % version)
        self.write("code/new.py", "")
        if os.path.exists(self.path("code/old.py")):
            os.remove(self.path("code/old.py"))

    def want(self, *versions):
        """The version of each row: (rows, version) ..."""
        each = [v for n, v in versions for _ in range(n)]
        return "".join("f%04d: %d\n" % (i, v) for i, v in enumerate(each))

    def prints(self):
        return [f["code_folder"] for f in self.journal("HEAD")]

    def resume(self, *words, status=0, kill=None):
        r = self.prs("resume", *words, kill=kill)
        self.assertEqual(r.returncode, status, r.stderr)
        return r.stderr

    def code_folders(self):
        return sorted(n for n in os.listdir(self.run_dir()) if n.startswith("code"))


class SaidTest(NewCodeCase):
    def test_a_resume_says_it(self):
        self.write("code/old.py", "")
        said = self.resume()
        self.assertIn("warning: " + SINCE, said)
        self.assertEqual(self.output(), self.want((40, 1)))
        self.assertNotIn("of code", said)

    def test_several(self):
        self.write("code/score.py", "x = 1\n")
        self.assertIn("helper.py and 2 more files have changed since; this run uses their copies", self.resume())

    def test_nothing_changed(self):
        self.write("code/helper.py", "VERSION = 1\n")
        self.write("code/old.py", "")
        self.assertNotIn("changed since", self.resume())

    def test_the_folder_is_gone(self):
        shutil.rmtree(self.path("code"))
        self.assertNotIn("changed since", self.resume())

    def test_replay(self):
        r = self.prs("replay", "last", "3")
        self.assertEqual((r.returncode, r.stdout), (0, "f0003: 1\n"), r.stderr)
        self.assertIn("helper.py and 1 more file have changed since; this run uses their copies (--code DIR takes the new one)", r.stderr)
        r = self.prs("replay", "last", "3", "--code", "code")
        self.assertEqual((r.returncode, r.stdout), (0, "f0003: 2\n"), r.stderr)
        self.assertNotIn("changed since", r.stderr)
        r = self.prs("replay", "last", "3", "--code", "in")
        self.assertEqual((r.returncode, r.stderr), (2, "prs: --code in: score.py, the script of the run, is not in it\n"))
        r = self.prs("replay", "last", "3", "--code", "code/score.py")
        self.assertEqual((r.returncode, r.stderr), (2, "prs: --code code/score.py: no folder; name the one that holds score.py\n"))


class NewCodeTest(NewCodeCase):
    def test_taken(self):
        said = self.resume("--new-code")
        self.assertNotIn("changed since", said)
        self.assertIn("20 rows of code/, 20 rows of code-2/", said)
        self.assertEqual(self.output(), self.want((20, 1), (20, 2)))
        self.assertEqual(self.code_folders(), ["code", "code-2", "code-2.sums", "code.sums"])
        self.assertEqual(sorted(os.listdir(os.path.join(self.run_dir(), "code"))), ["helper.py", "old.py", "score.py"])
        self.assertEqual(sorted(os.listdir(os.path.join(self.run_dir(), "code-2"))), ["helper.py", "new.py", "score.py"])
        work = sorted(n for n in os.listdir(os.path.join(self.run_dir(), "work", "code")) if n.endswith(".py"))
        self.assertEqual(work, ["helper.py", "new.py", "score.py"])
        one, two = self.prints()
        self.assertNotEqual(one, two)
        with open(os.path.join(self.run_dir(), "job.json")) as f:
            self.assertEqual(json.load(f)["code_print"], one)
        self.assertIn(": 0 problems", self.prs("check").stdout)
        with open(os.path.join(self.run_dir(), "logs", "job_result.txt")) as f:
            self.assertIn("20 rows of code/, 20 rows of code-2/", f.read())

    def test_the_lives_after_it(self):
        """They go on with it, compare with it, restore it; a third code stands beside."""
        self.killed(22, "resume", "--new-code")
        self.mend(3)
        with open(os.path.join(self.run_dir(), "work", "code", "helper.py"), "w") as f:
            f.write("VERSION = 9\n")
        said = self.killed(24, "resume")
        self.assertIn("work/code: 1 file changed since the run began, it is again what code-2/ holds (helper.py)", said)
        self.assertIn(SINCE, said)
        rows = self.prs("replay", "last", "0").stdout
        self.assertEqual(rows, "f0000: 2\n")
        self.assertEqual(len(set(self.prints())), 2)
        self.resume("--new-code")
        self.assertEqual(self.output(), self.want((20, 1), (4, 2), (16, 3)))
        self.assertEqual(self.code_folders(), ["code", "code-2", "code-2.sums", "code-4", "code-4.sums", "code.sums"])
        r = self.prs("resume")
        self.assertIn("is completed", r.stderr)

    def test_a_hand_in_it(self):
        self.resume("--new-code", kill="store.segment.after_sync:1", status=-9)
        with open(os.path.join(self.run_dir(), "code-2", "helper.py"), "a") as f:
            f.write("#")
        said = self.resume(status=2)
        self.assertIn("/code-2/helper.py was changed after the run began: put it back as it was", said)

    def test_nothing_new(self):
        self.write("code/helper.py", "VERSION = 1\n")
        self.write("code/old.py", "")
        os.remove(self.path("code/new.py"))
        said = self.resume("--new-code")
        self.assertIn("--new-code: the script's folder holds what the run has already", said)
        self.assertEqual(self.code_folders(), ["code", "code.sums"])
        self.assertEqual(len(set(self.prints())), 1)
        self.assertEqual(self.output(), self.want((40, 1)))

    def test_killed_on_the_way(self):
        """Before HEAD says which code it is the run has that of before, whole, and nothing of the new one."""
        for point in ("code.new.taken:1", "code.restore.before_write:1", "code.restore.after_rename:1",
                      "code.restore.after_rename:2", "store.journal.created:1"):
            for words, want in (((), self.want((40, 1))), (("--new-code",), self.want((20, 1), (20, 2)))):
                with self.subTest(point, words=words):
                    kept = self.path("kept")
                    shutil.copytree(self.run_dir(), kept, symlinks=True, ignore=shutil.ignore_patterns("ctl"))
                    run = self.run_dir()
                    self.resume("--new-code", kill=point, status=-9)
                    self.resume(*words)
                    self.assertEqual(self.output(), want)
                    names = sorted(n for n in os.listdir(os.path.join(run, "work", "code")) if n.endswith(".py"))
                    self.assertEqual(names, ["helper.py", "new.py" if words else "old.py", "score.py"])
                    self.assertEqual(len(glob.glob(os.path.join(run, "code-*"))), 2 * len(words))
                    shutil.rmtree(run)
                    shutil.move(kept, run)
                    os.remove(self.path("out.txt"))

    def test_refused(self):
        self.write("code/score.py", "def run(:\n")
        said = self.resume("--new-code", status=2)
        self.assertIn("SyntaxError", said)
        os.remove(self.path("code/score.py"))
        self.assertIn("--new-code: score.py is not in %s any more" % self.path("code"), self.resume("--new-code", status=2))
        self.assertIn("--code cannot change in a run that exists; --new-code takes", self.resume("--code", "x", status=2))
        self.assertEqual(self.code_folders(), ["code", "code.sums"])
        self.assertEqual(len(self.prints()), 1)


    def test_code_that_made_no_row_goes(self):
        """Of many attempts to mend a script that failed again the last one stays, and what rows are of."""
        self.killed(22, "resume", "--new-code")  # code-2 has rows
        for version in (3, 4, 5):
            self.mend(version)
            self.write("code/score.py", "def run(mini_batch): return nam%d\n" % version)
            self.resume("--new-code", "--retry-failed", "--error-threshold", "0", status=1)
        self.assertEqual(self.code_folders(), ["code", "code-2", "code-2.sums", "code-4", "code-4.sums", "code-5",
                                               "code-5.sums", "code.sums"])  # code-4 goes with the next life
        self.script(SCRIPT)
        for point in ("code.new.taken:1", None):  # killed before its HEAD: the life after it still has code-5
            self.resume("--new-code", "--retry-failed", kill=point, status=-9 if point else 0)
        self.assertEqual([n for n in self.code_folders() if "." not in n], ["code", "code-2", "code-5", "code-6"])


class FailedTest(JobCase):
    def test_nothing_ran_yet(self):
        """Killed before the journal has a HEAD: job.json says what the code is."""
        self.files(3)
        self.script("def run(b): return b")
        words = ("run", "code/score.py", "-i", "in", "-o", "out.txt")
        self.assertEqual(self.prs(*words, kill="store.journal.created:1").returncode, -9)
        self.script("def run(b): return [1]")
        r = self.prs("resume", "--new-code")
        self.assertEqual(r.returncode, 2, r.stderr)
        self.assertIn("--new-code: nothing of this run has run yet: start a new run", r.stderr)
        self.assertEqual(self.prs("resume").returncode, 0)

    def test_a_typo_is_mended(self):
        """The way that the end of a job shows: resume --retry-failed --new-code."""
        self.want = self.files(30)
        self.script("def run(b): return nam")
        r = self.prs("run", "code/score.py", "-i", "in", "-b", "1", "-p", "1", "-o", "out.txt")
        self.assertEqual(r.returncode, 1)
        run = os.path.basename(self.run_dir())
        self.assertIn("prs resume %s --retry-failed --new-code" % run, r.stderr)
        self.script("""
            import os
            def run(b): return ["%s: %s" % (os.path.basename(p), open(p).read()) for p in b]
        """)
        r = self.prs("resume", run, "--retry-failed", "--new-code")
        self.assertEqual((r.returncode, self.output()), (0, self.want), r.stderr)
        self.assertIn("  code          30 rows of code-2/\n", r.stderr)
