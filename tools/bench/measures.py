# SPDX-License-Identifier: Apache-2.0
"""What is measured of one program (None: the new one) in one go: a tuple of numbers. cases.py sets them against references, against.py against
those of another build."""
import os
import re
import shutil

from lab import ROOT, script, watch_memory


def count(folder):
    return len(os.listdir(folder))


def many(lab):
    return lab.files("many", lab.many(40000, 10000))


def few(lab):
    return lab.files("few", lab.many(600, 200))


def throughput(lab, program=None):
    """Trivial run(), 1 file per mini-batch: mini-batches a second, and per second of CPU time."""
    folder = many(lab)
    n = count(folder)
    job = lab.job(script("trivial"), folder, program=program)
    return n / job.to_published(), n / job.spent.cpu


def digits_input(lab):
    """(folder with 18,000 files, script, model)"""
    images = sorted(os.listdir(os.path.join(lab.demo, "images")))
    folder = lab.path("digits")
    if not os.path.isdir(folder):
        os.makedirs(folder)
        for i in range(lab.many(18000, 3600)):
            name = images[i % len(images)]
            shutil.copyfile(os.path.join(lab.demo, "images", name),
                            os.path.join(folder, "%02d%s" % (i // len(images), name)))
    return folder, os.path.join(ROOT, "demo", "digits.py"), "digits=" + os.path.join(lab.demo, "models", "digits")


def digits(lab, program=None):
    """The demo's digits, 10 per mini-batch: files a second, first run() to published."""
    folder, entry, model = digits_input(lab)
    return (count(folder) / lab.job(entry, folder, "--model", model, program=program, per=10,
                                    python=lab.venv).to_published(),)


def one(lab, program=None):
    """One process, one mini-batch after another: time per mini-batch, µs."""
    folder = lab.files("some", lab.many(10000, 3000))
    return (lab.job(script("trivial"), folder, program=program, processes=1).to_published() / count(folder) * 1e6,)


def gap_environment(lab, kind):
    return {"BENCH_KIND": kind, "BENCH_STAMPS": lab.path("gaps")}


def gap_quantiles(env):
    """(p50, p99) of the gaps that the processes left, µs."""
    with open(env["BENCH_STAMPS"]) as f:
        gaps = sorted(int(line) / 1000 for line in f)
    os.unlink(env["BENCH_STAMPS"])
    return gaps[len(gaps) // 2], gaps[int(len(gaps) * 0.99)]


def gaps(lab, kind, program=None):
    """10 ms runs (sleep or busy): what lies between two runs of a worker."""
    env = gap_environment(lab, kind)
    lab.job(script("ten_ms"), few(lab), program=program, env=env)
    return gap_quantiles(env)


ROWS = {"64k": (64 << 10, 4000, 400), "4m": (4 << 20, 100, 20)}  # bytes of a mini-batch; mini-batches, and with --quick


def rows(lab, size, program=None):
    """Large rows: MB/s from the first run() to the published output; then, in a second job that is looked at all the
    time, peak memory, MiB."""
    row_bytes, full, quick = ROWS[size]
    n = lab.many(full, quick)
    folder = lab.files("rows-" + size, n)
    env = {"BENCH_ROW_BYTES": str(row_bytes)}
    seconds = lab.job(script("large"), folder, program=program, env=env).to_published()
    peak = lab.job(script("large"), folder, program=program, env=env, watch=watch_memory).spent.rss_mib
    return n * row_bytes / 1e6 / seconds, peak


def instructions(lab, program=None):
    """Instructions of the engine per mini-batch: valgrind's count for many mini-batches less that for fewer, so that
    start and end fall out."""
    log = lab.path("valgrind")
    preload = {"LD_PRELOAD": lab.tool("bench-pidfd.so")}
    under = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--log-file=" + log]

    def counted(folder):
        lab.job(script("trivial"), folder, program=program, under=under, env=preload)
        with open(log) as f:
            return int(re.search(r"Collected : (\d+)", f.read()).group(1))

    less, more = lab.files("v2000", 2000), lab.files("v10000", 10000)
    return ((counted(more) - counted(less)) / (count(more) - count(less)),)
