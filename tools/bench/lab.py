# SPDX-License-Identifier: Apache-2.0
"""What the cases share: a temporary folder, processes with their times, jobs with their journals, alternating repeats,
rows of the table."""
import calendar
import collections
import glob
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

# ours and reference are medians in `unit`; measured is compared with the bar; low and high are its extremes over the
# repeats.
Row = collections.namedtuple("Row", "name what ours reference unit measured low high sign bar met")
Spent = collections.namedtuple("Spent", "begun wall cpu rss_mib output")  # begun: time.monotonic()


def script(name):
    return os.path.join(HERE, "scripts", name + ".py")


def reference(name):
    return os.path.join(HERE, "references", name + ".py")


def micros(text):
    """2026-01-02T03:04:05.123456Z -> µs"""
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) * 1000000 + int(text[20:26])


class Job:
    """A run that has ended: what its journals say."""

    def __init__(self, program, folder, spent):
        self.program, self.folder, self.spent = program, folder, spent

    def facts(self, *types):
        text = subprocess.run([self.program, "dump", "journal", self.folder, "--json"], stdout=subprocess.PIPE,
                              check=True).stdout
        wanted = tuple(b'{"type":"%s"' % t.encode() for t in types)
        return [json.loads(line) for line in text.splitlines() if line.startswith(wanted)]

    def first_run_us(self):
        """Wall clock of the first run() of the last life."""
        first = None
        for fact in self.facts("HEAD", "DONE"):
            first = None if fact["type"] == "HEAD" else min(first or fact["start"], fact["start"])
        return micros(first)

    def to_published(self):
        """Seconds from the first run() to the published output."""
        return (micros(self.facts("PUBLISHED")[-1]["time"]) - self.first_run_us()) / 1e6


class Lab:
    def __init__(self, build, repeats, quick, python, old_build=None):
        self.keep = tempfile.TemporaryDirectory(prefix="prs-bench-")
        self.dir = self.keep.name
        self.build, self.repeats, self.quick, self.python = build, repeats, quick, python
        self.venv = os.path.join(ROOT, "build", "venv", "bin", "python")
        self.demo = os.path.join(ROOT, "build", "demo")
        self.prs = self.install("new", self.build)
        self.old_prs = self.install("old", old_build) if old_build else None

    def install(self, name, build):
        """The program of a build folder, and the loader of its source tree, as they are installed: with bytecode, for
        these interpreters."""
        bin_dir, loader = self.path(name, "bin"), self.path(name, "share", "prs", "python")
        with open(os.path.join(build, "meson-info", "meson-info.json")) as f:
            source = json.load(f)["directories"]["source"]
        os.makedirs(bin_dir)
        shutil.copy(os.path.join(build, "src", "cli", "prs"), bin_dir)
        shutil.copytree(os.path.join(source, "python"), loader, ignore=shutil.ignore_patterns("__pycache__"))
        env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        for python in (self.python, self.venv):
            if os.path.exists(python):
                subprocess.run([python, "-m", "compileall", "-q", loader], env=env, check=True)
        return os.path.join(bin_dir, "prs")

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def many(self, full, quick):
        return quick if self.quick else full

    def tool(self, name):
        return os.path.join(self.build, "tools", "bench", name)

    # ---- processes

    def spend(self, words, env=None, watch=None, ok=(0,)):
        """Run a program to its end; wall time, CPU time of it and all its children, peak RSS of its own, output."""
        peak = [0]
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            begun = time.monotonic()
            p = subprocess.Popen(words, cwd=self.dir, stdin=subprocess.DEVNULL, stdout=out, stderr=errors,
                                 env=dict(os.environ, **(env or {})))
            if watch:
                threading.Thread(target=watch, args=(p.pid, peak), daemon=True).start()
            _, status, usage = os.wait4(p.pid, 0)
            wall = time.monotonic() - begun
            p.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            errors.seek(0)
            text = out.read()
            if p.returncode not in ok:
                raise RuntimeError("%s: exit %d\n%s" %
                                   (" ".join(words), p.returncode, errors.read().decode(errors="replace")))
        return Spent(begun, wall, usage.ru_utime + usage.ru_stime, peak[0], text.decode(errors="replace"))

    def job(self, entry, folder, *more, program=None, under=(), processes=2, per=1, env=None, python=None, watch=None,
            ok=(0,)):
        """A job of the new program, or of `program`; `under`: a program that runs it."""
        self.empty("runs")
        program = program or self.prs
        size = ("--mini-batch-size", str(per)) if per else ()
        spent = self.spend([*under, program, "run", entry, "--input", folder, *size, "--processes", str(processes),
                            "--python", python or self.python, "--output", self.path("rows"), "--overwrite",
                            "--runs-dir", self.path("runs"),
                            "-q", *more], env, watch, ok)
        return Job(program, glob.glob(self.path("runs", "*"))[0], spent)

    def resume(self, job, watch=None):
        return Job(job.program, job.folder, self.spend([job.program, "resume", job.folder], None, watch))

    def seconds(self, words, env=None):
        """A reference that prints its seconds: (those, what it spent)."""
        spent = self.spend(words, env)
        return float(spent.output.split()[-1]), spent

    # ---- files

    def empty(self, name):
        subprocess.run(["rm", "-rf", self.path(name)], check=True)

    def files(self, name, count):
        """A folder with empty files."""
        folder = self.path(name)
        if not os.path.isdir(folder):
            os.mkdir(folder)
            for i in range(count):
                os.close(os.open(os.path.join(folder, "f%06d" % i), os.O_CREAT | os.O_WRONLY, 0o644))
        return folder

    # ---- numbers

    def alternate(self, ours, theirs, repeats=None):
        """A B A B ...: [(ours, theirs)]; the first pair warms up and is not counted."""
        pairs = []
        for _ in range((repeats or self.repeats) + 1):
            pairs.append((ours(), theirs()))
            print(".", end="", file=sys.stderr, flush=True)
        return pairs[1:]


