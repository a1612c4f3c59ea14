# SPDX-License-Identifier: Apache-2.0
"""The helper that makes the output file of the tables of all mini-batches: what src/wire/table_out.h describes, on
descriptor 3. parquet; csv, tsv and jsonl for `prs output --format`."""
import concurrent.futures
import os
import shlex
import socket
import struct

from prs_loader import formats, output_types

PROTOCOL = 1
_TYPE, _SCHEMA, _BEGIN, _ROWS, _PIECE, _END = range(1, 7)
_OTHER, _TYPES, _ERRNO, _MISSING = range(4)
_GROUP_MIN, _GROUP, _GROUP_MAX = 64 << 20, 96 << 20, 128 << 20  # bytes of a row group, not compressed
_TABLES_MAX = 1000
_u32 = struct.Struct("<I")
_u64 = struct.Struct("<Q")
_ids = struct.Struct("<QQ")
_rows = struct.Struct("<QIQ")


class Trouble(Exception):
    """Why there will be no file."""

    def __init__(self, kind, text, errnum=0):
        super().__init__(text)
        self.kind, self.errnum = kind, errnum


# ---- types -----------------------------------------------------------------------------------------------------------


class Union:
    """One type for values of two."""

    _TIMES = ("s", "ms", "us", "ns")

    def __init__(self, pa):
        self.pa, self.is_ = pa, pa.types

    def of(self, a, b):
        """None: there is none."""
        t = self.is_
        if a.equals(b) or t.is_null(b):
            return a
        if t.is_null(a):
            return b
        for rule in (self._numbers, self._texts, self._times, self._decimals, self._lists, self._structs):
            found = rule(a, b)
            if found is not None:
                return found
        return None

    def _numbers(self, a, b):
        t, pa = self.is_, self.pa
        if t.is_integer(a) and t.is_integer(b):
            if t.is_signed_integer(a) == t.is_signed_integer(b):
                return a if a.bit_width >= b.bit_width else b
            signed, other = (a, b) if t.is_signed_integer(a) else (b, a)
            if signed.bit_width > other.bit_width:
                return signed
            return {8: pa.int16(), 16: pa.int32()}.get(other.bit_width, pa.int64())
        if t.is_floating(a) and t.is_floating(b):
            return a if a.bit_width >= b.bit_width else b
        mixed = t.is_integer(a) and t.is_floating(b) or t.is_floating(a) and t.is_integer(b)
        return pa.float64() if mixed else None

    def _texts(self, a, b):
        t, pa = self.is_, self.pa
        for small, is_small, large, is_large in ((pa.string(), t.is_string, pa.large_string(), t.is_large_string),
                                                 (pa.binary(), t.is_binary, pa.large_binary(), t.is_large_binary)):
            if all(is_small(x) or is_large(x) for x in (a, b)):
                return small if is_small(a) and is_small(b) else large
        return None

    def _times(self, a, b):
        t, pa = self.is_, self.pa
        if t.is_date(a) and t.is_date(b):
            return pa.date32() if t.is_date32(a) and t.is_date32(b) else pa.date64()
        if t.is_timestamp(a) and t.is_date(b):
            return a if a.tz is None else None
        if t.is_date(a) and t.is_timestamp(b):
            return self._times(b, a)
        if t.is_timestamp(a) and t.is_timestamp(b):
            return pa.timestamp(self._finer(a, b), a.tz) if a.tz == b.tz else None
        if t.is_duration(a) and t.is_duration(b):
            return pa.duration(self._finer(a, b))
        if t.is_time(a) and t.is_time(b):
            unit = self._finer(a, b)
            return pa.time32(unit) if unit in ("s", "ms") else pa.time64(unit)
        return None

    def _finer(self, a, b):
        return max(a.unit, b.unit, key=self._TIMES.index)

    def _decimals(self, a, b):
        if not (self.is_.is_decimal(a) and self.is_.is_decimal(b)):
            return None
        scale = max(a.scale, b.scale)
        digits = max(a.precision - a.scale, b.precision - b.scale) + scale
        return self.pa.decimal128(digits, scale) if digits <= 38 else None

    def _is_list(self, a):
        t = self.is_
        return t.is_list(a) or t.is_large_list(a) or t.is_fixed_size_list(a)

    def _lists(self, a, b):
        if not (self._is_list(a) and self._is_list(b)):
            return None
        value = self.of(a.value_type, b.value_type)
        large = self.is_.is_large_list(a) or self.is_.is_large_list(b)
        if value is None:
            return None
        return self.pa.large_list(value) if large else self.pa.list_(value)

    def _structs(self, a, b):
        if not (self.is_.is_struct(a) and self.is_.is_struct(b)):
            return None
        fields = {}
        for one in list(a) + list(b):
            known = fields.get(one.name)
            fields[one.name] = one.type if known is None else self.of(known, one.type)
            if fields[one.name] is None:
                return None
        return self.pa.struct(list(fields.items()))


