# SPDX-License-Identifier: Apache-2.0
"""--only-failed of tables: Parquet rows and partitions run again as they were: the same rows in the same order, with the
same keys, types and places in the input.

The oracle is a run of the mended script over all of the input: what failed in the first run is what its output lacks.
Each row that run() returns has all that run() was told of it.
"""
import glob
import json
import os
import shutil
import signal
import subprocess

from pythons import one_having
from prs_job import JobCase

RUN = """
    def run(mini_batch, context):
        %s
        types = " ".join("%%s:%%s" %% (c, t.kind) for c, t in mini_batch.dtypes.items())
        told = "%%s %%d %%s" %% (context.partition_key_value, context.global_row_index_lower_bound, types)
        return ["%%s | %%s" %% (told, " ".join(map(str, row))) for row in mini_batch.itertuples(index=False)]
"""
MAKE = """
import sys
import pyarrow as pa, pyarrow.parquet as pq
for line in sys.stdin:
    name, first, rows, groups, kind = line.split()
    ids = range(int(first), int(first) + int(rows))
    pq.write_table(pa.table({"id": pa.array(ids, kind), "name": ["n%d" % i for i in ids]}), name, row_group_size=int(groups))
"""


class AgainCase(JobCase):
    keys = ()

    def setUp(self):
        super().setUp()
        self.python = one_having("pandas", "pyarrow.parquet")
        self.good()

    def words(self, output):
        return ("run", "code/score.py", "--input", "in", "--input-format", "tabular", "--processes", "2", "--python",
                self.python, "--run-max-try", "1", "--output", output, *self.keys)

    def bad(self, condition):
        self.script(RUN % ("assert not (%s), 'poison'" % condition))

    def good(self):
        self.script(RUN % "")

    def parquet(self, name, first, rows, groups=10, kind="int64"):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        subprocess.run([self.python, "-c", MAKE], input="%s %d %d %d %s\n" % (self.path(name), first, rows, groups, kind),
                       universal_newlines=True, check=True)

    def job(self, output, *more, status=0):
        r = self.prs(*self.words(output), *more)
        self.assertEqual(r.returncode, status, r.stdout + r.stderr)
        return r

    def text(self, name):
        with open(self.path(name)) as f:
            return f.read()

    def schemas(self):
        """Of the newest run, without what a sample counted."""
        said = []
        for path in sorted(glob.glob(os.path.join(self.newest(), "work/schema/*.json"))):
            with open(path) as f:
                schema = json.load(f)
            said.append([(c["name"], c["type"], c["nulls"], c.get("field")) for c in schema["columns"]])
        return said

    def newest(self):
        return max(glob.glob(self.path("runs", "*")), key=os.path.getmtime)

    def first(self, condition, *more):
        """What a whole run writes, and then one in which some rows are poison; returns what that one lacks."""
        self.good()
        for name in ("all.txt", "out.txt", "again.txt"):
            if os.path.exists(self.path(name)):
                os.remove(self.path(name))
        self.job("all.txt", *more)
        shutil.rmtree(self.path("runs"))
        self.bad(condition)
        self.job("out.txt", *more)
        self.good()
        done = self.text("out.txt").splitlines(True)
        lacks = [line for line in self.text("all.txt").splitlines(True) if line not in done]
        self.assertTrue(done and lacks)
        return lacks

    def check(self, condition, *more):
        lacks = self.first(condition, *more)
        was, schemas = self.newest(), self.schemas()
        r = self.job("again.txt", *more, "--only-failed", was)
        self.assertEqual(self.text("again.txt"), "".join(lacks))
        self.assertIn(" %d item" % len(lacks), r.stderr)
        self.assertEqual(self.schemas()[:1], schemas[:1])
        return was


