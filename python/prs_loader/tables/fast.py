# SPDX-License-Identifier: Apache-2.0
"""Slices to frames, fast: pyarrow where the user's environment has it, else the C parser of pandas. What they refuse,
or may have read in another way than docs/tables.md says, is read by `careful`; what comes out is the same. Where the
two differ from that page, and what is done about it: docs/design/tables.md."""
import io
import re

from prs_loader.tables import careful, cell, frame, pool

_BLOCK_MAX = (1 << 31) - 2  # pyarrow: bytes of a block
_NULL_OF_INT64 = -2.0 ** 63  # pandas 1.3: a null beside integers with blanks
_LINES_SINCE = 11  # pyarrow: older ones read 1.0 and {}} as an int
_LONE_RETURN = re.compile(rb"\r(?!\n)").search
_LINE_ENDS = re.compile(rb"[\r\n]+")
_QUOTED = re.compile(rb'"[^"]*"')
_NULLS = sorted({form for word in cell.NULLS for form in (word, word.upper(), word.title())} |
                {"NaN", "-NaN", "+NaN", "<NA>", "#N/A N/A", "N/A", "1.#IND", "1.#QNAN", "-1.#IND", "-1.#QNAN"})


class _Refused(Exception):
    """The careful reader has to look."""


class Frame:
    """What was read. frame: the DataFrame; widened: name -> row of the first cell that made an int column float or a
    bool column object in this mini-batch; short, dropped, gone, unknown, mixed: as in careful.Table; by: who read it."""
    __slots__ = ("frame", "widened", "short", "dropped", "gone", "unknown", "mixed", "by")

    def __init__(self, frame, widened, by, table=None):
        self.frame, self.widened, self.by = frame, widened, by
        self.short = table.short if table else (0, 0)
        self.dropped = table.dropped if table else (0, 0)
        self.gone = table.gone if table else []
        self.unknown = table.unknown if table else {}
        self.mixed = table.mixed if table else []


def _utf8(data, schema):
    """The slice as UTF-8; raises _Refused when it is not text throughout."""
    if b"\0" in data:
        raise _Refused("a NUL")
    if data.isascii():
        return data
    try:
        text = data.decode(schema.codec)
    except UnicodeDecodeError:
        raise _Refused("not text") from None
    return data if schema.codec == "utf-8" else text.encode()


# ---- pyarrow


