# SPDX-License-Identifier: Apache-2.0
"""What a table definition does with the rows between the file and run(), in the order that is written there.

`take` and `skip` count the rows of the whole input, so they are known before anything is read: spans are cut by them.
The others go over the frame. A conversion that the readers can do while they read is done there (retyped())."""
import datetime

from prs_loader import batch, wire
from prs_loader.tables import cell, convert, filter, frame, paths

_NO_END = 1 << 64


class StepError(batch.LoadError):
    """A transformation that cannot be done with this table, whatever its rows hold."""

    code = wire.TRANSFORM_FAILED


class Rows:
    """Rows on their way. columns of numbers, made when they are asked for: the row over the input, the span of each."""

    def __init__(self, pandas, table, spans, gone):
        import numpy
        self.numpy, self.pandas, self.frame, self.spans = numpy, pandas, table, spans
        self.stay = None  # which rows of the spans; None: all
        self.added = set()  # columns that no file has
        if gone:
            self.stay = numpy.ones(sum(s.take for s in spans), dtype=bool)
            self.stay[gone] = False

    def of_all(self, arrays):
        all_ = self.numpy.concatenate(arrays)
        return all_ if self.stay is None else all_[self.stay]

    def global_rows(self):
        check_numbered(self.spans)
        return self.of_all([self.numpy.arange(s.global_row + s.skip, s.global_row + s.skip + s.take, dtype="uint64")
                            for s in self.spans])

    def numbers_of_spans(self):
        return self.of_all([self.numpy.full(s.take, i) for i, s in enumerate(self.spans)])

    def keep(self, mask):
        if mask.all():
            return
        if self.stay is None:
            self.stay = mask
        else:
            self.stay[self.numpy.flatnonzero(self.stay)[~mask]] = False
        self.frame = self.frame[mask]

    def add(self, name, values):
        """A column; values: one for each span, texts and None, or datetimes and None"""
        self.added.add(name)
        of_dates = any(isinstance(v, datetime.datetime) for v in values)
        few = self.pandas.Series(frame.dates(self.pandas, values)) if of_dates else frame.names(self.pandas, values)
        column = few.take(self.numbers_of_spans())
        column.index = self.frame.index
        at = len(self.frame.columns)
        if name in self.frame.columns:  # of the file, as in the original the path's value counts
            at = self.frame.columns.get_loc(name)
            del self.frame[name]
        self.frame.insert(at, name, column)

    def add_keys(self, keys, others):
        """Columns of the partition keys that are none of the file, and that no step makes of its path."""
        for name, value in (keys or {}).items():
            if name not in self.frame.columns and name not in others:
                self.add(name, [value] * len(self.spans))

    def done(self):
        if self.stay is not None:
            self.frame = self.frame.reset_index(drop=True)
        return self.frame


# ---- before anything is read


def interval(steps):
    """[first, end): rows of the input that `take` and `skip` leave"""
    first, end = 0, _NO_END
    for step in steps:
        if "take" in step:
            end = min(end, first + step["take"])
        if "skip" in step:
            first = min(first + step["skip"], end)
    return first, end


def check_integers(rows, names, floats):
    """Columns that the reader was told to be of integers: where it made floats of them, because of nulls or points, these
    are whole. floats: those that are floats in every mini-batch."""
    numpy = rows.numpy
    for name in names:
        if name not in rows.frame.columns or rows.frame[name].dtype != "float64":
            continue
        values = rows.frame[name].to_numpy()
        null = numpy.isnan(values)
        broken = ~null & ~((values == numpy.floor(values)) & (numpy.abs(values) <= cell.WIDE))
        if broken.any():
            row = int(broken.argmax())
            rows.misfit(row, name, repr(float(values[row])), "is not int")
        elif not null.any() and name not in floats:
            rows.frame[name] = values.astype("int64")


def extracted(steps):
    """The columns that come from the path."""
    texts = [step["extract_columns_from_partition_format"] for step in steps
             if "extract_columns_from_partition_format" in step]
    return [name for text in texts for name in paths.Format(text).names]


def check_numbered(spans):
    """Rows that were put together by columns are not in the order of the input."""
    if not all(s.file.path for s in spans):
        raise StepError("take, skip and take_random_sample go by the numbers of the rows in the input, which rows do not "
                        "have that partition_keys put together by columns")


