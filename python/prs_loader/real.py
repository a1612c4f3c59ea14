# SPDX-License-Identifier: Apache-2.0
"""The functions of the system as this process found them, before the script was imported.

Scripts, and what they import, put others in their place: freezegun goes through the attributes of every module and
stops the clock, others patch os or select. Our clock and our descriptors must stay what they are, so these functions
are kept in a class: no patcher looks there.
"""
import fcntl
import os
import select
import time


class real:
    monotonic_ns, time_ns, process_time_ns = time.monotonic_ns, time.time_ns, time.process_time_ns
    getpid, getppid, kill, exit = os.getpid, os.getppid, os.kill, os._exit
    open, read, write, lseek, dup, close = os.open, os.read, os.write, os.lseek, os.dup, os.close
    stat, fstat, pread = os.stat, os.fstat, os.pread
    memfd_create = getattr(os, "memfd_create", None)  # a Python that was built for an old glibc has none
    fcntl, poll = fcntl.fcntl, select.poll
