# SPDX-License-Identifier: Apache-2.0
"""Entry scripts that break what they stand on: right rows, right blame, no process left behind."""
import glob
import os
import resource
import signal
import socket
import subprocess
import textwrap

from prs_job import JobCase, state_of, wait_until

RUN_EXCEPTION, RUN_EXIT, RUN_TIMEOUT, RUN_CRASH, SOCKET_CLOSED, MEMORY_LIMIT, PROTOCOL = 100, 101, 102, 104, 107, 110, 12

SCRIPT = """
import ctypes, faulthandler, multiprocessing, os, resource, shutil, signal, subprocess, sys, threading, time
ROOT = %(root)r
MARK = os.path.join(ROOT, "mark")

def note(pid):
    with open(os.path.join(ROOT, "pids"), "a") as f:
        f.write("%%d\\n" %% pid)

def wait_for_ever():
    while True:
        signal.pause()

def length(text):
    return len(text)

%(before)s

def misdeed(mini_batch):
%(misdeed)s

def run(mini_batch):
    if any(p.endswith("f0008") for p in mini_batch) and not os.path.exists(MARK):
        open(MARK, "w").close()
        misdeed(mini_batch)
    return ["%%s: %%s" %% (os.path.basename(p), open(p).read()) for p in mini_batch]
"""


def low_descriptors():
    """The worker's own descriptors are below 1024 then."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def high_descriptors():
    """There is room above 1024, where the worker's own descriptors go then; a shell's usual limit leaves none."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, hard))


class HostileCase(JobCase):
    """The script misbehaves in the mini-batch that holds f0008 (1), in its first try only; the job must not lose a
    row."""

    def hostile(self, misdeed, before=""):
        self.want = self.files(28)
        self.write("code/score.py", SCRIPT % {"root": self.dir, "before": textwrap.dedent(before),
                                              "misdeed": textwrap.indent(textwrap.dedent(misdeed), "    ")})

    def noted(self):
        with open(self.path("pids")) as f:
            return [int(line) for line in f]

    def check_end(self, tries):
        self.assertEqual(self.output(), self.want)
        self.assertEqual([(t["id"], t["try"], t["code"]) for t in self.journal("TRY")],
                         [(1, i + 1, code) for i, code in enumerate(tries)])
        self.check_no_strays()
        if os.path.exists(self.path("pids")):
            alive = [pid for pid in self.noted() if (state_of(pid) or "Z")[0] != "Z"]
            self.assertEqual(alive, [])

    def check(self, misdeed, tries=(), before="", options=(), preexec=None, stdin=subprocess.DEVNULL):
        self.hostile(misdeed, before)
        p = self.start(*self.words, *options, preexec_fn=preexec, stdin=stdin)
        self.assertEqual(p.wait(), 0, self.said())
        self.check_end(tries)


