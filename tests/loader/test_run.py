# SPDX-License-Identifier: Apache-2.0
"""Run of azureml.core in a run folder: metrics, tags, children, files; in commands of pipelines and outside of a run."""
import json
import os
import subprocess
import textwrap

from node import PYTHON_DIR

SCRIPT = """
    from azureml.core import Run
    here = Run.get_context()
    class Scalar:
        def __init__(self, value): self.value = value
        def item(self): return self.value
    class Array(Scalar):
        def tolist(self): return self.value
    class Odd:
        def __str__(self): return "odd"
    class Frame:
        columns = "ab"
        def to_dict(self, orient): return {"a": [1, 2], "b": [Scalar(3), None]} if orient == "list" else None
    def do(*calls): return [f(here) for f in calls]
    def run(mini_batch): return [repr(eval(text)) for text in mini_batch]
"""


def values(n, *texts):
    return [eval(line) for line in n.rows(texts).decode().split("\n")[:-1]]


def folder_of(tmp_path, name="run"):
    folder = tmp_path / name
    (folder / "logs").mkdir(parents=True)
    (folder / "outputs").mkdir()
    return str(folder)


def started(node, tmp_path, script=SCRIPT, **more):
    folder = more.pop("folder", None) or folder_of(tmp_path)
    return node(script, run_folder=folder, run_outputs=folder + "/outputs", **more).begin(), folder