class _Arrow:
    """One slice, read with pyarrow."""
    name, unknown = "pyarrow", {}

    def __init__(self, pandas, data, schema):
        import pyarrow
        import pyarrow.compute
        import pyarrow.csv
        self.pandas, self.pa, self.data, self.schema = pandas, pyarrow, data, schema
        self.hexadecimal = None  # might one stand in the slice?
        self.types = {"int": pyarrow.int64(), "float": pyarrow.float64(), "bool": pyarrow.bool_(),
                      "date": pyarrow.timestamp("ns"), "string": pyarrow.string()}

    def parse(self, types, nulls, null_strings):
        """field -> array; types: field -> type of pyarrow"""
        csv, n = self.pa.csv, len(self.data)
        if self.data.startswith(b"\xef\xbb\xbf"):
            raise _Refused("a mark")
        names = [str(i) for i in range(self.schema.fields)]
        options = csv.ReadOptions(column_names=names, use_threads=False, block_size=n + 1)
        convert = csv.ConvertOptions(column_types={str(f): t for f, t in types.items()}, null_values=nulls,
                                     strings_can_be_null=null_strings, include_columns=[str(f) for f in types],
                                     true_values=["true", "True", "TRUE"], false_values=["false", "False", "FALSE"])
        shape = csv.ParseOptions(delimiter=self.schema.delimiter.decode(), newlines_in_values=True)
        try:
            table = csv.read_csv(self.pa.py_buffer(self.data), options, shape, convert)
        except self.pa.ArrowException as e:
            raise _Refused(str(e)) from None
        return {field: _one_chunk(self.pa, table.column(str(field))) for field in types}

    def texts(self, field, unique=True):
        """The texts of a column."""
        array = self.parse({field: self.pa.string()}, [], False)[field]
        return (self.pa.compute.unique(array) if unique else array).to_pylist()

    def read(self):
        """name -> array for the frame, and what was widened"""
        types = {c.field: self.types[c.type] for c in self.schema.columns if c.field is not None}
        if not types or len(types) < sum(c.field is not None for c in self.schema.columns):
            raise _Refused("no columns, or a field for two")
        try:
            found, nulls = self.parse(types, [""], not self.schema.empty_is_text), [""]
        except _Refused:
            found, nulls = self.parse(types, _NULLS, False), _NULLS
            self.null_strings(found)
        self.rows = len(next(iter(found.values())))
        self.widened = {}
        return [self.convert(c, found, nulls) for c in self.schema.columns]

    def null_strings(self, found):
        if self.schema.empty_is_text:
            return
        pc = self.pa.compute
        for field, array in found.items():
            if array.type == self.types["string"]:
                found[field] = pc.if_else(pc.equal(array, ""), self.pa.scalar(None, self.types["string"]), array)

    def convert(self, column, found, nulls):
        if column.field is None:
            raise _Refused("a column that the file does not have")
        array = found.pop(column.field)
        return getattr(self, "convert_" + column.type)(column, array, nulls)

    def convert_int(self, column, array, nulls):
        if self.hexadecimal is None:
            self.hexadecimal = _stands_in(self.data, b"x", b"0x") or _stands_in(self.data, b"X", b"0X")
        if self.hexadecimal and any("x" in text.lower() for text in self.texts(column.field)):
            raise _Refused("hexadecimal")
        if not array.null_count:
            return array.to_numpy(zero_copy_only=False)
        self.widened[column.name] = _first_that_is_no_integer(self.texts(column.field, False))
        reals = self.parse({column.field: self.types["float"]}, nulls, False)[column.field]
        return self.convert_float(column, reals, nulls)

    def convert_float(self, column, array, _nulls):
        values = array.to_numpy(zero_copy_only=False)
        if _is_wide(values) and any(cell.real(text) is cell.MISFIT for text in self.texts(column.field)):
            raise _Refused("an integer beyond 2^53")
        is_nan = (values != values).sum() > array.null_count
        if is_nan and b"(" in self.data and any("(" in text for text in self.texts(column.field)):
            raise _Refused("nan(")
        return values

    def convert_bool(self, column, array, _nulls):
        if not array.null_count and not column.nulls:
            return array.to_numpy(zero_copy_only=False)
        if array.null_count and not column.nulls:
            self.widened[column.name] = _first(array.is_null().to_numpy(zero_copy_only=False))
        return self.pandas.Series(frame.objects(array.to_pylist()), dtype=object)

    def convert_date(self, _column, array, _nulls):
        try:
            micros = array.cast(self.pa.timestamp("us")).to_numpy(zero_copy_only=False)
        except self.pa.ArrowInvalid:
            raise _Refused("nanoseconds") from None
        return _dates(self.pandas, micros)

    def convert_string(self, _column, array, _nulls):
        type_ = frame.string_type(self.pandas)
        if type_ == object:
            return array.to_pandas(deduplicate_objects=True).to_numpy()
        return self.pandas.array(array, dtype=type_)


# ---- JSON lines, with pyarrow


_MINUS_ZERO = re.compile(rb"-0[^.0-9eE]").search
_HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]").search


