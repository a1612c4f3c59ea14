# SPDX-License-Identifier: Apache-2.0
"""Real jobs with the real program (environment PRS) in a private folder: what the end-to-end tests share.

The oracle reads the rows and the input, never the engine's counters.
"""
import contextlib
import glob
import json
import os
import shutil
import signal
import subprocess
import tempfile
import textwrap
import time
import unittest

PRS = os.environ["PRS"]
LOADER = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "python")
DEADLINE = int(os.environ.get("PRS_TEST_DEADLINE", 120))

os.environ.pop("PYTHONUNBUFFERED", None)  # a worker that does not flush would not be seen
# whoever started the tests may ignore them (nohup), which prs would respect
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
SCRIPT = """
    import os
    def run(mini_batch):
        return ["%s: %s" % (os.path.basename(p), open(p).read()) for p in mini_batch]
"""


# ---- /proc -----------------------------------------------------------------------------------------------------------


def read_proc(pid, name):
    try:
        with open("/proc/%d/%s" % (pid, name), "rb") as f:
            return f.read()
    except OSError:
        return b""


def state_of(pid):
    """(state letter, parent), or None when it is gone."""
    words = read_proc(pid, "stat").rpartition(b")")[2].split()
    return (words[0].decode(), int(words[1])) if words else None


def every_pid():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def children(pid):
    return [p for p in every_pid() if (state_of(p) or ("", 0))[1] == pid]


def workers(pid):
    """The worker processes of an engine, launchers included."""
    return [p for p in children(pid) if b"\0PRS_SLOT=" in read_proc(p, "environ")]


def family(pid):
    """A process and all that descend from it."""
    return [pid] + [p for child in children(pid) for p in family(child)]


def describe(pid):
    """One process for somebody who asks why it stands still: its threads, where the kernel holds them, what its signals
    do."""
    lines = ["%d %s" % (pid, read_proc(pid, "cmdline").replace(b"\0", b" ").decode("utf-8", "replace"))]
    for task in sorted(glob.glob("/proc/%d/task/*" % pid)):
        stat = read_proc(pid, "task/%s/stat" % os.path.basename(task)).rpartition(b")")[2].split()[:1]
        held = [read_proc(pid, "task/%s/%s" % (os.path.basename(task), name)).decode("utf-8", "replace").strip()
                for name in ("wchan", "syscall")]
        lines.append("    thread %s: %s %s" % (os.path.basename(task), b"".join(stat).decode(), " | ".join(held)))
    return "\n".join(lines + ["    " + line for line in read_proc(pid, "status").decode("utf-8", "replace").splitlines()
                              if line.startswith("Sig")])


def processes_of(folder):
    """Living processes whose environment or working folder belongs to a run below `folder`."""
    marks = []
    for path in glob.glob(os.path.join(folder, "**", "RUN"), recursive=True):
        with open(path) as f:
            marks.extend("PRS_RUN=%s." % word for word in f.read().split() if len(word) == 32)
    found = []
    for pid in every_pid():
        try:
            inside = os.readlink("/proc/%d/cwd" % pid).startswith(folder)
        except OSError:
            inside = False
        environment = read_proc(pid, "environ").decode("utf-8", "replace").split("\0")
        marked = any(entry.startswith(tuple(marks)) for entry in environment)
        if (inside or marked) and (state_of(pid) or ("Z", 0))[0] != "Z":
            found.append((pid, read_proc(pid, "cmdline").replace(b"\0", b" ")))
    return found


def wait_until(condition, what):
    """Wait for something that another process does; its value."""
    end = time.monotonic() + DEADLINE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("not within %d s: %s" % (DEADLINE, what))
        time.sleep(0.001)


def stopped_at(mark):
    """The process that a kill point stopped (src/base/killpoint.h)."""
    try:
        with open(mark) as f:
            text = f.read()
    except OSError:
        return None
    pid = int(text) if text.endswith("\n") else 0
    return pid if pid and (state_of(pid) or ("",))[0] == "T" else None


# ---- the oracle's view of the input ----------------------------------------------------------------------------------


def input_order(root):
    """The files of a folder as a job must see them: files sorted by bytes, then the subfolders, depth first."""
    names = sorted(os.listdir(os.fsencode(root)))
    files, folders = [], []
    for name in names:
        path = os.path.join(os.fsencode(root), name)
        if os.path.isdir(path):
            folders.append(path)
        else:
            files.append(path)
    return files + [f for folder in folders for f in input_order(folder)]


