# SPDX-License-Identifier: Apache-2.0
"""azureml.data.output_dataset_config: what steps make, and how later ones read it."""
import copy
import os

from prs_azureml import _names, _outputs, _paths

_LIES = "an output is written where it stays"


class OutputFileDatasetConfig(_outputs.Output):
    """A folder that a step writes; a dataset for later steps. destination: (datastore, path), where {run-id} and
    {output-name} are filled in; without it, the run folder."""

    _made = True

    @_names.unused(source=_LIES, partition_format="the reader says where keys stand")
    def __init__(self, name=None, destination=None, source=None, partition_format=None):
        _outputs.Output.__init__(self, name or _outputs.next_name("output"))
        self.destination = destination
        self._path = _destination(destination, self.name)
        self._format = self._registration = None
        self._mode = "mount"

    def _copy(self, **changed):
        """The same output, another view of it."""
        made = copy.copy(self)
        made.__dict__.update(changed)
        return made

    @_names.unused(disable_metadata_cache=_LIES)
    def as_mount(self, disable_metadata_cache=False):
        """The same: it is written where it stays."""
        return self._copy(_mode="mount")

    @_names.unused(overwrite=_LIES, source_globs=_LIES)
    def as_upload(self, overwrite=False, source_globs=None):
        """The same: it is written where it stays."""
        return self._copy(_mode="upload")

    def as_input(self, name=None):
        """The input of a later step."""
        return _outputs.Reading(self, name, "file")

    def as_named_input(self, name):
        """The input of a later step."""
        return self.as_input(name)

    def as_download(self, path_on_compute=None):
        """The input of a later step: the path where it lies."""
        return self.as_input().as_download(path_on_compute)

    @_names.unused(properties="properties of files are not kept")
    def register_on_complete(self, name, description=None, tags=None, properties=None):
        """Registers it as a dataset when the pipeline has ended well, by the script that submitted it."""
        made = self._copy(_registration={"name": name, "description": description or "", "tags": tags or {}})
        self._core["registration"] = made._registration
        return made

    def read_delimited_files(self, include_path=False, separator=",", header=3, partition_format=None, path_glob=None,
                             set_column_types=None):
        """For later steps it is tables of delimited text."""
        _plain_only("read_delimited_files", separator=(separator, ","), header=(getattr(header, "value", header), 3),
                    include_path=(include_path, False), partition_format=(partition_format, None),
                    path_glob=(path_glob, None), set_column_types=(set_column_types, None))
        return _outputs.Reading(self, None, "tabular")

    def read_parquet_files(self, include_path=False, partition_format=None, path_glob=None, set_column_types=None):
        """For later steps it is tables of Parquet."""
        _plain_only("read_parquet_files", include_path=(include_path, False), path_glob=(path_glob, None),
                    partition_format=(partition_format, None), set_column_types=(set_column_types, None))
        return _outputs.Reading(self, None, "tabular")


LinkFileOutputDatasetConfig = OutputFileDatasetConfig


def _plain_only(what, **given):
    """Settings of a reader that an input from an earlier step cannot have yet."""
    for name, (value, default) in given.items():
        if value != default:
            raise _paths.mistake("%s(%s=%r): tables that a step makes are read with the defaults" % (what, name, value))


def _destination(destination, name):
    if destination is None:
        return None
    if not isinstance(destination, tuple) or not hasattr(destination[0], "_folder"):
        raise _paths.mistake("destination %r: expected (datastore, path)" % (destination,))
    path = destination[1] if len(destination) > 1 and destination[1] else "dataset/{run-id}/{output-name}"
    path = path.replace("{output-name}", name).replace("{run-id}", "${{name}}")
    return os.path.join(_paths.within(destination[0], ""), path.strip("/"))


def __getattr__(name):
    return _names.missing(__name__, name, globals())
