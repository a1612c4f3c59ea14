# SPDX-License-Identifier: Apache-2.0
"""Columns to a DataFrame of the user's pandas: index 0..n-1, int64, float64, bool or object with None, datetime64[ns]
([us] from pandas 3 on), the string type that this pandas takes by itself."""
import datetime
import functools

from prs_loader.tables import cell

_NAT = -1 << 63
_MICROSECOND = datetime.timedelta(microseconds=1)


def date_unit(pandas):
    return "ns" if int(pandas.__version__.split(".")[0]) < 3 else "us"


@functools.lru_cache(maxsize=None)
def string_type(pandas):
    """object, or the string type that texts have in this pandas."""
    return pandas.Series(["text"]).dtype


def strings(pandas, values):
    """An array of texts and None."""
    type_ = string_type(pandas)
    return objects(values) if type_ == object else pandas.array(values, dtype=type_)


def names(pandas, values):
    """A series of texts and None of paths: objects where one is no UTF-8, which no string type of Arrow holds."""
    try:
        return pandas.Series(strings(pandas, values))
    except UnicodeEncodeError:
        return pandas.Series(objects(values), dtype=object)


def objects(values):
    """An array of Python objects; of lists in it numpy makes no second dimension."""
    import numpy
    array = numpy.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        array[i] = value
    return array


def dates(pandas, values):
    import numpy
    micros = [_NAT if v is None else (v - cell.EPOCH) // _MICROSECOND for v in values]
    array = numpy.array(micros, dtype="int64").view("M8[us]")
    return array.astype("M8[%s]" % date_unit(pandas))


def _object(pandas, values):
    values = [pandas.Timestamp(v) if type(v) is datetime.datetime else v for v in values]
    return pandas.Series(objects(values), dtype=object)  # an array of texts would become strings in pandas 3


def _array(pandas, column):
    import numpy
    if column.kind == "string":
        return strings(pandas, column.values)
    if column.kind == "date":
        return dates(pandas, column.values)
    if column.kind == "object":
        return _object(pandas, column.values)
    return numpy.array(column.values, dtype={"int": "int64", "float": "float64", "bool": "bool"}[column.kind])


def of_arrays(pandas, names, arrays, rows):
    """A DataFrame of one array for each name. The arrays are copied: some readers' cannot be written to."""
    return pandas.DataFrame(dict(zip(names, arrays)), index=pandas.RangeIndex(rows), columns=list(names))


def of_table(pandas, table):
    """The DataFrame of a careful.Table."""
    rows = table.rows - table.dropped[0]
    return of_arrays(pandas, [c.name for c in table.columns], [_array(pandas, c) for c in table.columns], rows)


# ---- frames of one mini-batch whose files have different headers


def _as_objects(pandas, column):
    null = column.isna().to_numpy()
    return [None if n else v for v, n in zip(column.tolist(), null)]


def _first_wide(column):
    """The row of an integer that float64 does not hold; None: there is none."""
    wide = ((column > cell.WIDE) | (column < -cell.WIDE)).to_numpy() if str(column.dtype) == "int64" else None
    return int(wide.argmax()) if wide is not None and wide.any() else None


def _unite(pandas, columns, refuse):
    """One column of the columns of the same name. refuse(row, value): an integer that is no float64; it raises, or
    objects are made."""
    types = {str(c.dtype) for c in columns}
    if len(types) == 1:
        return pandas.concat(columns, ignore_index=True)
    reals = types == {"int64", "float64"}
    first = 0
    for column in columns if reals else ():
        row = _first_wide(column)
        if row is not None:
            refuse(first + row, int(column.iloc[row]))
            reals = False
        first += len(column)
    if reals:
        return pandas.concat([c.astype("float64") for c in columns], ignore_index=True)
    return pandas.Series(objects([v for c in columns for v in _as_objects(pandas, c)]), dtype=object)


def united(pandas, frames, refuse):
    """One frame of frames with the same columns. A column that is not of one type is as if it had been read at once: of
    integers and floats float64, else of objects. refuse(name, row, value)"""
    names = list(frames[0].columns)
    columns = [_unite(pandas, [f[name] for f in frames], functools.partial(refuse, name)) for name in names]
    return of_arrays(pandas, names, columns, sum(map(len, frames)))
