# SPDX-License-Identifier: Apache-2.0
"""The life of a worker process: claims, ends, threads, descriptors, start."""
import os
import select
import socket
import struct
import subprocess

from node import DEADLINE, DROP, PYTHON_DIR, RESULT, TASK

PLAIN = "def run(mini_batch): return mini_batch"


def test_rows_and_shutdown(node):
    n = node("""
        import sys
        def init(): print("init", sys.argv[1])
        def run(mini_batch): return [p + ":1" for p in mini_batch]
        def shutdown(): print("bye")
    """).begin()
    assert n.rows(["/a", "/b c"]) == b"/a:1\n/b c:1\n"
    assert n.rows([b"/\xff\n"]) == b"/\xff\n:1\n"
    assert n.end() == 0
    assert "init --x" in n.printed() and "bye" in n.printed()


def test_globals_stay(node):
    n = node("count = 0\ndef run(mini_batch):\n    global count\n    count += 1\n    return [count]").begin()
    assert [n.rows() for _ in range(3)] == [b"1\n", b"2\n", b"3\n"]


def test_drop(node):
    n = node(PLAIN).begin()
    n.send(TASK, struct.pack("<QQIIIHHHHIQ", 9, 7, 0, 0, 1, 1, 0, 0, 0, 0, 0) + b"dropped\0", 1)
    n.send(DROP, struct.pack("<II", 1, 1))
    os.pwrite(n.page, struct.pack("<I", 1), 48)
    n.claim = 1
    assert n.rows(["kept"]) == b"kept\n"


def test_drop_that_comes_late(node):
    """It was announced in the page: the token that was taken is none of the mini-batch that is to be dropped."""
    n = node(PLAIN).begin()
    n.send(TASK, struct.pack("<QQIIIHHHHIQ", 9, 7, 0, 0, 1, 1, 0, 0, 0, 0, 0) + b"dropped\0", 1)
    os.pwrite(n.page, struct.pack("<I", 1), 48)
    n.claim = 1
    n.task(["kept"])
    # it waits for the DROP; on a slow machine it may not have begun to
    assert not select.select([n.sock], [], [], 0.2)[0]
    n.send(DROP, struct.pack("<II", 1, 1))
    assert n.expect(RESULT)[2][104:] == b"kept\n"


def test_closed_descriptors(node):
    n = node("import os\ndef run(mini_batch):\n    os.closerange(3, 1 << 16)\n    return mini_batch").begin()
    n.task(["a"])
    assert n.frame() is None
    assert n.process.wait(DEADLINE) == 107


def test_engine_death_ends_the_worker(node):
    n = node(PLAIN).begin()
    n.sock.shutdown(socket.SHUT_RDWR)
    assert n.process.wait(DEADLINE) == 0


def test_no_descriptor_of_ours_in_children(node):
    """Also of those that inherit all that may be inherited, as what os.system() starts does."""
    n = node("import subprocess, sys\nLIST = 'import os; print(sorted(os.listdir(\"/proc/self/fd\")))'\n"
             "def run(mini_batch): return [subprocess.run([sys.executable, '-c', LIST], stdout=subprocess.PIPE, close_fds=False).stdout.decode().strip()]").begin()
    assert n.rows() == b"['0', '1', '2', '3']\n"  # 3: the listing itself


def test_run_is_on_the_main_thread(node):
    n = node("import signal, threading\ndef run(a):\n    signal.signal(signal.SIGALRM, signal.SIG_IGN)\n    return [threading.current_thread() is threading.main_thread()]").begin()
    assert n.rows() == b"True\n"


def test_chdir(node):
    n = node("import os\ndef run(mini_batch):\n    os.chdir('/')\n    import helper\n    from azureml_user.parallel_run import EntryScript\n"
             "    EntryScript().logger.info('here')\n    if mini_batch == ['b']: raise ValueError\n    return [helper.x]", files={"helper.py": "x = 1"}).begin()
    assert n.rows() == b"1\n"
    assert n.failure(["b"])[0] == 100
    assert "here" in n.read("log/process000.log.txt")


