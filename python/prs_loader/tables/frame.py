# SPDX-License-Identifier: Apache-2.0
"""Columns to a DataFrame of the user's pandas: index 0..n-1, int64, float64, bool or object with None, datetime64[ns]
([us] from pandas 3 on), the string type that this pandas takes by itself."""
import datetime

from prs_loader.tables import cell

_NAT = -1 << 63
_MICROSECOND = datetime.timedelta(microseconds=1)


def date_unit(pandas):
    return "ns" if int(pandas.__version__.split(".")[0]) < 3 else "us"


def string_type(pandas):
    """object, or the string type that texts have in this pandas."""
    return pandas.Series(["text"]).dtype


def strings(pandas, values):
    """An array of texts and None."""
    type_ = string_type(pandas)
    return objects(values) if type_ == object else pandas.array(values, dtype=type_)


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
