# SPDX-License-Identifier: Apache-2.0
"""Reference: multiprocessing.Pool.imap, chunksize 1, rows written: pool.py SCRIPT INPUT OUTPUT PROCESSES PER. Prints
the seconds."""
import multiprocessing
import os
import sys
import time

from loops import batches_of, load


def nothing(_):
    time.sleep(0.01)


if __name__ == "__main__":
    script, folder, output, processes, per = sys.argv[1:4] + [int(v) for v in sys.argv[4:]]
    module = load(script)
    batches = batches_of(folder, per)
    with multiprocessing.Pool(processes) as pool:
        pool.map(nothing, range(4 * processes), 1)  # all processes are there
        begun = time.monotonic()
        with open(output, "w") as f:
            for rows in pool.imap(module.run, batches, 1):
                f.write("".join([row + "\n" for row in rows]))
        print(time.monotonic() - begun)
        pool.close()
        pool.join()
