# SPDX-License-Identifier: Apache-2.0
"""Tasks of rows of Parquet files: frames as pandas.read_parquet makes them, of the rows that are asked for.

A file is decoded as a stream, batch by batch, and stays open where it was left: the next rows of this process are
mostly behind the last ones. So a row group is decoded once, however many mini-batches it has, and no more of it than
one batch is kept. What is asked for in front of that begins anew at its row group.

The index is 0..n-1: a named index of a DataFrame that was written is a column, as it stands in the file, and one
without a name is left out (docs/tables.md)."""
import bisect
import json
import os
import re

from prs_loader import batch
from prs_loader.tables import files, pool

BATCH_BYTES = 1 << 20  # of a batch, as the footer counts them
_BATCH_ROWS = 1 << 14  # a column in a dictionary is larger in memory than the footer says
_BUFFERS_BYTES = 4 << 20  # of all columns, compressed
_BUFFER_LEAST, _BUFFER_MOST = 16 << 10, 256 << 10  # of one
_WIDE = 1 << 53
_WIDE_WHY = ("%s is int, and beside the nulls of its column would become another number as float64; say what the column "
             "is with convert_column_types")
_ZONED = re.compile(r"timestamp\[(s|ms|us|ns), tz=(.*)\]").fullmatch
_LEAVE_NAMES = ("take", "skip", "take_random_sample", "extract_columns_from_partition_format")


class Arrow:
    """pyarrow, and the file that was read last."""

    def __init__(self, pandas):
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet
        self.pandas, self.pa = pandas, pyarrow
        self.stream = None
        self.mapper = None
        pool.choose(pyarrow)
        if int(pandas.__version__.split(".")[0]) >= 3 and int(pyarrow.__version__.split(".")[0]) < 19:
            text = pandas.StringDtype(na_value=float("nan"))  # later ones know it themselves
            self.mapper = {pyarrow.string(): text, pyarrow.large_string(): text}.get

    def type_of(self, text):
        """The type that is called so; None: one that nothing is cast to."""
        zoned = _ZONED(text)
        if zoned:
            return self.pa.timestamp(*zoned.groups())
        if text == "null" or text.startswith("dictionary<"):
            return None
        return self.pa.type_for_alias(text)


