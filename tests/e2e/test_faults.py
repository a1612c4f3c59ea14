# SPDX-License-Identifier: Apache-2.0
"""Jobs whose file functions and allocations fail: each ends well or resumable and never wrong; resumed without faults, one output.

The workers are the C stub of tests/stub, which makes a job take a tenth of a second. The n-th call of each function fails with ENOSPC and
with EIO, once or from then on; a sample of n, all of them with PRS_TORTURE.
"""
import glob
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import tempfile
import time

from prs_job import DEADLINE, PRS, JobCase, read_proc, state_of, wait_until, workers

STUB = os.path.join(os.path.dirname(PRS), "..", "..", "tests", "stub", "stub_worker")
FUNCTIONS = ("open", "close", "pread", "pwrite", "fdatasync", "sync_dir", "fallocate", "ftruncate", "fstat", "stat",
             "rename", "unlink", "mkdir",
             "mmap", "list", "entry", "free_bytes")
TORTURE = bool(os.environ.get("PRS_TORTURE"))


class FaultCase(JobCase):
    words = ("run", "code/score.py", "--input", "in", "--mini-batch-size", "2", "--processes", "2",
             "--output", "out.txt")

    def setUp(self):
        super().setUp()
        self.script("def run(mini_batch): return mini_batch")
        self.want = ""
        names = ["a%02d" % i for i in range(9)] + ["b.raw", "c.once.fail", "d.once.crash"]
        for folder in ("", "x/", "x/y/", "z/"):
            for name in names if folder != "z/" else names[:3]:
                self.write("in/" + folder + name, folder + name)
                self.want += "%s: %s\n" % (name, folder + name)

    def prs(self, *words, env=None, **more):
        return super().prs(*words, env=dict(env or {}, PRS_STUB=STUB), **more)

    def clean(self):
        super().clean()
        for mark in glob.glob(self.path("mark-*")):
            os.remove(mark)

    def attempt(self, *words, fault=None, **more):
        """(process result, {function: calls}): what a command did under a fault."""
        report = self.path("report")
        if os.path.exists(report):
            os.remove(report)
        env = dict({"PRS_FAULT": fault} if fault else {}, PRS_FAULT_REPORT=report, **more)
        r = self.prs(*words, env=env)
        with open(report) as f:
            return r, {name: int(n) for name, n in (line.split() for line in f)}

    def check_output(self):
        self.assertEqual(self.output(), self.want)

    def check_end(self, r, report):
        """What holds after every fault."""
        said = r.stdout + r.stderr
        self.assertIn(r.returncode, (0, 2, 4), said)
        self.assertNotIn("Sanitizer", said)
        # one that ends before its job waits for no thread that reads the input
        self.assertIn(report["open_files"], (0, 1) if r.returncode == 4 else (0,), said)
        self.assertEqual(report["mapped"], 0, said)
        started = bool(glob.glob(self.path("runs", "*", "RUN")))
        self.assertEqual(r.returncode == 2, not started, said)
        if r.returncode == 4:
            self.assertIn("prs resume", said)
        if os.path.exists(self.path("out.txt")):
            self.check_output()

    def finish(self, r):
        """Without faults: to the end."""
        if r.returncode == 4:
            r = self.prs("resume", "last")
        elif r.returncode == 2:
            r = self.run_job()
        self.assertEqual(r.returncode, 0, r.stderr)
        self.check_output()

    def one_fault(self, fault):
        with self.subTest(fault):
            self.clean()
            r, report = self.attempt(*self.words, fault=fault)
            self.check_end(r, report)
            self.finish(r)
            return r, report

    @staticmethod
    def sample(calls, seed, most):
        if TORTURE or calls <= most:
            return range(1, calls + 1)
        return sorted(random.Random(seed).sample(range(1, calls + 1), most))


