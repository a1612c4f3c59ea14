# SPDX-License-Identifier: Apache-2.0
"""What scripts of the v1 SDK describe runs as they say: parameters, data, outputs, order, failures."""
import glob
import os
import signal
import sys
import textwrap

from prs_job import JobCase, wait_until

BEGIN = """
from azureml.core import *
from azureml.core.authentication import *
from azureml.core.compute import *
from azureml.core.runconfig import CondaDependencies, DEFAULT_CPU_IMAGE, DockerConfiguration, RunConfiguration
from azureml.data import *
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.exceptions import *
from azureml.pipeline.core import *
from azureml.pipeline.steps import *
from azureml.widgets import RunDetails
ws = Workspace.from_config()
store = ws.get_default_datastore()
def config(**more):
    given = dict(environment=Environment("here"), entry_script="score.py", source_directory="code", error_threshold=-1,
                 output_action="append_row", compute_target="cpu", node_count=1, process_count_per_node=1)
    given.update(more)
    return ParallelRunConfig(**given)
def submit(*steps, **more):
    show = more.pop("show_output", False)
    run = Experiment(ws, "test").submit(Pipeline(ws, steps=list(steps)), **more)
    run.wait_for_completion(show_output=show)
    return run
"""
SCORE = """
    import os
    def run(mini_batch):
        return ["%s %s" % (os.path.basename(p), open(p).read().strip()) for p in mini_batch]
"""


class V1Case(JobCase):
    def setUp(self):
        super().setUp()
        self.script(SCORE)

    def python(self, text, *words, status=0, **how):
        self.write("main.py", BEGIN + textwrap.dedent(text))
        r = self.prs("python", "--python", sys.executable, *how.pop("flags", []), "main.py", *words, **how)
        self.assertEqual(r.returncode, status, r.stdout + r.stderr)
        return r

    def data(self, n=4, folder="in"):
        for i in range(n):
            self.write("%s/%d.txt" % (folder, i), "v%d" % i)

    def read(self, pattern):
        [path] = glob.glob(self.path(pattern), recursive=True)
        with open(path) as f:
            return f.read()


