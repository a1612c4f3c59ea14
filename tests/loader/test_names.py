# SPDX-License-Identifier: Apache-2.0
"""The names that scripts of the original import: EntryScript, Model, Run, and those that live in Azure; beside what the
user has installed."""
import os

EVAL = """
    import os
    from azureml.core import Dataset, Datastore, Environment, Experiment, Model, Run, Workspace
    import azureml.core, azureml.core.model, azureml.core.run
    from azureml.core.model import Model as M2
    from azureml.core.run import Run as R2, _OfflineRun
    from azureml.core.dataset import Dataset as D2
    from azureml.core.workspace import Workspace as W2
    from azureml_user.parallel_run import EntryScript
    from entry_script import EntryScript as Older
    def typed(ws: Workspace, ds: "Dataset" = None): return isinstance(ws, Workspace)
    def run(mini_batch): return [eval(text) for text in mini_batch]
"""


def values(n, *texts):
    return n.rows(texts).decode().split("\n")[:-1]


def test_entry_script(node):
    n = node("""
        from azureml_user.parallel_run import EntryScript
        def init():
            EntryScript().logger.debug("from init")
        def run(mini_batch):
            one = EntryScript()
            one.logger.info("mini-batch %s \\udcff", mini_batch.task_id)
            return [one is EntryScript(), one.agent_name, one.log_dir, one.output_dir, one.working_dir]
        """).begin()
    assert n.rows().decode() == "True\nprocess000\n%s/log\n%s/outputs\n%s\n" % (n.dir, n.dir, n.code)
    assert os.path.isdir(n.dir + "/outputs")
    lines = n.read("log/process000.log.txt").splitlines()
    assert [line.split("|", 1)[1] for line in lines] == ["DEBUG|%d|from init" % n.process.pid,
                                                         "INFO|%d|mini-batch 0 \\udcff" % n.process.pid]
    assert n.read("out") == ""


def test_same_classes_everywhere(node):
    n = node(EVAL).begin()
    assert values(n, "Model is M2 is azureml.core.Model", "Run is R2", "Dataset is D2", "Workspace is W2",
                  "EntryScript is Older", "typed(3)",
                  "type(Run.get_context()) == _OfflineRun") == ["True"] * 5 + ["False"] * 2


def test_models(node):
    models = ["digits=/m/d", "tree:1=/m/t1", "tree:10=/m/t10", "tree:9=/m/t9", "a=b=c=/m/x"]
    n = node(EVAL, model=models, env={"AZUREML_MODEL_DIR": "/m/d"}).begin()
    for call, path in (("'digits'", "/m/d"), ("model_name='digits'", "/m/d"), ("name='digits'", "/m/d"),
                       ("'digits', 4", "/m/d"), ("'tree'", "/m/t10"),
                       ("'tree', version=9", "/m/t9"), ("'tree:1'", "/m/t1"), ("'tree', '9', None", "/m/t9"),
                       ("'a'", "b=c=/m/x")):
        assert values(n, "Model.get_model_path(%s)" % call) == [path], call
    for call, name in (("'digit'", "digit"), ("'tree', 2", "tree:2"), ("name='d'", "d")):
        code, message = n.failure(["Model.get_model_path(%s)" % call])
        assert "model '%s' is not known: give it with --model %s=PATH (given: digits, tree:1" % (name, name) in message


