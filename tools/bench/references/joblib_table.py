# SPDX-License-Identifier: Apache-2.0
"""Reference: joblib over read_csv(chunksize): joblib_table.py SCRIPT FILE OUTPUT PROCESSES ROWS. Prints the seconds."""
import sys
import time

import joblib
import pandas

from loops import load


def one(script, frame):
    return load(script).run(frame).to_csv(index=False, header=False)


def main():
    script, path, output, processes, rows = sys.argv[1:6]
    pool = joblib.Parallel(n_jobs=int(processes), return_as="generator")
    list(pool(joblib.delayed(one)(script, pandas.DataFrame({"id": [1], "city": [""], "amount": [0.5]})) for _ in range(4)))  # they are started
    begun = time.monotonic()
    with open(output, "w") as f:
        for text in pool(joblib.delayed(one)(script, chunk) for chunk in pandas.read_csv(path, chunksize=int(rows))):
            f.write(text)
    print(time.monotonic() - begun)


if __name__ == "__main__":
    main()
