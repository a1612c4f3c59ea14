# SPDX-License-Identifier: Apache-2.0
"""On the first try of each mini-batch, run() makes shared memory and a semaphore, notes their names in BENCH_STAMPS and
kills its process."""
import multiprocessing
import os
import signal
from multiprocessing import shared_memory


def run(mini_batch):
    mark = "%s.%s" % (os.environ["BENCH_STAMPS"], os.path.basename(mini_batch[0]))
    if not os.path.exists(mark):
        memory = shared_memory.SharedMemory(create=True, size=2 << 20)
        semaphore = multiprocessing.get_context("spawn").Semaphore()
        with open(mark, "w") as f:
            f.write("%s\nsem.%s\n" % (memory.name, semaphore._semlock.name.lstrip("/")))
        os.kill(os.getpid(), signal.SIGKILL)
    return mini_batch
