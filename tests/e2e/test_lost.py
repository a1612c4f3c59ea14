# SPDX-License-Identifier: Apache-2.0
"""The machine or its container went down: what ran then is found in the pages of the workers and journaled as LOST. A killed engine on the same boot
loses nothing."""
import ctypes
import glob
import os
import signal
import struct
import textwrap

from prs_job import JobCase, wait_until, workers

PROCESSES = 3


def mend_first_frame(data):
    """Checksums of a journal's first frame (docs/formats.md), after a change in it."""
    xxh = ctypes.CDLL("libxxhash.so.0")
    xxh.XXH3_64bits.restype = ctypes.c_uint64
    xxh.XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    n = struct.unpack_from("<I", data, 36)[0]
    struct.pack_into("<I", data, 56, xxh.XXH3_64bits(bytes(data[64:64 + n]), n) & 0xFFFFFFFF)
    struct.pack_into("<I", data, 60, xxh.XXH3_64bits(bytes(data[32:60]), 28) & 0xFFFFFFFF)


class LostTest(JobCase):
    def setUp(self):
        super().setUp()
        self.want = self.files(30)
        self.script("""
            import os, time
            ROOT = %r
            def run(mini_batch):
                open(os.path.join(ROOT, "runs-" + os.path.basename(mini_batch[0])), "w").close()
                while not os.path.exists(os.path.join(ROOT, "go")): time.sleep(0.001)
                return ["%%s: %%s" %% (os.path.basename(p), open(p).read()) for p in mini_batch]
        """ % self.dir)

    env = None

    def die_while_running(self):
        """The ids that ran."""
        p = self.start(*self.words, "--processes", str(PROCESSES), env=self.env)
        def running():
            names = [n for n in os.listdir(self.dir) if n.startswith("runs-")]
            return names if len(names) == PROCESSES else None
        names = wait_until(running, "%d mini-batches run" % PROCESSES)
        children = workers(p.pid)
        p.send_signal(signal.SIGKILL)
        p.wait()
        wait_until(lambda: not any(os.path.exists("/proc/%d" % c) for c in children),
                   "the workers die with their engine")
        self.write("go", "")
        return sorted(int(n[-4:]) // 7 for n in names)

    def resume(self):
        r = self.prs("resume", "last", env=self.env)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), self.want)
        return r.stderr

    def another_boot(self):
        """The journal says so."""
        path = os.path.join(self.run_dir(), "journal-1")
        with open("/proc/sys/kernel/random/boot_id", "rb") as f:
            boot = f.read().strip()
        with open(path, "r+b") as f:
            data = bytearray(f.read())
            at = data.index(boot)
            data[at:at + 1] = b"z"
            mend_first_frame(data)
            f.seek(0)
            f.write(data)

    def test_another_boot(self):
        ids = self.die_while_running()
        self.another_boot()
        self.resume()
        [lost] = self.journal("LOST")
        self.assertEqual(sorted(u["id"] for u in lost["running"]), ids)

    def test_pages_are_listed(self):
        """Of any node, with gaps between their numbers, and of engines that named them by the slot alone."""
        ids = self.die_while_running()
        self.another_boot()
        pages = os.path.join(self.run_dir(), "work", "page")
        self.assertEqual(sorted(os.listdir(pages)), ["0-0", "0-1", "0-2"])
        for old, new in (("0-0", "1"), ("0-1", "7-12"), ("0-2", "0-40")):
            os.rename(os.path.join(pages, old), os.path.join(pages, new))
        for name in ("0-", "x", "1-2-3", "0-0.tmp"):
            with open(os.path.join(pages, name), "wb") as f, open(os.path.join(pages, "1"), "rb") as page:
                f.write(page.read()[:8] + struct.pack("<Q", 4) + page.read())
        self.resume()
        [lost] = self.journal("LOST")
        self.assertEqual(sorted(u["id"] for u in lost["running"]), ids)
        self.assertEqual(self.journal("TRY"), [])

    def test_the_same_boot(self):
        self.die_while_running()
        self.resume()
        self.assertEqual(self.journal("LOST"), [])
        self.assertEqual(self.journal("TRY"), [])


