# SPDX-License-Identifier: Apache-2.0
"""Pipelines of commands and parallel steps, from a job file to their outputs: order, failures, signals, resume."""
import fcntl
import glob
import json
import os
import signal
import textwrap

import jsonschema

from prs_job import JobCase, children, processes_of, read_proc, state_of, wait_until

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))

ROWS = """
    import os
    def run(mini_batch):
        return ["%s: %s" % (os.path.basename(p), open(p).read()) for p in mini_batch]
"""
PARALLEL = """
    type: parallel
    inputs: {images: {type: uri_folder, path: %s}}
    outputs: {rows: {type: uri_folder}}
    input_data: ${{inputs.images}}
    mini_batch_size: "2"
    max_concurrency_per_instance: 1
    task: {type: run_function, code: code, entry_script: score.py, append_row_to: "${{outputs.rows}}"}
"""


def command(text, inputs="", outputs="", more=""):
    return "    type: command\n    command: |\n%s\n    inputs: {%s}\n    outputs: {%s}\n%s" % (
        textwrap.indent(textwrap.dedent(text).strip(), "      "), inputs, outputs, textwrap.indent(more, "    "))


class PipelineCase(JobCase):
    def setUp(self):
        super().setUp()
        self.script(ROWS)

    def one_core(self):
        """A budget of 1: one step at a time."""
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(cores)})
        self.addCleanup(os.sched_setaffinity, 0, cores)

    def pipeline(self, settings="", **jobs):
        text = "type: pipeline\ndisplay_name: flow\n%sjobs:\n" % settings
        self.write("flow.yml", text + "".join("  %s:\n%s\n" % (name, job.strip("\n")) for name, job in jobs.items()))

    def run_flow(self, *more, status=0, **how):
        r = self.prs("run", "flow.yml", *more, **how)
        self.assertEqual(r.returncode, status, r.stderr)
        return r

    def resume(self, *more, status=0, **how):
        r = self.prs("resume", *more, **how)
        self.assertEqual(r.returncode, status, r.stderr)
        return r

    def states(self):
        """Of the steps, as prs status says."""
        r = self.prs("status", "--json")
        self.assertEqual(r.returncode, 0, r.stderr)
        return {s["step"]: s["state"] for s in json.loads(r.stdout)["steps"]}

    def began(self):
        """How often each step began."""
        steps = [f for f in self.journal("STEP") if f["state"] == "RUNNING"]
        return {f["step"]: sum(g["step"] == f["step"] for g in steps) for f in steps}

    def read(self, *names):
        with open(self.path(*names)) as f:
            return f.read()

    def step(self, *names):
        return os.path.join(self.run_dir(), "steps", *names)

    def log(self, name):
        return self.read(self.step(name, "logs", "user", "std_log.txt"))


