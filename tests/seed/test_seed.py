# SPDX-License-Identifier: Apache-2.0
"""Each code block of the seed runs unmodified with prs python, and does what the text around it promises."""
import json
import os
import shutil
import unittest

from seed_case import BEGIN, CONFIG, HERE, SeedCase, block, dedent

try:
    import numpy as np
    from PIL import Image
except ImportError:
    np = None

SUBMIT = """
run = Experiment(ws, "seed").submit(Pipeline(workspace=ws, steps=[{step}]){more})
print(run.wait_for_completion(show_output=True))
run.find_step_run({name!r})[0].get_output_data(output_dir.name).download("got")
"""


def digits():
    """(labels, images of 28 x 28) of real digits."""
    with open(os.path.join(HERE, "digits.txt")) as f:
        rows = [line.split() for line in f if not line.startswith("#")]
    labels = np.array([int(label) for label, _ in rows])
    small = np.array([["0123456789abcdefg".index(c) for c in pixels] for _, pixels in rows]).reshape(-1, 8, 8)
    big = np.kron(small * 15, np.ones((3, 3), int))
    return labels, np.pad(big, ((0, 0), (2, 2), (2, 2))).astype("uint8")


@unittest.skipIf(np is None, "needs numpy and Pillow")
class DigitsTest(SeedCase):
    """digit_identification.py and the ParallelRunStep that runs it."""

    STEP = BEGIN + dedent("""
        ws = Workspace.from_config()
        default_blob_store = ws.get_default_datastore()
        default_blob_store.upload("digits", target_path="mnist", show_progress=False)
        mnist = Dataset.File.from_files((default_blob_store, "mnist"))
        input_mnist_ds_consumption = mnist.as_named_input("mnist").as_mount()
        output_dir = PipelineData(name="inferences", datastore=default_blob_store)
    """) + CONFIG.format(script="digit_identification.py")

    def setUp(self):
        super().setUp()
        self.labels, images = digits()
        os.makedirs(self.path("digits"))
        for i, image in enumerate(images):
            Image.fromarray(image).save(self.path("digits", "%03d_%d.png" % (i, self.labels[i])))
        self.model(images)
        shutil.copy(os.path.join(HERE, "stand_in_tensorflow.py"), self.path("tensorflow.py"))
        self.python(BEGIN + 'Model.register(Workspace.from_config(), "model", "mnist")\n')

    def model(self, images):
        """Weights that half of the digits give."""
        half = len(images) // 2
        pixels = images[:half].reshape(half, -1).astype(float)
        weights = np.linalg.lstsq(pixels, np.eye(10)[self.labels[:half]], rcond=None)[0]
        os.makedirs(self.path("model"))
        np.save(self.path("model", "mnist-tf.model.npy"), weights)
        self.write("model/mnist-tf.model.meta", "")

    def identify(self):
        shutil.rmtree(self.path("got"), ignore_errors=True)
        self.python(block("digit_script") + "# %%\n" + self.STEP + block("parallel_run_step")
                    + SUBMIT.format(step="parallelrun_step", name="predict-digits-mnist", more=""))
        rows = [row.split(": ") for row in self.rows()]
        right = [name.split("_")[1][0] == answer for name, answer in rows]
        self.assertEqual(len(rows), len(self.labels))
        return sum(right) / len(right)

    def test_digits_are_recognised_and_scrambled_ones_are_not(self):
        self.assertGreaterEqual(self.identify(), 0.9)
        for line in self.log_lines("predict-digits-mnist", "user", "stdout", "**"):
            if line.startswith("run method start: "):
                break
        else:
            self.fail("what the script prints is not in logs/user/stdout")
        order = np.random.RandomState(7).permutation(28 * 28)
        for name in os.listdir(self.path("digits")):
            pixels = np.array(Image.open(self.path("digits", name))).reshape(-1)[order]
            Image.fromarray(pixels.reshape(28, 28)).save(self.path("digits", name))
        shutil.rmtree(self.path(".prs", "workspace", "data"))
        self.assertLess(self.identify(), 0.5)

    def test_a_file_beside_the_script(self):
        """file_path of the second block leads to a file in the folder of the entry script."""
        self.write("<file_name>", "beside")
        self.write("digit_identification.py", "import os\n" + block("script_dir") + dedent("""
            def run(mini_batch):
                return [open(file_path).read() for _ in mini_batch]
        """))
        self.python(self.STEP + block("parallel_run_step")
                    + SUBMIT.format(step="parallelrun_step", name="predict-digits-mnist", more=""))
        self.assertEqual(set(self.rows()), {"beside"})

    def test_compiled_it_gives_the_same_bytes(self):
        text = block("digit_script") + "# %%\n" + self.STEP + block("parallel_run_step") + SUBMIT.format(
            step="parallelrun_step", name="predict-digits-mnist", more="")
        self.python(text)
        want = self.rows()
        r = self.python(text, flags=["--compile", "out.json"])
        self.assertIn("it ends here", r.stderr)
        r = self.prs("run", "--job-json", "out.json", "--json")
        self.assertEqual(r.returncode, 0, r.stderr)
        folder = [json.loads(line) for line in r.stdout.splitlines()][-1]["dir"]
        with open(os.path.join(folder, "steps", "predict-digits-mnist", "outputs", "inferences", "parallel_run_step.txt")) as f:
            self.assertEqual(f.read().splitlines(), want)


