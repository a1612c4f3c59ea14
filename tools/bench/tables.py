# SPDX-License-Identifier: Apache-2.0
"""The case `table`: text and Parquet with twelve columns, made here; --size says how large, --rows which rows of the table are made."""
import glob
import json
import os
import shutil
import subprocess
import time

from lab import ROOT, absent, alone, at_least, micros, ratio, reference, script

NAMES = "id,key,day,city,amount,count,flag,ratio,note,code,score,last"
KEYS = 10000
MIB = 1 << 20
TABULAR = ("--input-format", "tabular", "--output-format", "csv")
ARROW_OUT = ("--input-format", "tabular", "--output-format", "parquet")
SIZES = {"kb": 1 << 10, "mb": MIB, "gb": 1 << 30}


def bytes_of(word):
    """100mb -> bytes"""
    number, unit = word[:-2], word[-2:].lower()
    if unit not in SIZES or not number.isdigit() or not int(number):
        raise ValueError("%s is no size: 100mb, 1gb" % word)
    return int(number) * SIZES[unit]


def made(lab, name, note):
    """A CSV file of lab.table_bytes in a folder of its own; `note` is what stands in a column of text."""
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
            while f.tell() < lab.table_bytes:
                f.write("".join("%d,k%d%s" % (i, i * 7919 % KEYS, tails[i % 1000]) for i in range(at, at + 20000)))
                at += 20000
    return folder, path, os.path.getsize(path) / 1e6


def has(lab, module):
    return not subprocess.run([lab.python, "-c", "import " + module], stderr=subprocess.DEVNULL).returncode


def pandas(lab):
    return subprocess.run([lab.python, "-c", "import pandas; print(pandas.__version__)"], stdout=subprocess.PIPE, check=True).stdout.decode().strip()


def plain(lab):
    return made(lab, "plain", "some words")


def quoted(lab):
    return made(lab, "quoted", '"two, lines\n of words"')


def rate(lab, folder, mb, entry="three_columns", per="1mb", more=TABULAR, keep=None):
    """MB a second from the first run() to the published output."""
    job = lab.job(script(entry), folder, *more, per=per)
    if keep and not os.path.isdir(keep):
        shutil.copytree(job.folder, keep, ignore=shutil.ignore_patterns("seg", "work"))
    return mb / job.to_published()


def loops(lab, run, entry):
    return lab.seconds([lab.python, reference("table_loops"), os.path.join(ROOT, "python"), lab.prs, run, script(entry),
                        lab.path("loop"), "2"])[0]


# ---- rows: each a function that returns some


def scan(lab):
    """line ends in quotes, rows counted, against wc -l"""
    path, rows = quoted(lab)[1], []
    for words, bar in (("SSE2", 3), ("scalar", 12)):
        more = ["scalar"] if words == "scalar" else []
        pairs = lab.alternate(lambda: float(lab.spend([lab.tool("bench-scan"), path, *more]).output.split()[1]),
                              lambda: lab.spend(["wc", "-l", path]).wall)
        rows.append(ratio("scan", "scan with quoted line ends, rows counted, %s, against wc -l" % words, pairs, "s", "<=", bar))
    return rows


def bare(lab):
    """3 of 12 columns as CSV, against two bare loops"""
    folder, _, mb = plain(lab)
    run = lab.path("planned")
    rate(lab, folder, mb, keep=run)
    return [ratio("table", "1 MB mini-batches, 3 of 12 columns as CSV, MB a second, against two bare loops",
                  lab.alternate(lambda: rate(lab, folder, mb), lambda: mb / loops(lab, run, "three_columns")), "MB/s", ">=", 0.93)]


