# SPDX-License-Identifier: Apache-2.0
"""What scripts of the original import and find: names of azureml.*, arguments, variables."""
import ast
import os
import shutil
import subprocess

from prs_job import DEADLINE, JobCase, wait_until


class MissingNameTest(JobCase):
    """A name that PRS lacks is the same in every try: one is enough."""

    def one_try_ends(self, code, line, script, fact):
        self.files(100)
        self.script(script)
        r = self.prs(*self.words[:4], "--mini-batch-size", "1", "--processes", "2", "--output", "out.txt")
        self.assertEqual(r.returncode, 1, r.stderr)
        said = "score.py, line %d: azureml.core.%s needs the Azure service" % (line, code)
        self.assertIn("\nFailed: " + said, r.stderr)
        self.assertIn("x AZURE_NAME: " + said, r.stderr)
        self.assertTrue([f for f in self.journal(fact) if f.get("code") == 157])
        [end] = [f for f in self.journal("STATE") if f["to"] == "FAILED"]
        self.assertEqual(end["code"], 157)

    def test_in_run(self):
        self.one_try_ends("Dataset.get_by_name", 6, """
            import time
            from azureml.core import Dataset
            def run(mini_batch):
                while mini_batch.task_id: time.sleep(0.01)  # all others: until the job ends
                return Dataset.get_by_name(None, "images")
        """, "TRY")
        self.assertEqual([f["code"] for f in self.journal("TRY")], [157])
        r = self.prs("status", "last", "--json")
        self.assertIn("AZURE_NAME", r.stdout)
        self.script("def run(mini_batch): return mini_batch")  # the run has its copy
        r = self.prs("resume", "last", "--retry-failed")
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertIn("\nFailed: score.py, line 6: azureml.core.Dataset.get_by_name", r.stderr)

    def test_in_init(self):
        self.one_try_ends("Workspace.from_config", 4, """
            from azureml.core import Workspace
            def init():
                Workspace.from_config()
            def run(mini_batch): return mini_batch
        """, "PROC")

    def test_at_import(self):
        self.one_try_ends("Image", 2, """
            from azureml.core import Image
            def run(mini_batch): return mini_batch
        """, "PROC")

    def test_with_bisect(self):
        self.files(20)
        self.script("from azureml.core import Dataset\ndef run(mini_batch): return Dataset.x\n")
        r = self.run_job("--on-failure", "bisect", "--run-max-try", "1")
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertIn("\nFailed: score.py, line 2: azureml.core.Dataset.x needs the Azure service", r.stderr)
        self.assertEqual(self.journal("SPLIT"), [])

    def test_caught(self):
        want = self.files(20)
        self.script("""
            import os
            try:
                from azureml.core import Image
            except ImportError:
                Image = None
            def run(mini_batch):
                assert Image is None
                return ["%s: %s" % (os.path.basename(p), open(p).read()) for p in mini_batch]
        """)
        self.assertEqual(self.run_job().returncode, 0)
        self.assertEqual(self.output(), want)


