# SPDX-License-Identifier: Apache-2.0
"""Holds a ProcessPoolExecutor that nobody shuts down; BENCH_STAMPS gets the time at which the last run() ended. As a
program: the same in plain Python."""
import concurrent.futures
import os
import time


def init():
    global pool
    pool = concurrent.futures.ProcessPoolExecutor(2)


def run(mini_batch):
    rows = list(pool.map(os.path.basename, mini_batch))
    with open(os.environ["BENCH_STAMPS"], "w") as f:
        f.write("%d\n" % time.monotonic_ns())
    return rows


if __name__ == "__main__":
    init()
    run(["a/b", "c/d"])