def _other(lab, name, module, bar):
    """The same job by another tool, about 1 MB at a time."""
    what = "the same against " + name
    if not has(lab, module):
        return [absent(module.partition(".")[0], "%s, which is not installed" % what, ">=", bar)]
    folder, path, mb = plain(lab)
    words = [lab.python, reference(module.replace(".", "_") + "_table"), script("three_columns"), path, lab.path("other"), "2", str(MIB // 100)]
    pairs = lab.alternate(lambda: rate(lab, folder, mb), lambda: mb / lab.seconds(words)[0])
    return [ratio(module.partition(".")[0], what, pairs, "MB/s", ">=", bar)]


def joblib(lab):
    """the same against joblib over read_csv(chunksize)"""
    return _other(lab, "joblib over read_csv(chunksize), pandas %s" % pandas(lab), "joblib", 1.05 if pandas(lab) >= "3" else 1.5)


def ray(lab):
    """the same against Ray Data"""
    return _other(lab, "Ray Data", "ray.data", 2)


def quotes(lab):
    """line ends in quotes in every row, against the plain table"""
    folder, _, mb = plain(lab)
    other, _, other_mb = quoted(lab)
    pairs = lab.alternate(lambda: rate(lab, other, other_mb), lambda: rate(lab, folder, mb))
    return [ratio("quoted", "line ends in quotes in every row, MB a second, against the plain table", pairs, "MB/s", ">=", 0.8)]


def keys(lab):
    """10,000 keys that are a column, against sort -s"""
    folder, path, _ = plain(lab)

    def spooled():
        job = lab.job(script("first_group"), folder, *TABULAR, "--partition-keys", "key", "--run-max-try", "1", per=None, ok=(1,))
        first = min(micros(f["start"]) for f in job.facts("TRY")) / 1e6
        return first - job.spent.begun - (time.time() - time.monotonic())

    sort = ["sort", "-s", "-t,", "-k2,2", path, "-o", lab.path("sorted")]
    return [ratio("keys", "%d keys that are a column, command to the first run(), against LC_ALL=C sort -s" % KEYS,
                  lab.alternate(spooled, lambda: lab.spend(sort, {"LC_ALL": "C"}).wall), "s", "<=", 1)]


def _hive(lab, name, files):
    """10,000 files of some rows in folders store=../brand=.., so many in each."""
    n, root = lab.many(10000, 1000), lab.path(name)
    rows = "id,amount,city\n" + "".join("%d,%.1f,city %d\n" % (i, i * 1.5, i) for i in range(20))
    for i in range(n if not os.path.isdir(root) else 0):
        folder = os.path.join(root, "store=%d" % (i // files // 100), "brand=b%d" % (i // files % 100))
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "part-%04d.csv" % (i % files)), "w") as f:
            f.write(rows)
    return root, n


def partition(lab):
    """partition_keys over 10,000 files in hive folders, planning, against a getdents loop"""
    rows = []
    for name, files in (("folders of one", 1), ("folders of ten", 10)):
        root, n = _hive(lab, "hive-%d" % files, files)

        def plan(*kind):
            lab.empty("plan")
            return lab.spend([lab.tool("bench-plan"), root, lab.path("plan"), "10", "store,brand", *kind]).wall / n * 1e6

        def walk(*kind):
            return lab.spend([lab.tool("bench-getdents"), root, *kind]).wall / n * 1e6

        rows.append(ratio("partition", "partition_keys over %d files, %s: planning, against a getdents loop" % (n, name),
                          lab.alternate(plan, walk), "µs/file", "<=", 3))
        rows.append(ratio("partition", "the same of tables, whose rows are counted, against a getdents loop that reads each file",
                          lab.alternate(lambda: plan("csv"), lambda: walk("read")), "µs/file", "<=", None))
    return rows


def _peaks(lab, folder, per, more=TABULAR):
    found = []
    for _ in range(lab.repeats):
        lab.empty("peaks")
        lab.job(script("peak"), folder, *more, per=per, env={"BENCH_STAMPS": lab.path("peaks")})
        with open(lab.path("peaks")) as f:
            found.append(max(float(b) - float(a) for a, b in map(str.split, f)))
    return found


def memory(lab):
    """peak of a worker above its imports"""
    arrow, rows = has(lab, "pyarrow"), []
    kinds = [("text", plain(lab)[0], TABULAR)]
    if arrow:
        kinds.append(("Parquet", _parquet_file(lab)[0], ARROW_OUT))
    for kind, folder, more in kinds:
        for mb in (1, 8):
            rows.append(alone("memory", "peak of a worker above its imports, %s, %d MB mini-batches, %s pyarrow"
                              % (kind, mb, "with" if arrow else "without"), _peaks(lab, folder, "%dmb" % mb, more), "MiB",
                              max(32, 8 * mb) if arrow else 20 * mb))
    return rows


def master(lab):
    """memory of the engine for each mini-batch"""
    folder = plain(lab)[0]

    def planned(per):
        """(mini-batches, MiB) when all are planned, and none has begun."""
        mark = lab.path("planned-all")
        lab.empty("planned-all")

        def watch(pid, peak):
            size, since = 0, time.monotonic()
            while time.monotonic() - since < 1:
                now = sum(map(os.path.getsize, glob.glob(lab.path("runs", "*", "plan-*"))))
                if now != size or not now:
                    size, since = now, time.monotonic()
                time.sleep(0.05)
            with open("/proc/%d/status" % pid) as f:
                peak[0] = max(int(line.split()[1]) / 1024 for line in f if line.startswith("VmHWM"))
            with open(mark, "w"):
                pass

        job = lab.job(script("waits"), folder, *TABULAR, "--mini-batch-rows", str(per), "--run-max-try", "1", per=None, watch=watch,
                      ok=(1,), env={"BENCH_STAMPS": mark})
        text = subprocess.run([lab.prs, "dump", "plan", job.folder, "--json"], stdout=subprocess.PIPE, check=True).stdout
        end = next(f for f in map(json.loads, reversed(text.splitlines())) if f["type"] == "END")
        return end["ids"], job.spent.rss_mib

    found = []
    for _ in range(lab.repeats):
        (many, more), (few, less) = planned(1), planned(100000)
        found.append((more - less) * MIB / (many - few))
    return [alone("master", "memory of the engine for each of %d mini-batches of one row" % many, found, "bytes", 24)]


def _parquet_file(lab):
    """(folder, path)"""
    folder = lab.path("parquet")
    path = os.path.join(folder, "table.parquet")
    if not os.path.isdir(folder):
        os.mkdir(folder)
        subprocess.run([lab.python, "-c", "import sys, pyarrow.csv as c, pyarrow.parquet as p; "
                        "p.write_table(c.read_csv(sys.argv[1]), sys.argv[2], row_group_size=100000)", plain(lab)[1], path], check=True)
    return folder, path


def parquet(lab):
    """Parquet in and out, against two bare loops"""
    if not has(lab, "pyarrow.parquet"):
        return []
    folder, path = _parquet_file(lab)
    rows, mb = [], plain(lab)[2]
    for entry, what, bar in (("three_columns", "3 of 12 columns", 0.85), ("all_columns", "all columns", 0.6)):
        pairs = lab.alternate(lambda: rate(lab, folder, mb, entry, "16mb", ARROW_OUT), lambda: mb / loops(lab, path, entry))
        rows.append(ratio("parquet", "Parquet in and out, %s, MB of text a second, against two bare loops" % what, pairs, "MB/s", ">=", bar))
    return rows


def footers(lab):
    """footers of Parquet files a second"""
    if not has(lab, "pyarrow.parquet"):
        return []
    folders = []
    for name, n in (("few-footers", 10), ("many-footers", lab.many(4000, 400))):
        folder = lab.path(name)
        if not os.path.isdir(folder):
            os.mkdir(folder)
            subprocess.run([lab.python, "-c", "import sys, pyarrow as a, pyarrow.parquet as p\n"
                            "t = a.table({c: list(range(20)) for c in 'abcdefghijkl'})\n"
                            "for i in range(int(sys.argv[2])): p.write_table(t, '%s/f%05d.parquet' % (sys.argv[1], i))", folder, str(n)],
                           check=True)
        folders.append((folder, n))

    def seconds(folder):
        return lab.spend([lab.prs, "plan", script("three_columns"), "--input", folder, "--input-format", "tabular", "--python", lab.python]).wall

    (few, less), (many, more) = folders
    found = [(more - less) / (seconds(many) - seconds(few)) for _ in range(lab.repeats)]
    return [at_least("footers", "footers of %d Parquet files with 12 columns" % more, found, "/s", 1000)]


ROWS = {"scan": scan, "table": bare, "joblib": joblib, "ray": ray, "quoted": quotes, "keys": keys, "partition": partition, "memory": memory,
        "master": master, "parquet": parquet, "footers": footers}


def table(lab):
    """Tables: the scanner, 1 MB mini-batches of text, quoted line ends, keys that are columns and in paths, memory, Parquet; --python needs
    pandas, and pyarrow, joblib, ray for the rows of theirs."""
    rows = []
    if not has(lab, "pandas"):
        return [absent("table", "tables: %s has no pandas, --python says another" % lab.python, "", None)]
    for name in lab.table_rows or ROWS:
        rows += ROWS[name](lab)
    return rows