class EntryScriptTest(SeedCase):
    def test_what_it_logs_is_in_the_file_that_the_text_names(self):
        self.write("score.py", block("entry_script"))
        for i in range(5):
            self.write("in/%d.txt" % i, str(i))
        self.python(BEGIN + dedent("""
            ws = Workspace.from_config()
            data = Dataset.File.from_files("in")
            output_dir = PipelineData("out")
        """) + CONFIG.format(script="score.py") + dedent("""
            step = ParallelRunStep(name="log-it", parallel_run_config=parallel_run_config,
                                   inputs=[data.as_named_input("data")], output=output_dir)
        """) + SUBMIT.format(step="step", name="log-it", more=""))
        lines = self.log_lines("log-it", "user", "entry_script_log", "127.0.0.1", "process000.log.txt")
        self.assertTrue(any("This will show up in files under logs/user" in line for line in lines), lines)
        self.assertTrue(any("score.py: " in line and "0.txt" in line for line in lines), lines)
        self.assertEqual([os.path.basename(row) for row in self.rows()], ["%d.txt" % i for i in range(5)])


class SideInputTest(SeedCase):
    def test_the_lookup_table_reaches_init(self):
        self.write("score.py", "import argparse, os\n\n\ndef init():\n    global labels_path\n"
                   + "".join("    " + line + "\n" if line else "\n" for line in block("side_input_script").splitlines())
                   + dedent("""

            def run(mini_batch):
                labels = open(os.path.join(labels_path, "labels.txt")).read().split()
                return [labels[int(os.path.basename(p)[0])] for p in mini_batch]
        """))
        self.write("labels/labels.txt", "zero one two three four")
        for i in range(5):
            self.write("in/%d.txt" % i, str(i))
        self.python(BEGIN + dedent("""
            ws = Workspace.from_config()
            input_images = Dataset.File.from_files("in")
            label_ds = Dataset.File.from_files("labels").register(ws, "labels", create_new_version=True)
            output_dir = PipelineData("out")
            parallel_step_name = "batch-score"
        """) + CONFIG.format(script="score.py") + block("side_input")
            + SUBMIT.format(step="batch_score_step", name="batch-score", more=""))
        self.assertEqual(self.rows(), "zero one two three four".split())