class StepTest(V1Case):
    def test_producers_are_pulled_in_and_their_outputs_read(self):
        self.data()
        self.write("code/prep.py", textwrap.dedent("""
            import os, sys
            raw, clean, tail = sys.argv[1:4]
            os.makedirs(clean, exist_ok=True)
            for n in sorted(os.listdir(raw)):
                open(os.path.join(clean, n), "w").write(open(os.path.join(raw, n)).read() + tail)
        """))
        self.python("""
            clean, out = PipelineData("clean", datastore=store), PipelineData("out", datastore=store)
            raw = Dataset.File.from_files("in").as_named_input("raw").as_mount()
            tail = PipelineParameter("tail", " $x 'q'")
            prep = PythonScriptStep("prep.py", name="prep", arguments=[raw, clean, tail], outputs=[clean], source_directory="code")
            score = ParallelRunStep("score-it", config(), [clean.as_dataset().as_named_input("images")], output=out)
            run = submit(score)
            assert [s.name for s in run.get_children()] == ["prep", "score-it"], list(run.get_children())
            assert (run.get_status(), run.get_details()["status"]) == ("Finished", "Completed")
            run.find_step_run("score-it")[0].get_output_data("out").download("got")
            submit(score, pipeline_parameters={"tail": "!"}).find_step_run("score-it")[0].get_output_data("out").download("got2")
        """)
        self.assertEqual(self.read("got/**/parallel_run_step.txt"), "".join("%d.txt v%d $x 'q'\n" % (i, i) for i in range(4)))
        self.assertEqual(self.read("got2/**/parallel_run_step.txt"), "".join("%d.txt v%d!\n" % (i, i) for i in range(4)))

    def test_a_step_that_fails_raises(self):
        self.write("code/bad.py", "import sys; sys.exit('no luck')")
        text = """
            step = PythonScriptStep("bad.py", source_directory="code")
            run = Experiment(ws, "bad").submit(Pipeline(ws, [step]))
            assert run.wait_for_completion(raise_on_error=False, show_output=False) == "Failed"
            try:
                run.wait_for_completion(show_output=False)
            except ActivityFailedException as e:
                print(e)
            print(run.find_step_run("bad.py")[0].get_status(), run.find_step_run("bad.py")[0].get_stdout_log())
        """
        r = self.python(text, status=1)
        self.assertIn("failed: bad.py; prs logs ", r.stdout)
        self.assertIn("Failed no luck", r.stdout)

    def test_what_was_not_waited_for_is_waited_for(self):
        self.write("code/slow.py", "import os, time\nwhile not os.path.exists('%s'): time.sleep(0.01)\n"
                   "open('%s', 'w').write('done')" % (self.path("go"), self.path("mark")))
        text = """
            import sys
            class Stderr:
                def write(self, text):
                    if "waiting for" in text:
                        open("go", "w")
                    return sys.__stderr__.write(text)
                def flush(self):
                    sys.__stderr__.flush()
            sys.stderr = Stderr()
            run = Experiment(ws, 'x').submit(Pipeline(ws, [PythonScriptStep('slow.py', source_directory='code')]))
        """
        r = self.python(text)
        self.assertTrue(os.path.exists(self.path("mark")))
        self.assertIn("waiting for x-", r.stderr)
        self.assertIn("slow.py done", r.stderr)
        self.write("code/slow.py", "raise SystemExit(1)")
        self.assertIn("failed: slow.py", self.python(text, status=1).stderr)

    def test_detach_leaves_it(self):
        self.write("code/slow.py", "import os, time\nwhile not os.path.exists('%s'): time.sleep(0.01)\nopen('%s', 'w')"
                   % (self.path("go"), self.path("mark")))
        self.python("Experiment(ws, 'x').submit(Pipeline(ws, [PythonScriptStep('slow.py', source_directory='code')]))",
                    flags=["--detach"])
        self.assertFalse(os.path.exists(self.path("mark")))
        self.write("go", "")
        wait_until(lambda: os.path.exists(self.path("mark")), "the step")
        wait_until(lambda: "completed" in self.prs("list").stdout, "the run")

    def test_ctrl_c_interrupts_resumably(self):
        self.write("code/slow.py", "import os, time\nopen('%s', 'w')\nwhile not os.path.exists('%s'): time.sleep(0.01)"
                   % (self.path("began"), self.path("go")))
        self.write("main.py", BEGIN + textwrap.dedent("""
            run = Experiment(ws, 'x').submit(Pipeline(ws, [PythonScriptStep('slow.py', source_directory='code')]))
            run.wait_for_completion()
        """))
        p = self.start("python", "--python", sys.executable, "main.py")
        wait_until(lambda: os.path.exists(self.path("began")), "the step")
        p.send_signal(signal.SIGINT)
        p.wait()
        self.assertEqual(p.returncode, 4)
        self.write("go", "")
        r = self.prs("resume")
        self.assertEqual(r.returncode, 0, r.stderr)

    def test_order(self):
        for name in "abc":
            self.write("code/%s.py" % name, "open('%s', 'a').write('%s')" % (self.path("order"), name))
        self.python("""
            a, b, c = (PythonScriptStep(n + ".py", source_directory="code", allow_reuse=False) for n in "abc")
            submit(StepSequence([c, b, a]))
            for s in (a, b, c):
                s._after.clear()
            b.run_after(a)
            c.run_after(b)
            submit(c)
            a.run_after(c)
            try:
                submit(c)
            except ValueError as e:
                print(e)
        """.replace("submit(StepSequence", "submit(*StepSequence"))
        self.assertEqual(self.read("order"), "cbaabc")

    def test_commands_and_scripts(self):
        self.data()
        self.write("code/show.py", "import sys, os; print(sys.argv[1:], os.environ['COLOUR'])")
        r = self.python("""
            rc = RunConfiguration()
            rc.environment.docker.base_image = DEFAULT_CPU_IMAGE
            rc.environment.python.conda_dependencies = CondaDependencies.create(pip_packages=["numpy"])
            rc.environment_variables = {"COLOUR": "dark ${{blue}}"}
            out = OutputFileDatasetConfig("out", destination=(store, "made/{run-id}/{output-name}"))
            step = CommandStep(["echo", "hello", ">", out, "/x && cp", Dataset.File.from_files("in/1.txt").as_mount(), out],
                               name="say", source_directory="code", runconfig=rc)
            run = submit(step)
            print(run.find_step_run("say")[0].get_output_data("out")._local().endswith("/made/%s/out" % run.id))
            script = ScriptRunConfig("code", "show.py", arguments=["a b", 3, 0.5], run_config=rc)
            run = Experiment(ws, "one").submit(script)
            run.wait_for_completion(show_output=False)
            print(run.find_step_run("show.py")[0].get_stdout_log())
        """.replace('">", out, "/x', '">", "$(echo", out, ")/x'))
        self.assertIn("\nTrue\n", r.stdout)
        self.assertIn("\n['a b', '3', '0.5'] dark ${{blue}}\n", r.stdout)
        [folder] = glob.glob(self.path(".prs/workspace/data/workspaceblobstore/made/*/out"))
        self.assertEqual(sorted(os.listdir(folder)), ["1.txt", "x"])