class EndTest(HostileCase):
    """The process ends, or hangs, in run()."""

    def test_os_exit(self):
        self.check("os._exit(0)", [RUN_EXIT])

    def test_os_exit_with_a_status(self):
        self.check("os._exit(3)", [RUN_EXIT])
        [t] = self.journal("TRY")
        self.assertEqual(t["exit"] >> 8, 3)
        self.assertIn("exit status 3", t["message"])

    def test_sys_exit(self):
        self.check("sys.exit()", [RUN_EXIT])

    def test_keyboard_interrupt(self):
        self.check("raise KeyboardInterrupt", [RUN_EXIT])

    def test_segmentation_fault(self):
        self.check("ctypes.string_at(0)", [RUN_CRASH])
        [t] = self.journal("TRY")
        self.assertEqual(t["exit"], signal.SIGSEGV)
        self.assertNotIn("in misdeed", t["message"])  # Python's stack is the traceback, which no kind of error counts
        self.assertIn("in misdeed", self.prs("logs", "--process", "0", "--errors").stdout +
                      self.prs("logs", "--process", "1", "--errors").stdout)

    def test_stack_overflow(self):
        self.check("faulthandler._stack_overflow()", [RUN_CRASH])

    def test_endless_recursion(self):
        self.check("def f(): return f()\nf()", [RUN_EXCEPTION])

    def test_abort_and_kill(self):
        self.check("os.abort()", [RUN_CRASH])

    def test_killed(self):
        self.check("os.kill(os.getpid(), signal.SIGKILL)", [RUN_CRASH])

    def test_killed_after_an_exception(self):
        """What stderr holds of an earlier failure, reported then, is no cause of this one."""
        self.files(2)
        self.script("""
            import os, sys
            def run(mini_batch):
                if mini_batch.task_id == 0:
                    raise ValueError("an earlier failure")
                print("about to die", file=sys.stderr, flush=True)
                os.kill(os.getpid(), 9)
        """)
        r = self.run_job("--mini-batch-size", "1", "--processes", "1", "--run-max-try", "1")
        self.assertEqual(r.returncode, 1, r.stderr)
        [crash] = [t for t in self.journal("TRY") if t["code"] == RUN_CRASH]
        self.assertIn("about to die", crash["message"])
        self.assertNotIn("earlier", crash["message"])
        with open(os.path.join(self.run_dir(), "logs/user/error/127.0.0.1/process000.txt")) as f:
            self.assertEqual(f.read().count("earlier"), 2)  # the line and its message

    def test_both_processes_crash_at_once(self):
        """The end of one is not taken for that of the other."""
        self.want = self.files(28)
        self.script("""
            import os, signal, time
            ROOT = %r
            def run(mini_batch):
                mark = os.path.join(ROOT, "mark%%d" %% mini_batch.task_id)
                if mini_batch.task_id < 2 and not os.path.exists(mark):
                    open(mark, "w").close()
                    while not (os.path.exists(os.path.join(ROOT, "mark0")) and os.path.exists(os.path.join(ROOT, "mark1"))):
                        time.sleep(0.001)
                    os.kill(os.getpid(), (signal.SIGUSR1, signal.SIGUSR2)[mini_batch.task_id])
                return ["%%s: %%s" %% (os.path.basename(p), open(p).read()) for p in mini_batch]
        """ % self.dir)
        for _ in range(5):
            self.clean()
            for i in "01":
                if os.path.exists(self.path("mark" + i)):
                    os.remove(self.path("mark" + i))
            p = self.start(*self.words)
            self.assertEqual(p.wait(), 0, self.said())
            self.assertEqual(self.output(), self.want)
            self.assertEqual(sorted((t["id"], t["code"], t["exit"]) for t in self.journal("TRY")),
                             [(0, RUN_CRASH, signal.SIGUSR1), (1, RUN_CRASH, signal.SIGUSR2)])

    def test_stopped(self):
        self.check("os.kill(os.getpid(), signal.SIGSTOP)", [RUN_TIMEOUT], options=["--run-invocation-timeout", "3"])

    def test_hang_that_ignores_sigterm(self):
        self.check("signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwait_for_ever()", [RUN_TIMEOUT],
                   options=["--run-invocation-timeout", "3"])

    def test_hang_with_all_signals_blocked(self):
        self.check("signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwait_for_ever()", [RUN_TIMEOUT],
                   options=["--run-invocation-timeout", "3"])

    def test_hang_with_a_child_that_ignores_sigterm(self):
        self.check("""
            p = subprocess.Popen(["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1000; done"], stdout=subprocess.PIPE)
            note(p.pid)
            p.stdout.readline()
            wait_for_ever()
        """, [RUN_TIMEOUT], options=["--run-invocation-timeout", "3"])

    def test_memory_limit_set_by_the_script(self):
        self.check("""
            resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
            x = []
            while True:
                x.append(bytearray(1 << 24))
        """, [RUN_EXCEPTION])