def test_models_in_a_folder(node, tmp_path):
    for path in ("one/model.bin", "two/2/model.bin", "two/12/model.bin", "plain.pkl"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x")
    n = node(EVAL, env={"AZUREML_MODEL_DIR": str(tmp_path)}).begin()
    assert values(n, *("Model.get_model_path(%r)" % m for m in ("one", "two", "two:2", "plain.pkl"))) == [
        str(tmp_path / p) for p in ("one", "two/12", "two/2", "plain.pkl")]
    assert "--model three=PATH" in n.failure(["Model.get_model_path('three')"])[1]
    assert "--model two:3=PATH" in n.failure(["Model.get_model_path('two', 3)"])[1]


def test_model_objects(node, tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "w.txt").write_text("weights")
    n = node(EVAL, model="m:3=%s/m" % tmp_path).begin()
    ws = "Run.get_context().experiment.workspace"
    assert values(n, "Model(%s, 'm').version" % ws, "Model(%s, name='m', version=3).name" % ws,
                  "open(Model(%s, id='m:3').download('here') + '/w.txt').read()" % ws) \
        == ["None", "m", "weights"]
    assert "Model.list needs the Azure service" in n.failure(["Model.list(%s)" % ws])[1]


def test_run_context(node):
    env = {"AZUREML_ARM_WORKSPACE_NAME": "w", "AZUREML_ARM_SUBSCRIPTION": "s", "AZUREML_ARM_RESOURCEGROUP": "g",
           "AZUREML_RUN_ID": "run-1"}
    n = node(EVAL, input=["images=/in", "labels=/side"], env=env).begin()
    run = "Run.get_context(allow_offline=False)"
    got = values(n, *(run + "." + a for a in ("id", "experiment.name", "experiment.workspace.name",
                                              "experiment.workspace.subscription_id",
                                            "experiment.workspace.resource_group", "parent.id",
                                              "input_datasets['images']", "input_datasets['labels']",
                                            "parent.experiment.name", "get_details()['runId']", "flush()")))
    assert got == ["run-1", "score", "w", "s", "g", "run-1", "/in", "/side", "score", "run-1", "None"]
    values(n, run + ".log('accuracy', 0.5)", run + ".parent.log_row('point', x=1)", run + ".log_list('l', [1, 2])",
           run + ".tag('k', 'v')")
    assert [line.rpartition("|")[2] for line in n.read("log/process000.log.txt").splitlines()] == [
        "metric accuracy = 0.5", "metric point = {'x': 1}", "metric l = [1, 2]", "tag k = v"]
    for text in (".get_all_logs()", ".experiment.get_runs()", ".experiment.workspace.datasets"):
        assert "needs the Azure service" in n.failure([run + text])[1]
    assert "Run() needs" in n.failure(["Run(1, 2)"])[1]


def test_names_that_live_in_azure(node):
    n = node(EVAL).begin()
    for text, what in (("Dataset.get_by_name(1, 'x')", "Dataset.get_by_name"),
                       ("Dataset.File.from_files('x')", "Dataset.File"), ("Workspace('n')", "Workspace()"),
                       ("Workspace.from_config()", "Workspace.from_config"), ("Datastore.get(1, 'd')", "Datastore.get"),
                       ("Environment('e')", "Environment()")):
        code, message = n.failure([text])
        assert code == 157 and message.startswith(
            "score.py, line 12: azureml.core.%s needs the Azure service" % what) and "--side-input" in message, message


def test_names_that_an_import_lacks(node):
    for line, part in (("from azureml.core import Image", "azureml.core.Image needs the Azure service"),
                       ("from azureml.core.model import InferenceConfig", "azureml.core.model.InferenceConfig needs"),
                       ("from azureml.core.authentication import Mine",
                        "azureml.core.authentication.Mine needs the Azure service"),
                       ("import azureml.core; azureml.core.Image", "azureml.core.Image needs the Azure service"),
                       ("import azureml.core.webservice", "ModuleNotFoundError: No module named 'azureml.core.web"),
                       ("import azureml.dataprep", "ModuleNotFoundError: No module named 'azureml.dataprep'"),
                       ("from azureml.train.hyperdrive import choice", "-m pip install azureml-train"),
                       ("from azureml_user.parallel_run import Other",
                        "azureml_user.parallel_run.Other needs the Azure service")):
        code, message = node("x = 1\n%s\ndef run(a): return a" % line).init_failure()
        assert code == 157 and message.startswith("score.py, line 2: ") and part in message, (line, message)
    n = node("import helper.deep\ndef run(a): return a",
             files={"helper/__init__.py": "", "helper/deep.py": "\nfrom azureml.core import Image"})
    assert n.init_failure()[1].startswith("helper/deep.py, line 2: azureml.core.Image needs the Azure service")
    trace = n.traces()
    assert 'helper/deep.py", line 2, in <module>\n    from azureml.core import Image\n' in trace, trace
    assert "ImportError: cannot import name 'Image'" in trace and trace.count("needs the Azure service") == 1, trace
    assert node("import azureml_of_mine").init_failure()[0] == 153


def test_a_name_that_is_missing_everywhere(node):
    """Where it leaves init() or run(), also as the stated cause of another error; caught, it is none of our business."""
    n = node("""
        from azureml.core import Dataset, Run
        def init(): Dataset.get_by_name(1, "x")
        def run(a): return a
        """)
    code, message = n.init_failure()
    assert code == 157 and message.startswith("score.py, line 3: azureml.core.Dataset.get_by_name needs"), message
    assert n.traces().count('  File "') == 1, n.traces()
    assert n.traces().rstrip().splitlines()[-1].startswith("AttributeError: azureml.core.Dataset.get_by_name needs")
    assert "prs_loader" not in n.traces()
    n = node("""
        import multiprocessing
        from azureml.core import Dataset
        class Loop(Exception): pass
        def get(_): return Dataset.x
        def here():
            try: Dataset.x
            except AttributeError as e: raise RuntimeError("no data") from e
        def beside():
            try: Dataset.x
            except AttributeError: raise RuntimeError("a bad item")
        def caught():
            try: from azureml.core import Image
            except ImportError: return getattr(Dataset, "x", "none")
        def pool():
            with multiprocessing.get_context("fork").Pool(1) as p: p.map(get, [1])
        def lazily():
            class Item:
                def __str__(self): return Dataset.x
            return Item()
        def loop():
            e = Loop()
            e.__cause__ = e
            raise e
        def run(mini_batch): return [eval(text) for text in mini_batch]
        """).begin()
    assert values(n, "caught()") == ["none"]
    for text, code, said in (("here()", 157, "score.py, line 8: RuntimeError: no data; hint: azureml.core.Dataset.x needs"),
                             ("beside()", 100, "RuntimeError: a bad item"), ("loop()", 100, "score.Loop"),
                             ("pool()", 157, "score.py, line 16: azureml.core.Dataset.x needs the Azure service, and"),
                             ("lazily()", 157, "score.py, line 19: azureml.core.Dataset.x needs")):
        got, message = n.failure([text])
        assert got == code and message.startswith(said) and message.count("needs the") == (code == 157), (text, message)


def test_modules_that_only_import(node):
    n = node("""
        import azureml.core, azureml.data, azureml.exceptions, azureml.telemetry
        from azureml.core.authentication import MsiAuthentication, ServicePrincipalAuthentication
        from azureml.core.compute import AmlCompute
        from azureml.core import ComputeTarget, Keyvault, VERSION, authentication, keyvault
        from azureml.data import FileDataset, TabularDataset
        from azureml.exceptions import UserErrorException
        from azureml.telemetry import set_diagnostics_collection
        try:
            from azureml.core import Image
        except ImportError as e:
            missing = "not here"
        def run(mini_batch): return [eval(text) for text in mini_batch]
        """).begin()
    assert values(n, "VERSION", "azureml.core.VERSION", "azureml.core.__version__", "missing",
                  "keyvault.Keyvault is Keyvault", "hasattr(azureml.core, 'Image')",
                  "getattr(azureml.core, 'Image', 7)", "issubclass(UserErrorException, Exception)",
                  "authentication.MsiAuthentication is MsiAuthentication") == [
        "1.60.0", "1.60.0", "1.60.0", "not here", "True", "False", "7", "True", "True"]
    for text, what in (("MsiAuthentication()", "azureml.core.MsiAuthentication()"),
                       ("AmlCompute.provisioning_configuration()", "azureml.core.AmlCompute.provisioning"),
                       ("Keyvault.x", "azureml.core.Keyvault.x"), ("FileDataset.x", "azureml.data.FileDataset.x"),
                       ("set_diagnostics_collection(send_diagnostics=True)",
                        "azureml.telemetry.set_diagnostics_collection()")):
        assert what in n.failure([text])[1] and " needs the Azure service" in n.failure([text])[1], text


# ---- one copy of a model for many processes


COPY = """
    import os
    from azureml.core import Model
    def run(mini_batch): return [eval(text) for text in mini_batch]
"""


def test_a_download_is_whole_or_not_there(node, tmp_path):
    model = tmp_path / "fare"
    (model / "deep").mkdir(parents=True)
    (model / "deep" / "w.bin").write_bytes(b"weights")
    (model / "none").mkdir()
    n = node(COPY, model="fare=%s" % model).begin()
    once = "Model(None, 'fare').download('.')"
    assert values(n, once, "open('fare/deep/w.bin').read()", "os.listdir('fare/none')", once,
                  "Model(None, 'fare').download(exist_ok=True)") == [
        "./fare", "weights", "[]", "./fare", "./fare"]
    kept = "os.stat('fare/deep/w.bin').st_ino"
    before = values(n, kept)
    assert values(n, once, kept)[1:] == before  # a whole copy is not made again
    (model / "deep" / "w.bin").write_bytes(b"other w")
    os.utime(str(model / "deep" / "w.bin"), (1, 1))
    assert "use exist_ok=True to replace it" in n.failure([once])[1]
    assert values(n, "Model(None, 'fare').download('.', exist_ok=True)", "open('fare/deep/w.bin').read()",
                  "sorted(os.listdir('.'))") == [
        "./fare", "other w", "['fare', 'score.py']"]


def test_a_download_has_an_end(node, tmp_path):
    """A link to what holds the model, as / does, is no part of the copy."""
    model = tmp_path / "fare"
    (model / "deep").mkdir(parents=True)
    (model / "w.bin").write_bytes(b"weights")
    for name, to in (("root", "/"), ("up", "../.."), ("self", "."), ("deep/there", "../deep")):
        os.symlink(to, str(model / name))
    n = node(COPY, model="fare=%s" % model).begin()
    once = "Model(None, 'fare').download('.')"
    assert values(n, once, "sorted(os.listdir('fare'))", "os.listdir('fare/deep')", once) == [
        "./fare", "['deep', 'w.bin']", "[]", "./fare"]


def test_what_a_killed_copy_left(node, tmp_path):
    model = tmp_path / "one.bin"
    model.write_bytes(b"x" * 1000)
    n = node(COPY, model="one=%s" % model).begin()
    for name, text in ((".one.bin.copy-1", "half"), (".one.bin.copy-1.old", "old")):
        with open(os.path.join(n.code, name), "w") as f:
            f.write(text)
    assert values(n, "Model(None, 'one').download()", "os.path.getsize('one.bin')", "sorted(os.listdir('.'))") == ["./one.bin", "1000", "['one.bin', 'score.py']"]


def test_many_processes_download(node, tmp_path):
    model = tmp_path / "fare"
    model.mkdir()
    for i in range(4):
        (model / ("%d.bin" % i)).write_bytes(bytes([i]) * 3000000)
    script = """
        import os, multiprocessing
        from azureml.core import Model
        def one(_):
            path = Model(None, "fare").download("shared")
            return sum(os.path.getsize(os.path.join(path, f)) for f in os.listdir(path))
        def run(mini_batch):
            with multiprocessing.get_context("fork").Pool(8) as pool:
                return pool.map(one, range(32), chunksize=1)
    """
    assert node(script, model="fare=%s" % model).begin().rows() == b"12000000\n" * 32


# ---- over what the user has installed


def start(node, tmp_path, script, files, **more):
    for name, text in files.items():
        path = tmp_path / "installed" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return node(script, env={"PYTHONPATH": str(tmp_path / "installed")}, **more)


def test_beside_an_installed_namespace(node, tmp_path):
    """As azureml-mlflow: parts of `azureml` without azureml.core."""
    script = """
        import azureml.mlflow.tracking as t
        from azureml.core import Model
        import azureml.mlflow
        def run(a): return [t.x, Model.get_model_path("m"), azureml.mlflow.y]
    """
    files = {"azureml/mlflow/__init__.py": "y = 2",
             "azureml/mlflow/tracking.py": "from azureml.core import Run\nx = Run.get_context().id"}
    assert start(node, tmp_path, script, files, model="m=/m").begin().rows() == b"run-1\n/m\n2\n"
    more = {"azureml/core/extra.py": "x = 5"}
    assert start(node, tmp_path, "from azureml.core.extra import x\nfrom azureml.core import Run\ndef run(a): return [x]", more).begin().rows() == b"5\n"
    (tmp_path / "installed" / "azureml" / "__init__.py").write_text("z = 3\n")
    assert start(node, tmp_path, "import azureml\n" + script.replace("[t.x", "[azureml.z, t.x").replace("        ", ""), {}, model="m=/m").begin().rows() \
        == b"3\nrun-1\n/m\n2\n"


REAL = {"azureml/core/__init__.py": "from azureml.core.model import Model\nfrom azureml.core.run import Run, _private\nfrom azureml.core.env import Environment\n"
                                    "class Dataset:\n    real = True\n",
        "azureml/core/model.py": "class Model:\n    def __init__(self, *a, **k): self.given = k['name']\n    @staticmethod\n    def get_model_path(*a): return 'azure'\n"
                                 "    @staticmethod\n    def list(*a): return ['listed']\nclass InferenceConfig: pass\n",
        "azureml/core/run.py": "from azureml.core.model import Model\nModel.get_model_path.x = 1\n_private = 5\nclass Run:\n    def __init__(self, a): self.a = a\n"
                              "    def submit_child(self, name): return 'up ' + name\n    @classmethod\n    def get_context(cls): return cls(9)\n"
                              "    @staticmethod\n    def get(i): return i\nclass ScriptRun(Run): pass\n",
        "azureml/core/env.py": "from azureml.core.run import Run\nclass Environment:\n    run = Run(7).a\n"}


def test_over_an_installed_core(node, tmp_path):
    """Ours wins for the names that we define; the rest, and the inner life of the package, is the installed one's."""
    script = """
        from azureml.core import Dataset, Environment, Model, Run
        from azureml.core.model import InferenceConfig, Model as M2
        from azureml.core.run import ScriptRun
        def run(a): return [Dataset.real, Environment.run, Model.get_model_path("m"), M2 is Model, Run.get_context().id, ScriptRun(3).a, InferenceConfig.__module__]
    """
    want = b"True\n7\n/m\nTrue\nrun-1\n3\nazureml.core.model\n"
    n = start(node, tmp_path, script, REAL, model="m=/m").begin()
    assert n.rows() == want
    assert start(node, tmp_path, "from azureml.core.env import Environment\n" + script.replace("        ", ""), {}, model="m=/m").begin().rows() == want


def test_what_is_not_ours_goes_to_the_installed_core(node, tmp_path):
    script = """
        from azureml.core import Model, Run
        run_ = Run.get_context()
        def run(a): return [Model.list(1), Model(None, "m").given, Model(None, "m").name, run_.submit_child("x"), Run.get(4), Run(5).a, run_.id]
    """
    assert start(node, tmp_path, script, REAL, model="m=/m").begin().rows() == b"['listed']\nm\nm\nup x\n4\n5\nrun-1\n"
    code, message = start(node, tmp_path, "from azureml.core import Run\ndef run(a): return Run.get_context().nothing", {}).begin().failure(["x"])
    assert code == 100 and "has no attribute 'nothing'" in message


def test_over_an_installed_core_in_a_pool(node, tmp_path):
    script = "import multiprocessing\nfrom azureml.core import Model\ndef path(name): return Model.get_model_path(name)\n" \
             "def run(a):\n    with multiprocessing.get_context('spawn').Pool(1) as pool: return pool.map(path, ['m'])\n"
    assert start(node, tmp_path, script, REAL, model="m=/m").begin().rows() == b"/m\n"


def test_over_a_broken_core(node, tmp_path):
    script = "from azureml.core import Model, Run\ndef run(a): return [Model.get_model_path('m'), Run.get_context().id]\n"
    n = start(node, tmp_path, script, dict(REAL, **{"azureml/core/env.py": "import not_there_at_all\n"}),
              model="m=/m").begin()
    assert n.rows() == b"/m\nrun-1\n"
    assert "the installed azureml.core cannot be imported (ModuleNotFoundError: No module named 'not_there_at_all')" in n.read("err")


def test_own_modules_of_these_names(node):
    """A stand-in of the user's for local tests: ours wins. A module entry_script of the user's: theirs wins."""
    n = node("from azureml_user.parallel_run import EntryScript, other\nfrom azureml_user.more import x\nimport entry_script\n"
             "def run(a): return [EntryScript().agent_name, other, x, entry_script.mine]\n",
             files={"azureml_user/__init__.py": "",
                    "azureml_user/parallel_run.py": "other = 1\nclass EntryScript: agent_name = 'local'",
                    "azureml_user/more.py": "x = 2",
                    "entry_script.py": "mine = 3"}).begin()
    assert n.rows() == b"process000\n1\n2\n3\n"
    script = "class EntryScript: agent_name = 'own'\ndef run(a): return [__name__, EntryScript.agent_name]"
    assert node(script, name="entry_script.py").begin().rows() == b"entry_script\nown\n"
