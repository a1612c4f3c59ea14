# SPDX-License-Identifier: Apache-2.0
"""The reader that decides: whole records and a schema to columns, cell by cell, with the standard library alone. It
knows line, column and value of what does not fit. Where another reader says something else, that one is wrong."""
import itertools
import json
import math
import re

from prs_loader.tables import cell

_LINE_END = re.compile(rb"\r\n|\n|\r|\Z")
_VALUE_MAX = 200  # characters of a value in a message
_OF_TYPE = {"int": cell.number, "float": cell.real, "bool": cell.truth, "date": cell.day, "integer": cell.integer}
_BLANK_LINE = re.compile(rb"[ \t\r\n]*").fullmatch


class Misfit(Exception):
    """A value that is not of the type of its column. line: from first_line; row: of the mini-batch, from 0. value: None
    where it is the record that does not fit."""

    def __init__(self, row, line, column, value, type, why):
        self.row, self.line, self.column, self.value, self.type, self.why = row, line, column, value, type, why
        where = "line %d" % line
        if column is not None:
            where += ", column %s" % shown(column)
        super().__init__("%s: %s" % (where, self.said()))

    def said(self):
        return self.why if self.value is None else "%s %s" % (shown(self.value), self.why)


class Values:
    """A column that was read. kind: int, float, bool, date (datetimes), string or object; null is None.
    widened: the row that made an int column float or a bool column object in this mini-batch, or None."""
    __slots__ = ("name", "kind", "values", "widened")

    def __init__(self, name, kind, values, widened=None):
        self.name, self.kind, self.values, self.widened = name, kind, values, widened


class Table:
    """What was read. short: records with too few cells; dropped: lines that are no JSON object, records that never fit;
    both as (how many, line of the first); gone: rows that were dropped; unknown: name -> line of values that have no
    column (JSON lines); mixed: the first Misfit of columns that are objects because of it."""
    __slots__ = ("columns", "rows", "short", "dropped", "gone", "unknown", "mixed")

    def __init__(self):
        self.columns, self.rows, self.short, self.dropped, self.gone, self.unknown = [], 0, (0, 0), (0, 0), [], {}
        self.mixed = []

    def drop(self, row, line):
        self.gone.append(row)
        self.dropped = _counted(self.dropped, line)


def shown(value):
    """The front of a value, on one line."""
    if isinstance(value, (str, bytes)):
        value = value[:_VALUE_MAX + 1]
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
    return text if len(text) <= _VALUE_MAX else text[:_VALUE_MAX] + "..."


def _counted(pair, line):
    return pair[0] + 1, pair[1] or line


# ---- records


class Records:
    """The records of delimited text by the field-start rule: (line where it begins, cells as bytes) of each row."""

    def __init__(self, data, delimiter, first_line=1):
        self.data = data
        self.delimiter = delimiter
        self.line = first_line
        self.place = 0, 0  # where the record that was taken last begins, and where the next one does
        self.field = re.compile(rb'(?:"([^"]*(?:""[^"]*)*)"(?!"))?([^%s\r\n]*)(%s|\r\n|\n|\r|\Z)'
                                % (re.escape(delimiter), re.escape(delimiter))).match

    def __iter__(self):
        at, n = 0, len(self.data)
        while at < n:
            line, begin = self.line, at
            end = _LINE_END.search(self.data, at)
            text = self.data[at:end.start()]
            if b'"' in text:
                cells, at = self._quoted(at)
            else:
                cells, at = text.split(self.delimiter) if text else (), end.end()
                self.line += 1
            if cells:
                self.place = begin, at
                yield line, cells

    def _quoted(self, at):
        cells, begin = [], at
        while True:
            m = self.field(self.data, at)
            quoted, text, end = m.groups()
            if quoted is None and text[:1] == b'"':
                raise ValueError("a quote is still open where the slice ends: it holds no whole records")
            cells.append(text if quoted is None else quoted.replace(b'""', b'"') + text)
            at = m.end()
            if end != self.delimiter:
                self.line += len(_LINE_END.findall(self.data, begin, at)) - 1
                return cells, at


# ---- cells of a column

WIDE = "is not %s: float64 would be another number"


def _why(type, value, number):
    """Why a value is not of that type; number: the integer that it is, or MISFIT."""
    if type == "string" and isinstance(value, str):
        return "is not text: it holds half of a surrogate pair"
    if number is None or number is cell.MISFIT or type not in ("int", "float"):
        return "is not %s" % type
    if cell.INT_MIN <= number <= cell.INT_MAX:
        return WIDE % type
    return "is not %s: it needs more than 64 bits" % type