def lines(folder):
    with open(folder + "/logs/metrics.jsonl", encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def test_what_is_logged_is_read(node, tmp_path):
    n, folder = started(node, tmp_path)
    values(n, "here.log('one', 0.5)", "here.log('many', 1, description='d', step=7)", "here.log('many', 2)",
           "here.log_list('list', (3,))", "here.log_list('lists', [1])", "here.log_list('lists', range(2, 4))",
           "here.log_row('row', x=1, y='a')", "here.log_row('rows', x=1)", "here.log_row('rows', description='d', x=2)",
           "here.log_table('table', {'a': [1, 2], 'b': 3})", "here.log('mixed', 1)", "here.log_row('mixed', x=1)")
    assert values(n, "here.get_metrics()", "here.get_metrics('many')", "here.get_metrics('none')")  == [
        {"one": 0.5, "many": [1, 2], "list": [3], "lists": [1, 2, 3], "row": {"x": 1, "y": "a"}, "rows": {"x": [1, 2]},
         "table": {"a": [1, 2], "b": 3}, "mixed": {"x": 1}}, {"many": [1, 2]}, {}]
    one = lines(folder)[1]
    assert one.pop("time").endswith("Z")
    assert one == {"kind": "value", "name": "many", "value": 1, "description": "d", "step": 7, "process": "process000",
                   "mini_batch": 0, "try": 1}


def test_values_of_all_kinds(node, tmp_path):
    n, folder = started(node, tmp_path)
    values(n, "here.log('x', Scalar(0.5))", "here.log('x', Array([Scalar(1), 2]))", "here.log('x', Odd())",
           "here.log('x', 2 ** 70)", "here.log('x', float('-inf'))", "here.log('x', 'a\\udcff')", "here.log('x', None)",
           "here.log('x', True)", "here.log('x', {1: (2, b'b')})", "here.log_table('t', Frame())",
           "here.log(3, float('nan'))")
    assert [r["value"] for r in lines(folder)] == [
        0.5, [1, 2], "odd", str(2 ** 70), "-Infinity", "a\\udcff", None, True, {"1": [2, "b'b'"]},
        {"a": [1, 2], "b": [3, None]}, "NaN"]
    assert values(n, "here.get_metrics('3')['3'] != here.get_metrics('3')['3']", "here.get_metrics()['x'][4] < -1e300") == [True, True]


def test_half_a_line(node, tmp_path):
    """Of a process that was killed: it is no record, and the next line begins where it began."""
    n, folder = started(node, tmp_path)
    path = folder + "/logs/metrics.jsonl"
    values(n, "here.log('a', 1)")
    with open(path, "a") as f:
        f.write('{"kind":"value","name":"a","value":2' + "x" * 10000)
    assert values(n, "here.get_metrics()", "here.log('a', 3)", "here.get_metrics()") == [{"a": 1}, None, {"a": [1, 3]}]
    assert [r["value"] for r in lines(folder)] == [1, 3]
    with open(path, "w") as f:
        f.write("half of the first")
    values(n, "here.log('a', 4)")
    assert [r["value"] for r in lines(folder)] == [4]
    with open(path, "a") as f:
        f.write('[1]\n{"name": 1}\n\nno json\n{"name": "b", "kind": "new", "value": 1}\n')
    assert values(n, "here.get_metrics()") == [{"a": 4}]


def test_processes_of_a_pool(node, tmp_path):
    n, folder = started(node, tmp_path, SCRIPT + """
    import multiprocessing
    def log(i):
        Run.get_context().log("n", "x" * 3000 + str(i))
    def many():
        with multiprocessing.get_context("spawn").Pool(4) as pool: pool.map(log, range(200), 1)
    """)
    values(n, "many()")
    assert sorted(int(r["value"].strip("x")) for r in lines(folder)) == list(range(200))
    assert {r["process"] for r in lines(folder)} == {"process000"}


def test_children_tags_and_status(node, tmp_path):
    n, folder = started(node, tmp_path)
    values(n, "here.child_run('a').log('x', 1)", "here.child_run(name='b').fail('broken')", "here.child_run().complete()",
           "here.tag('k', 'v')", "here.set_tags({'k': 'w', 'l': 1})", "here.add_properties({'p': 'q'})", "here.complete()",
           "here.log('x', 3)", "here.parent.tag('of', 'all')")
    assert values(n, "[(c.name, c.get_status(), c.get_metrics()) for c in here.get_children()][:2]",
                  "len(list(here.get_children()))", "here.get_metrics()", "here.tags", "here.properties", "here.get_status()",
                  "here.get_metrics(recursive=True)[here.id + '_a']", "here.parent.parent", "here.get_details()['status']") == [
        [("a", "Running", {"x": 1}), ("b", "Failed", {})], 3, {"x": 3}, {"k": "w", "l": 1, "of": "all"}, {"p": "q"}, "Running",
        {"x": 1}, None, "Running"]
    assert "would wait for ever" in n.failure(["here.wait_for_completion()"])[1]


def test_files_of_the_outputs(node, tmp_path):
    n, folder = started(node, tmp_path)
    n.write("m.txt", "weights")
    n.write("dir/deep/x.txt", "x")
    values(n, "here.upload_file('outputs/m.txt', 'm.txt')", "here.upload_file('n.txt', __import__('io').BytesIO(b'n'))",
           "here.upload_folder('outputs/d', 'dir')", "here.upload_folder('e', 'dir')",
           "here.upload_file('m.txt', here._outputs + '/m.txt')", "here.upload_file('outputs/n.txt', 'm.txt')",
           "here.log_image('chart', 'm.txt')", "here.log('a', 1)",
           "here.download_file('outputs/d/deep/x.txt', 'got.txt')", "here.download_file('logs/metrics.jsonl')",
           "here.download_files('outputs/d', 'all')")
    assert values(n, "here.get_file_names()", "open('got.txt').read()", "open('all/outputs/d/deep/x.txt').read()",
                  "here.get_metrics('chart')", "__import__('os').path.getsize('metrics.jsonl') > 9")  == [
        ["outputs/chart.txt", "outputs/m.txt", "outputs/n.txt", "outputs/d/deep/x.txt", "outputs/e/deep/x.txt",
         "logs/metrics.jsonl"], "x", "x", {"chart": "outputs/chart.txt"}, True]
    with open(folder + "/outputs/n.txt") as f:
        assert f.read() == "weights"
    for text, part in (("here.upload_file('../x', 'm.txt')", "expected the name of a file in the run's outputs, found '../x'"),
                       ("here.download_file('no.txt')", "this run has no file 'no.txt'; it has: outputs/chart.txt"),
                       ("here.upload_folder('x', 'm.txt')", "expected a folder, found 'm.txt'"),
                       ("here.log_image('x')", "one of the two"), ("here.download_file('logs/../m')", "found 'logs/../m'"),
                       ("here.register_model('m', 'none.pkl')", "nothing was uploaded as 'none.pkl'; this run has: outputs/ch")):
        assert part in n.failure([text])[1], n.failure([text])


def test_secrets(node, tmp_path):
    n, _ = started(node, tmp_path, env={"PRS_SECRET_MY_KEY": "s3"})
    assert values(n, "here.get_secret('my-key')", "here.get_secrets(['my-key'])") == ["s3", {"my-key": "s3"}]


def test_inputs_are_paths_and_datasets(node, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("a")
    n, _ = started(node, tmp_path, input="images=%s/in" % tmp_path)
    data = "here.input_datasets['images']"
    assert values(n, data + ".to_path()", "__import__('os').listdir(%s)" % data, "%s.mount().mount_point == %s" % (data, data),
                  data + ".download('copy')", "open('copy/a.txt').read()") == [
        [str(tmp_path / "in" / "a.txt")], ["a.txt"], True, ["copy/a.txt"], "a"]
    assert "copy/a.txt is there" in n.failure([data + ".download('copy')"])[1]


def test_a_step_of_a_pipeline(node, tmp_path):
    pipeline = folder_of(tmp_path, "flow-1")
    step = folder_of(tmp_path, "flow-1/steps/score%20all")
    (tmp_path / "flow-1" / "pipeline.json").write_text("{}")
    n, _ = started(node, tmp_path, folder=step)
    values(n, "here.parent.log('x', 1)", "here.log('x', 2)", "here.parent.child_run('c').log('x', 3)")
    assert values(n, "here.name", "here.parent.id", "here.parent.parent", "here.get_metrics()", "here.parent.get_metrics()",
                  "[c.get_metrics() for c in here.parent.get_children()]") == [
        "score all", "flow-1", None, {"x": 2}, {"x": 1}, [{"x": 3}]]
    assert [r["by"] for r in lines(pipeline)] == ["score all"] * 3


# ---- commands of pipelines, and no run at all


def command(python, tmp_path, text, env=None, under=True):
    folder = str(tmp_path / "steps" / "train")
    os.makedirs(folder + "/code/outputs", exist_ok=True)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AZ", "PRS", "PYTHON"))}
    clean["PYTHONPATH"] = os.path.join(PYTHON_DIR, "prs_names")
    clean["PYTHONDONTWRITEBYTECODE"] = "1"
    if under:
        clean.update(PRS_STEP_FOLDER=folder, AZUREML_RUN_ID="run-1.train", AZUREML_ARM_PROJECT_NAME="flow",
                     AZURE_ML_INPUT_rows="/in")
    clean.update(env or {})
    r = subprocess.run([python, "-c", textwrap.dedent(text)], cwd=folder + "/code", env=clean, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, universal_newlines=True)
    return r, folder


def test_in_a_command(python, tmp_path):
    for first in ("from azureml.core import Run", "from azureml.core.run import Run", "import azureml.core; Run = azureml.core.Run",
                  "from azureml.telemetry import set_diagnostics_collection; from azureml.core import Run",
                  "import azureml; from azureml.core import Run"):
        r, folder = command(python, tmp_path, first + """
here = Run.get_context(allow_offline=False)
here.log("x", 1)
import logging
print(here.id, here.experiment.name, here.input_datasets, here.get_metrics("x"), logging.root.handlers)
""")
        assert r.returncode == 0 and r.stdout == "run-1.train flow {'rows': '/in'} {'x': 1} []\n", r
        assert [s["name"] for s in lines(folder)] == ["x"]
        os.unlink(folder + "/logs/metrics.jsonl")


def test_an_installed_azureml_in_a_command(python, tmp_path):
    """What else is installed below azureml stays, be it a namespace or a package."""
    site = tmp_path / "site" / "azureml"
    (site / "mlflow").mkdir(parents=True)
    (site / "mlflow" / "__init__.py").write_text("y = 2\n")
    (tmp_path / "site" / "entry_script.py").write_text("z = 3\n")
    both = {"PYTHONPATH": "%s/prs_names:%s" % (PYTHON_DIR, tmp_path / "site")}
    text = "import azureml.mlflow, entry_script\nfrom azureml.core import Run\nprint(azureml.mlflow.y, Run.get_context().id, entry_script.z)"
    for _ in ("namespace", "package"):
        r, _folder = command(python, tmp_path, text, both)
        assert r.stdout == "2 run-1.train 3\n", r
        (site / "__init__.py").write_text("")


def test_what_is_refused_by_name(python, tmp_path):
    (tmp_path / "pipeline.json").write_text("{}")
    for line, part in (("import azureml.opendatasets", "download the data once"),
                       ("from azureml.train.hyperdrive import choice", "azureml.train"),
                       ("from azureml.core import Image", "azureml.core.Image"),
                       ("from azureml.pipeline.steps import AutoMLStep", "steps here are ParallelRunStep"),
                       ("from azureml.pipeline.core import Schedule", "cron and prs python do")):
        r, _ = command(python, tmp_path, line)
        last = r.stderr.strip().splitlines()[-1]
        assert "not part of PRS's azureml compatibility" in last and part in last, r.stderr
    r, _ = command(python, tmp_path, "import azureml.core.experiment, azureml.data.file_dataset, azureml.pipeline.core; print(azureml.core.VERSION)")
    assert r.stdout == "1.60.0\n", r


def test_a_command_that_needs_none_of_it(python, tmp_path):
    r, _ = command(python, tmp_path, "import sys; print([m for m in sys.modules if m.startswith(('prs', 'azureml'))])")
    assert r.stdout == "[]\n", r


def test_in_no_run(python, tmp_path):
    r, _ = command(python, tmp_path, "import azureml.core", under=False)
    assert "ImportError" in r.stderr and "is for the processes of a worker" in r.stderr, r
    r = subprocess.run([python, "-c", textwrap.dedent("""
        import sys
        sys.path.insert(0, %r)
        from prs_azureml._run import Run, _OfflineRun
        run = Run.get_context()
        run.log("a", 0.5)
        run.tag("k", "v")
        run.child_run("c").log("b", 1)
        print(isinstance(run, _OfflineRun), run.id[:10], run.get_metrics(), run.parent, run.get_tags(), run.get_status())
        """) % PYTHON_DIR], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    assert r.stdout == ("Attempted to log scalar metric a:\n0.5\nAttempted to log scalar metric b:\n1\n"
                        "True OfflineRun {'a': 0.5} None {'k': 'v'} Running\n"), r
