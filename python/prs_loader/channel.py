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

_header = struct.Struct("<IHHII")
_task = struct.Struct("<QQIIIHHHHIQ")
_unit = struct.Struct("<QQII")


class Gone(Exception):
    """The node closed the socket: the engine is dead."""


class Task:
    __slots__ = ("id", "lease", "item_first", "item_count", "items", "try_number", "kind", "global_row", "claim", "keys", "paths")


def _parse_task(claim, payload):
    t = Task()
    (t.id, t.lease, t.item_first, t.item_count, t.items, t.try_number, t.kind, _input, _zero, keys_bytes, t.global_row) = _task.unpack_from(payload)
    t.claim = claim
    t.keys = payload[_task.size:_task.size + keys_bytes]
    t.paths = payload[_task.size + keys_bytes:]
    return t


class Channel:
    """Socket, token counter and page of this process."""

    def __init__(self, sock_fd, event_fd, page_fd):
        self.sock = _socket.socket(fileno=sock_fd)
        self.fd = sock_fd
        self.event_fd = event_fd
        self.pid = os.getpid()
        self.page = mmap.mmap(page_fd, 4096)
        if hasattr(self.page, "madvise") and hasattr(mmap, "MADV_DONTFORK"):
            self.page.madvise(mmap.MADV_DONTFORK)
        os.close(page_fd)
        self.inode = os.fstat(sock_fd).st_ino
        self.buffer = bytearray()
        self.parts = {}      # claim -> pieces of a large task
        self.tasks = []      # TASK frames that were read, oldest first
        self.dropped = set()
        self.recalls = 0
        self.drops = 0
        self.stopping = False
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

    def phase(self, phase):
        struct.pack_into("<Q", self.page, 0, phase << 56 | time.monotonic_ns() // 1000 & (1 << 56) - 1)

    def begin(self, task, start_us):
        """The unit is this process's from here on: written while the phase is IDLE, then the word."""
        _unit.pack_into(self.page, 8, task.id, task.lease, task.item_first, task.item_count)
        struct.pack_into("<IQ", self.page, 52, task.claim, start_us)
        self.phase(LOAD)

    # ---- sending

    def check(self):
        """A child that user code forked and let return must not write; a closed socket ends the process."""
        if os.getpid() != self.pid:
            os._exit(0)
        try:
            if os.fstat(self.fd).st_ino != self.inode:
                os._exit(EXIT_SOCKET_CLOSED)
        except OSError:
            os._exit(EXIT_SOCKET_CLOSED)

    def send(self, kind, payload=b"", claim=0, flags=0, fd=-1):
        self.check()
        data = _header.pack(len(payload), kind, flags, claim, 0) + payload
        try:
            if fd >= 0:
                sent = self.sock.sendmsg([data], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("i", fd))])
                data = data[sent:]
            if data:
                self.sock.sendall(data)
        except OSError:
            os._exit(EXIT_SOCKET_CLOSED if os.getppid() != 1 else 0)
        if kind == RESULT or kind == FAIL:
            self.results += 1
            struct.pack_into("<Q", self.page, 32, self.results)

    # ---- receiving

    def _receive(self):
        data = self.sock.recv(1 << 18)
        if not data:
            raise Gone
        self.buffer += data

    def _frame(self):
        """The next whole frame, or None."""
        if len(self.buffer) < 16:
            return None
        length, kind, flags, claim, _zero = _header.unpack_from(self.buffer)
        if len(self.buffer) < 16 + length:
            return None
        payload = bytes(self.buffer[16:16 + length])
        del self.buffer[:16 + length]
        return kind, flags, claim, payload

    def _handle(self, kind, flags, claim, payload):
        if kind == TASK:
            if flags & FLAG_MORE or claim in self.parts:
                self.parts.setdefault(claim, []).append(payload)
                if flags & FLAG_MORE:
                    return
                payload = b"".join(self.parts.pop(claim))
            self.tasks.append(_parse_task(claim, payload))
        elif kind == DROP:
            first, count = struct.unpack_from("<II", payload)
            self.dropped.update(range(first, first + count))
            self.drops += 1
        elif kind == STOP:
            self.stopping = True

    def _take_all(self):
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
        words = frame[3].split(b"\0")
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
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        poll.register(self.event_fd, select.POLLIN)
        for fd, _events in poll.poll():
            if fd == self.fd:
                self._receive()
                self._take_all()

    def _claimed(self):
        """A token was taken: read on until every announced DROP was seen and a unit is there."""
        self._take_all()
        while self.drops != struct.unpack_from("<I", self.page, 48)[0]:
            self._receive()
            self._take_all()
        while True:
            while self.tasks and self.tasks[0].claim in self.dropped:
                self.dropped.discard(self.tasks.pop(0).claim)
            if self.tasks:
                return self.tasks.pop(0)
            self._receive()
            self._take_all()


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