class FileFaultTest(FaultCase):
    def every(self, function):
        r, report = self.attempt(*self.words)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertGreater(report[function], 0)
        for error in ("ENOSPC", "EIO"):
            for repeat in ("", ":repeat"):
                for n in self.sample(report[function], function + error + repeat, 2):
                    self.one_fault("%s@/:%d:%s%s" % (function, n, error, repeat))  # "/": not on what workers pass
        self.check_no_strays()


def add_tests():
    for function in FUNCTIONS:
        def test(self, function=function):
            self.every(function)
        setattr(FileFaultTest, "test_" + function, test)


add_tests()

class MemoryFaultTest(FaultCase):
    def test_out_of_memory(self):
        r, report = self.attempt(*self.words)
        self.assertEqual(r.returncode, 0, r.stderr)
        for repeat in ("", ":repeat"):
            for n in self.sample(report["malloc"], repeat, 16):
                self.one_fault("malloc:%d:ENOMEM%s" % (n, repeat))
        self.check_no_strays()


    def test_no_memory_for_a_task(self):
        """The only one there is: no answer to another one lets the node ask for more."""
        for i in range(300):
            self.write("one/%0200d" % i, "")
        words = (*self.words[:3], "one", "--mini-batch-size", "1000", "--processes", "1", *self.words[8:])
        r, report = self.attempt(*words, fault="malloc@50000:1000000:ENOMEM")
        self.assertEqual(r.returncode, 0, r.stderr)
        ends = []
        for n in range(1, report["malloc"] + 1):
            self.clean()
            ends.append(self.attempt(*words, fault="malloc@50000:%d:ENOMEM" % n)[0].returncode)
        self.assertEqual(set(ends), {0, 2, 4})


class DurableTest(FaultCase):
    def syncs(self):
        """Of files and of folders of the copies."""
        counts = []
        for function in ("fdatasync", "sync_dir"):
            self.clean()
            r, report = self.attempt("run", "code/score.py", "--input", "in", "--mini-batch-size", "1000",
                                     "--output", "out.txt", "--processes", "1",
                                     fault=function + "@/code:1000000:EIO")
            self.assertEqual(r.returncode, 0, r.stderr)
            counts.append(report["seen"])
        return counts

    def test_the_code_is_durable_before_anything_counts(self):
        """A resume after a loss of power runs the snapshot: each file and folder of both copies was synced."""
        files, folders = self.syncs()
        for name in ("a.py", "package/b.py", "package/data/c.json"):
            self.write("code/" + name, "x = 1\n")
        more_files, more_folders = self.syncs()
        self.assertEqual((more_files - files, more_folders - folders), (6, 4))


    def test_new_code_is_durable_too(self):
        for function, want in (("fdatasync", 3), ("sync_dir", 2)):  # score.py, new/b.py, the sums; the folders
            self.clean()
            r, _ = self.attempt(*self.words, fault="fdatasync@journal-1:4:EIO")
            self.assertEqual(r.returncode, 4, r.stderr)
            self.write("code/new/b.py", function)
            r, report = self.attempt("resume", "--new-code", fault=function + "@/code-2:1000000:EIO")
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertEqual(report["seen"], want)
            os.remove(self.path("code/new/b.py"))


