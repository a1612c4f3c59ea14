# SPDX-License-Identifier: Apache-2.0
"""./dev bench [case ...] [--against BUILD] [--repeats N] [--quick] [--json]: measures the engine against references, or against another build
of it, on this machine, in this run.

Every number is a ratio or a difference between two sides that alternate (A B A B ...); the median over the pairs counts. Nothing is asserted:
a machine that is busy gives wide spreads, and the table shows them. Writes only to a temporary folder (TMPDIR).
"""
import argparse
import json
import os
import platform
import shutil
import sys

import against
import cases
import lab
import tables


def machine():
    with open("/proc/cpuinfo") as f:
        model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), platform.machine())
    return "%d x %s, Linux %s, Python %s, load %.1f" % (len(os.sched_getaffinity(0)), model, platform.release(),
                                                        platform.python_version(), os.getloadavg()[0])


def number(value):
    if value is None:
        return ""
    return "%d" % round(value) if abs(value) >= 1000 else "%.3g" % value


def line(row):
    bar = "" if row.bar is None else "%s %s" % (row.sign, number(row.bar))
    verdict = "" if row.met is None else "met" if row.met else "MISSED"
    return [row.name, row.what, number(row.ours), number(row.reference), row.unit, number(row.measured),
            "" if row.low is None else "%s..%s" % (number(row.low), number(row.high)), bar, verdict]


def table(rows, sides):
    lines = [["case", "what", *sides, "unit", "measured", "spread", "bar", ""]] + [line(r) for r in rows]
    widths = [max(len(v[i]) for v in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(v.ljust(w) for v, w in zip(words, widths)).rstrip() for words in lines)


def described(title, texts):
    return "%s:\n%s\n" % (title, "".join("  %-14s%s\n" % (name, " ".join(text.split())) for name, text in texts.items()))


def main():
    p = argparse.ArgumentParser(prog="./dev bench", formatter_class=argparse.RawDescriptionHelpFormatter,
                                description=described("cases", {name: f.__doc__ for name, f in cases.CASES.items()})
                                + described("with --against BUILD",
                                            {name: rows[0][1] for name, (_, rows) in against.TABLE.items()}))
    p.add_argument("case", nargs="*")
    p.add_argument("--against", metavar="BUILD", help="a build folder of another version, beside its source tree: the two programs alternate")
    p.add_argument("--repeats", type=int, default=5, help="pairs that count (5)")
    p.add_argument("--quick", action="store_true", help="small inputs: to see that it works, not for numbers")
    p.add_argument("--json", action="store_true")
    p.add_argument("--size", type=tables.bytes_of, default=100 << 20, help="of the case table: size of its text, such as 1gb (100mb; at most 10mb with --quick)")
    p.add_argument("--rows", help="of the case table: only these, with commas: " + ", ".join(tables.ROWS))
    p.add_argument("--build", required=True, help=argparse.SUPPRESS)
    p.add_argument("--python", default=shutil.which("python3", path="/usr/bin") or sys.executable,
                   help="interpreter of workers and references")
    o = p.parse_args()
    known = against.TABLE if o.against else cases.CASES
    for name in o.case:
        if name not in known:
            p.error("no case %s%s; there are %s" % (name, " with --against" * bool(o.against), ", ".join(known)))
    the_lab = lab.Lab(os.path.abspath(o.build), o.repeats, o.quick, o.python, o.against and os.path.abspath(o.against))
    the_lab.table_bytes = min(o.size, 10 << 20) if o.quick else o.size
    the_lab.table_rows = o.rows.split(",") if o.rows else None
    for name in the_lab.table_rows or ():
        if name not in tables.ROWS:
            p.error("no row %s; there are %s" % (name, ", ".join(tables.ROWS)))
    rows = []
    for name in o.case or known:
        print("%s " % name, end="", file=sys.stderr, flush=True)
        rows += against.compare(the_lab, name) if o.against else known[name](the_lab)
        print("", file=sys.stderr)
    if o.json:
        print(json.dumps({"machine": machine(), "rows": [r._asdict() for r in rows]}, indent=1))
    else:
        print(machine())
        print(table(rows, ("new", "old") if o.against else ("ours", "reference")))


if __name__ == "__main__":
    main()