class ContainerTest(LostTest):
    """What the engine sees of the machine is made up (PRS_FAKE_ROOT, test builds)."""

    def setUp(self):
        super().setUp()
        self.boot, self.init, self.kills = "b1", 100, 3
        self.env = {"PRS_FAKE_ROOT": self.path("root")}
        self.write("root/proc/self/cgroup", "0::/box\n")
        self.now()

    def now(self, **changed):
        for name, value in changed.items():
            setattr(self, name, value)
        self.write("root/proc/sys/kernel/random/boot_id", self.boot + "\n")
        self.write("root/proc/1/stat", "1 (init) S%s %d 0 0\n" % (" 0" * 18, self.init))
        self.write("root/sys/fs/cgroup/box/memory.events.local", "oom 9\noom_kill %d\n" % self.kills)

    test_another_boot = None  # of LostTest
    test_pages_are_listed = None  # needs another boot, too

    def test_it_went_down(self):
        for changed, said in ((dict(boot="b2"), "the machine started anew"),
                              (dict(init=101), "the container started anew"),
                              (dict(kills=4), "the memory was used up and processes were killed")):
            with self.subTest(said):
                ids = self.die_while_running()
                self.now(**changed)
                self.assertIn("%s while 3 mini-batches ran (%d, ...): they run again\n" % (said, min(ids)),
                              self.resume().replace("warning: ", ""))
                [lost] = self.journal("LOST")
                self.assertEqual(sorted(u["id"] for u in lost["running"]), ids)
                self.assertEqual(self.journal("TRY"), [])
            self.clean()
            for name in os.listdir(self.dir):
                if name.startswith("runs-") or name == "go":
                    os.remove(self.path(name))

    def test_it_did_not(self):
        for what in ("nothing", "fewer kills", "nothing is known"):
            with self.subTest(what):
                self.die_while_running()
                if what == "fewer kills":  # a new group counts anew
                    self.now(kills=0)
                if what == "nothing is known":
                    self.env = {"PRS_FAKE_ROOT": self.path("nowhere")}
                self.assertNotIn("ran (", self.resume())
                self.assertEqual(self.journal("LOST"), [])
            self.clean()
            for name in os.listdir(self.dir):
                if name.startswith("runs-") or name == "go":
                    os.remove(self.path(name))

    def stopped(self, kill):
        """The engine is told to stop; what runs does not hear it."""
        self.write("code/score.py", textwrap.dedent("""
            import os, signal, time
            def init(): signal.signal(signal.SIGTERM, signal.SIG_IGN)
            def run(mini_batch):
                open("at", "w").close()
                while "HOLD" in os.environ: time.sleep(0.01)
                return ["%s: %s" % (os.path.basename(p), open(p).read()) for p in mini_batch]
        """))
        p = self.start(*self.words, "--processes", "1", env=dict(self.env, HOLD="1"))
        wait_until(lambda: glob.glob(self.path("runs", "*", "work", "code", "at")), "a mini-batch runs")
        p.send_signal(signal.SIGINT)
        wait_until(lambda: [s for s in self.journal("STATE") if s["to"] == "DRAINING"], "it drains")
        if kill:
            p.kill()
        else:
            p.send_signal(signal.SIGINT)
        status = p.wait()
        self.now(init=self.init + 1)
        self.resume()
        self.assertEqual(self.journal("LOST"), [])
        return status

    def test_a_container_that_is_stopped(self):
        """TERM, then KILL: what ran is not to blame."""
        self.assertEqual(self.stopped(kill=True), -9)

    def test_interrupted_before(self):
        self.assertEqual(self.stopped(kill=False), 4)

    def one_life(self, *words):
        """Until nothing more begins to run; the mini-batches that run then."""
        for name in glob.glob(self.path("runs-*")):
            os.remove(name)
        p = self.start(*words, env=self.env)
        def running():
            names = sorted(n for n in os.listdir(self.dir) if n.startswith("runs-"))
            return names if len(names) == self.at_once else None
        names = wait_until(running, "%d mini-batches run" % self.at_once)
        said = self.said()
        p.kill()
        p.wait()
        self.now(init=self.init + 1)
        return [int(n[-4:]) for n in names], said

    def test_one_that_takes_it_down_each_time(self):
        """With another beside it: both are suspected, both run alone, one does it again."""
        run = ("run", "code/score.py", "--input", "in", "--mini-batch-size", "1", "--processes", "2",
               "--output", "out.txt")
        self.at_once = 2
        self.assertEqual(self.one_life(*run)[0], [0, 1])
        ids, said = self.one_life("resume", "last")
        self.assertEqual(ids, [0, 1])
        self.assertNotIn("alone", said)
        self.at_once = 1
        ids, said = self.one_life("resume", "last")
        self.assertEqual(ids, [0])
        self.assertIn("mini-batch 0 runs alone: the machine or its container went down 2 times while it ran", said)
        self.write("go", "")
        r = self.prs("resume", "last", env=self.env)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("mini-batch 1 runs alone", r.stderr)
        self.assertIn("1 x NODE_POISON", r.stderr)
        self.assertEqual(self.output(), self.want.partition("\n")[2])
        [failed] = self.journal("FAILED")
        self.assertEqual((failed["id"], failed["code"]), (0, 111))
        self.assertEqual(self.journal("TRY"), [])
        self.assertIn(": 0 problems", self.prs("check").stdout)

    def test_init_takes_it_down(self):
        self.script("""
            import os, time
            def init():
                open("at", "w").close()
                while "HOLD" in os.environ: time.sleep(0.01)
            def run(mini_batch):
                return ["%s: %s" % (os.path.basename(p), open(p).read()) for p in mini_batch]
        """)
        p = self.start(*self.words, "--processes", "1", env=dict(self.env, HOLD="1"))
        wait_until(lambda: glob.glob(self.path("runs", "*", "work", "code", "at")), "init() runs")
        wait_until(lambda: self.journal("PROC"), "it is in the journal")
        p.kill()
        p.wait()
        self.now(init=self.init + 1)
        self.assertIn("the container started anew before any mini-batch ran: ", self.resume())
        self.assertEqual(self.journal("LOST"), [])

    def test_one_beside_which_others_are_finished(self):
        """No proof against it, until it runs alone."""
        with open(self.path("code/score.py")) as f:
            text = f.read()
        self.write("code/score.py", text.replace("    while not", "    while mini_batch.task_id == 0 and not"))
        p = self.start("run", "code/score.py", "--input", "in", "--mini-batch-size", "1", "--processes", "2",
                       "--output", "out.txt", env=self.env)
        wait_until(lambda: glob.glob(self.path("runs", "*", "journal-1")) and len(self.journal("DONE")) == 29,
                   "all but one are done")
        p.kill()
        p.wait()
        self.now(init=self.init + 1)
        self.at_once = 1
        for _ in range(3):
            self.assertEqual(self.one_life("resume", "last")[0], [0])
        self.assertEqual([(u["id"], lost.get("progress", 0)) for lost in self.journal("LOST") for u in lost["running"]],
                         [(0, 1), (0, 0), (0, 0)])
        self.assertEqual(self.journal("FAILED"), [])
        self.write("go", "")
        self.assertEqual(self.prs("resume", "last", env=self.env).returncode, 0)
        self.assertEqual(len(self.journal("FAILED")), 1)
        self.assertEqual(self.output(), self.want.partition("\n")[2])