class KindTest(FaultCase):
    """What must happen for one kind of fault."""

    def states(self):
        return [(f["to"], f.get("error")) for f in self.journal("STATE")]

    def files_of(self, pattern):
        return glob.glob(os.path.join(self.run_dir(), pattern))

    def tries(self):
        """Failed tries but for those that the input asks for."""
        return [t for t in self.journal("TRY") if t["error"] not in ("RUN_EXCEPTION", "RUN_CRASH")]

    def test_a_journal_that_fails_ends_resumable(self):
        for fault in ("fdatasync@journal-1:4:EIO", "pwrite@journal-1:4:EIO", "pwrite@journal-1:4:ENOSPC",
                      "fdatasync@journal-1:4:EIO:repeat"):
            r, _ = self.one_fault(fault)
            self.assertEqual(r.returncode, 4)
            self.assertIn("the journal cannot be written", r.stderr)
            self.assertEqual(self.tries(), [])

    def test_a_segment_that_fails_gives_its_results_back_and_is_replaced(self):
        for fault in ("fdatasync@.seg:2:EIO", "pwrite@.seg:2:EIO", "fdatasync@.raw:2:EIO", "pwrite@.raw:3:EIO"):
            r, _ = self.one_fault(fault)
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertEqual(self.tries(), [])
            kind = "raw" if "raw" in fault else "seg"
            self.assertEqual(len(self.files_of("seg/*." + kind)), 2)

    def test_segments_that_always_fail_end_resumable(self):
        # every: a new file can be made, no rows written
        for fault in ("fdatasync@.seg:2:EIO:repeat", "pwrite@.raw:1:EIO:repeat", "pwrite@.seg:2:EIO:every"):
            r, _ = self.one_fault(fault)
            self.assertEqual(r.returncode, 4)
            self.assertEqual(self.tries(), [])
            self.assertIn(("DRAINING", "IO"), self.states())

    def test_a_full_disk_costs_no_try_and_says_what_to_do(self):
        for fault in ("pwrite@.seg:3:ENOSPC:repeat", "pwrite@.raw:1:ENOSPC:repeat", "fdatasync@.seg:3:ENOSPC:repeat",
                      "fallocate@.seg:1:ENOSPC:repeat"):
            r, _ = self.one_fault(fault)
            self.assertEqual(r.returncode, 4)
            self.assertIn("make room on that disk", r.stderr)
            self.assertEqual(self.tries(), [])
            if "fallocate" not in fault:
                self.assertIn(("DRAINING", "NOSPACE"), self.states())
                self.assertIn(("INTERRUPTED", "NOSPACE"), self.states())

    def test_logs_that_fail_never_fail_the_job(self):
        for fault in ("open@/logs/:1:EIO:repeat", "pwrite@/logs/:1:ENOSPC:repeat", "rename@/logs/:1:EIO:repeat",
                      "fdatasync@/logs/:1:EIO:repeat"):
            r, _ = self.one_fault(fault)
            self.assertEqual(r.returncode, 0, r.stderr)

    def test_the_output_folder_is_full(self):
        r, report = self.attempt(*self.words, fault="pwrite@/.prs-:1:ENOSPC:repeat")
        self.check_end(r, report)
        self.assertEqual(r.returncode, 4)
        self.assertIn("make room on that disk", r.stderr)
        # before a resume would remove it
        self.assertEqual([n for n in os.listdir(self.dir) if n.startswith(".prs-")], [])
        self.finish(r)

    def test_a_listing_that_breaks_off(self):
        for fault in ("entry@in/x:3:EIO", "list@in/x/y:1:EIO", "stat@in/x/y:1:EIO", "entry@in/x:1:ENOSPC:repeat"):
            r, _ = self.one_fault(fault)
            self.assertEqual(r.returncode, 4)
            self.assertIn("in/x", r.stderr)

    def test_a_descriptor_with_too_few_bytes_is_a_failed_try(self):
        self.write("in/e.short", "e")
        r = self.run_job("--run-max-try", "2")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual([t["error"] for t in self.tries()], ["PROTOCOL"] * 2)
        self.assertEqual([f["error"] for f in self.journal("FAILED")], ["PROTOCOL"])
        self.assertEqual(len(self.output().splitlines()), len(self.want.splitlines()) - 1)