class ChainTest(PipelineCase):
    """Command, parallel, command: what one writes the next one reads."""

    def chain(self, prep="cp ${{inputs.raw}}/* ${{outputs.clean}}"):
        self.pipeline(
            report=command("cat ${{inputs.rows}}/* >${{outputs.report}}",
                           "rows: {path: '${{parent.jobs.score.outputs.rows}}'}", "report: {type: uri_file, path: report.txt}"),
            score=PARALLEL % "'${{parent.jobs.prep.outputs.clean}}'",
            prep=command(prep, "raw: {path: in}", "clean: {type: uri_folder}"))

    def test_outputs_reach_the_next_step(self):
        want = self.files(7)
        self.chain()
        r = self.run_flow()
        self.assertEqual(self.read("report.txt"), want)
        self.assertIn("Completed: 3 steps", r.stderr)
        self.assertEqual(self.states(), {"prep": "DONE", "score": "DONE", "report": "DONE"})
        self.assertEqual(self.began(), {"prep": 1, "score": 1, "report": 1})
        r = self.prs("output")
        self.assertEqual(r.stdout, self.path("report.txt") + "\n")
        self.assertEqual(self.prs("output", "last/prep").stdout, self.step("prep", "outputs", "clean") + "\n")
        self.assertEqual(glob.glob(self.path(".prs-*")), [])

    def test_plan_shows_the_graph(self):
        self.files(3)
        self.chain()
        r = self.prs("plan", "flow.yml")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("flow: 3 steps", r.stdout)
        self.assertRegex(r.stdout, r"report +command +1 core after score\n")
        plan = json.loads(self.prs("plan", "flow.yml", "--json").stdout)
        self.assertEqual([s["needs"] for s in plan["steps"]], [["score"], ["prep"], []])
        self.assertFalse(os.path.exists(self.path("runs")))

    def test_commands_about_it_and_its_steps(self):
        self.files(5)
        self.chain("cp ${{inputs.raw}}/* ${{outputs.clean}}; echo hello")
        self.run_flow()
        name = os.path.basename(self.run_dir())
        self.assertRegex(self.prs("list").stdout, name + r" +completed +3/3 steps .* pipeline ")
        self.assertEqual(self.prs("logs", "last/prep").stdout, "hello\n")
        self.assertIn("==> prep/logs/user/std_log.txt <==\nhello\n", self.prs("logs").stdout)
        self.assertIn("5 of 5", self.prs("status", "last/score").stdout)
        self.assertEqual(self.prs("status", name + "/prep").stdout.split()[:2], ["prep", "done"])
        self.assertEqual(self.prs("replay", "last/score", "1").stdout, "f0002: 2\nf0003: 3\n")
        self.assertEqual(self.prs("check", "last/score").returncode, 0)
        self.assertEqual(self.prs("check").stdout, name + ": 0 problems\n")
        for words, says in ((["check", "last/prep"], "has no mini-batches"), (["replay", "last/prep", "0"], "has no mini-batches"),
                            (["status", "last/prop"], "has no step prop; did you mean prep?"),
                            (["output", "--partial"], "is a pipeline"),
                            (["run", "--only-failed", "last"], "is a pipeline"),
                            (["why"], "is completed: there is nothing it waits for"),
                            (["cancel"], "is completed: there is nothing to cancel")):
            r = self.prs(*words)
            self.assertNotEqual(r.returncode, 0, words)
            self.assertIn(says, r.stderr)
        self.assertIn("is completed: there is nothing to resume", self.resume().stderr)

    def test_check_finds_what_is_damaged_in_a_step(self):
        self.files(5)
        self.chain()
        self.run_flow()
        [path] = glob.glob(self.step("score", "seg", "*.seg"))
        with open(path, "r+b") as f:
            f.seek(100)
            f.write(b"damaged!")
        r = self.prs("check")
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertNotIn(": 0 problems", r.stdout)

    def test_clean(self):
        self.files(2)
        self.chain()
        self.run_flow()
        self.assertIn("stays: it holds steps/", self.prs("clean", "last").stdout)
        self.assertIn("it is a step of a pipeline", self.prs("clean", "last/score", "--outputs").stdout)
        self.assertIn("removed", self.prs("clean", "last", "--outputs").stdout)
        self.assertEqual(os.listdir(self.path("runs")), [])

    def test_data_beside_the_code_is_not_copied(self):
        """What is input to one step that has this code is in nobody's copy."""
        self.files(3)
        self.write("in/score.py", ROWS.replace("\n    ", "\n"))
        self.write("in/data/f", "1")
        self.pipeline(a=command("ls", more="code: in\n"), b=command("ls", "raw: {path: in/data}", more="code: in\n"))
        self.run_flow()
        for step in "ab":
            self.assertEqual(self.log(step), "f0000\nf0001\nf0002\noutputs\nscore.py\n")

    def test_a_run_id_is_a_name(self):
        """Scripts make files of it: a step of a pipeline is RUN/STEP for people, but RUN.STEP there."""
        self.files(1)
        self.script("import os\ndef run(mini_batch):\n    return [os.environ['AZUREML_RUN_ID']]\n")
        self.pipeline(score=PARALLEL % "in", other=command("echo $AZUREML_RUN_ID"))
        self.run_flow()
        name = os.path.basename(self.run_dir())
        self.assertEqual(self.read(self.step("score", "outputs", "rows", "parallel_run_step.txt")), name + ".score\n")
        self.assertEqual(self.log("other"), name + ".other\n")

    def test_events(self):
        self.files(4)
        self.chain()
        r = self.run_flow("--json")
        events = [json.loads(line) for line in r.stdout.splitlines()]
        with open(os.path.join(ROOT, "docs", "events.schema.json"), encoding="utf-8") as f:
            schema = json.load(f)
        for event in events:
            [variant] = [v for v in schema["oneOf"] if v["title"] == event["type"]]
            jsonschema.validate(event, {**variant, "additionalProperties": False, "$defs": schema["$defs"]})
        self.assertEqual(events[0]["type"], "pipeline_started")
        moves = [(e["step"], e["state"]) for e in events if e["type"] == "step"]
        self.assertEqual(moves, [(s, w) for s in ("prep", "score", "report") for w in ("RUNNING", "DONE")])
        self.assertIn({"score"}, [{e["step"]} for e in events if e["type"] == "mini_batch_done"])
        self.assertEqual((events[-1]["type"], events[-1]["result"], events[-1]["steps_done"]), ("end", "completed", 3))


