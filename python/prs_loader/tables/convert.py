# SPDX-License-Identifier: Apache-2.0
"""convert_column_types: a column of any type becomes int, float, boolean, datetime or string, by the grammar of
docs/tables.md or the words and formats that are given. Each different value is converted once."""
import datetime
import json

from prs_loader.tables import cell, frame


def _text(value):
    """The text of a value; None: it is null."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value != value:
        return None
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    word = str(value)
    return word.lower() if word in ("True", "False") else word


def _whole(text):
    value = cell.number(text)
    if type(value) is float and value.is_integer() and abs(value) <= cell.WIDE:
        return int(value)
    return cell.MISFIT if type(value) is float else value


def _int(text):
    value = _whole(text)
    return value if type(value) is not int or cell.INT_MIN <= value <= cell.INT_MAX else cell.MISFIT


def _truth_of(true_values, false_values):
    words = {w.strip().lower(): True for w in true_values}
    words.update((w.strip().lower(), False) for w in false_values)

    def truth(text):
        text = text.strip(cell.BLANKS).lower()
        value = words.get(text, cell.MISFIT)
        return None if value is cell.MISFIT and text in cell.NULLS else value
    return truth


def _day_of(formats):
    def day(text):
        word = text.strip(cell.BLANKS)
        for one in formats:
            try:
                found = datetime.datetime.strptime(word, one)
            except ValueError:
                continue
            if found.tzinfo is not None:
                found = found.astimezone(datetime.timezone.utc).replace(tzinfo=None)
            return found if cell.FIRST_YEAR <= found.year <= cell.LAST_YEAR else cell.MISFIT
        return None if word.lower() in cell.NULLS else cell.MISFIT
    return day


def _list(value):
    return [value] if isinstance(value, str) else list(value or ())


def _function(type):
    """(kind of the column, function(text) -> value, None or MISFIT, how the type is called)"""
    if isinstance(type, dict):
        (name, more), = type.items()
        if name == "datetime":
            formats = _list(more.get("formats"))
            return "date", _day_of(formats) if formats else cell.day, "datetime (%s)" % ", ".join(formats)
        trues, falses = _list(more.get("true_values")), _list(more.get("false_values"))
        return ("bool", _truth_of(trues or ["true"], falses or ["false"]),
                "boolean (true: %s; false: %s)" % (", ".join(trues or ["true"]), ", ".join(falses or ["false"])))
    return {"int": ("int", _int, "int"), "float": ("float", cell.real, "float"), "boolean": ("bool", cell.truth, "boolean"),
            "datetime": ("date", cell.day, "datetime"), "string": ("string", lambda text: text, "string")}[type]


def convert(pandas, column, type, misfit):
    """The column as another type. misfit(row, name, value, why) raises, or returns: the value stays as it is then, and the
    column is one of objects."""
    import numpy
    kind, function, called = _function(type)
    if column.dtype == object:  # of 1, 1.0 and True pandas would make one
        column = pandas.Series(frame.objects([_text(v) for v in column.tolist()]), index=column.index, name=column.name)
    codes, different = pandas.factorize(column)
    texts = [_text(v) for v in different.tolist()]
    values = [function(text) for text in texts]
    bad = [i for i, v in enumerate(values) if v is cell.MISFIT]
    if bad:
        rows = {i: int((codes == i).argmax()) for i in bad}
        first = min(bad, key=rows.get)
        misfit(rows[first], column.name, texts[first], "is not %s" % called)
        values = [texts[i] if v is cell.MISFIT else v for i, v in enumerate(values)]
        kind = "object"
    values.append(None)
    codes = numpy.where(codes < 0, len(values) - 1, codes)
    nulls = any(values[i] is None for i in numpy.unique(codes).tolist())
    if kind == "int" and nulls:
        kind = "float"
        wide = [i for i, v in enumerate(values[:-1]) if v is not None and abs(v) > cell.WIDE]
        for i in wide[:1]:
            misfit(int((codes == i).argmax()), column.name, texts[i], "is not int beside a null: float64 would be another "
                   "number")
            kind = "object"
    if kind == "bool" and nulls:
        kind = "object"
    return pandas.Series(_array(pandas, kind, values, codes), index=column.index)


def _array(pandas, kind, values, codes):
    import numpy
    if kind == "date":
        return frame.dates(pandas, values)[codes]
    if kind == "string":
        return frame.strings(pandas, values).take(codes)
    if kind == "object":
        return frame.objects([pandas.Timestamp(v) if isinstance(v, datetime.datetime) else v for v in values])[codes]
    if kind in ("int", "bool"):
        values[-1] = 0
    return numpy.array(values, dtype={"int": "int64", "float": "float64", "bool": "bool"}[kind])[codes]
