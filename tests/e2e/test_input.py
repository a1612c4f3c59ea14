# SPDX-License-Identifier: Apache-2.0
"""Input that changes between a crash and its resume; input that holds nothing; several inputs."""
import glob
import json
import os
import shutil
import socket
import tempfile
import time

from prs_job import JobCase, gate, input_order, wait_until

ROWS = """
    import os
    def run(mini_batch):
        return ["%s: %s" % (p, open(p).read() if os.path.exists(p) else "gone") for p in mini_batch]
"""
NAME = "n" * 246 + "%04d"
EACH = 265      # files of a folder: more than a plan block of names
SIZE = 30       # files of a mini-batch: the 9th one lies in two folders


def rows(root, listing=None):
    """The output for the files of a folder as they are now."""
    text = ""
    for path in map(os.fsdecode, listing if listing is not None else input_order(root)):
        with open(path) as f:
            text += "%s: %s\n" % (path, f.read())
    return text


class InputChangeTest(JobCase):
    """The engine is killed when folder a was listed and ran, and folder b is about to be listed; c comes behind."""

    def setUp(self):
        super().setUp()
        self.script(ROWS)
        self.root = self.path("in")
        self.write("in/first", "first") # found by the check for an empty input before it looks into folders
        for folder in "abc":
            for i in range(EACH):
                self.write("in/%s/%s" % (folder, NAME % i), "%s%d" % (folder, i))

    def file(self, folder, i):
        return self.path("in", folder, NAME % i)

    def crash(self, folder="b", done=8):
        """Lists up to the folder, ends the mini-batches before it, dies."""
        p = self.start("run", "code/score.py", "--input", "in", "--mini-batch-size", str(SIZE), "--processes", "2",
                       "--output", "out.txt",
                       env=gate(folder, self.dir))
        wait_until(lambda: p.poll() is not None or self.done() == done, "%d mini-batches" % done)
        self.assertIsNone(p.returncode, self.said())
        p.kill()
        p.wait()

    def done(self):
        r = self.prs("status", "last", "--json")
        time.sleep(0.02) # nothing is judged by it
        return json.loads(r.stdout)["done"] if r.returncode == 0 and r.stdout else 0

    def resume(self, status=0):
        r = self.prs("resume", "last")
        self.assertEqual(r.returncode, status, r.stderr)
        return r

    def check(self, want):
        self.assertEqual(self.output().splitlines(), want.splitlines())
        done = [f["id"] for f in self.journal("DONE")]
        self.assertEqual(sorted(done), list(range(len(done))))

    def test_nothing_changes(self):
        self.crash()
        self.resume()
        self.check(rows(self.root))

    # ---- in a folder that was planned and ran

    def test_file_added_to_a_planned_folder(self):
        """It is not in this run."""
        self.crash()
        want = rows(self.root)
        self.write("in/a/aaa", "new")
        self.write("in/a/zzz", "new")
        self.resume()
        self.check(want)

    def test_file_removed_that_was_committed(self):
        self.crash()
        want = rows(self.root)
        for i in range(0, 230, 7):
            os.remove(self.file("a", i))
        self.resume()
        self.check(want)

    def test_file_removed_that_waits(self):
        """Planned, not yet run: run() gets the path as planned; all others keep their places."""
        self.crash()
        want = rows(self.root).replace("%s: a250\n" % self.file("a", 250), "%s: gone\n" % self.file("a", 250))
        os.remove(self.file("a", 250))
        self.resume()
        self.check(want)

    def test_file_rewritten_that_was_committed(self):
        """Committed rows stay what they were."""
        self.crash()
        want = rows(self.root)
        self.write("in/a/" + NAME % 5, "rewritten")
        self.resume()
        self.check(want)

    def test_file_rewritten_that_waits(self):
        self.crash()
        self.write("in/a/" + NAME % 250, "rewritten")
        self.resume()
        self.check(rows(self.root))

    def test_planned_folder_renamed(self):
        self.crash()
        want = rows(self.root)
        for i in range(239, EACH):
            want = want.replace("%s: a%d\n" % (self.file("a", i), i), "%s: gone\n" % self.file("a", i))
        os.rename(self.path("in", "a"), self.path("in", "d"))
        self.resume()
        self.check(want)

    def test_folder_added_beside_planned_ones(self):
        """The root was listed: it is not in this run."""
        self.crash()
        want = rows(self.root)
        self.write("in/aa/new", "new")
        self.resume()
        self.check(want)

    # ---- in a folder that was not planned yet

    def test_file_added_to_a_later_folder(self):
        self.crash()
        self.write("in/b/aaa", "new")
        self.write("in/c/sub/folder/new", "new")
        self.resume()
        self.check(rows(self.root))

    def test_file_removed_from_a_later_folder(self):
        self.crash()
        os.remove(self.file("b", 0))
        os.remove(self.file("c", EACH - 1))
        self.resume()
        self.check(rows(self.root))

    def test_file_rewritten_in_a_later_folder(self):
        self.crash()
        self.write("in/b/" + NAME % 3, "rewritten")
        self.resume()
        self.check(rows(self.root))

    def test_all_files_removed_from_later_folders(self):
        self.crash()
        for folder in "bc":
            shutil.rmtree(self.path("in", folder))
            os.mkdir(self.path("in", folder))
        self.resume()
        self.check(rows(self.root))

    def refused(self, change, undo, *said):
        """The resume says what changed; when it is undone the job ends as if nothing had been."""
        self.crash()
        want = rows(self.root)
        change()
        for _ in range(2):
            r = self.resume(4)
            for word in said:
                self.assertIn(word, r.stderr)
        undo()
        self.resume()
        self.check(want)

    def test_later_folder_renamed(self):
        self.refused(lambda: os.rename(self.path("in", "b"), self.path("in", "x")),
                     lambda: os.rename(self.path("in", "x"), self.path("in", "b")),
                     self.path("in", "b"), "gone")

    def test_last_folder_removed(self):
        self.refused(lambda: os.rename(self.path("in", "c"), self.path("kept")),
                     lambda: os.rename(self.path("kept"), self.path("in", "c")),
                     self.path("in", "c"), "gone")

    def test_later_folder_is_a_file(self):
        def change():
            os.rename(self.path("in", "b"), self.path("kept"))
            self.write("in/b", "a file")

        def undo():
            os.remove(self.path("in", "b"))
            os.rename(self.path("kept"), self.path("in", "b"))

        self.refused(change, undo, self.path("in", "b"))

    def test_whole_input_renamed(self):
        self.refused(lambda: os.rename(self.root, self.path("x")), lambda: os.rename(self.path("x"), self.root),
                     self.root)

    # ---- when all was planned

    def test_all_was_planned(self):
        """New files are not in this run, folders need not be there any more but for what run() reads."""
        self.script("""
            import os
            def run(mini_batch):
                return [p for p in mini_batch]
        """)
        listing = [os.fsdecode(p) for p in input_order(self.root)]
        p, stopped = self.stop_at("store.segment.after_sync", 1, "run", "code/score.py", "--input", "in",
                                  "--mini-batch-size", str(SIZE),
                                  "--processes", "2", "--output", "out.txt")
        self.assertEqual(stopped, p.pid)
        p.kill()
        p.wait()
        self.assertTrue(any(f["complete"] for f in self.journal("PLANNED")))
        self.write("in/a/aaa", "new")
        shutil.rmtree(self.path("in", "b"))
        os.rename(self.path("in", "c"), self.path("in", "d"))
        self.resume()
        self.check("".join(p + "\n" for p in listing))