class CompileTest(V1Case):
    TEXT = """
        Model.register(ws, "code", "net")
        clean, out = PipelineData("clean", datastore=store), PipelineData("out", datastore=store)
        raw = Dataset.File.from_files("in").as_named_input("raw").as_mount()
        prep = PythonScriptStep("prep.py", arguments=[raw, clean, PipelineParameter("tail", "it's $x ${{y}} \\\\")], outputs=[clean],
                                source_directory="code", allow_reuse=False)
        score = ParallelRunStep("score-it", config(environment_variables={"A": "b: #c"}), [clean.as_dataset().as_named_input("images")],
                                output=out, arguments=["--error_threshold", "7", "it's ${{x}} \\\\", 5, "", raw])
        nothing = ParallelRunStep("no-output", config(append_row_file_name="r.txt"), [Dataset.File.from_files("in/*.txt").as_named_input("d")])
        table = Dataset.Tabular.from_delimited_files("sales/*.csv").take(2)
        table = ParallelRunStep("of-tables", config(entry_script="table.py"), [table.as_named_input("t")], output=PipelineData("rows"))
        run = Experiment(ws, "x").submit(Pipeline(ws, [score, nothing, table]))
        print(run.wait_for_completion(show_output=False))
        run.find_step_run("score-it")[0].get_output_data("out").download("got")
    """

    def outputs(self):
        """{step/file: bytes} of the last run."""
        run = sorted(glob.glob(self.path("runs", "*")), key=os.path.getmtime)[-1]
        found = {}
        for path in glob.glob(os.path.join(run, "steps", "*", "outputs", "**"), recursive=True):
            if os.path.isfile(path):
                with open(path) as f:
                    found[path.split("/steps/")[1].split("/")[0], os.path.basename(path)] = f.read()
        return found

    def test_what_is_written_gives_the_same_bytes(self):
        self.data()
        self.write("sales/a.csv", "a,b\n1,x\n2,y\n3,z\n")
        self.write("code/table.py", "def run(mini_batch):\n    return mini_batch\n")
        self.write("code/prep.py", textwrap.dedent("""
            import os, sys
            raw, clean, tail = sys.argv[1:4]
            os.mkdir(clean)
            for n in os.listdir(raw):
                open(os.path.join(clean, n), "w").write(open(os.path.join(raw, n)).read() + tail)
        """))
        self.script("""
            import os, sys
            at = sys.argv.index("--error_threshold", 20) if "it's ${{x}} \\\\" in sys.argv else 0
            words = [w for w in sys.argv[at:at + 5] if at]
            def run(mini_batch):
                return ["%s %s %s %s" % (os.path.basename(p), open(p).read(), words, os.environ.get("A")) for p in mini_batch]
        """)
        self.python(self.TEXT)
        want = self.outputs()
        self.assertEqual(len(want), 4 + 3)
        self.assertIn("v1it's $x ${{y}} \\ ['--error_threshold', '7', \"it's ${{x}} \\\\\", '5', ''] b: #c\n",
                      want["score-it", "parallel_run_step.txt"])
        self.assertEqual(want["of-tables", "parallel_run_step.txt"], "1 x\n2 y\n")
        for name, words in (("out.yml", ["run"]), ("out.json", ["run", "--job-json"])):
            r = self.python(self.TEXT, flags=["--compile", name])
            self.assertIn("it ends here", r.stderr)
            r = self.prs(*words + [name])
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertEqual(self.outputs(), want)


