# SPDX-License-Identifier: Apache-2.0
"""The end of a process is that of plain Python: executors end, files that were left open are written."""
import gzip
import os
import zipfile

import pytest

LEFT_OPEN = """
    import csv, gzip, os, zipfile
    def init():
        global plain, rows, packed, archive
        plain = open("../plain.csv", "w")
        rows = csv.writer(plain)
        packed = gzip.open("../packed.gz", "wt")
        archive = zipfile.ZipFile("../archive.zip", "w")
    %s
    def run(mini_batch):
        for path in mini_batch:
            rows.writerow([path])
            packed.write(path + "\\n")
            archive.writestr(path, "x")
        return mini_batch
"""


def check_files(n):
    assert n.read("plain.csv") == "a\r\nb\r\n"
    with gzip.open(n.dir + "/packed.gz", "rt") as f:
        assert f.read() == "a\nb\n"
    with zipfile.ZipFile(n.dir + "/archive.zip") as f:
        assert f.namelist() == ["a", "b"]


@pytest.mark.parametrize("threads", ["", "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()"],
                         ids=["none", "daemon"])
def test_files_left_open(node, threads):
    n = node(LEFT_OPEN % threads).begin()
    assert n.rows(["a", "b"]) == b"a\nb\n"
    assert n.end() == 0
    check_files(n)
    assert n.printed() == ""


def test_files_left_open_by_an_exit(node):
    """Also where run() ends the process, as plain Python would at that place."""
    n = node(LEFT_OPEN % "" + "    def shutdown(): 1 / 0\n    run_ = run\n    def run(m):\n        run_(m)\n        raise SystemExit\n").begin()
    assert n.failure(["a", "b"])[0] == 101
    assert n.process.wait(120) == 1
    check_files(n)


@pytest.mark.parametrize("how", ["fork", "spawn"])
def test_pool_left_open(node, how):
    """Nobody told the executor that the end has come: its processes and its thread would wait for ever."""
    n = node("""
        import concurrent.futures, multiprocessing, os
        def init():
            global pool
            pool = concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("%s"))
            open("../left", "w").write("kept")
            globals()["left"] = open("../late", "w")
        def run(mini_batch):
            left.write("late")
            return list(pool.map(os.path.basename, mini_batch))
    """ % how).begin()
    assert n.rows(["/x/a", "/x/b"]) == b"a\nb\n"
    assert n.end() == 0
    assert n.read("late") == "late" and "prs:" not in n.read("err")


def test_work_of_an_executor_is_done(node):
    """What was given to a thread and is not waited for by the script, as Python does."""
    n = node("""
        import concurrent.futures, threading
        gate = threading.Event()
        def write(path):
            gate.wait()
            with open("../" + path, "w") as f: f.write("done")
        def init():
            global pool
            pool = concurrent.futures.ThreadPoolExecutor(1)
        def run(mini_batch):
            for p in mini_batch: pool.submit(write, p)
            return mini_batch
        def shutdown(): gate.set()
    """).begin()
    assert n.rows(["first", "second"]) == b"first\nsecond\n"
    assert n.end() == 0
    assert n.read("first") == n.read("second") == "done"


def test_work_that_is_never_done(node, python):
    """It does not keep the process, and what is registered for the exit runs."""
    if "3.8" in os.path.basename(python):
        pytest.skip("the threads of its executors are daemons, and a function of atexit waits for them: the node has a limit for that")
    n = node("""
        import atexit, concurrent.futures, threading
        import prs_loader.end
        prs_loader.end.EXECUTORS_MAX_NS = prs_loader.end.THREADS_MAX_NS = 10 ** 8
        def fail(): raise KeyError("at the exit")
        def init():
            global pool
            pool = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="endless")
            pool.submit(threading.Event().wait)
            atexit.register(print, "atexit")
            atexit.register(fail)
        def run(mini_batch): return mini_batch
    """).begin()
    assert n.rows() == b"a\n"
    assert n.end() == 0
    assert "prs: the thread endless_0 of the script still runs" in n.read("err")
    assert n.read("out") == "atexit\n"


def test_hooks(node, python):
    """Each once, the last one first, before threads are waited for; one that fails is told."""
    if "3.8" in os.path.basename(python):
        pytest.skip("has no such functions")
    n = node("""
        import threading
        gate = threading.Event()
        def wait():
            gate.wait()
            print("thread")
        def init():
            threading.Thread(target=wait).start()
            threading._register_atexit(lambda: (print("first registered"), gate.set()))
            threading._register_atexit(lambda: 1 / 0)
            threading._register_atexit(print, "last registered")
        def run(mini_batch): return mini_batch
    """).begin()
    n.rows()
    assert n.end() == 0
    assert n.read("out") == "last registered\nfirst registered\nthread\n"
    assert n.read("err") == "prs: at the end of the process: ZeroDivisionError: division by zero\n"


def test_threads_that_start_threads(node):
    n = node("""
        import threading
        def last():
            threading.Event().wait(0.1)
            print("last")
        def first():
            threading.Event().wait(0.1)
            threading.Thread(target=last).start()
        def shutdown(): threading.Thread(target=first).start()
        def run(mini_batch): return mini_batch
    """).begin()
    n.rows()
    assert n.end() == 0
    assert (n.read("out"), n.read("err")) == ("last\n", "")


def test_threading_that_is_no_longer_itself(node):
    n = node("import threading\nthreading.enumerate = None\ndef run(b): return b").begin()
    n.rows()
    assert n.end() == 0
    assert "prs: at the end of the process: TypeError" in n.read("err")
