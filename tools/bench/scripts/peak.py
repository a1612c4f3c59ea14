# SPDX-License-Identifier: Apache-2.0
"""Peak memory (MiB) of a process: with its imports, and in the end."""
import os
import resource


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def init():
    global before
    import pandas  # noqa: F401
    try:
        import pyarrow.compute  # noqa: F401
        import pyarrow.csv  # noqa: F401
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        pass
    before = peak()


def run(frame):
    return frame[["id", "city", "amount"]]


def shutdown():
    with open(os.environ["BENCH_STAMPS"], "a") as f:
        f.write("%f %f\n" % (before, peak()))
