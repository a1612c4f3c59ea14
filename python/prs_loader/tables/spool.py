# SPDX-License-Identifier: Apache-2.0
"""Where the rows of a spool came from (docs/formats.md, section 5): the text of one file, or the records of many with the
same keys, behind which their origins stand."""
import os

from prs_loader.tables import files

_BLOCK = 64 << 10
_VARINTS = 5


class _Numbers:
    """The varints of a file from an offset on."""

    def __init__(self, file):
        self.file, self.data, self.at = file, b"", 0

    def next(self):
        value = shift = 0
        while True:
            if self.at == len(self.data):
                self.data, self.at = self.file.read(_BLOCK), 0
                if not self.data:
                    raise EOFError("the spool ends within its origins")
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7


def _names(tables, path):
    """The files of the input, which the spool begins with."""
    if path not in tables.spools:
        data = b""
        with open(path, "rb") as f:
            while b"\0\0" not in data and data != b"\0":
                block = f.read(_BLOCK)
                if not block:
                    break
                data += block
        tables.spools[path] = [os.fsdecode(name) for name in data[:data.find(b"\0\0")].split(b"\0")]
    return tables.spools[path]


def origins(tables, span):
    """(path, line) of each row that the span takes."""
    path = tables.path(span.file)
    names, found = _names(tables, path), []
    with open(path, "rb") as f:
        f.seek(span.offset + span.bytes)
        numbers = _Numbers(f)
        file = line = 0
        for _ in range(span.skip + span.take):
            other, _row, more, _offset, _bytes = [numbers.next() for _ in range(_VARINTS)]
            file, line = (other - 1, more) if other else (file, line + more)
            found.append((names[file], line))
    return found[span.skip:]


class _Part:
    """What is known of the file of rows that lie in a spool."""

    __slots__ = ("path", "spool")


def by_file(tables, spans):
    """The spans, those with rows of many files cut up into spans of one file each. They say whose rows they are; where
    these are read is lost."""
    found = []
    for span in spans:
        if span.file.path:
            found.append(span)
            continue
        last = None
        for path, _line in origins(tables, span):
            if path != last:
                part = files.Span()
                part.file, part.take, last = _Part(), 0, path
                part.file.path, part.file.spool = os.fsencode(path), span.file.spool
                found.append(part)
            found[-1].take += 1
    return found


def place(tables, span, row):
    """Of a row of the span, for people: the file, and the line or the row in it."""
    if span.file.path:
        return "%s row %d" % (tables.name(span.file), span.row + span.skip + row + 1)
    return "%s line %d" % origins(tables, span)[row]
