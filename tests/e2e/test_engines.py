# SPDX-License-Identifier: Apache-2.0
"""Two engines on one run folder: the second is refused, or takes over; the first one stops when it wakes up, with a
sentence."""
import ctypes
import glob
import json
import os
import shutil
import signal
import struct

from prs_job import DEADLINE, SCRIPT, JobCase, state_of, wait_until, workers

ENGINE_POINTS = ["store.%s.%s" % (f, m) for f in ("journal", "plan", "segment")
                 for m in ("before_write", "after_write", "after_sync")]
ASSEMBLE_POINTS = ["store.assemble.before_write", "store.assemble.before_rename", "store.assemble.after_rename"]
ENDLESS = """
    import os, time
    ROOT = %r
    def run(mini_batch):
        open(os.path.join(ROOT, "started-%%d" %% os.getppid()), "w").close()
        while not os.path.exists(os.path.join(ROOT, "go")): time.sleep(0.001)
        return ["%%s: %%s" %% (os.path.basename(p), open(p).read()) for p in mini_batch]
"""


class EnginesCase(JobCase):
    def gated(self):
        """A job whose mini-batches wait for the file `go`."""
        self.want = self.files(20)
        self.script(ENDLESS % self.dir)

    def go(self):
        self.write("go", "")

    def started(self, engine):
        wait_until(lambda: os.path.exists(self.path("started-%d" % engine.pid)) or engine.poll() is not None,
                   "a mini-batch runs")
        self.assertIsNone(engine.returncode, self.said())

    def ends_with_a_sentence(self, engine):
        """A fenced engine."""
        engine.wait(DEADLINE)
        self.assertEqual(engine.returncode, 3, self.said())
        self.assertIn("another engine took this run over", self.said())


class RefusedTest(EnginesCase):
    def test_second_engine_is_refused(self):
        self.gated()
        first = self.start(*self.words)
        self.started(first)
        for words in (["resume", "last"], ["resume", self.run_dir()]):
            refused = self.prs(*words)
            self.assertEqual(refused.returncode, 2)
            self.assertIn("it is running (pid %d on " % first.pid, refused.stderr)
            self.assertIn("--takeover", refused.stderr)
        self.assertIn("running", self.prs("status", "last").stdout)
        self.go()
        self.assertEqual(first.wait(), 0, self.said())
        self.assertEqual(self.output(), self.want)
        self.assertEqual([f["epoch"] for f in self.journal("HEAD")], [1])

    def test_a_stopped_engine_holds_its_lock(self):
        self.gated()
        first = self.start(*self.words)
        self.started(first)
        first.send_signal(signal.SIGSTOP)
        self.assertEqual(self.prs("resume", "last").returncode, 2)
        first.send_signal(signal.SIGCONT)
        self.go()
        self.assertEqual(first.wait(), 0, self.said())

    def test_a_finished_run_is_not_run_again(self):
        want = self.files(20)
        self.gated()
        self.go()
        self.assertEqual(self.run_job().returncode, 0)
        before = os.stat(self.path("out.txt")).st_mtime_ns
        self.assertEqual(self.prs("resume", "last").returncode, 0)
        self.assertEqual(self.output(), want)
        self.assertEqual(os.stat(self.path("out.txt")).st_mtime_ns, before)