def _within(values, low, high):
    return [cell.MISFIT if type(v) is int and not low <= v <= high else v for v in values]


class _Column:
    """The conversion of one column; what does not fit is kept in `misfit`, the first one. of_type: type ->
    function(cell) -> value, None or MISFIT; "integer" is of any size."""

    def __init__(self, column, places, mixed, of_type):
        self.column, self.places, self.mixed, self.of_type = column, places, mixed, of_type
        self.misfit = None

    def refuse(self, i, value):
        if self.misfit is None:
            why = _why(self.column.type, value, self.of_type["integer"](value))
            self.misfit = Misfit(*self.places[i], self.column.name, value, self.column.type, why)

    def fits(self, values, cells):
        """Are all values of the type? In mixed columns those that are not become the text they are."""
        for i, value in enumerate(values):
            if value is cell.MISFIT:
                self.refuse(i, cells[i])
                if not self.mixed:
                    break
                values[i] = cells[i]
        return self.misfit is None

    def first(self, values, *types):
        """The row of the first value of one of those types."""
        return next(self.places[i][0] for i, value in enumerate(values) if type(value) in types)

    def done(self, kind, values, widened=None):
        return Values(self.column.name, kind, values, widened)

    def convert(self, values, cells):
        finish = getattr(self, "finish_" + self.column.type)
        return finish(values, cells)

    def finish_int(self, values, cells):
        values = _within(values, cell.INT_MIN, cell.INT_MAX)
        beside = any(type(v) is not int and v is not cell.MISFIT for v in values)
        reals = [*map(self.of_type["float"], cells)] if beside else values
        if not self.fits(values if self.mixed else reals, cells) or (self.mixed and cell.MISFIT in reals):
            return self.done("object", values)
        if not beside:
            return self.done("int", values)
        return self.done("float", reals, self.first(values, float, type(None)))

    def finish_float(self, values, cells):
        return self.done("float" if self.fits(values, cells) else "object", values)

    def finish_bool(self, values, cells):
        if not self.fits(values, cells):
            return self.done("object", values)
        null = None in values
        row = self.first(values, type(None)) if null and not self.column.nulls else None
        return self.done("object" if null or self.column.nulls else "bool", values, row)

    def finish_date(self, values, cells):
        return self.done("date" if self.fits(values, cells) else "object", values)

    def finish_string(self, values, cells):
        return self.done("string" if self.fits(values, cells) else "object", values)

    def finish_object(self, values, _cells):
        return self.done("object", values)


# ---- delimited text


def _is_text(data, schema):
    """Is it text without a NUL throughout?"""
    try:
        data.decode(schema.codec)
    except UnicodeDecodeError:
        return False
    return b"\0" not in data


def _check_cell(raw, place, field, schema):
    name = next((c.name for c in schema.columns if c.field == field), None)
    try:
        text = raw.decode(schema.codec)
    except UnicodeDecodeError as e:
        raise Misfit(*place, name, raw, "text", "is not text in %s: byte 0x%02x" % (schema.encoding, raw[e.start])) \
            from None
    if "\0" in text:
        raise Misfit(*place, name, text, "text", "has a NUL: no text file has one")


def _fitted(cells, fields, row, line, table):
    """As many cells as the table has fields."""
    if len(cells) == fields + 1 and not cells[-1]:
        return cells[:-1]
    if len(cells) > fields:
        raise Misfit(row, line, None, None, "record", "%d cells where the table has %d: is a quote missing, or a delimiter "
                     "in a text?" % (len(cells), fields))
    table.short = _counted(table.short, line)
    return list(cells) + [b""] * (fields - len(cells))


def _strings(texts, empty_is_text):
    return texts if empty_is_text else [text or None for text in texts]


def _delimited(data, schema, mixed, first_line, drop):
    table, rows, places, is_text = Table(), [], [], _is_text(data, schema)
    for line, cells in Records(data, schema.delimiter, first_line):
        place = table.rows, line
        table.rows += 1
        try:
            for field, raw in enumerate(() if is_text else cells):
                _check_cell(raw, place, field, schema)
            if len(cells) != schema.fields:
                cells = _fitted(cells, schema.fields, *place, table)
        except Misfit:
            if not drop:
                raise
            table.drop(*place)
            continue
        places.append(place)
        rows.append(cells)
    return _convert_all(table, schema, places, mixed, lambda column: _cells_of(rows, column, schema), _OF_TYPE)


def _cells_of(rows, column, schema):
    """(values, texts) of a column"""
    if column.field is None:
        texts = [""] * len(rows)
    else:
        texts = [cells[column.field].decode(schema.codec) for cells in rows]
    if column.type == "string":
        return _strings(texts, schema.empty_is_text), texts
    return [*map(_OF_TYPE[column.type], texts)], texts


