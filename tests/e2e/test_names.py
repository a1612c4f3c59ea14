# SPDX-License-Identifier: Apache-2.0
"""What scripts of the original import and find: names of azureml.*, arguments, variables."""
from prs_job import JobCase


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
        failed = [f for f in self.journal(fact) if f.get("code") == 157]
        self.assertIn(len(failed), (1, 2))  # of a process each
        [end] = [f for f in self.journal("STATE") if f["to"] == "FAILED"]
        self.assertEqual(end["code"], 157)

    def test_in_run(self):
        self.one_try_ends("Dataset.get_by_name", 4, """
            from azureml.core import Dataset
            def run(mini_batch):
                return Dataset.get_by_name(None, "images")
        """, "TRY")
        r = self.prs("status", "last", "--json")
        self.assertIn("AZURE_NAME", r.stdout)
        self.script("def run(mini_batch): return mini_batch")  # the run has its copy
        r = self.prs("resume", "last", "--retry-failed")
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertIn("\nFailed: score.py, line 4: azureml.core.Dataset.get_by_name", r.stderr)

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
