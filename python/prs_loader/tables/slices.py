# SPDX-License-Identifier: Apache-2.0
"""Tasks of slices: the text of ranges of files becomes one frame. Where a part of a range is asked for, it is cut out as
text before anything is typed: what stands beside it decides nothing."""
from prs_loader import batch
from prs_loader.tables import careful, fast, files, frame

_COUNT_BYTES = 1 << 20
_WAYS_OUT = ("; say what the column is with convert_column_types, or leave it as it is where such a value is met with "
             "--amlbi_dataframe_mixed_types True")
_TYPES_WITH_WAYS_OUT = ("int", "float", "bool", "date")


class Piece:
    """The text of a span. offset: where it begins in its file"""

    __slots__ = ("span", "path", "schema", "data", "offset")


def _pieces(tables, spans):
    pieces, at = [], 0
    while at < len(spans):
        file = spans[at].file
        with files.File(tables.path(file), file) as f:
            while at < len(spans) and spans[at].file is file:
                p = Piece()
                p.span, p.path, p.schema, p.offset = spans[at], f.path, tables.schema(file.schema), spans[at].offset
                p.data = f.read(p.offset, spans[at].bytes)
                pieces.append(p)
                at += 1
    for p in pieces:
        _cut(p)
    return pieces


def _moved(piece):
    span = piece.span
    return batch.InputMoved("%s: rows %d to %d are not as many as they were when they were counted"
                            % (piece.path, span.row + 1, span.row + span.rows))


def _cut(piece):
    """Leaves the rows of the span in the text."""
    span = piece.span
    if span.take == span.rows:
        return
    place = careful.cut(piece.data, piece.schema, span.skip, span.take)
    if place is None:
        raise _moved(piece)
    piece.data, piece.offset = piece.data[place[0]:place[1]], piece.offset + place[0]


def _joined(pieces):
    """The last record of a file may have no line end."""
    if len(pieces) == 1:
        return pieces[0].data
    return b"".join(_ended(p.data) for p in pieces)


def _ended(data):
    return data if data.endswith((b"\n", b"\r")) else data + b"\n"


# ---- where something stands


def _line_ends(data, schema):
    """How many lines end in the text."""
    count = data.count(b"\n")
    if schema.format != "jsonl" and b"\r" in data:
        count += data.count(b"\r") - data.count(b"\r\n")
    return count


def _lines_before(path, offset, schema):
    """How many lines of the file end before the offset."""
    count, last = 0, b""
    with open(path, "rb") as f:
        while offset > 0:
            block = f.read(min(offset, _COUNT_BYTES))
            if not block:
                break
            count += _line_ends(block, schema)
            if schema.format != "jsonl" and last == b"\r" and block[:1] == b"\n":
                count -= 1  # one end in two blocks
            offset, last = offset - len(block), block[-1:]
    return count


def place_of_line(pieces, line):
    """(path, line in the file) of a line of the joined text, from 1."""
    for p in pieces:
        ends = _line_ends(_ended(p.data), p.schema)
        if line <= ends or p is pieces[-1]:
            return p.path, line + _lines_before(p.path, p.offset, p.schema)
        line -= ends
    return None


def _misfit(pieces, row, line, column, value, why, type):
    """row: of the unit; line: of the joined text"""
    of_column = "" if column is None else ", column %s" % careful.shown(column)
    return batch.ValueMisfit(row, "%s line %d%s: %s %s%s" % (
        *place_of_line(pieces, line), of_column, careful.shown(value), why,
        _WAYS_OUT if type in _TYPES_WITH_WAYS_OUT else ""))


# ---- the whole


def _read(tables, about, pieces, first):
    """The fast.Frame of pieces with the same schema; first: row of the unit that they begin with."""
    rows = sum(p.span.take for p in pieces)
    try:
        got = fast.read(tables.pandas, _joined(pieces), pieces[0].schema, rows, about.mixed, drop=about.drop_invalid)
    except careful.Misfit as e:
        raise _misfit(pieces, first + e.row, e.line, e.column, e.value, e.why, e.type) from None
    if len(got.frame) + len(got.gone) != rows:
        raise _moved(pieces[0])
    return got


def _runs(pieces):
    """(pieces that follow each other with the same schema, the row of the unit that they begin with)"""
    first, begin, rows = 0, 0, 0
    for i, p in enumerate(pieces):
        if p.schema is not pieces[begin].schema:
            yield pieces[begin:i], first
            first, begin = rows, i
        rows += p.span.take
    yield pieces[begin:], first


def _line_of(pieces, row):
    """The line of the joined text where a row begins."""
    line = 1
    for p in pieces:
        if row < p.span.take:
            return careful.line_of(p.data, p.schema, row, line)
        row, line = row - p.span.take, line + _line_ends(_ended(p.data), p.schema)
    return line


def _united(tables, about, pieces, found, gone):
    def refuse(name, row, value):
        if not about.mixed:
            row = [i for i in range(row + len(gone) + 1) if i not in gone][row]
            raise _misfit(pieces, row, _line_of(pieces, row), name, value, careful.WIDE % "int", "int")

    return frame.united(tables.pandas, [f.frame for f in found], refuse)


def read(tables, about, spans):
    """(the DataFrame of the spans, rows of them that were left out: their numbers, from 0)"""
    pieces = _pieces(tables, spans)
    found, gone = [], []
    for run, first in _runs(pieces):
        got = _read(tables, about, run, first)
        found.append(got)
        gone += [first + row for row in got.gone]
    if len(found) == 1:
        return found[0].frame, gone
    return _united(tables, about, pieces, found, gone), gone