def _convert_all(table, schema, places, mixed, cells_of, of_type):
    """cells_of(column) -> (values, cells)"""
    misfits = []
    for column in schema.columns:
        one = _Column(column, places, mixed, of_type)
        table.columns.append(one.convert(*cells_of(column)))
        misfits.append(one.misfit)
    table.mixed = [m for m in misfits if m is not None]
    if table.mixed and not mixed:
        raise min(table.mixed, key=lambda m: m.row)
    return table


# ---- JSON lines


def _only(value, *types):
    return value if value is None or type(value) in types else cell.MISFIT


def _json_number(value):
    value = _only(value, int, float)
    return None if type(value) is float and math.isnan(value) else value


def _json_real(value):
    value = _json_number(value)
    if type(value) is int:
        return float(value) if -cell.WIDE <= value <= cell.WIDE else cell.MISFIT
    return value


def _json_text(value):
    value = _only(value, str)
    if type(value) is str and not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:  # half of a surrogate pair
            return cell.MISFIT
    return value


def _json_day(value):
    value = _only(value, str)
    return cell.day(value) or cell.MISFIT if type(value) is str else value


_OF_JSON_TYPE = {"int": _json_number, "float": _json_real, "bool": lambda v: _only(v, bool), "string": _json_text,
                 "date": _json_day, "object": lambda v: v, "integer": lambda v: _only(v, int)}


def _object(raw, codec):
    value = json.loads(raw.decode(codec))
    if type(value) is not dict:
        raise ValueError("it is no object")
    return value


def objects(data, schema, first_line, drop, table):
    """(objects, their (row, line)); rows and what was dropped go into the Table. Raises Misfit."""
    rows, places = [], []
    for line, raw in enumerate(data.split(b"\n"), first_line):
        if _BLANK_LINE(raw):
            continue
        table.rows += 1
        try:
            rows.append(_object(raw, schema.codec))
            places.append((table.rows - 1, line))
        except (ValueError, RecursionError) as e:
            if not drop:
                raise Misfit(table.rows - 1, line, None, raw.decode(schema.codec, "backslashreplace"), "record",
                             "is not a JSON object: %s" % e) from None
            table.drop(table.rows - 1, line)
    return rows, places


def _json_lines(data, schema, mixed, first_line, drop):
    table = Table()
    rows, places = objects(data, schema, first_line, drop, table)
    known = {column.name for column in schema.columns}
    for (_, line), row in zip(places, rows):
        for name in row.keys() - known:
            table.unknown.setdefault(name, line)

    def cells_of(column):
        cells = [row.get(column.name) for row in rows]
        return [*map(_OF_JSON_TYPE[column.type], cells)], cells

    return _convert_all(table, schema, places, mixed, cells_of, _OF_JSON_TYPE)


_NOT_EMPTY = re.compile(rb"[^\r\n]+")
_NOT_BLANK = re.compile(rb"(?m)^(?=[^\n]*[^ \t\r\n])[^\n]+")


def _record_places(data, schema):
    """(begin, end) of each record."""
    if schema.format == "jsonl":
        return (m.span() for m in _NOT_BLANK.finditer(data))
    if b'"' not in data:
        return (m.span() for m in _NOT_EMPTY.finditer(data))
    records = Records(data, schema.delimiter)
    return (records.place for _ in records)


def cut(data, schema, skip, rows):
    """(begin, end) of the text of `rows` records behind the first `skip` ones; None: there are not so many."""
    places = list(itertools.islice(_record_places(data, schema), skip, skip + rows))
    return (places[0][0], places[-1][1]) if len(places) == rows else None


def lines_of(data, schema, first_line=1):
    """The line where each record of data begins."""
    if schema.format == "jsonl":
        return (line for line, raw in enumerate(data.split(b"\n"), first_line) if not _BLANK_LINE(raw))
    return (line for line, _ in Records(data, schema.delimiter, first_line))


def line_of(data, schema, row, first_line=1):
    """The line where a row of data begins."""
    return next(itertools.islice(lines_of(data, schema, first_line), row, None))


def read(data, schema, mixed=False, first_line=1, drop=False):
    """The Table of the whole records in data (bytes). mixed: a column with misfits becomes object. first_line: the
    number of the first line of data in its file. drop: leave out lines that are no JSON object, and records that fit no
    types: too long, with a NUL, no text. Raises Misfit."""
    if schema.format == "jsonl":
        return _json_lines(data, schema, mixed, first_line, drop)
    return _delimited(data, schema, mixed, first_line, drop)
