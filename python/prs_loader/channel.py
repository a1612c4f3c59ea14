# SPDX-License-Identifier: Apache-2.0
"""Frames, tokens and the shared page: what src/wire/msg.h and src/wire/page.h describe."""
import _signal
import _socket  # the modules around these two take longer to import than all the rest, and scripts patch them
import fcntl
import mmap
import os
import select
import struct
import time

HELLO, SETUP, READY, INIT_FAILED, TASK, RESULT, FAIL, STOP, BYE, DROP = range(1, 11)
FLAG_FD, FLAG_MORE = 1, 2
START, INIT, IDLE, LOAD, RUN, WRITE, SHUTDOWN = range(7)
EXIT_SOCKET_CLOSED = 107
ROWS_INLINE_MAX = 1 << 20
RESERVE = 6

# Native, because that is faster: the fields are aligned and the engine runs on little-endian machines only.
_header = struct.Struct("@IHHII")
_task = struct.Struct("@QQIIIHHHHIQ")
_RECEIVE_BYTES = 1 << 16
_SO_COOKIE = 57
_TIME_MASK = (1 << 56) - 1


class Gone(Exception):
    """The node closed the socket: the engine is dead."""


class Task:
    __slots__ = ("id", "lease", "item_first", "item_count", "items", "try_number", "kind", "global_row", "claim", "keys", "paths",
                 "unit")  # paths: without the last NUL; unit: the bytes of id, lease, item_first, item_count, as in the page


def _parse_task(claim, data, begin, end):
    t = Task()
    (t.id, t.lease, t.item_first, t.item_count, t.items, t.try_number, t.kind, _input, _zero, keys_bytes, t.global_row) = _task.unpack_from(data, begin)
    t.claim = claim
    t.unit = data[begin:begin + 24]
    begin += 48
    t.keys = data[begin:begin + keys_bytes] if keys_bytes else b""
    t.paths = data[begin + keys_bytes:end - 1]
    return t


