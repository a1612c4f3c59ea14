# SPDX-License-Identifier: Apache-2.0
"""Parquet in, through the whole engine: the process that reads footers and what becomes of it, mini-batches, kills,
resumes, what fails and what is run again."""
import json
import os
import random
import shutil
import signal
import subprocess

from pythons import one_having
from prs_job import JobCase, children, read_proc, state_of, wait_until

RUN = """
    def run(mini_batch):
        return ["%d %s" % row for row in zip(mini_batch["id"], mini_batch["name"])]
"""
# In the process that reads footers, at the n-th Parquet file that it opens (0: before its first word): what
# PRS_TEST_FOOTERS says.
TROUBLE = """
import builtins, os, signal, sys
with open("/proc/self/cmdline", "rb") as f:
    words = f.read().split(b"\\0")
if b"footers" in words and "PRS_TEST_FOOTERS" in os.environ:
    what, n = os.environ["PRS_TEST_FOOTERS"].split(":")
    left, real = [int(n)], builtins.open
    def trouble():
        print("words on stdout", flush=True)
        print("words on stderr", file=sys.stderr, flush=True)
        if what == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if what == "exit":
            os._exit(3)
        if what == "hang":
            signal.pause()
        if what == "nonsense":
            os.write(3, b"\\x05\\0\\0\\0wrong")
        if what == "much":
            os.write(3, b"\\xff" * 8)
    def opens(path, *words, **more):
        if isinstance(path, bytes) and path.endswith(b".parquet"):
            left[0] -= 1
            if left[0] == 0:
                trouble()
        return real(path, *words, **more)
    builtins.open = opens
    if left == [0]:
        trouble()
"""
MAKE = """
import sys
import pyarrow as pa, pyarrow.parquet as pq
for line in sys.stdin:
    name, first, rows, groups = line.split()
    ids = range(int(first), int(first) + int(rows))
    table = pa.table({"id": pa.array(ids, pa.int64()), "name": pa.array(["n%d" % i for i in ids])})
    pq.write_table(table, name, row_group_size=int(groups))
"""


class ParquetCase(JobCase):
    def setUp(self):
        super().setUp()
        self.python = one_having("pandas", "pyarrow.parquet")
        self.words = ("run", "code/score.py", "--input", "in", "--input-format", "tabular", "--processes", "2",
                      "--output", "out.txt", "--python", self.python)
        self.script(RUN)
        os.makedirs(self.path("in"))
        self.made = []
        self.next = 0

    def tables(self, *rows, groups=10):
        """in/f000.parquet ... with so many rows each; returns the rows that a job must give."""
        first, lines = self.next, []
        for n in rows:
            self.made.append("f%03d.parquet" % len(self.made))
            lines.append("%s %d %d %d\n" % (self.path("in/" + self.made[-1]), self.next, n, groups))
            self.next += n
        subprocess.run([self.python, "-c", MAKE], input="".join(lines), universal_newlines=True, check=True)
        return "".join("%d n%d\n" % (i, i) for i in range(first, self.next))

    def job(self, *more, status=0, **given):
        r = self.run_job(*more, **given)
        self.assertEqual(r.returncode, status, r.stdout + r.stderr)
        return r

    def trouble(self, what):
        self.write("site/sitecustomize.py", TROUBLE)
        return {"PYTHONPATH": self.path("site"), "PRS_TEST_FOOTERS": what}

    def log(self, name):
        with open(os.path.join(self.run_dir(), "logs", name)) as f:
            return f.read()


def alive(pid):
    return (state_of(pid) or "Z")[0] != "Z"


def helpers(pid):
    """The processes that read footers for that engine, launchers included."""
    return [p for p in children(pid) if b"\0footers\0" in read_proc(p, "cmdline")]


