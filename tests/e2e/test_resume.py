# SPDX-License-Identifier: Apache-2.0
"""prs resume: settings that change and those that cannot, what failed tried again, runs that have ended, runs that are
running."""
import datetime
import json
import os
import struct

from prs_job import SCRIPT, JobCase, wait_until
from test_lost import mend_first_frame

SLOW = """
    import os, time
    def run(mini_batch):
        open(os.path.join(%r, "runs_%%d" %% mini_batch.task_id), "w").close()
        while not os.path.exists(os.path.join(%r, "go")):
            time.sleep(0.01)
        return mini_batch
"""


class ResumeTest(JobCase):
    def refused(self, *words, says, status=2):
        r = self.prs("resume", *words)
        self.assertEqual(r.returncode, status, r.stderr)
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, r.stderr)
        return r.stderr

    def interrupted(self):
        """A run whose engine was killed in the middle."""
        want = self.files(60)
        self.script(SCRIPT)
        r = self.run_job(kill="store.segment.after_sync:1")
        self.assertLess(r.returncode, 0)
        return want

    def test_the_interpreter_is_gone(self):
        want = self.files(60)
        self.script(SCRIPT)
        os.symlink("/usr/bin/python3", self.path("py"))
        r = self.run_job("--python", "./py", kill="store.segment.after_sync:1")
        self.assertLess(r.returncode, 0)
        os.remove(self.path("py"))
        self.refused(says="the interpreter of %s is gone: %s. Put it back, then resume" %
                     (os.path.basename(self.run_dir()), self.path("py")), status=4)
        os.symlink("/usr/bin/python3", self.path("py"))
        self.assertEqual(self.prs("resume").returncode, 0)
        self.assertEqual(self.output(), want)
        os.remove(self.path("py"))
        self.assertEqual(self.prs("resume").returncode, 0)  # nothing to resume

    def test_settings_are_journaled_and_stay(self):
        want = self.interrupted()
        r = self.prs("resume", "--set", "processes=1", "--run-max-try", "7", "--set=run_invocation_timeout=61.5",
                     kill="store.segment.after_sync:1")
        self.assertLess(r.returncode, 0)
        settings = [(f["key"], f["old"], f["new"]) for f in self.journal("SET")]
        self.assertEqual(settings, [("processes", "2", "1"), ("run-invocation-timeout", "60", "61.5"),
                                    ("run-max-try", "3", "7")])
        r = self.prs("resume", "--set", "run_max_try=8")  # the others still hold
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("; 1 process of ", r.stderr)
        self.assertEqual([(f["key"], f["old"], f["new"]) for f in self.journal("SET")][3:], [("run-max-try", "7", "8")])
        self.assertEqual(self.output(), want)
        with open(os.path.join(self.run_dir(), "logs", "events.jsonl")) as f:
            changed = [e for e in map(json.loads, f) if e["type"] == "setting_changed"]
        self.assertEqual(len(changed), 4)

    def test_settings_that_cannot_change(self):
        self.interrupted()
        for key in ("input=x", "mini_batch_size=5", "output=x", "model=a=b", "python=python3", "name=x", "env=A=B",
                    "output-action=summary_only"):
            name = key.split("=")[0]
            self.refused("--set", key, says="--set %s cannot change in a run that exists: start a new run" % name)
        self.refused("--input", "in", "-b", "5", says=["2 mistakes", "--input cannot change",
                                                       "--mini-batch-size cannot change"])
        self.refused("--set", "json=true", says="give --json itself")
        self.refused("--set", "processes=0", says="--set processes: expected a whole number from 1")
        self.refused("--set", "proceses=2", says="no setting proceses; did you mean processes?")
        self.refused("--set", "processes", says="expected KEY=VALUE")
        self.refused("--set", "=2", says="no setting")
        self.assertEqual(len(self.journal("HEAD")), 1)  # nothing was started

    def test_output_that_appeared_can_be_overwritten(self):
        want = self.interrupted()
        self.write("out.txt", "in the way")
        r = self.prs("resume")
        self.assertEqual(r.returncode, 4, r.stderr)
        self.assertEqual(self.output(), "in the way")
        r = self.prs("resume", "--overwrite")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), want)

    def test_completed(self):
        self.files(5)
        self.script(SCRIPT)
        self.assertEqual(self.run_job().returncode, 0)
        for words in ((), ("--retry-failed",), ("--takeover",), ("--set", "processes=1")):
            r = self.prs("resume", *words)
            self.assertEqual((r.returncode, r.stdout), (0, ""))
            self.assertIn("is completed: there is nothing to resume. Output: %s" % self.path("out.txt"), r.stderr)
        self.assertEqual(len(self.journal("HEAD")), 1)

    def fails(self):
        """Mini-batch 1 of 3 fails until the file "mended" is there."""
        self.files(20)
        self.script("""
            import os
            def run(mini_batch):
                if mini_batch.task_id == 1 and not os.path.exists(%r):
                    raise ValueError("not yet")
                return [os.path.basename(p) for p in mini_batch]
        """ % self.path("mended"))

    def test_failed(self):
        self.fails()
        r = self.run_job("--error-threshold", "0")
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertRegex(r.stderr, r"(?m)^  next          prs replay \S+ \d+ --pdb$")
        [run] = os.listdir(self.path("runs"))
        said = self.refused(says="%s failed: " % run, status=1)
        self.assertIn("prs resume %s --retry-failed" % run, said)
        self.write("mended", "")
        r = self.prs("resume", "--retry-failed")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), "".join("f%04d\n" % i for i in range(20)))
        [reset] = self.journal("RESET")
        self.assertEqual(reset["reason"], "RETRY_FAILED")
        status = json.loads(self.prs("status", "--json").stdout)
        self.assertEqual([status[k] for k in ("state", "done", "failed", "items_failed", "error")],
                         ["completed", 3, 0, 0, None])

    def test_failed_again(self):
        self.fails()
        self.assertEqual(self.run_job("--error-threshold", "0").returncode, 1)
        r = self.prs("resume", "--retry-failed")
        self.assertEqual(r.returncode, 1, r.stderr)
        r = self.prs("resume", "--retry-failed", "--set", "error_threshold=7")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(len(self.journal("TRY")), 9)  # all tries again, each time
        self.assertEqual(self.output(), "".join("f%04d\n" % i for i in range(20) if not 7 <= i < 14))

    def test_failed_ones_of_a_completed_run_stay(self):
        self.fails()
        self.assertEqual(self.run_job().returncode, 0)
        before = self.output()
        r = self.prs("resume", "--retry-failed")
        self.assertEqual(r.returncode, 0)
        self.assertIn("the 1 mini-batch that failed can only run again in a new run", r.stderr)
        self.assertEqual(self.output(), before)

    def test_decided_on_and_killed(self):
        """The engine dies after it has decided that the job fails: the next one says so, and the journal too."""
        self.files(20)
        self.script("def run(mini_batch): return mini_batch[:-1]")
        for n in range(1, 40):
            self.clean()
            r = self.run_job("--error-threshold", "0", kill="store.journal.after_sync:%d" % n)
            if r.returncode >= 0:
                break
            states = [f["to"] for f in self.journal("STATE")]
            if not states or states[-1] != "ABORTING":
                continue
            r = self.prs("resume")
            self.assertEqual(r.returncode, 1, r.stderr)
            self.assertEqual(json.loads(self.prs("status", "--json").stdout)["state"], "failed")
            self.assertEqual([f["to"] for f in self.journal("STATE")][-1], "FAILED")
            facts = self.journal("HEAD", "PROC")
            self.assertEqual((facts[-1]["type"], facts[-1]["epoch"]), ("HEAD", 2))  # nothing was started any more
            return
        self.fail("no kill hit ABORTING")

    def test_running(self):
        self.files(20)
        self.script(SLOW % (self.dir, self.dir))
        p = self.start(*self.words)
        wait_until(lambda: os.path.exists(self.path("runs_0")), "the first run()")
        [run] = os.listdir(self.path("runs"))
        self.refused(says=["prs: it is running (pid %d on " % p.pid, "): prs status %s --watch shows how it gets on, "
                           "prs resume %s --takeover takes it over" % (run, run)])
        status = json.loads(self.prs("status", "--json").stdout)
        self.assertEqual((status["state"], status["engine"].split()[:2]), ("running", ["pid", str(p.pid)]))
        self.assertIn("running", self.prs("list").stdout)
        self.write("go", "")
        self.assertEqual(p.wait(timeout=120), 0)

    def test_killed_engine_is_interrupted(self):
        self.interrupted()
        r = self.prs("status")
        self.assertIn(": interrupted\n", r.stdout)
        self.assertRegex(r.stdout, r"\nGo on with: prs resume score-")
        self.assertIn("interrupted", self.prs("list").stdout)


class ClockTest(JobCase):
    def test_set_back_while_it_ran(self):
        """How long a job took that is over: without the step."""
        self.files(20)
        self.script(SCRIPT.replace("    def run", "    import time\n    def run").replace("return", "time.sleep(0.05); return"))
        self.assertEqual(self.run_job("-q").returncode, 0)
        path = os.path.join(self.run_dir(), "journal-1")
        with open(path, "r+b") as f:
            data = bytearray(f.read())
            [head] = struct.unpack_from("<Q", data, 72)
            struct.pack_into("<Q", data, 72, head + 86400 * 10**6)  # its HEAD was written a day later than the rest
            mend_first_frame(data)
            f.seek(0)
            f.write(data)
        r = self.prs("resume", "--json")
        self.assertEqual(r.returncode, 0, r.stderr)
        end = json.loads(r.stdout.splitlines()[-1])
        self.assertEqual(end["type"], "end")
        ended = datetime.datetime.strptime(self.journal("STATE")[-1]["time"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)
        self.assertTrue(50000 < end["wall_us"] <= ended.timestamp() * 1e6 - head + 1, end)
