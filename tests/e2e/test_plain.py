# SPDX-License-Identifier: Apache-2.0
"""The terminal belongs to the user: whatever a file, a message or somebody else's run folder is called, no control character and nothing that
turns the reading direction reaches a screen or a log."""
import glob
import json
import os
import re
import shutil
import subprocess
import unicodedata

from prs_job import JobCase

# ESC, BEL, DEL, carriage return; CSI and NEL of C1; right-to-left override; isolates; a line separator
ODD = "\x1b[2J\x07\x7f\r\u009b2K\u0085\u202egnp\u2066x\u2069\u2028"
SHOWN = "\\x1b[2J\\x07\\x7f\\r\\u009b2K\\u0085\\u202egnp\\u2066x\\u2069\\u2028"
OURS = re.compile("\n|\t|\x1b\\[[0-9;]*[mKAJ]|\r\x1b\\[K")  # line ends and what the live screen does itself


class PlainTest(JobCase):
    def check(self, text, what):
        """No control character but line feeds and tabs, no character that turns the direction."""
        for c in OURS.sub("", text):
            self.assertFalse(unicodedata.category(c) in ("Cc", "Zl", "Zp") or unicodedata.bidirectional(c) in
                             ("RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI"),
                             "%s: %r in %r" % (what, c, text[:2000]))

    def shown(self, *words):
        r = subprocess.run([os.environ["PRS"], *words], cwd=self.dir, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, timeout=120)
        text = (r.stdout + r.stderr).decode("utf-8", "strict")
        self.check(text, " ".join(words))
        return text

    def test_names_and_messages(self):
        for name in ("a" + ODD, "b"):
            self.write("in/" + name, name)
        self.script("""
            import os
            ODD = %r
            def run(mini_batch):
                if os.path.basename(mini_batch[0]).startswith("a"):
                    raise ValueError("no " + ODD)
                return [os.path.basename(p) for p in mini_batch]
        """ % ODD)
        run = ("run", "code/score.py", "--input", "in", "--mini-batch-size", "1", "--run-max-try", "1")
        text = self.shown(*run, "--output", "out.txt")
        run_dir = self.run_dir()
        self.assertIn("ValueError: no " + SHOWN, text)
        for words in (("status",), ("why",), ("logs",), ("logs", "--errors"), ("dump", "plan"), ("dump", "journal"),
                      ("dump", "segment"), ("check",), ("list",),
                      run + ("--output", "out.txt"), ("run", "code/score.py", "--input", "in/a" + ODD + "x"),
                      ("status", "no" + ODD), ("n" + ODD,),
                      ("errors", ODD), ("options", ODD),
                      ("plan", "code/score.py", "--input", "in/a" + ODD, "--name", ODD)):
            self.shown(*words)
        job = json.loads(self.shown("plan", "code/score.py", "--input", "in", "--env", "A=" + ODD, "--json"))
        self.assertEqual([pair["value"] for pair in job["environment"]], [ODD])
        own = ("user/stdout", "user/stderr", "user/error/", "user/entry_script_log")  # the script's words as they are
        logs = os.path.join(run_dir, "logs")
        for path in glob.glob(os.path.join(logs, "**"), recursive=True) + glob.glob(os.path.join(run_dir, "*.jsonl")):
            if os.path.isfile(path) and not os.path.relpath(path, logs).startswith(own):
                with open(path, encoding="utf-8") as f:
                    self.check(f.read(), path)
        with open(os.path.join(run_dir, "failed_items.jsonl"), encoding="utf-8") as f:
            row = json.loads(f.readline())
        self.assertEqual(row["path"], self.path("in", "a" + ODD))
        self.assertIn("ValueError: no " + ODD[:6], row["message"])

    def test_the_result_of_a_job_that_failed(self):
        """job_result.txt has the first traceback then."""
        self.write("in/a" + ODD, "a")
        self.script("def run(mini_batch):\n    raise ValueError('no ' + %r + '\\nsecond line')" % ODD)
        self.shown("run", "code/score.py", "--input", "in", "--run-max-try", "1")
        with open(os.path.join(self.run_dir(), "logs", "job_result.txt"), encoding="utf-8") as f:
            text = f.read()
        self.check(text, "job_result.txt")
        self.assertIn("\nValueError: no %s\nsecond line\n" % SHOWN, text)

    def test_a_run_folder_of_somebody_else(self):
        self.files(1)
        self.script("def run(mini_batch): return mini_batch")
        self.assertEqual(self.prs(*self.words).returncode, 0)
        other = os.path.join(self.dir, "runs", "z" + ODD)
        shutil.copytree(self.run_dir(), other)
        with open(os.path.join(other, "RUN")) as f:
            text = f.read()
        text = re.sub(r"(?m)^(id [0-9a-f]{32} ).*$", lambda m: m.group(1) + "z" + ODD.replace("\u2028", ""), text)
        with open(os.path.join(other, "RUN"), "w") as f:
            f.write(text)
        for words in (("list",), ("status", other), ("why", other), ("check", other), ("logs", other),
                      ("output", other), ("dump", "plan", other),
                      ("resume", other), ("cancel", other), ("clean", other, "--dry-run"), ("replay", other, "7"),
                      ("list", "--json")):
            self.shown(*words)
