# SPDX-License-Identifier: Apache-2.0
"""prs cancel, why, status --watch: a running engine asked through its socket; one that is not running."""
import json
import os
import signal
import socket
import stat

from prs_job import DEADLINE, SCRIPT, JobCase, wait_until
from test_terminal import GATED, Terminal, begun, visible


class CtlTest(JobCase):
    def running(self, *more, count=6, **options):
        self.files(count)
        self.script(GATED % {"dir": self.dir})
        p = self.start("run", "code/score.py", "-i", "in", "-b", "1", "-p", "2", "-o", "out.txt", *more, **options)
        begun(self, 1)
        return p

    def test_cancel(self):
        p = self.running()
        r = self.prs("cancel")
        [run] = os.listdir(self.path("runs"))
        self.assertEqual((r.returncode, r.stdout, r.stderr), (0, run + ": canceled\n", ""))
        self.assertEqual(p.wait(timeout=DEADLINE), 5)
        self.assertIn("Canceled: canceled by prs cancel", self.said())
        self.assertFalse(os.path.exists(self.path("out.txt")))
        self.assertFalse(os.path.exists(self.path("runs", run, "ctl")))
        self.check_no_strays()
        self.assertEqual([f["to"] for f in self.journal("STATE")][-2:], ["DRAINING", "CANCELED"])
        r = self.prs("resume")
        self.assertEqual(r.returncode, 5)
        self.assertIn("was canceled: start a new run", r.stderr)
        self.assertIn("canceled", self.prs("list").stdout)
        self.assertEqual(self.prs("cancel").returncode, 2)
        with open(self.path("runs", run, "logs/job_result.txt")) as f:
            self.assertIn("Canceled", f.read())

    def test_cancel_while_it_stops(self):
        p = self.running()
        p.send_signal(signal.SIGINT)
        wait_until(lambda: "stopping" in self.said(), "the sentence")
        self.assertEqual(self.prs("cancel").returncode, 0)
        self.assertEqual(p.wait(timeout=DEADLINE), 5)

    def test_killed_while_it_was_canceled(self):
        """The wish to cancel is journaled: the next engine only says so."""
        self.files(6)
        self.script("""
            import signal, time
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            def run(mini_batch):
                open(%r, "w").close()
                while True: time.sleep(1)
        """ % self.path("at_1"))
        p = self.start("run", "code/score.py", "-i", "in", "-b", "1", "-p", "1")
        wait_until(lambda: os.path.exists(self.path("at_1")), "mini-batch 0")
        asking = self.start("cancel")
        wait_until(lambda: "DRAINING" in self.prs("dump", "journal").stdout, "the journal")
        p.kill()
        asking.wait(timeout=DEADLINE)
        r = self.prs("resume")
        self.assertEqual(r.returncode, 5, r.stderr)
        self.assertEqual([f["to"] for f in self.journal("STATE")][-1], "CANCELED")
        self.assertEqual(json.loads(self.prs("status", "--json").stdout)["state"], "canceled")

    def test_why(self):
        p = self.running()
        r = self.prs("why")
        self.assertEqual((r.returncode, r.stderr), (0, ""))
        self.assertIn("waits for mini-batches: 2 given to a process, 4 planned\n", r.stdout)
        lines = r.stdout.splitlines()
        self.assertRegex(lines[0], r"^score-.*: running for [0-9.]+ s, 0 of 6 mini-batches finished$")
        self.assertEqual(lines[2].split(), ["PROCESS", "STATE", "PHASE", "SINCE", "MINI-BATCH", "QUEUED"])
        self.assertRegex(lines[3], r"^  process000  busy      run +[0-9.]+ s +[01] +0$")
        why = json.loads(self.prs("why", "--json").stdout)
        self.assertEqual(sorted(q["mini_batch"] for q in why["processes"]), [0, 1])
        self.assertTrue(all(os.path.exists("/proc/%d" % q["pid"]) for q in why["processes"]))
        self.write("go", "")
        self.assertEqual(p.wait(timeout=DEADLINE), 0)
        r = self.prs("why")
        self.assertEqual(r.returncode, 2)
        self.assertRegex(r.stderr, r"^prs: score-\S+ is completed: there is nothing it waits for\n$")

    def test_why_in_init(self):
        self.files(3)
        self.script("""
            import os, time
            def init():
                open(%r, "w").close()
                while not os.path.exists(%r): time.sleep(0.01)
            def run(mini_batch): return mini_batch
        """ % (self.path("at"), self.path("go")))
        p = self.start("run", "code/score.py", "-i", "in", "-p", "1")
        wait_until(lambda: os.path.exists(self.path("at")), "init()")
        wait_until(lambda: "waits for the first init()" in self.prs("why").stdout, "the input is listed")
        r = self.prs("why")
        self.assertRegex(r.stdout, r"\n  process000  init      init ")
        self.write("go", "")
        self.assertEqual(p.wait(timeout=DEADLINE), 0)

    def test_watch(self):
        p = self.running()
        t = Terminal(self, ("status", "--watch"))
        t.wait_for(r"\r?.*0/6 items.*busy 2/2")
        table = t.wait_for(r"waits for [^\n]*\n *PROCESS .* QUEUED\S*\r\n  process000  busy +run .*\r\n  process001  busy +run ")
        t.resize(40)  # rewritten in place, with all columns
        table = t.wait_for(r"\nPROCESS    PHASE    SINCE BATCH QUEUE\x1b\[K\r\nprocess000 run +[0-9.:]+ ?s? +[01] +\d\x1b\[K\r\nprocess001 run ", table)
        t.resize(30)  # cut with a mark
        t.wait_for(r"process001 run  [^\n]*(\.\.\.|\u2026)\x1b\[K", table)
        t.resize(80)
        self.write("let_0", "")
        t.wait_for(r"1/6 ")
        watching = self.start("status", "--watch", "--json", stdout=open(self.path("watch.jsonl"), "wb"))
        self.write("go", "")
        self.assertEqual(p.wait(timeout=DEADLINE), 0)
        self.assertEqual(t.finish(), 0)
        self.assertRegex(visible(t.text), r"score-\S+: completed\r\n  mini-batches  6 of 6 done")
        self.assertEqual(watching.wait(timeout=DEADLINE), 0)
        with open(self.path("watch.jsonl")) as f:
            lines = [json.loads(line) for line in f]
        self.assertEqual(lines[-1]["state"], "completed")

    def test_watch_ends_with_its_reader(self):
        self.running()
        read, write = os.pipe()
        w = self.start("status", "--watch", "--json", stdout=write)
        os.close(write)
        self.assertTrue(os.read(read, 1))
        os.close(read)
        self.assertEqual(w.wait(timeout=DEADLINE), 0)

    def test_dead_engine(self):
        p = self.running()
        p.kill()
        p.wait()
        for command in ("cancel", "why"):
            r = self.prs(command)
            self.assertEqual(r.returncode, 2)
            self.assertRegex(r.stderr, r"^prs: score-\S+ is interrupted: there is nothing .*\. Go on with: prs resume score-")
        self.assertIn(": interrupted", self.prs("status", "--watch").stdout)
        self.write("go", "")
        self.assertEqual(self.prs("resume").returncode, 0)

    def test_bytes_that_are_no_request(self):
        p = self.running()
        [run] = os.listdir(self.path("runs"))
        path = self.path("runs", run, "ctl")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        for line in (b"\n", b"cancel\n", b"{\"cmd\": 7}\n", b"{\"cmd\": \"dance\"}\n", b"\xff\xfe\n", b"[" * 3000 +
                     b"\n", b"\0\0\n"):
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(os.path.relpath(path) if len(path) > 100 else path)
                s.sendall(line)
                self.assertFalse(json.loads(s.makefile().readline())["ok"])
        self.assertIsNone(p.poll())
        self.write("go", "")
        self.assertEqual(p.wait(timeout=DEADLINE), 0)

    def test_cancel_while_the_output_is_written(self):
        """Or just before, or after: it is either canceled without an output, or completed with a whole one."""
        want = self.files(60)
        self.script(SCRIPT)
        ends = set()
        for _ in range(5):
            self.clean()
            p = self.start(*self.words)
            wait_until(lambda: os.path.exists(self.path("runs"))
                       and any(os.path.exists(self.path("runs", d, "ctl")) for d in os.listdir(self.path("runs")))
                       or p.poll() is not None, "the socket")
            self.prs("cancel")
            ends.add(p.wait(timeout=DEADLINE))
            self.assertIn(p.returncode, (0, 5))
            self.assertEqual(os.path.exists(self.path("out.txt")), p.returncode == 0)
            if p.returncode == 0:
                self.assertEqual(self.output(), want)
        self.assertTrue(ends)
