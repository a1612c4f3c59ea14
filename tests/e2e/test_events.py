# SPDX-License-Identifier: Apache-2.0
"""events.jsonl and --json against docs/events.schema.json, strictly: no key that the schema does not know."""
import glob
import json
import os
import signal

import jsonschema

from prs_job import JobCase

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
SCRIPT = """
import os, signal
def run(mini_batch):
    for p in mini_batch:
        if p.endswith("f0003"): raise ValueError("bad '%s'" % p)
        if p.endswith("f0007"): os.kill(os.getpid(), signal.SIGSEGV)
        if p.endswith("f0011"): return mini_batch[1:]
    return mini_batch
"""


class EventsTest(JobCase):
    @classmethod
    def setUpClass(cls):
        with open(os.path.join(ROOT, "docs", "events.schema.json"), encoding="utf-8") as f:
            cls.schema = json.load(f)
        cls.known = {v["title"] for v in cls.schema["oneOf"]}
        for variant in cls.schema["oneOf"]:
            variant["additionalProperties"] = False

    def check(self, lines):
        """The types of the lines, each of which obeys the schema."""
        seen = set()
        for line in lines:
            event = json.loads(line)
            [variant] = [v for v in self.schema["oneOf"] if v["title"] == event["type"]]
            jsonschema.validate(event, {**variant, "$defs": self.schema["$defs"]})
            seen.add(event["type"])
        return seen

    def test_failures_resume_and_end(self):
        self.files(20)
        self.write("code/score.py", SCRIPT)
        r = self.run_job("--mini-batch-size", "1", "--run-max-try", "2", "--json",
                         kill="store.assemble.before_rename:1")
        self.assertEqual(r.returncode, -signal.SIGKILL, r.stderr)
        first = self.check(r.stdout.splitlines())
        r = self.prs("resume", "last", "--json", "--set", "run_max_try=3")
        self.assertEqual(r.returncode, 0, r.stderr)
        second = self.check(r.stdout.splitlines())
        [path] = glob.glob(os.path.join(self.dir, "runs", "*", "logs", "events.jsonl"))
        with open(path, encoding="utf-8") as f:
            seen = self.check(f)
        self.assertLessEqual(first | second, seen | {"end"})
        self.assertGreaterEqual(seen, {"run_started", "node_up", "planned", "process_started", "init_done",
                                       "process_ended", "mini_batch_done", "try_failed",
                                       "mini_batch_failed", "setting_changed", "state", "published", "finished"})
        self.assertLessEqual(seen, self.known)

    def test_init_failures(self):
        self.files(2)
        self.write("code/score.py", "def init(): raise RuntimeError('no')\ndef run(mini_batch): return mini_batch\n")
        r = self.run_job("--json")
        self.assertEqual(r.returncode, 1)
        self.assertGreaterEqual(self.check(r.stdout.splitlines()), {"init_failed", "process_ended", "finished"})

    def test_a_wrong_event_is_seen(self):
        with self.assertRaises(jsonschema.ValidationError):
            self.check(['{"type":"planned","time":"2026-01-02T03:04:05.000006Z","mini_batches":1,"items":-1,"complete":true}'])
        with self.assertRaises(jsonschema.ValidationError):
            self.check(['{"type":"planned","time":"2026-01-02T03:04:05.000006Z","mini_batches":1,"items":1,"complete":true,"more":1}'])