class ChildTest(HostileCase):
    """Processes that the script starts and leaves."""

    def test_child_that_returns(self):
        self.check("os.fork()")

    def test_child_that_raises(self):
        self.check("if not os.fork(): raise ValueError('in the child')")

    def test_child_that_returns_from_init(self):
        self.check("pass", before="def init(): os.fork()")

    def test_child_that_returns_from_import(self):
        self.check("pass", before="os.fork()")

    def test_child_that_keeps_the_socket(self):
        self.check("""
            pid = os.fork()
            if pid == 0:
                wait_for_ever()
            note(pid)
            os._exit(1)
        """, [RUN_EXIT])

    def test_setsid_child(self):
        self.check("note(subprocess.Popen(['sleep', '1000'], start_new_session=True).pid)")

    def test_child_in_its_own_group(self):
        self.check("note(subprocess.Popen(['sleep', '1000'], preexec_fn=os.setpgrp).pid)")

    def test_what_a_dead_process_leaves_is_gone_while_the_job_goes_on(self):
        """It may hold a GPU or a port that the next try needs."""
        self.hostile("note(subprocess.Popen(['sleep', '1000'], start_new_session=True).pid)\nos.kill(os.getpid(), signal.SIGKILL)")
        with open(self.path("code/score.py"), "a") as f:
            f.write(textwrap.dedent("""
                rows_of = run
                def run(mini_batch):
                    while os.path.exists(MARK) and os.path.exists(ROOT + "/pids") and os.path.exists("/proc/" + open(ROOT + "/pids").read().strip()):
                        time.sleep(0.01)
                    return rows_of(mini_batch)
            """))
        p = self.start(*self.words, "--run-invocation-timeout", "20")
        self.assertEqual(p.wait(), 0, self.said())
        self.check_end([RUN_CRASH])

    DAEMON = """
        read, write = os.pipe()
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.chdir("/")
                note(os.getpid())
                os.close(write)
                os.execve("/bin/sleep", ["sleep", "1000"], {})
            os._exit(0)
        os.close(write)
        os.read(read, 1)
    """

    def test_daemon_with_an_empty_environment(self):
        self.check(self.DAEMON)

    def test_daemon_of_a_process_that_crashes(self):
        self.check(self.DAEMON + "    os.abort()\n", [RUN_CRASH])

    def test_pool_that_is_never_joined(self):
        self.check("[note(p.pid) for p in CHILDREN]", before="""
            CHILDREN = []
            def init():
                for _ in range(2):
                    CHILDREN.append(multiprocessing.get_context("fork").Process(target=wait_for_ever))
                    CHILDREN[-1].start()
        """, options=["--task-overhead-timeout", "5"])

    def test_loader_like_that_of_torch(self):
        """Persistent daemon processes that are fed by queues."""
        self.check("assert sum(map_all(mini_batch)) == sum(map(len, mini_batch))", before="""
            context = multiprocessing.get_context("fork")
            TASKS, RESULTS = context.Queue(), context.Queue()
            def serve():
                while True:
                    RESULTS.put(length(TASKS.get()))
            def init():
                for _ in range(2):
                    context.Process(target=serve, daemon=True).start()
            def map_all(items):
                for item in items:
                    TASKS.put(item)
                return [RESULTS.get() for _ in items]
        """)

    def test_pool_by_fork(self):
        self.check("""
            with multiprocessing.get_context("fork").Pool(2) as pool:
                assert pool.map(length, list(mini_batch)) == [len(p) for p in mini_batch]
        """)

    def test_pool_by_spawn(self):
        self.check("""
            with multiprocessing.get_context("spawn").Pool(2) as pool:
                assert pool.map(length, list(mini_batch)) == [len(p) for p in mini_batch]
        """)

    def test_pool_by_forkserver(self):
        self.check("""
            with multiprocessing.get_context("forkserver").Pool(2) as pool:
                assert pool.map(length, list(mini_batch)) == [len(p) for p in mini_batch]
        """)