def united(pa, schemas, types):
    """The schema of the file. schemas: (id of a mini-batch, schema) each, in the order in which they appear; types:
    output_types."""
    from prs_loader import arrow

    union, known, columns = Union(pa), arrow.types_of(pa), {}
    if all(schema.equals(schemas[0][1], check_metadata=True) for _, schema in schemas) and not types:
        return schemas[0][1]
    for number, schema in schemas:
        for field in schema:
            if field.name in types:
                columns[field.name] = number, known[types[field.name]]
                continue
            first, was = columns.get(field.name, (number, field.type))
            now = union.of(was, field.type)
            if now is None:
                raise Trouble(_TYPES, "column %s is %s in mini-batch %d and %s in mini-batch %d: resumed with "
                              "--output-types %s it is text" % (field.name, was, first, field.type, number,
                                                                shlex.quote(field.name + "=string")))
            columns[field.name] = first if now.equals(was) else number, now
    return pa.schema([(name, kind) for name, (_, kind) in columns.items()])


# ---- files -----------------------------------------------------------------------------------------------------------


class Parquet:
    """Row groups of 64 to 128 MB; where they end depends on the rows alone. One is written while the next one is
    gathered."""

    def __init__(self, pa, f, schemas, types):
        import pyarrow.parquet

        self.pa, self.types = pa, types
        self.schema = united(pa, schemas, types)
        self.writer = pyarrow.parquet.ParquetWriter(f, self.schema)
        self.tables, self.small, self.bytes = [], [], 0
        self.threads, self.written = concurrent.futures.ThreadPoolExecutor(1), None

    def put(self, number, table):
        table = self._shaped(number, table)
        while table.num_rows:
            size = max(1, table.nbytes)
            if self.bytes + size < _GROUP_MIN:
                break
            if self.bytes + size > _GROUP_MAX:
                room = max(1, int((_GROUP - self.bytes) * table.num_rows / size))
            else:
                room = table.num_rows
            self._keep(table.slice(0, room))
            self._group()
            # a copy: the bytes of a slice are not known to every version
            table = self.pa.concat_tables([table.slice(room)]).combine_chunks()
        if table.num_rows:
            self._keep(table)

    def _keep(self, table):
        self.small.append(table)
        self.bytes += table.nbytes
        if len(self.small) >= _TABLES_MAX:
            self._combine()

    def _combine(self):
        """Many small tables take more memory than one."""
        self.tables.append(self.pa.concat_tables(self.small).combine_chunks())
        self.small = []

    def _group(self):
        table = self.pa.concat_tables(self.tables + self.small)
        self.tables, self.small, self.bytes = [], [], 0
        self._wait()
        self.written = self.threads.submit(self.writer.write_table, table, max(1, table.num_rows))

    def _wait(self):
        """The row group before is written, or what went wrong with it is raised."""
        if self.written is not None:
            self.written.result()

    def _shaped(self, number, table):
        """The table with all columns of the file."""
        if table.schema.equals(self.schema):
            return table.replace_schema_metadata(self.schema.metadata)
        places = {name: i for i, name in enumerate(table.column_names)}
        columns = []
        for field in self.schema:
            if field.name not in places:
                columns.append(self.pa.nulls(table.num_rows, field.type))
                continue
            column = table.column(places[field.name])
            columns.append(column if column.type.equals(field.type) else self._cast(number, field, column))
        return self.pa.Table.from_arrays(columns, schema=self.schema)

    def _cast(self, number, field, column):
        pa = self.pa
        try:
            if field.name in self.types:
                values = output_types.converted(_pylist(pa, column), self.types[field.name], field.name)
                return pa.array(values, type=field.type)
            if pa.types.is_nested(field.type):
                return pa.array(column.to_pylist(), type=field.type)
            return column.cast(field.type)
        except (ValueError, TypeError, pa.ArrowException) as e:
            raise Trouble(_TYPES, "column %s of mini-batch %d is %s and cannot be %s, as others are: %s" % (
                field.name, number, column.type, field.type, " ".join(str(e).split()))) from None

    def close(self):
        if self.tables or self.small:
            self._group()
        self._wait()
        self.writer.close()