class ParquetTest(AgainCase):
    def setUp(self):
        super().setUp()
        self.parquet("in/a.parquet", 0, 35)
        self.parquet("in/b.parquet", 35, 41, kind="int32")
        self.parquet("in/c.parquet", 76, 20)

    def test_rows(self):
        self.check("mini_batch['id'].isin([13, 40, 41, 75]).any()", "--mini-batch-rows", "4")

    def test_row_groups(self):
        self.check("mini_batch['id'].isin([13, 40, 75]).any()", "--mini-batch-size", "1")

    def test_other_mini_batches(self):
        """The rows of the mini-batches that failed, and no others, however they are cut now."""
        want = self.first("mini_batch['id'].isin([13, 70]).any()", "--mini-batch-rows", "8")
        self.job("again.txt", "--only-failed", "last", "--mini-batch-rows", "3")
        self.assertEqual([line.split(" | ")[1] for line in self.text("again.txt").splitlines(True)],
                         [line.split(" | ")[1] for line in want])

    def test_rows_that_bisect_found(self):
        self.bad("mini_batch['id'].isin([13, 14, 70]).any()")
        self.job("out.txt", "--mini-batch-rows", "8", "--on-failure", "bisect")
        self.good()
        self.job("again.txt", "--only-failed", "last")
        self.assertEqual([line.split(" | ")[1] for line in self.text("again.txt").splitlines()],
                         ["13 n13", "14 n14", "70 n70"])

    def test_again_and_again(self):
        self.first("mini_batch['id'].isin([13, 40, 41, 75]).any()", "--mini-batch-rows", "4")
        self.bad("(mini_batch['id'] == 40).any()")
        self.job("two.txt", "--only-failed", "last", "--mini-batch-rows", "4")
        self.good()
        self.job("three.txt", "--only-failed", "last", "--mini-batch-rows", "2")
        self.assertEqual([line.split()[-1] for line in self.text("three.txt").splitlines()],
                         ["n39", "n40", "n41", "n42"])

    def test_rows_that_are_gone(self):
        self.first("(mini_batch['id'] == 74).any()", "--mini-batch-rows", "4")
        self.parquet("in/b.parquet", 35, 38)
        r = self.job("again.txt", "--only-failed", "last", status=4)
        self.assertIn("b.parquet has 38 rows, and row 39 is to run again", r.stderr)

    def test_a_file_that_is_gone(self):
        self.first("(mini_batch['id'] == 74).any()", "--mini-batch-rows", "4")
        os.remove(self.path("in/b.parquet"))
        r = self.job("again.txt", "--only-failed", "last", status=2)
        self.assertIn("not there any more: " + self.path("in/b.parquet"), r.stderr)

    def test_the_types_of_the_run(self):
        """A file that was written anew with narrower types is read as all of them were."""
        for name, first, rows in (("a", 0, 35), ("c", 76, 20)):
            self.parquet("in/%s.parquet" % name, first, rows, kind="int32")
        self.parquet("in/b.parquet", 35, 41, kind="int64")
        self.first("(mini_batch['id'] == 13).any()", "--mini-batch-rows", "4")
        schemas = self.schemas()
        self.parquet("in/b.parquet", 35, 41, kind="int32")
        self.job("again.txt", "--only-failed", "last", "--mini-batch-rows", "4")
        self.assertEqual(self.schemas(), schemas)

    def test_killed_while_it_is_planned(self):
        want = self.first("mini_batch['id'].isin([13, 40, 41, 75, 90]).any()", "--mini-batch-rows", "4")
        was = self.newest()
        for point in ("store.plan.before_write", "store.plan.after_write", "store.plan.after_sync",
                      "store.segment.after_write"):
            with self.subTest(point):
                if os.path.exists(self.path("again.txt")):
                    os.remove(self.path("again.txt"))
                p, stopped = self.stop_at(point, 1, *self.words("again.txt"), "--mini-batch-rows", "4",
                                          "--only-failed", was)
                self.assertTrue(stopped, self.said())
                os.kill(p.pid, signal.SIGKILL)
                p.wait()
                r = self.prs("resume", "last")
                self.assertEqual(r.returncode, 0, r.stderr)
                self.assertEqual(self.text("again.txt"), "".join(want))


class RowsTest(AgainCase):
    def test_the_types_of_the_run(self):
        self.write("in/a.csv", "id,price\n1,x\n2,3\n3,4\n")
        want = self.first("(mini_batch['id'] == 1).any()", "--mini-batch-rows", "1")
        self.write("in/a.csv", "id,price\n1,9\n2,3\n3,4\n")
        self.job("again.txt", "--only-failed", "last")
        self.assertEqual(self.text("again.txt"), want[0].replace("x", "9"))


