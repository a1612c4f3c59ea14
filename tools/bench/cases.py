# SPDX-License-Identifier: Apache-2.0
"""The cases: each takes the lab and returns rows. The bars are those of the design, section 11."""
import glob
import os
import signal
import statistics
import time

import measures
import tables
from lab import Row, alone, difference, measured, ratio, reference, script, watch_rss

DONE_BYTES = 112  # a DONE in the journal
CASES = {"table": tables.table}


def case(f):
    CASES[f.__name__.replace("_", "-")] = f
    return f


@case
def throughput(lab):
    """Trivial run(), 1 file per mini-batch: rate and CPU against Pool.imap."""
    folder = measures.many(lab)
    n = measures.count(folder)

    def pool():
        seconds, spent = lab.seconds([lab.python, reference("pool"), script("trivial"), folder, lab.path("rows"), "2",
                                      "1"])
        return n / seconds, n / spent.cpu

    pairs = lab.alternate(lambda: measures.throughput(lab), pool)
    return [ratio("throughput", "trivial run(), durable, mini-batches a second, against Pool chunksize 1",
                  [(a[0], b[0]) for a, b in pairs], "/s", ">=", 1.5),
            ratio("cpu", "CPU per mini-batch, engine + workers, against Pool chunksize 1",
                  [(1e6 / a[1], 1e6 / b[1]) for a, b in pairs], "µs", "<=", 0.6)]


def _against(lab, name, what, flag, bar):
    folder = measures.many(lab)
    n = measures.count(folder)
    pairs = lab.alternate(lambda: n / lab.job(script("trivial"), folder).to_published(),
                          lambda: n / lab.job(script("trivial"), folder, flag).to_published())
    return [ratio(name, what, pairs, "/s", ">=", bar)]


@case
def durable(lab):
    """The same durable against not durable."""
    return _against(lab, "durable", "trivial run(), durable against --bench-no-sync", "--bench-no-sync", 0.8)


@case
def logs(lab):
    """The same with logs against without."""
    return _against(lab, "logs", "trivial run(), logs INFO against --bench-no-logs", "--bench-no-logs", 0.9)


@case
def digits(lab):
    """The demo's digits, 18,000 files, 10 per mini-batch: against two bare loops."""
    folder, entry, model = measures.digits_input(lab)
    n = measures.count(folder)
    # what the engine gives its workers here
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    words = [lab.venv, reference("loops"), entry, folder, lab.path("rows"), "2", "10", model]
    pairs = lab.alternate(lambda: measures.digits(lab)[0], lambda: n / lab.seconds(words, threads)[0])
    return [ratio("digits", "digits, files a second, first run() to published, against two bare loops", pairs, "/s",
                  ">=", 0.95)]


@case
def one(lab):
    """One process, one mini-batch after another."""
    values = [measures.one(lab)[0] for _ in range(lab.repeats + 1)]
    return [alone("one", "one process, trivial run(), durable: time per mini-batch", values[1:], "µs", 200)]


def _gaps(lab, kind):
    folder = measures.few(lab)

    def loops():
        env = measures.gap_environment(lab, kind)
        lab.seconds([lab.python, reference("loops"), script("ten_ms"), folder, lab.path("rows"), "2", "1"], env)
        return measures.gap_quantiles(env)

    pairs = lab.alternate(lambda: measures.gaps(lab, kind), loops)
    rows = []
    for i, (quantile, bar) in enumerate((("p50", 60), ("p99", 300))):
        rows.append(difference("gap-%s-%s" % (kind, quantile),
                               "10 ms runs (%s): gap between two runs, %s, above two bare loops" % (kind, quantile),
                               [(a[i], b[i]) for a, b in pairs], "µs", bar))
    return rows


@case
def gap(lab):
    """10 ms runs: what lies between two runs of a worker."""
    return _gaps(lab, "sleep") + _gaps(lab, "busy")


