# SPDX-License-Identifier: Apache-2.0
"""output_types: columns that have a type in the output whatever run() returns (docs/output.md)."""
import datetime

_TRUE, _FALSE = ("true", "1"), ("false", "0")


def parsed(words):
    """{column: type} of "column=type" each; the last one of a column counts."""
    return {name: kind for name, _, kind in (word.rpartition("=") for word in words)}


def as_text(value):
    from prs_loader import formats

    if isinstance(value, str):
        return value
    if formats.is_nested(value):
        return formats.to_json(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    return str(value)


def as_int(value):
    number = int(value)
    if not isinstance(value, str) and number != value:
        raise ValueError("it is no whole number")
    return number


def as_bool(value):
    word = str(value).lower()
    if word not in _TRUE + _FALSE:
        raise ValueError("it is neither true nor false")
    return word in _TRUE


def as_date(value):
    if isinstance(value, datetime.datetime):
        return value
    if isinstance(value, datetime.date):
        return datetime.datetime(value.year, value.month, value.day)
    if hasattr(value, "isoformat") or not isinstance(value, str):
        raise ValueError("it is no date")
    return datetime.datetime.fromisoformat(value)


_AS = {"string": as_text, "int": as_int, "float": float, "bool": as_bool, "date": as_date}


def converted(values, kind, column):
    """The values as the type, None for nulls."""
    from prs_loader.formats import is_null

    convert, result = _AS[kind], []
    for value in values:
        try:
            result.append(None if is_null(value) else convert(value))
        except (ValueError, TypeError, OverflowError) as e:
            raise ValueError("output_types: %s of column %s cannot be %s: %s" % (
                ascii(value)[:100], column, kind, e)) from None
    return result


def of_dicts(items, types):
    """The same dicts with converted values."""
    if not types:
        return items
    return [{k: converted([v], types[k], k)[0] if k in types else v for k, v in item.items()} for item in items]


def of_frame(frame, types):
    """The frame with the columns of `types` as arrays of these types."""
    if not types:
        return frame
    from prs_loader import formats

    changed = {}
    for i, name in enumerate(map(str, frame.columns)):
        if name in types:
            values = converted(frame.iloc[:, i].tolist(), types[name], name)
            changed[i] = formats.array_of(values, types[name])
    return formats.replaced(frame, changed)
