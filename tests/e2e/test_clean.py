# SPDX-License-Identifier: Apache-2.0
"""prs clean: what goes, what stays, what a clean that was killed leaves."""
import json
import os
import shutil
import signal
import struct
import subprocess
import time
import unittest

from prs_job import DEADLINE, SCRIPT, stopped_at, wait_until
from test_lost import mend_first_frame
from test_tools import ToolCase

NOBODY = 65534


class CleanTest(ToolCase):
    def setUp(self):
        super().setUp()
        self.files(5)
        self.script(SCRIPT)
        self.run_job("-q", "--name", "done")
        self.prs("run", "code/score.py", "-i", "in", "-q", "--name", "inside")
        self.run_job("-q", "--overwrite", "--name", "broken", kill="store.segment.after_sync:1")

    def runs(self):
        return sorted(n.split("-")[0] for n in os.listdir(self.path("runs")))

    def test_by_age(self):
        self.assertIn("0 runs removed", self.ok("clean"))
        self.assertEqual(self.runs(), ["broken", "done", "inside"])
        said = self.ok("clean", "--older", "0s", "--dry-run")
        self.assertIn(" would be removed\n", said)
        self.assertRegex(said, r"inside-\S+ stays: it holds outputs/parallel_run_step\.txt \(--outputs removes that too\)")
        self.assertEqual(self.runs(), ["broken", "done", "inside"])
        self.assertIn("1 run removed", self.ok("clean", "--older", "0s"))
        self.assertEqual(self.runs(), ["broken", "inside"])
        self.assertTrue(os.path.exists(self.path("out.txt")))
        self.ok("clean", "--older", "0s", "--outputs")
        self.assertEqual(self.runs(), ["broken"])  # it can be resumed
        self.assertEqual(self.prs("resume", "--overwrite").returncode, 0)

    def test_by_name(self):
        [done] = [n for n in os.listdir(self.path("runs")) if n.startswith("done")]
        self.ok("clean", done)
        self.assertEqual(self.runs(), ["broken", "inside"])
        said = self.ok("clean", "broken", "inside", status=1)
        self.assertIn("it can be resumed (--interrupted removes such a run too)", said)
        self.ok("clean", "inside", "--outputs")
        self.assertEqual(self.runs(), ["broken"])
        self.assertEqual(self.prs("clean", "elephant").returncode, 2)
        self.ok("clean", "broken", "--interrupted")
        self.assertEqual(self.runs(), [])

    def test_a_running_one_stays(self):
        self.clean()
        p = self.gated()
        said = self.ok("clean", "score", status=1)
        self.assertIn("stays: it is running", said)
        self.assertIn("stays: it is running", self.ok("clean", "--older", "0s", "--interrupted"))
        p.send_signal(signal.SIGTERM)
        self.write("go", "")
        p.wait(timeout=DEADLINE)

    def test_ages(self):
        for age in ("7d", "1.5h", "0s", "2w", "30m"):
            self.ok("clean", "--older", age, "--dry-run")
        for age in ("", "7", "d", "7 d", "-1d", "7days", "nan"):
            r = self.prs("clean", "--older=" + age)
            self.assertEqual(r.returncode, 2)
            self.assertIn("--older: expected an age such as 7d", r.stderr)
        self.assertIn("either --older, or the names", self.prs("clean", "done", "--older", "7d").stderr)
        old = time.time() - 8 * 86400
        [done] = [n for n in os.listdir(self.path("runs")) if n.startswith("done")]
        os.utime(self.path("runs", done, "RUN"), (old, old))
        self.assertIn("0 runs removed", self.ok("clean"))  # the journal's times count, not those of files