class GoneSegmentTest(FaultCase):
    def test_rows_of_a_segment_that_is_gone_run_again(self):
        """One RESET and one warning for neighbours, not one for each mini-batch."""
        want = self.files(300)
        words = ("run", "code/score.py", "--input", "in", "--mini-batch-size", "1", "--output", "out.txt")
        for name in os.listdir(self.path("in")):
            if not name.startswith("f"):
                path = self.path("in", name)
                shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
        r = self.prs(*words, env={"PRS_KILL": "store.assemble.before_rename:1"})
        self.assertEqual(r.returncode, -9, r.stderr)
        for path in glob.glob(os.path.join(self.run_dir(), "seg", "*.seg")):
            os.remove(path)
        r = self.prs("resume", "last")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), want)
        self.assertIn("mini-batches 0 to 299 run again", r.stderr)
        self.assertEqual([(f["id"], f["count"]) for f in self.journal("RESET")], [(0, 300)])


class SlowDiskTest(FaultCase):
    FILES = 26000

    def sent(self):
        """{pid: results that it has sent}, from the pages of the workers."""
        counts = {}
        for path in glob.glob(self.path("runs", "*", "work", "page", "*")):
            with open(path, "rb") as f:
                results, pid = struct.unpack_from("<QI", f.read(64).ljust(64, b"\0"), 32)
            counts[pid] = results
        return counts

    def settled(self, p):
        wait_until(lambda: p.poll() is not None or sum(self.sent().values()), "results")
        last, same = {}, 0
        while same < 200:
            self.assertIsNone(p.poll(), self.said())
            now = self.sent()
            same = same + 1 if now == last else 0
            last = now
            time.sleep(0.001)
        return last

    def start_held(self):
        """A job whose journal hangs once all is listed, and what its workers have sent then."""
        many = tempfile.TemporaryDirectory(prefix="prs-many-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.addCleanup(many.cleanup)
        for i in range(self.FILES):
            os.close(os.open(os.path.join(many.name, "f%05d.slow" % i), os.O_CREAT))
        p = self.start("run", "code/score.py", "--input", many.name, "--mini-batch-size", "1", "--processes", "2",
                       "--output-action", "summary_only",
                       env={"PRS_STUB": STUB, "PRS_HOLD": "store.journal.before_write:0:" + self.path("held")})
        wait_until(lambda: p.poll() is not None or '"complete":1' in self.prs("dump", "journal", "last", "--json").stdout, "all are listed")
        self.write("held", "")
        self.write("go", "")
        return p, self.settled(p)

    def end_of(self, p):
        os.remove(self.path("held"))
        self.assertEqual(p.wait(DEADLINE), 0, self.said())
        self.assertEqual(json.loads(self.prs("status", "last", "--json").stdout)["done"], self.FILES)

    def test_results_without_rows_do_not_pile_up_behind_a_disk_that_hangs(self):
        p, sent = self.start_held()
        self.assertLess(sum(sent.values()), 22000)
        self.end_of(p)

    def test_what_a_worker_had_sent_counts_when_it_is_killed(self):
        """Its last results wait in the socket; they are read, and none of those mini-batches runs again."""
        p, _ = self.start_held()
        [pid] = [w for w in workers(p.pid) if b"\0PRS_SLOT=0\0" in read_proc(w, "environ")]
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: state_of(pid)[0] == "T", "it stands")
        sent = self.sent()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not os.path.exists("/proc/%d" % pid), "it is gone")
        self.end_of(p)
        self.assertEqual(sum({**sent, **self.sent()}.values()), self.FILES)