class SameMomentTest(EnginesCase):
    """`resume` and `resume --takeover` of one run at the same moment: one wins, the other one says so and has changed
    nothing."""

    def interrupted(self):
        self.gated()
        first = self.start(*self.words)
        self.started(first)
        first.kill()
        first.wait()
        self.go()

    def made(self):
        st = os.stat(self.path("out.txt"))
        return st.st_ino, st.st_mtime_ns

    def check_end(self):
        self.assertEqual(self.output(), self.want)
        self.assertEqual(self.prs("check", "last").returncode, 0)
        self.assertEqual([f["to"] for f in self.journal("STATE")][-1], "COMPLETED")
        self.check_no_strays()

    def test_the_takeover_overtakes_the_resume(self):
        self.interrupted()
        resume, _ = self.stop_at("store.journal.creating", 1, "resume", "last")
        takeover = self.prs("resume", "last", "--takeover")
        self.assertEqual(takeover.returncode, 0, takeover.stderr)
        made = self.made()
        resume.send_signal(signal.SIGCONT)
        self.ends_with_a_sentence(resume)
        self.assertEqual(self.made(), made)
        self.assertEqual([f["epoch"] for f in self.journal("HEAD")], [1, 2])
        self.check_end()

    def test_the_resume_finds_the_lock_of_the_takeover(self):
        self.interrupted()
        takeover, _ = self.stop_at("store.journal.creating", 1, "resume", "last", "--takeover")
        resume = self.prs("resume", "last")
        self.assertEqual(resume.returncode, 2, resume.stderr)
        self.assertIn("it is running (pid %d on " % takeover.pid, resume.stderr)
        takeover.send_signal(signal.SIGCONT)
        self.assertEqual(takeover.wait(DEADLINE), 0, self.said())
        self.check_end()

    def test_two_takeovers(self):
        self.interrupted()
        first, _ = self.stop_at("store.journal.creating", 1, "resume", "last", "--takeover")
        second = self.prs("resume", "last", "--takeover")
        self.assertEqual(second.returncode, 0, second.stderr)
        first.send_signal(signal.SIGCONT)
        self.ends_with_a_sentence(first)
        self.check_end()

    def test_a_takeover_that_does_not_win(self):
        """It has replaced the file of the lock when it dies: the engine that works on is seen, and nothing takes its
        run."""
        self.gated()
        first = self.start(*self.words)
        self.started(first)
        takeover, _ = self.stop_at("store.journal.creating", 1, "resume", "last", "--takeover")
        takeover.kill()
        takeover.wait()
        wait_until(lambda: "pid %d on " % first.pid in self.prs("status", "last").stdout, "the lock is held again")
        resume = self.prs("resume", "last")
        self.assertEqual(resume.returncode, 2, resume.stderr)
        self.assertIn("it is running (pid %d on " % first.pid, resume.stderr)
        self.go()
        self.assertEqual(first.wait(DEADLINE), 0, self.said())
        self.check_end()

    def test_a_lock_that_was_removed(self):
        self.gated()
        first = self.start(*self.words)
        self.started(first)
        os.remove(os.path.join(self.run_dir(), "lock"))
        wait_until(lambda: "pid %d on " % first.pid in self.prs("status", "last").stdout, "the lock is held again")
        self.go()
        self.assertEqual(first.wait(DEADLINE), 0, self.said())
        self.check_end()

    def test_a_journal_that_is_made_and_not_begun(self):
        """The one that comes later passes it over and wins; its maker finds that out at its next file."""
        self.interrupted()
        resume, _ = self.stop_at("store.journal.created", 1, "resume", "last")
        takeover = self.prs("resume", "last", "--takeover")
        self.assertEqual(takeover.returncode, 0, takeover.stderr)
        made = self.made()
        resume.send_signal(signal.SIGCONT)
        self.ends_with_a_sentence(resume)
        self.assertEqual(self.made(), made)
        self.check_end()

    def test_what_does_not_count_is_not_dumped(self):
        """Of a journal that was passed over the takeover may cut off the front, when its engine writes on."""
        self.interrupted()
        resume, _ = self.stop_at("store.journal.created", 1, "resume", "last")
        self.assertEqual(self.prs("resume", "last", "--takeover").returncode, 0)
        resume.send_signal(signal.SIGCONT)
        self.ends_with_a_sentence(resume)
        with open(os.path.join(self.run_dir(), "journal-3"), "rb") as f:
            data = f.read()
        second = data.index(b"PB01", data.index(b"PB01") + 1)
        with open(os.path.join(self.run_dir(), "journal-2"), "wb") as f:
            f.seek(second)
            f.write(data[second:])
        self.check_end()
        r = self.prs("dump", "journal", "last")
        self.assertEqual((r.returncode, r.stdout.count("HEAD")), (0, 2), r.stdout + r.stderr)
        self.assertIn("# journal-2: does not count, another engine went on without it\n", r.stdout)

    def test_as_it_comes(self):
        for _ in range(5):
            self.interrupted()
            engines = [self.start("resume", "last"), self.start("resume", "last", "--takeover")]
            ends = sorted(engine.wait(DEADLINE) for engine in engines)
            self.assertIn(ends, ([0, 0], [0, 2], [0, 3]))  # the first one may have ended before the second began
            self.check_end()
            self.clean()
            for path in glob.glob(self.path("started-*")) + [self.path("go")]:
                os.remove(path)


