# SPDX-License-Identifier: Apache-2.0
"""Rows as files that tools can read: csv, tsv, jsonl (docs/output.md). What the engine needs to make one table of the
tables of many mini-batches stands in front of the names of the columns (docs/formats.md, section 8)."""
import csv
import datetime
import io
import json
import struct
import sys

from prs_loader import output_types, rows
from prs_loader.wire import DONE_HAS_HEADER

_REWRITABLE, _MARK, _CRLF = 1, 2, 4
# Encodings in which a byte below 128 is a character of ASCII.
_BYTES = ("utf-8", "utf-8-sig", "ascii", "iso8859-1", "iso8859-15", "cp1252")
_head = struct.Struct("<BBBxI")
_KINDS = ((1, "D"), (2, "s"), (3, "us"), (4, "ns"))  # what a column of dates has at least

_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=lambda v: _plain(v))
_quoted = json.encoder.encode_basestring


# ---- values


def is_null(value):
    """None, NaN, NaT, pandas.NA."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):  # pandas.NA; an array
        return type(value).__name__ == "NAType"


def is_nested(value):
    return isinstance(value, (dict, list, tuple, set, frozenset)) or type(value).__name__ == "ndarray"


def _plain(value):
    """What JSON has for a value that it does not know."""
    kind = type(value)
    if kind.__module__ == "numpy":
        if kind.__name__ in ("float16", "float32"):
            return float(str(value))
        return value.tolist()
    if is_null(value):
        return None
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "surrogateescape")
    if isinstance(value, (set, frozenset)):
        return list(value)
    return str(value)


def _clean(value):
    """The same with texts as names and None for NaN."""
    if isinstance(value, dict):
        return {k if isinstance(k, str) else str(k): _clean(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(v) for v in value]
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, float):
        return value if value == value else None
    return _clean(_plain(value))


def to_json(value):
    """JSON in one line: NaN is null, Infinity stays."""
    try:
        text = _encoder.encode(value)
    except TypeError:  # a name that is no text
        return _encoder.encode(_clean(value))
    return text if "NaN" not in text else _encoder.encode(_clean(value))


def _cell(value):
    """A value of a list of dicts as csv has it."""
    if isinstance(value, str):
        return value
    if is_null(value):
        return None
    if is_nested(value):
        return to_json(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    return str(value)


# ---- frames


def frame_of(items):
    """The DataFrame that run() returned, or those of a list as one; None: it is something else."""
    if rows.is_frame(items):
        return items
    if len(items) and all(rows.is_frame(i) for i in items):
        return sys.modules["pandas"].concat(list(items), ignore_index=True)
    return None


def are_dicts(items):
    return all(isinstance(i, dict) for i in items)


def names_of(items):
    """The names of all dicts, in the order in which they appear."""
    names = {}
    for item in items:
        for name in item:
            names[name] = None
    return list(names)


def date_texts(values):
    """(kind, texts with None for NaT) of an array of datetime64; kind 0: leave it to pandas."""
    np = sys.modules["numpy"]
    null = np.isnat(values)
    there = values[~null]
    if not len(there) or _is_far(there):
        return 0, None
    for kind, unit in _KINDS:
        if (there.astype("M8[%s]" % unit) == there).all():
            break
    texts = np.datetime_as_string(values, unit=unit, casting="unsafe")
    if kind > 1:
        texts = np.ascontiguousarray(texts)
        texts.view("U1").reshape(len(texts), -1)[:, 10] = " "
    texts = texts.astype(object)
    texts[null] = None
    return kind, texts


def _is_far(values):
    """A year of other than four digits; one of nanoseconds has no room for them."""
    np = sys.modules["numpy"]
    if np.datetime_data(values.dtype)[0] == "ns":
        return False
    return values.min() < np.datetime64("1000-01-01") or values.max() >= np.datetime64("9999-12-31")


def _is_date(dtype):
    return type(dtype).__module__.partition(".")[0] == "numpy" and dtype.kind == "M"


def _column(frame, i):
    return frame.iloc[:, i]


def replaced(frame, columns):
    """The frame with other values in the columns of these numbers."""
    if not columns:
        return frame
    names, frame = frame.columns, frame.copy(deep=False)
    frame.columns = range(len(names))
    for i, values in columns.items():
        frame[i] = values
    frame.columns = names
    return frame


def texts_of(frame, dates=True):
    """(the frame with dates and nested values as texts, the kind of each column)."""
    kinds, changed = bytearray(frame.shape[1]), {}
    for i, dtype in enumerate(frame.dtypes):
        if dates and _is_date(dtype):
            kinds[i], texts = date_texts(_column(frame, i).to_numpy())
            if kinds[i]:
                changed[i] = texts
        elif dtype == object:
            values = _column(frame, i).tolist()
            if any(map(is_nested, values)):
                changed[i] = _objects([to_json(v) if is_nested(v) else v for v in values])
    return replaced(frame, changed), kinds


def array_of(values, kind):
    """Values of one of output_types as a column."""
    np = sys.modules["numpy"]
    if kind == "float":
        return np.array([np.nan if v is None else v for v in values], dtype="f8")
    if kind == "date":
        return np.array([np.datetime64("NaT", "us") if v is None else np.datetime64(v) for v in values], dtype="M8[us]")
    return _objects(values)


def _objects(values):
    array = sys.modules["numpy"].empty(len(values), dtype=object)
    array[:] = values
    return array


# ---- csv, tsv


class _Lines:
    """A file that csv.writer writes to, a row at a time. It asks for rows that end with CR LF, so that a cell with
    either is quoted by every version, and ends them as they should be."""

    def __init__(self, end):
        self.lines, self.end = [], end

    def write(self, line):
        self.lines.append(line[:-2] + self.end)

    def text(self):
        return "".join(self.lines)


class Delimited(rows.Rows):
    """csv and tsv."""

    def __init__(self, options, overridden, types):
        options = dict(options)
        self.types = types
        self.end = options.pop("lineterminator", None) or options.pop("line_terminator", None) or "\n"
        self.sep, self.quote = options.get("sep"), options.get("quotechar", '"')
        super().__init__(False, csv=options)
        self.overridden = overridden
        self.flags = self._flags()

    def _flags(self):
        """What the engine may do with the rows."""
        import codecs

        o, encoding = self.csv, codecs.lookup(self.codec[0]).name
        ascii_ones = all(isinstance(c, str) and len(c) == 1 and c < "\x80" for c in (self.sep, self.quote))
        if (not ascii_ones or encoding not in _BYTES or self.end not in ("\n", "\r\n") or o.get("quoting") == 3 or
                not o.get("doublequote", True) or o.get("escapechar") or self.header is False):
            return 0
        return _REWRITABLE | (_MARK if self.mark else 0) | (_CRLF if self.end == "\r\n" else 0)

    def encode(self, items):
        if not len(items):
            return b"", 0, 0
        frame = frame_of(items)
        if frame is not None:
            return self._frame(output_types.of_frame(frame, self.types))
        if are_dicts(items):
            return self._records(output_types.of_dicts(items, self.types))
        return super().encode([to_json(i) if is_nested(i) else i for i in items])

    def shown(self, items):
        data, head, _ = self.encode(items)
        return data[_head.size + _head.unpack_from(data)[3]:] if head else data

    def _to_csv(self, frame, header):
        text = frame.to_csv(header=header, **self.csv)
        if "\r" in text or self.end != "\n":
            lines = _Lines(self.end)
            frame.to_csv(lines, header=header, **dict(self.csv, **{_line_terminator(): "\r\n"}))
            text = lines.text()
        return text

    def _frame(self, frame):
        plain, kinds = texts_of(frame, "date_format" not in self.csv)
        text = self._told(self._to_csv, plain, False)
        if self.header is False:
            return self._bytes("", b"", text)
        line = self._told(self._to_csv, plain.iloc[:0], self.header)
        if frame.columns.nlevels > 1:
            return self._bytes(line, None, text)
        return self._bytes(line, kinds, text)

    def _records(self, items):
        names = names_of(items)
        lines, head = _Lines(self.end), _Lines(self.end)
        o = {k: self.csv[k] for k in ("quotechar", "quoting", "doublequote", "escapechar") if k in self.csv}
        null = self.csv.get("na_rep", "")
        csv.writer(head, delimiter=self.sep, lineterminator="\r\n", **o).writerow(map(str, names))
        put = csv.writer(lines, delimiter=self.sep, lineterminator="\r\n", **o).writerow
        for item in items:
            cells = [_cell(item.get(name)) for name in names]
            put([null if c is None else c for c in cells])
        return self._bytes(head.text() if self.header is not False else "", bytearray(len(names)), lines.text())

    def _bytes(self, line, kinds, text):
        """(header and rows, bytes of the header, flags). kinds None: the engine must not touch the rows."""
        encoding = "utf-8" if self.flags & _MARK else self.codec[0]
        mark = b"" if self.flags & _MARK else self.mark
        names = line.encode(encoding, self.codec[1])
        rows_of = text.encode(encoding, self.codec[1])[len(mark):]
        n = self._cells(line) if kinds is not None and self.flags else 0
        if not names and not mark:
            return rows_of, 0, 0
        if not n:
            head = _head.pack(0, 0, 0, 0) + (names or mark)
        else:  # an index stands in front
            kinds = bytes(n - len(kinds)) + kinds if n >= len(kinds) else bytes(n)
            head = _head.pack(ord(self.sep), ord(self.quote), self.flags, n) + kinds + names
        return head + rows_of, len(head), DONE_HAS_HEADER

    def _cells(self, line):
        """How many names a header has; 0: more than one line, or none."""
        found = list(csv.reader(io.StringIO(line, newline=""), delimiter=self.sep, quotechar=self.quote))
        return len(found[0]) if len(found) == 1 else 0


def _line_terminator():
    """What to_csv calls it: another name before pandas 1.5."""
    return "lineterminator" if int(sys.modules["pandas"].__version__.split(".")[0]) >= 2 else _before_2()


def _before_2():
    import inspect

    names = inspect.signature(sys.modules["pandas"].DataFrame.to_csv).parameters
    return "lineterminator" if "lineterminator" in names else "line_terminator"


# ---- jsonl


def _json_name(names):
    """Names as texts; two that are the same cannot stand in one object."""
    texts = [n if isinstance(n, str) else str(n) for n in names]
    if len(set(texts)) < len(texts):
        twice = [t for t in texts if texts.count(t) > 1][0]
        raise ValueError("two columns are called %s: an object has each name once" % _quoted(twice))
    return texts


def _numbers(values):
    """JSON of an array of floats."""
    np = sys.modules["numpy"]
    texts = list(map(repr, values.tolist())) if values.dtype.itemsize == 8 else values.astype(str).tolist()
    for i in np.flatnonzero(~np.isfinite(values)).tolist():
        texts[i] = "null" if values[i] != values[i] else "Infinity" if values[i] > 0 else "-Infinity"
    return texts


def _times(values):
    """JSON of an array of datetime64: all of a column have the time of the day, down to seconds or as far as one
    needs."""
    np = sys.modules["numpy"]
    null = np.isnat(values)
    there = values[~null]
    for _kind, unit in _KINDS[1:]:
        if (there.astype("M8[%s]" % unit) == there).all():
            break
    texts = np.datetime_as_string(values, unit=unit, casting="unsafe").tolist()
    return ["null" if n else '"%s"' % t for t, n in zip(texts, null.tolist())]


def _column_json(column):
    dtype = column.dtype
    if type(dtype).__module__.partition(".")[0] == "numpy":
        values = column.to_numpy()
        if dtype.kind == "b":
            return ["true" if v else "false" for v in values.tolist()]
        if dtype.kind in "iu":
            return list(map(str, values.tolist()))
        if dtype.kind == "f" and dtype.itemsize <= 8:
            return _numbers(values)
        if dtype.kind == "M":
            return _times(values)
    return [_quoted(v) if type(v) is str else to_json(v) for v in column.tolist()]


def _line(item):
    """A text that is an object or a list already is one."""
    if isinstance(item, str) and item.lstrip()[:1] in ("{", "["):
        try:
            value = json.loads(item)
        except ValueError:
            return _quoted(item)
        return item if "\n" not in item and "\r" not in item else to_json(value)
    return to_json(item)


class Lines(rows.Rows):
    """jsonl."""

    def __init__(self, types):
        super().__init__(False)
        self.types = types

    def encode(self, items):
        if not len(items):
            return b"", 0, 0
        frame = frame_of(items)
        if frame is not None:
            text = self._frame(output_types.of_frame(frame, self.types))
        else:
            if self.types and are_dicts(items):
                items = output_types.of_dicts(items, self.types)
            text = "".join([_line(i) + "\n" for i in items])
        return text.encode("utf-8", "backslashreplace"), 0, 0  # half a pair, in a text: \udc80 is JSON

    @staticmethod
    def _frame(frame):
        names = _json_name(frame.columns)
        if not names:
            return "{}\n" * len(frame)
        template = "{%s}\n" % ",".join(_quoted(n).replace("%", "%%") + ":%s" for n in names)
        columns = [_column_json(_column(frame, i)) for i in range(len(names))]
        return "".join(map(template.__mod__, zip(*columns)))


# ---- of a job


def of_job(output_format, settings, types):
    """settings: arguments of to_csv that the user gives, for csv; types: output_types."""
    if output_format == "parquet":
        from prs_loader import arrow

        return arrow.Arrow(types)
    if output_format == "jsonl":
        return Lines(types)
    return Delimited(dict({"sep": "\t" if output_format == "tsv" else ",", "header": True}, **settings),
                     bool(settings), types)
