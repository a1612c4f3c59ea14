# SPDX-License-Identifier: Apache-2.0
"""Scripts as people have them: the two samples of the original's documentation, letter by letter
(tests/e2e/scripts)."""
import glob
import os
import re
import shutil
import subprocess
import textwrap
import unittest

from prs_job import JobCase

PYTHON = "/usr/bin/python3"  # the one that ./dev setup gives numpy and Pillow
HERE = os.path.dirname(os.path.abspath(__file__))


class PackageTest(JobCase):
    """A script inside a package, as `source_directory` and `entry_script` of the original: --code."""

    def setUp(self):
        super().setUp()
        self.want = self.files(9)
        self.write("proj/src/score.py", "from .tools.rows import row\nfrom src.tools import rows\ndef run(mini_batch): return [row(p) for p in mini_batch]\n")
        self.write("proj/src/tools/rows.py", "import os\ndef row(p):\n    return '%s: %s' % (os.path.basename(p), open(p).read())\n")

    def test_relative_imports(self):
        for words in (("proj/src/score.py", "--code", "proj"), ("proj/../proj/src/score.py", "--code", "./proj/"),
                      ("proj/src/score.py", "--code", self.path("proj"))):
            self.clean()
            r = self.prs("run", *words, "--input", "in", "--mini-batch-size", "2", "--output", "out.txt")
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertEqual(self.output(), self.want)
            self.assertIn("/score-", self.run_dir())
        r = self.prs("test", "proj/src/score.py", "--code", "proj", "--input", "in", "--limit", "1")
        self.assertEqual((r.returncode, r.stdout), (0, self.want), r.stderr)
        r = self.prs("replay", "last", "0")
        self.assertEqual((r.returncode, r.stdout), (0, self.want[:18]), r.stderr)

    def test_mistakes(self):
        os.makedirs(self.path("proj/lib"))
        for folder, said in (("proj/lib", "--code proj/lib: the script %s does not lie in it" % self.path("proj/src/score.py")), ("no", "--code no: no such folder"),
                             ("pro", "--code pro: no such folder")):
            r = self.prs("run", "proj/src/score.py", "--code", folder, "--input", "in")
            self.assertEqual((r.returncode, r.stderr), (2, "prs: %s\n" % said))
        self.write("job.yml", "parallel_run_config:\n  entry_script: score.py\n  source_directory: proj/src\n")
        r = self.prs("run", "job.yml", "--code", "proj", "--input", "in")
        self.assertEqual(r.returncode, 2)
        self.assertIn("--code belongs to scripts", r.stderr)

    def test_without(self):
        r = self.prs("run", "proj/src/score.py", "--input", "in")
        self.assertEqual(r.returncode, 1)
        self.assertIn("name the folder above the package with --code", r.stderr)


