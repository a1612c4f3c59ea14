# SPDX-License-Identifier: Apache-2.0
"""Frames, tokens and the shared page: what src/wire/msg.h and src/wire/page.h describe."""
import _signal
import _socket  # the modules around these two take longer to import than all the rest, and scripts patch them
import fcntl
import mmap
import os
import select
import struct

from prs_loader import wire
from prs_loader.real import real
from prs_loader.wire import (DROP, EXIT_SOCKET_CLOSED, FAIL, FLAG_MORE, IDLE, LOAD, PAGE_BYTES, PAGE_CLAIM,
                             PAGE_RECALLS, PAGE_RESULTS, PAGE_START, PAGE_UNIT, RESULT, STOP, TASK, TIME_MASK)

RESERVE = 6
_RECEIVE_BYTES = 1 << 16
_SO_COOKIE = 57
# The page as words of 8 bytes and halves of 4.
_UNIT_END, _CLAIM_HALF, _START_WORD = PAGE_UNIT + 24, PAGE_CLAIM // 4, PAGE_START // 8
_RESULTS_WORD, _RECALLS_HALF = PAGE_RESULTS // 8, PAGE_RECALLS // 4


class Gone(Exception):
    """The node closed the socket: the engine is dead."""


class Channel:
    """Socket, token counter and page of this process."""

    def __init__(self, sock_fd, event_fd, page_fd):
        for fd in (sock_fd, event_fd):  # programs that the script starts with os.system() shall not have them
            os.set_inheritable(fd, False)
        self.sock = _socket.socket(fileno=sock_fd)
        self.fd = sock_fd
        self.event_fd = event_fd
        self.pid = real.getpid()
        # mmap keeps a descriptor of its own: a script that writes to it shall write behind the page.
        real.lseek(page_fd, PAGE_BYTES, os.SEEK_SET)
        self.page = mmap.mmap(page_fd, PAGE_BYTES)
        if hasattr(self.page, "madvise") and hasattr(mmap, "MADV_DONTFORK"):
            self.page.madvise(mmap.MADV_DONTFORK)
        real.close(page_fd)
        self.words = memoryview(self.page)[:PAGE_BYTES].cast("Q")  # stores of 8 aligned bytes: never half a word
        self.halves = memoryview(self.page)[:PAGE_BYTES].cast("I")
        self.cookie = self.sock.getsockopt(_socket.SOL_SOCKET, _SO_COOKIE, 8)
        self.poll = real.poll()
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
                self.reserve.append(real.fcntl(self.event_fd, fcntl.F_DUPFD_CLOEXEC, self.fd - RESERVE))
        except OSError:
            pass

    def use_reserve(self):
        for fd in self.reserve:
            try:
                real.close(fd)
            except OSError:
                pass
        self.reserve.clear()

    # ---- page

    def phase(self, phase):
        self.words[0] = phase << 56 | real.monotonic_ns() // 1000 & TIME_MASK

    def begin(self, task, start_us, now_ns):
        """The unit is this process's from here on. What it is is written before the word says LOAD: a reader that sees
        LOAD sees the unit."""
        words = self.words
        self.page[PAGE_UNIT:_UNIT_END] = task.unit
        self.halves[_CLAIM_HALF] = task.claim
        words[_START_WORD] = start_us
        words[0] = LOAD << 56 | now_ns // 1000 & TIME_MASK

    # ---- sending

    def end_child(self):
        """A child that user code forked and let return has nothing to do here."""
        if real.getpid() != self.pid:
            real.exit(0)

    def check(self):
        """Called before anything is sent: ends the process when the script has closed our socket. The number may be
        open again as another file; the cookie tells, since the kernel gives it to one socket only."""
        self.end_child()
        try:
            if self.sock.getsockopt(_socket.SOL_SOCKET, _SO_COOKIE, 8) == self.cookie:
                return
        except OSError:
            pass
        real.exit(EXIT_SOCKET_CLOSED)

    def send(self, kind, payload=b"", claim=0, flags=0, fd=-1):
        self.send_frame(kind, wire.header.pack(len(payload), kind, flags, claim, 0) + payload, fd)

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
            real.exit(EXIT_SOCKET_CLOSED if real.getppid() != 1 else 0)
        if kind == RESULT or kind == FAIL:
            self.results += 1
            self.words[_RESULTS_WORD] = self.results

    # ---- receiving

    def _receive(self):
        """More bytes behind the unhandled ones; the first frame is whole then, if it was begun."""
        data = self.sock.recv(_RECEIVE_BYTES)
        if not data:
            raise Gone
        self.buffer = self.buffer[self.at:] + data
        self.at = 0
        if len(self.buffer) >= 16:
            missing = 16 + wire.header.unpack_from(self.buffer)[0] - len(self.buffer)
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
        length, kind, flags, claim, _zero = wire.header.unpack_from(self.buffer, self.at)
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
            self.tasks.append(wire.task(claim, data, begin, end))
        elif kind == DROP:
            first, count = wire.dropped(self.buffer, begin)
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
        return wire.pairs(self.buffer[frame[3]:self.at])

    def next_task(self):
        """Claim a unit; None = stop."""
        while True:
            try:
                real.read(self.event_fd, 8)
            except BlockingIOError:
                if self.stopping:
                    return None
                self._wait()
                continue
            except OSError:
                real.exit(EXIT_SOCKET_CLOSED)
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
        while self.drops != self.halves[_RECALLS_HALF]:
            self._take_all()
        while True:
            while self.tasks:
                task = self.tasks.pop(0)
                if task.claim not in self.dropped:
                    return task
                self.dropped.discard(task.claim)
            self._take_all()


def has_kill_points(job):
    """Only an engine that was built for tests says so: a PRS_KILL in somebody's environment means nothing."""
    return job.one("kill_points") == "true" and "PRS_KILL" in os.environ


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
            real.kill(real.getpid(), _signal.SIGKILL)


def _stop_once(mark):
    try:
        with open(mark, "x") as f:
            f.write("%d\n" % real.getpid())
    except OSError:
        return
    real.kill(real.getpid(), _signal.SIGSTOP)
