# SPDX-License-Identifier: Apache-2.0
"""A run folder that somebody else can reach, or has made: no lock of theirs holds us up, no link leads anywhere,
nothing of theirs runs unasked."""
import contextlib
import glob
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import unittest

from prs_job import DEADLINE, PRS, JobCase, wait_until, workers

NOBODY = 65534
GATED = """
    import os, time
    ROOT = %r
    def run(mini_batch):
        print("hello", flush=True)
        open(os.path.join(ROOT, "started"), "w").close()
        while not os.path.exists(os.path.join(ROOT, "go")): time.sleep(0.001)
        return ["%%s: %%s" %% (os.path.basename(p), open(p).read()) for p in mini_batch]
"""


class LinkTest(JobCase):
    """Links and fifos where prs has files of its own."""

    def killed(self):
        """A run whose engine was killed while mini-batches ran; its folder."""
        self.want = self.files(14)
        self.script(GATED % self.dir)
        p = self.start(*self.words)
        wait_until(lambda: os.path.exists(self.path("started")) or p.poll() is not None, "a mini-batch runs")
        self.assertIsNone(p.returncode, self.said())
        p.kill()
        p.wait()
        self.write("go", "")
        return self.run_dir()

    def precious(self, name="precious"):
        self.write(name, "precious\n" * 1000)
        return self.path(name)

    def intact(self, path):
        with open(path) as f:
            self.assertEqual(f.read(), "precious\n" * 1000)

    def put_link(self, place, target):
        with contextlib.suppress(FileNotFoundError):
            os.remove(place)
        os.symlink(target, place)

    def test_pages(self):
        """What is there is replaced, whatever it leads to."""
        run, target = self.killed(), self.precious()
        [page, *_] = sorted(glob.glob(os.path.join(run, "work", "page", "*")))
        self.put_link(page, target)
        self.put_link(page + ".tmp", target)
        r = self.prs("resume", "last")
        self.assertNotEqual(r.returncode, 0)
        self.assertIn("%s: a symbolic link or no plain file stands there" % page, r.stderr)
        self.intact(target)
        os.remove(page + ".tmp")
        r = self.prs("resume", "last")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), self.want)
        self.intact(target)
        self.assertTrue(stat.S_ISREG(os.lstat(page).st_mode))

    def test_each_file(self):
        """A link in place of any file that prs writes or reads: its target is neither changed nor shown."""
        run = self.killed()
        shutil.copytree(run, self.path("saved"), symlinks=True, ignore=shutil.ignore_patterns("ctl"))
        names = [os.path.relpath(os.path.join(folder, n), run) for folder, _, files in os.walk(run) for n in files]
        names = [n for n in names if not n.startswith(("code/", "work/code/", "ctl", "outputs/"))]
        self.assertIn("lock", names)
        self.assertIn("job.json", names)
        self.assertIn("logs/user/stdout/127.0.0.1/process000.stdout.txt", names)
        for name in names:
            with self.subTest(name):
                shutil.rmtree(run)
                shutil.copytree(self.path("saved"), run, symlinks=True)
                if os.path.exists(self.path("out.txt")):
                    os.remove(self.path("out.txt"))
                target = self.precious()
                self.put_link(os.path.join(run, name), target)
                for words in (["status"], ["check"], ["logs"], ["logs", "--process", "0"],
                              ["logs", "--process", "0", "--errors"], ["logs", "--errors"],
                              ["list"], ["dump", "journal"], ["dump", "plan"]):
                    r = self.prs(*words, *([run] if words != ["list"] else []))
                    self.assertNotIn("precious\nprecious", r.stdout + r.stderr, words)
                r = self.prs("resume", run)
                self.assertIn(r.returncode, (0, 2, 3, 4), r.stderr)
                if r.returncode == 0:
                    self.assertEqual(self.output(), self.want)
                self.intact(target)

    def test_while_it_runs(self):
        """Put there behind the engine's back: a log is not begun elsewhere."""
        self.want = self.files(14)
        errors = self.precious("errors")
        self.script("""
            import glob, os
            def run(mini_batch):
                try:
                    os.close(os.open(%r, os.O_CREAT | os.O_EXCL))
                except FileExistsError:
                    return ["%%s: %%s" %% (os.path.basename(p), open(p).read()) for p in mini_batch]
                [logs] = glob.glob(%r)
                os.symlink(%r, logs + "/user/error.txt.tmp")
                os._exit(3)
        """ % (self.path("done"), self.path("runs", "*", "logs"), errors))
        p = self.start(*self.words, "--mini-batch-size", "1")
        self.assertEqual(p.wait(DEADLINE), 0, self.said())
        self.intact(errors)
        self.assertEqual([t["code"] for t in self.journal("TRY")], [101], self.said())

    def test_folders(self):
        """A link in place of a folder on the way."""
        run = self.killed()
        shutil.copytree(run, self.path("saved"), symlinks=True, ignore=shutil.ignore_patterns("ctl"))
        for name in ("seg", "work", "work/page", "logs", "logs/user", "logs/user/stdout", "logs/user/stdout/127.0.0.1",
                     "logs/user/error/127.0.0.1"):
            with self.subTest(name):
                shutil.rmtree(run)
                shutil.copytree(self.path("saved"), run, symlinks=True)
                if os.path.exists(self.path("out.txt")):
                    os.remove(self.path("out.txt"))
                elsewhere = self.path("elsewhere")
                shutil.rmtree(elsewhere, ignore_errors=True)
                shutil.copytree(os.path.join(run, name), elsewhere)
                before = {p: open(p, "rb").read() for p in glob.glob(elsewhere + "/**", recursive=True)
                          if os.path.isfile(p)}
                shutil.rmtree(os.path.join(run, name))
                os.symlink(elsewhere, os.path.join(run, name))
                r = self.prs("resume", run)
                self.assertEqual(r.returncode, 3, r.stderr)
                self.assertIn("%s: a symbolic link or no plain file stands there" % os.path.join(run, name), r.stderr)
                after = {p: open(p, "rb").read() for p in glob.glob(elsewhere + "/**", recursive=True)
                         if os.path.isfile(p)}
                self.assertEqual(sorted(after), sorted(before))
                self.assertEqual(after, before)

    def test_logs_says_so(self):
        run, target = self.killed(), self.precious()
        self.put_link(os.path.join(run, "logs/user/stdout/127.0.0.1/process000.stdout.txt"), target)
        r = self.prs("logs", run, "--process", "0")
        self.assertEqual(r.returncode, 3)
        self.assertIn("process000.stdout.txt: a symbolic link or no plain file stands there", r.stderr)
        self.assertEqual(r.stdout, "")

    def test_fifos(self):
        """They keep nobody waiting."""
        run = self.killed()
        os.remove(os.path.join(run, "lock"))
        os.mkfifo(os.path.join(run, "lock"))
        self.assertIn(": running or not: unknown\n", self.prs("status", run).stdout)
        self.assertIn(" unknown ", self.prs("list").stdout)
        r = self.prs("resume", run)
        self.assertEqual(r.returncode, 3, r.stderr)
        self.assertIn("lock: a symbolic link or no plain file stands there", r.stderr)
        self.assertIn("is not known", self.prs("clean", os.path.basename(run), "--interrupted").stdout)
        os.remove(os.path.join(run, "lock"))
        for name in ("RUN", "job.json", "journal-1"):
            with self.subTest(name):
                os.rename(os.path.join(run, name), self.path("kept"))
                os.mkfifo(os.path.join(run, name))
                for words in (["list"], ["status", run], ["logs", run], ["check", run], ["resume", run],
                              ["replay", run, "0"], ["clean", "-n"]):
                    self.assertIn(self.prs(*words).returncode, (0, 1, 2, 3), words)
                os.remove(os.path.join(run, name))
                os.rename(self.path("kept"), os.path.join(run, name))
        self.assertEqual(self.prs("resume", run).returncode, 0)
        self.assertEqual(self.output(), self.want)

    def test_socket_of_somebody_else(self):
        """prs cancel says nothing to whoever listens behind a link."""
        run = self.killed()
        os.symlink("/run/elsewhere", os.path.join(run, "ctl.link"))
        os.rename(os.path.join(run, "ctl.link"), os.path.join(run, "ctl"))
        r = self.prs("cancel", run)
        self.assertEqual(r.returncode, 2)
        self.assertIn("ctl: a symbolic link or no plain file stands there", r.stderr)


