# SPDX-License-Identifier: Apache-2.0
"""The schema of a table: JSON as the engine writes it (docs/tables.md, "The schema")."""
import json

VERSION = 1
TYPES = {"delimited": ("string", "int", "float", "bool", "date"),
         "jsonl": ("string", "int", "float", "bool", "date", "object"),
         "parquet": None}  # those of pyarrow
CODECS = {"utf8": "utf-8", "latin1": "latin-1", "windows1252": "cp1252"}


class SchemaError(Exception):
    """The engine sent a schema that this loader does not know: they are of different versions."""


class Column:
    __slots__ = ("name", "type", "nulls", "field")

    def __init__(self, name, type, nulls, field):
        self.name = name
        self.type = type
        self.nulls = nulls  # cells of the sample that are null
        self.field = field  # of a record, from 0; None: these files do not have the column


class Schema:
    __slots__ = ("format", "delimiter", "encoding", "codec", "empty_is_text", "fields", "columns", "by_name")

    def retyped(self, types):
        """Columns with the types that the user says they have: name -> type. Nulls make a column of integers one of
        floats, in all mini-batches alike."""
        for c in self.columns:
            type_ = types.get(c.name, c.type)
            c.type = "float" if type_ == "int" != c.type and c.nulls else type_
        return self


def _choice(value, key, choices):
    if value not in choices:
        raise SchemaError("schema: %s is %r, this loader knows %s: engine and loader are of different versions"
                          % (key, value, ", ".join(map(str, choices))))
    return value


def _columns(items, types):
    for i, item in enumerate(items):
        if types is not None:
            _choice(item["type"], "the type of column %r" % item["name"], types)
        yield Column(item["name"], item["type"], item["nulls"], item.get("field", i))


def read(text):
    """The Schema of a JSON text (bytes or str); raises SchemaError."""
    v = json.loads(text)
    _choice(v.get("version"), "version", (VERSION,))
    s = Schema()
    try:
        s.format = _choice(v["format"], "format", tuple(TYPES))
        s.delimiter = v["delimiter"].encode("ascii") if s.format == "delimited" else None
        if s.format != "parquet":
            s.encoding = v["encoding"]
            s.codec = CODECS[_choice(s.encoding, "encoding", tuple(CODECS))]
            s.empty_is_text = _choice(v["empty"], "empty", ("null", "text")) == "text"
        s.fields = v.get("fields", 0)
        s.columns = list(_columns(v["columns"], TYPES[s.format]))
        s.by_name = {c.name: c for c in s.columns}
    except (KeyError, TypeError, AttributeError) as e:
        raise SchemaError("schema: %s in %.200r" % (e, v)) from None
    return s