def test_end_with_threads(node):
    """One that ends by itself is waited for, one that never ends is not; what was registered for the exit runs all the
    same."""
    n = node("""
        import atexit, threading
        gate = threading.Event()
        def finish():
            gate.wait()
            print("thread done")
        def init():
            atexit.register(lambda: print("atexit"))
            threading.Thread(target=finish).start()
            threading.Thread(target=threading.Event().wait, name="endless").start()
            threading.Thread(target=threading.Event().wait, daemon=True).start()
        def run(mini_batch): return mini_batch
        def shutdown(): gate.set()
    """).begin()
    assert n.rows() == b"a\n"
    assert n.end() == 0
    assert n.read("out") == "thread done\natexit\n"
    assert n.read("err") == ("prs: the thread endless of the script still runs at the end of the process: it is cut off, and files that "
                             "are still open may be incomplete\n")


def test_exit_functions_that_fail(node):
    n = node("import atexit, sys\natexit.register(lambda: 1 / 0)\natexit.register(lambda: sys.exit(7))\ndef run(a): return a").begin()
    n.rows()
    assert n.end() == 0


def test_generators_of_run_are_read_inside_its_time(node):
    """The phase in the page is RUN while a generator runs."""
    n = node("import os, struct\ndef run(mini_batch):\n    page = [p for p in os.listdir('..') if p == 'page']\n"
             "    yield struct.unpack('<Q', open('../page', 'rb').read(8))[0] >> 56").begin()
    assert n.rows() == b"4\n"


def test_large_task(node):
    """In several frames."""
    n = node("def run(mini_batch): return [len(mini_batch), mini_batch[-1]]").begin()
    paths = ["/%0200d" % i for i in range(50000)]
    body = b"".join(os.fsencode(p) + b"\0" for p in paths)
    payload = struct.pack("<QQIIIHHHHIQ", 3, 7, 0, 0, len(paths), 1, 0, 0, 0, 0, 0) + body
    parts = [payload[i:i + (4 << 20)] for i in range(0, len(payload), 4 << 20)]
    n.claim = 1
    os.write(n.event, struct.pack("<Q", 1))
    for i, part in enumerate(parts):
        n.sock.sendall(struct.pack("<IHHII", len(part), TASK, 2 if i + 1 < len(parts) else 0, 1, 0) + part)
    assert n.expect(RESULT)[2][104:] == ("50000\n%s\n" % paths[-1]).encode()


def test_start_is_lean(python):
    """Modules that a plain start has not: only these, and none of the slow ones."""
    code = "import sys; sys.path.insert(0, %r); before = set(sys.modules); import prs_loader.worker, prs_loader.entry, prs_loader.hook; " \
           "print(' '.join(sorted(set(sys.modules) - before)))" % PYTHON_DIR
    new = set(subprocess.run([python, "-c", code], stdout=subprocess.PIPE, universal_newlines=True, check=True).stdout.split())
    assert {n for n in new if not n.startswith("prs_loader")} <= {"_socket", "_struct", "fcntl", "mmap", "select",
                                                                  "struct"}


def test_first_mini_batch_is_lean(node, python):
    plain = subprocess.run([python, "-c", "import sys; print(' '.join(sys.modules))"], stdout=subprocess.PIPE,
                           universal_newlines=True, check=True)
    n = node("import sys\ndef run(mini_batch):\n    return list(sys.modules)").begin()
    new = set(n.rows().decode().split()) - set(plain.stdout.split())
    assert not new & {"json", "re", "enum", "collections", "socket", "signal", "logging", "inspect", "traceback",
                      "threading", "typing"}


def test_kill_points_of_a_released_engine(node):
    """Only an engine that was built for tests says in SETUP that PRS_KILL counts."""
    kill = {"PRS_KILL": "worker.before_run:1"}
    n = node(PLAIN, env=kill).begin()
    assert n.rows(["kept"]) == b"kept\n"
    assert n.end() == 0
    n = node(PLAIN, env=kill, kill_points="true").begin()
    n.task(["a"])
    assert n.frame() is None
    assert n.process.wait(DEADLINE) == -9