class ModeTest(JobCase):
    """What a run makes is no more open than what it was made of."""

    def setUp(self):
        super().setUp()
        self.script("def run(mini_batch): return mini_batch\n")
        self.write("code/inner/module.py", "")
        self.files(3)
        os.chmod(self.dir, 0o755)
        self.addCleanup(os.umask, os.umask(0o022))

    def run_one(self, *more):
        """Its folder."""
        shutil.rmtree(self.path("runs"), ignore_errors=True)
        r = self.prs("run", "code/score.py", "--input", "in", "-q", *more)
        self.assertEqual(r.returncode, 0, r.stderr)
        return self.run_dir()

    @staticmethod
    def mode(*names):
        return stat.S_IMODE(os.lstat(os.path.join(*names)).st_mode)

    def wider(self, run, mask):
        """What somebody in `mask` may read in it, links aside."""
        found = []
        for folder, folders, names in os.walk(run):
            for path in [os.path.join(folder, n) for n in names] + [folder]:
                if not os.path.islink(path) and self.mode(path) & mask:
                    found.append(os.path.relpath(path, run))
            folders[:] = [f for f in folders if self.mode(folder, f) & (mask & 0o111)]
        return found

    def test_the_folder_of_the_script(self):
        for umask in (0o022, 0o027, 0o077):
            for code in (0o755, 0o750, 0o700, 0o711, 0o775):
                with self.subTest(umask=oct(umask), code=oct(code)):
                    os.umask(umask)
                    os.chmod(self.path("code"), code)
                    run = self.run_one()
                    want = 0o700 | (code & 0o755 & ~umask)
                    self.assertEqual([oct(self.mode(run, n)) for n in (".", "code", "work", "work/code", "outputs")],
                                     [oct(want)] * 5)

    def test_a_folder_above_it(self):
        """Nobody reached the script through it: nobody reaches the copy, wherever the runs are."""
        self.write("home/jobs/score.py", "def run(mini_batch): return mini_batch\n")
        for home, want in ((0o700, 0o700), (0o711, 0o755), (0o750, 0o750)):
            os.chmod(self.path("home"), home)
            shutil.rmtree(self.path("runs"), ignore_errors=True)
            r = self.prs("run", "home/jobs/score.py", "--input", "in", "-q")
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertEqual(oct(self.mode(self.run_dir())), oct(want))

    def test_folders_in_it(self):
        os.chmod(self.path("code", "inner"), 0o700)
        run = self.run_one()
        for copy in ("code", "work/code"):
            self.assertEqual(oct(self.mode(run, copy, "inner")), oct(0o700))
            self.assertEqual(oct(self.mode(run, copy)), oct(0o755))

    def test_an_output_that_is_replaced(self):
        for mode in (0o600, 0o640, 0o664):
            self.write("out.txt", "old")
            os.chmod(self.path("out.txt"), mode)
            self.run_one("-o", "out.txt", "--overwrite")
            self.assertEqual(oct(self.mode(self.path("out.txt"))), oct(mode))
            self.assertEqual(len(self.output().splitlines()), 3)
        os.remove(self.path("out.txt"))
        os.umask(0o027)
        self.run_one("-o", "out.txt")
        self.assertEqual(oct(self.mode(self.path("out.txt"))), oct(0o640))

    @unittest.skipIf(os.getuid(), "needs root")
    def test_an_output_of_another_user_is_still_theirs(self):
        self.write("out.txt", "old")
        os.chown(self.path("out.txt"), NOBODY, NOBODY)
        os.chmod(self.path("out.txt"), 0o600)
        self.run_one("-o", "out.txt", "--overwrite")
        st = os.stat(self.path("out.txt"))
        self.assertEqual((st.st_uid, st.st_gid, oct(stat.S_IMODE(st.st_mode))), (NOBODY, NOBODY, oct(0o600)))

    def test_share(self):
        """The group reads all but job.json and the lock; others nothing."""
        os.umask(0o077)
        os.chmod(self.path("code"), 0o700)
        os.chmod(self.path("code", "score.py"), 0o600)
        self.write("code/score.py", "def run(mini_batch):\n    print('hello')\n    open('outputs/mine', 'w').close()\n    return mini_batch\n")
        run = self.run_one("--share")
        closed = sorted(os.path.relpath(os.path.join(folder, n), run) for folder, folders, names in os.walk(run)
                        for n in [*names, *folders]
                        if not os.path.islink(os.path.join(folder, n)) and self.mode(folder, n) & 0o040 == 0)
        self.assertEqual(closed, ["job.json", "lock"])
        self.assertEqual(oct(self.mode(run)), oct(0o750))
        self.assertEqual(self.wider(run, 0o007), [])
        self.assertEqual([n for n in self.wider(run, 0o020)], [])
        run = self.run_one()
        self.assertEqual(self.wider(run, 0o077), [])

    def test_share_is_kept(self):
        """A resume goes on like that."""
        os.umask(0o077)
        shutil.rmtree(self.path("runs"), ignore_errors=True)
        self.prs("run", "code/score.py", "--input", "in", "-q", "--share", kill="store.segment.after_sync:1")
        r = self.prs("resume", "last")
        self.assertEqual(r.returncode, 0, r.stderr)
        run = self.run_dir()
        for name in ("journal-2", "logs/job_result.txt", "outputs/parallel_run_step.txt"):
            self.assertEqual(oct(self.mode(run, name)), oct(0o640), name)