class OutputTest(V1Case):
    def test_output_file_dataset_config(self):
        """Made before the step, read by the next one, registered when all is done."""
        self.data()
        self.write("code/prep.py", textwrap.dedent("""
            import os, sys
            for n in os.listdir(sys.argv[2]):
                open(os.path.join(sys.argv[4], n), "w").write("clean")
        """))
        r = self.python("""
            clean = OutputFileDatasetConfig("clean").register_on_complete("clean-data", tags={"a": "b"})
            raw = Dataset.File.from_files((store, "none"), validate=False)
            prep = PythonScriptStep("prep.py", arguments=["--in", Dataset.File.from_files("in").as_mount(), "--out", clean],
                                    source_directory="code")
            out = OutputFileDatasetConfig("scores", destination=(store, "scores")).as_upload()
            score = ParallelRunStep("score-it", config(append_row_file_name="rows.txt"), [clean.as_input("images")], output=out)
            submit(score)
            print(len(Dataset.get_by_name(ws, "clean-data").to_path()), Dataset.get_by_name(ws, "clean-data").tags)
        """)
        self.assertEqual(r.stdout.splitlines()[-1], "4 {'a': 'b'}")
        self.assertEqual(self.read(".prs/workspace/data/workspaceblobstore/scores/rows.txt"),
                         "".join("%d.txt clean\n" % i for i in range(4)))

    def test_pipeline_data_may_be_a_file(self):
        self.write("code/make.py", "import sys; open(sys.argv[1], 'w').write('one')")
        self.write("code/take.py", "import sys; print('took', open(sys.argv[1]).read())")
        r = self.python("""
            made = PipelineData("made", datastore=store)
            make = PythonScriptStep("make.py", arguments=[made], outputs=[made], source_directory="code")
            take = PythonScriptStep("take.py", arguments=[made], inputs=[made], source_directory="code")
            run = submit(take)
            print(run.find_step_run("take.py")[0].get_stdout_log())
            print(run.find_step_run("make.py")[0].get_output_data("made").download("got"))
        """)
        self.assertIn("took one", r.stdout)
        self.assertEqual(self.read("got/azureml/*/make.py/made"), "one")

    def test_summary_only(self):
        self.data()
        self.script("""
            import argparse, os
            def init():
                global to
                p = argparse.ArgumentParser()
                p.add_argument("--to")
                to = p.parse_known_args()[0].to
                os.makedirs(to, exist_ok=True)
            def run(mini_batch):
                for p in mini_batch:
                    open(os.path.join(to, os.path.basename(p)), "w").write("own")
                return mini_batch
        """)
        self.python("""
            out = PipelineData("out")
            step = ParallelRunStep("own-output", config(output_action="summary_only"), [Dataset.File.from_files("in").as_named_input("x")],
                                   output=out, arguments=["--to", out])
            submit(step).find_step_run("own-output")[0].get_output_data("out").download("got")
        """)
        self.assertEqual(len(glob.glob(self.path("got/**/*.txt"), recursive=True)), 4)


