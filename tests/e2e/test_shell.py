# SPDX-License-Identifier: Apache-2.0
"""Completion, man page, doctor: what is made from the tables works in the programs it is made for."""
import json
import os
import shutil
import subprocess

from prs_job import PRS, JobCase


class ShellTest(JobCase):
    def complete(self, *words):
        script = self.prs("completion", "bash").stdout
        ask = '\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _prs; printf "%s\\n" "${COMPREPLY[@]}"'
        r = subprocess.run(["bash", "-c", script + ask, "bash", *words], cwd=self.dir, check=True,
                           stdout=subprocess.PIPE, universal_newlines=True)
        return r.stdout.split()

    def test_bash(self):
        self.assertEqual(self.complete("prs", "resu"), ["resume"])
        self.assertEqual(self.complete("prs", "run", "--run-inv"), ["--run-invocation-timeout"])
        self.assertEqual(self.complete("prs", "run", "--logging-level", "I"), ["INFO"])
        self.assertIn("--takeover", self.complete("prs", "resume", "--t"))
        os.makedirs(os.path.join(self.dir, "runs", "score-1"))
        self.assertEqual(self.complete("prs", "status", ""), ["last", "score-1"])
        self.assertEqual(self.complete("prs", "help", "dump"), ["dump"])
        self.assertNotIn("--bench-no-sync", self.complete("prs", "run", "--b"))

    def test_only_what_a_command_takes(self):
        os.makedirs(self.path("runs/score-1"))
        os.makedirs(self.path("in"))
        for words, offered in ((("list", ""), []), (("version", ""), []), (("doctor", ""), []),
                               (("dump", ""), ["journal", "plan", "segment"]), (("dump", "plan", ""), ["last", "score-1"]),
                               (("completion", ""), ["bash", "zsh"]), (("errors", "RUN_TIMEO"), ["RUN_TIMEOUT"]),
                               (("options", "run-max"), ["run-max-try"]), (("init", ""), ["in", "runs"]),
                               (("replay", ""), ["last", "score-1"]), (("replay", "last", ""), []),
                               (("status", "score-1", ""), []), (("clean", "score-1", "sc"), ["score-1"]),
                               (("run", "-i", ""), ["in", "runs"]), (("run", "--processes", ""), []),
                               (("run", "-i", "in", "--logging-level", "W"), ["WARNING"]),
                               (("run", "--on-failure", "=", "b"), ["bisect"]),
                               (("run", "--on-failure", "="), ["bisect", "fail"]),
                               (("run", "-i", "in", "r"), ["runs"]), (("run", "-i", "=", "in", "r"), ["runs"]),
                               (("run", "--only-failed", ""), ["last", "score-1"]),
                               (("resume", "--on-failure", "f"), ["fail"]), (("status", "--on-failure", "f"), []),
                               (("resume", "--inp"), []), (("resume", "--run-max"), ["--run-max-try"]),
                               (("status", "--run-max"), [])):
            with self.subTest(" ".join(words)):
                self.assertEqual(sorted(self.complete("prs", *words)), offered)

    def test_every_flag_that_is_offered_is_taken(self):
        for command in self.complete("prs", ""):
            for flag in self.complete("prs", command, "--"):
                r = self.prs(command, flag + "=", "--no-such-option")
                self.assertNotIn("option %s:" % flag, r.stderr)
                self.assertNotIn("option %s;" % flag, r.stderr)

    def test_zsh(self):
        script = self.prs("completion", "zsh").stdout
        self.assertTrue(script.startswith("#compdef prs"))
        self.assertIn("'--run-max-try:", script)
        if shutil.which("zsh"):
            subprocess.run(["zsh", "-n"], input=script, check=True, universal_newlines=True)

    def test_another_shell(self):
        r = self.prs("completion", "fish")
        self.assertEqual((r.returncode, r.stdout), (2, ""))
        self.assertIn('expected bash or zsh, found "fish"', r.stderr)

    def test_man_page(self):
        page = self.prs("_man").stdout
        for part in ("prs run", "prs resume", "\\-\\-run\\-max\\-try", ".SH ENVIRONMENT"):
            self.assertIn(part, page)
        for line in page.splitlines():
            self.assertNotRegex(line, r"^'")
            self.assertRegex(line, r"^[^.]|^\.(TH|SH|SS|B|I|TP|PP|nf|fi)\b|^$")

    def test_doctor(self):
        os.makedirs(os.path.join(self.dir, "somewhere"))
        r = self.prs("doctor", "--dir", "somewhere", "--json")
        self.assertEqual(r.returncode, 0, r.stdout)
        found = {f["what"]: f for f in map(json.loads, r.stdout.splitlines())}
        self.assertLessEqual({"kernel", "/proc", "python", "O_EXCL", "sync", "rename", "shared memory"}, set(found))
        self.assertEqual(os.listdir(os.path.join(self.dir, "somewhere")), [])

    def test_doctor_finds_what_is_wrong(self):
        r = self.prs("doctor", "--dir", "nowhere")
        self.assertEqual(r.returncode, 1)
        self.assertIn("No such file or directory", r.stdout)
        self.assertIn("-> create it, or name another one", r.stdout)
        self.assertNotIn("\033", r.stdout)
        r = subprocess.run([PRS, "doctor"], cwd=self.dir, env={"PATH": "/nowhere"}, stdout=subprocess.PIPE,
                           universal_newlines=True)
        self.assertEqual(r.returncode, 1)
        self.assertIn("Python 3.8 or later", r.stdout)
