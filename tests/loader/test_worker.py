# SPDX-License-Identifier: Apache-2.0
"""The loader against a small double of the node. Run: python3 -m unittest discover -s tests/loader"""
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import textwrap
import unittest

PYTHON_DIR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "python")
HELLO, SETUP, READY, INIT_FAILED, TASK, RESULT, FAIL, STOP, BYE, DROP = range(1, 11)
DEADLINE = 60


def eventfd():
    if hasattr(os, "eventfd"):
        return os.eventfd(0, os.EFD_SEMAPHORE | os.EFD_NONBLOCK | os.EFD_CLOEXEC)
    import ctypes

    return ctypes.CDLL(None).eventfd(0, 1 | 0o4000 | 0o2000000)


class Node:
    """Starts a worker for a script and speaks the protocol with it."""

    def __init__(self, script, name="score.py", action="append_row"):
        self.dir = tempfile.mkdtemp(prefix="prs-loader-")
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(textwrap.dedent(script))
        self.sock, peer = socket.socketpair()
        self.event = eventfd()
        page = os.open(os.path.join(self.dir, "page"), os.O_RDWR | os.O_CREAT)
        os.ftruncate(page, 4096)
        fds = [peer.fileno(), self.event, page]
        env = dict(os.environ, PRS_WORKER_FDS=",".join(map(str, fds)), PRS_RUN="r", PRS_SLOT="0")
        self.out = open(os.path.join(self.dir, "out"), "w+b")
        self.process = subprocess.Popen([sys.executable, os.path.join(PYTHON_DIR, "prs_worker.py")], pass_fds=fds, env=env, cwd=self.dir,
                                        stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.out)
        peer.close()
        self.page = page
        self.buffer = b""
        self.fds = []
        self.claim = 0
        self.setup(name, action)

    def setup(self, name, action):
        values = {"run_id": "r", "process": "process000", "slot": "0", "code_root": self.dir, "entry": name, "argv": "--x", "output_action": action,
                  "log_dir": self.dir + "/log", "log_file": self.dir + "/log/process000.log.txt", "error_file": self.dir + "/errors.txt",
                  "model": "digits=/models/digits"}
        self.send(SETUP, b"".join(k.encode() + b"\0" + v.encode() + b"\0" for k, v in values.items()))

    def send(self, kind, payload=b"", claim=0):
        self.sock.sendall(struct.pack("<IHHII", len(payload), kind, 0, claim, 0) + payload)

    def task(self, paths, id=0):
        self.claim += 1
        body = b"".join(os.fsencode(p) + b"\0" for p in paths)
        self.send(TASK, struct.pack("<QQIIIHHHHIQ", id, 7, 0, 0, len(paths), 1, 0, 0, 0, 0, 0) + body, self.claim)
        os.write(self.event, struct.pack("<Q", 1))

    def frame(self):
        """(kind, claim, payload, descriptor or None); None at the end of the stream."""
        while True:
            if len(self.buffer) >= 16:
                length, kind, flags, claim, _ = struct.unpack_from("<IHHII", self.buffer)
                if len(self.buffer) >= 16 + length:
                    payload, self.buffer = self.buffer[16:16 + length], self.buffer[16 + length:]
                    return kind, claim, payload, self.fds.pop(0) if flags & 1 else None
            if not select.select([self.sock], [], [], DEADLINE)[0]:
                raise AssertionError("the worker said nothing: " + self.printed())
            data, ancillary, _, _ = self.sock.recvmsg(1 << 20, 1024)
            for _, _, raw in ancillary:
                self.fds += struct.unpack("%di" % (len(raw) // 4), raw)
            if not data:
                return None
            self.buffer += data

    def expect(self, kind):
        got = self.frame()
        if got is None or got[0] != kind:
            raise AssertionError("expected frame %d, got %r\n%s" % (kind, got, self.printed()))
        return got

    def begin(self):
        self.expect(HELLO)
        self.expect(READY)
        return self

    def rows(self, paths):
        self.task(paths)
        _, _, payload, fd = self.expect(RESULT)
        if fd is None:
            return payload[104:]
        with os.fdopen(fd, "rb") as f:
            f.seek(0)
            return f.read()

    def failure(self, paths=("a",)):
        """(code, message) of a failed try."""
        self.task(paths)
        _, _, payload, _ = self.expect(FAIL)
        length = struct.unpack_from("<H", payload, 92)[0]
        return struct.unpack_from("<H", payload, 76)[0], payload[94:94 + length].decode()

    def printed(self):
        with open(self.out.name, "rb") as f:
            return f.read().decode(errors="replace")

    def end(self):
        self.send(STOP)
        self.expect(BYE)
        return self.process.wait(DEADLINE)

    def close(self):
        self.sock.close()
        os.close(self.event)
        os.close(self.page)
        self.out.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE)


class WorkerTest(unittest.TestCase):
    def node(self, script, **more):
        n = Node(script, **more)
        self.addCleanup(n.close)
        return n

    def test_rows_and_shutdown(self):
        n = self.node("""
            import sys
            def init(): print("init", sys.argv[1])
            def run(mini_batch): return [p + ":1" for p in mini_batch]
            def shutdown(): print("bye")
        """).begin()
        self.assertEqual(n.rows(["/a", "/b c"]), b"/a:1\n/b c:1\n")
        self.assertEqual(n.rows([b"/\xff\n"]), b"/\xff\n:1\n")
        self.assertEqual(n.end(), 0)
        self.assertIn("init --x", n.printed())
        self.assertIn("bye", n.printed())

    def test_returns(self):
        for value, rows in (("[1, 2.5, None]", b"1\n2.5\nNone\n"), ("('a', 'b')", b"a\nb\n"), ("(x for x in 'ab')", b"a\nb\n"), ("[]", b""),
                            ("[['x', 1]]", b"['x', 1]\n"), ("['a\\nb']", b"a\nb\n")):
            with self.subTest(value):
                n = self.node("def run(mini_batch): return " + value).begin()
                self.assertEqual(n.rows(["a"]), rows)

    def test_bad_returns(self):
        for value in ("'text'", "None", "5", "{'a': 1}", "b'x'", "{1}"):
            with self.subTest(value):
                n = self.node("def run(mini_batch): return " + value).begin()
                code, message = n.failure()
                self.assertEqual(code, 106)
                self.assertIn("list or a pandas DataFrame", message)

    def test_summary_only_counts(self):
        n = self.node("def run(mini_batch): return {'a': 1, 'b': 2}", action="summary_only").begin()
        n.task(["a", "b"])
        payload = n.expect(RESULT)[2]
        self.assertEqual(len(payload), 104)
        self.assertEqual(struct.unpack_from("<I", payload, 64)[0], 2)

    def test_exception_keeps_the_process(self):
        n = self.node("""
            def run(mini_batch):
                if mini_batch[0] == "bad": raise ValueError("no digits in " + mini_batch[0])
                return mini_batch
        """).begin()
        code, message = n.failure(["bad"])
        self.assertEqual((code, message), (100, "ValueError: no digits in bad"))
        self.assertEqual(n.rows(["good"]), b"good\n")
        with open(n.dir + "/errors.txt") as f:
            text = f.read()
        self.assertIn("score.py", text)
        self.assertNotIn("prs_loader", text)

    def test_exit_of_run(self):
        n = self.node("import sys\ndef run(mini_batch): sys.exit(3)").begin()
        self.assertEqual(n.failure()[0], 101)
        self.assertIsNone(n.frame())
        self.assertEqual(n.process.wait(DEADLINE), 1)

    def test_forked_child_that_returns_writes_nothing(self):
        n = self.node("""
            import os
            def run(mini_batch):
                pid = os.fork()
                if pid: os.waitpid(pid, 0)
                return [os.getpid() if False else "parent" if pid else "child"]
        """).begin()
        self.assertEqual(n.rows(["a"]), b"parent\n")
        self.assertEqual(n.rows(["b"]), b"parent\n")

    def test_closed_descriptors(self):
        n = self.node("import os\ndef run(mini_batch):\n    os.closerange(3, 1 << 16)\n    return mini_batch").begin()
        n.task(["a"])
        self.assertIsNone(n.frame())
        self.assertEqual(n.process.wait(DEADLINE), 107)

    def test_large_rows_go_through_a_descriptor(self):
        n = self.node("def run(mini_batch): return ['x' * (5 << 20)]").begin()
        self.assertEqual(n.rows(["a"]), b"x" * (5 << 20) + b"\n")

    def test_drop(self):
        n = self.node("def run(mini_batch): return mini_batch").begin()
        body = struct.pack("<QQIIIHHHHIQ", 9, 7, 0, 0, 1, 1, 0, 0, 0, 0, 0) + b"dropped\0"
        n.send(TASK, body, 1)
        n.send(DROP, struct.pack("<II", 1, 1))
        os.pwrite(n.page, struct.pack("<I", 1), 48)
        n.claim = 1
        self.assertEqual(n.rows(["kept"]), b"kept\n")

    def test_init_failures(self):
        for script, code, text in (("def init(): raise RuntimeError('no model')\ndef run(b): return b", 150, "no model"),
                                   ("import sys\ndef init(): sys.exit(2)\ndef run(b): return b", 152, "SystemExit"),
                                   ("import not_there_at_all\ndef run(b): return b", 153, "-m pip install not_there_at_all"),
                                   ("def run(b)\n", 153, "SyntaxError"), ("x = 1", 154, "no function run"),
                                   ("async def run(b): return b", 109, "asyncio.run")):
            with self.subTest(text):
                n = self.node(script)
                n.expect(HELLO)
                payload = n.expect(INIT_FAILED)[2]
                self.assertEqual(struct.unpack_from("<H", payload)[0], code)
                self.assertIn(text, payload[18:].decode())

    def test_arguments_of_run(self):
        for text in ("def run(a, context): return [context.minibatch_index]", "def run(*a): return [a[1].minibatch_index]",
                     "def run(a, *, context): return [context.minibatch_index]", "def run(a, context=None): return [context.minibatch_index]",
                     "def run(a): return [a.task_id]"):
            with self.subTest(text):
                self.assertEqual(self.node(text).begin().rows(["x"]), b"0\n")

    def test_names_of_the_original(self):
        n = self.node("""
            from azureml_user.parallel_run import EntryScript
            from azureml.core import Model
            from azureml.core.model import Model as Same
            def run(mini_batch):
                EntryScript().logger.info("seen")
                return [Model.get_model_path("digits"), EntryScript().agent_name, Same is Model]
        """).begin()
        self.assertEqual(n.rows(["a"]), b"/models/digits\nprocess000\nTrue\n")
        with open(n.dir + "/log/process000.log.txt") as f:
            self.assertIn("seen", f.read())

    def test_multiprocessing_spawn(self):
        n = self.node("""
            import multiprocessing
            def square(x): return x * x
            def run(mini_batch):
                with multiprocessing.get_context("spawn").Pool(2) as pool:
                    return pool.map(square, [1, 2, 3])
        """, name="src/batch_score.py").begin()
        self.assertEqual(n.rows(["a"]), b"1\n4\n9\n")

    def test_engine_death_ends_the_worker(self):
        n = self.node("def run(mini_batch): return mini_batch").begin()
        n.sock.shutdown(socket.SHUT_RDWR)
        self.assertEqual(n.process.wait(DEADLINE), 0)


if __name__ == "__main__":
    unittest.main()
