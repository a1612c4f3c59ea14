# SPDX-License-Identifier: Apache-2.0
"""prs python FILE: how FILE runs, and the names that it may import."""
import ast
import glob
import os
import subprocess
import sys
import textwrap

from prs_job import JobCase

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "python", "prs_azureml")


class V1Case(JobCase):
    def python(self, text, *words, status=0, **how):
        """Runs a script."""
        with open(self.path("main.py"), "w") as f:
            f.write(textwrap.dedent(text))
        r = self.prs(*(["python"] + how.pop("flags", []) + ["main.py"] + list(words)), **how)
        self.assertEqual(r.returncode, status, r.stdout + r.stderr)
        return r

    def said(self, text, **how):
        """What a script prints, without the end of the line."""
        return self.python(text, **how).stdout.strip()


class ProgramTest(V1Case):
    def test_the_file_runs_as_python_would_run_it(self):
        text = "import sys, os; print(__name__, sys.argv, os.path.basename(__file__), os.path.basename(sys.path[0]))"
        r = self.python(text, "--detach", "-x", "--", "y")
        self.assertEqual(r.stdout, "__main__ ['main.py', '--detach', '-x', '--', 'y'] main.py %s\n"
                         % os.path.basename(os.path.realpath(self.path("."))))

    def test_its_status_is_the_status(self):
        self.python("import sys; sys.exit(7)", status=7)
        self.assertIn("too bad", self.python("import sys; sys.exit('too bad')", status=1).stderr)
        r = self.python("def f():\n    raise ValueError('here')\nf()", status=1)
        self.assertIn("main.py\", line 2, in f", r.stderr)
        self.assertNotIn("prs_azureml", r.stderr)

    def test_mistakes(self):
        self.assertIn("no such file: none.py", self.prs("python", "none.py").stderr)
        self.assertEqual(self.prs("python", "none.py").returncode, 2)
        r = self.prs("python", "--azureml", "both", "none.py")
        self.assertIn("expected installed or prs", r.stderr)
        self.assertEqual(r.returncode, 2)

    def test_modules_beside_it(self):
        self.write("beside.py", "word = 'found'\n")
        self.assertEqual(self.said("import beside; print(beside.word)"), "found")


class NamesTest(V1Case):
    def test_import_is_lean(self):
        text = """
            import sys
            before = set(sys.modules)
            import azureml.core
            print(azureml.core.VERSION)
            print(sorted(set(sys.modules) - before))
        """
        self.assertEqual(self.said(text), "1.60.0\n['azureml', 'azureml.core']")

    def test_every_module_and_name_is_there(self):
        modules = []
        for path in glob.glob(os.path.join(FOLDER, "azureml", "**", "*.py"), recursive=True):
            name = os.path.relpath(path, FOLDER)[:-len(".py")].replace(os.sep, ".")
            modules.append(name[:-len(".__init__")] if name.endswith(".__init__") else name)
        text = """
            import importlib
            for name in %r:
                m = importlib.import_module(name)
                for n in getattr(m, "__all__", ()):
                    getattr(m, n)
            print("all")
        """ % (sorted(modules),)
        self.assertEqual(self.said(text), "all")

    def test_an_unknown_name_says_what_is_near_and_where(self):
        r = self.python("import os\nfrom azureml.core import Workspce", status=1)
        self.assertIn("not part of PRS's azureml compatibility: azureml.core.Workspce; near: Workspace (main.py line 2)",
                      r.stderr)
        r = self.python("import azureml.core\nprint(hasattr(azureml.core, 'Foo'))\nazureml.core.Foo", status=1)
        self.assertEqual(r.stdout, "False\n")
        self.assertIn("AttributeError: not part of PRS's azureml compatibility: azureml.core.Foo (main.py line 3)", r.stderr)

    def test_names_that_stand_in_a_second_module(self):
        self.assertEqual(self.said("""
            from azureml.core.environment import CondaDependencies, DEFAULT_CPU_IMAGE
            from azureml.core.runconfig import CondaDependencies as same, DockerSection
            from azureml.data.azure_storage_datastore import AzureBlobDatastore
            print(same is CondaDependencies)
            try:
                from azureml.core.environment import CondaDependency
            except ImportError as e:
                print(e)
        """), "True\nnot part of PRS's azureml compatibility: azureml.core.environment.CondaDependency (main.py line 7)")

    def test_refused_with_a_hint(self):
        for line, hint in (("from azureml.pipeline.core import Schedule", "cron"),
                           ("from azureml.pipeline.steps import DatabricksStep", "ParallelRunStep, PythonScriptStep"),
                           ("import azureml.opendatasets", "download the data"),
                           ("from azureml.train.automl import AutoMLConfig", "need the service"),
                           ("from azureml.core.nothing import x", "azureml.core.nothing")):
            r = self.python(line, status=1)
            self.assertIn("not part of PRS's azureml compatibility", r.stderr)
            self.assertIn(hint, r.stderr)

    def test_what_others_put_below_azureml_stays(self):
        self.write("site/azureml/mlflow.py", "word = 'theirs'\n")
        self.write("site/azureml/core.py", "word = 'theirs'\n")
        text = "import azureml.mlflow, azureml.core; print(azureml.mlflow.word, hasattr(azureml.core, 'word'))"
        env = {"PYTHONPATH": self.path("site")}
        self.assertEqual(self.said(text, env=env), "theirs False")
        text = "import azureml.mlflow, azureml.core; print(azureml.mlflow.word, azureml.core.word)"
        self.assertEqual(self.said(text, env=env, flags=["--azureml", "installed"]), "theirs theirs")


