# SPDX-License-Identifier: Apache-2.0
"""While the output is being written: progress, Ctrl-C, a takeover, an output that appears meanwhile. A kill point holds
the writing thread."""
import os
import pty
import signal
import threading

from prs_job import SCRIPT, JobCase, wait_until


class AssemblyTest(JobCase):
    def setUp(self):
        super().setUp()
        self.want = self.files(30)
        self.script(SCRIPT)
        self.mark = self.path("held")

    def start_held(self, **more):
        p = self.start(*self.words, env={"PRS_HOLD": "store.assemble.before_write:1:" + self.mark}, **more)
        wait_until(lambda: os.path.exists(self.mark) or p.poll() is not None, "the output is begun")
        self.assertIsNone(p.poll(), self.said())
        return p

    def start_on_terminal(self):
        """The job with a terminal as stderr; what it says gathers in self.screen."""
        ours, theirs = pty.openpty()
        self.screen = b""

        def read():
            while True:
                try:
                    self.screen += os.read(ours, 1 << 16)
                except OSError:  # the job closed it
                    os.close(ours)
                    return

        p = self.start_held(stderr=theirs)
        os.close(theirs)
        threading.Thread(target=read, daemon=True).start()
        return p

    def end_of(self, p):
        os.remove(self.mark)
        return p.wait()

    def no_output(self):
        self.assertEqual([n for n in os.listdir(self.dir) if n.startswith(("out.txt", ".prs-"))], [])

    def test_progress_is_shown_and_ctrl_c_ends_resumable(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                self.clean()
                p = self.start_on_terminal()
                wait_until(lambda: b"writing the output: 0%" in self.screen, "progress")
                p.send_signal(number)
                wait_until(lambda: b"stopping" in self.screen, "the signal is heard")
                self.assertEqual(self.end_of(p), 4)
                wait_until(lambda: b"prs resume" in self.screen, "the next command")
                self.no_output()
                self.assertIn("interrupted", self.prs("status", "last").stdout)
                r = self.prs("resume", "last")
                self.assertEqual(r.returncode, 0, r.stderr)
                self.assertEqual(self.output(), self.want)
                self.check_no_strays()

    def test_takeover_while_it_is_written(self):
        p = self.start_held()
        second = self.prs("resume", "last", "--takeover")
        self.assertEqual(second.returncode, 0, second.stderr)
        self.assertEqual(self.output(), self.want)
        self.assertEqual(self.end_of(p), 3)
        self.assertIn("another engine took this run over", self.said())
        self.assertEqual(self.output(), self.want)
        self.assertEqual([n for n in os.listdir(self.dir) if n.startswith(".prs-")], [])

    def test_an_output_that_appears_is_not_replaced(self):
        p = self.start_held()
        self.write("out.txt", "mine")
        self.assertEqual(self.end_of(p), 4)
        self.assertIn("out.txt exists", self.said())
        self.assertEqual(self.output(), "mine")
        r = self.prs("resume", "last")
        self.assertEqual((r.returncode, self.output()), (4, "mine"))
        os.remove(self.path("out.txt"))
        self.assertEqual(self.prs("resume", "last").returncode, 0)
        self.assertEqual(self.output(), self.want)

    def test_killed_between_rename_and_journal(self):
        r = self.run_job(kill="store.assemble.after_rename:1")
        self.assertEqual(r.returncode, -signal.SIGKILL)
        self.assertEqual(self.output(), self.want)
        r = self.prs("resume", "last")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), self.want)
