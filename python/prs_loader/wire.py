# SPDX-License-Identifier: Apache-2.0
"""What the loader must know of the engine's tables: error codes, message types, phases, and the bytes of messages.

Their homes are src/base/errors.def, src/wire/msg.h, src/wire/facts.h and src/wire/page.h; tests/loader/test_wire.py
compares every name and every layout with them.
"""
import struct

# Codes of errors.def.
RUN_EXCEPTION, RUN_EXIT, LOAD_FAILED, USER_RETURN_TYPE, ROW_FORMAT, ASYNC_RUN = 100, 101, 105, 106, 108, 109
VALUE_MISFIT, INPUT_MOVED, TRANSFORM_FAILED = 112, 113, 114
INIT_EXCEPTION, INIT_EXIT, IMPORT_FAILED, NO_RUN_FUNCTION, SHUTDOWN_FAILED = 150, 152, 153, 154, 155
AZURE_NAME = 157  # of a process or a try

# msg.h
PROTOCOL = 1
HELLO, SETUP, READY, INIT_FAILED, TASK, RESULT, FAIL, STOP, BYE, DROP, NOTE = range(1, 12)
FLAG_FD, FLAG_MORE = 1, 2
ROWS_INLINE_MAX = 1 << 20
EXIT_SOCKET_CLOSED = 107  # of this process, when its socket is no longer what it was

KIND_FILES, KIND_SLICES, KIND_PARQUET = range(3)  # of a task

# page.h: phases, and the place of each word in the page
START, INIT, IDLE, LOAD, RUN, WRITE, SHUTDOWN = range(7)
PAGE_BYTES = 4096
PAGE_UNIT, PAGE_RESULTS, PAGE_PID, PAGE_RECALLS, PAGE_CLAIM, PAGE_START = 8, 32, 40, 48, 52, 56
TIME_MASK = (1 << 56) - 1

# facts.h: status and flags of DONE
OK, SHORT, EMPTY = 0, 1, 2
DONE_HAS_HEADER, DONE_FRAMES, DONE_BARE = 2, 4, 8
DONE_BYTES = 104

# Native byte order, because that is faster: the fields are aligned and the engine runs on little-endian machines only.
header = struct.Struct("@IHHII")
_task = struct.Struct("@QQIIIHHHHIQ")
# Header of the frame and DONE in one (worker.py packs it, once a mini-batch); x: what the node fills in.
result = struct.Struct("@IHHI4x 16s HBB2xH 4x4x8x Q I4x 8s II QQQQ")
_try = struct.Struct("<QQHBBHHI4x IIQQQQ IHBBQIH")
_report = struct.Struct("<HHIQH")
_full_disk = struct.Struct("<IIQ")
_hello = struct.Struct("<IIII")
_ready = struct.Struct("<QQ")
_drop = struct.Struct("<II")
_bad_item = struct.Struct("<I")
_table = struct.Struct("<II")
_table_file = struct.Struct("<QQII")
_table_range = struct.Struct("<QQQQI4x")


class Task:
    """A mini-batch as the node sends it. unit: the bytes of id, lease, item_first and item_count, as they stand in the
    page; body: what its kind says, without the last byte (of kind 0, paths, that is the last NUL)."""

    __slots__ = ("id", "lease", "item_first", "item_count", "items", "try_number", "kind", "input", "global_row",
                 "claim", "keys", "body", "unit")


def task(claim, data, begin, end):
    """The Task in data[begin:end]."""
    t = Task()
    (t.id, t.lease, t.item_first, t.item_count, t.items, t.try_number, t.kind, t.input, _zero, keys_bytes,
     t.global_row) = _task.unpack_from(data, begin)
    t.claim = claim
    t.unit = data[begin:begin + 24]
    begin += 48
    t.keys = data[begin:begin + keys_bytes] if keys_bytes else b""
    t.body = data[begin + keys_bytes:end - 1]
    return t


class TableFile:
    """What a task has of one file. path: bytes; empty: rows of many files. spool: the name of a spool in the run folder,
    which has the text of that file, or those rows; size and mtime are 0 then. Empty: the file itself. mtime_us: of 64
    bits without a sign. ranges: (offset, bytes, row in the file, global row, rows), of a Parquet file with offset and
    bytes 0."""

    __slots__ = ("path", "spool", "size", "mtime_us", "schema", "ranges")


def table(body):
    """The body of a task of kind 1 or 2: (skip, TableFiles). The unit is `items` of the rows of all ranges, behind the
    first `skip` ones."""
    count, skip = _table.unpack_from(body)
    at, files = _table.size, []
    for _ in range(count):
        f = TableFile()
        f.size, f.mtime_us, f.schema, n = _table_file.unpack_from(body, at)
        begin, at = at + _table_file.size, at + _table_file.size + n * _table_range.size
        f.ranges = list(_table_range.iter_unpack(body[begin:at]))
        files.append(f)
    for f, path in zip(files, body[at:].split(b"\0")):
        f.spool, slash, rest = path.partition(b"/")
        f.path = slash + rest
    return skip, files


def pairs(data):
    """SETUP as a dict of lists of bytes."""
    values, words = {}, data.split(b"\0")
    for key, value in zip(words[::2], words[1::2]):
        values.setdefault(key.decode(), []).append(value)
    return values


def dropped(data, begin):
    """DROP: (first claim, count)."""
    return _drop.unpack_from(data, begin)


def _text(data):
    return struct.pack("<H", len(data)) + data


def hello(pid, abi, version, executable):
    return _hello.pack(pid, abi, PROTOCOL, 0) + _text(version) + _text(executable)


def ready(import_us, init_us):
    return _ready.pack(import_us, init_us)


def note(kind, sentence):
    """A sentence for people, of which the first one of a kind is told."""
    return struct.pack("<HH", kind, 0) + _text(sentence)


def full_disk(errnum, device):
    """What stands behind the message of reports and of FAIL when a disk is full; device: None when no file is known."""
    return _full_disk.pack(errnum, device is not None, device or 0)


def report(code, trace_offset=0, trace_bytes=0, message=b"", full=b""):
    """The payload of INIT_FAILED and BYE."""
    return _report.pack(code, 0, trace_bytes, trace_offset, len(message)) + message + full


_no_full_disk = bytes(_full_disk.size)


def failure(t, slot, code, times, trace_offset, trace_bytes, message, full=b"", kind=b"", bad_item=0):
    """The payload of FAIL; who is at fault and whether it counts is left to the node. bad_item: the one that is to
    blame, counted in its mini-batch from 1; 0 = not known."""
    if kind or bad_item:
        full = (full or _no_full_disk) + _text(kind)
    if bad_item:
        full += _bad_item.pack(bad_item)
    return _try.pack(t.id, t.lease, t.try_number, 0, 0, 0, slot, 0, t.item_first, t.item_count, *times, 0, code, 0, 0,
                     trace_offset, trace_bytes, len(message)) + message + full
