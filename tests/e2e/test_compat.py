# SPDX-License-Identifier: Apache-2.0
"""prs_engine.compat.install(): the names of the v1 SDK in a Python that runs already."""
import os
import subprocess
import sys
import textwrap

from prs_job import PRS, JobCase

PYTHON = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "python")
PIPELINE = """
    import prs_engine.compat
    prs_engine.compat.install()
    prs_engine.compat.install()
    from azureml.core import Workspace, Experiment
    from azureml.pipeline.core import Pipeline
    from azureml.pipeline.steps import PythonScriptStep
    ws = Workspace.from_config()
    step = PythonScriptStep(script_name="step.py", source_directory="code", compute_target="here")
    run = Experiment(ws, "e").submit(Pipeline(ws, steps=[step]))
"""


class CompatTest(JobCase):
    def setUp(self):
        super().setUp()
        os.makedirs(self.path("site"))
        os.makedirs(self.path("path"))
        os.symlink(os.path.join(PYTHON, "prs_engine"), self.path("site/prs_engine"))
        os.symlink(os.path.join(PYTHON, "prs_azureml"), self.path("site/prs_azureml"))
        os.symlink(PRS, self.path("path/prs"))
        self.write("code/step.py", "open('/dev/null')\nprint('hello')\n")

    def run_python(self, text, status=0, **env):
        env = dict(dict(os.environ, PATH=self.path("path") + ":" + os.environ["PATH"], PYTHONPATH=self.path("site")), **env)
        env.pop("PRS_PROGRAM", None)
        r = subprocess.run([sys.executable, "-c", textwrap.dedent(text)], cwd=self.dir, env=env, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, universal_newlines=True, check=False)
        self.assertEqual(r.returncode, status, r.stdout + r.stderr)
        return r

    def test_a_program_waits_for_its_runs(self):
        r = self.run_python(PIPELINE)
        self.assertIn("Submitted PipelineRun", r.stdout)
        self.assertIn("waiting for", r.stderr)
        self.assertIn("step.py done", r.stderr)

    def test_a_kernel_that_ends_stops_them(self):
        self.write("code/step.py", "import time\ntime.sleep(600)\n")
        r = self.run_python(PIPELINE + "    import sys; sys.modules['ipykernel'] = sys\n")
        self.assertIn("go on with: prs resume", r.stderr)

    def test_mistakes(self):
        self.write("site/azureml/core/__init__.py", "")
        r = self.run_python("import azureml.core, prs_engine.compat\nprs_engine.compat.install()", 1)
        self.assertIn("azureml.core is imported already, from", r.stderr)
        r = self.run_python("import prs_engine.compat\nprs_engine.compat.install()", 1, PATH="/nowhere")
        self.assertIn("there is no program prs: put it on the PATH", r.stderr)
