# SPDX-License-Identifier: Apache-2.0
"""--json: one document on stdout from every command that takes it, whatever the outcome; mistakes with their places."""
import json
import os

from prs_job import JobCase

JOB = """type: parallel
name: score
inputs: {texts: {type: uri_folder, path: ./in}}
outputs: {rows: {type: uri_file, path: ./out.txt}}
input_data: ${{inputs.texts}}
mini_batch_size: "2"
task: {type: run_function, code: ./code, entry_script: score.py, append_row_to: "${{outputs.rows}}"}
"""
SCRIPT = """
import os
def run(mini_batch):
    print("here")
    return ["%s: %s" % (os.path.basename(p), open(p).read()) for p in mini_batch]
"""
PLACE = ["column", "file", "line", "text"]


class JsonTest(JobCase):
    def setUp(self):
        super().setUp()
        self.want = self.files(4)
        self.script(SCRIPT)
        self.write("job.yml", JOB)

    def document(self, status, *words, env=None):
        """The only document that the command prints; people are told nothing that is in it."""
        r = self.prs(*words, "--json", env=env)
        self.assertEqual(r.returncode, status, r.stdout + r.stderr)
        found = json.loads(r.stdout)
        self.said = r.stderr
        if "exit" in found:
            self.assertEqual(found["exit"], status)
        return found

    def mistakes(self, status, *words):
        found = self.document(status, *words)
        self.assertEqual(found["type"], "mistakes")
        self.assertEqual(self.said, "")
        for m in found["mistakes"]:
            self.assertEqual(sorted(m), PLACE)
        return [(m["file"], m["line"], m["column"]) for m in found["mistakes"]], [m["text"] for m in found["mistakes"]]

    def test_mistakes_of_a_job_file(self):
        self.write("job.yml", JOB.replace("mini_batch_size", "mini_batch_sise").replace("score.py", "scoor.py"))
        for command in ("run", "validate", "plan", "test"):
            places, texts = self.mistakes(2, command, "job.yml", "--retries", "3")
            self.assertEqual(places, [(None, None, None), ("job.yml", 6, 1), ("job.yml", 7, 56)], command)
            self.assertIn("did you mean mini_batch_size", texts[1])
            self.assertIn("--run-max-try N", texts[0])

    def test_mistakes_of_a_script(self):
        self.script("def run(mini_batch):\n    return [\n")
        places, texts = self.mistakes(2, "validate", "code/score.py", "-i", "nowhere")
        self.assertEqual(places[0], (None, None, None))
        self.assertIn("--input nowhere: no such folder or file", texts[0])
        self.assertEqual(places[1][0], "code/score.py")
        self.assertIsInstance(places[1][1], int)
        self.assertTrue(texts[1].startswith("SyntaxError"), texts)
        self.assertIn("^", texts[1])  # the line below it is of the same mistake
        self.assertEqual(len(places), 2)

    def test_a_value_of_the_command_line_is_a_file_of_its_own(self):
        places, _ = self.mistakes(2, "validate", "job.yml", "--set", "mini_batch_size=x")
        self.assertEqual(places, [("--set mini_batch_size", None, None)])

    def test_mistakes_of_words(self):
        for words in (("list", "--no-such-flag"), ("status", "nobody"), ("resume", "nobody"), ("check", "nobody"), ("why", "nobody"),
                      ("dump", "journal", "nobody"), ("options", "nothing_like_this"), ("doctor", "--dir", "nowhere", "x"),
                      ("resume", "x", "--set", "run_max_try=0"), ("version", "x"), ("test", "code/score.py", "-i", "in", "--limit", "x")):
            places, texts = self.mistakes(2, *words)
            self.assertEqual((places, bool(texts[0])), ([(None, None, None)], True), words)

    def test_a_default_of_the_project_asks_too(self):
        self.write("prs.yml", "defaults: {json: true}\n")
        r = self.prs("status", "nobody")
        self.assertEqual(json.loads(r.stdout)["exit"], 2)
        r = self.prs("clean", "nobody")  # takes no --json
        self.assertEqual((r.returncode, r.stdout), (2, ""))
        self.assertIn("prs: ", r.stderr)

    def test_validate(self):
        self.write("job.yml", JOB + "compute: azureml:cluster\n")
        found = self.document(0, "validate", "job.yml")
        self.assertEqual((found["type"], found["mistakes"], found["warnings"]), ("validated", [], []))
        self.assertEqual([(m["file"], m["line"], m["column"]) for m in found["not_used"]], [("job.yml", 8, 1)])
        self.assertTrue(found["not_used"][0]["text"].startswith("compute: "))
        self.assertEqual(self.said, "")

    def test_test(self):
        found = self.document(0, "test", "job.yml")
        self.assertEqual(found["type"], "tested")
        self.assertEqual([(s["mini_batch"], s["items"], s["returned"]) for s in found["steps"]], [(0, 2, 2), (1, 2, 2)])
        self.assertEqual("".join(s["rows"] for s in found["steps"]), self.want)
        self.assertEqual(self.said.count("here\n"), 2)  # what the script prints is no part of the document
        self.script("def run(mini_batch): raise ValueError('bad \\udcff')\n")
        found = self.document(1, "test", "job.yml")
        self.assertEqual([s["what"] for s in found["steps"]], ["mini-batch 0 (2 items)"])
        self.assertTrue(found["steps"][0]["message"].startswith("ValueError"), found)
        self.assertIn("in run", found["steps"][0]["traceback"])
        self.script("def init(): nothing\ndef run(mini_batch): pass\n")
        self.assertIn("NameError", self.document(1, "test", "job.yml")["steps"][0]["message"])
        self.script("import os\ndef run(mini_batch):\n    if mini_batch.task_id: os._exit(7)\n    return mini_batch\n")
        found = self.document(7, "test", "job.yml")  # what it noted before is kept
        self.assertEqual([s["returned"] for s in found["steps"]], [2])

    def test_nothing_failed(self):
        self.assertEqual(self.prs("run", "job.yml").returncode, 0)
        os.remove(self.path("out.txt"))
        for command in ("run", "plan", "test"):
            found = self.document(0, command, "--only-failed", "last")
            self.assertEqual((found["type"], found["items"]), ("end", 0))


class OutputIsThereTest(JobCase):
    """Only prs run makes the output: to the others a file that is there is a warning."""

    def setUp(self):
        super().setUp()
        self.files(2)
        self.script(SCRIPT)
        self.write("job.yml", JOB)
        self.write("out.txt", "mine")
        self.write("job.json", json.dumps({"job_format": 1, "entry": "score.py", "code_dir": "code", "output_file": "out.txt",
                                           "inputs": [{"name": "a", "path": "in"}]}))

    def test_each_front_end(self):
        for job in (("job.yml",), ("code/score.py", "-i", "in", "-o", "out.txt"), ("--job-json", "job.json")):
            for command in ("validate", "plan", "test"):
                r = self.prs(command, *job)
                self.assertEqual(r.returncode, 0, r.stderr)
                self.assertIn("warning: %s exists, and prs run replaces no file" % self.path("out.txt"), r.stderr)
                r = self.prs(command, *job, "--overwrite")
                self.assertNotIn("exists", r.stderr)
            r = self.prs("run", *job)
            self.assertEqual(r.returncode, 2)
            self.assertIn("out.txt exists: name another file, or replace it with --overwrite", r.stderr)
        self.assertEqual(self.output(), "mine")

    def test_json(self):
        r = self.prs("validate", "job.yml", "--json")
        self.assertIn("replaces no file", json.loads(r.stdout)["warnings"][0]["text"])
