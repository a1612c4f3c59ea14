# SPDX-License-Identifier: Apache-2.0
"""Tasks of slices: the text of ranges of files becomes one frame. Where a part of a range is asked for, it is cut out as
text before anything is typed: what stands beside it decides nothing."""
from prs_loader import batch
from prs_loader.tables import careful, fast, files, frame, spool

_COUNT_BYTES = 1 << 20
_MIXED = "leave it as it is where such a value is met with --amlbi_dataframe_mixed_types True"
_TYPES_WITH_WAYS_OUT = ("int", "float", "bool", "date")


class Piece:
    """The text of a span. offset: where it begins in its file"""

    __slots__ = ("span", "path", "schema", "data", "offset")


def pieces_of(tables, about, spans):
    pieces, at = [], 0
    while at < len(spans):
        file = spans[at].file
        with files.File(tables.path(file), file) as f:
            while at < len(spans) and spans[at].file is file:
                p = Piece()
                p.span, p.path, p.offset = spans[at], tables.name(file), spans[at].offset
                p.schema = tables.schema(file.schema, about)
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


def joined(pieces):
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


def place_of_line(tables, pieces, line):
    """The file, and the line in it, of a line of the joined text, from 1."""
    for p in pieces:
        ends = _line_ends(_ended(p.data), p.schema)
        if line <= ends or p is pieces[-1]:
            return _place(tables, p, line)
        line -= ends
    return ""


def _place(tables, piece, line):
    """In a spool lines are not those of the user's file: there it is the row, or what the spool says of it."""
    if not piece.span.file.spool:
        return "%s line %d" % (piece.path, line + _lines_before(piece.path, piece.offset, piece.schema))
    row = next((i for i, at in enumerate(careful.lines_of(piece.data, piece.schema)) if at >= line), 0)
    return spool.place(tables, piece.span, row)


def _line_of(pieces, row):
    """The line of the joined text where a row begins."""
    line = 1
    for p in pieces:
        if row < p.span.take:
            return careful.line_of(p.data, p.schema, row, line)
        row, line = row - p.span.take, line + _line_ends(_ended(p.data), p.schema)
    return line


def _ways_out(about, error):
    """What a person can do who does not mend the value."""
    if error.type not in _TYPES_WITH_WAYS_OUT:
        return ""
    if error.column in about.converted:
        return "; convert_column_types makes that of the column: write another type there (string takes every value), or " + _MIXED
    if about.by_ending:  # no MLTable
        return "; %s, or say what the column is in a file MLTable beside the data (prs errors VALUE_MISFIT shows one)" % _MIXED
    return "; say what the column is with convert_column_types, or " + _MIXED


def misfit_of(tables, about, pieces, error):
    """What a careful.Misfit of the joined text is in the user's file."""
    span, row = files.span_of([p.span for p in pieces], error.row)
    return misfit(about, place_of_line(tables, pieces, error.line), span.first + row, error)


def misfit(about, place, row, error):
    """place: the file, and where in it; row: of the unit"""
    column = "" if error.column is None else ", column %s" % careful.shown(error.column)
    return batch.ValueMisfit(row, "%s%s: %s%s" % (place, column, error.said(), _ways_out(about, error)))


def place(tables, about, spans, row):
    """The file and the line of a row of the spans, which are read again."""
    pieces = pieces_of(tables, about, spans)
    return place_of_line(tables, pieces, _line_of(pieces, row))


# ---- the whole


def check_rows(pieces, rows):
    """Are there as many as were counted?"""
    if rows != sum(p.span.take for p in pieces):
        raise _moved(pieces[0])


def _forget_whole(got, integers):
    """Columns that whole floats alone made float: steps.check_integers() makes them int again."""
    for name in integers:
        if name in got.widened and got.frame[name].dtype == "float64" and (got.frame[name] % 1 == 0).all():
            del got.widened[name]


def _read(tables, about, pieces):
    """The fast.Frame of pieces with the same schema."""
    rows = sum(p.span.take for p in pieces)
    try:
        got = fast.read(tables.pandas, joined(pieces), pieces[0].schema, rows, about.mixed, drop=about.drop_invalid)
    except careful.Misfit as e:
        raise misfit_of(tables, about, pieces, e) from None
    check_rows(pieces, len(got.frame) + len(got.gone))
    _forget_whole(got, about.integers)
    tables.notes.of_frame(got, pieces[0].schema, lambda line: place_of_line(tables, pieces, line),
                          lambda row: _line_of(pieces, row))
    return got


def _runs(pieces):
    """Pieces that follow each other with the same schema."""
    begin = 0
    for i, p in enumerate(pieces):
        if p.schema is not pieces[begin].schema:
            yield pieces[begin:i]
            begin = i
    yield pieces[begin:]


def _united(tables, about, pieces, found, gone):
    def refuse(name, row, value):
        if not about.mixed:
            row = [i for i in range(row + len(gone) + 1) if i not in gone][row]
            line = _line_of(pieces, row)
            raise misfit_of(tables, about, pieces, careful.Misfit(row, line, name, value, "int", careful.WIDE % "int"))

    return frame.united(tables.pandas, [f.frame for f in found], refuse)


def read(tables, about, spans):
    """(the DataFrame of the spans, rows of them that were left out: their numbers, from 0)"""
    pieces = pieces_of(tables, about, spans)
    found, gone, first = [], [], 0
    for run in _runs(pieces):
        got = _read(tables, about, run)
        found.append(got)
        gone += [first + row for row in got.gone]
        first += len(got.frame) + len(got.gone)
    if len(found) == 1:
        return found[0].frame, gone
    return _united(tables, about, pieces, found, gone), gone
