# SPDX-License-Identifier: Apache-2.0
"""prs run JOB --only-failed RUN: exactly the items that failed in a run, as the input of a new one."""
import glob
import json
import os
import sys

from prs_job import JobCase, wait_until

# Fails for the files whose content is "bad" until the file "mended" exists; the rows say what was in the mini-batch.
SCRIPT = """
    import os, sys
    def run(mini_batch):
        for path in mini_batch:
            if open(path).read() == "bad" and not os.path.exists(os.path.join(%(dir)r, "mended")):
                raise ValueError("bad item")
        return ["%%s %%d" %% (ascii(path), len(mini_batch)) for path in mini_batch]
"""


class OnlyFailedTest(JobCase):
    def setUp(self):
        super().setUp()
        self.script(SCRIPT % {"dir": self.dir})

    def make(self, *names, bad=()):
        """Files below the private folder, as bytes."""
        for name in names + tuple(bad):
            path = os.path.join(os.fsencode(self.dir), os.fsencode(name))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as f:
                f.write("bad" if name in bad else "good")

    def go(self, *words, status=0, **more):
        r = self.prs("run", *words, **more)
        self.assertEqual(r.returncode, status, r.stderr)
        return r.stderr

    def first(self, *words, status=0):
        """A run that fails in part; its name."""
        self.go("code/score.py", "-p", "2", "--run-max-try", "1", "-o", "out.txt", *words, status=status)
        return self.newest()

    def newest(self):
        names = json.loads(self.prs("list", "--json").stdout.splitlines()[0])
        return names["run"]

    def listed(self, run):
        with open(self.path("runs", run, "failed_items.jsonl")) as f:
            return [json.loads(line)["path"] for line in f]

    def rows(self, name):
        with open(self.path(name)) as f:
            return [line.rsplit(" ", 1) for line in f.read().splitlines()]

    def job(self, run):
        with open(self.path("runs", run, "job.json")) as f:
            return json.load(f)

    def test_exactly_the_items(self):
        odd = ("in/new\nline", b"in/\xff\xfe", "in/ends\r", "in/sub/deep 'x'\"", "in/sub/é")
        self.make(*["in/a%02d" % i for i in range(20)], bad=("in/a07",) + odd)
        run = self.first("-i", "in", "-b", "3")
        failed = self.listed(run)
        self.assertGreater(len(failed), 6)  # those beside a bad one failed too
        before = self.output()
        self.write("mended", "")
        said = self.go("code/score.py", "-p", "2", "-b", "2", "-o", "again.txt", "--only-failed", run)
        self.assertIn("only the %d items that failed in %s" % (len(failed), run), said)
        self.assertEqual([row[0] for row in self.rows("again.txt")], [ascii(path) for path in failed])
        # the mini-batch size of the new job
        self.assertEqual({row[1] for row in self.rows("again.txt")} - {"1", "2"}, set())
        self.assertEqual(self.output(), before)
        self.assertEqual(self.job(self.newest())["only_failed"],
                         {"run": run, "dir": self.path("runs", run), "items": len(failed)})
        # the script sees the same input
        self.assertEqual(self.job(self.newest())["inputs"][0]["path"], self.path("in"))

    def test_several_inputs(self):
        self.make("x/1", "x/2", "z/1", bad=("x/3", "y/1", "z/2", "z/3"))
        run = self.first("-i", "ex=x", "-i", "zet=z", "-i", "ypsilon=y", "-b", "1")
        self.write("mended", "")
        for words in ((), ("-i", "ypsilon=y", "-i", "ex=x", "-i", "zet=z")):
            self.go("code/score.py", "-p", "2", "-b", "10", "-o", "again%d.txt" % len(words), "--only-failed", run,
                    *words)
        expected = [[ascii(self.path(name)), str(n)] for name, n in (("x/3", 1), ("z/2", 2), ("z/3", 2), ("y/1", 1))]
        self.assertEqual(self.rows("again0.txt"), expected)  # no mini-batch has items of two inputs
        self.assertEqual(self.rows("again6.txt"), expected[3:] + expected[:3])  # the order of the job's own inputs
        said = self.go("code/score.py", "-i", "ex=x", "-i", "other=z", "--only-failed", run, status=2)
        self.assertIn("items of the input zet of %s failed, but this job has no input of that name" % run, said)

    def test_an_input_without_failures(self):
        self.make("x/1", "y/1", bad=("y/2",))
        run = self.first("-i", "x", "-i", "y", "-b", "1")
        self.write("mended", "")
        self.go("code/score.py", "-o", "again.txt", "--only-failed", "last")
        self.assertEqual([row[0] for row in self.rows("again.txt")], [ascii(self.path("y/2"))])
        self.assertIn(run, self.job(self.newest())["only_failed"]["run"])

    def test_single_items_of_bisect(self):
        self.make(*["in/%02d" % i for i in range(30)], bad=("in/05x", "in/21x"))
        run = self.first("-i", "in", "-b", "10", "--on-failure", "bisect")
        self.assertEqual(len(self.listed(run)), 2)
        self.write("mended", "")
        self.go("code/score.py", "-o", "again.txt", "--only-failed", self.path("runs", run))
        self.assertEqual(self.rows("again.txt"), [[ascii(self.path("in/05x")), "2"], [ascii(self.path("in/21x")), "2"]])

    def test_partition_keys(self):
        """The items keep their values, also where all of them lie deep in the input."""
        self.make("in/2020/b/2", "in/2021/b/3", bad=("in/2020/a/1",))
        keys = ("--partition-format", "{year}/{station}/*", "--partition-keys", "station,year")
        self.first("-i", "in", *keys)
        self.write("mended", "")
        self.script("def run(mini_batch, context):\n    return [sorted(context.partition_key_value.items())]\n")
        self.go("code/score.py", "-o", "again.txt", "--only-failed", "last", *keys)
        with open(self.path("again.txt")) as f:
            self.assertEqual(f.read(), "[('station', 'a'), ('year', '2020')]\n")

    def test_job_file(self):
        self.make("in/1", "in/3", bad=("in/2",))
        self.write("job.yml", """
type: parallel
mini_batch_size: "1"
inputs: {data: {type: uri_folder, path: ./in}}
outputs: {rows: {type: uri_file, path: ./rows.txt}}
input_data: ${{inputs.data}}
retry_settings: {max_retries: 1}
task:
  type: run_function
  code: ./code
  entry_script: score.py
  append_row_to: ${{outputs.rows}}
""")
        self.go("job.yml", "--python", sys.executable)
        run, before = self.newest(), self.rows("rows.txt")
        self.assertEqual(len(before), 2)
        self.write("mended", "")
        words = ("job.yml", "--python", sys.executable, "--only-failed", run)
        self.assertIn("exists", self.go(*words, status=2))
        said = self.go(*words, "--overwrite", status=2)  # not even then
        self.assertIn("rows.txt is the output of %s, with the rows of all that did not fail: give this run another output" % run, said)
        self.assertEqual(self.rows("rows.txt"), before)
        self.go(*words, "--set", "outputs.rows.path=./again.txt")
        self.assertEqual(self.rows("again.txt"), [[ascii(self.path("in/2")), "1"]])

    def test_nothing_failed(self):
        self.make("in/1", "in/2")
        run = self.first("-i", "in")
        for command in ("run", "plan", "test"):
            r = self.prs(command, "code/score.py", "--only-failed", "last")
            self.assertEqual((r.returncode, r.stderr), (0, "%s has no failed items: there is nothing to run\n" % run))
        r = self.prs("run", "code/score.py", "--only-failed", "last", "--json")
        self.assertEqual(json.loads(r.stdout), {"type": "end", "result": "completed", "exit": 0, "mini_batches": 0,
                                                "items": 0})
        self.assertEqual(len(glob.glob(self.path("runs", "*"))), 1)
        r = self.prs("validate", "code/score.py", "--only-failed", "last")
        self.assertEqual((r.returncode, r.stdout), (0, "code/score.py: no mistakes\n"))

    def test_what_is_gone(self):
        self.make("in/1", bad=tuple("in/bad%d" % i for i in range(5)))
        run = self.first("-i", "in", "-b", "1")
        for i in range(4):
            os.remove(self.path("in", "bad%d" % i))
        os.symlink("nowhere", self.path("in", "bad0"))  # a link that leads nowhere is an item, as in any input
        said = self.go("code/score.py", "--only-failed", run, status=2)
        at = self.path("in", "bad")
        self.assertIn("prs: --only-failed: 3 of the 5 items that failed in %s are not there any more: %s1, %s2, %s3\n" %
                      (run, at, at, at), said)
        self.assertEqual(len(glob.glob(self.path("runs", "*"))), 1)

    def test_refused(self):
        self.make("in/1", bad=("in/2",))
        run = self.first("-i", "in", "-b", "1")
        self.assertIn("--only-failed: no run nonsense", self.go("code/score.py", "--only-failed", "nonsense", status=2))
        self.assertIn("--only-failed", self.go("code/score.py", "-i", "in", "--only-failed", status=2))
        r = self.prs("plan", "code/score.py", "--yaml", "--only-failed", run)
        self.assertEqual((r.returncode, r.stderr), (2, "prs: --yaml: a job file cannot say --only-failed\n"))
        r = self.prs("plan", "code/score.py", "--only-failed", run)
        self.assertIn("only what failed in " + run, r.stdout)
        self.assertIn("  mini-batches  1 of 10 files", r.stdout)
        self.script("import time\ndef run(mini_batch):\n    open(%r, 'w').close()\n    time.sleep(600)\n" %
                    self.path("at"))
        p = self.start("run", "code/score.py", "-i", "in", "-p", "1")
        wait_until(lambda: os.path.exists(self.path("at")), "a mini-batch")
        said = self.go("code/score.py", "--only-failed", "last", status=2)
        self.assertRegex(said, r"^prs: --only-failed: score-\S+ still runs: what fails in it is known at its end\n")
        p.kill()

    def test_what_did_not_run(self):
        self.make(*["in/%d" % i for i in range(9)], bad=("in/bad1", "in/bad2"))
        self.first("-i", "in", "-b", "1", "--allowed-failed-count", "0", status=1)
        r = self.prs("plan", "code/score.py", "--only-failed", "last")
        # depending on what ran before the end: all of it, or not
        state = json.loads(self.prs("status", "--json").stdout)
        self.assertEqual(state["done"] + state["failed"] < state["mini_batches"],
                         "did not get to the end of its input" in r.stderr, r.stderr)

    def test_short_returns(self):
        self.script("def run(mini_batch):\n    return mini_batch[1:]\n")
        self.make("in/1", "in/2", "in/3")
        run = self.first("-i", "in")
        r = self.prs("run", "code/score.py", "--only-failed", run)
        self.assertEqual(r.returncode, 0)
        self.assertEqual(r.stderr, "warning: 1 item of %s had no row because run() returned too few: which ones is not known, they are not taken\n"
                                   "%s has no failed items that are known by name: there is nothing to run\n" %
                         (run, run))

    def test_mended_by_a_retry(self):
        self.make("in/1", bad=("in/2",))
        run = self.first("-i", "in", "-b", "1", "--allowed-failed-count", "0", status=1)
        self.write("mended", "")
        self.assertEqual(self.prs("resume", "--retry-failed").returncode, 0)
        self.assertIn("%s has no failed items" % run, self.go("code/score.py", "--only-failed", run))

    def test_interrupted_and_resumed(self):
        self.make(*["in/%d" % i for i in range(9)], bad=tuple("in/bad\n%02d" % i for i in range(40)))
        run = self.first("-i", "in", "-b", "1")
        self.write("mended", "")
        r = self.prs("run", "code/score.py", "-b", "1", "-p", "2", "-o", "again.txt", "--only-failed", run,
                     kill="store.segment.after_sync:1")
        self.assertNotEqual(r.returncode, 0)
        for name in os.listdir(self.path("in")):  # the files stay, others come: they are no part of it
            self.write("in/later-" + name, "good")
        r = self.prs("resume")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual([row[0] for row in self.rows("again.txt")], [ascii(path) for path in self.listed(run)])

    def test_debugging(self):
        self.make("in/1", "in/2", bad=("in/3",))
        run = self.first("-i", "in", "-b", "1")
        r = self.prs("test", "code/score.py", "--only-failed", run)
        self.assertEqual(r.returncode, 1)
        self.assertIn("ValueError: bad item", r.stdout + r.stderr)
        self.write("mended", "")
        r = self.prs("test", "code/score.py", "--only-failed", run)
        self.assertEqual((r.returncode, r.stdout), (0, "%s 1\n" % ascii(self.path("in/3"))))


class ListTest(JobCase):
    def test_zero_bytes(self):
        """find -print0 makes a list that holds every name."""
        self.script("def run(mini_batch):\n    return [ascii(p) for p in mini_batch]\n")
        names = ["a\nb", "c\r", "d"]
        for name in names:
            self.write("in/" + name, "")
        with open(self.path("list"), "wb") as f:
            f.write(b"".join(os.path.join("in", name).encode() + b"\0" for name in names))
        r = self.prs("run", "code/score.py", "-i", "@list", "-o", "out.txt")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), "".join(ascii(self.path("in", name)) + "\n" for name in names))
        with open(self.path("list"), "ab") as f:
            f.write(b"in/d\n")
        self.assertIn("a 0 byte: this is no list of file names",
                      self.prs("run", "code/score.py", "-i", "@list", "-o", "x.txt").stderr)