def gate(folder, keep):
    """Environment of an engine that waits at a folder of the input until the file `keep`/open exists."""
    library = os.path.join(keep, "gate.so")
    if not os.path.exists(library):
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gate.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return {"LD_PRELOAD": library, "PRS_GATE": os.path.join(keep, "open"), "PRS_GATE_FOLDER": folder,
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}


class JobCase(unittest.TestCase):
    def setUp(self):
        keep = tempfile.TemporaryDirectory(prefix="prs-e2e-")
        self.addCleanup(keep.cleanup)
        self.dir = keep.name

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)

    def script(self, text):
        self.write("code/score.py", textwrap.dedent(text))

    def files(self, count):
        """Makes in/f0000 ...; returns the output a correct job has."""
        for i in range(count):
            self.write("in/f%04d" % i, str(i))
        return "".join("f%04d: %d\n" % (i, i) for i in range(count))

    def give_everybody_the_program(self):
        """The commands that follow run a copy of the program and its loader, in a folder that other users can enter
        too."""
        os.chmod(self.dir, 0o755)
        os.makedirs(self.path("everybody/bin"))
        self.program = shutil.copy(PRS, self.path("everybody/bin/prs"))
        shutil.copytree(LOADER, self.path("everybody/share/prs/python"), ignore=shutil.ignore_patterns("__pycache__"))

    # ---- commands

    program = PRS

    def start(self, *words, env=None, **more):
        """The program in the background; what it says goes to the file said.txt."""
        more.setdefault("stdout", subprocess.DEVNULL)
        with open(self.path("said.txt"), "wb") as said:
            more.setdefault("stderr", said)
            more.setdefault("stdin", subprocess.DEVNULL)
            p = subprocess.Popen([self.program, *words], cwd=self.dir, env=dict(os.environ, **(env or {})), **more)
        self.addCleanup(self.end, p)
        return p

    def said(self):
        if not os.path.exists(self.path("said.txt")):
            return ""
        with open(self.path("said.txt"), errors="replace") as f:
            return f.read()

    def end(self, p):
        """Nothing goes on after a test. What still runs then is described, which a test that failed shows."""
        if p.poll() is None:
            print(self.said(), *map(describe, family(p.pid)), sep="\n")
            p.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            p.communicate(timeout=DEADLINE)

    def prs(self, *words, kill=None, env=None, cwd=None):
        env = dict(os.environ, **(env or {}))
        if kill:
            env["PRS_KILL"] = kill
        return subprocess.run([self.program, *words], cwd=cwd or self.dir, env=env, timeout=DEADLINE, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, universal_newlines=True)

    words = ("run", "code/score.py", "--input", "in", "--mini-batch-size", "7", "--processes", "2",
             "--output", "out.txt")

    def run_job(self, *more, kill=None, env=None):
        return self.prs(*self.words, *more, kill=kill, env=env)

    def stop_at(self, point, count, *words):
        """Starts the program and waits until one of its processes stops at the count-th passing of a kill point: (engine, pid of that
        process; 0 = the program ended before)."""
        mark = self.path("mark.stop")
        if os.path.exists(mark):
            os.remove(mark)
        p = self.start(*words, env={"PRS_KILL": "%s:%d:%s" % (point, count, mark)})
        pid = wait_until(lambda: stopped_at(mark) or (p.poll() is not None and -1), "kill point " + point)
        return p, max(pid, 0)

    # ---- results

    def clean(self):
        """As before the first job; the input stays."""
        shutil.rmtree(self.path("runs"), ignore_errors=True)
        for path in glob.glob(self.path("out.txt*")):
            os.remove(path)

    def output(self):
        with open(os.path.join(self.dir, "out.txt")) as f:
            return f.read()

    def run_dir(self):
        [path] = glob.glob(self.path("runs", "*"))
        return path

    def journal(self, *types):
        """The facts of the only run, from the journal."""
        r = self.prs("dump", "journal", self.run_dir(), "--json")
        self.assertEqual(r.returncode, 0, r.stderr)
        facts = [json.loads(line) for line in r.stdout.splitlines()]
        return [f for f in facts if not types or f["type"] in types]

    def check_no_strays(self):
        self.assertEqual(processes_of(self.dir), [])
