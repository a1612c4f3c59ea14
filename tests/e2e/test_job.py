# SPDX-License-Identifier: Apache-2.0
"""Jobs from end to end: order of rows, kill points, failed tries, thresholds, the read-only commands."""
import glob
import json
import os
import textwrap

from prs_job import SCRIPT, JobCase


class JobTest(JobCase):
    def test_rows_in_input_order_for_any_process_count(self):
        want = self.files(100)
        self.write("code/score.py", textwrap.dedent(SCRIPT))
        for processes in ("1", "2", "16"):
            r = self.run_job("--processes", processes, "--overwrite")
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertEqual(self.output(), want)

    def test_script_that_is_a_link(self):
        """Its neighbours are where it lies, as with Python."""
        want = self.files(10)
        self.write("far/lib/real.py", "import beside\n" +
                   textwrap.dedent(SCRIPT).replace("open(p).read()", "open(p).read() + beside.x"))
        self.write("far/lib/beside.py", "x = ''\n")
        self.write("code/other.py", "1 / 0\n")
        os.symlink("../far/lib/real.py", self.path("code/score.py"))
        os.symlink("lib/real.py", self.path("far/link.py"))
        for words in (("code/score.py",), ("far/link.py",), ("far/link.py", "--code", "far")):
            r = self.prs("run", *words, "--input", "in", "--output", "out.txt", "--overwrite")
            self.assertEqual((r.returncode, self.output()), (0, want), r.stderr)
            r = self.prs("test", *words, "--input", "in", "--limit", "1")
            self.assertEqual((r.returncode, r.stdout), (0, want), r.stderr)
        self.assertEqual(len(glob.glob(self.path("runs/score-*"))), 1)
        self.write("job.yml", "type: parallel\ninputs: {data: {type: uri_folder, path: ./in}}\noutputs: {rows: {type: uri_file}}\ninput_data: ${{inputs.data}}\n"
                   "task:\n  type: run_function\n  code: ./far\n  entry_script: link.py\n  append_row_to: ${{outputs.rows}}\n")
        r = self.prs("run", "job.yml", "--output", "out.txt", "--overwrite")
        self.assertEqual((r.returncode, self.output()), (0, want), r.stderr)

    def test_script_of_a_job_file_that_links_out(self):
        """The job names the folder of the code: it stays the code."""
        want = self.files(10)
        self.write("far/real.py", "import near\n" + textwrap.dedent(SCRIPT))
        self.write("code/near.py", "")
        os.symlink("../far/real.py", self.path("code/score.py"))
        r = self.run_job("--code", "code")
        self.assertEqual((r.returncode, self.output()), (0, want), r.stderr)
        self.write("job.yml", "type: parallel\ninputs: {data: {type: uri_folder, path: ./in}}\noutputs: {rows: {type: uri_file}}\ninput_data: ${{inputs.data}}\n"
                   "task:\n  type: run_function\n  code: ./code\n  entry_script: score.py\n  append_row_to: ${{outputs.rows}}\n")
        r = self.prs("run", "job.yml", "--output", "out.txt", "--overwrite")
        self.assertEqual((r.returncode, self.output()), (0, want), r.stderr)

    def test_exception_is_retried_and_fails_alone(self):
        self.files(20)
        self.write("code/score.py", textwrap.dedent("""
            def run(mini_batch):
                if any(p.endswith("f0008") for p in mini_batch): raise ValueError("bad digit")
                return mini_batch
        """))
        r = self.run_job()
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(len(self.output().splitlines()), 13)
        self.assertIn("bad digit", r.stderr)
        [path] = glob.glob(os.path.join(self.dir, "runs", "*", "logs", "user", "error", "127.0.0.1"))
        tries = sum(open(os.path.join(path, n)).read().count("ValueError: bad digit") for n in os.listdir(path))
        self.assertEqual(tries, 3)

    def test_crash_of_a_process(self):
        want = self.files(30)
        self.write("code/score.py", textwrap.dedent("""
            import os, signal
            MARK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "crashed")
            def run(mini_batch):
                if not os.path.exists(MARK):
                    open(MARK, "w").close()
                    os.kill(os.getpid(), signal.SIGSEGV)
                return ["%s: %s" % (os.path.basename(p), open(p).read()) for p in mini_batch]
        """))
        r = self.run_job()
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), want)

    def test_timeout(self):
        self.files(14)
        self.write("code/score.py", textwrap.dedent("""
            import threading
            def run(mini_batch):
                if any(p.endswith("f0000") for p in mini_batch): threading.Event().wait()
                return mini_batch
        """))
        r = self.run_job("--run-invocation-timeout", "3", "--run-max-try", "2")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(len(self.output().splitlines()), 7)

    def test_error_threshold(self):
        self.files(28)
        self.write("code/score.py", "def run(mini_batch): return mini_batch[:6]\n")
        self.assertEqual(self.run_job("--error-threshold", "4").returncode, 0)
        os.remove(os.path.join(self.dir, "out.txt"))
        self.assertEqual(self.run_job("--error-threshold", "3").returncode, 1)

    def test_status_check_and_dump(self):
        self.files(20)
        self.write("code/score.py", textwrap.dedent(SCRIPT))
        r = self.run_job("--processes", "2", kill="store.assemble.before_rename:1")
        self.assertIn("interrupted", self.prs("status", "last").stdout)
        self.assertEqual(self.prs("resume", "last").returncode, 0, r.stderr)
        status = json.loads(self.prs("status", "last", "--json").stdout)
        self.assertEqual((status["state"], status["done"], status["rows"]), ("completed", 3, 20))
        self.assertIn("0 problems", self.prs("check", "last").stdout)
        lines = self.prs("dump", "journal", "last", "--json").stdout.splitlines()
        self.assertTrue(all(json.loads(line) for line in lines))
        self.assertIn("RULE", self.prs("dump", "plan", "last").stdout)
        [segment] = [p for p in glob.glob(os.path.join(self.dir, "runs", "*", "seg", "*.seg"))
                     if os.path.getsize(p) > 64]
        with open(segment, "r+b") as f:
            f.seek(150)
            f.write(b"#")
        r = self.prs("check", "last")
        self.assertEqual(r.returncode, 1)
        self.assertIn("checksum", r.stdout)

    def test_mistakes_are_told_at_once(self):
        r = self.prs("run", "nothing.py", "--input", "nowhere", "--model", "x")
        self.assertEqual(r.returncode, 2)
        self.assertIn("nothing.py", r.stderr)
        self.assertIn("nowhere", r.stderr)
        self.assertIn("NAME=PATH", r.stderr)
        r = self.prs("run", "x.py", "--mini-batch-sise", "3")
        self.assertIn("did you mean --mini-batch-size", r.stderr)