class CommandTest(PipelineCase):
    def test_what_a_command_finds(self):
        self.write("code/tool.txt", "tool")
        self.pipeline(one=command("""
            cat tool.txt; echo " $COLOUR ${{inputs.limit}}"
            test "$(command -v python3)" -ef "$(dirname "$(command -v python3)")/python3" && echo same
            echo kept >outputs/kept.txt
            """, "limit: '5'", more="code: code\nenvironment_variables: {COLOUR: blue}\n"))
        self.run_flow()
        self.assertEqual(self.log("one"), "tool blue 5\nsame\n")
        self.assertEqual(self.read(self.step("one", "code", "outputs", "kept.txt")), "kept\n")
        self.assertEqual(self.read("code", "tool.txt"), "tool")

    def test_the_copy_is_its_own(self):
        self.write("code/data.txt", "1")
        more = "code: code\n"
        self.pipeline(a=command("echo changed >data.txt", more=more),
                      b=command("cat data.txt", more=more))
        self.run_flow()
        self.assertEqual(self.log("b"), "1")
        self.assertEqual(self.read("code", "data.txt"), "1")
        self.assertEqual(len(os.listdir(os.path.join(self.run_dir(), "snapshots"))), 1)

    def test_an_occupied_place_is_refused(self):
        self.write("place/old.txt", "old")
        self.pipeline(a=command("echo new >${{outputs.o}}/new.txt", outputs="o: {type: uri_folder, path: place}"))
        r = self.run_flow(status=1)
        self.assertIn("place holds something already: --overwrite replaces it", r.stderr)
        self.assertEqual(os.listdir(self.path("place")), ["old.txt"])
        self.resume("--retry-failed", "--overwrite")
        self.assertEqual(os.listdir(self.path("place")), ["new.txt"])
        self.assertEqual(glob.glob(self.path(".prs-*")), [])

    def test_what_failed_leaves_the_place_as_it_was(self):
        self.pipeline(a=command("echo new >${{outputs.o}}/new.txt; false", outputs="o: {type: uri_folder, path: place}"))
        self.run_flow(status=1)
        self.assertFalse(os.path.exists(self.path("place")))
        self.assertEqual(glob.glob(self.path(".prs-*")), [])

    def test_outputs_are_empty_again(self):
        """What a failed try wrote is not there when it begins again, nor what it did to the copy of the code."""
        self.pipeline(a=command("ls ${{outputs.o}} >${{outputs.o}}/found.txt; echo x >>data.txt; cat data.txt; test -e %s"
                                % self.path("mended"), outputs="o: {type: uri_folder}", more="code: code\n"))
        self.write("code/data.txt", "1\n")
        self.run_flow(status=1)
        self.write("mended", "")
        self.resume("--retry-failed")
        self.assertEqual(self.read(self.step("a", "outputs", "o", "found.txt")), "found.txt\n")
        self.assertEqual(self.log("a"), "1\nx\n" * 2)

    def test_a_description_that_was_changed(self):
        self.pipeline(a=command("false"), b=command("true"))
        self.run_flow(status=1)
        path = os.path.join(self.run_dir(), "pipeline.json")
        text = self.read(path)
        self.write(path, text.replace("false", "true"))
        self.assertIn("pipeline.json was changed after the run began", self.resume("--retry-failed", status=2).stderr)
        self.write(path, text)
        self.resume("--retry-failed", status=1)
        self.write(path, text[:-20])
        self.assertIn("pipeline.json", self.resume("--retry-failed", status=3).stderr)

    def test_timeout(self):
        self.pipeline(a=command("echo begun; sleep 1000", more="limits: {timeout: 1}\n"))
        r = self.run_flow(status=1)
        self.assertIn("Step a failed: timed out after 1 s (limits.timeout)", r.stderr)
        self.assertIn("    begun", r.stderr)
        self.check_no_strays()

    def test_what_it_leaves_behind_is_ended(self):
        self.pipeline(a=command("setsid sleep 1000 >/dev/null 2>&1 & echo left"))
        self.run_flow()
        self.check_no_strays()


