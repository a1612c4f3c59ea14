# SPDX-License-Identifier: Apache-2.0
"""A typo in run() costs ten mini-batches, not all of them: --fail-fast, which scripts have and job files ask for."""
import os

from prs_job import JobCase

SCRIPT = """
    import os
    def run(mini_batch):
        if not os.path.exists(%r):
            nam
        return ["%%s: %%s" %% (os.path.basename(p), open(p).read()) for p in mini_batch]
"""


class FailFastTest(JobCase):
    def setUp(self):
        super().setUp()
        self.want = self.files(60)
        self.script(SCRIPT % self.path("mended"))
        self.write("job.yml", "parallel_run_config:\n  entry_script: score.py\n  source_directory: code\n  mini_batch_size: 1\n")
        self.words = ("run", "code/score.py", "-i", "in", "-b", "1", "-p", "2", "-o", "out.txt")

    def ended(self, *words, items=60):
        """All of the mini-batches were tried, and failed."""
        r = self.prs(*words)
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertNotIn("all failed with the same error", r.stderr)
        self.assertEqual(len(self.journal("FAILED")), items)
        self.clean()

    def stopped(self, *words):
        r = self.prs(*words)
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertIn("the first 10 mini-batches all failed with the same error: NameError at score.py:5", r.stderr)
        self.assertEqual([(f["to"], f["code"]) for f in self.journal("STATE")][-1], ("FAILED", 210))

    def test_a_typo(self):
        self.want = self.files(2000)
        self.stopped(*self.words)
        self.assertLess(len(self.journal("FAILED")), 1000)
        self.assertEqual(self.journal("TRY")[0]["kind"], "NameError at score.py:5")
        r = self.prs("resume", "--retry-failed")  # nothing has changed
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertIn("the first 10 mini-batches all failed with the same error: NameError at score.py:5", r.stderr)
        self.write("mended", "")
        r = self.prs("resume", "--retry-failed")
        self.assertEqual((r.returncode, self.output()), (0, self.want), r.stderr)

    def test_the_way_on_takes_the_mended_script(self):
        """Each screen that shows a way on shows the one that works after the script was mended."""
        self.stopped(*self.words)
        run = os.path.basename(self.run_dir())
        way = "try what failed once more: prs resume %s --retry-failed --new-code\n" % run
        self.assertIn(way, self.prs("status").stdout)
        for words in ((), ("--new-code",)):
            r = self.prs("resume", *words)
            self.assertEqual(r.returncode, 1, r.stderr)
            self.assertIn(way, r.stderr)
        self.assertEqual(self.prs("why").stderr, "prs: %s has failed: the first 10 mini-batches all failed with the same "
                         "error: NameError at score.py:5. What the script said: prs logs %s --errors\n" % (run, run))

    def test_lines_of_the_own_script(self):
        """A traceback names the script that the user has, as long as it is the one that runs."""
        own, copy = 'File "%s", line 5' % self.path("code/score.py"), "/work/code/score.py\", line 5"
        self.stopped(*self.words)
        r = self.prs("resume", "--retry-failed")
        self.assertIn(own, r.stderr)
        self.write("code/score.py", "# another line\n" + open(self.path("code/score.py")).read())
        r = self.prs("resume", "--retry-failed")
        self.assertIn(copy, r.stderr)
        self.assertNotIn(own, r.stderr)

    def test_off(self):
        self.ended(*self.words, "--fail-fast=false")
        self.ended("run", "job.yml", "-i", "in", "-p", "2", "-o", "out.txt")
        self.stopped("run", "job.yml", "-i", "in", "-p", "2", "-o", "out.txt", "--fail-fast")

    def test_off_in_a_resume(self):
        self.stopped(*self.words)
        self.prs("resume", "--retry-failed", "--set", "fail_fast=false")
        self.assertEqual(len({f["id"] for f in self.journal("FAILED")}), 60)

    def test_fewer_than_ten(self):
        self.ended(*self.words, "-b", "7", items=9)
