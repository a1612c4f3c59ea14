# SPDX-License-Identifier: Apache-2.0
"""azureml.data.file_dataset"""
import os

from prs_azureml import _names, _paths
from azureml.data.abstract_dataset import AbstractDataset

_LIES = "data is read where it lies"


class FileDataset(AbstractDataset):
    """Files of this machine."""

    _kind = "file"

    def _definition(self):
        return {"type": "file", "paths": self._paths, "partition_format": self._partition_format, "steps": self._steps}

    def _take(self, definition):
        self._partition_format = definition.get("partition_format")
        self._steps = definition.get("steps") or []

    def _files(self):
        found = [(p, base) for path in self._paths for base in [_paths.base(path)] for p in _paths.files(path)]
        for step in self._steps:
            found = found[:step["take"]] if "take" in step else found[step["skip"]:]
        return found

    def as_mount(self, path_on_compute=None):
        """The input of a step: for it, the path of the data."""
        return self.as_named_input(self._auto_name()).as_mount(path_on_compute)

    def as_download(self, path_on_compute=None):
        """The input of a step: for it, the path of the data."""
        return self.as_named_input(self._auto_name()).as_download(path_on_compute)

    def as_hdfs(self):
        """Refused: there is no HDFS here."""
        return self.as_named_input(self._auto_name()).as_hdfs()

    def _auto_name(self):
        stem = "".join(c if c.isalnum() else "_" for c in self.name or os.path.basename(self._paths[0].rstrip("/")))
        return "input_" + stem if stem else "input"

    def to_path(self):
        """The relative names of its files, each with a / in front."""
        return ["/" + os.path.relpath(p, base) for p, base in self._files()]

    @_names.unused(ignore_not_found="all files are there")
    def download(self, target_path=None, overwrite=False, ignore_not_found=False):
        """Copies its files to a folder (default: a new one); their paths."""
        import tempfile

        target = os.path.abspath(target_path) if target_path else tempfile.mkdtemp()
        done = []
        for path, base in self._files():
            to = os.path.join(target, os.path.relpath(path, base))
            if not _paths.copy(path, to, overwrite):
                raise _paths.mistake("%s is there: overwrite=True replaces it" % to)
            done.append(to)
        return done

    @_names.unused(mount_point=_LIES)
    def mount(self, mount_point=None):
        """A context whose mount_point is the folder that the data lies in."""
        return _Mount(_paths.base(self._paths[0]))

    def file_metadata(self, col):
        """Not read here."""
        raise _paths.mistake("file_metadata(%r): not here; to_path() gives the files" % (col,))


class _Mount:
    def __init__(self, folder):
        self.mount_point = folder

    def start(self):
        pass

    def stop(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *args):
        pass


def __getattr__(name):
    return _names.missing(__name__, name, globals())
