# SPDX-License-Identifier: Apache-2.0
"""What run() gets of a task whose items are rows: the readers of batch.py for the kinds of tasks of tables. Each kind
has a module that makes a frame of ranges of files; what is the same for all stands here."""
import json
import os
import sys

from prs_loader import batch, wire
from prs_loader.tables import files, parquet, schema, slices

# (tables, about, spans) -> (DataFrame, rows of the spans that are not in it)
_OF_KIND = {wire.KIND_SLICES: slices.read, wire.KIND_PARQUET: parquet.read}


class NoPandas(Exception):
    """The job has a table, and the user's Python has no pandas."""


class NoPyarrow(Exception):
    """The job has a Parquet input, and the user's Python has no pyarrow."""


class Input:
    """What SETUP says of a table."""

    __slots__ = ("input", "format", "steps", "path_column", "drop_invalid", "mixed", "other_way")

    def __init__(self, text):
        said = json.loads(text)
        for name in self.__slots__:
            setattr(self, name, said.get(name))


class Tables:
    """The tables of a job, in one process."""

    def __init__(self, job):
        self.folder = job.one("run_folder")
        self.inputs = {about.input: about for about in (Input(text) for _, text in job.pairs("table"))}
        self.schemas, self.by_text = {}, {}
        self.pandas = _pandas() if any(not i.other_way for i in self.inputs.values()) else None
        self.arrow = _arrow(self.pandas) if any(i.format == "parquet" for i in self.inputs.values()) else None

    def path(self, file):
        """Where its text is."""
        return os.path.join(self.folder, os.fsdecode(file.spool)) if file.spool else os.fsdecode(file.path)

    def schema(self, number):
        """The Schema of that number; those with the same text are the same."""
        if number not in self.schemas:
            with open(os.path.join(self.folder, "work", "schema", "%d.json" % number), "rb") as f:
                text = f.read()
            if text not in self.by_text:
                self.by_text[text] = schema.read(text)
            self.schemas[number] = self.by_text[text]
        return self.schemas[number]

    def read(self, task):
        """(frame, context, rows that were left out)"""
        spans = files.spans_of(task)
        try:
            frame, _gone = _OF_KIND[task.kind](self, self.inputs[task.input], spans)
        except batch.ValueMisfit as e:
            e.bad_item = task.item_first + e.row + 1
            raise
        return frame, batch.Context(task.id, task.global_row, task.keys), task.items - len(frame)


def _pandas():
    try:
        import pandas
    except ImportError as e:
        if e.name != "pandas":
            raise
        raise NoPandas("the input is a table, which run() gets as a pandas DataFrame, and this interpreter has no "
                       "pandas: %s -m pip install pandas (and pyarrow, which reads faster)" % sys.executable) from None
    try:
        import pyarrow.csv  # noqa: F401
    except Exception:  # noqa: BLE001 - there is none, or it does not fit the numpy at hand
        pass
    return pandas


def _arrow(pandas):
    try:
        return parquet.Arrow(pandas)
    except ImportError as e:
        raise NoPyarrow("the input is Parquet, which needs pyarrow, and this interpreter cannot import it (%s): %s -m "
                        "pip install pyarrow" % (e, sys.executable)) from None


def readers(job):
    """kind of a task -> reader, as batch.readers()"""
    tables = Tables(job)
    return {kind: tables.read for kind in _OF_KIND}
