# SPDX-License-Identifier: Apache-2.0
"""prs test and prs replay: mini-batches in this one process, in front of the user: prints, input and debugger work."""
import json
import os
import sys

from prs_loader import errors, which, wire
from prs_loader.job import Job
from prs_loader.real import real
from prs_loader.worker import Worker


_ALL, _FEW, _COLUMNS, _WIDTH = 10, 5, 12, 40  # rows that are all shown, else the first; columns; characters of a cell


def _first(rows):
    """The rows that are shown."""
    n = len(rows) if len(rows) <= _ALL else _FEW
    return rows.iloc[:n] if hasattr(rows, "iloc") else rows[:n]


def _more(rows):
    """Says how many there are that are not shown; nothing where all are."""
    n = len(rows) - len(_first(rows))
    return "\n... %d more row%s" % (n, "" if n == 1 else "s") if n else ""


def _name(name):
    """The front of a column's name, on one line."""
    text = json.dumps(str(name)[:_WIDTH + 1], ensure_ascii=False)[1:-1].replace('\\"', '"')
    return text if len(text) <= _WIDTH else text[:_WIDTH] + "..."


def _table(mini_batch):
    """The first rows that run() is given, and all of its columns' types."""
    first = _first(mini_batch)
    if not hasattr(mini_batch, "dtypes"):  # a list of dicts
        return "".join("\n%s" % (row,) for row in first) + _more(mini_batch)
    names = [_name(name) for name in mini_batch.columns]
    types = ", ".join("%s %s" % column for column in zip(names, mini_batch.dtypes))
    first = first.set_axis(names, axis=1)
    text = first.to_string(max_cols=_COLUMNS, max_colwidth=_WIDTH) if len(mini_batch.columns) else ""
    return " of %s\n%s%s" % (types or "no columns", text, _more(mini_batch))


class Stopped(Exception):
    """A failure was shown."""


class Foreground(Worker):
    """A worker without a node: the same loading, calling and rows; failures are shown, not sent. With `record`, a file,
    rows and failures go there, a line of JSON each; stdout is then the script's alone, and is stderr."""

    def __init__(self, job, debug, record=None):
        self.job, self.debug, self.record = job, debug, record
        job.is_foreground = True
        self.summary_only = job.one("output_action") == "summary_only"
        self.module = None
        self.kill_points = False

    def report(self, _kind, _code, title, error, mini_batch=(), task=None):
        root = self.job.one("code_root")
        at = which.line(error, mini_batch, root) if task is None or task.kind == wire.KIND_FILES else which.rows(task)
        text, message = errors.describe(error, errors.places_of(self.job), at)
        self.flush()
        if self.record:
            self.note(what=title, message=message, traceback=text)
        errors.say("%s failed:\n%s" % (title, text.rstrip("\n")))
        if self.debug:
            import pdb

            pdb.post_mortem(errors.user_frames(error.__traceback__) or error.__traceback__)
        raise Stopped

    def say(self, _kind, sentence):
        errors.say("warning: " + sentence)

    def note(self, **what):
        self.record.write(json.dumps(what) + "\n")
        self.record.flush()

    def shown(self, items):
        """The bytes of the rows that a person sees."""
        return b"" if self.summary_only else self.rows.shown(items)

    def run(self, task):
        """Rows of one mini-batch to stdout, of a table the first of them, as of what run() is given."""
        is_table = task.kind in (wire.KIND_SLICES, wire.KIND_PARQUET)
        unit = "row" if is_table else "item"
        title = "mini-batch %d (%d %s%s)" % (task.id, task.items, unit, "" if task.items == 1 else "s")
        try:
            mini_batch, context, removed = self.readers[task.kind](task)
        except BaseException as e:  # noqa: BLE001 - of the user's modules, perhaps
            self.report(None, wire.LOAD_FAILED, "loading " + title, e)
        if 0 < task.items == removed:
            errors.say("%s: all of its rows are left out, run() is not called" % title)
            return 0
        if is_table and not self.record:
            keys = context.partition_key_value
            errors.say("%s%s%s" % (title, " with %s" % keys if keys else "", _table(mini_batch)))
        begun = real.monotonic_ns()
        try:
            items, _flags = self.rows.items(self.call(mini_batch, context))
            took = (real.monotonic_ns() - begun) / 1e9
            data = self.shown(items)
            more = _more(items) if is_table and data and not self.record else ""
            data = self.shown(_first(items)) if more else data
        except BaseException as e:  # noqa: BLE001 - the user's
            self.report(None, None, title, e, mini_batch, task)
        self.flush()
        errors.say("%s: %d returned in %.3f s" % (title, len(items), took))
        if self.record:
            self.note(what=title, mini_batch=task.id, items=task.items, returned=len(items), seconds=took,
                      rows=data.decode("utf-8", "backslashreplace"))
        else:
            errors.put(1, data)
        if more:
            errors.say(more[1:])
        return len(items) + removed - task.items


def _frames(fd):
    with os.fdopen(fd, "rb") as f:
        while True:
            head = f.read(16)
            if len(head) < 16:
                return
            length, kind, _flags, _claim, _zero = wire.header.unpack(head)
            yield kind, f.read(length)


def main():
    fd, debug, record = os.environ.pop("PRS_FOREGROUND").split(",")
    tasks, worker, told = [], None, None
    if int(record) >= 0:
        told = os.fdopen(int(record), "w")
        os.set_inheritable(told.fileno(), False)
        os.dup2(2, 1)
    for kind, data in _frames(int(fd)):
        if kind == wire.SETUP:
            worker = Foreground(Job.of_setup(wire.pairs(data)), debug == "1", told)
        else:
            tasks.append(wire.task(0, data, 0, len(data)))
    if hasattr(sys.stderr, "reconfigure"):
        sys.stderr.reconfigure(errors="backslashreplace")
    gap = 0
    try:
        worker.import_script()
        worker.init()
        for task in tasks:
            gap += worker.run(task)
        stop = getattr(worker.module, "shutdown", None)
        if callable(stop):
            stop()
    except Stopped:
        sys.exit(1)
    if gap < 0:
        errors.say("fewer items were returned than given (%d): they count for error_threshold" % -gap)
