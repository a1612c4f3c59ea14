# SPDX-License-Identifier: Apache-2.0
"""Values in the path of a file, by a partition format: as src/base/partition.h reads it, whose examples a test compares."""
import datetime
import os
import re

_PARTS = {"yyyy": 4, "MM": 2, "dd": 2, "HH": 2, "mm": 2, "ss": 2}
_PIECE = re.compile(r"\{([^}:]+)(?::([^}]*))?\}|(\*)|(\?)|(.)", re.S)
_DATE = re.compile("(%s)|(.)" % "|".join(_PARTS), re.S)
_NULL = "__HIVE_DEFAULT_PARTITION__"
_PERCENT = re.compile(b"%(?!00)([0-9A-Fa-f]{2})")


class Format:
    """names: of the keys, in order"""

    def __init__(self, text):
        self.names, self.dates, self.hive = [], {}, set()  # hive: those behind a =, percent-encoded
        self.last = None  # the character in front
        text = text[text.startswith("/"):]
        pattern = "".join(self._piece(m) for m in _PIECE.finditer(text))
        self.folders = _slashes(pattern)
        self.match = re.compile(pattern, re.S).fullmatch

    def _piece(self, m):
        name, date, any_, one, char = m.groups()
        if name is None:
            self.last = char
            return ("[^/]*?" if any_ else "") or ("[^/]" if one else "") or re.escape(char)
        key = len(self.names)
        self.names.append(name)
        if self.last == "=":
            self.hive.add(name)
        self.last = None
        if date is None:
            return "(?P<k%d>[^/]+?)" % key
        self.dates[name] = []
        return "".join(self._part(key, name, p) for p in _DATE.finditer(date))

    def _part(self, key, name, m):
        if not m.group(1):
            return re.escape(m.group(2))
        self.dates[name].append(m.group(1))
        return "(?P<k%d_%s>[0-9]{%d})" % (key, m.group(1), _PARTS[m.group(1)])

    def values(self, path):
        """name -> text, datetime or None (__HIVE_DEFAULT_PARTITION__); None: the path does not fit."""
        end = "/".join(path.rsplit("/", self.folders + 1)[-(self.folders + 1):])
        m = self.match(end)
        if not m:
            return None
        try:
            return {name: self._value(m, key, name) for key, name in enumerate(self.names)}
        except ValueError:  # no day of the calendar
            return None

    def _value(self, m, key, name):
        if name not in self.dates:
            return _decoded(m.group("k%d" % key)) if name in self.hive else m.group("k%d" % key)
        found = {part: int(m.group("k%d_%s" % (key, part))) for part in self.dates[name]}
        return datetime.datetime(found["yyyy"], *[found.get(part, first) for part, first in
                                                  (("MM", 1), ("dd", 1), ("HH", 0), ("mm", 0), ("ss", 0))])


def _decoded(text):
    """As src/base/hive.c does it; %00 stays."""
    if text == _NULL:
        return None
    return os.fsdecode(_PERCENT.sub(lambda m: bytes((int(m.group(1), 16),)), os.fsencode(text)))


def _slashes(pattern):
    return len(re.sub(r"\[[^]]*\]", "", pattern).split("/")) - 1