class OrphanTest(HostileCase):
    """What a script daemonises ends as a child of the engine."""

    def test_orphans_are_reaped_as_they_end(self):
        """A zombie counts for the user's limit of processes: none waits for the end of a worker."""
        self.files(20)
        self.script("""
            import os, time
            def run(mini_batch):
                for _ in mini_batch:
                    read, write = os.pipe()
                    if os.fork() == 0:
                        grandchild = os.fork()
                        if grandchild:
                            os.write(write, b"%d" % grandchild)
                        os._exit(0)
                    os.wait()
                    grandchild = os.read(read, 20).decode()
                    os.close(read)
                    os.close(write)
                    while os.path.exists("/proc/" + grandchild):
                        time.sleep(0.001)
                return ["%s: %s" % (os.path.basename(p), open(p).read()) for p in mini_batch]
        """)
        p = self.start(*self.words, "--run-invocation-timeout", "60", "--run-max-try", "1")
        self.assertEqual(p.wait(), 0, self.said())
        self.assertEqual(self.output(), "".join("f%04d: %d\n" % (i, i) for i in range(20)))
        self.assertEqual(self.journal("TRY"), [])


SHARED = """
    from multiprocessing import shared_memory
    block = shared_memory.SharedMemory(create=True, size=1 << 20)
    with open(os.path.join(ROOT, "blocks"), "a") as f:
        f.write(block.name.lstrip("/") + "\\n")
"""