class RunTest(ParquetCase):
    def test_by_bytes_and_by_rows(self):
        """Row groups of 10 rows, some 300 bytes each."""
        want = self.tables(35, 10, 0, 7)
        for more, batches in (((), 3), (("--mini-batch-size", "1"), 52), (("--mini-batch-rows", "4"), 14),
                              (("--mini-batch-rows", "1000"), 3)):
            r = self.job(*more, "--overwrite")
            self.assertIn("%d mini-batches, 52 items" % batches, r.stderr)
            self.assertEqual(self.output(), want)
            shutil.rmtree(self.path("runs"))

    def test_what_lies_beside_the_files(self):
        """As Spark leaves a folder."""
        want = self.tables(5, 6)
        for name in ("_SUCCESS", ".f000.parquet.crc", "deep/_metadata"):
            self.write("in/" + name, "")
        self.assertIn("3 files of the input were passed over: the name begins with _ or .", self.job().stderr)
        self.assertEqual(self.output(), want)
        self.write("in/notes", "")
        self.clean()
        self.assertIn("in/notes is no table by its ending", self.job(status=2).stderr)

    def test_the_frame(self):
        self.tables(5)
        self.script("""
            def run(mini_batch, context):
                return [repr((list(mini_batch.columns), list(mini_batch.index), list(map(str, mini_batch.dtypes)),
                              context.global_row_index_lower_bound))] * len(mini_batch)
        """)
        self.job("--mini-batch-rows", "3")
        self.assertEqual(sorted(set(self.output().splitlines())),
                         ["(['id', 'name'], [0, 1, 2], ['int64', 'object'], 0)",
                          "(['id', 'name'], [0, 1], ['int64', 'object'], 3)"])

    def test_all_empty(self):
        self.tables(0, 0)
        r = self.job(status=1)
        self.assertIn("there is no row in the 2 files", r.stderr)

    def test_the_process_is_gone_when_all_is_planned(self):
        self.tables(20)
        self.script("""
            import os, time
            def run(mini_batch):
                open("%s/" + str(mini_batch["id"].iloc[0]), "w").close()
                while not os.path.exists("%s"):
                    time.sleep(0.01)
                return list(mini_batch["id"])
        """ % (self.path("marks"), self.path("go")))
        os.makedirs(self.path("marks"))
        p = self.start(*self.words)
        wait_until(lambda: os.listdir(self.path("marks")), "the first mini-batch")
        wait_until(lambda: not helpers(p.pid), "the end of the helper")
        self.write("go", "")
        self.assertEqual(p.wait(), 0, self.said())

    def test_failed_items_and_replay(self):
        want = self.tables(20, 20)
        self.script("""
            import os
            def run(mini_batch):
                bad = [i for i in mini_batch["id"] if i == 27 and not os.path.exists("%s")]
                if bad:
                    raise ValueError("no %%d" %% bad[0])
                return ["%%d %%s" %% row for row in zip(mini_batch["id"], mini_batch["name"])]
        """ % self.path("mended"))
        self.job("--mini-batch-rows", "8", "--run-max-try", "1", "--error-threshold", "-1")
        self.assertEqual(self.output(), "".join(want.splitlines(True)[:20] + want.splitlines(True)[28:]))
        with open(os.path.join(self.run_dir(), "failed_items.jsonl")) as f:
            failed = [json.loads(line) for line in f]
        self.assertIn("f001.parquet", json.dumps(failed))
        run = os.path.basename(self.run_dir())
        r = self.prs("replay", run, "3")
        self.assertIn("no 27", r.stderr + r.stdout)
        self.write("mended", "")
        r = self.prs("replay", run, "3")
        self.assertEqual(r.returncode, 0, r.stderr)

    def test_bisect(self):
        want = self.tables(64, groups=16)
        self.script("""
            def run(mini_batch):
                if 37 in set(mini_batch["id"]):
                    raise ValueError("no 37")
                return ["%d %s" % row for row in zip(mini_batch["id"], mini_batch["name"])]
        """)
        self.job("--mini-batch-rows", "32", "--run-max-try", "1", "--on-failure", "bisect", "--error-threshold", "-1")
        self.assertEqual(self.output(), want.replace("37 n37\n", ""))

    def test_in_front_of_the_user(self):
        self.tables(20, 20)
        self.script("""
            def run(mini_batch):
                print("rows", list(mini_batch["id"]))
                return list(mini_batch["id"])
        """)
        r = self.prs("test", "code/score.py", "--input", "in", "--input-format", "tabular", "--python", self.python,
                     "--mini-batch-rows", "3")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("rows [0, 1, 2]", r.stdout)


class RefusedTest(ParquetCase):
    def test_a_broken_footer(self):
        self.tables(20, 20)
        with open(self.path("in/f001.parquet"), "r+b") as f:
            f.truncate(os.path.getsize(self.path("in/f001.parquet")) - 3)
        r = self.job(status=1)
        self.assertIn(self.path("in/f001.parquet") + ": its footer cannot be read: ", r.stderr)

    def test_types_that_do_not_fit(self):
        self.tables(5)
        make = "import pyarrow as pa, pyarrow.parquet as pq; pq.write_table(pa.table({'id': ['x'], 'name': ['y']}), '%s')"
        subprocess.run([self.python, "-c", make % self.path("in/g.parquet")], check=True)
        r = self.job(status=1)
        self.assertIn("column id is string in %s, and int64 in %s" % (self.path("in/g.parquet"),
                                                                      self.path("in/f000.parquet")), r.stderr)

    def test_a_file_that_changes_while_it_runs(self):
        """Its mini-batches end at their first try, the others go on."""
        self.tables(20, 20)
        self.script("""
            import os
            def run(mini_batch):
                if mini_batch["id"].iloc[0] == 0:
                    os.utime("%s", (1, 1))
                return list(mini_batch["id"])
        """ % self.path("in/f001.parquet"))
        r = self.job("--processes", "1", "--mini-batch-rows", "20", "--error-threshold", "-1")
        self.assertIn("INPUT_MOVED", r.stderr)
        self.assertEqual(self.output(), "".join("%d\n" % i for i in range(20)))