def _row(name, what, ours, theirs, unit, values, sign, bar):
    measured = statistics.median(values)
    met = None if bar is None else measured >= bar if sign == ">=" else measured <= bar
    return Row(name, what, statistics.median(ours), statistics.median(theirs) if theirs else None, unit, measured,
               min(values), max(values), sign,
               bar, met)


def ratio(name, what, pairs, unit, sign, bar):
    """ours / reference, a median over the pairs."""
    ours, theirs = zip(*pairs)
    return _row(name, what, ours, theirs, unit, [a / b for a, b in pairs], sign, bar)


def difference(name, what, pairs, unit, bar):
    ours, theirs = zip(*pairs)
    return _row(name, what, ours, theirs, unit, [a - b for a, b in pairs], "<=", bar)


def alone(name, what, values, unit, bar):
    return _row(name, what, values, None, unit, values, "<=", bar)


def at_least(name, what, values, unit, bar):
    return _row(name, what, values, None, unit, values, ">=", bar)


def absent(name, what, sign, bar):
    """A row that nothing was measured for."""
    return Row(name, what, None, None, "", None, None, None, sign, bar, None)


def measured(name, what, values, unit):
    """A number without a bar."""
    return _row(name, what, values, None, unit, values, "", None)


# ---- memory: peaks of what /proc says, looked at until the process has ended


def watch_rss(pid, peak):
    """RSS of a process alone, MiB."""
    _watch(peak, 0.02, lambda: _status(pid, "VmHWM") / 1024)


def watch_memory(pid, peak):
    """MiB of a process and its children: anonymous memory, and what lies in memory files, each counted once however many hold or map it. Pages
    of the disk's files do not count. A memory file between two processes, sent and not yet received, is seen by neither."""
    def look():
        pids = [pid] + [int(word) for word in _read("/proc/%d/task/%d/children" % (pid, pid)).split()]
        files = {}
        for p in pids:
            files.update(_memory_files(p))
        children_kib = sum(_status(p, "RssAnon", gone=0) for p in pids[1:])
        return (_status(pid, "RssAnon") + children_kib + sum(files.values()) / 2) / 1024

    _watch(peak, 0.003, look)


def _watch(peak, pause_s, look):
    try:
        while True:
            peak[0] = max(peak[0], look())
            time.sleep(pause_s)
    except (OSError, ValueError):
        pass


def _read(path):
    with open(path) as f:
        return f.read()


def _status(pid, name, gone=None):
    """A line of /proc/PID/status, KiB; a process that is gone raises ValueError, or counts as `gone`."""
    try:
        text = _read("/proc/%d/status" % pid)
    except OSError:
        text = ""
    word = text.partition("\n%s:" % name)[2].split("\n")[0].split()
    if not word and gone is None:
        raise ValueError(name)
    return int(word[0]) if word else gone


def _memory_files(pid):
    """{file: blocks of 512 bytes} of those that a process holds."""
    found = {}
    folder = "/proc/%d/fd/" % pid
    try:
        for name in os.listdir(folder):
            try:
                if os.readlink(folder + name).startswith("/memfd:"):
                    st = os.stat(folder + name)
                    found[st.st_dev, st.st_ino] = st.st_blocks
            except OSError:
                pass  # closed meanwhile
    except OSError:
        pass
    return found