class SharedMemoryTest(HostileCase):
    """A process that is killed in the middle leaves no shared memory: its resource tracker lives long enough to remove
    it."""

    def check_blocks(self, count=1):
        with open(self.path("blocks")) as f:
            blocks = f.read().split()
        self.assertEqual(len(blocks), count)
        self.assertEqual([b for b in blocks if os.path.exists("/dev/shm/" + b)], [])

    def check_shared(self, misdeed, tries, options=()):
        self.check(textwrap.dedent(SHARED) + misdeed, tries, options=options)
        self.check_blocks()

    def test_crash(self):
        self.check_shared("ctypes.string_at(0)", [RUN_CRASH])

    def test_exit(self):
        self.check_shared("os._exit(3)", [RUN_EXIT])

    def test_what_a_tracker_says_is_not_what_the_process_said(self):
        """It writes to the same stderr, after the death, and while the next process of the slot runs."""
        self.files(6)
        self.write("code/score.py", SCRIPT % {"root": self.dir, "before": "", "misdeed": "    pass"} + textwrap.dedent("""
            NOISE = "resource_tracker.py:224: UserWarning: resource_tracker: There appear to be 1 leaked shared_memory objects\\n  warnings.warn('resource_tracker: There\\n"
            def run(mini_batch):
                print("my last words", file=sys.stderr, flush=True)
                sys.stderr.write(NOISE)
                sys.stderr.flush()
                os._exit(3)
        """))
        r = self.run_job("--mini-batch-size", "6", "--processes", "1", "--run-max-try", "1")
        self.assertEqual(r.returncode, 1, r.stderr)
        [t] = self.journal("TRY")
        self.assertEqual(t["message"].partition("stderr ends with: ")[2].strip(), "my last words")
        self.assertNotIn("resource_tracker", r.stderr)

    def test_timeout(self):
        self.check_shared("wait_for_ever()", [RUN_TIMEOUT], options=["--run-invocation-timeout", "1"])

    def test_timeout_that_ignores_sigterm(self):
        self.check_shared("signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(1000)", [RUN_TIMEOUT],
                          options=["--run-invocation-timeout", "1"])

    def test_with_children_that_hold_it(self):
        """The tracker sees no end before they are dead, too: in the group and out of it."""
        self.check_shared("""
for own in (False, True):
    pid = os.fork()
    if pid == 0:
        if own: os.setsid()
        wait_for_ever()
    note(pid)
ctypes.string_at(0)
""", [RUN_CRASH])

    def test_memory_limit(self):
        self.check_shared("keep = []\nwhile True: keep.append(bytearray(b'x' * (8 << 20)))", [MEMORY_LIMIT],
                          options=["--memory-limit-per-process", "200MB"])

    def interrupted(self, end):
        self.hostile(textwrap.dedent(SHARED) + "wait_for_ever()")
        p = self.start(*self.words)
        wait_until(lambda: os.path.exists(self.path("blocks")) and open(self.path("blocks")).read().endswith("\n"),
                   "a block")
        end(p)
        p.wait()
        r = self.prs("resume", "last")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.check_end([])
        self.check_blocks()

    def test_ctrl_c_twice(self):
        def end(p):
            p.send_signal(signal.SIGINT)
            wait_until(lambda: "stopping" in self.said(), "the first one is seen")
            p.send_signal(signal.SIGINT)
        self.interrupted(end)

    def test_engine_killed(self):
        self.interrupted(lambda p: p.kill())

    def test_tracker_of_loky(self):
        """The same with joblib's: known by what it runs."""
        self.write("code/loky/__init__.py", "")
        self.write("code/loky/backend/__init__.py", "")
        self.write("code/loky/backend/resource_tracker.py", textwrap.dedent("""
            import os, signal
            def main(fd, mark):
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                open(mark + ".up", "w").close()
                os.read(fd, 1)  # until the last one that could write is dead
                open(mark, "w").close()
        """))
        self.check("""
            read, write = os.pipe()
            mark = os.path.join(ROOT, "cleaned")
            code = "from loky.backend.resource_tracker import main; main(%d, %r)" % (read, mark)
            subprocess.Popen([sys.executable, "-c", code], pass_fds=[read])
            os.set_inheritable(write, True)
            while not os.path.exists(mark + ".up"): time.sleep(0.001)
            ctypes.string_at(0)
        """, [RUN_CRASH])
        self.assertTrue(os.path.exists(self.path("cleaned")))

    def test_tracker_that_hangs(self):
        """It has its two seconds, while the job goes on."""
        self.check("""
            code = "from loky.backend.resource_tracker import main"
            pid = os.fork()
            if pid == 0:
                os.execv("/bin/sh", ["sh", "-c", code + " 2>/dev/null; trap '' TERM; kill -STOP $$"])
            note(pid)
            os.abort()
        """, [RUN_CRASH])