class ServicePrincipalTest(SeedCase):
    """A dataset must be registered before the step is made."""

    END = CONFIG.format(script="score.py") + dedent("""
        output_dir = PipelineData("out")
        step = ParallelRunStep(name="score-it", parallel_run_config=parallel_run_config, inputs=[%s.as_named_input("data")],
                               output=output_dir)
    """)

    def setUp(self):
        super().setUp()
        self.write("score.py", "import os\ndef run(mini_batch):\n    return [os.path.basename(p) for p in mini_batch]\n")
        for i in range(3):
            self.write(".prs/_%%2A_/data/workspaceblobstore/_*path**_/%d.txt" % i, str(i))

    def test_registered_it_runs(self):
        self.python(BEGIN + block("service_principal") + self.END % "registered_ds"
                    + SUBMIT.format(step="step", name="score-it", more=""))
        self.assertEqual(self.rows(), ["0.txt", "1.txt", "2.txt"])

    def test_not_registered_it_is_refused_where_the_step_is_made(self):
        text = BEGIN + block("service_principal") + self.END % "ds"
        line = text[:text.index("step = ParallelRunStep")].count("\n") + 1
        r = self.python(text, status=1)
        self.assertRegex(r.stderr, r"not registered: with a service principal a dataset must be registered before it is used "
                                   r"here: .*register\(ws, NAME, create_new_version=True\) \(main.py line (%d|%d)\)" % (line, line + 1))

    def test_the_secret_is_in_no_file(self):
        text = (BEGIN + block("service_principal") + self.END % "registered_ds"
                + SUBMIT.format(step="step", name="score-it", more=""))
        self.python(text.replace('service_principal_password="_*_"', 'service_principal_password="s3cret-word"'))
        for at, _, names in os.walk(self.dir):
            for name in names:
                with open(os.path.join(at, name), "rb") as f:
                    held = f.read()
                if name != "main.py" and "/code" not in at and "/snapshots" not in at:
                    self.assertNotIn(b"s3cret-word", held, name)


class ParameterTest(SeedCase):
    """"When you resubmit a pipeline run ... you can fine-tune the parameter values"."""

    def test_other_values_at_resubmission(self):
        self.write("score.py", dedent("""
            import sys
            def run(mini_batch):
                at = sys.argv.index("--run_max_try")
                return [len(mini_batch)] * len(mini_batch) if sys.argv[at + 1] == "2" else [0] * len(mini_batch)
        """))
        for i in range(6):
            self.write("in/%d.txt" % i, str(i))
        names = "mini_batch_size node_count process_count_per_node logging_level run_invocation_timeout run_max_try".split()
        values = dict(zip(names, ("2", 1, 1, "INFO", 60, 2)))
        config = "".join("    %s=PipelineParameter(%r, %r),\n" % (n, n, values[n]) for n in names)
        text = BEGIN + dedent("""
            ws = Workspace.from_config()
            output_dir = PipelineData("out")
            data = Dataset.File.from_files("in").as_named_input("data")
            config = ParallelRunConfig(
            environment=Environment("here"), entry_script="score.py", source_directory=".", error_threshold=-1,
            output_action="append_row", compute_target="cpu",
        """) + config + dedent("""
            )
            step = ParallelRunStep("score-it", config, [data], output=output_dir)
            pipeline = Pipeline(ws, [step])
            for values in ({}, {"mini_batch_size": "3", "logging_level": "DEBUG", "run_invocation_timeout": 30}):
                run = Experiment(ws, "tune").submit(pipeline, pipeline_parameters=values)
                run.wait_for_completion(show_output=False)
                run.find_step_run("score-it")[0].get_output_data("out").download("got/%d" % len(values), show_progress=False)
            try:
                Experiment(ws, "tune").submit(pipeline, pipeline_parameters={"run_max_try": 0})
            except ValueError as e:
                print(e)
        """)
        r = self.python(text)
        self.assertIn("ParallelRunConfig: run_max_try 0: expected a whole number in [1, 65535]", r.stdout)
        self.assertEqual(self.only("got/0"), ["2"] * 6)
        self.assertEqual(self.only("got/3"), ["3"] * 6)

    def only(self, folder):
        [path] = [os.path.join(at, n) for at, _, names in os.walk(self.path(folder)) for n in names]
        with open(path) as f:
            return f.read().splitlines()
