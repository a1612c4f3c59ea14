# SPDX-License-Identifier: Apache-2.0
"""No mini-batch begins before the file BENCH_STAMPS is there; then the job ends with its first one."""
import os
import time


def init():
    while not os.path.exists(os.environ["BENCH_STAMPS"]):
        time.sleep(0.05)


def run(frame):
    raise ValueError("enough")
