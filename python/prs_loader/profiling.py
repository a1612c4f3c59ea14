# SPDX-License-Identifier: Apache-2.0
"""--profiling_module: what run() does, in logs/sys/profile/<process>.<pid>.profile, for pstats."""
import atexit
import importlib
import os
import pstats


def wrap(call, job):
    """The function that calls run(), under the profiler that the job asks for. The profile is written at the end of the
    process."""
    module = importlib.import_module(job.one("profiling_module"))
    folder = job.one("profile_dir")
    path = os.path.join(folder, "%s.%d.profile" % (job.one("process"), os.getpid()))
    sums = []

    def save():
        os.makedirs(folder, exist_ok=True)
        for stats in sums:
            stats.dump_stats(path)

    def profiled(mini_batch, context):
        profiler = module.Profile()  # that of `profile` serves one call only
        try:
            return profiler.runcall(call, mini_batch, context)
        finally:
            if sums:
                sums[0].add(profiler)
            else:
                sums.append(pstats.Stats(profiler))

    atexit.register(save)
    return profiled
