# SPDX-License-Identifier: Apache-2.0
"""Lives of one run, at random: killed at any named point, a container that goes down, hands in the working copy between them; then cleaned, which is
killed too. The rows are those of the code that was copied, each once; what failed had taken the container down."""
import os
import random
import re
import shutil

from prs_job import JobCase
from test_kill import HERE

with open(os.path.join(HERE, "..", "..", "src", "base", "killpoint.def")) as f:
    POINTS = [p for p in re.findall(r'PRS_KILLPOINT\("(.*)"\)', f.read()) if p.startswith(("store", "master", "code"))]
SEEDS, GROUPS, MINI_BATCHES = (400 if os.environ.get("PRS_TORTURE") else 12), 4, 40

SCRIPT = """
    import os, helper
    def run(mini_batch):
        with open("state", "a") as f:
            f.write(".")
        return ["%s: %s" % (os.path.basename(p), helper.VERSION) for p in mini_batch]
"""


class LivesTest(JobCase):
    def setUp(self):
        super().setUp()
        self.files(MINI_BATCHES)
        self.script(SCRIPT)
        self.write("code/helper.py", "VERSION = 1\n")
        self.write("code/pkg/a/b.txt", "x")
        self.write("root/proc/self/cgroup", "0::/\n")

    def edit(self, dice):
        """A hand in the working copy."""
        work = os.path.join(self.run_dir(), "work")
        code = os.path.join(work, "code")
        what = dice.choice(("nothing", "edit", "remove", "link", "folder", "all"))
        if what == "all":
            shutil.rmtree(work, ignore_errors=True)
        if not os.path.isdir(code):
            return
        helper = os.path.join(code, "helper.py")
        if what in ("edit", "remove", "link") and os.path.lexists(helper):
            os.remove(helper)
        if what == "edit":
            with open(helper, "w") as f:
                f.write("VERSION = 2\n")
        if what == "link":
            os.symlink(self.path("elsewhere.py"), helper)
        if what == "folder":
            shutil.rmtree(os.path.join(code, "pkg"), ignore_errors=True)

    def life(self, dice, *words):
        if dice.random() < 0.3:
            self.init += 1
        self.write("root/proc/1/stat", "1 (init) S%s %d 0 0\n" % (" 0" * 18, self.init))
        kill = "%s:%d" % (dice.choice(POINTS), dice.choice((1, 1, 2, 3, 5, 8, 13))) if dice.random() < 0.9 else None
        r = self.prs(*words, kill=kill, env={"PRS_FAKE_ROOT": self.path("root")})
        self.assertIn(r.returncode, (0, -9), "%s: %s" % (kill, r.stderr))
        return r.returncode

    def is_run(self):
        return os.path.isdir(self.path("runs")) and any(os.path.exists(self.path("runs", n, "job.json"))
                                                        for n in os.listdir(self.path("runs")))

    def check_rows(self):
        failed = {f["id"] for f in self.journal("FAILED")}
        lost = [u["id"] for f in self.journal("LOST") if not f.get("progress") for u in f["running"]]
        self.assertTrue(all(lost.count(i) >= 3 for i in failed), (failed, lost))
        self.assertEqual(self.output(), "".join("f%04d: 1\n" % i for i in range(MINI_BATCHES) if i not in failed))
        done = [f["id"] for f in self.journal("DONE")]
        self.assertEqual(sorted(done), [i for i in range(MINI_BATCHES) if i not in failed])
        r = self.prs("check")
        self.assertIn(": 0 problems", r.stdout, r.stderr)
        self.assertFalse(os.path.exists(self.path("elsewhere.py")))

    def one(self, seed):
        dice = random.Random(seed)
        self.clean()
        self.init = 1
        status, lives = -9, 0
        while status:
            lives += 1
            self.assertLess(lives, 60, "it never ends")
            if self.is_run():
                self.edit(dice)
                status = self.life(dice, "resume", self.run_dir())
            else:
                self.clean()
                status = self.life(dice, "run", "code/score.py", "-i", "in", "-b", "1", "-p",
                                   str(dice.choice((1, 2, 3))), "-o", "out.txt")
        self.check_rows()
        for _ in range(100):
            kill = "%s:%d" % (dice.choice(("clean.decided", "clean.renamed", "tree.removing")),
                              dice.choice((1, 2, 7, 30)))
            r = self.prs("clean", "--older", "0s", kill=kill)
            self.assertIn(r.returncode, (0, -9), r.stderr)
            if not os.listdir(self.path("runs")):
                break
        self.assertEqual(os.listdir(self.path("runs")), [])

    def group(self, number):
        for seed in range(number, SEEDS, GROUPS):
            with self.subTest(seed):
                self.one(seed)


for group_number in range(GROUPS):
    setattr(LivesTest, "test_lives_%d" % group_number, lambda self, n=group_number: self.group(n))