class KeysCase(AgainCase):
    keys = ("--partition-keys", "store")

    def killed(self, condition):
        want = self.first(condition)
        was = self.newest()
        for point in ("store.plan.before_write", "store.plan.after_write", "store.plan.after_sync",
                      "store.segment.after_write"):
            with self.subTest(point):
                if os.path.exists(self.path("again.txt")):
                    os.remove(self.path("again.txt"))
                p, stopped = self.stop_at(point, 1, *self.words("again.txt"), "--only-failed", was)
                self.assertTrue(stopped, self.said())
                os.kill(p.pid, signal.SIGKILL)
                p.wait()
                r = self.prs("resume", "last")
                self.assertEqual(r.returncode, 0, r.stderr)
                self.assertEqual(self.text("again.txt"), "".join(want))


class PathKeysTest(KeysCase):
    """The keys stand in the paths of CSV files: store=1/a.csv ..."""

    def setUp(self):
        super().setUp()
        for store in (1, 2, 10):
            for name, cells in (("a", "%d,x"), ("b", "%d,"), ("c", "%d,2")):
                self.write("in/store=%d/%s.csv" % (store, name),
                           "id,price\n" + "".join(cells % (store * 100 + i) + "\n" for i in range(5)))

    def test_partitions(self):
        self.check("(mini_batch['id'] == 203).any()")
        self.check("mini_batch['id'].isin([103, 1001]).any()")

    def test_the_types_of_the_run(self):
        """The text that made the column one is mended: what runs again has texts all the same, unless it is said that
        the types are to be decided anew."""
        want = self.first("(mini_batch['id'] == 203).any()")
        for store in (1, 2, 10):
            self.write("in/store=%d/a.csv" % store, "id,price\n" + "".join(
                "%d,7\n" % (store * 100 + i) for i in range(5)))
        was = self.newest()
        self.job("again.txt", "--only-failed", was)
        self.assertEqual(self.text("again.txt"), "".join(want).replace(" x ", " 7 "))
        self.job("new.txt", "--only-failed", was, "--infer-rows", "100")
        self.assertIn("price:f", self.text("new.txt"))

    def test_files_that_came_since(self):
        want = self.first("(mini_batch['id'] == 203).any()")
        self.write("in/store=2/d.csv", "id,price\n1,1\n")
        self.write("in/store=3/d.csv", "id,price\n1,1\n")
        self.job("again.txt", "--only-failed", "last")
        self.assertEqual(self.text("again.txt"), "".join(want))

    def test_a_file_that_is_gone(self):
        self.first("(mini_batch['id'] == 203).any()")
        os.remove(self.path("in/store=2/b.csv"))
        r = self.job("again.txt", "--only-failed", "last", status=2)
        self.assertIn("not there any more: " + self.path("in/store=2/b.csv"), r.stderr)

    def test_other_keys(self):
        self.first("(mini_batch['id'] == 203).any()")
        words = self.words("again.txt")[:-2]
        r = self.prs(*words, "--only-failed", "last")
        self.assertEqual(r.returncode, 2, r.stderr)
        self.assertIn("its rows were partitions by store, and are none now: --partition-keys store takes what failed, "
                      "or run the job on all of its input", r.stderr)
        r = self.prs(*words, "--partition-keys", "price", "--only-failed", "last")
        self.assertEqual(r.returncode, 2, r.stderr)
        self.assertIn("its rows were partitions by store, and are now by price", r.stderr)

    def test_killed(self):
        self.killed("mini_batch['id'].isin([103, 1001]).any()")


class ParquetKeysTest(KeysCase):
    def setUp(self):
        super().setUp()
        for store in (1, 2, 10):
            for k in range(3):
                self.parquet("in/store=%d/f%d.parquet" % (store, k), store * 100 + 10 * k, 9)

    def test_partitions(self):
        self.check("(mini_batch['id'] == 203).any()")
        self.check("mini_batch['id'].isin([103, 1001]).any()")

    def test_killed(self):
        self.killed("mini_batch['id'].isin([103, 1001]).any()")