def cut(spans, first, end):
    """The spans with the rows of [first, end) of the input only."""
    if (first, end) == (0, _NO_END):
        return spans
    check_numbered(spans)
    left = []
    for s in spans:
        begin = s.global_row + s.skip
        skip = max(0, first - begin)
        stop = min(s.take, end - begin)
        if skip < stop:
            s.skip, s.take, s.first = s.skip + skip, stop - skip, s.first + skip
            left.append(s)
    return left


_CONVERTED = "converted by the reader"
_READERS_TYPES = {"int": "int", "float": "float", "boolean": "bool", "datetime": "date", "string": "string"}


def of_readers(steps):
    """(column -> type of the schema that the first conversion gives it, steps that are left). Behind a filter none is
    the readers': what it leaves out need not fit. What the readers did stays as a step: a column that no file has is
    converted there, or missing."""
    found, left, is_open = {}, [], True
    for step in steps:
        is_open = is_open and "filter" not in step
        if is_open and "convert_column_types" in step:
            rest, done = [], []
            for one in step["convert_column_types"]:
                plain = type(one["type"]) is str and one["type"] in _READERS_TYPES
                names = [n for n in one["columns"] if n not in found] if plain else []
                found.update((n, _READERS_TYPES[one["type"]]) for n in names)
                done.append(dict(one, columns=names))
                others = [n for n in one["columns"] if n not in names]
                if others:
                    rest.append(dict(one, columns=others))
                    found.update((n, None) for n in others if n not in found)
            left.append({_CONVERTED: done})
            step = {"convert_column_types": rest}
        if step.get("convert_column_types") != []:
            left.append(step)
    return {name: type_ for name, type_ in found.items() if type_}, left


# ---- over the frame


def _missing(rows, step, names):
    there = list(rows.frame.columns)
    for name in names:
        if name not in there:
            raise StepError("%s: there is no column %r; there are %s" % (step, name, ", ".join(map(repr, there[:20]))))


def _keep_columns(rows, names):
    _missing(rows, "keep_columns", names)
    rows.frame = rows.frame[[name for name in rows.frame.columns if name in names]]


def _drop_columns(rows, names):
    _missing(rows, "drop_columns", names)
    rows.frame = rows.frame[[name for name in rows.frame.columns if name not in names]]


def _filter(rows, text):
    try:
        rows.keep(filter.Filter(text).mask(rows.frame))
    except filter.FilterError as e:
        raise StepError(str(e)) from None


def _sample(rows, sample):
    """A row stays or not by its number and the seed alone, however the input is cut."""
    numpy = rows.numpy
    step = 0x9e3779b97f4a7c15
    h = rows.global_rows() + numpy.uint64(((sample.get("seed") or 0) + 1) * step & 0xffffffffffffffff)
    for shift, factor in ((30, 0xbf58476d1ce4e5b9), (27, 0x94d049bb133111eb), (31, 1)):  # splitmix64
        h = (h ^ (h >> numpy.uint64(shift))) * numpy.uint64(factor)
    rows.keep((h >> numpy.uint64(11)).astype("float64") * 2.0 ** -53 < sample["probability"])


def _extract(rows, text):
    format_ = paths.Format(text)
    of_spans = rows.paths()
    found = [format_.values(path) for path in of_spans]
    for path, values in zip(of_spans, found):
        if values is None:
            raise StepError("%s does not fit the partition format %s" % (path, text))
    for name in format_.names:
        rows.add(name, [values[name] for values in found])


def _convert(rows, conversions):
    for one in conversions:
        _missing(rows, "convert_column_types", one["columns"])
        for name in one["columns"]:
            at = rows.frame.columns.get_loc(name)
            column = convert.convert(rows.pandas, rows.frame[name], one["type"], rows.misfit)
            del rows.frame[name]
            rows.frame.insert(at, name, column)


def _converted(rows, conversions):
    for one in conversions:
        _missing(rows, "convert_column_types", one["columns"])
        _convert(rows, [dict(one, columns=[name for name in one["columns"] if name in rows.added])])


_STEPS = {"keep_columns": _keep_columns, "drop_columns": _drop_columns, "convert_column_types": _convert,
          "filter": _filter, "take_random_sample": _sample, "extract_columns_from_partition_format": _extract,
          _CONVERTED: _converted, "take": None, "skip": None}


def apply(rows, steps):
    for step in steps:
        (name, value), = step.items()
        if name not in _STEPS:
            raise StepError("this loader does not know the transformation %r: engine and loader are of different versions"
                            % name)
        if _STEPS[name]:
            _STEPS[name](rows, value)
