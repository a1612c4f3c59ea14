# SPDX-License-Identifier: Apache-2.0
"""What a cell is: the grammar of docs/tables.md, for reading. The engine decides types by the same one
(src/data/cells.c); the examples of that page are run against both."""
import datetime
import re

BLANKS = " \t\n\v\f\r"
NULLS = frozenset(("", "na", "n/a", "nan", "+nan", "-nan", "null", "none", "<na>", "#n/a", "#na", "#n/a n/a", "1.#ind",
                   "-1.#ind", "1.#qnan", "-1.#qnan"))
TRUTHS = {"true": True, "false": False}
WIDE = 1 << 53  # the last of the integers that float64 holds without a gap
INT_MIN, INT_MAX = -1 << 63, (1 << 63) - 1
EPOCH = datetime.datetime(1970, 1, 1)
FIRST_YEAR, LAST_YEAR = 1678, 2261

_INT = re.compile(r"[+-]?[0-9]+").fullmatch
_FLOAT = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|"
                    r"[iI][nN][fF](?:[iI][nN][iI][tT][yY])?)").fullmatch
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
                   r"(?:[ T]([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6}|[0-9]{6}0{1,3}))?)?)?)?").fullmatch
_NUMBER_MAX = 4300  # digits of an integer that Python converts without being asked to


class _Misfit:
    def __repr__(self):
        return "MISFIT"


MISFIT = _Misfit()  # what the functions below return of a cell that is not of their type; None is null


def integer(text):
    """The int that the text is, of any size."""
    text = text.strip(BLANKS)
    if not _INT(text):
        return MISFIT
    if len(text) > _NUMBER_MAX:
        digits = text.lstrip("+-").lstrip("0")
        text = ("-" if text[0] == "-" else "") + (digits or "0")[:_NUMBER_MAX]  # beyond 64 bits all the same
    return int(text)


def is_null(text):
    return text.strip(BLANKS).lower() in NULLS


def number(text):
    """An int, a float, None or MISFIT."""
    text = text.strip(BLANKS)
    if _INT(text):
        return integer(text)
    if _FLOAT(text):
        return float(text)
    return None if text.lower() in NULLS else MISFIT


def real(text):
    """A float, None or MISFIT: float64 would be another number than an integer beyond 2^53 is."""
    value = number(text)
    if type(value) is int:
        return float(text) if -WIDE <= value <= WIDE else MISFIT
    return value


def truth(text):
    text = text.strip(BLANKS).lower()
    value = TRUTHS.get(text, MISFIT)
    return None if value is MISFIT and text in NULLS else value


def day(text):
    """A datetime, None or MISFIT."""
    text = text.strip(BLANKS)
    m = _DATE(text)
    if not m:
        return None if text.lower() in NULLS else MISFIT
    year, month, of_month, hour, minute, second = [int(word or 0) for word in m.groups()[:6]]
    micro = int((m.group(7) or "0")[:6].ljust(6, "0"))
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return MISFIT
    try:
        return datetime.datetime(year, month, of_month, hour, minute, second, micro)
    except ValueError:
        return MISFIT


def name_of(text):
    """The class of a cell by its name in docs/tables.md."""
    if not text:
        return "empty"
    if is_null(text):
        return "null"
    value = number(text)
    if type(value) is int:
        if -WIDE <= value <= WIDE:
            return "int"
        return "wide int" if INT_MIN <= value <= INT_MAX else "huge int"
    if type(value) is float:
        return "float"
    if truth(text) is not MISFIT:
        return "bool"
    return "text" if day(text) is MISFIT else "date"