class ColumnKeysTest(KeysCase):
    """The keys are columns, and rows of a partition are in all files."""

    def setUp(self):
        super().setUp()
        for name in "abc":
            self.write("in/%s.csv" % name, "id,store,price\n" + "".join(
                "%d,%s,%s\n" % (i, ("7", "-3", "", "22")[i * 7 % 4], "x" if name == "a" else i) for i in range(40)))

    def test_partitions(self):
        self.check("context.partition_key_value['store'] == 7")
        self.check("context.partition_key_value['store'] != -3")

    def test_null(self):
        self.check("context.partition_key_value['store'] is None")

    def test_the_types_of_the_run(self):
        """Texts in a made the column one, and are numbers now."""
        want = self.first("context.partition_key_value['store'] == 7")
        self.write("in/a.csv", self.text("in/a.csv").replace(",x", ",5"))
        self.job("again.txt", "--only-failed", "last")
        self.assertEqual(self.text("again.txt"), "".join(line[:-2] + "5\n" if line.endswith("x\n") else line
                                                         for line in want))

    def test_files_that_came_since(self):
        want = self.first("context.partition_key_value['store'] == 7")
        self.write("in/0.csv", "id,store,price\n1,7,1\n")
        self.job("again.txt", "--only-failed", "last")
        self.assertEqual(self.text("again.txt"), "".join(want))

    def test_a_partition_that_is_gone(self):
        self.write("in/d.csv", "id,store,price\n1,70,1\n")
        self.first("context.partition_key_value['store'] == 70")
        self.write("in/d.csv", "id,store,price\n1,7,1\n")
        r = self.job("again.txt", "--only-failed", "last", status=4)
        self.assertIn("of the 1 partition that are to run again 1 have no row any more", r.stderr)

    def test_a_spool_that_is_gone(self):
        self.first("context.partition_key_value['store'] == 7")
        [spool] = glob.glob(self.path("runs/*/spool-*"))
        os.remove(spool)
        r = self.job("again.txt", "--only-failed", "last", status=2)
        self.assertIn("cannot be read, which says where the rows of its partitions come from", r.stderr)

    def test_json_lines(self):
        for name in "abc":
            os.remove(self.path("in/%s.csv" % name))
            self.write("in/%s.jsonl" % name, "".join(
                json.dumps({"id": i, "store": ("7", 7, True, None)[i % 4]}) + "\n" for i in range(20)))
        self.check("context.partition_key_value['store'] == '7'")

    def test_folders_beside_columns(self):
        """A key is a folder, the other one a column."""
        self.keys = ("--partition-keys", "day,store")
        for day in (1, 2):
            for name in "ab":
                self.write("in/day=%d/%s.csv" % (day, name), "id,store\n" + "".join(
                    "%d,%d\n" % (i, i % 3) for i in range(9)))
        for name in "abc":
            os.remove(self.path("in/%s.csv" % name))
        self.check("context.partition_key_value == {'day': '2', 'store': 1}")

    def test_killed(self):
        self.killed("context.partition_key_value['store'] != -3")