class HelperTest(ParquetCase):
    """The process that reads footers dies, hangs, says what is none: the job can be resumed, and is as if nothing had
    been."""

    def resume(self, want):
        r = self.prs("resume", os.path.basename(self.run_dir()))
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), want)

    def check(self, what, sentence, *more):
        want = self.tables(*[3] * 100)
        r = self.run_job(*more, env=self.trouble(what))
        self.assertEqual(r.returncode, 4, r.stderr)
        self.assertIn(sentence, r.stderr)
        self.assertEqual(self.log("sys/footers.txt"), "words on stdout\nwords on stderr\n")
        self.resume(want)

    def test_dies_at_once(self):
        self.check("die:0", "the process that reads Parquet footers was ended by signal 9 (Killed): its last words are in")

    def test_dies_later(self):
        """Some mini-batches are planned by then: 33 footers of the first file and the sample, then those of all."""
        self.check("die:120", "/in/f086.parquet: the process that reads Parquet footers was ended by signal 9 (Killed)")

    def test_exits(self):
        self.check("exit:1", "the process that reads Parquet footers ended with status 3: its last words are in ")

    def test_hangs(self):
        self.check("hang:50", "/in/f016.parquet: the process that reads Parquet footers did not answer for 1 s",
                   "--task-overhead-timeout", "1")

    def test_says_nonsense(self):
        self.check("nonsense:2", "the answer of the process that reads Parquet footers: neither yes nor no")

    def test_says_too_much(self):
        self.check("much:1", "the process that reads Parquet footers announces 4294967295 bytes")

    def test_dies_with_the_engine(self):
        self.tables(3)
        p = self.start(*self.words, env=self.trouble("hang:1"))
        [helper] = wait_until(lambda: helpers(p.pid), "the helper")
        p.send_signal(signal.SIGKILL)
        p.wait()
        wait_until(lambda: not alive(helper), "the end of the helper")

    def test_ctrl_c_while_it_hangs(self):
        self.tables(3)
        p = self.start(*self.words, env=self.trouble("hang:1"))
        [helper] = wait_until(lambda: helpers(p.pid), "the helper")
        wait_until(lambda: os.path.exists(self.path("runs")) and "words" in self.log("sys/footers.txt"), "its words")
        p.send_signal(signal.SIGINT)
        self.assertNotEqual(p.wait(), 0)
        self.assertFalse(alive(helper))

    def test_without_pyarrow(self):
        """The job does not begin."""
        self.tables(3)
        r = self.prs(*self.words[:-1], "/usr/bin/python3")
        self.assertEqual(r.returncode, 2, r.stderr)
        self.assertIn("/usr/bin/python3 -m pip install pyarrow", r.stderr)
        self.assertFalse(os.path.exists(self.path("runs")))


class KillTest(ParquetCase):
    def test_kills_while_it_is_planned(self):
        """Everywhere around the writes of plan and journal; what was planned stays, and the rows are the same."""
        want = self.tables(*[7] * 90, groups=3)
        dice = random.Random(7)
        for point in ("store.plan.before_write", "store.plan.after_write", "store.plan.after_sync"):
            for n in (1, 2, dice.randint(3, 5)):
                r = self.run_job("--mini-batch-rows", "2", "--overwrite", kill="%s:%d" % (point, n))
                if r.returncode == 0:
                    self.assertEqual(self.output(), want)
                else:
                    r = self.prs("resume", os.path.basename(self.run_dir()))
                    self.assertEqual(r.returncode, 0, r.stderr)
                    self.assertEqual(self.output(), want)
                shutil.rmtree(self.path("runs"))
                os.remove(self.path("out.txt"))


class KeysTest(ParquetCase):
    def test_keys_in_paths(self):
        """Folders as Spark writes them: a mini-batch of all rows of a store, with the key behind the columns."""
        self.tables(5, 6, 7)
        for i, store in enumerate(("b", "a", "b")):
            os.makedirs(self.path("in/store=" + store), exist_ok=True)
            os.rename(self.path("in/f%03d.parquet" % i), self.path("in/store=%s/f%d.parquet" % (store, i)))
        self.script("""
            def run(mini_batch, context):
                return [repr((context.partition_key_value, list(mini_batch.columns), set(mini_batch["store"]), i))
                        for i in mini_batch["id"]]
        """)
        self.job("--partition-keys", "store")
        want = [("a", i) for i in range(5, 11)] + [("b", i) for i in [*range(5), *range(11, 18)]]
        self.assertEqual(self.output().splitlines(),
                         [repr(({"store": s}, ["id", "name", "store"], {s}, i)) for s, i in want])

    def test_keys_that_are_columns(self):
        self.tables(5)
        r = self.job("--partition-keys", "name", status=2)
        self.assertIn("partition key name: Parquet files are grouped by their paths alone", r.stderr)