class KeptTest(ToolCase):
    """What a person could still need stays, and is named."""

    def run_named(self, name, *more, script=SCRIPT):
        self.files(5)
        self.script(script)
        r = self.prs("run", "code/score.py", "-i", "in", "-q", "--name", name, *more)
        self.assertEqual(r.returncode, 0, r.stderr)
        [found] = [n for n in os.listdir(self.path("runs")) if n.startswith(name)]
        return self.path("runs", found)

    def stays(self, run, why, *words):
        """By age and by name."""
        runs, name = os.path.split(run)
        said = self.ok("clean", "--older", "0s", "--runs-dir", runs, *words)
        self.assertIn("%s stays: %s\n" % (name, why), said)
        said = self.ok("clean", name, "--runs-dir", runs, *words, status=1)
        self.assertIn("%s stays: %s\n" % (name, why), said)
        self.assertTrue(os.path.exists(os.path.join(run, "RUN")))

    def test_what_a_script_writes_to_outputs(self):
        run = self.run_named("own", "-o", "out.txt", script="""
            import os
            def run(mini_batch):
                os.makedirs("outputs/deep/down", exist_ok=True)
                open("outputs/deep/down/model", "w").close()
                return mini_batch
        """)
        self.stays(run, "it holds outputs/deep/down/model (--outputs removes that too)")
        self.assertIn("1 run removed", self.ok("clean", "--older", "0s", "--outputs"))

    def test_summary_only(self):
        run = self.run_named("own", "--output-action", "summary_only", script="""
            import os
            from azureml_user.parallel_run import EntryScript
            def run(mini_batch):
                open(os.path.join(EntryScript().output_dir, "part"), "w").close()
                return mini_batch
        """)
        self.stays(run, "it holds outputs/part (--outputs removes that too)")

    def test_outputs_that_are_no_link_any_more(self):
        run = self.run_named("own", "-o", "out.txt", script="""
            import os
            def run(mini_batch):
                if os.path.islink("outputs"):
                    os.unlink("outputs")
                os.makedirs("outputs", exist_ok=True)
                open("outputs/part", "w").close()
                return mini_batch
        """)
        self.stays(run, "it holds work/code/outputs/part (--outputs removes that too)")

    def test_nobody_knows_whether_it_runs(self):
        run = self.run_named("own", "-o", "out.txt")
        os.remove(os.path.join(run, "lock"))
        os.mkfifo(os.path.join(run, "lock"))
        self.stays(run, "whether it is running is not known: its file lock cannot be read")
        self.stays(run, "whether it is running is not known: its file lock cannot be read", "--dry-run")

    def test_folders_alone_are_no_output(self):
        self.run_named("own", "-o", "out.txt", script="""
            import os
            def run(mini_batch):
                os.makedirs("outputs/empty/folder", exist_ok=True)
                return mini_batch
        """)
        self.assertIn("1 run removed", self.ok("clean", "--older", "0s"))

    def test_an_output_that_was_being_written_is_none(self):
        self.files(5)
        self.script(SCRIPT)
        self.prs("run", "code/score.py", "-i", "in", "-q", kill="store.assemble.before_rename:1")
        self.assertTrue([n for n in os.listdir(os.path.join(self.run_dir(), "outputs")) if n.endswith(".tmp")])
        self.assertIn("1 run removed", self.ok("clean", "--older", "0s", "--interrupted"))

    def test_the_runs_folder_was_renamed(self):
        run = self.run_named("own")
        os.rename(self.path("runs"), self.path("kept"))
        run = self.path("kept", os.path.basename(run))
        self.stays(run, "it holds outputs/parallel_run_step.txt (--outputs removes that too)")
        self.assertIn("1 run removed", self.ok("clean", "--older", "0s", "--outputs", "--runs-dir", "kept"))

    def test_an_output_that_lies_elsewhere(self):
        """Whatever became of it: it is not in the run."""
        self.run_named("own", "-o", "out.txt")
        os.remove(self.path("out.txt"))
        self.assertIn("1 run removed", self.ok("clean", "--older", "0s"))

    def test_the_output_of_another_run(self):
        first = self.run_named("first", "-o", "out.txt")
        second = self.run_named("second", "-o", os.path.join(first, "second.txt"))
        self.stays(first, "it holds second.txt (--outputs removes that too)")
        self.assertFalse(os.path.exists(second))  # nothing is in that one
        self.assertTrue(os.path.exists(os.path.join(first, "second.txt")))

    def test_a_list_of_files_is_the_runs_own(self):
        self.files(5)
        self.script(SCRIPT)
        self.write("list", "".join(self.path("in", n) + "\n" for n in sorted(os.listdir(self.path("in")))))
        self.assertEqual(self.prs("run", "code/score.py", "-i", "@list", "-q", "-o", "out.txt").returncode, 0)
        self.assertTrue(os.path.exists(os.path.join(self.run_dir(), "input-0.list")))
        self.assertIn("1 run removed", self.ok("clean", "--older", "0s"))

    def test_a_link(self):
        run = self.run_named("own", "-o", "out.txt")
        os.mkdir(self.path("elsewhere"))
        there = self.path("elsewhere", os.path.basename(run))
        os.rename(run, there)
        os.symlink(there, self.path("runs", "tempting"))
        for words in (("--older", "0s", "--outputs"), ("tempting",), ("last",), ("runs/tempting",),
                      ("runs/tempting/",)):
            said = self.ok("clean", *words, status=0 if words[0] == "--older" else 1)
            self.assertIn(" stays: it is a link to %s\n" % there, said)
            self.assertTrue(os.path.exists(os.path.join(there, "RUN")))
            self.assertTrue(os.path.islink(self.path("runs", "tempting")))
        os.rename(self.path("elsewhere"), self.path("real"))  # a link above it is a way, no run
        os.symlink("real", self.path("way"))
        self.assertIn("1 run removed", self.ok("clean", "--older", "0s", "--runs-dir", "way"))

    def test_links_in_a_run_are_not_followed(self):
        self.write("precious/file", "mine")
        self.run_named("own", "-o", "out.txt", script="""
            import os
            def run(mini_batch):
                if not os.path.lexists("to"):
                    os.symlink("%s", "to")
                return mini_batch
        """ % self.path("precious"))
        self.assertIn("1 run removed", self.ok("clean", "--older", "0s"))
        self.assertTrue(os.path.exists(self.path("precious/file")))

    @unittest.skipIf(os.getuid(), "needs root")
    def test_another_users_run(self):
        run = self.run_named("own", "-o", "out.txt")
        for folder, _, names in os.walk(run):
            for name in [".", *names]:
                os.lchown(os.path.join(folder, name), NOBODY, NOBODY)
        said = self.ok("clean", "--older", "0s")
        self.assertIn(" stays: it belongs to another user (%d)\n" % NOBODY, said)
        self.assertIn("1 run removed", self.ok("clean", os.path.basename(run)))

    def test_another_file_system(self):
        run = self.run_named("own", "-o", "out.txt")
        place = os.path.join(run, "work", "code", "data")
        os.mkdir(place)
        words = ("unshare", "-m", "--map-root-user") if os.getuid() else ("unshare", "-m")
        if subprocess.run([*words, "true"], stderr=subprocess.DEVNULL).returncode:
            self.skipTest("no mounts here")
        r = subprocess.run([*words, "sh", "-c", 'mount -t tmpfs none "$1" && : > "$1/precious" && "$2" clean --older 0s --outputs; ls "$1"', "sh", place,
                            os.environ["PRS"]], cwd=self.dir, stdout=subprocess.PIPE, universal_newlines=True)
        self.assertIn(" stays: another file system is mounted in it: %s\n" % os.path.realpath(place), r.stdout)
        self.assertTrue(r.stdout.endswith("\nprecious\n"), r.stdout)

    def test_half_made(self):
        """An engine was killed while it copied the code."""
        run = self.run_named("own", "-o", "out.txt")
        for name in os.listdir(run):
            path = os.path.join(run, name)
            if name not in ("RUN", "code", "work", "outputs"):
                shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
        self.assertIn("0 runs removed", self.ok("clean"))
        old = time.time() - 8 * 86400
        os.utime(os.path.join(run, "RUN"), (old, old))
        self.assertIn("1 run removed", self.ok("clean"))