class GroundTest(HostileCase):
    """Descriptors, folders, streams, signals."""

    def test_closed_descriptors(self):
        self.check("os.closerange(3, 256)")

    def test_all_descriptors_closed(self):
        self.check("os.closerange(3, 1 << 16)", [SOCKET_CLOSED], preexec=low_descriptors)

    def test_closed_and_used_again(self):
        """The number of our socket is that of another one now: nothing of ours is sent there."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(self.path("listener"))
            listener.setblocking(False)
            self.check("""
                os.closerange(3, 1024)
                try:
                    while True:
                        KEPT.append(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
                        KEPT[-1].connect(os.path.join(ROOT, "listener"))
                except OSError:
                    pass
                for s in KEPT[:8]:
                    s.close()
            """, [SOCKET_CLOSED], before="import socket\nKEPT = []", preexec=low_descriptors)
            self.assertRaises(BlockingIOError, listener.recv, 1)

    WRITES = """
        for fd in range(3, 1024):
            try:
                os.write(fd, b"\\xff" * 100)
            except OSError:
                pass
    """

    def test_writes_to_low_descriptors(self):
        """None of them is ours: the process goes on."""
        self.check("note(os.getpid())\n" + textwrap.dedent(self.WRITES), preexec=high_descriptors)
        self.assertEqual([f for f in self.journal("PROC") if f["event"] == "KILLED" and f["pid"] in self.noted()], [])

    def test_writes_to_our_descriptors(self):
        self.check(self.WRITES, [PROTOCOL], preexec=low_descriptors)

    def test_opens_1000_files(self):
        self.check("KEPT.extend(open(os.devnull) for _ in range(1000))", before="KEPT = []", preexec=low_descriptors)

    def test_opens_too_many_files(self):
        self.check("kept = []\nwhile True: kept.append(open(os.devnull))", [RUN_EXCEPTION], preexec=low_descriptors)

    def test_chdir(self):
        self.check("os.chdir('/')")

    def test_deletes_its_folder(self):
        self.check("shutil.rmtree(os.getcwd())")

    def test_binary_prints(self):
        self.check("os.write(1, bytes(range(256)) * 100); print('\\udcff'); sys.stderr.write('\\udcff' * 1000)")

    def test_a_gigabyte_of_prints(self):
        """It goes to the files of the process, past the engine; the others go on, the logs can be shown."""
        self.check("""
            for i in range(512): print("y" * ((1 << 20) - 1))
            for i in range(512): os.write(2, b"z" * ((1 << 20) - 1) + b"\\n")
            print("the last words")
        """)
        for stream, least in (("stdout", 512), ("stderr", 512)):
            sizes = [os.path.getsize(os.path.join(folder, name))
                     for folder, _, names in os.walk(os.path.join(self.run_dir(), "logs", "user", stream))
                     for name in names]
            self.assertGreaterEqual(max(sizes), least << 20)
            self.assertLess(sum(sizes), (least << 20) + 100000)
        ends = subprocess.run(["sh", "-c", 'for n in 0 1; do "$PRS" logs --process $n | grep -a -v -e yyyy -e zzzz; done'], cwd=self.dir, stdout=subprocess.PIPE).stdout
        self.assertIn(b"the last words", ends[-10000:])

    def test_closes_its_streams(self):
        self.check("sys.stdout.close(); sys.stderr.close(); os.close(0)")

    def test_closes_its_streams_below_python(self):
        self.check("print('x', end=''); os.close(0); os.close(1); os.close(2)")

    def test_no_streams(self):
        self.check("sys.stdout = sys.stderr = sys.stdin = None")

    def test_reads_stdin(self):
        """That of the engine is not the script's."""
        self.write("typed", "what a person typed")
        with open(self.path("typed")) as typed:
            self.check("assert sys.stdin.read() == ''", stdin=typed)

    def test_changes_signal_handlers(self):
        self.check("""
            for number in set(range(1, 65)) - {signal.SIGKILL, signal.SIGSTOP, 32, 33}:
                signal.signal(number, signal.SIG_IGN)
        """)

    def test_thread_that_never_ends(self):
        self.check("threading.Thread(target=threading.Event().wait).start()")

    def test_exit_function_that_never_ends(self):
        self.check("import atexit; atexit.register(wait_for_ever)", options=["--task-overhead-timeout", "5"])

    def test_process_group_and_death_signal(self):
        self.check("""
            try:
                os.setpgrp()
            except PermissionError:
                pass
            ctypes.CDLL(None).prctl(1, 0)
        """)

    def test_rows_of_100_megabytes(self):
        self.files(3)
        self.script("def run(mini_batch): return [p[-1] * (100 << 20) for p in mini_batch]\n")
        r = self.run_job("--mini-batch-size", "1")
        self.assertEqual(r.returncode, 0, r.stderr)
        with open(self.path("out.txt")) as f:
            for i in range(3):
                self.assertTrue(f.readline() == str(i) * (100 << 20) + "\n")


class EngineTest(HostileCase):
    """What a script does to the engine: the run can be resumed, nobody is charged."""

    def interrupted(self, misdeed, status):
        self.hostile(misdeed)
        p = self.start(*self.words)
        self.assertEqual(p.wait(), status, self.said())
        r = self.prs("resume", "last")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.check_end([])

    def test_engine_killed(self):
        self.interrupted("os.kill(os.getppid(), signal.SIGKILL); wait_for_ever()", -9)

    def test_engine_terminated(self):
        self.interrupted("os.kill(os.getppid(), signal.SIGTERM)", 4)

    def test_engine_killed_by_a_process_that_does_not_die_with_it(self):
        self.hostile("""
            ctypes.CDLL(None).prctl(1, 0)
            note(os.getpid())
            os.kill(os.getppid(), signal.SIGKILL)
            wait_for_ever()
        """)
        self.assertEqual(self.start(*self.words).wait(), -9)
        self.assertIsNotNone(state_of(wait_until(self.noted, "pid of the process")[0]))
        r = self.prs("resume", "last")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.check_end([])


class LeftOverTest(HostileCase):
    """The engine is killed, a grandchild that overwrote its environment goes on: the resume finds it by what it holds
    of the run folder."""

    GRANDCHILD = """
        read, write = os.pipe()
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.close(write)
                %s
            os._exit(0)
        os.close(read)  # it waits until we are dead
        os.wait()
        while not os.path.exists(ROOT + "/pids"): time.sleep(0.001)
        os.kill(os.getppid(), signal.SIGKILL)
        wait_for_ever()
    """
    NOTED = "note(os.getpid()); os.execve('/bin/sleep', ['sleep', '1000'], %s)"

    def left_over(self, grandchild, options=(), killed=True):
        self.hostile(textwrap.dedent(self.GRANDCHILD) % grandchild)
        self.assertEqual(self.start(*self.words, *options).wait(), -9, self.said())
        [left] = wait_until(lambda: os.path.exists(self.path("pids")) and self.noted(), "the grandchild")
        self.addCleanup(lambda: state_of(left) and os.kill(left, signal.SIGKILL))
        self.assertNotEqual((state_of(left) or "Z")[0], "Z")
        r = self.prs("resume", "last")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), self.want)
        self.assertEqual((state_of(left) or "Z")[0] == "Z", killed)

    def test_found_by_its_folder(self):
        self.left_over("for fd in range(3): os.dup2(os.open('/dev/null', os.O_RDWR), fd)\n" + " " * 8 + self.NOTED % {})

    def test_found_by_an_open_file(self):
        self.left_over("os.chdir('/'); " + self.NOTED % {"PATH": "/bin"})

    def test_found_by_its_cgroup(self):
        """It keeps nothing: only a memory group, where we may make one, tells."""
        groups = "/sys/fs/cgroup/memory/prs-e2e-%d" % os.getpid()
        try:
            os.mkdir(groups)
        except OSError:
            self.skipTest("no memory cgroups here")
        os.rmdir(groups)
        self.left_over("os.chdir('/'); os.closerange(0, 1 << 20); " + self.NOTED % {},
                       options=["--memory-limit-per-process", "500MB"])
        self.assertEqual(glob.glob("/sys/fs/cgroup/memory/**/prs-%s*" % self.run_id(), recursive=True), [])

    def run_id(self):
        with open(os.path.join(self.run_dir(), "RUN")) as f:
            return next(word for word in f.read().split() if len(word) == 32)

    def test_a_reader_of_the_run_folder_is_left_alone(self):
        """A shell that stands in it, something that reads a log there."""
        self.hostile("os.kill(os.getppid(), signal.SIGKILL); wait_for_ever()")
        self.assertEqual(self.start(*self.words).wait(), -9, self.said())
        run = self.run_dir()
        with open(os.path.join(run, "RUN")) as reader:
            bystander = subprocess.Popen(["sleep", "1000"], cwd=os.path.join(run, "work", "code"), stdin=reader,
                                         start_new_session=True, env={})
        self.addCleanup(bystander.wait)
        self.addCleanup(bystander.kill)
        r = self.prs("resume", "last")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIsNone(bystander.poll())