@case
def listing(lab):
    """Listing + sort + plan against a bare getdents loop."""
    n = lab.many(200000, 50000)
    flat = lab.files("flat", n)
    tree = lab.path("tree")
    if not os.path.isdir(tree):
        for i in range(n // 200):
            lab.files(os.path.join("tree", "d%05d" % i) if os.path.isdir(tree) or not os.mkdir(tree) else "", 200)
    rows = []
    for name, folder in (("one folder", flat), ("folders of 200", tree)):
        def plan():
            lab.empty("plan")
            return lab.spend([lab.tool("bench-plan"), folder, lab.path("plan"), "10"]).wall / n * 1e9

        pairs = lab.alternate(plan, lambda: lab.spend([lab.tool("bench-getdents"), folder]).wall / n * 1e9)
        rows.append(ratio("listing", "listing + sort + plan, %s, against a getdents loop" % name, pairs, "ns/file",
                          "<=", 3))
    return rows


def _million(lab):
    """As many paths as files under folders that are links to one."""
    n = lab.many(1000000, 100000)
    folder = lab.files("thousand", 1000)
    root = lab.path("million")
    if not os.path.isdir(root):
        os.mkdir(root)
        for i in range(n // 1000 + 20):
            os.symlink(folder, os.path.join(root, "d%05d" % i))
    return root, n


@case
def million(lab):
    """10^6 mini-batches: RSS of the master, resume to the first run(), assembly."""
    root, n = _million(lab)

    def interrupt(pid, peak):
        """Ctrl-C when n mini-batches are done."""
        sent = False
        try:
            while True:
                with open("/proc/%d/status" % pid) as f:
                    peak[0] = max([int(line.split()[1]) / 1024 for line in f if line.startswith("VmHWM")] or peak)
                runs = os.listdir(lab.path("runs")) if os.path.isdir(lab.path("runs")) else []
                journal = runs and lab.path("runs", runs[0], "journal-1")
                if not sent and journal and os.path.exists(journal) and os.path.getsize(journal) > n * DONE_BYTES:
                    os.kill(pid, signal.SIGINT)
                    sent = True
                time.sleep(0.02)
        except (OSError, ValueError):
            pass

    first = lab.job(script("trivial"), root, watch=interrupt, ok=(4,))
    again = lab.resume(first, watch=watch_rss)
    started = again.first_run_us() / 1e6 - again.spent.begun - (time.time() - time.monotonic())
    million_text = "10^%d mini-batches" % (len(str(n)) - 1)
    rows = [alone("rss", million_text + ": peak RSS of the master", [first.spent.rss_mib], "MiB", 150),
            alone("rss-resume", million_text + ": peak RSS of the master, resumed", [again.spent.rss_mib], "MiB", 150),
            alone("resume", million_text + " DONE: resume to the first run() (start of a worker included)", [started],
                  "s", 0.5)]
    segments = [os.path.join(again.folder, "seg", name)
                for name in sorted(os.listdir(os.path.join(again.folder, "seg")))]
    pairs = lab.alternate(lambda: lab.seconds([lab.tool("bench-assemble"), again.folder, lab.path("again")])[0],
                          lambda: lab.spend(["sh", "-c", 'cat "$@" > out', "cat", *segments]).wall)
    return rows + [ratio("assembly", "assembly of %s with short rows against cat segments > out" % million_text, pairs,
                         "s", "<=", 1.5)]


@case
def start(lab):
    """Command to the first init(), crash to the next init(): against the bare interpreter."""
    folder = lab.files("twenty", 20)
    stamps = lab.path("stamps")

    def read():
        with open(stamps) as f:
            return [(word, int(ns) / 1e6) for word, ns in (line.split() for line in f)]

    def init():
        lab.empty("stamps")
        job = lab.job(script("stamps"), folder, processes=1, env={"BENCH_STAMPS": stamps})
        return read()[0][1] - job.spent.begun * 1000

    def crash():
        for name in [n for n in os.listdir(lab.dir) if n.startswith("stamps")]:
            os.unlink(lab.path(name))
        lab.job(script("stamps"), folder, processes=1, env={"BENCH_STAMPS": stamps, "BENCH_KIND": "crash"})
        seen = read()
        return statistics.median(b[1] - a[1] for a, b in zip(seen, seen[1:]) if (a[0], b[0]) == ("crash", "init"))

    def bare():
        return min(lab.spend([lab.python, "-c", "pass"]).wall * 1000 for _ in range(3))

    return [difference("start", "command to the first init(), above the interpreter with -c pass",
                       lab.alternate(init, bare), "ms", 25),
            difference("crash", "crash to the next init(), above the interpreter with -c pass",
                       lab.alternate(crash, bare), "ms", 30)]


@case
def crash_shm(lab):
    """Crashes of processes that hold shared memory and semaphores: what is left of them (none may be)."""
    n = 5 if lab.quick else 30
    stamps = lab.path("shm")
    lab.job(script("shm"), lab.files("shm-input", n), env={"BENCH_STAMPS": stamps})
    names = []
    for mark in glob.glob(stamps + ".*"):
        with open(mark) as f:
            names += f.read().split()
    left = [name for name in names if os.path.exists("/dev/shm/" + name)]
    for name in left:
        os.unlink("/dev/shm/" + name)
    return [alone("crash-shm", "shared memory and semaphores left after %d crashes, each with one of both" % n,
                  [len(left)], "", 0)]


@case
def end_pool(lab):
    """The end of a process whose script holds a ProcessPoolExecutor, against plain Python."""
    folder = lab.files("one-file", 1)
    env = {"BENCH_STAMPS": lab.path("last-run")}

    def since_last_run(spent):
        with open(env["BENCH_STAMPS"]) as f:
            return spent.begun + spent.wall - int(f.read()) / 1e9

    pairs = lab.alternate(lambda: since_last_run(lab.job(script("end_pool"), folder, processes=1, env=env).spent),
                          lambda: since_last_run(lab.spend([lab.python, script("end_pool")], env)),
                          repeats=min(lab.repeats, 3))
    return [difference("end-pool", "last run() of a script with a ProcessPoolExecutor to the end of the job, above plain Python", pairs, "s", 1)]


def _rows(lab, size, text):
    values = [measures.rows(lab, size) for _ in range(lab.repeats + 1)][1:]
    what = "%s of rows a mini-batch, first run() to published" % text
    return [measured("rows-" + size, what, [v[0] for v in values], "MB/s"),
            measured("memory-" + size, "the same: peak memory of engine and workers, memory files counted once",
                     [v[1] for v in values], "MiB")]


@case
def rows(lab):
    """Large rows: 64 KiB and 4 MiB a mini-batch: MB/s and peak memory (no bar; --against has one)."""
    return _rows(lab, "64k", "64 KiB") + _rows(lab, "4m", "4 MiB")


@case
def steps(lab):
    """A pipeline of 1,000 commands `true`, durable, from the command to its end: against a loop of bash -c true."""
    n = lab.many(1000, 200)
    with open(lab.path("steps.yml"), "w") as f:
        f.write("type: pipeline\njobs:\n")
        f.writelines("  s%04d: {type: command, command: 'true'}\n" % i for i in range(n))

    def pipeline():
        lab.empty("runs")
        return lab.spend([lab.prs, "run", lab.path("steps.yml"), "--runs-dir", lab.path("runs"), "--python", lab.python, "-q"]).wall

    def loop():
        return lab.spend(["/bin/bash", "-c", "for i in {1..%d}; do /bin/bash -c true; done" % n]).wall

    return [ratio("steps", "%d command steps of true, durable, against a loop of bash -c true" % n, lab.alternate(pipeline, loop), "s",
                  "<=", 3)]


@case
def instructions(lab):
    """Instructions of the engine per mini-batch, counted by valgrind (no bar; --against has one)."""
    values = [measures.instructions(lab)[0] for _ in range(3)]
    return [measured("instructions", "instructions of the engine per mini-batch, trivial run(), as valgrind counts them", values, "")]


@case
def scale(lab):
    """Trivial run() with more and more processes: CPU per mini-batch (no bar), less that of a job with one mini-batch
    per process."""
    folder = measures.many(lab)
    n = measures.count(folder)
    rows = []
    for processes in (1, 2, 16, 64, 256):
        start = lab.job(script("trivial"), lab.files("few%d" % processes, processes), processes=processes).spent.cpu
        values = []
        for _ in range(max(1, lab.repeats // 2)):
            job = lab.job(script("trivial"), folder, processes=processes)
            values.append((n / job.to_published(), (job.spent.cpu - start) / n * 1e6))
        rate, cpu = (statistics.median(v) for v in zip(*values))
        rows.append(Row("scale-%d" % processes, "trivial run(), %d processes: mini-batches a second; CPU of each, starts not counted, µs" % processes, rate, None,
                        "/s", cpu, min(v[1] for v in values), max(v[1] for v in values), "", None, None))
    return rows