class StoppedTest(ToolCase):
    """A clean that is killed: what is half removed is no run, and the next one finishes it."""

    def setUp(self):
        super().setUp()
        self.files(5)
        self.script(SCRIPT)
        self.kept = self.one("kept", "-i", "in")
        self.taken = self.one("taken", "-i", "in", "-o", "out.txt")
        with open(os.path.join(self.taken, "RUN")) as f:
            [self.gone] = [self.path("runs", ".prs-gone-" + w) for w in f.read().split() if len(w) == 32]

    def one(self, name, *words):
        self.assertEqual(self.prs("run", "code/score.py", "-q", "--name", name, *words).returncode, 0)
        [found] = [n for n in os.listdir(self.path("runs")) if n.startswith(name)]
        return self.path("runs", found)

    def check_killed(self):
        self.assertEqual(sorted(os.listdir(self.path("runs"))), sorted(map(os.path.basename, (self.gone, self.kept))))
        self.assertTrue(os.path.exists(os.path.join(self.gone, "RUN")))  # to the last: it is known what it is
        said = self.ok("list")
        self.assertIn("kept-", said)
        self.assertNotIn("taken", said)
        self.assertEqual(self.prs("resume", "taken").returncode, 2)

    def check_finished(self, said):
        self.assertIn("%s removed (a prs clean before this one was stopped)\n" % os.path.basename(self.gone), said)
        self.assertEqual(os.listdir(self.path("runs")), [os.path.basename(self.kept)])

    def test_renamed(self):
        self.assertEqual(self.prs("clean", "--older", "0s", kill="clean.renamed:1").returncode, -9)
        self.check_killed()
        self.assertIn("%s would be removed" % os.path.basename(self.gone), self.ok("clean", "-n"))
        self.check_killed()
        self.check_finished(self.ok("clean"))

    def test_half_removed(self):
        """By one thing at a time."""
        left = sum(len(names) + len(folders) for _, folders, names in os.walk(self.taken))
        self.assertGreater(left, 10)
        while self.prs("clean", "--older", "0s", kill="tree.removing:2").returncode == -9:
            left -= 1
            self.assertEqual(sum(len(names) + len(folders) for _, folders, names in os.walk(self.gone)), left)
            self.assertTrue(os.path.exists(os.path.join(self.gone, "RUN")))
            if left == 10:
                self.check_killed()
        self.assertEqual(left, 2)
        self.assertEqual(os.listdir(self.path("runs")), [os.path.basename(self.kept)])

    def test_finished_by_one_that_names_a_run(self):
        other = self.one("other", "-i", "in", "-o", "other.txt")
        self.assertEqual(self.prs("clean", "taken", kill="tree.removing:5").returncode, -9)
        self.check_finished(self.ok("clean", os.path.basename(other)))

    def test_a_copy_of_the_run(self):
        """It has the same id."""
        shutil.copytree(self.taken, self.path("runs", "copy"), symlinks=True)
        self.assertEqual(self.prs("clean", "taken", kill="tree.removing:5").returncode, -9)
        said = self.ok("clean", "copy")
        self.assertIn("copy removed\n", said)
        self.assertEqual(os.listdir(self.path("runs")), [os.path.basename(self.kept)])

    def test_names_that_are_not_ours(self):
        self.write("precious/RUN", "mine")
        for name in (".prs-gone-", ".prs-gone-mine", ".prs-gone-" + "0" * 31, ".prs-gone-" + "0" * 33):
            os.mkdir(self.path("runs", name))
        os.symlink(self.path("precious"), self.path("runs", ".prs-gone-" + "a" * 32))
        self.write("runs/.prs-gone-" + "b" * 32, "a file")
        before = sorted(os.listdir(self.path("runs")))
        self.ok("clean")
        self.assertEqual(sorted(os.listdir(self.path("runs"))), before)
        self.assertTrue(os.path.exists(self.path("precious/RUN")))