class BisectTest(KeysCase):
    """Parts of a partition: its key, its rows; what failed once more is all of it."""

    BAD = "(mini_batch['id'] == 203).any()"

    def bisect(self):
        self.bad(self.BAD)
        r = self.job("out.txt", "--on-failure", "bisect")
        self.good()
        self.assertIn("bisect with partition keys: run() is also given parts", r.stderr)
        self.job("all.txt")
        bare = [self.bare(line) for line in self.text("all.txt").splitlines()]
        self.assertEqual([self.bare(line) for line in self.text("out.txt").splitlines()],
                         [line for line in bare if " 203 " not in line])
        return bare

    def bare(self, line):
        """Without the row over the input, which a part begins at another one."""
        told, row = line.split(" | ")
        key, told = told.split("} ")
        return "%s} %s | %s " % (key, told.split(" ", 1)[1], row)

    def once_more(self, bare):
        runs = sorted(glob.glob(self.path("runs", "*")), key=os.path.getmtime)
        r = self.job("again.txt", "--only-failed", runs[0])
        self.assertIn("warning: 1 partition of %s failed in part and runs again as a whole" % os.path.basename(runs[0]),
                      r.stderr)
        key = [line for line in bare if " 203 " in line][0].split("}")[0]
        self.assertEqual([self.bare(line) for line in self.text("again.txt").splitlines()],
                         [line for line in bare if line.startswith(key + "}")])

    def test_keys_in_paths(self):
        for store in (1, 2):
            for name in "ab":
                self.write("in/store=%d/%s.csv" % (store, name), "id,price\n" + "".join(
                    "%d,1\n" % (store * 100 + 10 * (name == "b") + i) for i in range(9)))
        self.once_more(self.bisect())

    def test_parquet(self):
        for store in (1, 2):
            for k in range(2):
                self.parquet("in/store=%d/f%d.parquet" % (store, k), store * 100 + 10 * k, 9)
        self.once_more(self.bisect())

    def test_columns(self):
        for name in "ab":
            self.write("in/%s.csv" % name, "id,store\n" + "".join(
                "%d,%d\n" % (200 + 20 * (name == "b") + i, i % 2) for i in range(12)))
        self.once_more(self.bisect())


class NextTest(AgainCase):
    """What the end screen says can be typed, whatever the items are, and so can what resume says of a run that is over."""

    def setUp(self):
        super().setUp()
        for store in (1, 2):
            for name in "ab":
                self.write("csv/store=%d/%s.csv" % (store, name), "id,price\n" + "".join(
                    "%d,%d\n" % (100 * store + i, i % 2) for i in range(20)))
            self.parquet("parquet/store=%d/a.parquet" % store, 100 * store, 20)

    def typed(self, output, kind, *more):
        shutil.rmtree(self.path("runs"), ignore_errors=True)
        words = [kind if word == "in" else word for word in self.words(output)]
        self.bad("(mini_batch['id'] == 203).any()")
        r = self.prs(*words, *more)
        self.assertEqual(r.returncode, 0, r.stderr)
        [command] = [line.split()[1:] for line in r.stderr.splitlines() if line.startswith("  next ")]
        name = os.path.basename(self.newest())
        self.assertEqual(command[:4], ["prs", "run", "--only-failed", name])
        r = self.prs("resume", name, "--retry-failed")
        self.assertIn("prs run --only-failed %s\n" % name, r.stderr)
        self.good()
        r = self.prs(*command[1:])
        self.assertEqual(r.returncode, 0, r.stderr + r.stdout)
        self.assertIn("Completed:", r.stderr)

    def test_each_kind(self):
        for i, words in enumerate((("csv", "--mini-batch-rows", "5"), ("csv", "--partition-keys", "store"),
                                   ("csv", "--partition-keys", "price"), ("parquet", "--mini-batch-rows", "5"),
                                   ("parquet", "--partition-keys", "store"))):
            with self.subTest(words):
                self.typed("%d.txt" % i, *words)


