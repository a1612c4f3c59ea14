# SPDX-License-Identifier: Apache-2.0
"""azureml.data.tabular_dataset"""
from prs_azureml import _names, _paths
from azureml.data.abstract_dataset import AbstractDataset


class TabularDataset(AbstractDataset):
    """A table in files of this machine. What is done with its rows is done by the engine, where the step reads it."""

    _kind = "tabular"

    def __init__(self, paths, reader=None, partition_format=None):
        AbstractDataset.__init__(self, paths, partition_format)
        self._reader = reader or {"read_delimited": {}}  # one key and its settings, as in an MLTable

    def _definition(self):
        return {"type": "tabular", "paths": self._paths, "partition_format": self._partition_format,
                "reader": self._reader, "steps": self._steps}

    def _take(self, definition):
        self._partition_format = definition.get("partition_format")
        self._reader = definition.get("reader") or self._reader
        self._steps = definition.get("steps") or []

    def _mltable(self):
        """The same as an MLTable."""
        steps = [self._reader]
        if self._partition_format:
            steps.append({"extract_columns_from_partition_format": {"partition_format": self._partition_format}})
        return {"type": "mltable", "paths": [{"pattern" if _paths.is_pattern(p) else "folder" if p.endswith("/") else
                                              "file": p} for p in self._paths], "transformations": steps + self._steps}

    def keep_columns(self, columns, validate=False):
        """Only these columns; `validate` is what the engine does at the start of a job."""
        if validate:
            _names.say_unused("azureml.data.TabularDataset.keep_columns", "validate", "the engine looks at the start of a job")
        return self._step(keep_columns=_columns(columns))

    def drop_columns(self, columns):
        """Without these columns."""
        return self._step(drop_columns=_columns(columns))

    def filter(self, expression):  # noqa: A003
        """Only the rows for which an expression such as ds["age"] > 30 holds."""
        text = expression if isinstance(expression, str) else getattr(expression, "_text", None)
        if text is None:
            raise _paths.mistake("filter(%r): expected an expression such as ds['age'] > 30" % (expression,))
        return self._step(filter=text)

    def __getitem__(self, column):
        """A column in the expression of filter(); of a list of columns a dataset with them alone."""
        return Column(column) if isinstance(column, str) else self.keep_columns(column)


def _columns(columns):
    return [columns] if isinstance(columns, str) else list(columns)


class Expression:
    """A condition over the columns of a row."""

    def __init__(self, text):
        self._text = text

    def __and__(self, other):
        return Expression("(%s) and (%s)" % (self._text, other._text))

    def __or__(self, other):
        return Expression("(%s) or (%s)" % (self._text, other._text))

    def __invert__(self):
        return Expression("not (%s)" % self._text)

    def __bool__(self):
        raise _paths.mistake("conditions are joined with & and |, each in brackets, not with `and` and `or`")


class Column:
    """A column of a table, to be compared."""

    __hash__ = None

    def __init__(self, name):
        self._name = name

    def _compare(self, operator, value):
        return Expression("col(%s) %s %s" % (_literal(self._name), operator, _literal(value)))

    def __eq__(self, value):
        return self._compare("==", value)

    def __ne__(self, value):
        return self._compare("!=", value)

    def __lt__(self, value):
        return self._compare("<", value)

    def __le__(self, value):
        return self._compare("<=", value)

    def __gt__(self, value):
        return self._compare(">", value)

    def __ge__(self, value):
        return self._compare(">=", value)


def _literal(value):
    if isinstance(value, str) or isinstance(value, (int, float)):
        return repr(value)
    raise _paths.mistake("%r in a filter: expected a text or a number" % (value,))


def __getattr__(name):
    return _names.missing(__name__, name, globals())
