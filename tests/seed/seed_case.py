# SPDX-License-Identifier: Apache-2.0
"""The code blocks of the document that this project comes from, as they stand there, and what completes them: only the
names that they assume."""
import glob
import os
import sys
import textwrap

from prs_job import JobCase

HERE = os.path.dirname(os.path.abspath(__file__))

# What the document takes for granted.
BEGIN = """
from azureml.core import Dataset, Datastore, Environment, Experiment, Model, Workspace
from azureml.core.authentication import ServicePrincipalAuthentication
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from azureml.pipeline.steps import ParallelRunConfig, ParallelRunStep
"""
CONFIG = """
parallel_run_config = ParallelRunConfig(
    environment=Environment("here"), entry_script={script!r}, source_directory=".", error_threshold=-1,
    output_action="append_row", compute_target=ws.compute_targets["cpu"], node_count=1, process_count_per_node=1,
    mini_batch_size=20)
"""


def block(name):
    with open(os.path.join(HERE, "blocks", name + ".txt"), encoding="utf-8") as f:
        return f.read()


class SeedCase(JobCase):
    def python(self, text, *words, status=0, **how):
        self.write("main.py", text)
        flags = how.pop("flags", [])
        r = self.prs("python", "--python", sys.executable, *flags, "main.py", *words, **how)
        self.assertEqual(r.returncode, status, r.stdout + r.stderr)
        return r

    def rows(self, name="parallel_run_step.txt"):
        """What was downloaded to got/."""
        [path] = glob.glob(self.path("got", "**", name), recursive=True)
        with open(path) as f:
            return f.read().splitlines()

    def log_lines(self, step, *below):
        """The lines of all files below logs/ of a step, of the last run."""
        runs = sorted(glob.glob(self.path("runs", "*", "steps", step)), key=os.path.getmtime)
        found = []
        for path in sorted(glob.glob(os.path.join(runs[-1], "logs", *below), recursive=True)):
            if os.path.isfile(path):
                with open(path, errors="replace") as f:
                    found += f.read().splitlines()
        return found


def dedent(text):
    return textwrap.dedent(text)