class ClockTest(ToolCase):
    """Clocks that were wrong when the run ran."""

    def setUp(self):
        super().setUp()
        self.files(5)
        self.script(SCRIPT)
        self.assertEqual(self.run_job("-q", kill="store.segment.after_sync:1").returncode, -9)

    def set_clock(self, seconds):
        """The first life's HEAD is the only fact that says when it was."""
        path = os.path.join(self.run_dir(), "journal-1")
        with open(path, "rb") as f:
            data = bytearray(f.read())
        del data[32 + 32 + struct.unpack_from("<I", data, 36)[0]:]
        struct.pack_into("<Q", data, 72, int(seconds * 1e6))
        mend_first_frame(data)
        with open(path, "wb") as f:
            f.write(data)

    def status(self):
        return json.loads(self.ok("status", "--json"))

    def test_set_back(self):
        """What it did last is what the last life says; how old it is, the latest time of all."""
        ahead = time.time() + 86400
        self.set_clock(ahead)
        before = time.time()
        self.assertEqual(self.prs("resume").returncode, 0)
        self.assertTrue(before - 1 <= self.status()["last_us"] / 1e6 <= time.time())
        self.assertEqual(self.status()["started_us"], int(ahead * 1e6))
        self.assertIn("0 runs removed", self.ok("clean", "--older", "0s"))

    def test_a_machine_without_a_clock(self):
        self.set_clock(86400)
        self.assertIn("0 runs removed", self.ok("clean", "--interrupted"))
        self.assertEqual(len(os.listdir(self.path("runs"))), 1)
        self.assertIn("1 run removed", self.ok("clean", "--interrupted", "last"))