class DataTest(V1Case):
    def test_paths(self):
        self.data()
        self.data(2, "more/deep")
        r = self.python("""
            store.upload("in", target_path="a", show_progress=False)
            store.upload_files(["more/deep/0.txt"], relative_root="more", target_path="b", show_progress=False)
            F = Dataset.File.from_files
            for d in (F((store, "a")), F([(store, "a/*.txt"), (store, "b/**")]), F(DataPath(store, "a")), F("in"), F(store, "b"),
                      F(store.path("a")), F("in").take(3).skip(1)):
                print(d.to_path())
            print(store.download("down", prefix="b", show_progress=False), F("in").download("copy")[0].endswith("copy/0.txt"))
            for path in ("https://example.org/x.csv", (store, "../../x"), [], (store, "none")):
                try:
                    F(path)
                except (UserErrorException, DatasetValidationError) as e:
                    print(e)
        """)
        lines = r.stdout.splitlines()
        four = str(["/%d.txt" % i for i in range(4)])
        self.assertEqual(lines[:8], [four, str(["/%d.txt" % i for i in range(4)] + ["/deep/0.txt"]), four, four, "['/deep/0.txt']", four,
                                     "['/1.txt', '/2.txt']", "1 True"])
        self.assertIn("not on this machine", lines[8])
        self.assertIn("leads out of the datastore", lines[9])
        self.assertIn("found an empty list", lines[10])
        self.assertRegex(lines[11], r"no such file or folder: .*/none \(main.py line \d+\)")

    def test_registry(self):
        self.data()
        r = self.python("""
            d = Dataset.File.from_files("in").register(ws, "photos", description="of cats", tags={"year": "2020"})
            print(d.name, d.version, d.tags, ws.datasets["photos"].version)
            same = Dataset.File.from_files("in").register(ws, "photos")
            print(same.version)
            try:
                Dataset.File.from_files("in/1.txt").register(ws, "photos")
            except UserErrorException as e:
                print(e)
            two = Dataset.File.from_files("in/1.txt").register(ws, "photos", create_new_version=True)
            print(two.version, len(Dataset.get_by_name(ws, "photos", version=1).to_path()), len(Dataset.get_by_name(ws, "photos").to_path()))
            print(len(Dataset.get_by_id(ws, d.id).to_path()))
            try:
                Dataset.get_by_name(ws, "fotos")
            except UserErrorException as e:
                print(e)
        """)
        lines = r.stdout.splitlines()
        self.assertEqual(lines[0], "photos 1 {'year': '2020'} 1")
        self.assertEqual(lines[1], "1")
        self.assertIn("create_new_version=True makes version 2", lines[2])
        self.assertEqual(lines[3:5], ["2 4 1", "4"])
        self.assertIn("no dataset fotos in the workspace workspace; near: photos", lines[5])

    def test_models(self):
        self.write("model/weights.txt", "w1")
        r = self.python("""
            m = Model.register(ws, "model", "net", tags={"kind": "small"})
            Model.register(workspace=ws, model_path="model/weights.txt", model_name="net", properties={"p": 1})
            print(m.version, Model(ws, "net").version, Model(ws, "net", version=1).tags, Model(ws, id="net:1").version)
            print([x.version for x in Model.list(ws, "net")], [x.version for x in Model.list(ws, tags=[["kind", "small"]])],
                  [x.version for x in Model.list(ws, latest=True)])
            import os
            print(os.listdir(Model.get_model_path("net", version=1)), open(Model.get_model_path("net")).read())
            print(os.path.relpath(Model(ws, "net", version=1).download("got")), os.listdir("got"))
            try:
                Model(ws, "nett")
            except ModelNotFoundException as e:
                print(e)
        """)
        lines = [line for line in r.stdout.splitlines() if not line.startswith("Registering")]
        self.assertEqual(lines[0], "1 2 {'kind': 'small'} 1")
        self.assertEqual(lines[1], "[2, 1] [1] [2]")
        self.assertEqual(lines[2], "['weights.txt'] w1")
        self.assertEqual(lines[3], "got/model ['model']")
        self.assertIn("no model nett in the workspace workspace; near: net", lines[4])

    def test_a_container_without_a_folder_says_what_to_write(self):
        self.data()
        text = """
            far = Datastore.register_azure_blob_container(ws, "far", "c", account_name="acc", account_key="k3y", overwrite=True)
            print(Datastore.get(ws, "far").account_name, ws.datastores["far"].container_name)
            print(Dataset.File.from_files((far, "0.txt")).to_path())
        """
        r = self.python(text, status=1)
        self.assertIn("has no folder on this machine: prs datastore register far --folder DIR", r.stderr)
        self.assertEqual(self.prs("datastore", "register", "far", "--folder", self.path("in")).returncode, 0)
        self.assertIn("['/0.txt']", self.python(text).stdout)

    def test_a_dataset_as_parameter(self):
        self.data()
        self.data(2, "other")
        self.python("""
            param = PipelineParameter("images", default_value=Dataset.File.from_files("in"))
            step = ParallelRunStep("score-it", config(), [DatasetConsumptionConfig("images", param)], output=PipelineData("out"))
            for name, values in (("a", {}), ("b", {"images": Dataset.File.from_files("other")})):
                submit(step, pipeline_parameters=values).find_step_run("score-it")[0].get_output_data("out").download(name)
            path = PipelineParameter("where", DataPath(None, "in"))
            open("code/ls.py", "w").write("import os, sys; print(sorted(os.listdir(sys.argv[1])))")
            ls = PythonScriptStep("ls.py", arguments=[(path, DataPathComputeBinding())], inputs=[(path, DataPathComputeBinding())],
                                  source_directory="code")
            print(submit(ls, pipeline_parameters={"where": DataPath(None, "other")}).find_step_run("ls.py")[0].get_stdout_log())
        """)
        self.assertEqual(len(self.read("a/**/parallel_run_step.txt").splitlines()), 4)
        self.assertEqual(len(self.read("b/**/parallel_run_step.txt").splitlines()), 2)

    def test_tables(self):
        self.write("sales/a.csv", "store,sold\n1,5\n2,0\n3,7\n")
        self.write("sales/b.csv", "store,sold\n4,9\n")
        self.script("""
            def run(mini_batch):
                return mini_batch.assign(columns="/".join(mini_batch.columns))
        """)
        self.python("""
            table = Dataset.Tabular.from_delimited_files("sales").register(ws, "sales")
            table = Dataset.get_by_name(ws, "sales")
            step = lambda t, n: submit(ParallelRunStep("table", config(mini_batch_size="1MB"), [t.as_named_input("sales")],
                                       output=PipelineData("out"))).find_step_run("table")[0].get_output_data("out").download(n)
            step(table, "all")
            step(table.filter((table["sold"] > 4) & (table["store"] != 4)).keep_columns(["sold"]), "some")
        """)
        self.assertEqual(sorted(self.read("all/**/parallel_run_step.txt").splitlines()),
                         ["%s store/sold/columns" % row for row in ()] or
                         ["1 5 store/sold", "2 0 store/sold", "3 7 store/sold", "4 9 store/sold"])
        self.assertEqual(self.read("some/**/parallel_run_step.txt"), "5 sold\n7 sold\n")