class LargeFolderTest(JobCase):
    """A folder whose names fit no block of a plan; the engine dies between its parts."""
    FILES = 275000 # names of 251 bytes: more than 64 MiB
    NAMES = "n" * 244 + "%06d"

    @classmethod
    def setUpClass(cls):
        cls.keep = tempfile.TemporaryDirectory(prefix="prs-large-")
        cls.addClassCleanup(cls.keep.cleanup)
        cls.input = os.path.join(cls.keep.name, "in")
        os.makedirs(os.path.join(cls.input, "sub"))
        folder = os.open(cls.input, os.O_RDONLY)
        for i in range(cls.FILES):
            os.close(os.open(cls.NAMES % (i * 7919 % cls.FILES), os.O_CREAT | os.O_WRONLY, dir_fd=folder))
        os.close(os.open("sub/last", os.O_CREAT | os.O_WRONLY, dir_fd=folder))
        os.close(folder)

    def setUp(self):
        super().setUp()
        self.script("def run(mini_batch): return [p[-6:] for p in mini_batch]\n")

    def begin(self, kill):
        r = self.prs("run", "code/score.py", "--input", self.input, "--mini-batch-size", "40000", "--processes", "1",
                     "--output", "out.txt", kill=kill)
        self.assertEqual(r.returncode, -9, r.stderr)

    def resume(self, status, kill=None):
        r = self.prs("resume", "last", kill=kill)
        self.assertEqual(r.returncode, status, r.stderr)
        return r.stderr

    def check(self):
        self.assertEqual(self.output(), "".join("%06d\n" % i for i in range(self.FILES)) + "b/last\n")
        done = [f["id"] for f in self.journal("DONE")]
        self.assertEqual(sorted(done), list(range(7)))
        r = self.prs("dump", "plan", self.run_dir())
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(len([line for line in r.stdout.splitlines() if line.split(maxsplit=1)[0] == "PART"]), 1)

    def test_killed_between_the_parts(self):
        self.begin("store.plan.after_write:3")
        for kill in ("store.plan.before_write:2", "store.plan.after_sync:4", "store.plan.after_write:5",
                     "store.segment.after_sync:1"):
            self.resume(-9, kill)
        self.resume(0)
        self.check()

    def test_another_file_among_the_planned_ones(self):
        self.begin("store.plan.after_sync:4")
        new = os.path.join(self.input, "a")
        with open(new, "w"):
            pass
        self.addCleanup(lambda: os.path.exists(new) and os.remove(new))
        said = self.resume(4)
        self.assertIn("%s is new since a part of this folder was planned" % new, said)
        os.remove(new)
        self.resume(0)
        self.check()


