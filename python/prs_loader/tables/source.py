# SPDX-License-Identifier: Apache-2.0
"""What run() gets of a task whose items are rows: the readers of batch.py for the kinds of tasks of tables. Each kind
has a module that makes a frame of ranges of files; what is the same for all stands here."""
import json
import os
import sys

from prs_loader import batch, wire
from prs_loader.tables import careful, files, lists, notes, parquet, schema, slices, spool, steps

# Of each kind a module with
#   read(tables, about, spans) -> (DataFrame, rows of the spans that are not in it)
#   place(tables, about, spans, row) -> "FILE line 7", for a message
_OF_KIND = {wire.KIND_SLICES: slices, wire.KIND_PARQUET: parquet}


class NoPandas(Exception):
    """The job has a table, and the user's Python has no pandas."""


class NoPyarrow(Exception):
    """The job has a Parquet input, and the user's Python has no pyarrow."""


class Input:
    """What SETUP says of a table. steps: those that are left for the frame; types: column -> the type that the reader
    shall give it, integers: those that are; converted: columns that convert_column_types names; interval: rows of the input that `take` and `skip` leave; extracted: columns
    from the path."""

    __slots__ = ("input", "format", "steps", "path_column", "drop_invalid", "mixed", "other_way", "by_ending", "types",
                 "integers", "converted", "interval", "extracted")

    def __init__(self, text):
        said = json.loads(text)
        for name in self.__slots__[:8]:
            setattr(self, name, said.get(name))
        self.steps = self.steps or []
        self.interval = steps.interval(self.steps)
        self.extracted = steps.extracted(self.steps)
        self.converted = {name for step in self.steps for one in step.get("convert_column_types", ())
                          for name in one["columns"]}
        self.types = {}
        if self.format == "delimited":
            self.types, self.steps = steps.of_readers(self.steps)
        self.integers = [name for name, type_ in self.types.items() if type_ == "int"]


class Tables:
    """The tables of a job, in one process."""

    def __init__(self, job, say):
        self.notes = notes.Notes(say)
        self.folder = job.one("run_folder")
        self.inputs = {about.input: about for about in (Input(text) for _, text in job.pairs("table"))}
        self.schemas, self.spools = {}, {}
        self.pandas = _pandas() if any(not i.other_way for i in self.inputs.values()) else None
        self.arrow = _arrow(self.pandas) if any(i.format == "parquet" for i in self.inputs.values()) else None

    def path(self, file):
        """Where its text is."""
        return os.path.join(self.folder, os.fsdecode(file.spool)) if file.spool else os.fsdecode(file.path)

    def name(self, file):
        """What people call it; rows of many files: "", spool.py knows."""
        return os.fsdecode(file.path)

    def schema(self, number, about):
        """The Schema of that number. Those with the same text are the same."""
        if number not in self.schemas:
            with open(os.path.join(self.folder, "work", "schema", "%d.json" % number), "rb") as f:
                text = f.read()
            if (about.input, text) not in self.schemas:
                self.schemas[about.input, text] = schema.read(text).retyped(about.types)
            self.schemas[number] = self.schemas[about.input, text]
        return self.schemas[number]

    def rows(self, task):
        """The DataFrame, or MiniBatch of objects; None: no row is left."""
        about = self.inputs[task.input]
        spans = steps.cut(files.spans_of(task), *about.interval)
        if not spans:
            return None
        try:
            return lists.read(self, about, spans) if about.other_way else self.frame(task, about, spans)
        except batch.ValueMisfit as e:
            e.bad_item = task.item_first + e.row + 1
            raise

    def frame(self, task, about, spans):
        kind = _OF_KIND[task.kind]
        frame, gone = kind.read(self, about, spans)
        rows = Rows(self, about, kind, spans, frame, gone)
        if about.integers:
            columns = self.schema(spans[0].file.schema, about).columns
            steps.check_integers(rows, about.integers, [c.name for c in columns if c.type == "float"])
        if about.path_column:
            rows.add(about.path_column, rows.paths())
        rows.add_keys(batch.pairs(task.keys), about.extracted)
        steps.apply(rows, about.steps)
        return rows.done()

    def read(self, task):
        """(frame, context, rows that were left out)"""
        rows = self.rows(task)
        if rows is None:
            return None, None, task.items
        if isinstance(rows, batch.MiniBatch):
            rows.task_id = task.id
        return rows, batch.Context(task.id, task.global_row, task.keys, Dataset(self, task)), task.items - len(rows)


class Rows(steps.Rows):
    """Rows on their way, with what is known of where they came from."""

    def __init__(self, tables, about, kind, spans, frame, gone):
        super().__init__(tables.pandas, frame, spans, gone)
        self.tables, self.about, self.kind, self.read = tables, about, kind, spans

    def paths(self):
        """Of each span, the file; where rows of a span are of many files, the spans are cut up first."""
        if not all(s.file.path for s in self.spans):
            self.spans = spool.by_file(self.tables, self.spans)
        return [self.tables.name(s.file) for s in self.spans]

    def misfit(self, row, column, value, why):
        """A value of the frame that is not what a conversion asks for; where mixed types are allowed it stays."""
        if self.about.mixed:
            return
        row = int(self.of_all([self.numpy.arange(sum(s.take for s in self.read))])[row])
        span, behind = files.span_of(self.read, row)
        place = self.kind.place(self.tables, self.about, self.read, row)
        raise slices.misfit(self.about, place, span.first + behind, careful.Misfit(row, 0, column, value, "int", why))


class Dataset:
    """context.dataset: the rows of the mini-batch, read again."""

    def __init__(self, tables, task):
        self._tables, self._task = tables, task

    def to_pandas_dataframe(self):
        rows = self._tables.rows(self._task)
        if isinstance(rows, batch.MiniBatch):
            import pandas
            rows = pandas.DataFrame(rows)
        return rows

    def to_path(self):
        """The files that they are in."""
        spans = spool.by_file(self._tables, files.spans_of(self._task))
        return list(dict.fromkeys(self._tables.name(s.file) for s in spans))

    def __repr__(self):
        return "<%d rows of %s>" % (self._task.items, ", ".join(self.to_path()))


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


def readers(job, say):
    """As batch.readers()"""
    tables = Tables(job, say)
    return {kind: tables.read for kind in _OF_KIND}
