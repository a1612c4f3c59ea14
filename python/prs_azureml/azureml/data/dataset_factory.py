# SPDX-License-Identifier: Apache-2.0
"""azureml.data.dataset_factory: datasets from paths."""
import os

from prs_azureml import _names, _paths
from azureml.data.file_dataset import FileDataset
from azureml.data.tabular_dataset import TabularDataset

_TYPES = "the engine finds the types of columns from the rows (prs help tables)"


class PromoteHeadersBehavior:
    """Which lines of delimited files are the names of the columns."""

    NO_HEADERS = 0
    ONLY_FIRST_FILE_HAS_HEADERS = 1
    COMBINE_ALL_FILES_HEADERS = 2
    ALL_FILES_HAVE_SAME_HEADERS = 3


_HEADERS = {0: "no_header", 1: "from_first_file", 2: "all_files_different_headers", 3: "all_files_same_headers",
            False: "no_header", True: "all_files_same_headers"}


class DataType(_names.Described):
    """The type of a column."""

    def __init__(self, word, formats=None):
        self._word, self._formats = word, formats

    @staticmethod
    def to_string():
        """Text."""
        return DataType("string")

    @staticmethod
    def to_long():
        """Whole numbers."""
        return DataType("int")

    @staticmethod
    def to_float(decimal_mark="."):
        """Numbers."""
        if decimal_mark != ".":
            raise _paths.mistake("decimal_mark %r: numbers have a . here" % (decimal_mark,))
        return DataType("float")

    @staticmethod
    def to_bool():
        """True and false."""
        return DataType("boolean")

    @staticmethod
    def to_datetime(formats=None):
        """Dates."""
        return DataType("datetime", [formats] if isinstance(formats, str) else formats)


def _there(paths, validate):
    """What is to be looked at now: is there anything?"""
    from azureml.exceptions import DatasetValidationError

    for path in paths if validate else ():
        if not _paths.is_there(path):
            raise DatasetValidationError("no such file or folder: %s%s" % (path, _names.script_place()))


def _given(path, validate):
    """(path, validate); Dataset.File.from_files(datastore, "path") is (datastore, "path"), as the documents write it."""
    if hasattr(path, "_folder") and isinstance(validate, str):
        return (path, validate), True
    return path, validate


class FileDatasetFactory:
    """Dataset.File"""

    @staticmethod
    def from_files(path, validate=True, partition_format=None, is_file=False):
        """Files by paths: a text, DataPath, (datastore, path), or a list of those. A path that is not there is a
        mistake unless validate=False; is_file: it is a file, not a folder."""
        path, validate = _given(path, validate)
        paths = _paths.resolve(path)
        _there(paths, validate)
        if is_file and any(os.path.isdir(p) for p in paths):
            raise _paths.mistake("is_file=True, and %s is a folder" % [p for p in paths if os.path.isdir(p)][0])
        made = FileDataset(paths, partition_format)
        made._principal = _paths.of_principal(path)
        return made

    @staticmethod
    def upload_directory(src_dir, target, pattern=None, overwrite=False, show_progress=True):
        """Copies the files of a folder that match a pattern to (datastore, path) and makes a dataset of them."""
        import fnmatch

        folder = os.path.abspath(src_dir)
        found = [p for p in _paths.files(folder) if not pattern or fnmatch.fnmatch(os.path.relpath(p, folder), pattern)]
        to = _paths.resolve(target)[0]
        done = sum(_paths.copy(p, os.path.join(to, os.path.relpath(p, folder)), overwrite) for p in found)
        if show_progress:
            print("%d of %d files copied to %s" % (done, len(found), to))
        return FileDataset([to])


class TabularDatasetFactory:
    """Dataset.Tabular"""

    @staticmethod
    def from_delimited_files(path, validate=True, include_path=False, infer_column_types=True, set_column_types=None,
                             separator=",", header=PromoteHeadersBehavior.ALL_FILES_HAVE_SAME_HEADERS,
                             partition_format=None, support_multi_line=False, empty_as_string=False, encoding="utf8"):
        """Tables of delimited text."""
        if header not in _HEADERS:
            raise _paths.mistake("header %r: expected one of PromoteHeadersBehavior" % (header,))
        return _table(path, validate, partition_format, set_column_types, "read_delimited", {
            "delimiter": separator, "header": _HEADERS[header], "encoding": encoding, "include_path_column": include_path,
            "infer_column_types": bool(infer_column_types), "support_multi_line": support_multi_line,
            "empty_as_string": empty_as_string})

    @staticmethod
    def from_parquet_files(path, validate=True, include_path=False, set_column_types=None, partition_format=None):
        """Tables of Parquet."""
        return _table(path, validate, partition_format, set_column_types, "read_parquet",
                      {"include_path_column": include_path})

    @staticmethod
    def from_json_lines_files(path, validate=True, include_path=False, set_column_types=None, partition_format=None,
                              invalid_lines="error", encoding="utf8"):
        """Tables of JSON, an object a line."""
        if invalid_lines not in ("error", "drop"):
            raise _paths.mistake("invalid_lines %r: expected 'error' or 'drop'" % (invalid_lines,))
        return _table(path, validate, partition_format, set_column_types, "read_json_lines", {
            "include_path_column": include_path, "invalid_lines": invalid_lines, "encoding": encoding})

    @staticmethod
    def register_pandas_dataframe(dataframe, target, name, description=None, tags=None, show_progress=True):
        """Writes a frame as CSV below (datastore, path) and registers it."""
        datastore = target[0] if isinstance(target, tuple) else target
        folder = _paths.resolve(target)[0]
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "%s.csv" % "".join(c if c.isalnum() else "_" for c in name))
        dataframe.to_csv(path, index=False)
        if show_progress:
            print("%d rows written to %s" % (len(dataframe), path))
        made = TabularDatasetFactory.from_delimited_files(path)
        return made.register(datastore.workspace, name, description, tags, create_new_version=True)


def _table(path, validate, partition_format, types, reader, settings):
    path, validate = _given(path, validate)
    paths = _paths.resolve(path)
    _there(paths, validate)
    for word, value in settings.items():
        if isinstance(value, bool) is False and not isinstance(value, str):
            raise _paths.mistake("%s %r: expected a text, True or False" % (word, value))
    made = TabularDataset(paths, {reader: settings}, partition_format)
    made._principal = _paths.of_principal(path)
    return made._step(convert_column_types=_conversions(types)) if types else made


def _conversions(types):
    done = []
    for column, kind in types.items():
        if not isinstance(kind, DataType):
            raise _paths.mistake("set_column_types[%r]: expected a DataType, found %r" % (column, kind))
        to = {"datetime": {"formats": kind._formats}} if kind._formats else kind._word
        done.append({"columns": column, "column_type": to})
    return done


def __getattr__(name):
    return _names.missing(__name__, name, globals())
