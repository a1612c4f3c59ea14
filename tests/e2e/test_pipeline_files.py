# SPDX-License-Identifier: Apache-2.0
"""prs validate of pipelines: files of several jobs and JSON documents; all mistakes at once, with their places."""
import json
import os
import sys
import textwrap

from prs_job import JobCase

TRAIN = """
    type: command
    inputs: {data: {type: uri_folder}, rounds: {type: integer, default: 3, max: 9}, note: {type: string, optional: true}}
    outputs: {model: {type: uri_folder}}
    code: ./code
    environment: {image: x, conda_file: {dependencies: [python=3.8]}}
    command: >-
      python fit.py --data ${{inputs.data}} --rounds ${{inputs.rounds}} $[[--note ${{inputs.note}}]]
      --model ${{outputs.model}}
"""

HALVES = """
    type: pipeline
    inputs: {raw: {type: uri_folder}}
    outputs: {best: {type: uri_folder}}
    jobs:
      pick:
        type: command
        command: cp -r ${{inputs.a}} ${{outputs.best}}
        inputs: {a: "${{parent.jobs.fit.outputs.model}}"}
        outputs: {best: "${{parent.outputs.best}}"}
      fit:
        component: ./train.yml
        inputs: {data: "${{parent.inputs.raw}}"}
"""

WHOLE = """
    $schema: https://azuremlschemas.azureedge.net/latest/pipelineJob.schema.json
    type: pipeline
    experiment_name: flights
    settings: {default_compute: azureml:cpu, force_rerun: false}
    inputs: {raw: {type: uri_folder, path: ./data}}
    outputs: {rows: {type: uri_file, path: ./out/rows.txt}}
    jobs:
      score:
        type: parallel
        inputs:
          images: {type: uri_folder, path: "${{parent.inputs.raw}}"}
          model: {type: uri_folder, path: "${{parent.jobs.halves.outputs.best}}"}
        outputs: {rows: "${{parent.outputs.rows}}"}
        input_data: ${{inputs.images}}
        mini_batch_size: "2"
        task:
          type: run_function
          code: ./code
          entry_script: score.py
          program_arguments: --model ${{inputs.model}}
          append_row_to: ${{outputs.rows}}
      halves:
        type: pipeline
        component: ./halves.yml
        inputs: {raw: "${{parent.jobs.prep.outputs.clean}}"}
      prep:
        type: command
        code: ./code
        command: python prep.py ${{inputs.raw}} ${{outputs.clean}}
        inputs: {raw: "${{parent.inputs.raw}}"}
        outputs: {clean: {type: uri_folder, mode: upload}}
        limits: {timeout: 600}
"""


