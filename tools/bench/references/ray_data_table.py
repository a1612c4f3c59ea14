# SPDX-License-Identifier: Apache-2.0
"""Reference: Ray Data: ray_data_table.py SCRIPT FILE OUTPUT PROCESSES ROWS. Prints the seconds, start of Ray not included."""
import logging
import shutil
import sys
import time

import ray
import ray.data

from loops import load


def main():
    script, path, output, processes, rows = sys.argv[1:6]
    ray.init(num_cpus=int(processes), include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    shutil.rmtree(output, ignore_errors=True)

    def one(frame):
        return load(script).run(frame)

    warm = ray.data.range(4).map_batches(lambda frame: frame, batch_format="pandas")
    warm.materialize()  # its processes are started
    begun = time.monotonic()
    ray.data.read_csv(path).map_batches(one, batch_format="pandas", batch_size=int(rows)).write_csv(output)
    print(time.monotonic() - begun)


if __name__ == "__main__":
    main()