class _ArrowLines(_Arrow):
    """Lines of objects, none of whose columns is of objects."""

    def __init__(self, pandas, data, schema):
        import pyarrow
        import pyarrow.compute
        import pyarrow.json
        if int(pyarrow.__version__.split(".")[0]) < _LINES_SINCE:
            raise _Refused("pyarrow " + pyarrow.__version__)
        self.pandas, self.pa, self.data, self.schema = pandas, pyarrow, data, schema
        self.types = {"int": pyarrow.int64(), "float": pyarrow.float64(), "bool": pyarrow.bool_(),
                      "date": pyarrow.string(), "string": pyarrow.string()}

    def parse_lines(self):
        """One object in each line: pyarrow itself takes two, or one that goes across lines."""
        lines = self.data.split(b"\n")
        self.lines = [i for i, line in enumerate(lines, 1) if line and line != b"\r"]
        if any(lines[i - 1][:1] != b"{" or lines[i - 1].rstrip()[-1:] != b"}" for i in self.lines):
            raise _Refused("not an object in each line")
        if _MINUS_ZERO(self.data) or _HALF_PAIR(self.data) or not self.lines:
            raise _Refused("-0, or half of a surrogate pair")
        json, schema = self.pa.json, [(c.name, self.types[c.type]) for c in self.schema.columns]
        shape = json.ParseOptions(explicit_schema=self.pa.schema(schema), newlines_in_values=False)
        options = json.ReadOptions(use_threads=False, block_size=len(self.data) + 1)
        try:
            table = json.read_json(self.pa.py_buffer(self.data), options, shape)
        except self.pa.ArrowException as e:
            raise _Refused(str(e)) from None
        if table.num_rows != len(self.lines):
            raise _Refused("%d rows" % table.num_rows)
        return table

    def read(self):
        if not self.schema.columns or any(c.type not in self.types for c in self.schema.columns):
            raise _Refused("no columns, or one of objects")
        table = self.parse_lines()
        self.rows, self.widened, self.unknown = table.num_rows, {}, {}
        for name in table.column_names[len(self.schema.columns):]:
            there = _one_chunk(self.pa, table.column(name)).is_valid().to_numpy(zero_copy_only=False)
            if not there.any():
                raise _Refused("a name whose first line is not known")
            self.unknown[name] = self.lines[_first(there)]
        return [getattr(self, "convert_" + c.type)(c, _one_chunk(self.pa, table.column(i)), None)
                for i, c in enumerate(self.schema.columns)]

    def convert_int(self, column, array, _nulls):
        if not array.null_count:
            return array.to_numpy(zero_copy_only=False)
        self.widened[column.name] = _first(array.is_null().to_numpy(zero_copy_only=False))
        return self.convert_float(column, array.cast(self.pa.float64(), safe=False), None)

    def convert_float(self, _column, array, _nulls):
        values = array.to_numpy(zero_copy_only=False)
        if _is_wide(values):
            raise _Refused("an integer beyond 2^53, perhaps")
        return values

    def convert_date(self, _column, array, _nulls):
        import numpy
        codes, texts = self.pandas.factorize(array.to_numpy(zero_copy_only=False))
        days = [cell.day(text) for text in texts]
        if cell.MISFIT in days or None in days:
            raise _Refused("not date")
        return frame.dates(self.pandas, days + [None])[numpy.where(codes < 0, len(days), codes)]


def _stands_in(data, byte, word):
    """Looks for the byte first: that is much faster where there is none."""
    return byte in data and word in data


def _one_chunk(pa, column):
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _first(mask):
    return int(mask.argmax())


def _first_that_is_no_integer(texts):
    return next(row for row, text in enumerate(texts) if type(cell.number(text)) is not int)


def _is_wide(values):
    """Is there a number that an integer beyond 2^53 may have become?"""
    import numpy
    with numpy.errstate(invalid="ignore"):
        size = numpy.abs(values)
        return bool(((size >= cell.WIDE) & (size != numpy.inf)).any())


def _dates(pandas, micros):
    """datetime64[us] to the unit of this pandas; raises _Refused for years that are no dates here."""
    import numpy
    low, high = numpy.datetime64("%d-01-01" % cell.FIRST_YEAR), numpy.datetime64("%d-01-01" % (cell.LAST_YEAR + 1))
    there = ~numpy.isnat(micros)
    if not ((micros[there] >= low) & (micros[there] < high)).all():
        raise _Refused("a year out of range")
    return micros.astype("M8[%s]" % frame.date_unit(pandas))


# ---- pandas


