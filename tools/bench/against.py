# SPDX-License-Identifier: Apache-2.0
"""./dev bench --against BUILD: two programs, pair by pair; each row is new / old, the median over the pairs. The bars are for a change that shall
cost nothing."""
import functools

import measures
from lab import ratio

RATE, TIME = (">=", 0.97), ("<=", 1.05)

# case: (what is measured of one program, the rows of its numbers: name, what, unit, (sign, bar))
TABLE = {
    "throughput": (measures.throughput, [("throughput", "trivial run(), durable: mini-batches a second", "/s", RATE),
                                         ("1/cpu", "the same: mini-batches per second of CPU time, engine + workers",
                                          "/s", RATE)]),
    "digits": (measures.digits, [("digits", "digits, files a second, first run() to published", "/s", RATE)]),
    "one": (measures.one, [("one", "one process, trivial run(): time per mini-batch", "µs", TIME)]),
}
for kind in ("sleep", "busy"):
    TABLE["gap-" + kind] = (functools.partial(measures.gaps, kind=kind),
                            [("gap-%s-%s" % (kind, q), "10 ms runs (%s): gap between two runs, %s" % (kind, q), "µs",
                              TIME) for q in ("p50", "p99")])
for size, text in (("64k", "64 KiB"), ("4m", "4 MiB")):
    TABLE["rows-" + size] = (functools.partial(measures.rows, size=size),
                             [("rows-" + size, "%s of rows a mini-batch" % text, "MB/s", RATE),
                              ("memory-" + size, "the same: peak memory of engine and workers, memory files counted once", "MiB", TIME)])
TABLE["instructions"] = (measures.instructions, [("instructions", "instructions of the engine per mini-batch", "",
                                                  ("<=", 1.03))])


def compare(lab, name):
    measure, rows = TABLE[name]
    pairs = lab.alternate(lambda: measure(lab, program=lab.prs), lambda: measure(lab, program=lab.old_prs))
    return [ratio(row, what, [(new[i], old[i]) for new, old in pairs], unit, *bar)
            for i, (row, what, unit, bar) in enumerate(rows)]
