# SPDX-License-Identifier: Apache-2.0
"""Publishing the output: killed around the rename, with an output outside the run folder; foreign files of that name;
left-overs."""
import glob
import os

from prs_job import SCRIPT, JobCase

AFTER = "store.assemble.after_rename:1"
BEFORE = "store.assemble.before_rename:1"


class PublishTest(JobCase):
    def setUp(self):
        super().setUp()
        self.want = self.files(60)
        self.script(SCRIPT)
        os.mkdir(self.path("elsewhere"))
        self.words = (*self.words[:-1], "elsewhere/rows.txt")

    def output(self):
        with open(self.path("elsewhere", "rows.txt")) as f:
            return f.read()

    def put(self, text):
        self.write("elsewhere/rows.txt", text)

    def killed(self, point, *more):
        self.assertLess(self.run_job(*more, kill=point).returncode, 0)

    def resume(self, status):
        r = self.prs("resume", "last")
        self.assertEqual(r.returncode, status, r.stderr)
        return r.stderr

    def check_published(self):
        self.assertEqual(self.output(), self.want)
        [published] = self.journal("PUBLISHED")
        self.assertEqual(published["bytes"], len(self.want))
        self.assertEqual(os.listdir(self.path("elsewhere")), ["rows.txt"])
        self.assertEqual(self.prs("check", "last").returncode, 0)

    def test_killed_after_the_rename(self):
        self.killed(AFTER)
        self.assertEqual(self.output(), self.want)
        before = os.stat(self.path("elsewhere", "rows.txt"))
        self.resume(0)
        self.check_published()
        after = os.stat(self.path("elsewhere", "rows.txt"))
        self.assertEqual((before.st_ino, before.st_mtime_ns), (after.st_ino, after.st_mtime_ns))

    def test_killed_after_the_rename_again_and_again(self):
        self.killed(AFTER)
        for point in (AFTER, BEFORE):  # with the file in its place there is nothing to rename any more
            r = self.prs("resume", "last", kill=point)
            self.assertEqual(r.returncode, 0, r.stderr)
        self.check_published()

    def test_killed_after_the_rename_with_overwrite(self):
        self.put("older\n")
        self.killed(AFTER, "--overwrite")
        self.resume(0)
        self.check_published()

    def test_output_in_the_run_folder(self):
        self.words = self.words[:-2]
        self.killed(AFTER)
        self.resume(0)
        with open(os.path.join(self.run_dir(), "outputs", "parallel_run_step.txt")) as f:
            self.assertEqual(f.read(), self.want)

    def test_a_foreign_file_is_there_instead(self):
        for change in (lambda s: s[:-1], lambda s: s + "\n", lambda s: s.replace("f0031: 31", "f0031: 13"),
                       lambda s: "other", lambda s: ""):
            self.killed(AFTER)
            theirs = change(self.want)
            self.put(theirs)
            for _ in range(2):
                said = self.resume(4)
                self.assertIn("elsewhere/rows.txt exists", said)
                self.assertIn("--overwrite", said)
                self.assertEqual(self.output(), theirs)
            os.remove(self.path("elsewhere", "rows.txt"))
            self.resume(0)
            self.check_published()
            self.clean()
            os.remove(self.path("elsewhere", "rows.txt"))

    def test_a_foreign_file_appears_before_the_rename(self):
        self.killed(BEFORE)
        self.put("theirs\n")
        self.resume(4)
        self.assertEqual(self.output(), "theirs\n")
        os.remove(self.path("elsewhere", "rows.txt"))
        self.resume(0)
        self.check_published()

    def test_nothing_is_left_beside_the_output(self):
        self.killed(BEFORE)
        self.assertEqual(len(os.listdir(self.path("elsewhere"))), 1)
        r = self.prs("resume", "last", kill=BEFORE)
        self.assertLess(r.returncode, 0)
        self.resume(0)
        self.check_published()

    def test_rows_are_damaged_after_the_rename(self):
        self.killed(AFTER)
        [segment] = [p for p in glob.glob(os.path.join(self.run_dir(), "seg", "*.seg")) if os.path.getsize(p) > 64]
        with open(segment, "r+b") as f:
            f.seek(150)
            f.write(b"#")
        self.assertIn("runs again", self.resume(4))
        self.resume(0)
        self.check_published()

    def test_rows_are_lost_and_the_mini_batch_fails_then(self):
        """Its old range is not looked for at the end."""
        self.script("""
            import os
            FLAG = %r
            def run(mini_batch):
                if os.path.exists(FLAG): raise ValueError("not this time")
                return ["%%s: %%s" %% (os.path.basename(p), open(p).read()) for p in mini_batch]
        """ % self.path("flag"))
        self.killed(BEFORE, "--processes", "1")
        [segment] = [p for p in glob.glob(os.path.join(self.run_dir(), "seg", "*.seg")) if os.path.getsize(p) > 64]
        last = max(self.journal("DONE"), key=lambda d: d["offset"])
        os.truncate(segment, last["offset"])
        self.write("flag", "")
        self.assertIn("mini-batch %d runs again" % last["id"], self.resume(0))
        lines = self.want.splitlines(True)
        self.assertEqual(self.output(), "".join(lines[:7 * last["id"]] + lines[7 * last["id"] + 7:]))