def _pylist(pa, column):
    """Values as Python has them; a timestamp of nanoseconds, which it has not, to the microsecond."""
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return column.to_pylist()


def _dicts(pa, table):
    columns = [_pylist(pa, column) for column in table.columns]
    return [dict(zip(table.column_names, row)) for row in zip(*columns)]


class Text:
    """csv, tsv: the columns of all; jsonl: an object for each row. Types need not go together."""

    def __init__(self, pa, f, schemas, types, output_format):
        self.pa, self.f = pa, f
        self.rows = formats.of_job(output_format, {}, types)
        self.names = {field.name: None for _, schema in schemas for field in schema}
        self.lines = output_format == "jsonl"
        self.is_begun = False

    def put(self, _number, table):
        dicts = _dicts(self.pa, table)
        if not self.lines:
            dicts = [dict(self.names, **d) for d in dicts]
        if not dicts:
            return
        data, head, _flags = self.rows.encode(dicts)
        self._write(self.rows.shown(dicts) if head and not self.is_begun else data[head:])
        self.is_begun = True

    def _write(self, data):
        view = memoryview(data)
        while len(view):
            view = view[self.f.write(view):]

    def close(self):
        pass


# ---- the engine's words ----------------------------------------------------------------------------------------------


def _text(value):
    raw = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
    return _u32.pack(len(raw)) + raw


def _texts(payload, at, count):
    found = []
    for _ in range(count):
        n, = _u32.unpack_from(payload, at)
        found.append(bytes(payload[at + 4:at + 4 + n]))
        at += 4 + n
    return found


class Engine:
    """The other side of the socket."""

    def __init__(self, sock):
        self.sock = sock

    def receive(self):
        """The next payload; None at the end of the stream."""
        head = self._bytes(4)
        return self._bytes(_u32.unpack(head)[0]) if head is not None else None

    def _bytes(self, n):
        data = bytearray(n)
        view = memoryview(data)
        while len(view):
            got = self.sock.recv_into(view)
            if not got:
                return None
            view = view[got:]
        return data

    def answer(self, payload):
        self.sock.sendall(_u32.pack(len(payload)) + payload)

    def refuse(self, trouble):
        text = str(trouble).encode("utf-8", "replace").replace(b"\0", b" ")[:4000]
        self.answer(struct.pack("<BBI", 1, trouble.kind, trouble.errnum) + _text(text))