class MeanwhileTest(ToolCase):
    """A resume that begins when the clean has decided."""

    def setUp(self):
        super().setUp()
        self.want = self.files(5)
        self.script(SCRIPT)
        self.assertEqual(self.run_job("-q", kill="store.segment.after_sync:1").returncode, -9)
        self.hold = self.path("hold")
        self.p = self.start("clean", "--older", "0s", "--interrupted", env={"PRS_HOLD": "clean.decided:1:" + self.hold},
                            stdout=subprocess.PIPE)
        wait_until(lambda: os.path.exists(self.hold), "the clean has decided")

    def go_on(self):
        os.remove(self.hold)
        return self.p.communicate(timeout=DEADLINE)[0].decode()

    def test_resumed(self):
        self.assertEqual(self.prs("resume").returncode, 0)
        self.assertIn("stays: it was resumed just now\n", self.go_on())
        self.assertTrue(os.path.exists(os.path.join(self.run_dir(), "RUN")))

    def test_being_made(self):
        """A run folder that has no job.json yet."""
        self.go_on()
        self.clean()
        hold = self.path("making")
        p = self.start("run", "code/score.py", "-i", "in", "-q", "-o", "out.txt",
                       env={"PRS_HOLD": "code.restore.before_write:1:" + hold})
        wait_until(lambda: os.path.exists(hold), "the code is copied")
        self.assertTrue(os.path.exists(os.path.join(self.run_dir(), "RUN")))
        self.assertFalse(os.path.exists(os.path.join(self.run_dir(), "job.json")))
        self.assertIn("stays: it is running\n", self.ok("clean", "--older", "0s", "--interrupted", "--outputs"))
        self.assertIn("stays: it is running\n", self.ok("clean", "last", status=1))
        os.remove(hold)
        self.assertEqual(p.wait(timeout=DEADLINE), 0)
        self.assertEqual(self.output(), self.want)

    def test_running(self):
        engine = self.start("resume", env={"PRS_KILL": "store.assemble.before_write:1:" + self.path("mark")})
        wait_until(lambda: stopped_at(self.path("mark")), "the output begins")
        self.assertIn("stays: it is running\n", self.go_on())
        os.kill(engine.pid, signal.SIGCONT)
        self.assertEqual(engine.wait(timeout=DEADLINE), 0)
        self.assertEqual(self.output(), self.want)
