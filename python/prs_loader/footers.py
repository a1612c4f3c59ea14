# SPDX-License-Identifier: Apache-2.0
"""The helper that reads Parquet footers for the engine, until the engine closes the socket: what src/wire/footers.h
describes, on descriptor 3. Only the end of a file is read, unless rows are asked for."""
import json
import os
import re
import socket
import struct
import sys

PROTOCOL = 1
_ASK_NULLS = 1
_ASK_ROWS = 2
_BATCH_ROWS = 1 << 16
_TEXT_MAX = 1000  # characters of a cell
_ROWS_MAX = 1 << 40
_UNNAMED_INDEX = re.compile(r"__index_level_\d+__").fullmatch
_pack_file = struct.Struct("<BQqIIII").pack
_u32 = struct.Struct("<I")
_u64 = struct.Struct("<Q").pack
_first_and_count = struct.Struct("<QI").unpack_from
_pack_group = struct.Struct("<QQ").pack


class Refused(Exception):
    """A file whose rows cannot be counted, and why."""


def _text(value):
    raw = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
    return _u32.pack(len(raw)) + raw


def _frame(payload):
    return _u32.pack(len(payload)) + payload


def _refusal(why):
    return b"\1" + _text(why.replace("\0", " ")[:4000])


def unnamed_index(schema):
    """The names of columns that hold the index of a DataFrame which has no name: no columns of the table."""
    if not schema.metadata or b"pandas" not in schema.metadata:
        return ()
    try:
        columns = json.loads(schema.metadata[b"pandas"].decode("utf-8"))["index_columns"]
        return [name for name in columns if isinstance(name, str) and _UNNAMED_INDEX(name)]
    except (ValueError, KeyError, TypeError):
        return ()


def columns_of(schema):
    """The fields of the table, in the order of the file."""
    hidden = unnamed_index(schema)
    fields = [field for field in schema if field.name not in hidden]
    names = [field.name for field in fields]
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise Refused("two of its columns are called %s" % json.dumps(twice, ensure_ascii=False))
    if any("\0" in name for name in names):
        raise Refused("the name of a column has a NUL")
    return fields


def _shown(scalar):
    """A value as people read it; None: it is null."""
    try:
        value = scalar.as_py()
    except (ValueError, ImportError):  # nanoseconds without pandas
        return "?"
    return value if value is None else str(value)[:_TEXT_MAX].replace("\0", " ")


def stamp(st):
    """(size, mtime in µs) as the engine has them."""
    return st.st_size, st.st_mtime_ns // 1000


