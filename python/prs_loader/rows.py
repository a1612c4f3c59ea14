# SPDX-License-Identifier: Apache-2.0
"""What run() may return, and the rows it becomes (docs/entry-scripts.md)."""
import os
import sys

from prs_loader.wire import DONE_BARE, DONE_FRAMES, DONE_HAS_HEADER

SETTINGS = "parallel_run_step.settings.json"
_CSV = {"sep": " ", "header": False, "index": False}
_BARE = (str, bytes, bytearray, memoryview, dict, set, frozenset)
_MESSAGE = ("The run() method in the entry script should return a list or a pandas DataFrame. The length of returned "
            "result is considered as succeeded number of items. For --output_action=append_row, the returned result is "
            "what to write into the result file. The actual type of output is %s.")


class ReturnTypeError(Exception):
    """run() returned something that is no list, tuple, array, Series or DataFrame."""


class SettingsError(Exception):
    """parallel_run_step.settings.json is not what it has to be."""


def _shown(value):
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - the user's own repr
        text = object.__repr__(value)
    return text[:200]


def _type_name(value):
    """The name with its package: other packages than pandas have a DataFrame too."""
    package = type(value).__module__.partition(".")[0]
    return type(value).__name__ if package == "builtins" else "%s.%s" % (package, type(value).__name__)


def _refused(value, advice=""):
    text = _MESSAGE % _type_name(value)
    if value is not None:
        text += " It returned: %s" % _shown(value)
    return ReturnTypeError(text + advice)


def is_frame(value):
    """A DataFrame of the user's own pandas, without importing it."""
    frame = getattr(sys.modules.get("pandas"), "DataFrame", None)
    return frame is not None and isinstance(value, frame)


class Rows:
    """From what run() returns to bytes; made once per process. Those of other formats are in formats.py."""

    def __init__(self, summary_only, header=False, csv=None):
        self.summary_only = summary_only
        options = dict(_CSV, header=header)
        options.update(csv or {})
        encoding = options.pop("encoding", None) or "utf-8"
        self.mark = "".encode(encoding)  # of utf-8-sig, utf-16: once per file, with the header, not per mini-batch
        self.codec = encoding, options.pop("errors", "surrogateescape")
        self.header = options.pop("header")
        self.csv = options
        self.overridden = bool(csv)

    def items(self, value):
        """(the returned items as something with a length, flags); raises ReturnTypeError."""
        if isinstance(value, (list, tuple)):
            return value, 0
        if isinstance(value, _BARE):
            if self.summary_only:
                return value, DONE_BARE
            raise _refused(value)
        if hasattr(value, "cr_await") or hasattr(value, "__anext__"):
            if hasattr(value, "close"):
                value.close()
            raise _refused(value, "; run() must not be async: call asyncio.run() in it")
        if self.summary_only and hasattr(type(value), "__len__"):
            try:
                return range(len(value)), 0
            except TypeError:
                raise _refused(value) from None
        if is_frame(value):
            return value, 0
        # The items of polars, pyarrow, dask and others are columns.
        if hasattr(value, "columns") or hasattr(value, "column_names"):
            raise _refused(value, "; make it a pandas DataFrame first")
        try:
            iterator = iter(value)
        except TypeError:
            raise _refused(value) from None
        return list(iterator), 0

    def encode(self, items):
        """(bytes, how many of them are a header, flags)."""
        if not len(items):
            return b"", 0, 0
        if type(items) is not list and is_frame(items):
            return self._frame(items)
        flags = DONE_FRAMES if type(items[0]) is not str and is_frame(items[0]) else 0
        rows = [item if type(item) is str else str(item) for item in items]
        try:
            return ("\n".join(rows) + "\n").encode("utf-8", "surrogateescape"), 0, flags
        except UnicodeEncodeError:
            raise _unencodable(rows) from None

    def shown(self, items):
        """The same for a person: without what is only for the engine."""
        return self.encode(items)[0]

    def _told(self, to_csv, frame, header):
        try:
            return to_csv(frame, header)
        except TypeError as e:
            if self.overridden:
                version = sys.modules["pandas"].__version__
                raise TypeError("%s (to_csv of pandas %s, with the arguments in %s)" % (e, version, SETTINGS)) from e
            raise

    def _to_csv(self, frame, header):
        return frame.to_csv(header=header, **self.csv)

    def _frame(self, frame):
        text = self._told(self._to_csv, frame, False)
        names = self._told(self._to_csv, frame.iloc[:0], self.header) if self.header else ""
        head = names.encode(*self.codec)
        return head + text.encode(*self.codec)[len(self.mark):], len(head), DONE_HAS_HEADER if head else 0


def _unencodable(rows):
    for i, row in enumerate(rows):
        try:
            row.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError as e:
            return ValueError("item %d of what run() returned has no UTF-8 form: %s in %s"
                              % (i, ascii(row[e.start:e.end]), ascii(row[:200])))
    return None


def _check_object(value, what):
    if not isinstance(value, dict):
        raise SettingsError(
            '%s: %s must be an object, as in {"append_row": {"pandas.DataFrame.to_csv": {"sep": ","}}}; it is %s' % (
                SETTINGS, what, _shown(value)))


def _settings(folders):
    for folder in folders:
        path = os.path.join(folder, SETTINGS)
        try:
            with open(path, encoding="utf-8-sig") as f:
                text = f.read()
        except FileNotFoundError:
            continue
        import json

        try:
            options = json.loads(text)
        except ValueError as e:
            raise SettingsError("%s: %s" % (SETTINGS, e)) from None
        _check_object(options, "the file")
        for name in ("append_row", "pandas.DataFrame.to_csv"):
            options = options.get(name, {})
            _check_object(options, '"%s"' % name)
        for name in ("path_or_buf", "mode", "compression"):
            options.pop(name, None)  # rows go into the output file; the engine said so
        return options
    return {}


class Component(Rows):
    """--amlbi_run_mode component: each item is JSON, of which the field `output` is the row."""

    def encode(self, items):
        return super().encode(items if is_frame(items) else [_output_of(i, item) for i, item in enumerate(items)])


def _output_of(i, item):
    import json

    try:
        value = json.loads(item) if isinstance(item, (str, bytes)) else item
        found = value["output"]
    except (ValueError, TypeError, KeyError, IndexError) as e:
        raise ValueError("item %d of what run() returned is no JSON object with a field \"output\", as --amlbi_pf_run_mode "
                         "component wants: %s: %s in %s" % (i, type(e).__name__, e, _shown(item))) from None
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)


def of_job(job, folders):
    """The Rows of this job; folders: where the settings file may lie."""
    output_format = job.one("output_format")
    if output_format and job.one("output_action") != "summary_only":
        from prs_loader import formats, output_types

        return formats.of_job(output_format, _settings(folders) if output_format == "csv" else {},
                              output_types.parsed(job.every("output_type")))
    kind = Component if job.one("run_mode") == "component" else Rows
    return kind(job.one("output_action") == "summary_only", job.one("dataframe_header") == "true", _settings(folders))