class GoneTest(EnginesCase):
    """The run folder goes away while the job runs: the engine stops soon, and does not say that nothing is lost."""

    def check_gone(self, first):
        self.assertEqual(first.wait(DEADLINE), 3, self.said())
        self.assertIn("the run folder is gone", self.said())
        self.assertNotIn("nothing is lost", self.said())
        self.assertNotIn("prs resume score", self.said())
        self.check_no_strays()

    def test_removed(self):
        self.gated()
        first = self.start(*self.words)
        self.started(first)
        while os.path.exists(self.path("runs")):
            shutil.rmtree(self.path("runs"), ignore_errors=True)
        self.check_gone(first)

    def test_emptied(self):
        """The folder stays, its files are gone."""
        self.gated()
        first = self.start(*self.words)
        self.started(first)
        os.remove(os.path.join(self.run_dir(), "journal-1"))
        self.check_gone(first)

    def test_the_folder_of_the_output_is_removed(self):
        """That is another folder: the run goes on when it is there again."""
        self.gated()
        os.mkdir(self.path("there"))
        first = self.start(*self.words[:-1], "there/out.txt")
        self.started(first)
        os.rmdir(self.path("there"))
        self.go()
        self.assertEqual(first.wait(DEADLINE), 4, self.said())
        self.assertIn("nothing is lost", self.said())
        os.mkdir(self.path("there"))
        self.assertEqual(self.prs("resume", "last").returncode, 0)
        with open(self.path("there/out.txt")) as f:
            self.assertEqual(f.read(), self.want)

    def test_renamed(self):
        self.gated()
        first = self.start(*self.words)
        self.started(first)
        os.rename(self.path("runs"), self.path("moved"))
        self.check_gone(first)
        self.go()
        [run] = glob.glob(self.path("moved", "*"))
        r = self.prs("resume", run)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), self.want)


class CopyTest(EnginesCase):
    def test_the_resume_of_a_copy_leaves_the_original_alone(self):
        """Same id, same epochs, another folder."""
        self.gated()
        first = self.start(*self.words)
        self.started(first)
        old = sorted(workers(first.pid))
        run = self.run_dir()
        shutil.copytree(run, self.path("copy"), symlinks=True, ignore=shutil.ignore_patterns("ctl"))
        second = self.start("resume", self.path("copy"))
        self.started(second)
        self.assertEqual(sorted(workers(first.pid)), old)
        self.go()
        for engine in (first, second):
            self.assertEqual(engine.wait(DEADLINE), 0, self.said())
        self.assertEqual(self.output(), self.want)
        for folder in (run, self.path("copy")):
            r = self.prs("dump", "journal", folder, "--json")
            self.assertEqual([f for f in map(json.loads, r.stdout.splitlines()) if f["type"] in ("TRY", "LOST")], [])
        self.check_no_strays()

    def test_the_resume_of_a_renamed_run_ends_what_its_last_life_left(self):
        self.want = self.files(20)
        self.script("""
            import ctypes, os, signal
            ROOT = %r
            def run(mini_batch):
                if not os.path.exists(os.path.join(ROOT, "pid")):
                    ctypes.CDLL(None).prctl(1, 0)  # it does not die with its engine
                    with open(os.path.join(ROOT, "pid.new"), "w") as f:
                        f.write(str(os.getpid()))
                    os.rename(os.path.join(ROOT, "pid.new"), os.path.join(ROOT, "pid"))
                    while True:
                        signal.pause()
                return ["%%s: %%s" %% (os.path.basename(p), open(p).read()) for p in mini_batch]
        """ % self.dir)
        first = self.start(*self.words)
        wait_until(lambda: os.path.exists(self.path("pid")), "a mini-batch runs")
        first.kill()
        first.wait()
        os.rename(self.run_dir(), self.path("moved"))
        with open(self.path("pid")) as f:
            left = int(f.read())
        self.assertNotEqual((state_of(left) or "Z")[0], "Z")
        r = self.prs("resume", self.path("moved"))
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual((state_of(left) or "Z")[0], "Z")
        self.assertEqual(self.output(), self.want)
        self.check_no_strays()