@unittest.skipIf(os.getuid(), "needs root, which can be another user, too")
class SecondUserTest(JobCase):
    """Two users of one machine and one folder of runs."""

    @classmethod
    def setUpClass(cls):
        """The program where the other user can reach it: the tests may lie in somebody's home."""
        for place in (tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm"):
            cls.place = tempfile.mkdtemp(prefix="prs-users-", dir=place)
            os.chmod(cls.place, 0o755)
            cls.addClassCleanup(shutil.rmtree, cls.place, ignore_errors=True)
            cls.program = os.path.join(cls.place, "bin", "prs")
            os.makedirs(os.path.dirname(cls.program))
            shutil.copy(PRS, cls.program)
            loader = os.path.join(os.path.dirname(PRS), "..", "share", "prs", "python")
            if not os.path.exists(loader):
                loader = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "python")
            shutil.copytree(loader, os.path.join(cls.place, "share", "prs", "python"),
                            ignore=shutil.ignore_patterns("__pycache__"))
            if cls.as_nobody([cls.program, "version"]).returncode == 0:
                return
        raise unittest.SkipTest("no place that another user can reach")

    @staticmethod
    def as_nobody(words, **more):
        def become():
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
        env = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
        return subprocess.run(words, preexec_fn=become, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE,
                              universal_newlines=True, timeout=DEADLINE, **more)

    def setUp(self):
        super().setUp()
        self.dir = tempfile.mkdtemp(dir=self.place)
        os.chmod(self.dir, 0o777)
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        old = os.umask(0o022)
        self.addCleanup(os.umask, old)

    def other(self, *words):
        return self.as_nobody([self.program, *words], cwd=self.dir)

    def gated(self):
        self.want = self.files(14)
        self.script(GATED % self.dir)

    def running(self):
        self.gated()
        p = self.start(*self.words)
        wait_until(lambda: os.path.exists(self.path("started")) or p.poll() is not None, "a mini-batch runs")
        self.assertIsNone(p.returncode, self.said())
        return p

    def test_a_lock_is_its_owners(self):
        """Whoever can read a file can lock it: nobody else can. So nobody else knows whether an engine holds it."""
        p = self.running()
        run = self.run_dir()
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(run, "lock")).st_mode), 0o600)
        code = "import fcntl, sys; f = open(sys.argv[1]); fcntl.lockf(f, fcntl.LOCK_SH | fcntl.LOCK_NB); print('locked')"
        self.assertNotIn("locked", self.as_nobody(["/usr/bin/python3", "-c", code, os.path.join(run, "lock")]).stdout)
        for _ in range(2):  # while it runs; when it was killed
            r = self.other("status", run)
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertIn(": running or not: unknown\n", r.stdout)
            self.assertNotIn("prs resume", r.stdout)
            self.assertRegex(self.other("list").stdout, r" unknown +0/14 ")
            r = self.other("logs", run, "--process", "0", "--follow")
            self.assertIn("running or not: unknown", r.stderr)
            p.send_signal(signal.SIGKILL)
            p.wait()
        self.write("go", "")
        self.assertEqual(self.prs("resume", "last").returncode, 0)
        self.assertIn(": completed\n", self.other("status", run).stdout)

    def test_a_lock_that_was_open_to_all(self):
        """As engines before this one made it."""
        p = self.running()
        p.kill()
        p.wait()
        os.chmod(os.path.join(self.run_dir(), "lock"), 0o644)
        self.write("go", "")
        self.assertEqual(self.prs("resume", "last").returncode, 0)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.run_dir(), "lock")).st_mode), 0o600)

    def test_a_run_of_another_user(self):
        """Neither resumed nor replayed unasked: its script would run with our rights."""
        self.gated()
        self.write("go", "")
        os.mkdir(self.path("runs"))
        os.chown(self.path("runs"), NOBODY, NOBODY)
        r = self.other("run", "code/score.py", "--input", "in", "-b", "7", "--name", "theirs", "-p", "1")
        self.assertEqual(r.returncode, 0, r.stderr)
        run = self.run_dir()
        for words in (("resume", run), ("replay", run, "0"), ("resume", "theirs"), ("resume", run, "--takeover"),
                      ("run", "--only-failed", run), ("plan", "--only-failed", run)):
            r = self.prs(*words)
            self.assertEqual(r.returncode, 2, words)
            self.assertIn("belongs to another user (%d)" % NOBODY, r.stderr)
            self.assertIn("--trust", r.stderr)
            self.assertNotIn("hello", r.stdout)
        r = self.prs("replay", run, "0", "--trust")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("hello", r.stdout)
        r = self.prs("resume", run, "--trust")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("is completed", r.stderr)
        r = self.prs("run", "--only-failed", run, "--trust")
        self.assertIn("there is nothing to run", r.stderr)
        self.assertEqual(self.prs("status", run).returncode, 0)  # looking is no trust
        r = self.prs("output", run, "--partial")
        self.assertEqual(r.returncode, 2)
        self.assertIn("name a file of your own with --output", r.stderr)
        r = self.prs("output", run, "--partial", "-o", "mine.txt")
        self.assertEqual(r.returncode, 0, r.stderr)

    def test_a_run_of_root(self):
        """The same the other way round."""
        self.gated()
        self.write("go", "")
        self.assertEqual(self.run_job().returncode, 0)
        os.chmod(os.path.join(self.run_dir(), "job.json"), 0o644)
        r = self.other("replay", self.run_dir(), "0")
        self.assertEqual(r.returncode, 2)
        self.assertIn("belongs to another user (0)", r.stderr)


if __name__ == "__main__":
    unittest.main()