class FullDiskTest(FaultCase):
    """A file system of a few megabytes that fills up; where none may be mounted, the faulty functions say that it is
    full."""

    FILES = 6000

    def setUp(self):
        super().setUp()
        texts = ["%d " % i * 150 for i in range(self.FILES)]
        for i, text in enumerate(texts):
            self.write("many/f%05d" % i, text)
        self.want = "".join("f%05d: %s\n" % pair for pair in enumerate(texts))
        os.mkdir(self.path("runs"))
        self.mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", self.path("runs")], stderr=subprocess.DEVNULL).returncode == 0
        if self.mounted:
            self.addCleanup(subprocess.run, ["umount", "-l", self.path("runs")], check=True)

    words = ("run", "code/score.py", "--input", "many", "--mini-batch-size", "1", "--processes", "2",
             "--output", "out.txt")

    def test_full_and_resumed(self):
        r = self.prs(*self.words, env=None if self.mounted else {"PRS_FAULT": "pwrite@.seg:20:ENOSPC:repeat"})
        self.assertEqual(r.returncode, 4, r.stderr)
        self.assertIn("make room on that disk", r.stderr)
        states = [(f["to"], f.get("error")) for f in self.journal("STATE")]
        self.assertEqual(states[-2:], [("DRAINING", "NOSPACE"), ("INTERRUPTED", "NOSPACE")])
        self.assertEqual(self.journal("TRY"), [])
        done = len(self.journal("DONE"))
        self.assertGreater(done, 0)
        self.assertFalse(os.path.exists(self.path("out.txt")))
        if self.mounted:
            again = self.prs("resume", "last")  # still full: nothing gets worse
            self.assertEqual(again.returncode, 4, again.stderr)
            subprocess.run(["mount", "-o", "remount,size=64m", self.path("runs")], check=True)
        r = self.prs("resume", "last")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.check_output()
        self.assertEqual(self.journal("TRY"), [])
        self.check_no_strays()