class ConfigTest(V1Case):
    MISTAKES = (("run_max_try=0", r"run_max_try 0: expected a whole number in \[1, 65535\]"),
                ("run_invocation_timeout=0", r"run_invocation_timeout 0: expected a whole number in \(0, 259200\]"),
                ("run_invocation_timeout=259201", r"259201: expected a whole number in \(0, 259200\]"),
                ("error_threshold=-2", r"error_threshold -2: expected a whole number in \[-1, "),
                ("output_action='append'", r"output_action 'append': expected one of append_row, summary_only"),
                ("logging_level='LOUD'", r"expected one of WARNING, INFO, DEBUG"),
                ("mini_batch_size='3 miles'", r"mini_batch_size '3 miles': expected a number of files, or a size"),
                ("mini_batch_size=0", r"mini_batch_size 0"),
                ("node_count=0", r"node_count 0: expected a whole number from 1"),
                ("process_count_per_node=0", r"process_count_per_node 0: expected a whole number in \[1, 1024\]"),
                ("allowed_failed_percent=101", r"allowed_failed_percent 101: expected a number in \[0, 100\]"),
                ("partition_keys=['a'], mini_batch_size=3", r"exclude each other"),
                ("partition_keys=3", r"partition_keys 3: expected a list of names"),
                ("error_threshold=PipelineParameter('e', 1)", r"error_threshold cannot be a PipelineParameter"),
                ("run_max_try=PipelineParameter('e', 0)", r"run_max_try 0"),
                ("entry_script='none.py'", r"entry_script: no such file: .*/code/none.py"),
                ("source_directory='none'", r"source_directory: no such folder: .*/none"),
                ("append_row_file_name='a/b'", r"append_row_file_name 'a/b'"))

    def test_mistakes_raise_where_the_config_is_made(self):
        text = "for more in %r:\n    try:\n        eval('config(%%s)' %% more)\n        print('none', more)\n    except UserErrorException as e:\n        print(e)\n"
        r = self.python(text % ([m for m, _ in self.MISTAKES],))
        for line, (more, want) in zip(r.stdout.splitlines(), self.MISTAKES):
            self.assertRegex(line, "ParallelRunConfig: .*" + want)
            self.assertRegex(line, r"\((main.py|<string>) line \d+\)$")

    def test_mistakes_of_steps(self):
        self.data()
        r = self.python("""
            d = Dataset.File.from_files("in").as_named_input("d")
            t = Dataset.Tabular.from_delimited_files("in").as_named_input("t")
            for make in (lambda: ParallelRunStep("A", config(), [d]), lambda: ParallelRunStep("abc", config(), []),
                         lambda: ParallelRunStep("abc", config(), [d, t]), lambda: ParallelRunStep("abc", config(), ["x"]),
                         lambda: ParallelRunStep("abc", config(), [d], output="x"), lambda: ParallelRunStep("abc", None, [d]),
                         lambda: ParallelRunStep("abc", config(), [d], side_inputs=[t]),
                         lambda: ParallelRunStep("abc", config(mini_batch_size="1MB"), [d]),
                         lambda: ParallelRunStep("abc", config(), [d], arguments=[object]), lambda: d.as_hdfs(),
                         lambda: PythonScriptStep("none.py"), lambda: Pipeline(ws, []),
                         lambda: submit(ParallelRunStep("abc", config(), [d]), pipeline_parameters={"x": 1})):
                try:
                    make()
                    print("none")
                except UserErrorException as e:
                    print(e)
        """)
        for line, want in zip(r.stdout.splitlines(), (
                "name 'A': expected 3 to 32", "found none", "found both", "'x': expected a dataset", "expected one PipelineData",
                "expected a ParallelRunConfig", "is a table", "of files it is a number of files", "expected a text, a number",
                "no HDFS", "no such file", "needs a step", "no parameter x in this pipeline")):
            self.assertIn(want, line)
            self.assertIn("(main.py line ", line)

    def test_yaml_there_and_back(self):
        self.python("""
            one = config(mini_batch_size="5", run_max_try=2, description="words: with, signs", partition_keys=None,
                         environment_variables={"A": "1"}, allowed_failed_percent=2.5)
            one.save_to_yaml("prs.yml.txt")
            Environment("here").register(ws)
            two = ParallelRunConfig.load_yaml(ws, "prs.yml.txt")
            two.save_to_yaml("two.txt")
            assert open("two.txt").read() == open("prs.yml.txt").read()
            assert (two.run_max_try, two.allowed_failed_percent, two.environment_variables) == (2, 2.5, {"A": "1"}), vars(two)
        """)
        r = self.prs("validate", "prs.yml.txt", "--input", ".")
        text = self.read("prs.yml.txt")
        self.write("prs2.yml", text)
        r = self.prs("validate", "prs2.yml", "--input", "code")
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)

    def test_every_setting_reaches_the_worker(self):
        self.data()
        self.script("""
            import os, sys
            def run(mini_batch):
                print(" ".join(sys.argv), os.environ["COLOUR"])
                return mini_batch
        """)
        self.python("""
            step = ParallelRunStep("score-it", config(mini_batch_size="2", run_max_try=2, run_invocation_timeout=33, logging_level="DEBUG",
                error_threshold=5, allowed_failed_count=6, allowed_failed_percent=7, process_count_per_node=2,
                append_row_file_name="r.txt", environment_variables={"COLOUR": "blue"}),
                [Dataset.File.from_files("in").as_named_input("d")], output=PipelineData("o"), arguments=["--x", 1, "a b"])
            submit(step)
        """)
        said = "".join(open(p).read() for p in glob.glob(self.path("runs/*/steps/score-it/logs/user/stdout/*/*")))
        for words in ("--mini_batch_size 2", "--run_max_try 2", "--run_invocation_timeout 33", "--logging_level DEBUG",
                      "--error_threshold 5", "--allowed_failed_count 6", "--allowed_failed_percent 7", "--process_count_per_node 2",
                      "--append_row_file_name r.txt", "--x 1 a b", "--input_fds_0 d", " blue\n"):
            self.assertIn(words, said)

    def test_the_preview_classes(self):
        self.data()
        self.python("""
            from azureml.contrib.pipeline.steps import ParallelRunConfig, ParallelRunStep
            c = ParallelRunConfig(environment=Environment("e"), entry_script="score.py", source_directory="code", error_threshold=3,
                                  output_action="append_row", compute_target="c", node_count=1, input_format="file")
            submit(ParallelRunStep(name="score-it", models=[], parallel_run_config=c, output=PipelineData("o"),
                                   inputs=[Dataset.File.from_files("in").as_named_input("d")]))
        """)

    def test_workspace_and_compute(self):
        self.write("config.json", '{"subscription_id": "s", "resource_group": "g", "workspace_name": "mine"}')
        r = self.python("""
            print(ws.name, ws.subscription_id, ws.resource_group, ws.location is not None)
            if "cpu-cluster" in ws.compute_targets:
                print(ws.compute_targets["cpu-cluster"].name, type(ws.compute_targets["x"]) is AmlCompute)
            c = AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=4)
            t = ComputeTarget.create(ws, "cpu", c)
            t.wait_for_completion(show_output=True)
            print(t.get_status().serialize()["vmSize"])
            ws.get_default_keyvault().set_secret("token", "s3cret")
            print(ws.get_default_keyvault().get_secret("token"), ws.get_default_keyvault().get_secret("none"))
            print(Workspace.create("new", exist_ok=True).name, Workspace.get("new").name, sorted(Workspace.list("s")))
            print(ws.get_details()["name"], Experiment(ws, "e").name, [s.name for s in ws.experiments.values()])
        """)
        self.assertEqual(r.stdout.splitlines(), ["mine s g True", "cpu-cluster True", "local", "s3cret None", "new new ['mine', 'new']",
                                                 "mine e ['e']"])
