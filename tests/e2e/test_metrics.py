# SPDX-License-Identifier: Apache-2.0
"""What scripts log with Run: in workers, in commands and to the pipeline; many processes, kills, resume."""
import glob
import json
import os

from prs_job import wait_until
from test_pipeline import PARALLEL, PipelineCase, command

WORKER = """
    import os, time
    from azureml.core import Run
    here = Run.get_context()
    def run(mini_batch):
        here.log("number", mini_batch.task_id)
        here.log_row("both", x=mini_batch.task_id, text="x" * %d)
        wait(mini_batch.task_id)
        return mini_batch
    def wait(number): pass
"""


def records(folder):
    """Every line of it is a record."""
    with open(os.path.join(folder, "logs", "metrics.jsonl"), encoding="utf-8") as f:
        text = f.read()
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


NAME = "<run>\n"


class MetricsTest(PipelineCase):
    def logged(self):
        """How many lines, so far."""
        there = glob.glob(self.path("runs", "*", "logs", "metrics.jsonl"))
        return self.read(there[0]).count("\n") if there else 0

    def shown(self, run="last"):
        r = self.prs("logs", run, "--metrics")
        self.assertEqual(r.returncode, 0, r.stderr)
        return r.stdout.replace(os.path.basename(self.run_dir()) + "\n", NAME)

    def test_nothing(self):
        self.files(1)
        self.script("def run(b): return b")
        self.assertEqual(self.run_job().returncode, 0)
        self.assertEqual(self.shown(), "nothing was logged\n")

    def test_four_processes(self):
        self.files(200)
        self.script(WORKER % 5000)
        r = self.prs(*self.words[:4], "-b", "1", "-p", "4")
        self.assertEqual(r.returncode, 0, r.stderr)
        found = records(self.run_dir())
        for name in ("number", "both"):
            mine = [m for m in found if m["name"] == name]
            self.assertEqual(sorted(m["mini_batch"] for m in mine), list(range(200)))
            self.assertEqual({m["try"] for m in mine}, {1})

    def test_killed_processes(self):
        """Each process dies now and then while it logs; a mini-batch that is tried again logs again."""
        self.files(40)
        self.script("""
            import os, threading
            from azureml.core import Run
            here = Run.get_context()
            def die(): os.kill(os.getpid(), 9)
            def run(mini_batch):
                mark = %r + str(mini_batch.task_id)
                if mini_batch.task_id %% 5 == 0 and not os.path.exists(mark):
                    open(mark, "w").close()
                    threading.Timer(0.001 * mini_batch.task_id, die).start()
                    while True: here.log_list("list", ["x" * 100] * 500)
                here.log("number", mini_batch.task_id)
                return mini_batch
        """ % self.path("mark"))
        r = self.prs(*self.words[:4], "-b", "1", "-p", "4")
        self.assertEqual(r.returncode, 0, r.stderr)
        found = records(self.run_dir())
        again = {m["mini_batch"]: m["try"] for m in found if m["name"] == "number"}
        self.assertEqual(again, {n: 2 if n % 5 == 0 else 1 for n in range(40)})

    def test_a_killed_engine(self):
        """What was logged stays; what runs again logs again, under its own number."""
        self.files(30)
        self.script(WORKER % 10 + """
    def wait(number):
        while number > 9 and not os.path.exists(%r): time.sleep(0.001)
        """ % self.path("go"))
        p = self.start(*self.words[:4], "-b", "1", "-p", "2")
        wait_until(lambda: os.path.isdir(self.path("runs")) and self.logged() > 10, "two wait")
        p.kill()
        p.wait()
        self.write("go", "")
        self.resume()
        numbers = [m["mini_batch"] for m in records(self.run_dir()) if m["name"] == "number"]
        self.assertEqual(sorted(set(numbers)), list(range(30)))

    def test_all_kinds_of_steps(self):
        self.files(4)
        self.script(WORKER % 10 + """
    def init(): here.parent.log("from", "score")
        """)
        self.write("code/train.py", """
import os, sys
from azureml.core import Run
here = Run.get_context(allow_offline=False)
here.log("accuracy", 0.5)
here.log("accuracy", 0.75)
here.child_run("fold").log("accuracy", 0.25)
here.parent.log("from", "train")
with open("model.pkl", "w") as f: f.write("weights")
here.upload_file("outputs/deep/model.pkl", "model.pkl")
print(here.name, here.experiment.name, here.get_metrics(), here.parent.get_metrics(), sorted(here.input_datasets))
print(os.path.basename(os.environ["MLFLOW_TRACKING_URI"]), os.environ["AZUREML_ARM_WORKSPACE_NAME"])
if not os.path.exists(%r): sys.exit(3)
""" % self.path("go"))
        self.pipeline(score=PARALLEL % "./in", train=command(
            "python train.py", 'rows: "${{parent.jobs.score.outputs.rows}}"', more="code: code"))
        self.run_flow(status=1)
        self.write("go", "")
        self.resume("--retry-failed")
        self.assertEqual(self.log("train").splitlines()[-2:], [
            "train flow {'accuracy': [0.5, 0.75]} {'from': ['score', 'train', 'train']} ['rows']", "mlruns workspace"])
        self.assertEqual([m["value"] for m in records(self.step("train")) if m["kind"] == "value"], [0.5, 0.75, 0.25])
        self.assertEqual([m["by"] for m in records(self.run_dir())], ["score", "train", "train"])
        self.assertEqual(self.read(self.step("train", "code", "outputs", "deep", "model.pkl")), "weights")
        self.assertEqual(self.shown(), NAME + "  from  \"train\"   the last of 3\n"
                         "score\n  number  1   the last of 2, 0 to 1\n  both    {\"x\":1,\"text\":\"xxxxxxxxxx\"}   the last of 2\n"
                         "train\n  accuracy  0.75   the last of 2, 0.5 to 0.75\ntrain, child run fold\n  accuracy  0.25\n")
        self.assertEqual(self.shown("last/train"), "train\n  accuracy  0.75   the last of 2, 0.5 to 0.75\n"
                         "train, child run fold\n  accuracy  0.25\n")
        runs = json.loads(self.prs("logs", "last", "--metrics", "--json").stdout)
        self.assertEqual(runs["type"], "metrics")
        self.assertEqual(runs["runs"][-1], {"step": "train", "child": "fold", "metrics": {
            "accuracy": {"last": 0.25, "count": 1, "least": 0.25, "most": 0.25}}})

    def test_the_workspace_in_steps(self):
        """That of the folder where the pipeline was submitted: what a command registers, the workers of the next step find."""
        self.files(2)
        self.write("config.json", '{"workspace_name": "mine"}')
        self.write("code/train.py", """
import os, sys
from azureml.core import Dataset, Model, Run
here = Run.get_context()
with open("net.pkl", "w") as f: f.write("weights")
here.upload_file("outputs/net.pkl", "net.pkl")
print(here.register_model("net", "outputs/net.pkl", tags={"a": "b"}).version, here.workspace.name)
Dataset.File.from_files(sys.argv[1]).register(here.experiment.workspace, "images")
""")
        self.script("""
            from azureml.core import Dataset, Model, Run
            ws = Run.get_context().experiment.workspace
            with open(Model.get_model_path("net", _workspace=ws)) as f: weights = f.read()
            images = Dataset.get_by_name(ws, "images").to_path()
            def get(name):
                try: return Model(ws, name).id
                except Exception as e: return type(e).__name__
            def run(mini_batch): return [repr((ws.name, weights, images, get("net"), get("none")))]
        """)
        self.pipeline(train=command("python train.py ${{inputs.images}}", "images: {type: uri_folder, path: ./in}",
                                    more="code: code"),
                      score=PARALLEL % "./in" + "    prs: {after: [train]}\n")
        self.run_flow()
        self.assertEqual(self.log("train").splitlines()[-1], "1 mine")
        [rows] = glob.glob(self.step("score", "outputs", "rows", "*"))
        self.assertEqual(self.read(rows), repr(("mine", "weights", ["/f0000", "/f0001"], "net:1", "ModelNotFoundException")) + "\n")

    def test_of_runs_that_a_script_submits(self):
        self.write("code/train.py", """
from azureml.core import Run
here = Run.get_context()
for x in (0.5, 0.75): here.log("accuracy", x)
here.parent.log("all", 1)
""")
        self.write("submit.py", """
from azureml.core import Experiment, Run, Workspace
from azureml.pipeline.core import Pipeline
from azureml.pipeline.steps import PythonScriptStep
offline = Run.get_context()
offline.log_list("mine", [1, 2])
ws = Workspace.from_config()
step = PythonScriptStep(name="train", script_name="train.py", source_directory="code", compute_target="here")
run = Experiment(ws, "flow").submit(Pipeline(ws, steps=[step]))
run.wait_for_completion()
[train] = run.find_step_run("train")
print("got", offline.get_metrics(), run.get_metrics(), train.get_metrics("accuracy"), train.get_metrics("x"),
      sorted(map(str, run.get_metrics(recursive=True).values())))
""")
        r = self.prs("python", "submit.py")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("got {'mine': [1, 2]} {'all': 1} {'accuracy': [0.5, 0.75]} {} "
                      "[\"{'accuracy': [0.5, 0.75]}\", \"{'all': 1}\"]\n", r.stdout)

    def test_prs_test_shows_them(self):
        self.files(2)
        self.script(WORKER % 10)
        r = self.prs("test", *self.words[1:4])
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("metric number = 0\n", r.stderr)
        self.assertFalse(os.path.exists(self.path("runs")))
