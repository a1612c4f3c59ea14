# SPDX-License-Identifier: Apache-2.0
"""A small double of the node: starts a worker process for a script and speaks the protocol of src/wire/msg.h with
it."""
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import textwrap

PYTHON_DIR = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "python"))
sys.path.insert(0, PYTHON_DIR)
from prs_loader.wire import BYE, DROP, FAIL, HELLO, INIT_FAILED, NOTE, READY, RESULT, SETUP, STOP, TASK  # noqa: E402,F401

DEADLINE = int(os.environ.get("PRS_TEST_DEADLINE", 120))


def eventfd():
    if hasattr(os, "eventfd"):
        return os.eventfd(0, os.EFD_SEMAPHORE | os.EFD_NONBLOCK | os.EFD_CLOEXEC)
    import ctypes

    return ctypes.CDLL(None).eventfd(0, 1 | 0o4000 | 0o2000000)


class Result:
    """RESULT: the fields of DONE that tests look at, and the bytes."""

    def __init__(self, payload, fd):
        self.status, self.flags = payload[18], payload[19]
        self.length, self.head_len = struct.unpack_from("<QI", payload, 40)
        self.succeeded, self.row_count = struct.unpack_from("<II", payload, 64)
        self.rows = payload[104:]
        if fd is not None:
            with os.fdopen(fd, "rb") as f:
                f.seek(0)
                self.rows = f.read()


class Node:
    """script: text of the entry script; files: name -> text beside it; links: name -> where the link leads to;
    path_first: that folder is in PYTHONPATH; setup: keys of SETUP over the usual ones (a list repeats the key)."""

    def __init__(self, python, script, name="score.py", files=None, entry=None, env=None, path_first=False, links=None,
                 **setup):
        self.dir = os.path.realpath(tempfile.mkdtemp(prefix="prs-loader-"))
        self.code = os.path.join(self.dir, "code")
        self.write(name, script)
        for other, text in (files or {}).items():
            self.write(other, text)
        for other, target in (links or {}).items():
            os.symlink(target, os.path.join(self.code, other))
        self.sock, peer = socket.socketpair()
        self.event = eventfd()
        self.page = os.open(os.path.join(self.dir, "page"), os.O_RDWR | os.O_CREAT)
        os.ftruncate(self.page, 4096)
        fds = [peer.fileno(), self.event, self.page]
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("AZ", "PRS", "PYTEST", "PYTHONUNBUFFERED"))}
        if path_first:
            clean["PYTHONPATH"] = self.code
        clean.update(env or {}, PRS_WORKER_FDS=",".join(map(str, fds)), PRS_RUN="r", PRS_SLOT="0")
        self.out, self.err = (open(os.path.join(self.dir, n), "w+b") for n in ("out", "err"))
        self.process = subprocess.Popen([python, os.path.join(PYTHON_DIR, "prs_worker.py")], pass_fds=fds, env=clean,
                                        cwd=self.code,
                                        stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err)
        peer.close()
        self.buffer = b""
        self.fds, self.notes = [], []
        self.claim = 0
        self.send_setup(entry or name, setup)

    def write(self, name, text):
        path = os.path.join(self.code, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(textwrap.dedent(text))

    # ---- sending

    def send_setup(self, entry, more):
        log = self.dir + "/log"
        values = {"run_id": "run-1", "process": "process000", "slot": "0", "code_root": self.code, "entry": entry,
                  "argv": ["--x", "1"],
                  "output_action": "append_row", "output_dir": self.dir + "/outputs", "log_dir": log, "log_file": log +
                  "/process000.log.txt",
                  "error_file": self.dir + "/errors.txt", "experiment": "score", "submit_dir": self.dir + "/submitted"}
        values.update(more)
        words = []
        for key, value in values.items():
            for one in value if isinstance(value, list) else [value]:
                words += [key, one]
        self.send(SETUP, b"".join(os.fsencode(w) + b"\0" for w in words))

    def send(self, kind, payload=b"", claim=0):
        self.sock.sendall(struct.pack("<IHHII", len(payload), kind, 0, claim, 0) + payload)

    def task(self, paths, number=0, keys=b"", kind=0):
        self.claim += 1
        body = b"".join(os.fsencode(p) + b"\0" for p in paths)
        self.send(TASK, struct.pack("<QQIIIHHHHIQ", number, 7, 0, 0, len(paths), 1, kind, 0, 0, len(keys), 0) + keys +
                  body, self.claim)
        os.write(self.event, struct.pack("<Q", 1))

    # ---- receiving

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
            try:
                data, ancillary, _, _ = self.sock.recvmsg(1 << 20, 1024)
            except ConnectionResetError:
                return None
            for _, _, raw in ancillary:
                self.fds += struct.unpack("%di" % (len(raw) // 4), raw)
            if not data:
                return None
            self.buffer += data

    def expect(self, kind):
        """The next frame, which is of that kind; notes, (kind, sentence), are kept."""
        got = self.frame()
        while got is not None and got[0] == NOTE:
            self.notes.append((got[2][0], got[2][6:].decode()))
            got = self.frame()
        if got is None or got[0] != kind:
            raise AssertionError("expected frame %d, got %r\n%s" % (kind, got, self.printed()))
        return got

    def begin(self):
        self.expect(HELLO)
        self.expect(READY)
        return self

    def init_failure(self):
        """(code, message)."""
        self.expect(HELLO)
        payload = self.expect(INIT_FAILED)[2]
        return struct.unpack_from("<H", payload)[0], payload[18:].decode()

    def result(self, paths=("a",), **more):
        self.task(paths, **more)
        _, _, payload, fd = self.expect(RESULT)
        return Result(payload, fd)

    def rows(self, paths=("a",), **more):
        return self.result(paths, **more).rows

    def full_disk(self, paths=("a",)):
        """(errno, named, device) of a failed try, or None."""
        self.task(paths)
        payload = self.expect(FAIL)[2]
        rest = payload[94 + struct.unpack_from("<H", payload, 92)[0]:]
        full = struct.unpack_from("<IIQ", rest) if rest else (0, 0, 0)
        return full if full[0] else None

    def kind(self, paths=("a",)):
        """What the error of a failed try is; "": its code says it all."""
        self.task(paths)
        payload = self.expect(FAIL)[2]
        rest = payload[94 + struct.unpack_from("<H", payload, 92)[0] + 16:]
        assert not rest or struct.unpack_from("<H", rest)[0] == len(rest) - 2
        return rest[2:].decode()

    def failure(self, paths=("a",), **more):
        """(code, message) of a failed try."""
        self.task(paths, **more)
        payload = self.expect(FAIL)[2]
        length = struct.unpack_from("<H", payload, 92)[0]
        return struct.unpack_from("<H", payload, 76)[0], payload[94:94 + length].decode()

    # ---- what it left

    def read(self, name):
        with open(os.path.join(self.dir, name), "rb") as f:
            return f.read().decode(errors="backslashreplace")

    def printed(self):
        return self.read("out") + self.read("err")

    def traces(self):
        return self.read("errors.txt")

    def end(self):
        self.send(STOP)
        self.expect(BYE)
        return self.process.wait(DEADLINE)

    def close(self):
        self.sock.close()
        for fd in (self.event, self.page):
            os.close(fd)
        self.out.close()
        self.err.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE)
        shutil.rmtree(self.dir, ignore_errors=True)
