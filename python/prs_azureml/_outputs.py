# SPDX-License-Identifier: Apache-2.0
"""What a step makes (Output), and a view of it as the input of a later one (Reading)."""
from prs_azureml import _names, _paths

_LIES = "data is read where it lies"
_numbers = {}


def next_name(stem):
    _numbers[stem] = _numbers.get(stem, -1) + 1
    return "%s_%d" % (stem, _numbers[stem])


class Output(_names.Described):
    """Copies of one share `_core`, where the step that makes it is noted."""

    _made = False  # is the folder made before the step begins, or only its parent?

    def __init__(self, name):
        if not isinstance(name, str) or not name.replace("_", "a").replace("-", "a").isalnum():
            raise _paths.mistake("name %r of an output: expected letters, digits, _ and -" % (name,))
        self.name = name
        self._core = {"producer": None, "registration": None, "name": name}
        self._path = None

    def __repr__(self):
        return "%s(%r)" % (type(self).__name__, self.name)

    @property
    def _producer(self):
        return self._core["producer"]

    def _made_by(self, step):
        if self._core["producer"] not in (None, step):
            raise _paths.mistake("output %s is made by %s and by %s: one step makes an output"
                                 % (self.name, self._core["producer"].name, step.name))
        self._core["producer"] = step


class Reading(_names.Described):
    """An output as an input. kind: "file" or "tabular"."""

    def __init__(self, output, name, kind, mode="mount"):
        self._output = output
        self._kind = kind
        self.mode = mode
        self.name = name or output.name

    def __repr__(self):
        return "%s(%r)" % (type(self).__name__, self.name)

    def _as(self, name=None, kind=None, mode=None):
        return type(self)(self._output, name or self.name, kind or self._kind, mode or self.mode)

    def as_named_input(self, name):
        """By another name."""
        return self._as(name=name)

    as_input = as_named_input

    @_names.unused(path_on_compute=_LIES)
    def as_mount(self, path_on_compute=None):
        """For a step it is the path of the data."""
        return self._as(mode="mount")

    @_names.unused(path_on_compute=_LIES)
    def as_download(self, path_on_compute=None):
        """For a step it is the path of the data."""
        return self._as(mode="download")

    def as_direct(self):
        """For a step it is the data."""
        return self._as(mode="direct")

    @_names.unused(include_path=_LIES, header="the first line of each file has the names")
    def parse_delimited_files(self, include_path=False, separator=",", header=3, partition_format=None,
                              file_extension="", set_column_types=None, quoted_line_breaks=False):
        """Tables of delimited text."""
        if separator != "," or partition_format or set_column_types or quoted_line_breaks or file_extension:
            raise _paths.mistake("parse_delimited_files(): tables that a step makes are read with the defaults")
        return self._as(kind="tabular")

    @_names.unused(include_path=_LIES)
    def parse_parquet_files(self, include_path=False, partition_format=None, file_extension="", set_column_types=None):
        """Tables of Parquet."""
        if partition_format or set_column_types or file_extension:
            raise _paths.mistake("parse_parquet_files(): tables that a step makes are read with the defaults")
        return self._as(kind="tabular")

    def register(self, name, create_new_version=True):
        """Registers it as a dataset when the pipeline has ended well, by the script that submitted it."""
        self._output._core["registration"] = {"name": name, "new_version": create_new_version}
        return self