class ScriptOnAFullDiskTest(JobCase):
    """The script, or a process that it starts, notices first that a disk is full: that costs no try."""

    words = ("run", "code/score.py", "--input", "in", "--mini-batch-size", "1", "--processes", "2",
             "--run-max-try", "2", "--error-threshold", "-1",
             "--output", "out.txt")

    def setUp(self):
        super().setUp()
        self.want = self.files(100)

    def job(self, misdeed, init=""):
        self.script("""
            import os, subprocess, sys
            TEXT = "x" * 200000
            FULL = OSError(28, "No space left on device")
            def init():
                %s
            def run(mini_batch):
                name = os.path.basename(mini_batch[0])
                %s
                return ["%%s: %%s" %% (os.path.basename(p), open(p).read()) for p in mini_batch]
        """ % (init or "pass", misdeed))

    def drained(self, *more, sentence="the disk of the run folder is full", env=None):
        """The job ended resumably, nobody was charged; what the console said."""
        r = self.prs(*self.words, *more, env=env)
        self.assertEqual(r.returncode, 4, r.stderr)
        self.assertIn(sentence, r.stderr)
        self.assertIn("make room on that disk", r.stderr)
        self.assertNotIn("The script failed", r.stderr)
        states = [(f["to"], f.get("error")) for f in self.journal("STATE")]
        self.assertEqual(states[-2:], [("DRAINING", "NOSPACE"), ("INTERRUPTED", "NOSPACE")])
        tries = self.journal("TRY")
        self.assertEqual({(t["error"], t["fault"], t["counted"]) for t in tries} - {("NOSPACE", "store", 0)}, set())
        self.assertEqual(self.journal("FAILED"), [])
        self.assertFalse(os.path.exists(self.path("out.txt")))
        return tries, r.stderr

    def completes(self):
        self.write("code/score.py", "")  # the run has its own copy
        r = self.prs("resume", "last", env={"ROOM": "1"})
        self.assertEqual((r.returncode, self.output()), (0, self.want), r.stderr)
        self.assertEqual(self.journal("FAILED"), [])
        self.check_no_strays()

    def mount(self):
        os.mkdir(self.path("runs"))
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", self.path("runs")],
                          stderr=subprocess.DEVNULL).returncode:
            self.skipTest("no mounts here; the other tests of this class do without")
        self.addCleanup(subprocess.run, ["umount", "-l", self.path("runs")], check=True)

    def test_whoever_writes(self):
        """A file system of 6 MB, and 20 MB that the script writes."""
        self.mount()
        for misdeed in ("print(TEXT)", "sys.stderr.write(TEXT + '\\n')",
                        "with open('outputs/' + name, 'w') as f: f.write(TEXT)", "os.write(1, TEXT.encode())",
                        "subprocess.check_call(['sh', '-c', \"head -c 200000 /dev/zero | tr '\\\\\\\\0' x\"])",
                        "if os.system('echo %s' % TEXT[:100000]): raise ValueError"):
            with self.subTest(misdeed):
                self.job(misdeed)
                tries, _ = self.drained()
                self.assertGreater(len(tries), 0)
                subprocess.run(["mount", "-o", "remount,size=64m", self.path("runs")], check=True)
                self.completes()
                for path in glob.glob(self.path("runs/*")) + [self.path("out.txt")]:
                    shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
                subprocess.run(["mount", "-o", "remount,size=6m", self.path("runs")], check=True)

    def test_exception_without_a_file(self):
        self.job("if name == 'f0050' and 'ROOM' not in os.environ: raise FULL")
        tries, said = self.drained(sentence="a disk was full, and the script does not say which")
        self.assertEqual([t["errno"] for t in tries], [28])
        self.assertIn("OSError: [Errno 28] No space left on device", tries[0]["message"])
        self.completes()

    def test_quota_behind_another_exception(self):
        self.job("""
                if name == 'f0050' and 'ROOM' not in os.environ:
                    try: raise OSError(122, 'Disk quota exceeded', 'outputs/rows')
                    except OSError as e: raise RuntimeError('cannot save') from e""")
        tries, _ = self.drained()
        self.assertEqual([t["errno"] for t in tries], [122])
        self.assertIn("the disk of the run folder is full: RuntimeError: cannot save", tries[0]["message"])
        self.completes()

    def test_another_disk_is_the_scripts_own(self):
        self.job("if name == 'f0050': raise OSError(28, 'No space left on device', '/proc/there')")
        r = self.prs(*self.words)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), "".join(line + "\n" for line in self.want.splitlines() if "f0050" not in line))
        tries = self.journal("TRY")
        self.assertEqual([(t["error"], t["counted"], t["errno"]) for t in tries], [("RUN_EXCEPTION", 1, 28)] * 2)
        self.assertIn("hint: the disk that is full is the one at /proc", tries[0]["message"])
        self.assertIn("hint: the disk that is full is the one at /proc", r.stderr)

    PROBE = {"PRS_FAULT": "pwrite@.prs-room:1:ENOSPC:repeat"}

    def test_probe_decides(self):
        """A process died, or the exception says nothing of a disk; 1 MiB is written to see."""
        for misdeed in ("raise ValueError", "os.abort()", "sys.exit(3)", "os._exit(3)"):
            with self.subTest(misdeed):
                self.clean()
                self.job("if name == 'f0050' and 'ROOM' not in os.environ: " + misdeed)
                tries, _ = self.drained(env=self.PROBE)
                self.assertEqual(len(tries), 1)
                self.assertNotIn("errno", tries[0])
                self.assertIn("the disk of the run folder is full: ", tries[0]["message"])
                self.assertEqual(glob.glob(os.path.join(self.run_dir(), ".prs-*")), [])
                self.completes()

    def test_room_is_left(self):
        """Failures are the script's own then, and the probe leaves nothing behind."""
        self.job("if name == 'f0050': raise ValueError('own')")
        for env in (None, {"PRS_FAULT": "pwrite@.prs-room:1:EIO:repeat"},
                    {"PRS_FAULT": "open@.prs-room:1:EROFS:repeat"}):
            self.clean()
            r = self.prs(*self.words, env=env)
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertEqual([(t["error"], t["counted"]) for t in self.journal("TRY")], [("RUN_EXCEPTION", 1)] * 2)
            self.assertEqual(glob.glob(os.path.join(self.run_dir(), ".prs-*")) + glob.glob(self.path(".prs-*")), [])

    def test_init(self):
        """An init() that fails for that gives up no process and fails no job."""
        for how, env, sentence in (("raise FULL", None, "a disk was full, and the script does not say which"),
                                   ("raise OSError(28, 'full', 'cache/model')", None,
                                    "the disk of the run folder is full"),
                                   ("raise ValueError", self.PROBE, "the disk of the run folder is full"),
                                   ("os.abort()", self.PROBE, "the disk of the run folder is full")):
            with self.subTest(how):
                self.clean()
                self.job("pass", "if 'ROOM' not in os.environ: " + how)
                self.drained(sentence=sentence, env=env)
                self.completes()