class ArgumentsTest(JobCase):
    """The last word of sys.argv is JSON about the process: public scripts read it."""

    def setUp(self):
        super().setUp()
        self.files(40)
        self.script("""
            import json, os, sys, time
            SEEN = os.path.join(%r, "seen")
            def init():
                me = json.loads(sys.argv[-1])
                os.makedirs(SEEN, exist_ok=True)
                with open(os.path.join(SEEN, me["agent_name"]), "w") as f:
                    f.write(repr((sys.argv[-2], me["gpu_index"], os.environ.get("CUDA_VISIBLE_DEVICES"))))
                while len(os.listdir(SEEN)) < int(os.environ["PROCESSES"]): time.sleep(0.001)
            def run(mini_batch):
                return mini_batch
        """ % self.dir)

    def seen(self, gpus, *words):
        self.prs(*words, env={"CUDA_VISIBLE_DEVICES": gpus, "AZ_BATCHAI_GPU_COUNT_FOUND": "0"})
        seen = {}
        for name in os.listdir(self.path("seen")):
            with open(self.path("seen", name)) as f:
                seen[name] = ast.literal_eval(f.read())
        shutil.rmtree(self.path("seen"))
        return seen

    def test_last_word(self):
        flag = "--bf89b5b0_523f_4782_aedc_61bd625ee81a"
        words = [*self.words[:6], "--overwrite", "--output", "out.txt", "--env", "PROCESSES=3", "-p", "3"]
        self.assertEqual(self.seen("4,MIG-7,06", *words),
                         {"process000": (flag, 4, "4"), "process001": (flag, "MIG-7", "MIG-7"),
                          "process002": (flag, 6, "06")})
        words += ["--env", "CUDA_VISIBLE_DEVICES=1"]
        self.assertEqual(self.seen("", *words), {"process00%d" % i: (flag, None, "1") for i in range(3)})

    def test_in_the_foreground(self):
        seen = self.seen("5,6", "test", "code/score.py", "--input", "in", "--env", "PROCESSES=1")
        self.assertEqual(seen, {"process000": ("--bf89b5b0_523f_4782_aedc_61bd625ee81a", 5, "5")})

    def test_variables(self):
        self.script("""
            import os
            def run(mini_batch):
                names = [n for n in os.environ if n.startswith("AZURE_ML_") or n in ("table", "small.model")]
                return ["%s=%s" % (n, os.environ[n]) for n in sorted(names)] + [
                    str(os.path.samefile(os.environ["AZ_BATCHAI_JOB_WORK_DIR"], os.getcwd()))]
        """)
        self.write("model/w", "1")
        self.write("job.yml", """
type: parallel
input_data: ${{inputs.table}}
mini_batch_size: "40"
inputs:
  table: {type: uri_folder, path: in}
  small.model: {type: uri_folder, path: model}
outputs:
  rows: {type: uri_file, path: rows.txt}
  more: {type: uri_folder, path: deep/more}
task: {type: run_function, code: code, entry_script: score.py, append_row_to: "${{outputs.rows}}", environment: azureml:x@latest}
""")
        r = self.prs("run", "job.yml")
        self.assertEqual(r.returncode, 0, r.stderr)
        with open(self.path("rows.txt")) as f:
            self.assertEqual(f.read().splitlines(), [
                "AZURE_ML_INPUT_small.model=" + self.path("model"), "AZURE_ML_INPUT_table=" + self.path("in"),
                "AZURE_ML_OUTPUT_more=" + self.path("deep/more"), "AZURE_ML_OUTPUT_rows=" + self.path("rows.txt"),
                "small.model=" + self.path("model"), "table=" + self.path("in"), "True"])
        r = self.prs("test", "job.yml", "--overwrite")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("\nTrue\n", r.stdout)