class _Pandas:
    """One slice, read with the C parser of pandas."""
    name, unknown = "pandas", {}

    def __init__(self, pandas, data, schema):
        self.pandas, self.schema, self.data = pandas, schema, data
        self.fields = {c.field: c for c in schema.columns}
        self.old = int(pandas.__version__.split(".")[0]) < 3
        header = schema.delimiter.join(b"%d" % i for i in range(schema.fields + 1))
        self.text = header + b"\n" + data

    def parse(self, types, nulls, **more):
        """types: field -> type or None, which lets pandas find out; nulls: field -> words"""
        if self.old:
            more["float_precision"] = "round_trip"
        try:
            return self.pandas.read_csv(
                io.BytesIO(self.text), sep=self.schema.delimiter.decode(), engine="c", low_memory=False,
                encoding="utf-8", dtype={str(f): t for f, t in types.items() if t is not None},
                keep_default_na=False, na_values={str(f): words for f, words in nulls.items()}, **more)
        except (ValueError, OverflowError, self.pandas.errors.ParserError) as e:
            raise _Refused(str(e)) from None

    def texts(self, field, unique=True):
        """The texts of a column."""
        column = self.parse({field: object}, {}, usecols=[str(field)])[str(field)].fillna("")
        return (column.unique() if unique else column).tolist()

    def read(self):
        if self.old and b"\r" in self.data and _LONE_RETURN(self.data):
            raise _Refused("a lone \\r")
        if not self.schema.fields or None in self.fields or len(self.fields) < len(self.schema.columns):
            raise _Refused("a column that the file does not have, or a field for two")
        strings = frame.string_type(self.pandas)
        types, nulls = {}, {}
        for field in range(self.schema.fields + 1):
            kind = self.fields[field].type if field in self.fields else "other"
            types[field] = {"int": None, "float": "float64", "bool": None, "string": strings}.get(kind, object)
            nulls[field] = _NULLS if kind in ("int", "float", "bool") else [""]
            if kind == "string" and self.schema.empty_is_text:
                nulls[field] = []
        found = self.parse(types, nulls)
        self.rows = len(found)
        self.check_shape(found)
        self.widened = {}
        return [getattr(self, "convert_" + c.type)(c, found[str(c.field)]) for c in self.schema.columns]

    def check_shape(self, found):
        """No record is longer or shorter than the table is wide, but for an empty cell at its end."""
        last = self.schema.fields
        _, first = next(iter(careful.Records(self.data, self.schema.delimiter)), (0, ()))
        if len(first) > last + 1 or found[str(last)].notna().any():
            raise _Refused("a long record")
        column = found[str(last - 1)]
        if last == 1 or not (column.isna() | (column == "")).any():
            return
        text = _QUOTED.sub(b"q", self.data) if b'"' in self.data else self.data
        found = [line.count(self.schema.delimiter) for line in _LINE_ENDS.split(text) if line]
        if len(found) != self.rows or min(found) < last - 1:
            raise _Refused("short records, perhaps")

    def convert_int(self, column, found):
        if found.dtype == "int64":
            return found.to_numpy()
        if found.dtype != "float64":
            raise _Refused("not int")
        reals = self.parse({column.field: "float64"}, {column.field: _NULLS}, usecols=[str(column.field)])
        self.widened[column.name] = _first_that_is_no_integer(self.texts(column.field, False))
        return self.convert_float(column, reals[str(column.field)])

    def convert_float(self, column, found):
        values = found.to_numpy()
        flags = ((values == 0) | (values == 1) | (values != values)).all()
        if (flags or _is_wide(values)) and any(cell.real(text) is cell.MISFIT for text in self.texts(column.field)):
            raise _Refused("not float")
        if (values == _NULL_OF_INT64).any():
            raise _Refused("perhaps a null")
        return values

    def convert_bool(self, column, found):
        null = found.isna().to_numpy()
        if found.dtype != "bool" and not all(type(v) is bool for v in found.to_numpy()[~null]):
            raise _Refused("not bool")
        if not null.any() and not column.nulls:
            return found.to_numpy().astype("bool")
        if null.any() and not column.nulls:
            self.widened[column.name] = _first(null)
        return self.pandas.Series(_with_none(found, null), dtype=object)

    def convert_date(self, _column, found):
        import numpy
        codes, texts = self.pandas.factorize(found)
        days = [cell.day(text) for text in texts]
        if cell.MISFIT in days:
            raise _Refused("not date")
        return frame.dates(self.pandas, days + [None])[numpy.where(codes < 0, len(days), codes)]

    def convert_string(self, _column, found):
        if frame.string_type(self.pandas) != object:
            return found.array
        return _with_none(found, found.isna().to_numpy())


def _with_none(found, null):
    values = found.to_numpy().astype(object)
    values[null] = None
    return values


# ---- the whole


def _reader(size):
    """The reader of a slice of so many bytes of delimited text."""
    if size >= _BLOCK_MAX:
        return _Pandas
    try:
        import pyarrow.csv
        pool.choose(pyarrow)
        return _Arrow
    except Exception:  # noqa: BLE001 - also one that does not fit the numpy at hand
        return _Pandas


def _read_fast(pandas, data, schema, rows):
    data = _utf8(data, schema)
    reader = _reader(len(data))
    if schema.format == "jsonl":
        if reader is not _Arrow:
            raise _Refused("no fast reader")
        reader = _ArrowLines
    one = reader(pandas, data, schema)
    arrays = one.read()
    if one.rows != rows:
        raise _Refused("%d rows" % one.rows)
    names = [c.name for c in schema.columns]
    found = Frame(frame.of_arrays(pandas, names, arrays, rows), one.widened, one.name)
    found.unknown = one.unknown
    return found


def read(pandas, data, schema, rows, mixed=False, first_line=1, drop=False):
    """The Frame of a slice: `rows` whole records in data (bytes); the caller compares len(frame) with them. The others
    as in careful.read(); raises careful.Misfit."""
    try:
        return _read_fast(pandas, data, schema, rows)
    except _Refused:
        table = careful.read(data, schema, mixed, first_line, drop)
    widened = {c.name: c.widened for c in table.columns if c.widened is not None}
    return Frame(frame.of_table(pandas, table), widened, "careful", table)
