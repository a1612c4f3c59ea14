# SPDX-License-Identifier: Apache-2.0
"""logs/metrics.jsonl of a run: what its scripts log, a line each, from as many processes as like (docs/logs.md)."""
import os

NAME = os.path.join("logs", "metrics.jsonl")
_INT_MAX = 1 << 63  # of those who read it
_NOT_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_BACKWARDS = 4096


def now():
    import time

    us = time.time_ns() // 1000
    return "%s.%06dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(us // 1000000)), us % 1000000)


# ---- values


def plain(value):
    """What a script logs as JSON has it: numpy's and pandas's values as Python's, what JSON has no word for as text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value).encode("utf-8", "backslashreplace").decode()
    if isinstance(value, int):
        return int(value) if -_INT_MAX <= value < _INT_MAX else str(int(value))
    if isinstance(value, float):
        return _float(float(value))
    if isinstance(value, dict):
        return {str(plain(str(k))): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset, range)):
        return [plain(v) for v in value]
    return _of_others(value)


def _float(value):
    if value - value == 0:
        return value
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def _of_others(value):
    """An array or one value of numpy, torch ...; a DataFrame as its columns; else its text."""
    if callable(getattr(value, "to_dict", None)) and hasattr(value, "columns"):
        return plain(value.to_dict("list"))
    for name in ("tolist", "item"):
        convert = getattr(value, name, None)
        if callable(convert):
            found = convert()
            if type(found) is not type(value):
                return plain(found)
    return plain(str(value))


def given(value):
    """A value as it was logged."""
    if isinstance(value, str):
        return _NOT_FINITE.get(value, value)
    if isinstance(value, list):
        return [given(v) for v in value]
    return {k: given(v) for k, v in value.items()} if isinstance(value, dict) else value


# ---- lines


def append(path, record):
    """One line, by one write. Whoever was killed while writing left half a line at the end: the next one takes it away."""
    import json

    line = (json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
    fd = _open(path)
    try:
        _lock(fd)
        end = _whole_lines(fd)
        written = os.write(fd, line)
        if written < len(line):  # the disk is full
            os.ftruncate(fd, end)
            import errno

            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
    finally:
        os.close(fd)


def _open(path):
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags, 0o644)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return os.open(path, flags, 0o644)


def _lock(fd):
    """Of all writers; gone when the file is closed or its process dies."""
    import fcntl

    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
    except OSError:  # there are file systems without it: O_APPEND keeps lines apart
        pass


def _whole_lines(fd):
    """Cuts off half a line; where the file ends."""
    size = end = os.fstat(fd).st_size
    while end:
        begin = max(0, end - _BACKWARDS)
        at = os.pread(fd, end - begin, begin).rfind(b"\n")
        end = begin + at + 1
        if at >= 0:
            break
    if end < size:
        os.ftruncate(fd, end)
    return end


def read(path):
    """The records, in the order of their lines; what is no record is passed over."""
    import json

    try:
        with open(path, "rb") as f:
            lines = f.read().split(b"\n")[:-1]
    except FileNotFoundError:
        return
    for line in lines:
        try:
            record = json.loads(line.decode())
        except ValueError:
            continue
        if isinstance(record, dict) and isinstance(record.get("name"), str):
            yield record


# ---- what they come to


def values(records, run=None):
    """{name: value} of a run, or of a child run by its name: one value as it is, several as a list; rows and tables as
    {column: value or list}."""
    found = {}
    for r in records:
        add = _ADD.get(r.get("kind"))
        if add and r.get("run") == run:
            add(found, r["name"], given(r.get("value")))
    return {name: _shown(value) for name, value in found.items()}


class _Columns(dict):
    """{column: list}."""


class _Listed(list):
    """Stays a list with one value, too."""


def _shown(value):
    if isinstance(value, _Columns):
        return {k: v[0] if len(v) == 1 else v for k, v in value.items()}
    return value[0] if type(value) is list and len(value) == 1 else list(value)


def _so_far(found, name, kind):
    """What there is of a name; what was logged under it as something else makes way."""
    if not isinstance(found.get(name), kind):
        found[name] = kind()
    return found[name]


def _add_value(found, name, value):
    _so_far(found, name, list).append(value)


def _add_list(found, name, value):
    found[name] = _Listed(_so_far(found, name, list) + (value if isinstance(value, list) else [value]))


def _add_columns(found, name, value):
    columns = _so_far(found, name, _Columns)
    for key, cell in value.items() if isinstance(value, dict) else ():
        columns.setdefault(key, []).extend(cell if isinstance(cell, list) else [cell])


_ADD = {"value": _add_value, "list": _add_list, "row": _add_columns, "table": _add_columns, "image": _add_value}


def last(records, kind, run=None):
    """{name: the last value} of tags or properties."""
    return {r["name"]: given(r.get("value")) for r in records if r.get("kind") == kind and r.get("run") == run}


def children(records):
    """Names of the child runs, in the order of their first lines."""
    return list(dict.fromkeys(r["run"] for r in records if isinstance(r.get("run"), str)))