class Channel:
    """Socket, token counter and page of this process."""

    def __init__(self, sock_fd, event_fd, page_fd):
        for fd in (sock_fd, event_fd):  # not for what the script starts with os.system()
            os.set_inheritable(fd, False)
        self.sock = _socket.socket(fileno=sock_fd)
        self.fd = sock_fd
        self.event_fd = event_fd
        self.pid = os.getpid()
        os.lseek(page_fd, 4096, os.SEEK_SET)  # mmap keeps a low descriptor: a script that writes to it writes behind the page
        self.page = mmap.mmap(page_fd, 4096)
        if hasattr(self.page, "madvise") and hasattr(mmap, "MADV_DONTFORK"):
            self.page.madvise(mmap.MADV_DONTFORK)
        os.close(page_fd)
        self.words = memoryview(self.page)[:4096].cast("Q")  # stores of 8 aligned bytes: never half a word
        self.halves = memoryview(self.page)[:4096].cast("I")
        self.cookie = self.sock.getsockopt(_socket.SOL_SOCKET, _SO_COOKIE, 8)
        self.poll = select.poll()
        self.poll.register(sock_fd, select.POLLIN)
        self.poll.register(event_fd, select.POLLIN)
        self.buffer = b""
        self.at = 0          # bytes of buffer that were handled
        self.parts = {}      # claim -> pieces of a large task
        self.tasks = []      # TASK frames that were read, oldest first
        self.dropped = set()
        self.recalls = 0
        self.drops = 0
        self.stopping = False
        self.waited = True   # since the last unit
        self.results = 0
        self.reserve = []
        self.keep_reserve()

    # ---- descriptors for our own use when the script has used up all others

    def keep_reserve(self):
        try:
            while len(self.reserve) < RESERVE:
                self.reserve.append(fcntl.fcntl(self.event_fd, fcntl.F_DUPFD_CLOEXEC, self.fd - RESERVE))
        except OSError:
            pass

    def use_reserve(self):
        for fd in self.reserve:
            try:
                os.close(fd)
            except OSError:
                pass
        self.reserve.clear()

    # ---- page

    def phase(self, phase, now_ns=None):
        self.words[0] = phase << 56 | (now_ns or time.monotonic_ns()) // 1000 & _TIME_MASK

    def begin(self, task, start_us, now_ns):
        """The unit is this process's from here on: written while the phase is IDLE or WRITE, then the word."""
        self.page[8:32] = task.unit
        self.halves[13] = task.claim
        self.words[7] = start_us
        self.words[0] = LOAD << 56 | now_ns // 1000 & _TIME_MASK

    # ---- sending

    def end_child(self):
        """A child that user code forked and let return has nothing to do here."""
        if os.getpid() != self.pid:
            os._exit(0)

    def check(self):
        """Before anything is sent. A closed socket ends the process; a cookie belongs to one socket for ever."""
        self.end_child()
        try:
            if self.sock.getsockopt(_socket.SOL_SOCKET, _SO_COOKIE, 8) == self.cookie:
                return
        except OSError:
            pass
        os._exit(EXIT_SOCKET_CLOSED)

    def send(self, kind, payload=b"", claim=0, flags=0, fd=-1):
        self.send_frame(kind, _header.pack(len(payload), kind, flags, claim, 0) + payload, fd)

    def send_frame(self, kind, data, fd=-1):
        """A frame with its header."""
        self.check()
        try:
            if fd >= 0:
                sent = self.sock.sendmsg([data], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("i", fd))])
            else:
                sent = self.sock.send(data)
            if sent != len(data):
                self.sock.sendall(data[sent:])
        except OSError:
            os._exit(EXIT_SOCKET_CLOSED if os.getppid() != 1 else 0)
        if kind == RESULT or kind == FAIL:
            self.results += 1
            self.words[4] = self.results

    # ---- receiving

    def _receive(self):
        """More bytes behind the unhandled ones; the first frame is whole then, if it was begun."""
        data = self.sock.recv(_RECEIVE_BYTES)
        if not data:
            raise Gone
        self.buffer = self.buffer[self.at:] + data
        self.at = 0
        if len(self.buffer) >= 16:
            missing = 16 + _header.unpack_from(self.buffer)[0] - len(self.buffer)
            if missing > 0:
                self.buffer += self._exactly(missing)

    def _exactly(self, size):
        data = bytearray(size)
        view = memoryview(data)
        while view:
            got = self.sock.recv_into(view)
            if not got:
                raise Gone
            view = view[got:]
        return data

    def _frame(self):
        """The next whole frame as (type, flags, claim, where its payload begins), or None; self.at is its end then."""
        begin = self.at + 16
        if len(self.buffer) < begin:
            return None
        length, kind, flags, claim, _zero = _header.unpack_from(self.buffer, self.at)
        if len(self.buffer) < begin + length:
            return None
        self.at = begin + length
        return kind, flags, claim, begin

    def _handle(self, kind, flags, claim, begin):
        if kind == TASK:
            data, end = self.buffer, self.at
            if flags & FLAG_MORE or claim in self.parts:
                self.parts.setdefault(claim, []).append(data[begin:end])
                if flags & FLAG_MORE:
                    return
                data = b"".join(self.parts.pop(claim))
                begin, end = 0, len(data)
            self.tasks.append(_parse_task(claim, data, begin, end))
        elif kind == DROP:
            first, count = struct.unpack_from("<II", self.buffer, begin)
            self.dropped.update(range(first, first + count))
            self.drops += 1
        elif kind == STOP:
            self.stopping = True

    def _take_all(self):
        self._receive()
        frame = self._frame()
        while frame:
            self._handle(*frame)
            frame = self._frame()

    def setup(self):
        """The SETUP frame as a dict of lists of bytes."""
        frame = self._frame()
        while not frame:
            self._receive()
            frame = self._frame()
        values = {}
        words = self.buffer[frame[3]:self.at].split(b"\0")
        for i in range(0, len(words) - 1, 2):
            values.setdefault(words[i].decode(), []).append(words[i + 1])
        return values

    def next_task(self):
        """Claim a unit; None = stop."""
        while True:
            try:
                os.read(self.event_fd, 8)
            except BlockingIOError:
                if self.stopping:
                    return None
                self._wait()
                continue
            except OSError:
                os._exit(EXIT_SOCKET_CLOSED)
            return self._claimed()

    def _wait(self):
        self.check()
        self.phase(IDLE)
        for fd, _events in self.poll.poll():
            if fd == self.fd:
                self._take_all()
        self.waited = True

    def _claimed(self):
        """A token was taken: read on until every announced DROP was seen and a unit is there."""
        while self.drops != self.halves[12]:
            self._take_all()
        while True:
            while self.tasks:
                task = self.tasks.pop(0)
                if task.claim not in self.dropped:
                    return task
                self.dropped.discard(task.claim)
            self._take_all()


KILL_POINTS = "PRS_KILL" in os.environ  # tests only


def kill_point(name, _left=[]):
    """What src/base/killpoint.h says, in a worker."""
    if not _left:
        wanted, _, count = os.environ.get("PRS_KILL", "").partition(":")
        count, _, mark = count.partition(":")
        _left.extend((wanted, int(count or 0), mark))
    if _left[0] != name:
        return
    _left[1] -= 1
    if _left[1] == 0:
        if _left[2]:
            _stop_once(_left[2])
        else:
            os.kill(os.getpid(), _signal.SIGKILL)


def _stop_once(mark):
    try:
        with open(mark, "x") as f:
            f.write("%d\n" % os.getpid())
    except OSError:
        return
    os.kill(os.getpid(), _signal.SIGSTOP)