class PipelineFileTest(JobCase):
    def setUp(self):
        super().setUp()
        self.write("data/a.txt", "a")
        self.write("code/score.py", "def run(mini_batch):\n    return mini_batch\n")
        for name, text in (("train.yml", TRAIN), ("halves.yml", HALVES), ("whole.yml", WHOLE)):
            self.write(name, textwrap.dedent(text).lstrip())

    def validate(self, *words):
        r = self.prs("validate", *words)
        return r.returncode, r.stdout, r.stderr

    def mistakes(self, *words):
        status, out, _ = self.validate("--json", *words)
        self.assertEqual(status, 2, out)
        return [(m["file"], m["line"], m["text"]) for m in json.loads(out)["mistakes"]]

    def change(self, name, old, new):
        with open(self.dir + "/" + name) as f:
            text = f.read()
        self.assertIn(old, text)
        self.write(name, text.replace(old, new))

    def test_no_mistakes(self):
        status, out, err = self.validate("whole.yml")
        self.assertEqual((status, out), (0, "whole.yml: no mistakes\n"), err)
        self.assertIn("default_compute: not used", err)
        status, out, _ = self.validate("--json", "whole.yml", "--run-max-try", "2", "--input", "raw=code",
                                       "--output", "rows=mine.txt")
        self.assertEqual((status, json.loads(out)["mistakes"]), (0, []))

    def test_mistakes_of_all_files_at_once(self):
        self.change("whole.yml", "halves.outputs.best", "halves.outputs.bset")
        self.change("whole.yml", "jobs.prep.outputs", "jobs.perp.outputs")
        self.change("whole.yml", "timeout: 600", "timeout: ten")
        self.change("halves.yml", "jobs.fit.outputs.model", "jobs.fit.outputs.modl")
        self.change("train.yml", "${{inputs.rounds}}", "${{inputs.round}}")
        self.assertEqual(self.mistakes("whole.yml"), [
            ("whole.yml", 12, "${{parent.jobs.halves.outputs.bset}}: the job halves has no output bset; did you mean best?"),
            ("whole.yml", 25, "${{parent.jobs.perp.outputs.clean}}: there is no job perp; did you mean prep?"),
            ("whole.yml", 32, 'timeout: expected seconds above 0, found "ten"'),
            ("halves.yml", 8, "${{parent.jobs.fit.outputs.modl}}: the job fit has no output modl; did you mean model?"),
            ("train.yml", 7, "${{inputs.round}}: there is no input named round; did you mean rounds?")])

    def test_a_circle_through_a_nested_pipeline(self):
        self.change("whole.yml", "${{parent.inputs.raw}}\"}\n    outputs: {clean",
                    "${{parent.jobs.halves.outputs.best}}\"}\n    outputs: {clean")
        [(file, line, text)] = self.mistakes("whole.yml")
        self.assertEqual((file, line), ("halves.yml", 5))
        self.assertEqual(text, "steps that wait for each other: halves.pick (halves.yml:5) -> halves.fit (halves.yml:10) -> "
                               "prep (whole.yml:26) -> halves.pick")

    def test_a_python_that_is_not_there_is_said_once(self):
        found = self.mistakes("whole.yml", "--python", "./nopython")
        self.assertEqual(len(found), 1, found)

    def test_an_interpreter_is_asked_once_for_all_steps(self):
        self.write("py", '#!/bin/sh\necho x >>"%s/asked"\nexec "%s" "$@"\n' % (self.dir, sys.executable))
        os.chmod(self.dir + "/py", 0o755)
        asked = []
        for steps in (1, 20):
            self.write("many.yml", "type: pipeline\njobs:\n" + "".join(
                "  s%d: {type: command, command: x}\n" % i for i in range(steps)))
            self.write("asked", "")
            self.assertEqual(self.validate("many.yml", "--python", "./py")[0], 0)
            with open(self.dir + "/asked") as f:
                asked.append(len(f.readlines()))
        self.assertEqual(asked[1], asked[0])
        self.assertGreater(asked[0], 0)

    def test_inputs_that_a_component_leaves_open(self):
        self.change("halves.yml", "type: pipeline", "$schema: https://x/pipelineComponent.schema.json\ntype: pipeline")
        status, out, err = self.validate("halves.yml")
        self.assertEqual((status, out), (0, "halves.yml: no mistakes\n"))
        self.assertIn("warning: input raw of the pipeline has no value: give it one, or --input raw=PATH", err)
        self.write("job.yml", "type: pipeline\ncomponent: ./halves.yml\ninputs: {raw: {type: uri_folder}}\n")
        [(_, _, text)] = self.mistakes("job.yml")
        self.assertEqual(text, "input raw has no value: give it one, or --input raw=PATH")
        self.assertEqual(self.validate("job.yml", "--input", "raw=data")[0], 0)

    def test_flags(self):
        for words, says in ((("--input", "images=data"), "the job has no input images"),
                            (("--output", "rows.txt"), "expected NAME=PATH: the pipeline names its outputs"),
                            (("--set", "jobs.prep.limits.timeout=-1"), "timeout: expected seconds above 0"),
                            (("--", "--x"), "arguments belong to a job")):
            self.assertIn(says, self.mistakes("whole.yml", *words)[0][2])
        self.assertEqual(self.validate("whole.yml", "--set", "jobs.prep.limits.timeout=1")[0], 0)

    def test_a_path_that_bash_would_split(self):
        self.write("my data/a.txt", "a")
        self.assertEqual(self.validate("whole.yml", "--input", "raw=my data")[0], 0)
        self.change("whole.yml", "prep.py ${{inputs.raw}}", "prep.py '${{inputs.raw}}'")
        [(_, line, text)] = self.mistakes("whole.yml", "--input", "raw=my data")
        self.assertEqual(line, 26)
        self.assertIn("/my data, which bash would not take as it is, and it stands inside quotes", text)

    def test_what_a_file_says_is_what_runs(self):
        """Nested, by component, in another order; paths with blanks; the rows of a parallel step at a path of their own."""
        self.write("code/prep.py", "import shutil, sys\nshutil.copytree(sys.argv[1], sys.argv[2], dirs_exist_ok=True)\n")
        self.write("code/fit.py", "import os, sys\nprint(sys.argv)\n"
                   "open(os.path.join(sys.argv[-1], 'm.txt'), 'w').write(sys.argv[4])\n")
        self.write("code/score.py", "import os, sys\ndef run(mini_batch):\n"
                   "    m = sys.argv[sys.argv.index('--model') + 1]\n"
                   "    n = open(os.path.join(m, 'model', 'm.txt')).read()\n"
                   "    return ['%s %s' % (os.path.basename(p), n) for p in mini_batch]\n")
        self.write("my data/b c.txt", "b")
        r = self.prs("run", "whole.yml", "--input", "raw=my data", "--python", sys.executable)
        self.assertEqual(r.returncode, 0, r.stderr)
        with open(self.dir + "/out/rows.txt") as f:
            self.assertEqual(f.read(), "b c.txt 3\n")

    def test_a_description_describes_itself(self):
        words = ("--python", sys.executable, "--run-max-try", "2")
        first = self.prs("plan", "whole.yml", "--yaml", *words)
        self.assertEqual(first.returncode, 0, first.stderr)
        self.write("flat.yml", first.stdout)
        again = self.prs("plan", "flat.yml", "--yaml")
        self.assertEqual((again.returncode, again.stdout), (0, first.stdout), again.stderr)
        steps = json.loads(first.stdout)["steps"]
        self.assertEqual([s["name"] for s in steps], ["score", "halves.pick", "halves.fit", "prep"])
        self.assertEqual(steps[0]["job"]["options"]["run-max-try"], {"value": ["2"], "from": "--run-max-try"})
        self.assertEqual(steps[3]["python"], sys.executable)

    def document(self):
        return {"pipeline_format": 1, "steps": [
            {"name": "prep", "type": "command", "command": "cp ${{inputs.raw}} ${{outputs.clean}}", "code_dir": "code",
             "inputs": [{"name": "raw", "path": "data"}], "outputs": [{"name": "clean"}]},
            {"name": "score", "type": "parallel",
             "job": {"entry": "score.py", "code_dir": "code", "inputs": [{"step": "prep", "output": "clean"}],
                     "arguments": ["--from", "${{parent.jobs.prep.outputs.clean}}"]}}]}

    def validate_document(self, document):
        self.write("p.json", json.dumps(document))
        return self.validate("--job-json", "p.json", "--python", sys.executable)

    def test_documents(self):
        self.assertEqual(self.validate_document(self.document())[:2], (0, "--job-json: no mistakes\n"))
        self.write("made.yml", "\n" + json.dumps(self.document(), indent=1))
        self.assertEqual(self.validate("made.yml")[:2], (0, "made.yml: no mistakes\n"))
        wrong = self.document()
        prep, score = wrong["steps"]
        prep.update(comand="x", code_dir="cod")
        prep["inputs"][0]["path"] = "dta"
        score["after"] = ["prp"]
        score["job"].update(entry="scores.py", arguments=["${{outputs.x}}", "${{x}}"])
        status, _, err = self.validate_document(wrong)
        self.assertEqual(status, 2)
        for says in ("steps[0].comand: no such member; did you mean command?",
                     "steps[0].code_dir: no such folder: ", "steps[0].inputs[0]: no such file or folder: ",
                     "steps[1].after: there is no step prp", "steps[1].job.entry: scores.py is not in the code folder ",
                     "steps[1].job.arguments[1]: ${{x}} is not known"):
            self.assertIn(says, err)
        computed = dict(self.document(), command=["pipeline.yml"])
        computed["steps"][0]["snapshot"] = 0
        err = self.validate_document(computed)[2]
        self.assertIn("command: is computed: leave it out", err)
        self.assertIn("steps[0].snapshot: is computed: leave it out", err)
        circle = self.document()
        circle["steps"][0]["after"] = ["score"]
        self.assertIn("steps that wait for each other: prep -> score -> prep", self.validate_document(circle)[2])