def functions():
    """(file, function, names that are declared as not used) of all public functions of public classes and modules."""
    for path in sorted(glob.glob(os.path.join(FOLDER, "azureml", "**", "*.py"), recursive=True)):
        with open(path) as f:
            tree = ast.parse(f.read())
        bodies = [tree.body] + [n.body for n in tree.body if isinstance(n, ast.ClassDef) and n.name[0] != "_"]
        for body in bodies:
            for node in body:
                if isinstance(node, ast.FunctionDef) and (node.name[0] != "_" or node.name in ("__init__", "__new__")):
                    yield path, node


class SignatureTest(JobCase):
    def test_the_table_of_names_is_that_of_the_modules(self):
        root = os.path.dirname(os.path.dirname(FOLDER))
        made = subprocess.run([sys.executable, os.path.join(root, "tools", "python_names.py"), os.path.join(FOLDER, "azureml")],
                              stdout=subprocess.PIPE, universal_newlines=True, check=True).stdout
        with open(os.path.join(root, "docs", "python-names.md")) as f:
            self.assertEqual(f.read(), made, "./dev docs makes it again")

    def test_every_parameter_is_used_or_declared(self):
        """One that the body does not read stands in the table of those that are known and not used."""
        wrong = []
        for path, node in functions():
            unused = set()
            for d in node.decorator_list:
                if isinstance(d, ast.Call) and getattr(d.func, "attr", "") == "unused":
                    unused.update(k.arg for k in d.keywords if k.arg)
                    unused.update(w for k in d.keywords if k.arg is None for c in ast.walk(k.value)
                                  if isinstance(c, ast.Constant) and isinstance(c.value, str) for w in c.value.split())
            read = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            a = node.args
            names = [p.arg for p in a.args + a.kwonlyargs] + [p.arg for p in (a.vararg, a.kwarg) if p]
            wrong += ["%s: %s has no parameter %s" % (os.path.relpath(path, FOLDER), node.name, n)
                      for n in sorted(unused - set(names)) if n.isidentifier() and not any(k.arg is None for d in node.decorator_list
                                                                     if isinstance(d, ast.Call) for k in d.keywords)]
            for name in names:
                if name not in ("self", "cls") and name not in read and name not in unused:
                    wrong.append("%s: %s(%s)" % (os.path.relpath(path, FOLDER), node.name, name))
        self.assertEqual(wrong, [])

    def test_every_public_function_has_a_docstring(self):
        wrong = ["%s: %s" % (os.path.relpath(path, FOLDER), node.name) for path, node in functions()
                 if node.name[0] != "_" and not ast.get_docstring(node)]
        self.assertEqual(wrong, [])