class KilledTest(EnginesCase):
    def test_lives_that_were_killed_hold_no_disk(self):
        """Each had allocated some MB ahead of what it wrote."""
        self.gated()
        engine = self.start(*self.words)
        for _ in range(4):
            self.started(engine)
            engine.kill()
            engine.wait()
            engine = self.start("resume", "last")
        self.started(engine)
        for path in glob.glob(os.path.join(self.run_dir(), "journal-*")) + glob.glob(os.path.join(self.run_dir(), "seg", "*")):
            st = os.stat(path)
            if os.path.basename(path) not in ("journal-5", "5-0-0.seg"):
                self.assertLess(st.st_blocks * 512, st.st_size + (128 << 10), path)
        self.go()
        self.assertEqual(engine.wait(DEADLINE), 0, self.said())
        self.assertEqual(self.output(), self.want)
        self.assertEqual([f["epoch"] for f in self.journal("HEAD")], [1, 2, 3, 4, 5])
        self.assertIn(": 0 problems", self.prs("check", "last").stdout)


class TakeoverTest(EnginesCase):
    def test_of_a_stopped_engine(self):
        self.gated()
        first = self.start(*self.words)
        self.started(first)
        first.send_signal(signal.SIGSTOP)
        old = workers(first.pid)
        self.go()
        second = self.prs("resume", "last", "--takeover")
        self.assertEqual(second.returncode, 0, second.stderr)
        self.assertEqual([pid for pid in old if (state_of(pid) or "Z")[0] != "Z"], [])
        first.send_signal(signal.SIGCONT)
        self.ends_with_a_sentence(first)
        self.assertEqual(self.output(), self.want)
        self.check_no_strays()

    def test_of_an_engine_that_runs(self):
        """The first one stops within its next ticks and leaves the processes of the second alone."""
        self.gated()
        first = self.start(*self.words)
        self.started(first)
        os.rename(self.path("said.txt"), self.path("said.first"))
        second = self.start("resume", "last", "--takeover")
        self.started(second)
        self.assertEqual(first.wait(DEADLINE), 3)
        with open(self.path("said.first")) as f:
            self.assertIn("another engine took this run over", f.read())
        self.go()
        self.assertEqual(second.wait(DEADLINE), 0, self.said())
        self.assertEqual(self.output(), self.want)
        self.assertEqual([t for t in self.journal("TRY") if t["lease"] >> 40 == 2], [])
        self.check_no_strays()

    def test_the_first_wakes_up_while_the_second_runs(self):
        self.gated()
        first = self.start(*self.words)
        self.started(first)
        first.send_signal(signal.SIGSTOP)
        second = self.start("resume", "last", "--takeover")
        self.started(second)
        new = workers(second.pid)
        first.send_signal(signal.SIGCONT)
        self.assertEqual(first.wait(DEADLINE), 3)
        self.assertEqual(sorted(workers(second.pid)), sorted(new))
        self.go()
        self.assertEqual(second.wait(DEADLINE), 0, self.said())
        self.assertEqual(self.output(), self.want)
        # what the first one wrote late does not count
        self.assertEqual([t for t in self.journal("TRY") if t["lease"] >> 40 == 2], [])

    def test_of_a_dead_engine(self):
        self.gated()
        first = self.start(*self.words)
        self.started(first)
        first.kill()
        first.wait()
        self.go()
        second = self.prs("resume", "last", "--takeover")
        self.assertEqual(second.returncode, 0, second.stderr)
        self.assertEqual(self.output(), self.want)

    def test_twice(self):
        """A third engine takes over from the second while the first still sleeps."""
        self.gated()
        first = self.start(*self.words)
        self.started(first)
        first.send_signal(signal.SIGSTOP)
        second = self.start("resume", "last", "--takeover")
        self.started(second)
        second.send_signal(signal.SIGSTOP)
        self.go()
        third = self.prs("resume", "last", "--takeover")
        self.assertEqual(third.returncode, 0, third.stderr)
        for engine in (first, second):
            engine.send_signal(signal.SIGCONT)
            self.assertEqual(engine.wait(DEADLINE), 3)
        self.assertEqual(self.output(), self.want)
        self.check_no_strays()

    def test_two_at_once(self):
        """Whoever loses says so; the run is whole."""
        self.gated()
        first = self.start(*self.words)
        self.started(first)
        first.kill()
        first.wait()
        self.go()
        both = [self.start("resume", "last", "--takeover") for _ in range(2)]
        codes = sorted(p.wait(DEADLINE) for p in both)
        self.assertIn(0, codes)
        self.assertLess(max(codes), 5)
        self.assertEqual(self.output(), self.want)
        self.check_no_strays()

    def at(self, point, output=True):
        """The first stops inside the engine at a kill point, the second takes over and ends the job, the first goes
        on."""
        self.want = self.files(20)
        self.script("import os\ndef run(mini_batch): return ['%s: %s' % (os.path.basename(p), open(p).read()) for p in mini_batch]\n")
        first, stopped = self.stop_at(point, 1, *(self.words if output else self.words[:-2]))
        self.assertEqual(stopped, first.pid, self.said())
        second = self.prs("resume", "last", "--takeover")
        self.assertEqual(second.returncode, 0, second.stderr)
        first.send_signal(signal.SIGCONT)
        self.ends_with_a_sentence(first)
        if output:
            self.assertEqual(self.output(), self.want)
        else:
            with open(os.path.join(self.run_dir(), "outputs", "parallel_run_step.txt")) as f:
                self.assertEqual(f.read(), self.want)
        self.assertEqual(self.prs("check", "last").returncode, 0)
        self.check_no_strays()