class FailureTest(PipelineCase):
    def fails(self, settings=""):
        self.one_core()
        self.pipeline(settings,
                      bad=command("test -e %s" % self.path("mended"), outputs="o: {type: uri_folder}"),
                      user=command("ls ${{inputs.i}}; echo used", "i: {path: '${{parent.jobs.bad.outputs.o}}'}"),
                      user_of_user=command("true", "i: {path: '${{parent.jobs.bad.outputs.o}}'}"),
                      other=command("echo other"))

    def test_it_stops(self):
        self.fails()
        r = self.run_flow(status=1)
        self.assertIn("Step bad failed: exit status 1", r.stderr)
        self.assertIn("prs resume", r.stderr)
        states = self.states()
        self.assertEqual((states["bad"], states["user"]), ("FAILED", "CANCELED"))
        self.assertIn("Run its failed steps again", self.resume(status=1).stderr)
        self.write("mended", "")
        self.resume("--retry-failed")
        self.assertEqual(set(self.states().values()), {"DONE"})

    def test_others_go_on(self):
        self.fails("settings: {continue_on_step_failure: true}\n")
        r = self.run_flow(status=1)
        self.assertIn("1 done, 1 failed, 2 skipped", r.stderr)
        self.assertEqual(self.states(), {"bad": "FAILED", "user": "SKIPPED", "user_of_user": "SKIPPED", "other": "DONE"})
        self.write("mended", "")
        self.resume("--retry-failed")
        self.assertEqual(set(self.states().values()), {"DONE"})
        self.assertEqual(self.began()["other"], 1)

    def test_a_parallel_step_fails_and_is_tried_again(self):
        self.files(4)
        self.script("""
            import os
            def run(mini_batch):
                assert os.path.exists(%r), "not yet"
                return [os.path.basename(p) for p in mini_batch]
        """ % self.path("mended"))
        self.pipeline(score=PARALLEL % "in", other=command("true"))  # a parallel step alone is an ordinary run
        r = self.run_flow(status=1)
        self.assertIn("not yet", r.stderr)
        self.assertIn("prs replay %s/score" % os.path.basename(self.run_dir()), r.stderr)
        self.write("mended", "")
        self.resume("--retry-failed")
        self.assertEqual(self.read(self.step("score", "outputs", "rows", "parallel_run_step.txt")),
                         "".join("f%04d\n" % i for i in range(4)))