class ShowTest(AgainCase):
    """prs test and prs replay of tables: the first rows, and how many there are."""

    def setUp(self):
        super().setUp()
        self.script("""
            def run(mini_batch, context):
                assert not (mini_batch["id"] == 7).any() or len(mini_batch) == 1, "poison"
                return mini_batch["id"].tolist()
        """)

    def csv(self, rows=40):
        for name in "ab":
            self.write("in/%s.csv" % name, "id,store\n" + "".join("%d,%d\n" % (i, i % 2) for i in range(rows)))

    def test(self):
        self.csv()
        words = ("test", *self.words("x")[1:-2], "--limit", "1")
        r = self.prs(*words, "--mini-batch-rows", "7")
        self.assertEqual((r.returncode, r.stdout), (0, "".join("%d\n" % i for i in range(7))), r.stderr)
        self.assertIn("mini-batch 0 (7 rows) of id int64, store int64\n   id  store\n0   0      0\n1   1      1\n", r.stderr)
        self.assertNotIn("more row", r.stderr)
        r = self.prs(*words, "--partition-keys", "store")
        self.assertEqual((r.returncode, r.stdout), (0, "0\n2\n4\n6\n8\n"), r.stderr)
        self.assertIn("mini-batch 0 (40 rows) with {'store': 0} of id int64, store int64\n", r.stderr)
        self.assertEqual(r.stderr.count("\n... 35 more rows\n"), 2)
        r = self.prs(*words, "--partition-keys", "store", "--json")
        self.assertEqual(json.loads(r.stdout)["steps"][0]["rows"], "".join("%d\n" % i for i in (*range(0, 40, 2),) * 2))

    def replay(self, *more):
        """The first mini-batch that fails, and its one bad row alone, from its run and from the run of what failed."""
        self.job("out.txt", *more)
        [failed] = {f["mini_batch"] for f in self.failed()}
        for _ in range(2):
            r = self.prs("replay", "last", str(failed))
            self.assertEqual(r.returncode, 1, r.stderr)
            self.assertIn("mini-batch %d (" % failed, r.stderr)
            self.assertIn("AssertionError: poison", r.stderr)
            frame = r.stderr[:r.stderr.index("AssertionError")]
            for item in range(40):
                r = self.prs("replay", "last", str(failed), "--item", str(item))
                self.assertEqual(r.returncode, 0, r.stderr)
                if r.stdout == "7\n":
                    break
            self.assertEqual(r.stdout, "7\n")
            self.assertIn("mini-batch %d (1 row)" % failed, r.stderr)
            self.job("again.txt", *more, "--only-failed", "last", "--overwrite", status=1)
            failed = 0
        return frame

    def failed(self):
        with open(os.path.join(self.newest(), "failed_items.jsonl")) as f:
            return [json.loads(line) for line in f]

    def test_replay_of_rows(self):
        self.csv(12)
        os.remove(self.path("in/b.csv"))
        self.replay("--mini-batch-rows", "5")

    def test_replay_of_parquet(self):
        self.parquet("in/a.parquet", 0, 12)
        self.replay("--mini-batch-rows", "5")

    def test_replay_of_a_partition(self):
        self.write("in/a.csv", "id,store\n1,1\n7,1\n2,0\n")
        self.write("in/b.csv", "id,store\n3,1\n4,0\n")
        self.assertIn("(3 rows) with {'store': 1} of", self.replay("--partition-keys", "store"))

    def test_replay_of_a_partition_in_paths(self):
        self.write("in/store=1/a.csv", "id\n1\n7\n2\n")
        self.write("in/store=1/b.csv", "id\n3\n4\n")
        self.write("in/store=2/b.csv", "id\n3\n4\n")
        self.assertIn("(5 rows) with {'store': '1'} of id int64", self.replay("--partition-keys", "store"))

    def test_replay_of_a_parquet_partition(self):
        self.parquet("in/store=1/a.parquet", 0, 5)
        self.parquet("in/store=1/b.parquet", 5, 5)
        self.parquet("in/store=2/b.parquet", 20, 5)
        self.assertIn("(10 rows) with {'store': '1'} of id int64", self.replay("--partition-keys", "store"))


class FileKeysTest(JobCase):
    """Files with keys: a partition runs again as a whole."""

    def test_folders_named_after_keys(self):
        self.script("""
            import os
            def run(mini_batch, context):
                assert %s or context.partition_key_value['store'] != '2'
                return ["%%s %%s" %% (context.partition_key_value, os.path.basename(p)) for p in mini_batch]
        """ % False)
        for store in (1, 2, 10):
            for name in "abc":
                self.write("in/store=%d/%s.txt" % (store, name), "")
        words = ("run", "code/score.py", "--input", "in", "--partition-keys", "store", "--run-max-try", "1")
        self.assertEqual(self.prs(*words, "--output", "out.txt").returncode, 0)
        self.script("""
            import os
            def run(mini_batch, context):
                return ["%s %s" % (context.partition_key_value, os.path.basename(p)) for p in mini_batch]
        """)
        r = self.prs(*words, "--output", "again.txt", "--only-failed", "last")
        self.assertEqual(r.returncode, 0, r.stderr)
        with open(self.path("again.txt")) as f:
            self.assertEqual(f.read(), "".join("{'store': '2'} %s.txt\n" % name for name in "abc"))