class Writer:
    """What it was told, and the file."""

    def __init__(self, pa):
        self.pa = pa
        self.types, self.schemas = {}, []  # output_types; (id, schema, its bytes) each
        self.f = self.file = None
        self.coming = None  # (id, number of the schema, bytes) of the rows that come in pieces
        self.pieces = bytearray()
        self.count = 0

    def type(self, payload):
        column, kind = _texts(payload, 1, 2)
        self.types[column.decode("utf-8", "surrogateescape")] = kind.decode()

    def schema(self, payload):
        number, = _u64.unpack_from(payload, 1)
        raw = bytes(payload[9:])
        self.schemas.append((number, self.pa.ipc.read_schema(self.pa.py_buffer(raw)), raw))

    def begin(self, payload):
        dev, ino = _ids.unpack_from(payload, 1)
        output_format, path = _texts(payload, 17, 2)
        fd = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        self.f = open(fd, "wb", buffering=0)
        st = os.fstat(fd)
        if (st.st_dev, st.st_ino) != (dev, ino):
            raise Trouble(_OTHER, "%s is another file by now" % os.fsdecode(path))
        schemas = [(number, schema) for number, schema, _ in self.schemas]
        kind = output_format.decode()
        if kind == "parquet":
            self.file = Parquet(self.pa, self.f, schemas, self.types)
        else:
            self.file = Text(self.pa, self.f, schemas, self.types, kind)

    def differs(self):
        """For each schema: are its columns others than those of the first?"""
        first = set(self.schemas[0][1].names) if self.schemas else set()
        return bytes(set(schema.names) != first for _, schema, _ in self.schemas)

    def begin_rows(self, payload):
        self.coming = _rows.unpack_from(payload, 1)
        self.pieces = bytearray()
        self.take()

    def piece(self, payload):
        self.pieces += memoryview(payload)[1:]
        self.take()

    def take(self):
        """The rows, when all of their bytes are there."""
        number, schema, size = self.coming
        if len(self.pieces) < size:
            return
        stream = self.pa.py_buffer(self.schemas[schema][2] + bytes(self.pieces))
        self.pieces = bytearray()
        with self.pa.ipc.open_stream(stream) as reader:
            table = reader.read_all()
        self.count += table.num_rows
        self.file.put(number, table)

    def end(self):
        self.file.close()
        self.f.close()
        return self.count


def _library():
    from prs_loader import arrow

    try:
        pa = arrow.library()
        import pyarrow.ipc  # noqa: F401
        import pyarrow.parquet  # noqa: F401
    except ImportError as e:
        raise Trouble(_MISSING, str(e)) from None
    return pa


def serve(engine):
    pa = _library()
    engine.answer(b"\0" + _u32.pack(PROTOCOL) + _text(pa.__version__))
    writer = Writer(pa)
    does = {_TYPE: writer.type, _SCHEMA: writer.schema, _BEGIN: writer.begin, _ROWS: writer.begin_rows,
            _PIECE: writer.piece}
    while True:
        payload = engine.receive()
        if payload is None:
            return
        what = payload[0]
        if what == _END:
            engine.answer(b"\0" + _u64.pack(writer.end()))
            return
        does[what](payload)
        if what == _BEGIN:
            engine.answer(b"\0" + writer.differs())


def answer_all(engine):
    """serve(), and what went wrong."""
    try:
        serve(engine)
    except Trouble as e:
        engine.refuse(e)
    except (BrokenPipeError, ConnectionResetError):
        raise
    except OSError as e:
        engine.refuse(Trouble(_ERRNO, "writing the output", e.errno) if e.errno else Trouble(_OTHER, str(e)))
    except Exception as e:  # noqa: BLE001 - whatever pyarrow says
        import traceback

        traceback.print_exc()
        engine.refuse(Trouble(_OTHER, "the process that writes the output failed: %s: %s" % (
            type(e).__name__, " ".join(str(e).split()))))


def main():
    os.set_inheritable(3, False)
    with socket.socket(fileno=3) as sock:
        try:
            answer_all(Engine(sock))
        except (BrokenPipeError, ConnectionResetError):
            pass  # the engine is gone, or has what it wants