class SamplesTest(JobCase):
    def take(self, name):
        os.makedirs(os.path.join(self.dir, "code"), exist_ok=True)
        shutil.copy(os.path.join(HERE, "scripts", name), os.path.join(self.dir, "code", name))
        return "code/" + name

    def logs(self, pattern):
        """{path below logs/user: text}"""
        found = {}
        for path in glob.glob(os.path.join(self.dir, "runs", "*", "logs", "user", pattern)):
            with open(path) as f:
                found[path.partition("logs/user/")[2]] = f.read()
        return found

    def make_digits(self, folder, count):
        """PNG files of 28 x 28 with a digit in a noise, and the weights that know them: one template for each digit."""
        import numpy as np
        from PIL import Image

        random = np.random.default_rng(7)
        templates = random.integers(0, 2, (10, 28, 28)) * 255
        want = []
        os.makedirs(folder)
        for i in range(count):
            digit = i * 7 % 10
            flip = random.random((28, 28)) < 0.1
            pixels = np.where(flip, 255 - templates[digit], templates[digit]).astype(np.uint8)
            Image.fromarray(pixels, "L").save(os.path.join(folder, "%03d.png" % i))
            want.append("%03d.png: %d\n" % (i, digit))
        return templates.reshape(10, 784) / 127.5 - 1, "".join(want)

    def test_digit_identification(self):
        if subprocess.run([PYTHON, "-c", "import numpy, PIL"], stderr=subprocess.DEVNULL).returncode:
            raise unittest.SkipTest("no numpy and Pillow for " + PYTHON)
        weights, want = self.make_digits(os.path.join(self.dir, "in"), 57)
        model = os.path.join(self.dir, "models", "mnist")
        os.makedirs(model)
        open(os.path.join(model, "mnist-tf.model.meta"), "w").close()
        import numpy as np

        np.save(os.path.join(model, "mnist-tf.model.npy"), weights)
        r = self.prs("run", self.take("digit_identification.py"), "--input", "in", "--model", "mnist=models/mnist",
                     "--mini-batch-size", "5", "--processes", "2",
                     "--python", PYTHON, "--env", "PYTHONPATH=" + os.path.join(HERE, "stand_ins"),
                     "--output", "out.txt")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), want)
        printed = "".join(self.logs("stdout/127.0.0.1/process*.stdout.txt").values())
        starts = re.findall(r"^run method start: (.*)/work/code/digit_identification\.py, run\(<mini-batch (\d+): (\d+) items \['.*/in/\d+\.png'.*\]>\)$", printed, re.M)
        self.assertEqual(sorted(int(number) for _, number, _ in starts), list(range(12)))
        self.assertEqual(sum(int(items) for _, _, items in starts), 57)

    def test_entry_script_logger(self):
        self.files(25)
        r = self.prs("run", self.take("entry_script_logger.py"), "--input", "in", "--mini-batch-size", "5",
                     "--processes", "2", "--output", "out.txt")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), "".join("%s/in/f%04d\n" % (self.dir, i) for i in range(25)))
        logs = self.logs("entry_script_log/127.0.0.1/process*.log.txt")
        self.assertLessEqual(set(logs), {"entry_script_log/127.0.0.1/process%03d.log.txt" % i for i in range(2)})
        text = "".join(logs.values())
        for log in logs.values():  # a process that the end of the job found in its init() may have written nothing yet
            said = log.count("This will show up in files under logs/user on the Azure portal.")
            self.assertIn(said, (1,) if "mini-batch" in log else (0, 1), log)
        self.assertEqual(sorted(int(n) for n in re.findall(r"\|DEBUG\|\d+\|/.*/work/code/entry_script_logger\.py: <mini-batch (\d+): 5 items \[", text)), list(range(5)))

    def test_run_context_and_entry_script(self):
        """The names of the original, filled by a real job."""
        self.files(3)
        self.write("labels/l.txt", "x")
        self.write("code/score.py", textwrap.dedent("""
            from azureml.core import Run
            from azureml_user.parallel_run import EntryScript
            def init():
                global run_
                run_ = Run.get_context()
                run_.log("loaded", 1)
            def run(mini_batch):
                one, ws = EntryScript(), run_.experiment.workspace
                return [run_.id, run_.parent.id, run_.experiment.name, ws.name, ws.resource_group, run_.input_datasets["images"], run_.input_datasets["labels"],
                        one.agent_name, one.log_dir, one.output_dir, one.working_dir]
        """))
        r = self.prs("run", "code/score.py", "--input", "images=in", "--side-input", "labels=labels",
                     "--processes", "1", "--name", "digits", "--output", "out.txt")
        self.assertEqual(r.returncode, 0, r.stderr)
        [run] = glob.glob(os.path.join(self.dir, "runs", "*"))
        name = os.path.basename(run)
        self.assertEqual(self.output().splitlines(),
                         [name, name, "digits", "local", "local", self.dir + "/in", self.dir + "/labels", "process000",
                                                      run + "/logs/user/entry_script_log/127.0.0.1", self.dir, run +
                          "/work/code"])
        self.assertIn("loaded  1\n", self.prs("logs", "last", "--metrics").stdout)

    def job_file(self, entry, more="", *flags):
        self.write("job.yml", textwrap.dedent("""
            type: parallel
            inputs:
              data: {type: uri_folder, path: ./in}
            outputs:
              rows: {type: uri_file, path: ./out.txt}
            input_data: ${{inputs.data}}
            mini_batch_size: "2"
            resources: {instance_count: 1}
            max_concurrency_per_instance: 2
            task:
              type: run_function
              code: ./code
              entry_script: %s
              append_row_to: ${{outputs.rows}}
              program_arguments: >-
                --size 3 %s
        """) % (entry, more))
        r = self.prs("run", "job.yml", "--overwrite", *flags)
        self.assertEqual(r.returncode, 0, r.stderr)
        return self.output().splitlines()

    def test_scripts_in_folders(self):
        """`code:` with a script in a folder of it, and with a dotted module."""
        self.files(1)
        self.write("code/tasks/helper.py", "x = 1\n")
        self.write("code/top.py", "y = 2\n")
        self.write("code/tasks/score.py", textwrap.dedent("""
            import sys, top, helper
            from .helper import x
            from tasks import helper as same
            def run(mini_batch): return [__name__, sys.argv[0].partition("/work/code/")[2], sys.argv[sys.argv.index("--size") + 1], x + top.y]
        """))
        want = ["tasks.score", "tasks/score.py", "3", "3"]
        self.assertEqual(self.job_file("tasks/score.py"), want)
        self.assertEqual(self.job_file("tasks.score"), want)

    def test_header_from_program_arguments(self):
        if subprocess.run([PYTHON, "-c", "import pandas"], stderr=subprocess.DEVNULL).returncode:
            raise unittest.SkipTest("no pandas for " + PYTHON)
        self.files(4)
        self.write("code/score.py", "import pandas as pd\ndef run(mini_batch): return pd.DataFrame({'n': [len(p[-5:]) for p in mini_batch]})\n")
        self.assertEqual(self.job_file("score.py", "--append_row_dataframe_header True", "--python", PYTHON),
                         ["n", "5", "5", "5", "5"])
        self.assertEqual(self.job_file("score.py", "--append_row_dataframe_header=False", "--python", PYTHON),
                         ["5", "5", "5", "5"])