class _Stream:
    """An open file of which rows are read, mostly from the front to the back."""

    def __init__(self, pa, path, names):
        self.pa, self.names = pa, names
        self.raw = open(path, "rb", buffering=0)
        try:
            self.stat = os.fstat(self.raw.fileno())
            buffer = min(max(_BUFFERS_BYTES // max(1, len(names)), _BUFFER_LEAST), _BUFFER_MOST)
            self.file = pa.parquet.ParquetFile(self.raw, buffer_size=buffer, pre_buffer=False)
        except BaseException:
            self.raw.close()
            raise
        meta = self.file.metadata
        self.ends, self.rows = [], 0
        for i in range(meta.num_row_groups):
            self.rows += meta.row_group(i).num_rows
            self.ends.append(self.rows)
        size = sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
        self.batch_rows = max(1, min(_BATCH_ROWS, BATCH_BYTES * max(1, self.rows) // max(1, size)))
        self.batches, self.group, self.at, self.held = None, 0, 0, None

    def close(self):
        self.batches = self.held = None
        self.raw.close()

    def is_of(self, stat, names):
        return os.path.samestat(self.stat, stat) and self.names == names

    def begin(self, group):
        self.group, self.held = group, None
        self.at = self.ends[group - 1] if group else 0
        self.batches = self.file.iter_batches(self.batch_rows, row_groups=[group], columns=self.names,
                                              use_threads=self.pa.cpu_count() > 1)

    def seek(self, row):
        """Begins at the row group of the row, unless it lies in front of us in ours."""
        group = bisect.bisect_right(self.ends, row)
        if self.batches is None or group != self.group or row < self.at:
            self.begin(group)

    def next(self):
        """The next batch, of this row group or one behind it: none has rows of two."""
        while True:
            for found in self.batches:
                if found.num_rows:
                    return found
            self.begin(self.group + 1)

    def read(self, row, count):
        """The batches of `count` rows from `row` on. held: what is left of the last one, which begins at self.at."""
        found = []
        try:
            self.seek(row)
            while count:
                if self.held is None:
                    self.held = self.next()
                n = self.held.num_rows
                if row >= self.at + n:
                    self.held, self.at = None, self.at + n
                    continue
                piece = self.held.slice(row - self.at, count)
                found.append(piece)
                row, count = row + piece.num_rows, count - piece.num_rows
        except BaseException:
            self.batches = None
            raise
        left = self.at + self.held.num_rows - row
        self.held, self.at = self.held.slice(row - self.at) if left else None, row
        return found


# ---- rows as a table


def names_of(steps, names):
    """The columns that are needed when the steps begin so: those that keep_columns keeps, where nothing in front of it
    looks at others."""
    converted = set()
    for step in steps or ():
        (word, value), = step.items()
        if word == "keep_columns":
            return [name for name in names if name in value or name in converted]
        if word == "convert_column_types":
            converted.update(name for one in value for name in one["columns"])
        elif word not in _LEAVE_NAMES:
            break
    return names


def _moved(path, why):
    return batch.InputMoved("%s %s since its rows were counted" % (path, why))


def _stream(arrow, path, file, names):
    """The stream of the file, which is as it was when its rows were counted."""
    checked = files.File(path, file)
    try:
        now = os.stat(path)
    except FileNotFoundError:
        raise _moved(path, "is gone") from None
    checked.check(now)
    if arrow.stream is not None and arrow.stream.is_of(now, names):
        return arrow.stream
    if arrow.stream is not None:
        arrow.stream.close()
        arrow.stream = None
    stream = _Stream(arrow.pa, path, names)
    checked.check(stream.stat)
    arrow.stream = stream
    return stream


def _rows(arrow, path, span, names):
    """The rows of a span as a table of pyarrow."""
    first = span.row + span.skip
    stream = _stream(arrow, path, span.file, names)
    try:
        if stream.rows < first + span.take:
            raise _moved(path, "has fewer rows")
        found = stream.read(first, span.take)
    except (OSError, ValueError) as e:  # also those of pyarrow
        files.File(path, span.file).check(os.fstat(stream.raw.fileno()))
        raise batch.LoadError("%s: rows %d to %d cannot be read: %s"
                              % (path, first + 1, first + span.take, " ".join(str(e).split()))) from None
    files.File(path, span.file).check(os.fstat(stream.raw.fileno()))
    return arrow.pa.Table.from_batches(found).select(names)


# ---- types


def _described(table):
    """(what pandas wrote about its columns: name -> its type, the metadata without the index)"""
    raw = (table.schema.metadata or {}).get(b"pandas")
    if raw is None:
        return {}, None
    said = json.loads(raw.decode("utf-8"))
    said["index_columns"] = said["column_indexes"] = []
    columns = [c for c in said.get("columns", ()) if c.get("field_name", c.get("name")) in table.column_names]
    said["columns"] = columns
    return {c.get("field_name", c.get("name")): c.get("numpy_type") for c in columns}, {b"pandas": json.dumps(said)}


def _is_extension(pandas, word):
    """Has pandas a type of its own of that name (Int64, string, category)?"""
    if not word:
        return False
    try:
        return not hasattr(pandas.api.types.pandas_dtype(word), "char")
    except TypeError:
        return False


class _Misfit(Exception):
    def __init__(self, row, name, value):
        self.row, self.name, self.value = row, name, value


def _real(pa, name, column):
    """Integers as float64; raises _Misfit for the first that would be another number."""
    low_high = pa.compute.min_max(column).as_py()
    if low_high["min"] is not None and max(low_high["max"], -low_high["min"]) > _WIDE:
        for row, value in enumerate(column.to_pylist()):
            if value is not None and abs(value) > _WIDE:
                raise _Misfit(row, name, value)
    return column.cast(pa.float64(), safe=False)


def _cast(arrow, column, name, wanted, nulls, extension):
    """A column of a file as the table has it."""
    pa = arrow.pa
    target = arrow.type_of(wanted) if str(column.type) != wanted else None
    if target is not None and pa.types.is_floating(target) and pa.types.is_integer(column.type):
        return _real(pa, name, column)
    if target is not None:
        column = column.cast(target)
    if pa.types.is_integer(column.type) and not extension and (nulls or column.null_count):
        return _real(pa, name, column)
    return column


def _typed(arrow, table, schema):
    """The table with the types of the schema, and what of its metadata pandas shall see."""
    types, metadata = _described(table)
    columns = []
    for name, column in zip(table.column_names, table.columns):
        said = schema.by_name[name]
        extension = _is_extension(arrow.pandas, types.get(name))
        columns.append(_cast(arrow, column, name, said.type, said.nulls, extension))
    return arrow.pa.table(columns, names=table.column_names).replace_schema_metadata(metadata)


def _is_writable(frame):
    blocks = getattr(getattr(frame, "_mgr", None), "blocks", None)
    return blocks is not None and all(getattr(getattr(b.values, "flags", None), "writeable", True) for b in blocks)


def _frame(arrow, table, schema):
    """Booleans that are null in the sample are objects in all mini-batches."""
    frame = table.to_pandas(types_mapper=arrow.mapper, use_threads=arrow.pa.cpu_count() > 1, self_destruct=True)
    for name in frame.columns:
        if frame[name].dtype == "bool" and schema.by_name[name].nulls:
            frame[name] = frame[name].astype(object)
    return frame if _is_writable(frame) else frame.copy()


# ---- the whole


def place(tables, _about, spans, row):
    """The file and the row of a row of the spans."""
    span, row = files.span_of(spans, row)
    return "%s row %d" % (tables.path(span.file), span.row + span.skip + row + 1)


def _misfit(path, span, e):
    at = span.row + span.skip + e.row + 1
    return batch.ValueMisfit(span.first + e.row, "%s row %d, column %s: %s" % (
        path, at, json.dumps(e.name, ensure_ascii=False), _WIDE_WHY % e.value))


def _frame_of(arrow, pieces):
    """The frame of [(table, schema), ...], which becomes empty: a column in pandas takes the place of the one in
    pyarrow."""
    schemas = [schema for _, schema in pieces]
    if all(table.schema.equals(pieces[0][0].schema) for table, _ in pieces):
        pieces[:] = [(arrow.pa.concat_tables([table for table, _ in pieces]), schemas[0])]
    frames = [_frame(arrow, *pieces.pop(0)) for _ in range(len(pieces))]
    return frames[0] if len(frames) == 1 else arrow.pandas.concat(frames, ignore_index=True)


def read(tables, about, spans):
    """(the DataFrame of the spans, no rows that were left out)"""
    arrow, pieces = tables.arrow, []
    for span in spans:
        path, schema = tables.path(span.file), tables.schema(span.file.schema, about)
        names = names_of(about.steps, [c.name for c in schema.columns])
        try:
            pieces.append((_typed(arrow, _rows(arrow, path, span, names), schema), schema))
        except _Misfit as e:
            raise _misfit(path, span, e) from None
    return _frame_of(arrow, pieces), []