class SignalTest(PipelineCase):
    def waits(self):
        """Starts a pipeline of a command that waits, and comes back when it does."""
        self.one_core()
        self.pipeline(first=command("echo first"),
                      waits=command("echo $$ >%s; while ! test -e %s; do sleep 0.05; done" % (self.path("begun"), self.path("go"))),
                      last=command("echo last"))
        p = self.start("run", "flow.yml")
        wait_until(lambda: os.path.exists(self.path("begun")), "the command waits")
        return p

    def test_interrupt_and_resume(self):
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(signum):
                self.clean()
                p = self.waits()
                p.send_signal(signum)
                self.assertEqual(p.wait(), 4, self.said())
                self.assertIn("next          prs resume ", self.said())
                self.check_no_strays()
                self.assertEqual(self.states(), {"first": "DONE", "waits": "INTERRUPTED", "last": "WAITING"})
                self.write("go", "")
                self.resume()
                self.assertEqual(self.began(), {"first": 1, "waits": 2, "last": 1})
                os.remove(self.path("go"))
                os.remove(self.path("begun"))

    def test_logs_are_followed(self):
        p = self.waits()
        logs = self.start("logs", "last/waits", "-f")
        self.assertIsNone(logs.poll())
        self.write("go", "")
        self.assertEqual((p.wait(), logs.wait()), (0, 0), self.said())

    def test_cancel(self):
        p = self.waits()
        r = self.prs("why")
        self.assertRegex(r.stdout, r"waits +running")
        self.assertRegex(self.prs("status").stdout, r"waits +running")
        r = self.prs("cancel")
        self.assertEqual((r.returncode, r.stdout.split()[-1]), (0, "canceled"), r.stderr)
        self.assertEqual(p.wait(), 5)
        self.check_no_strays()
        self.assertEqual(self.states(), {"first": "DONE", "waits": "CANCELED", "last": "CANCELED"})
        self.assertIn("was canceled: start a new run", self.resume("--retry-failed", status=5).stderr)

    def test_detached(self):
        self.pipeline(first=command("true"), waits=command("while ! test -e %s; do sleep 0.05; done" % self.path("go")))
        r = self.run_flow("--detach")
        self.assertIn("It goes on without this terminal", r.stderr)
        self.write("go", "")
        log = os.path.join("logs", "detached.txt")
        wait_until(lambda: "Completed: 2 steps" in self.read(self.run_dir(), log), "it is completed")
        self.assertIn("completed", self.prs("status").stdout)

    def test_stopped_while_its_folder_is_made(self):
        self.write("code/a.txt", "a")
        self.pipeline(a=command("cat a.txt", more="code: code\n"), b=command("true"))
        p, stopped = self.stop_at("pipeline.making", 1, "run", "flow.yml")
        self.assertEqual(stopped, p.pid)
        p.send_signal(signal.SIGTERM)
        p.send_signal(signal.SIGCONT)
        self.assertEqual(p.wait(), -signal.SIGTERM)
        self.assertEqual(os.listdir(self.path("runs")), [])
        r = self.prs("run", "flow.yml", kill="pipeline.making:1")
        self.assertEqual(r.returncode, -signal.SIGKILL)
        self.assertRegex(self.prs("list").stdout, "half-made")
        self.assertIn("half-made", self.prs("status").stdout)
        self.assertIn("only half made", self.resume(status=3).stderr)
        self.assertIn("removed", self.prs("clean", "last").stdout)

    def test_stopped_before_a_step_begins(self):
        self.pipeline(a=command("touch %s" % self.path("a")), b=command("true"))
        p, stopped = self.stop_at("pipeline.prepared", 1, "run", "flow.yml")
        self.assertEqual(stopped, p.pid)
        p.send_signal(signal.SIGINT)
        p.send_signal(signal.SIGCONT)
        self.assertIn(p.wait(), (0, 4), self.said())  # the signal may be heard behind the begin
        self.assertEqual(self.prs("resume", self.run_dir()).returncode, 0)
        self.assertEqual(set(self.states().values()), {"DONE"})

    def test_the_engine_is_killed(self):
        p = self.waits()
        p.kill()
        p.wait()
        self.assertIn(self.states()["waits"], ("INTERRUPTED", "WAITING"))  # its beginning is not waited for
        self.write("go", "")
        self.resume()
        began = self.began()
        self.assertEqual((began["first"], began["last"]), (1, 1))

    def test_a_second_engine_is_refused(self):
        p = self.waits()
        self.assertIn("it is running", self.resume(status=2).stderr)
        self.write("go", "")
        self.assertEqual(p.wait(), 0, self.said())

    def test_a_takeover(self):
        p = self.waits()
        p.send_signal(signal.SIGSTOP)
        self.write("go", "")
        self.resume("--takeover")
        p.send_signal(signal.SIGCONT)
        self.assertEqual(p.wait(), 3, self.said())
        self.assertEqual(set(self.states().values()), {"DONE"})

    def test_a_parallel_step_is_interrupted_and_goes_on(self):
        self.files(6)
        self.script("""
            import os, time
            def run(mini_batch):
                open(%r, "w").close()
                while not os.path.exists(%r):
                    time.sleep(0.01)
                return [os.path.basename(p) for p in mini_batch]
        """ % (self.path("begun"), self.path("go")))
        self.pipeline(score=PARALLEL % "in", other=command("true"))
        p = self.start("run", "flow.yml")
        wait_until(lambda: os.path.exists(self.path("begun")), "it runs")
        p.send_signal(signal.SIGINT)
        wait_until(lambda: "score: stopping" in self.said(), "the step was told")
        p.send_signal(signal.SIGINT)
        self.assertEqual(p.wait(), 4, self.said())
        self.write("go", "")
        self.resume()
        self.assertEqual(set(self.states().values()), {"DONE"})
        self.assertEqual(self.began()["score"], 2)
        self.assertEqual(self.read(self.step("score", "outputs", "rows", "parallel_run_step.txt")),
                         "".join("f%04d\n" % i for i in range(6)))

    def begin_two(self):
        """A parallel step whose second mini-batch fails until there is a file `go`."""
        self.files(4)
        self.script("""
            import os
            def run(mini_batch):
                assert os.path.exists(%r) or not mini_batch[0].endswith("f0002"), "not yet"
                return [os.path.basename(p) for p in mini_batch]
        """ % self.path("go"))
        self.pipeline(score=PARALLEL.replace('mini_batch_size: "2"', 'mini_batch_size: "2"\n    mini_batch_error_threshold: 0') % "in",
                      other=command("true"))
        return self.run_flow(status=1)

    def test_a_parallel_step_fails_and_is_killed(self):
        """The engine dies between --retry-failed and the begin of the step: the next life tries again, too."""
        self.begin_two()
        self.write("go", "")
        r = self.prs("resume", "--retry-failed", kill="pipeline.prepared:1")
        self.assertEqual(r.returncode, -signal.SIGKILL)
        self.resume()
        self.assertEqual(set(self.states().values()), {"DONE"})

    def test_an_end_is_on_the_disk_before_its_users_begin(self):
        """Nothing gets to the journal for a while: a step runs and ends all the same, but what needs it does not begin."""
        mark = self.path("held")
        self.pipeline(a=command("touch %s" % self.path("a"), outputs="o: {type: uri_folder}"),
                      b=command("touch %s" % self.path("b"), "i: {path: '${{parent.jobs.a.outputs.o}}'}"))
        p = self.start("run", "flow.yml", env={"PRS_HOLD": "store.journal.before_write:2:" + mark})

        def states():
            r = self.prs("why", "--json")
            return {s["step"]: s["state"] for s in json.loads(r.stdout)["steps"]} if r.returncode == 0 else {}

        wait_until(lambda: states().get("a") == "DONE", "the first step ends")
        for _ in range(10):
            self.assertEqual(states(), {"a": "DONE", "b": "READY"})
        self.assertFalse(os.path.exists(self.path("b")))
        os.remove(mark)
        self.assertEqual(p.wait(), 0, self.said())
        self.assertTrue(os.path.exists(self.path("b")))

    def test_a_reset_is_on_the_disk_before_the_step_begins(self):
        """Else a kill in between would make it one that failed, for a resume without --retry-failed."""
        mark = self.path("held")
        self.pipeline(a=command("test -e %s && touch %s" % (self.path("go"), self.path("a"))), b=command("true"))
        self.run_flow(status=1)
        self.write("go", "")
        p = self.start("resume", "--retry-failed", env={"PRS_HOLD": "store.journal.before_write:2:" + mark})
        wait_until(lambda: os.path.exists(mark), "the facts are held")
        for _ in range(10):
            steps = json.loads(self.prs("why", "--json").stdout)["steps"]
            self.assertEqual((steps[0]["step"], steps[0]["state"], steps[0]["starting"]), ("a", "READY", True))
        self.assertFalse(os.path.exists(self.path("a")))
        os.remove(mark)
        self.assertEqual(p.wait(), 0, self.said())

    def waiting_step(self):
        self.files(8)
        self.script("""
            import os, time
            def run(mini_batch):
                open(%r, "w").close()
                while not os.path.exists(%r):
                    time.sleep(0.01)
                return [os.path.basename(p) for p in mini_batch]
        """ % (self.path("begun"), self.path("go")))
        self.pipeline(score=PARALLEL % "in", other=command("true"))

    def test_a_step_stops_when_the_engine_is_killed(self):
        self.waiting_step()
        p = self.start("run", "flow.yml")
        wait_until(lambda: os.path.exists(self.path("begun")), "it runs")
        p.kill()
        p.wait()
        wait_until(lambda: "to=DRAINING" in self.prs("dump", "journal", "last/score").stdout, "it was told")
        self.write("go", "")
        wait_until(lambda: not processes_of(self.dir), "it ends")
        self.assertIn("interrupted", self.prs("status", "last/score").stdout)
        self.resume()
        self.assertEqual(self.read(self.step("score", "outputs", "rows", "parallel_run_step.txt")),
                         "".join("f%04d\n" % i for i in range(8)))

    def test_a_step_of_a_dead_engine_is_waited_for(self):
        self.waiting_step()
        self.write("go", "")
        p, first = self.stop_at("step.making", 1, "run", "flow.yml")
        p.kill()
        p.wait()
        second = self.start("resume", self.run_dir())
        step = wait_until(lambda: [c for c in children(second.pid) if b"\0_step\0" in read_proc(c, "cmdline")], "its step")
        for _ in range(20):
            self.assertFalse(os.path.exists(self.step("score", "job.json")))
            self.assertIsNotNone(state_of(step[0]))
            self.prs("status")
        os.kill(first, signal.SIGCONT)
        self.assertEqual(second.wait(), 0, self.said())
        self.check_no_strays()

    def test_clean_while_a_step_runs(self):
        self.begin_two()
        os.remove(self.path("runs", os.path.basename(self.run_dir()), "steps", "score", "lock"))
        with open(self.step("score", "lock"), "w") as f:
            fcntl.lockf(f, fcntl.LOCK_EX)
            self.assertIn("stays: it is running", self.prs("clean", "last", "--outputs").stdout)
        self.assertIn("removed", self.prs("clean", "last", "--outputs").stdout)

    def test_a_step_is_resumed_by_itself(self):
        self.begin_two()
        self.write("go", "")
        self.resume("last/score", "--retry-failed", "--set", "run_max_try=5")
        self.assertEqual(self.states()["score"], "FAILED")  # it is for the pipeline to say
        self.resume("--retry-failed")
        self.assertEqual(set(self.states().values()), {"DONE"})
        self.assertEqual(self.read(self.step("score", "outputs", "rows", "parallel_run_step.txt")),
                         "".join("f%04d\n" % i for i in range(4)))

    def test_settings_are_of_steps(self):
        self.begin_two()
        r = self.resume("--set", "run_max_try=5", status=2)
        self.assertIn("give a step, prs resume flow-", r.stderr)
        r = self.resume("last/other", status=2)
        self.assertIn("has no run of its own", r.stderr)

    def test_a_step_is_canceled_by_itself_and_begun_again(self):
        self.files(4)
        self.script("""
            import os, time
            def run(mini_batch):
                open(%r, "w").close()
                while not os.path.exists(%r):
                    time.sleep(0.01)
                return [os.path.basename(p) for p in mini_batch]
        """ % (self.path("begun"), self.path("go")))
        self.pipeline(score=PARALLEL % "in", other=command("true"))
        p = self.start("run", "flow.yml")
        wait_until(lambda: os.path.exists(self.path("begun")), "it runs")
        self.assertRegex(self.prs("why").stdout, "score +running")
        self.assertRegex(self.prs("why", "last/score").stdout, "process000")
        r = self.prs("cancel", "last/score")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(p.wait(), 1, self.said())
        self.assertEqual(self.states()["score"], "FAILED")
        self.write("go", "")
        self.resume("--retry-failed")
        self.assertEqual(set(self.states().values()), {"DONE"})


