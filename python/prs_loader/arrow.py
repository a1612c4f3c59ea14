# SPDX-License-Identifier: Apache-2.0
"""Rows for Parquet: a mini-batch's table as an Arrow IPC stream, whose first message, the schema, is the header
(docs/formats.md, section 8)."""
import struct
import sys

from prs_loader import formats, output_types, rows
from prs_loader.wire import DONE_HAS_HEADER

_WAY_OUT = ("; or choose --output-format csv or jsonl, where lines may be anything")
_message = struct.Struct("<Ii")


def library():
    """pyarrow of the user."""
    try:
        import pyarrow
    except Exception as e:  # noqa: BLE001 - also one that does not fit the numpy at hand
        raise ImportError("output_format parquet needs pyarrow, which %s cannot import (%s: %s): %s -m pip install "
                          "pyarrow" % (sys.executable, type(e).__name__, " ".join(str(e).split()),
                                       sys.executable)) from None
    return pyarrow


def types_of(pa):
    """What output_types are."""
    return {"string": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(),
            "date": pa.timestamp("us")}


def _value(value):
    """A value of a list of dicts."""
    if formats.is_nested(value):
        return formats.to_json(value)
    kind = type(value)
    return value.item() if kind.__module__ == "numpy" and hasattr(value, "item") else value


def _kinds(values):
    names = []
    for value in values:
        name = type(value).__name__
        if not formats.is_null(value) and name not in names:
            names.append(name)
    return " and ".join(names[:4])


class Arrow(rows.Rows):
    def __init__(self, types):
        super().__init__(False)
        self.pa, self.types = library(), types
        self.known = types_of(self.pa)

    def items(self, value):
        items, flags = super().items(value)
        if not rows.is_frame(items) and not all(isinstance(i, dict) or rows.is_frame(i) for i in items):
            other = next(i for i in items if not isinstance(i, dict) and not rows.is_frame(i))
            raise rows.ReturnTypeError(
                "output_format parquet makes a table of what run() returns: return a pandas DataFrame or a list of "
                "dicts. It returned a list with %s %s%s" % (type(other).__name__, ascii(other)[:100], _WAY_OUT))
        return items, flags

    def encode(self, items):
        if not len(items):
            return b"", 0, 0
        frame = formats.frame_of(items)
        table = self._records(items) if frame is None else self._frame(frame)
        if not table.num_columns:
            raise ValueError("the rows have no column: a Parquet file cannot hold them")
        sink = self.pa.BufferOutputStream()
        with self.pa.RecordBatchStreamWriter(sink, table.schema) as writer:
            writer.write_table(table)
        data = sink.getvalue().to_pybytes()
        return data, _message.size + _message.unpack_from(data)[1], DONE_HAS_HEADER

    def shown(self, items):
        """As csv."""
        self.encode(items)
        return formats.of_job("csv", {}, self.types).shown(items)

    def _frame(self, frame):
        pa = self.pa
        named = {i: name for i, name in enumerate(map(str, frame.columns)) if name in self.types}
        texts = {i: formats.array_of(output_types.converted(frame.iloc[:, i].tolist(), self.types[name], name),
                                     self.types[name]) for i, name in named.items()}
        try:
            table = pa.Table.from_pandas(formats.replaced(frame, texts), preserve_index=False, nthreads=1)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as e:
            raise ValueError("%s. One column of a Parquet file has one type: --output-types COLUMN=string makes it "
                             "text%s" % (" ".join(str(e).split()), _WAY_OUT)) from None
        for i, name in named.items():
            table = table.set_column(i, table.field(i).name, table.column(i).cast(self.known[self.types[name]]))
        return self._plain(table)

    def _plain(self, table):
        """Without dictionaries: each mini-batch has its own."""
        for i, field in enumerate(table.schema):
            if self.pa.types.is_dictionary(field.type):
                table = table.set_column(i, field.name, table.column(i).cast(field.type.value_type))
                table = table.replace_schema_metadata(None)
        return table

    def _records(self, items):
        pa, columns = self.pa, []
        names = formats.names_of(items)
        for name in names:
            values = [_value(item.get(name)) for item in items]
            kind = self.types.get(str(name))
            if kind:
                values = output_types.converted([item.get(name) for item in items], kind, name)
            try:
                columns.append(pa.array(values, type=self.known[kind] if kind else None, from_pandas=True))
            except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as e:
                raise ValueError("column %s holds %s: %s. One column of a Parquet file has one type: --output-types "
                                 "%s=string makes it text%s" % (name, _kinds(values), " ".join(str(e).split()), name,
                                                                _WAY_OUT)) from None
        return pa.Table.from_arrays(columns, names=[str(n) for n in names])