class ModelDirTest(JobCase):
    """AZUREML_MODEL_DIR: real folders, links for files only."""

    SCRIPT = """
        import os, pathlib
        ROOT = os.environ["AZUREML_MODEL_DIR"]
        def init():
            with open(os.path.join(ROOT, "net", "deep", "cache.%s" % os.environ["PRS_SLOT"]), "w") as f:
                f.write("mine")
        def run(mini_batch):
            walked = sorted(os.path.relpath(os.path.join(d, n), ROOT) for d, _, names in os.walk(ROOT) for n in names
                            if not n.startswith("cache"))
            found = sorted(str(p.relative_to(ROOT)) for p in pathlib.Path(ROOT).rglob("*.bin"))
            with open(os.path.join(ROOT, "net", "deep", "w.bin")) as f:
                return [repr((walked, found, f.read()))] * len(mini_batch)
    """

    def test_a_folder(self):
        self.files(2)
        self.write("models/net/config.json", "{}")
        self.write("models/net/deep/w.bin", "weights")
        self.write("models/blobs/b", "blob")
        self.write("models/elsewhere/in.bin", "x")
        os.symlink("../blobs/b", self.path("models/net/link.bin"))
        os.symlink("../elsewhere", self.path("models/net/linked"))
        os.symlink("..", self.path("models/net/deep/up"))
        os.mkdir(self.path("models/net/empty"))
        self.script(self.SCRIPT)
        r = self.run_job("--model", "net=models/net", "--mini-batch-size", "1")
        self.assertEqual(r.returncode, 0, r.stderr)
        names = ["net/config.json", "net/deep/w.bin", "net/link.bin", "net/linked/in.bin"]
        self.assertEqual([ast.literal_eval(line) for line in self.output().splitlines()],
                         [(names, names[1:], "weights")] * 2)
        self.assertEqual(sorted(os.listdir(self.path("models/net/deep"))), ["up", "w.bin"])
        root = os.path.join(self.run_dir(), "work", "model", "net")
        self.assertFalse(any(os.path.islink(os.path.join(root, n)) for n in ("", "deep", "linked", "empty")))
        self.assertEqual(os.readlink(os.path.join(root, "deep", "w.bin")), self.path("models/net/deep/w.bin"))

    def test_links_out_of_a_model(self):
        """A link to what holds the model stays one: behind it lies the disk. What hangs behind others is bounded."""
        self.files(2)
        self.write("models/net/deep/w.bin", "weights")
        for name, to in (("root", "/"), ("above", "../.."), ("many", self.path("many"))):
            os.symlink(to, self.path("models/net/" + name))
        for folder in ("a", "b", "c"):
            os.makedirs(self.path("many", folder))
            for i in range(40000):
                os.symlink("x", self.path("many", folder, "f%d" % i))
        self.script("""
            import os
            ROOT = os.path.join(os.environ["AZUREML_MODEL_DIR"], "net")
            def run(mini_batch):
                links = [n for n in os.listdir(ROOT) if os.path.islink(os.path.join(ROOT, n))]
                found = sum(len(names) for d, _, names in os.walk(ROOT))
                return [repr((sorted(links), found))] * len(mini_batch)
        """)
        r = self.run_job("--model", "net=models/net", "-b", "2")
        self.assertEqual(r.returncode, 0, r.stderr)
        links, found = ast.literal_eval(self.output().splitlines()[0])
        self.assertEqual(links, ["above", "root"])
        self.assertTrue(80000 < found < 100001, found)

    def test_run_folders_are_no_part_of_a_model(self):
        """A model in the current folder, with the runs folder in it: the run that is being made is not put into
        itself, nor is one before it."""
        self.files(2)
        self.script("""
            import os
            ROOT = os.environ["AZUREML_MODEL_DIR"]
            def run(mini_batch):
                return [repr(sorted(os.path.relpath(os.path.join(d, n), ROOT) for d, _, names in os.walk(ROOT)
                                    for n in names if n.endswith(".bin")))] * len(mini_batch)
        """)
        self.write("w.bin", "weights")
        for nth in ("first", "second"):
            r = self.run_job("--model", "net=.", "--overwrite")
            self.assertEqual(r.returncode, 0, r.stderr)
            run, name = self.run_dir(), os.path.basename(self.dir)
            self.assertEqual([ast.literal_eval(line) for line in self.output().splitlines()], [[name + "/w.bin"]] * 2)
            self.assertEqual(os.listdir(os.path.join(run, "work", "model", name, "runs")), [])
            shutil.move(run, self.path("before-" + nth))  # the next one finds it there

    def test_a_run_of_an_older_engine_goes_on(self):
        """It made one link to the folder: nothing may be written through that."""
        self.files(2)
        self.write("models/net/deep/w.bin", "weights")
        self.script(self.SCRIPT.replace("            walked =", "            os.stat(%r)\n            walked ="
                                        % self.path("go")))
        r = self.run_job("--model", "net=models/net", "--mini-batch-size", "1", "--run-max-try", "1")
        self.assertEqual(r.returncode, 1, r.stderr)
        self.write("go", "")
        root = os.path.join(self.run_dir(), "work", "model", "net")
        shutil.rmtree(root)
        os.symlink(self.path("models/net"), root)
        r = self.prs("resume", "last", "--retry-failed")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertFalse(os.path.islink(root))
        self.assertEqual(os.listdir(self.path("models/net/deep")), ["w.bin"])
        self.assertEqual(len(self.output().splitlines()), 2)


