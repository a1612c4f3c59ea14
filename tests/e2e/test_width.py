# SPDX-License-Identifier: Apache-2.0
"""Every screen at 40 and at 80 columns, on a pty: no line is wider than the terminal, but for one word that is (a path
can be copied), and nothing is lost: into a pipe the same words stand there."""
import os
import re
import unicodedata

from prs_job import SCRIPT, JobCase
from test_terminal import Terminal, visible

BROKEN = "$schema: x\ntype: paralel\nmini_batch_sise: 3\ninput_data: ${{inputs.images_with_a_long_name}}\n"


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text if not unicodedata.combining(c))


class WidthTest(JobCase):
    def make_runs(self):
        self.files(8)
        self.script("""
            def run(mini_batch):
                if mini_batch.task_id == 1:
                    raise ValueError("a sentence that is longer than forty columns, so that it must be wrapped somewhere")
                return mini_batch
        """)
        self.write("broken.yml", BROKEN)
        r = self.run_job("-b", "2", "-p", "1", "--run-max-try", "1")
        self.assertEqual(r.returncode, 0, r.stderr)

    COMMANDS = (
        ("list",), ("status",), ("plan", "code/score.py", "-i", "in", "-o", "more.txt"), ("validate", "broken.yml"),
        ("validate", "code/score.py", "-i", "in"), ("check",), ("dump", "journal"), ("dump", "plan"),
        ("clean", "--dry-run", "--older", "0s"), ("doctor",), ("options",), ("options", "run_max_try"), ("errors",),
        ("errors", "RUN_TIMEOUT"), ("help",), ("help", "run"), ("help", "resume"), ("run", "--help"), ("version",),
        ("resume",), ("why",), ("cancel",), ("output",), ("stauts",), ("run", "nothing.py", "--inptu", "x"),
        ("run", "code/score.py", "-i", "in", "-b", "2", "-p", "1", "--run-max-try", "1", "-o", "out.txt", "--overwrite"),
        ("run", "code/score.py", "-i", "in", "-b", "2", "--run-max-try", "1", "--error-threshold", "0", "-o", "o.txt"),
        ("output", "--partial"), ("init", "made"),
    )

    def too_wide(self, text, columns):
        """Lines that are wider, and that a blank could have ended before: what is left to the terminal is one word."""
        found = []
        for line in re.split(r"\r*\n|\r", text):
            words = self.split(line)
            label = len(line) - len(line.lstrip()) + 14
            alone = len(words) < 2 or self.split(line[label:]) == words[-1:]
            if width(line.rstrip()) > columns and not alone:
                found.append(line)
        return found

    def test_every_command(self):
        self.make_runs()
        found = {}
        for columns in (40, 80):
            for words in self.COMMANDS:
                if words[0] == "init":
                    words = ("init", "made%d" % columns)
                t = Terminal(self, words, columns=columns)
                t.finish()
                shown = visible(t.text)
                self.assertTrue(shown.strip(), words)
                wide = self.too_wide(shown, columns)
                if wide:
                    found[columns, words] = wide
        self.assertEqual(found, {})

    def test_doctor(self):
        """What has no room stands under what was looked at, in colours too."""
        t = Terminal(self, ("doctor",), columns=40)
        t.finish()
        lines = [line.rstrip("\r") for line in visible(t.text).split("\n")]
        first = next(i for i, line in enumerate(lines) if re.match("(ok|note|wrong) ", line.strip()))
        found = lines[first:lines.index("", first)]
        self.assertTrue(any(line.startswith(" " * 9) for line in found), found)
        for line in found:
            self.assertRegex(line, r"^  (ok   |note |wrong|     )  \S|^ {9,}-> ")

    def test_list(self):
        """A table where it has room, inputs cut from the front; else each run on lines of its own."""
        for i in range(3):
            self.write("some/folders/with/long/names/in/%d" % i, "")
        self.script(SCRIPT)
        run = self.prs("run", "code/score.py", "-i", "some/folders/with/long/names/in", "-o", "out.txt")
        self.assertEqual(run.returncode, 0, run.stderr)
        name = os.path.basename(self.run_dir())
        env = {"LC_ALL": "C.UTF-8"}
        rows = {}
        for columns in (100, 80, 60, 40):
            t = Terminal(self, ("list",), columns=columns, env=env)
            t.finish()
            rows[columns] = t.text.replace("\r", "").splitlines()
        path = "some/folders/with/long/names/in"
        for columns in (100, 80, 60):
            head, row = rows[columns]
            shown = re.match(name + r"  completed    3/3  \d:\d\d  (\S+)(  \d+ s)?$", row)
            self.assertTrue(shown, row)
            self.assertEqual(head.index("INPUT"), row.index(shown.group(1)))
            self.assertEqual(shown.group(2) is not None, columns > 60)
            self.assertTrue(shown.group(1) == path if columns == 100 else
                            path.endswith(shown.group(1)[1:]) and shown.group(1)[0] == "\u2026", row)
        self.assertEqual(len(rows[80][1]), 80)
        rows[40] = re.sub(r"\d+ s", "2 s", re.sub(r"\d:\d\d", "0:00", "\n".join(rows[40]))).split("\n")
        self.assertEqual(rows[40], [name, "  completed; 3/3 items in 0:00;", "  some/folders/with/long/names/in; 2 s", "  ago"])

    def split(self, text):
        return [word for word in text.split() if word != "\\"]

    def test_nothing_is_lost(self):
        self.make_runs()
        for words in (("status",), ("errors", "RUN_TIMEOUT"), ("plan", "code/score.py", "-i", "in", "-o", "more.txt"),
                      ("validate", "broken.yml"), ("options", "run_max_try"), ("help", "run")):
            with self.subTest(" ".join(words)):
                r = self.prs(*words)
                t = Terminal(self, words, columns=40)
                t.finish()
                same = self.split(re.sub(r"\d+ s ago", "", r.stderr + r.stdout))
                self.assertEqual(sorted(self.split(re.sub(r"\d+\s+s\s+ago", "", visible(t.text)))), sorted(same))

    def test_a_command_can_be_pasted(self):
        """It is broken with a backslash."""
        self.files(2)
        self.script("def run(mini_batch):\n    raise ValueError('no')\n")
        t = Terminal(self, ("run", "code/score.py", "-i", "in", "-b", "1", "--run-max-try", "1", "-o", "out.txt",
                            "--error-threshold", "0"), columns=40)
        t.finish()
        said = visible(t.text).replace("\r", "")
        command = re.search(r"  next +(prs (?:.*\\\n)*.*)\n", said).group(1)
        self.assertRegex(command, r"^prs [a-z]+ \\\n +score-\S+ \\\n +\S")
        self.assertEqual(self.split(command)[2], os.path.basename(self.run_dir()))

    def test_json_is_never_wrapped(self):
        self.make_runs()
        for words in (("status", "--json"), ("list", "--json"), ("plan", "code/score.py", "-i", "in", "--yaml")):
            t = Terminal(self, words, columns=40)
            t.finish()
            self.assertEqual(visible(t.text).replace("\r\n", "\n").split("\n")[0], self.prs(*words).stdout.split("\n")[0])
