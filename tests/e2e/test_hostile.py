# SPDX-License-Identifier: Apache-2.0
"""Entry scripts that break what they stand on: right rows, right blame, no process left behind."""
import os
import textwrap

from prs_job import JobCase


def processes_of(folder):
    """Processes whose environment or working folder belongs to a run below `folder`."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink("/proc/%s/cwd" % pid).startswith(folder):
                found.append(int(pid))
        except OSError:
            pass
    return found


class HostileTest(JobCase):
    """Each script misbehaves in the mini-batch that holds f0008, in its first try only; the job must not lose a row."""

    def script(self, misdeed, before=""):
        self.write("code/score.py", textwrap.dedent("""
            import os, sys, signal, subprocess, threading
            MARK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mark")
            %s
            def misdeed():
                %s
            def run(mini_batch):
                if any(p.endswith("f0008") for p in mini_batch) and not os.path.exists(MARK):
                    open(MARK, "w").close()
                    misdeed()
                return ["%%s: %%s" %% (os.path.basename(p), open(p).read()) for p in mini_batch]
        """) % (before, misdeed))

    def check(self, misdeed, before="", *options):
        want = self.files(28)
        self.script(misdeed, before)
        r = self.run_job(*options)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), want)
        self.assertEqual(processes_of(self.dir), [])

    def test_os_exit(self):
        self.check("os._exit(0)")

    def test_sys_exit(self):
        self.check("sys.exit()")

    def test_segmentation_fault(self):
        self.check("os.kill(os.getpid(), signal.SIGSEGV)")

    def test_stopped_process(self):
        self.check("os.kill(os.getpid(), signal.SIGSTOP)", "", "--run-invocation-timeout", "0.5")

    def test_child_that_returns(self):
        self.check("os.fork()")

    def test_child_that_keeps_the_socket(self):
        self.check("subprocess.Popen(['sleep', '1000'], close_fds=False); os._exit(1)")

    def test_setsid_child(self):
        self.check("subprocess.Popen(['setsid', 'sleep', '1000'])")

    def test_closed_descriptors(self):
        self.check("os.closerange(3, 256)")

    def test_all_descriptors_closed(self):
        self.check("os.closerange(3, 1 << 16)")

    def test_thread_that_never_ends(self):
        self.check("threading.Thread(target=threading.Event().wait).start()")

    def test_chdir(self):
        self.check("os.chdir('/')")

    def test_binary_prints(self):
        self.check("os.write(1, bytes(range(256)) * 100); print('\\udcff')")

    def test_pool_of_processes(self):
        self.check("[p.join() for p in CHILDREN]",
                   "import multiprocessing\nCHILDREN = []\ndef init(): CHILDREN.extend(multiprocessing.Process(target=len, args=('x',)) for _ in '12'); [c.start() for c in CHILDREN]")

    def test_large_rows(self):
        self.files(4)
        self.write("code/score.py", "def run(mini_batch): return ['%s' % (p[-1] * (10 << 20)) for p in mini_batch]\n")
        r = self.run_job("--mini-batch-size", "2")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual([(line[0], len(line)) for line in self.output().splitlines()], [(str(i), 10 << 20) for i in range(4)])