class BudgetTest(PipelineCase):
    def test_steps_side_by_side(self):
        """Two commands that wait for each other run on two cores; on one the second never begins before the first ends."""
        meet = "touch %s/%s; for i in $(seq 600); do test -e %s/%s && exit; sleep 0.05; done; exit 1"
        self.pipeline(a=command(meet % (self.dir, "a", self.dir, "b")), b=command(meet % (self.dir, "b", self.dir, "a")))
        if len(os.sched_getaffinity(0)) > 1:
            self.run_flow()
        self.clean()
        self.one_core()
        self.pipeline(a=command("test ! -e %s/c; touch %s/d; sleep 0.2; test ! -e %s/c" % ((self.dir,) * 3)),
                      b=command("test -e %s/d; touch %s/c" % ((self.dir,) * 2)))
        self.run_flow()

    def test_one_that_is_larger_than_the_machine_runs_alone(self):
        self.files(4)
        wide = PARALLEL.replace("max_concurrency_per_instance: 1", "max_concurrency_per_instance: 64") % "in"
        self.pipeline(a=command("true"), wide=wide, b=command("true"))
        self.run_flow()
        ends = [(f["step"], f["state"]) for f in self.journal("STEP")]
        self.assertLess(ends.index(("a", "DONE")), ends.index(("wide", "RUNNING")))
        self.assertLess(ends.index(("wide", "DONE")), ends.index(("b", "RUNNING")))
