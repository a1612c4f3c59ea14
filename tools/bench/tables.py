# SPDX-License-Identifier: Apache-2.0
"""The case `table`: text and Parquet with twelve columns, made here; --table-mb says how large."""
import os
import shutil
import subprocess
import time

from lab import ROOT, alone, micros, ratio, reference, script

NAMES = "id,key,day,city,amount,count,flag,ratio,note,code,score,last"
KEYS = 10000
TABULAR = ("--input-format", "tabular", "--output-format", "csv")


def made(lab, name, note):
    """A CSV file of lab.table_mb MB in a folder of its own; `note` is what stands in a column of text."""
    folder = lab.path(name)
    path = os.path.join(folder, "table.csv")
    if not os.path.isdir(folder):
        os.mkdir(folder)
        tails = [",2024-%02d-%02d,city %d,%.2f,%d,%s,%.6f,%s,C%05d,%.3f,%d\n" %
                 (1 + i % 12, 1 + i % 28, i % 97, i * 1.37, i * 31, "true" if i % 3 else "false", i / 997, note, i, i / 7, i % 5)
                 for i in range(1000)]
        with open(path, "w") as f:
            f.write(NAMES + "\n")
            at = 0
            while f.tell() < lab.table_mb << 20:
                f.write("".join("%d,k%d%s" % (i, i * 7919 % KEYS, tails[i % 1000]) for i in range(at, at + 20000)))
                at += 20000
    return folder, path, os.path.getsize(path) / 1e6


def has(lab, module):
    return not subprocess.run([lab.python, "-c", "import " + module], stderr=subprocess.DEVNULL).returncode


def scan(lab, path):
    rows = []
    for words, bar in ((("SSE2",), 3), (("scalar",), 12)):
        more = ["scalar"] if words == ("scalar",) else []
        pairs = lab.alternate(lambda: float(lab.spend([lab.tool("bench-scan"), path, *more]).output.split()[1]),
                              lambda: lab.spend(["wc", "-l", path]).wall)
        rows.append(ratio("scan", "scan with quoted line ends, rows counted, %s, against wc -l" % words, pairs, "s", "<=", bar))
    return rows


def rate(lab, folder, mb, entry="three_columns", per="1mb", more=TABULAR, keep=None):
    """MB a second from the first run() to the published output."""
    job = lab.job(script(entry), folder, *more, per=per)
    if keep and not os.path.isdir(keep):
        shutil.copytree(job.folder, keep, ignore=shutil.ignore_patterns("seg", "work"))
    return mb / job.to_published()


def loops(lab, run, entry):
    return lab.seconds([lab.python, reference("table_loops"), os.path.join(ROOT, "python"), lab.prs, run, script(entry),
                        lab.path("loop"), "2"])[0]


def text(lab, plain, quoted):
    folder, path, mb = plain
    run = lab.path("planned")
    rate(lab, folder, mb, keep=run)
    rows = [ratio("table", "1 MB mini-batches, 3 of 12 columns as CSV, MB a second, against two bare loops",
                  lab.alternate(lambda: rate(lab, folder, mb), lambda: mb / loops(lab, run, "three_columns")), "MB/s", ">=", 0.93)]
    if has(lab, "joblib"):
        three = not subprocess.run([lab.python, "-c", "import pandas, sys; sys.exit(pandas.__version__ < '3')"]).returncode
        words = [lab.python, reference("chunks"), script("three_columns"), path, lab.path("chunks"), "2",
                 str((1 << 20) // 100)]  # about 1 MB
        rows.append(ratio("joblib", "the same against joblib over read_csv(chunksize)",
                          lab.alternate(lambda: rate(lab, folder, mb), lambda: mb / lab.seconds(words)[0]), "MB/s", ">=",
                          1.05 if three else 1.5))
    rows.append(ratio("quoted", "line ends in quotes in every row, MB a second, against the plain table",
                      lab.alternate(lambda: rate(lab, quoted[0], quoted[2]), lambda: rate(lab, folder, mb)), "MB/s", ">=", 0.8))
    return rows


def keys(lab, plain):
    folder, path, _ = plain

    def spooled():
        job = lab.job(script("first_group"), folder, *TABULAR, "--partition-keys", "key", "--run-max-try", "1", per=None, ok=(1,))
        first = min(micros(f["start"]) for f in job.facts("TRY")) / 1e6
        return first - job.spent.begun - (time.time() - time.monotonic())

    sort = ["sort", "-s", "-t,", "-k2,2", path, "-o", lab.path("sorted")]
    return [ratio("keys", "%d keys that are a column, command to the first run(), against LC_ALL=C sort -s" % KEYS,
                  lab.alternate(spooled, lambda: lab.spend(sort, {"LC_ALL": "C"}).wall), "s", "<=", 1)]


def memory(lab, plain):
    arrow, found = has(lab, "pyarrow"), []
    for _ in range(lab.repeats):
        lab.empty("peaks")
        lab.job(script("peak"), plain[0], *TABULAR, per="8mb", env={"BENCH_STAMPS": lab.path("peaks")})
        with open(lab.path("peaks")) as f:
            found.append(max(float(b) - float(a) for a, b in map(str.split, f)))
    return [alone("memory", "peak of a worker above its imports, 8 MB mini-batches, %s pyarrow" % ("with" if arrow else "without"), found,
                  "MiB", 64 if arrow else 160)]


def parquet(lab, plain):
    if not has(lab, "pyarrow.parquet"):
        return []
    folder = lab.path("parquet")
    path = os.path.join(folder, "table.parquet")
    if not os.path.isdir(folder):
        os.mkdir(folder)
        subprocess.run([lab.python, "-c", "import sys, pyarrow.csv as c, pyarrow.parquet as p; "
                        "p.write_table(c.read_csv(sys.argv[1]), sys.argv[2], row_group_size=100000)", plain[1], path], check=True)
    rows, mb = [], plain[2]
    for entry, what, bar in (("three_columns", "3 of 12 columns", 0.85), ("all_columns", "all columns", 0.6)):
        more = ("--input-format", "tabular", "--output-format", "parquet")
        pairs = lab.alternate(lambda: rate(lab, folder, mb, entry, "16mb", more), lambda: mb / loops(lab, path, entry))
        rows.append(ratio("parquet", "Parquet in and out, %s, MB of text a second, against two bare loops" % what, pairs, "MB/s", ">=", bar))
    return rows


def table(lab):
    """Tables: the scanner, 1 MB mini-batches of text, quoted line ends, keys that are columns, memory, Parquet; --python needs pandas, and
    pyarrow, joblib for the rows of theirs."""
    plain, quoted = made(lab, "plain", "some words"), made(lab, "quoted", '"two, lines\n of words"')
    rows = scan(lab, quoted[1]) + text(lab, plain, quoted) + keys(lab, plain) + memory(lab, plain) + parquet(lab, plain)
    return rows
