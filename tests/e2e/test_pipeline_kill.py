# SPDX-License-Identifier: Apache-2.0
"""SIGKILL of a pipeline of five steps: of everything, of its engine alone, of one child alone, at every named kill point
and at random moments; resume; the same outputs, and no step that was done begins again."""
import glob
import hashlib
import os
import random
import re
import signal
import time

from prs_job import family
from test_pipeline import ROWS, PipelineCase, PARALLEL, command

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "..", "..", "src", "base", "killpoint.def")) as f:
    POINTS = [p for p in re.findall(r'PRS_KILLPOINT\("(.*)"\)', f.read())
              if p.startswith(("pipeline.", "step.", "store.journal.", "store.assemble", "worker.", "code.restore"))]
WHO = ("all", "engine", "child")
TORTURE = bool(os.environ.get("PRS_TORTURE"))
RANDOM = 100 if TORTURE else 12
COUNTS = (1, 3) if TORTURE else (1,)


class KillCase(PipelineCase):
    """prep -> left and right, side by side -> join -> last, whose output has a place of its own."""

    def setUp(self):
        super().setUp()
        self.script(ROWS)
        self.files(40)
        self.pipeline(
            prep=command("cp ${{inputs.raw}}/* ${{outputs.clean}}", "raw: {path: in}", "clean: {type: uri_folder}",
                         "code: code\n"),
            left=PARALLEL % "'${{parent.jobs.prep.outputs.clean}}'", right=PARALLEL % "'${{parent.jobs.prep.outputs.clean}}'",
            join=command("mkdir ${{outputs.both}}/d; sed 's/^/l /' ${{inputs.l}}/*.txt >${{outputs.both}}/l.txt; "
                         "sed 's/^/r /' ${{inputs.r}}/*.txt >${{outputs.both}}/r.txt; cat ${{outputs.both}}/?.txt | "
                         "wc -l >${{outputs.count}}",
                         "l: {path: '${{parent.jobs.left.outputs.rows}}'}, r: {path: '${{parent.jobs.right.outputs.rows}}'}",
                         "both: {type: uri_folder, path: placed/both}, count: {type: uri_file, path: placed/count.txt}",
                         "code: code\n"),
            last=PARALLEL % "'${{parent.jobs.join.outputs.both}}'")
        self.want = self.outputs_of_a_quiet_run()

    def outputs_of_a_quiet_run(self):
        self.run_flow()
        want = self.sum_of_outputs()
        self.clean()
        return want

    def clean(self):
        super().clean()
        for path in glob.glob(self.path("placed", "*")) + glob.glob(self.path("placed", ".*")):
            os.system("rm -rf '%s'" % path)

    def sum_of_outputs(self):
        sum_ = hashlib.sha256()
        found = [self.path("placed", "both"), self.path("placed", "count.txt")]
        found += [self.step(s, "outputs") for s in ("prep", "left", "right", "last")]
        for top in found:
            paths = [os.path.join(folder, n) for folder, _, names in os.walk(top) for n in names] or [top]
            for path in sorted(paths):
                with open(path, "rb") as f:
                    sum_.update(os.path.relpath(path, top).encode() + b"\0" + f.read() + b"\0")
        return sum_.hexdigest()

    def kill(self, p, who, stopped=0):
        """Kills, and waits for the end of the engine. A child that stands at a kill point dies."""
        below = [pid for pid in family(p.pid) if pid != p.pid]
        if who == "all":
            for pid in [p.pid] + below:
                self.end_one(pid)
        elif who == "engine":
            self.end_one(p.pid)
            if stopped not in (0, p.pid):
                os.kill(stopped, signal.SIGCONT)
        else:
            child = stopped if stopped not in (0, p.pid) else (below or [0])[0]
            if child:
                self.end_one(child)
            if stopped == p.pid:
                os.kill(p.pid, signal.SIGCONT)
        return p.wait()

    @staticmethod
    def end_one(pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def go_on(self, status):
        """Resumes until it is completed. A command that was killed alone has failed."""
        lives = 0
        while status != 0:
            lives += 1
            self.assertLess(lives, 20, "it never ends: " + self.said())
            if not glob.glob(self.path("runs", "*", "pipeline.json")):
                self.clean()
                status = self.start("run", "flow.yml").wait()
                continue
            more = ["--retry-failed"] if status == 1 else []
            status = self.start("resume", self.run_dir(), *more).wait()
            self.assertIn(status, (0, 1, 4), self.said())

    def check(self):
        self.assertEqual(self.sum_of_outputs(), self.want)
        facts = self.journal("STEP")
        for name in ("prep", "left", "right", "join", "last"):
            states = [f["state"] for f in facts if f["step"] == name]
            self.assertEqual((states.count("DONE"), states[-1]), (1, "DONE"), "%s: %s" % (name, states))
        self.assertEqual(glob.glob(self.path("placed", ".*")), [])
        self.check_no_strays()


class KillPointTest(KillCase):
    def test_every_point(self):
        reached = set()
        for number, point in enumerate(POINTS):
            for who in WHO if point.startswith(("pipeline.", "step.")) else (WHO[number % 3],):
                for count in COUNTS:
                    with self.subTest("%s:%d %s" % (point, count, who)):
                        if self.one(point, count, who):
                            reached.add(point)
                        elif count == 1:
                            break
        missing = {p for p in POINTS if p.startswith(("pipeline.", "step.", "store.journal"))} - reached
        self.assertEqual(missing, set(), "kill points that nobody passed")

    def one(self, point, count, who):
        self.clean()
        p, stopped = self.stop_at(point, count, "run", "flow.yml")
        status = self.kill(p, who, stopped) if stopped else p.returncode
        self.go_on(status)
        self.check()
        return stopped != 0


class RandomKillTest(KillCase):
    def test_random_moments(self):
        began = time.monotonic()
        self.run_flow()
        whole = time.monotonic() - began
        for seed in range(RANDOM):
            dice = random.Random(seed)
            with self.subTest(seed=seed):
                self.clean()
                status, lives = 1, 0
                words = ["run", "flow.yml"]
                while status != 0 and lives < 3:
                    lives += 1
                    p = self.start(*words)
                    end = time.monotonic() + dice.random() * whole
                    while p.poll() is None and time.monotonic() < end:
                        time.sleep(0.001)
                    status = self.kill(p, dice.choice(WHO)) if p.poll() is None else p.returncode
                    if glob.glob(self.path("runs", "*", "pipeline.json")):
                        words = ["resume", self.run_dir()] + (["--retry-failed"] if status == 1 else [])
                    elif status:
                        self.clean()
                self.go_on(status)
                self.check()