class FileSizeTest(JobCase):
    def test_files_may_not_grow(self):
        """ulimit -f: SIGXFSZ does not kill the engine."""
        import resource

        want = "".join("f%04d %s\n" % (i, "x" * 50000) for i in range(20))
        self.files(20)
        self.script("import os\ndef run(mini_batch): return ['%s %s' % (os.path.basename(p), 'x' * 50000) for p in mini_batch]")
        p = self.start(*self.words, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE,
                                                                          (102400, resource.RLIM_INFINITY)))
        self.assertEqual(p.wait(timeout=120), 4, self.said())
        self.assertIn("File too large: raise the limit of file sizes (ulimit -f)", self.said())
        r = self.prs("resume", "last")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), want)


class OpenFilesTest(JobCase):
    def test_open_files(self):
        """ulimit -n: told as what it is, not as a broken disk."""
        import resource

        self.files(4)
        self.script("import os\ndef run(mini_batch): return [os.path.basename(p) for p in mini_batch]")
        for limit in (12, 16, 20):  # reading the run folder, its pages, the workers' descriptors
            self.clean()
            p = self.start(*self.words, "-p", "8",
                           preexec_fn=lambda n=limit: resource.setrlimit(resource.RLIMIT_NOFILE, (n, n)))
            self.assertEqual(p.wait(timeout=120), 4, self.said())
            self.assertIn("Too many open files: raise the limit of open files (ulimit -n), then resume", self.said())
            r = self.prs("resume", "last")
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertEqual(self.output(), "f0000\nf0001\nf0002\nf0003\n")


class SmallStackTest(JobCase):
    def test_every_command(self):
        """ulimit -s 100: nothing of the engine or the commands needs more (the script's Python is on its own)."""
        import resource

        def small():
            resource.setrlimit(resource.RLIMIT_STACK, (100 << 10, 100 << 10))

        self.files(20)
        self.script("import os\ndef run(mini_batch):\n    if os.path.basename(mini_batch[0]) == 'f0007': raise ValueError('seven')\n    return [os.path.basename(p) for p in mini_batch]")
        job = self.words + ("--run-max-try", "2", "--memory-limit-per-process", "900MB",
                            "--resource-monitor-interval", "1")
        for words, status in ((job, 0), (("resume", "last"), 0), (("run", "code/score.py", "--only-failed", "last"), 1),
                              (("list",), 0), (("status", "last"), 0), (("check", "last"), 0),
                              (("logs", "last"), 0), (("output", "last", "--partial"), 2),
                              (("dump", "journal", "last"), 0), (("plan",) + job[1:] + ("--overwrite",), 0),
                              (("validate",) + job[1:] + ("--overwrite",), 0),
                              (("test", "code/score.py", "-i", "in", "--limit", "1"), 0), (("doctor",), None),
                              (("options", "--json"), 0),
                              (("help", "run"), 0), (("clean", "--older", "0s", "--dry-run"), 0)):
            with self.subTest(words[0]):
                p = self.start(*words, preexec_fn=small)
                got = p.wait(timeout=120)
                self.assertGreaterEqual(got, 0, "died of signal %d: %s" % (-got, self.said()))
                if status is not None:
                    self.assertEqual(got, status, self.said())
        self.assertEqual(self.output(), "".join("f%04d\n" % i for i in range(20) if not 7 <= i < 14))
