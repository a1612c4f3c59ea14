# SPDX-License-Identifier: Apache-2.0
"""Steps of pipelines that are taken from earlier runs: when, when not, and what is said."""
import json
import os
import shutil

from test_pipeline import PARALLEL, PipelineCase, command

COPY = "cp ${{inputs.raw}}/* ${{outputs.clean}}; echo ${{inputs.word}} >${{outputs.clean}}/word"


class ReuseCase(PipelineCase):
    def chain(self, word="a", settings="", prep="prep", report="", **more):
        """A command, a parallel step, a command: what one writes the next one reads."""
        self.pipeline(
            settings, **{
                prep: command(COPY, "raw: {path: in}, word: %s" % word, "clean: {type: uri_folder}", **more),
                "score": PARALLEL % ("'${{parent.jobs.%s.outputs.clean}}'" % prep),
                "report": command("cat ${{inputs.rows}}/* >${{outputs.report}}",
                                  "rows: {path: '${{parent.jobs.score.outputs.rows}}'}",
                                  "report: {type: uri_file%s}" % report)})

    def reused(self, run="last"):
        """The steps of a run, and which run each was taken from."""
        r = self.prs("status", run, "--json")
        self.assertEqual(r.returncode, 0, r.stderr)
        return {s["step"]: s["reused"] for s in json.loads(r.stdout)["steps"] if s["state"] == "REUSED"}

    def run_dir(self):
        return json.loads(self.prs("status", "--json").stdout)["dir"]

    def name(self):
        return os.path.basename(self.run_dir())


class ReuseTest(ReuseCase):
    def test_the_same_again(self):
        want = self.files(5)
        self.chain()
        self.run_flow()
        first = self.name()
        text = self.read(self.prs("output", "last/report").stdout.strip())
        self.assertTrue(text.startswith(want))
        r = self.run_flow()
        self.assertEqual(self.reused(), {s: "%s/%s" % (first, s) for s in ("prep", "score", "report")})
        self.assertRegex(r.stderr, r"prep +reused +from %s/prep\n" % first)
        self.assertIn("3 done (3 reused from earlier runs)", r.stderr)
        self.assertRegex(self.prs("status").stdout, r"score +reused +from %s/score\n" % first)
        facts = [f for f in self.journal("STEP") if f["state"] == "REUSED"]
        self.assertEqual([f["reused"] for f in facts], [first + "/prep", first + "/score", first + "/report"])
        # a third one: still from the run that made it, never from one that reused it
        r = self.run_flow("--json")
        events = [json.loads(line) for line in r.stdout.splitlines()]
        self.assertEqual({e["step"]: e["reused"] for e in events if e.get("state") == "REUSED"},
                         {s: "%s/%s" % (first, s) for s in ("prep", "score", "report")})
        self.assertEqual(events[-1]["steps_reused"], 3)
        self.assertEqual(self.prs("output", "last/report").stdout, self.prs("output", first + "/report").stdout)

    def test_what_changes_it(self):
        """Each change, what it is of, and which steps are taken from the run before."""
        self.files(3)
        self.chain()
        self.run_flow()
        every = {"prep", "score", "report"}

        def touch():
            os.utime(self.path("in", "f0001"), ns=(1, 1))

        changes = (
            ("nothing", lambda: None, every),
            ("a literal", lambda: self.chain("b"), set()),
            ("the literal of before", lambda: self.chain("a"), every),
            ("the time of a file", touch, set()),
            ("a file more", lambda: self.write("in/new", "x"), set()),
            ("the script", lambda: self.script("def run(mini_batch):\n    return ['x'] * len(mini_batch)\n"), {"prep"}),
            ("the name of a step", lambda: self.chain(prep="first"), {"first", "score", "report"}),
            ("a setting of logs", lambda: self.write("flow.yml", self.read("flow.yml").replace(
                "    task:", "    logging_level: DEBUG\n    task:")), {"first", "score", "report"}),
            ("the size of mini-batches", lambda: self.write("flow.yml", self.read("flow.yml").replace(
                'mini_batch_size: "2"', 'mini_batch_size: "3"')), {"first"}),
            ("force_rerun", lambda: self.chain(settings="settings: {force_rerun: true}\n"), set()),
        )
        for what, change, want in changes:
            with self.subTest(what):
                change()
                self.run_flow()
                self.assertEqual(set(self.reused()), want)
        self.chain()
        self.run_flow()
        self.assertEqual(set(self.reused()), every)
        self.run_flow("--no-reuse")
        self.assertEqual(set(self.reused()), set())

    def test_outputs_that_are_not_the_same_any_more(self):
        self.files(3)
        self.chain()
        self.run_flow()
        first = self.run_dir()
        os.remove(os.path.join(first, "steps", "prep", "outputs", "clean", "word"))
        self.run_flow()
        self.assertEqual(set(self.reused()), set())  # prep ran, and what it made has other times
        shutil.rmtree(first)
        self.run_flow()
        self.assertEqual(set(self.reused()), {"prep", "score", "report"})

    def test_a_place_of_its_own(self):
        self.files(3)
        self.chain(report=", path: report.txt")
        self.run_flow()
        first = self.name()
        self.run_flow()
        self.assertEqual(self.reused()["report"], first + "/report")
        self.chain(report=", path: other.txt")
        self.run_flow()
        self.assertEqual(set(self.reused()), {"prep", "score"})
        self.assertEqual(self.read("other.txt"), self.read("report.txt"))
        self.write("other.txt", "mine")
        r = self.run_flow(status=1)
        self.assertIn("holds something already", r.stderr)

    def test_failed_items_are_not_reused(self):
        self.files(3)
        self.script("def run(mini_batch):\n    if any(p.endswith('f0002') for p in mini_batch):\n"
                    "        raise ValueError('no')\n    return [p for p in mini_batch]\n")
        self.chain()
        text = self.read("flow.yml")
        self.write("flow.yml", text.replace("    task:", "    retry_settings: {max_retries: 1}\n    task:"))
        self.run_flow()
        self.run_flow()
        self.assertEqual(set(self.reused()), {"prep"})

    def test_a_job_that_is_not_deterministic(self):
        self.files(3)
        self.chain(more="is_deterministic: false")
        self.run_flow()
        self.run_flow()
        self.assertEqual(set(self.reused()), set())


class PartTest(ReuseCase):
    def test_only_and_from(self):
        self.files(3)
        self.chain()
        r = self.run_flow("--only", "report", status=1)
        self.assertRegex(r.stderr, "prep failed: it cannot be taken from an earlier run: no step that is done")
        self.assertEqual(self.began(), {})
        self.run_flow()
        self.run_flow("--only", "score")
        self.assertEqual(self.states(), {"prep": "REUSED", "score": "DONE"})
        self.run_flow("--from", "score")
        self.assertEqual(self.states(), {"prep": "REUSED", "score": "DONE", "report": "DONE"})
        self.chain("b")
        r = self.run_flow("--from", "score", status=1)
        self.assertEqual(self.began(), {})
        for words, says in ((["--only", "x"], "has no step x"), (["--only", "prep", "--no-reuse"], "expected one of")):
            self.assertIn(says, self.run_flow(*words, status=2).stderr)