class Footers:
    def __init__(self, pyarrow, parquet):
        self.pa, self.pq = pyarrow, parquet
        self.schemas = {}  # bytes of a schema -> its number

    def answer(self, path, flags, more=b""):
        """The payload for a file; more: what stands behind the paths."""
        try:
            return self.rows(path, *_first_and_count(more)) if flags & _ASK_ROWS else self.read(path, flags & _ASK_NULLS)
        except Refused as e:
            return _refusal(str(e))
        except OSError as e:
            return _refusal(e.strerror if e.strerror else "its footer cannot be read: %s" % e)
        except Exception as e:  # noqa: BLE001 - what pyarrow makes of bytes that are no Parquet
            return _refusal("its footer cannot be read: %s" % " ".join(str(e).split()))

    def read(self, path, wants_nulls):
        with open(path, "rb", buffering=0) as f:
            before = stamp(os.fstat(f.fileno()))
            opened = self.pq.ParquetFile(f)
            meta, schema = opened.metadata, opened.schema_arrow
            groups = [meta.row_group(i) for i in range(meta.num_row_groups)]
            counts = [(g.num_rows, g.total_byte_size) for g in groups]
            if stamp(os.fstat(f.fileno())) != before:
                raise Refused("it changed while its footer was read: what writes into the input?")
        rows = sum(n for n, _ in counts)
        if any(n < 0 for n, _ in counts) or rows != meta.num_rows or rows > _ROWS_MAX:
            raise Refused("its footer counts %d rows in its row groups and %d in all" % (rows, meta.num_rows))
        fields = columns_of(schema)
        number, told = self.number(schema, fields)
        nulls = self.nulls(schema, fields, groups) if wants_nulls else []
        payload = [_pack_file(0, *before, number, len(groups), 0 if told else len(fields), len(nulls))]
        if not told:
            payload += [_text(field.name) + _text(str(field.type)) for field in fields]
        payload += [_u64(n) for n in nulls]
        payload += [_pack_group(n, max(0, size)) for n, size in counts]
        return b"".join(payload)

    def rows(self, path, first, count):
        """`count` rows from `first` on, fewer at the end of the file."""
        found = []
        with open(path, "rb", buffering=0) as f:
            opened = self.pq.ParquetFile(f)
            names = [field.name for field in columns_of(opened.schema_arrow)]
            group = 0
            while group < opened.num_row_groups and first >= opened.metadata.row_group(group).num_rows:
                first -= opened.metadata.row_group(group).num_rows
                group += 1
            groups = range(group, opened.num_row_groups)
            for rows in opened.iter_batches(_BATCH_ROWS if first else count, row_groups=list(groups), columns=names):
                piece = rows.slice(first, count - len(found))
                first -= min(first, rows.num_rows)
                found += [{name: _shown(column[i]) for name, column in zip(names, piece.columns)}
                          for i in range(piece.num_rows)]
                if len(found) == count:
                    break
        return b"\0" + _text(json.dumps(found))

    def number(self, schema, fields):
        """(number of the distinct schema, was it told before?)"""
        key = (schema.remove_metadata().serialize().to_pybytes(), len(fields))
        told = key in self.schemas
        return self.schemas.setdefault(key, len(self.schemas)), told

    @staticmethod
    def nulls(schema, fields, groups):
        """How many nulls the footer counts in each field; of those that consist of several columns none."""
        if not groups:
            return [0] * len(fields)
        first = groups[0]
        places = {first.column(i).path_in_schema: i for i in range(first.num_columns)}
        found = []
        for field in fields:
            place, count = places.get(field.name), 0
            for group in groups if place is not None else ():
                statistics = group.column(place).statistics
                if statistics is not None and statistics.has_null_count:
                    count += statistics.null_count
            found.append(max(0, count))
        return found


def _receive(sock, n):
    """n bytes, or None at the end of the stream."""
    pieces = []
    while n:
        piece = sock.recv(min(n, 1 << 20))
        if not piece:
            return None
        pieces.append(piece)
        n -= len(piece)
    return b"".join(pieces)


def asked(payload):
    """(flags, paths as bytes, what stands behind them)"""
    flags, count = struct.unpack_from("<II", payload)
    at, paths = 8, []
    for _ in range(count):
        n, = _u32.unpack_from(payload, at)
        paths.append(payload[at + 4:at + 4 + n])
        at += 4 + n
    return flags, paths, payload[at:]


def hello():
    """(Footers or None, the payload of HELLO)"""
    try:
        import pyarrow
        import pyarrow.parquet
    except Exception as e:  # noqa: BLE001 - also one that does not fit the numpy at hand
        return None, _refusal("Parquet needs pyarrow, which %s cannot import (%s: %s): %s -m pip install pyarrow"
                              % (sys.executable, type(e).__name__, " ".join(str(e).split()), sys.executable))
    return Footers(pyarrow, pyarrow.parquet), b"\0" + _u32.pack(PROTOCOL) + _text(pyarrow.__version__)


def serve(sock):
    footers, first = hello()
    sock.sendall(_frame(first))
    while footers:
        head = _receive(sock, 4)
        payload = _receive(sock, _u32.unpack(head)[0]) if head else None
        if payload is None:
            return
        flags, paths, more = asked(payload)
        for path in paths:
            sock.sendall(_frame(footers.answer(path, flags, more)))


def main():
    os.set_inheritable(3, False)
    with socket.socket(fileno=3) as sock:
        try:
            serve(sock)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the engine has what it wants, or is gone