class MlflowTest(JobCase):
    """A stand-in for mlflow, whose database is one file that says how often it was made."""

    STORE = """
import os
def made_by_first():
    with open(os.environ["MADE"]) as made: return len(made.readlines()) == 1
class SqlAlchemyStore:
    class engine:
        dispose = staticmethod(lambda: None)
    def __init__(self, uri, artifacts):
        path = uri[len("sqlite:///"):]
        with open(path, "x") as f:
            f.write("made with ")
            f.flush()
            with open(os.environ["MADE"], "a") as made: made.write(path + "\\n")
            if "DIES" in os.environ and made_by_first(): os.kill(os.getpid(), 9)
            f.write(artifacts)
"""
    SCRIPT = """
        import os, time
        os.makedirs(%r, exist_ok=True)
        open(os.path.join(%r, os.environ["PRS_SLOT"]), "w").close()
        while len(os.listdir(%r)) < 4: time.sleep(0.001)
        import mlflow
        def run(mini_batch):
            path = mlflow.uri.partition("?")[0][len("sqlite:///"):]
            text = open(path).read() if os.path.isfile(path) else "none"
            return [repr((mlflow.uri, text))] * len(mini_batch)
    """

    def seen(self, *more, databases="", real="/mlflow.db"):
        """What the script found: a set of (URI, database)."""
        self.files(8)
        self.script(self.SCRIPT % ((self.path("here"),) * 3))
        self.write("site/mlflow/__init__.py", "import os\nuri = os.environ['MLFLOW_TRACKING_URI']\n")
        self.write("site/mlflow/store/tracking/sqlalchemy_store.py", self.STORE)
        self.write("site/sqlalchemy.py", databases)
        self.write("site/alembic.py", "")
        env = {"PYTHONPATH": self.path("site"), "MADE": self.path("made")}
        r = self.prs(*self.words[:4], "-b", "1", "-p", "4", "--output", "out.txt", *more, env=env)
        self.assertEqual(r.returncode, 0, r.stderr)
        outputs = os.path.join(self.run_dir(), "outputs")
        return {ast.literal_eval(line) for line in self.output().splitlines()}, outputs

    def made(self):
        with open(self.path("made")) as f:
            return f.read().splitlines()

    def test_one_database_for_all_processes(self):
        seen, outputs = self.seen()
        self.assertEqual(seen, {("sqlite:///%s/mlflow.db?timeout=60" % outputs, "made with %s/mlartifacts" % outputs)})
        self.assertEqual(len(self.made()), 1)
        self.assertEqual(os.listdir(outputs), ["mlflow.db"])

    def test_the_first_one_dies(self):
        seen, outputs = self.seen("--env", "DIES=1")
        self.assertEqual(seen, {("sqlite:///%s/mlflow.db?timeout=60" % outputs, "made with %s/mlartifacts" % outputs)})
        self.assertEqual(len(self.made()), 2)
        self.assertEqual(os.listdir(outputs), ["mlflow.db"])

    def test_skinny(self):
        seen, outputs = self.seen(databases="raise ImportError('not here')")
        self.assertEqual(seen, {("file://%s/mlruns" % outputs, "none")})
        self.assertFalse(os.path.exists(self.path("made")))

    def test_what_is_set_stays(self):
        seen, _ = self.seen("--env", "MLFLOW_TRACKING_URI=sqlite:///mine")
        self.assertEqual(seen, {("sqlite:///mine", "none")})
        self.assertFalse(os.path.exists(self.path("made")))

    def test_another_mlflow(self):
        """Whose database cannot be made from outside: it makes its own."""
        self.STORE = "raise RuntimeError('moved')"
        seen, outputs = self.seen()
        self.assertEqual(seen, {("sqlite:///%s/mlflow.db?timeout=60" % outputs, "none")})


class ReturnNothingTest(JobCase):
    """`return []` with error_threshold -1, a pattern of the original's samples: the script writes what it makes itself."""

    def test_summary_only(self):
        self.files(20)
        self.script("def run(mini_batch): return []")
        r = self.prs(*self.words[:8], "--output-action", "summary_only", "--error-threshold", "-1")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertRegex(r.stderr, r"\nCompleted: 3 mini-batches, 0 items in [0-9.]+ s, [0-9.]+ mini-batches/(s|min)")
        self.assertIn("\n  without a row 20 items: run() returned fewer", r.stderr)
        self.assertEqual(self.journal("TRY"), [])  # none was repeated

    def test_live_line(self):
        """The gap is no failure."""
        self.files(20)
        self.script("""
            import os, time
            def run(mini_batch):
                while mini_batch.task_id == 19 and not os.path.exists(%r): time.sleep(0.001)
                return []
        """ % self.path("go"))
        p = self.start(*self.words[:4], "--mini-batch-size", "1", "--processes", "1", "--output-action", "summary_only")
        seen = self.path("seen.txt")
        with open(seen, "w") as f:
            wait_until(lambda: os.path.isdir(self.path("runs")) and self.prs("why", "last").returncode == 0, "it runs")
            watch = subprocess.Popen([self.program, "status", "last", "--watch"], cwd=self.dir, stdout=f, stderr=f)
        self.addCleanup(self.end, watch)

        def watched():
            with open(seen) as f:
                return f.read()
        wait_until(lambda: "19/20 items" in watched(), "19 are done")
        self.assertNotIn("failed", watched())
        self.write("go", "")
        self.assertEqual(p.wait(DEADLINE), 0, self.said())
        self.assertEqual(watch.wait(DEADLINE), 0, watched())