for p in ENGINE_POINTS + ASSEMBLE_POINTS:
    setattr(TakeoverTest, "test_at_" + p.replace(".", "_"), lambda self, p=p: self.at(p))
for p in ASSEMBLE_POINTS:
    setattr(TakeoverTest, "test_at_" + p.replace(".", "_") + "_inside", lambda self, p=p: self.at(p, output=False))


class ClockSetBackTest(JobCase):
    def test_a_job_that_ended_before_it_began(self):
        """The clock was set back while it ran; the engine died before it told its end, and the next one does."""
        self.files(14)
        self.script(SCRIPT)
        p, pid = self.stop_at("master.ended", 1, *self.words)
        os.kill(pid, signal.SIGKILL)
        p.wait(DEADLINE)
        xxh = ctypes.CDLL("libxxhash.so.0")
        xxh.XXH3_64bits.restype = ctypes.c_uint64
        xxh.XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]

        def checksum(data):
            return struct.pack("<I", xxh.XXH3_64bits(bytes(data), len(data)) & 0xFFFFFFFF)

        path = os.path.join(self.run_dir(), "journal-1")
        with open(path, "r+b") as f:
            b = bytearray(f.read())
            body = 64 + struct.unpack_from("<I", b, 36)[0]  # the first frame holds HEAD, which begins with the time
            struct.pack_into("<Q", b, 72, struct.unpack_from("<Q", b, 72)[0] + 86400 * 1000000)
            b[56:60] = checksum(b[64:body])
            b[60:64] = checksum(b[32:60])
            f.seek(0)
            f.write(b)
        r = self.prs("resume", "last")
        self.assertEqual(r.returncode, 0, r.stderr)
        with open(os.path.join(self.run_dir(), "logs", "job_result.txt")) as f:
            [wall] = [line for line in f if line.startswith("wall time:")]
        self.assertRegex(wall.split()[-1], r"^[0-9]:[0-5][0-9]$")  # what it took, not a day more or less