class InputTest(JobCase):
    def setUp(self):
        super().setUp()
        self.script(ROWS)

    def test_nothing_in_it(self):
        """No worker starts."""
        for make in (lambda: None, lambda: os.makedirs(self.path("in", "a", "b")), self.special):
            shutil.rmtree(self.path("in"), ignore_errors=True)
            os.mkdir(self.path("in"))
            make()
            r = self.run_job()
            self.assertEqual(r.returncode, 2, r.stderr)
            self.assertIn("no file", r.stderr)
            self.assertFalse(os.path.exists(self.path("runs")))

    def special(self):
        os.mkfifo(self.path("in", "fifo"))
        with socket.socket(socket.AF_UNIX) as s:
            here = os.getcwd()
            os.chdir(self.path("in"))
            try:
                s.bind("socket")
            finally:
                os.chdir(here)

    def test_what_is_no_file_is_passed_over_and_said(self):
        self.write("in/a", "1")
        self.special()
        r = self.run_job()
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), "%s: 1\n" % self.path("in", "a"))
        self.assertRegex(r.stderr, "warning: .*2 .*(socket|fifo)")

    def test_symlinks(self):
        """Followed; a loop is cut and said; a dangling one is an item, so that nothing is left out silently."""
        self.write("in/a/file", "1")
        self.write("elsewhere/b", "2")
        os.symlink(self.path("elsewhere"), self.path("in", "b"))
        os.symlink("../a/file", self.path("in", "a", "link"))
        os.symlink("..", self.path("in", "a", "up"))
        os.symlink("nowhere", self.path("in", "a", "dangling"))
        r = self.run_job("--mini-batch-size", "1")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), "".join("%s: %s\n" % (self.path("in", p), t) for p, t in
                                                [("a/dangling", "gone"), ("a/file", "1"), ("a/link", "1"),
                                                 ("b/b", "2")]))
        self.assertIn("warning: 1 link in the input leads back to a folder above it and was not followed\n", r.stderr)

    def test_inputs_are_not_mixed(self):
        """Three inputs, one of them a file, one empty: a mini-batch never holds files of two."""
        for i in range(5):
            self.write("one/f%d" % i, "x")
            self.write("two/sub/g%d" % i, "y")
        self.write("single", "z")
        os.mkdir(self.path("empty"))
        self.script("""
            import os
            def run(mini_batch):
                return [" ".join(os.path.basename(p) for p in mini_batch)]
        """)
        r = self.prs("run", "code/score.py", "--input", "one", "--input", "empty", "--input", "single",
                     "--input", "named=two", "--mini-batch-size",
                     "3", "--processes", "1", "--output", "out.txt")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), "f0 f1 f2\nf3 f4\nsingle\ng0 g1 g2\ng3 g4\n")

    def test_own_run_folders_are_no_input(self):
        """Somebody works in the folder of the data: the second run has the items of the first."""
        for name in ("f0", "f1", "sub/f2"):
            self.write("data/" + name, "x")
        want = "".join("%s: x\n" % self.path("data", p) for p in ("f0", "f1", "s.py", "sub/f2"))
        self.write("data/s.py", "def run(mini_batch): return [p + ': x' for p in mini_batch]\n")
        for runs in range(3):
            r = self.in_data("run", "s.py", "-i", ".", "--mini-batch-size", "1", "--processes", "1", "-o",
                             self.path("out%d.txt" % runs))
            self.assertEqual(r.returncode, 0, r.stderr)
            with open(self.path("out%d.txt" % runs)) as f:
                self.assertEqual(f.read(), want)
            said = "warning: %d run folder%s in the input %s passed over\n"
            self.assertIn(said % ((1, "", "was") if not runs else (runs + 1, "s", "were")), r.stderr)
            self.assertFalse(glob.glob(self.path("data/runs/*/code/runs/*")))

    def test_a_plan_says_which_run_folders_it_passes_over(self):
        self.write("in/a", "1")
        self.write("in/x/RUN", "prs-run 1\n")
        self.write("in/y/RUN", "prs-run 1\n")
        r = self.prs("plan", "code/score.py", "--input", "in")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn(": in, 1 file\n" + " " * 16 + "2 run folders in it are passed over\n", r.stdout)

    def in_data(self, *words, **more):
        here = self.dir
        self.dir = self.path("data")
        try:
            return self.prs(*words, **more)
        finally:
            self.dir = here

    def test_a_given_input_in_a_run_folder(self):
        """What a run has written is the input of the next one."""
        self.write("in/a", "1")
        self.script("def run(mini_batch): return [open(p).read() for p in mini_batch]\n")
        r = self.prs("run", "code/score.py", "--input", "in", "--processes", "1", "--name", "first")
        self.assertEqual(r.returncode, 0, r.stderr)
        [first] = glob.glob(self.path("runs/first-*"))
        for given in (first + "/outputs", "runs/first-*/outputs/**/*"):
            r = self.prs("run", "code/score.py", "--input", given, "--processes", "1", "--overwrite", "--output",
                         self.path("out.txt"))
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertEqual(self.output().split(), ["1"])
        r = self.prs("run", "code/score.py", "--input", "runs", "--processes", "1")
        self.assertEqual(r.returncode, 2, r.stderr)
        self.assertIn("there is no file in it", r.stderr)

    def test_a_folder_that_lies_too_deep(self):
        """No program can open what is in it: the run is over, and says why; there is nothing to resume."""
        self.write("in/a", "1")
        here = os.getcwd()
        os.chdir(self.path("in"))
        try:
            for _ in range(25):
                os.mkdir("d" * 200)
                os.chdir("d" * 200)
        finally:
            os.chdir(here)
        r = self.run_job()
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertIn("lies too deep: its path has 4", r.stderr)
        self.assertNotIn("prs resume", r.stderr)

    def test_names(self):
        """Any bytes a file system takes: rows give them back."""
        names = [b"a b", b"\xff\xfe", b"new\nline", b"quote\"'", b"-rf", b"\xc3\xa4", b"tab\t", b".hidden",
                 b"_underscore", b"A", b"n" * 255, b"\x01"]
        os.makedirs(self.path("in", "sub"))
        for name in names:
            for folder in ("in", "in/sub"):
                with open(os.path.join(os.fsencode(self.path(folder)), name), "w"):
                    pass
        self.script("def run(mini_batch): return mini_batch\n")
        r = self.run_job("--mini-batch-size", "5")
        self.assertEqual(r.returncode, 0, r.stderr)
        with open(self.path("out.txt"), "rb") as f:
            self.assertEqual(f.read(), b"".join(p + b"\n" for p in input_order(self.path("in"))))
