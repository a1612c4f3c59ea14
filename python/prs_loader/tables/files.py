# SPDX-License-Identifier: Apache-2.0
"""The rows of a task as ranges of files, and the files."""
import os

from prs_loader import batch, wire
from prs_loader.real import real


class Span:
    """Rows of a unit that follow each other in a file: `take` of a range of `rows`, behind its first `skip` ones. file:
    a wire.TableFile; row, global_row: of the first row of the range, in its file and over the input; first: the first
    row that is taken, of the unit."""

    __slots__ = ("file", "offset", "bytes", "row", "global_row", "rows", "skip", "take", "first")


def spans_of(task):
    skip, files = wire.table(task.body)
    left, found = task.items, []
    for file in files:
        for range_ in file.ranges:
            s = Span()
            s.file, (s.offset, s.bytes, s.row, s.global_row, s.rows) = file, range_
            s.skip = min(skip, s.rows)
            s.take, s.first = min(s.rows - s.skip, left), task.items - left
            skip, left = skip - s.skip, left - s.take
            if s.take:
                found.append(s)
    return found


def span_of(spans, row):
    """(the span, its row behind those it skips) of a row of the spans"""
    for s in spans:
        if row < s.take:
            break
        row -= s.take
    return s, row


class File:
    """A file that rows are read from, `with` which it is open. What was read counts only when the file is as it was when
    its rows were counted: that is looked at when it is closed."""

    def __init__(self, path, file):
        self.path, self.file = path, file

    def __enter__(self):
        try:
            self.fd = real.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise batch.InputMoved("%s is gone since its rows were counted" % self.path) from None
        return self

    def read(self, offset, size):
        """So many bytes."""
        parts = []
        while size:
            part = real.pread(self.fd, size, offset)
            if not part:
                raise batch.InputMoved("%s ends at byte %d, before rows that were counted" % (self.path, offset))
            parts.append(part)
            offset, size = offset + len(part), size - len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def __exit__(self, *_error):
        try:
            now = real.fstat(self.fd)
        finally:
            real.close(self.fd)
        self.check(now)

    def check(self, now):
        """now: what stat says. A spool of the run is what it was."""
        if self.file.spool:
            return
        if now.st_size != self.file.size:
            raise batch.InputMoved("%s has %d bytes, and had %d when its rows were counted"
                                   % (self.path, now.st_size, self.file.size)) from None
        if now.st_mtime_ns // 1000 & 0xffffffffffffffff != self.file.mtime_us:
            raise batch.InputMoved("%s was written to since its rows were counted" % self.path) from None
