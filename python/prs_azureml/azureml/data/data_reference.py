# SPDX-License-Identifier: Apache-2.0
"""azureml.data.data_reference"""
from prs_azureml import _names, _paths

_LIES = "data is read where it lies"


class DataReference(_names.Described):
    """A path in a datastore, with a name; for a step it is the path."""

    @_names.unused(mode=_LIES, path_on_compute=_LIES, overwrite=_LIES)
    def __init__(self, datastore, data_reference_name=None, path_on_datastore=None, mode="mount", path_on_compute=None,
                 overwrite=False):
        self.datastore = datastore
        self.path_on_datastore = (path_on_datastore or "").strip("/")
        self.data_reference_name = data_reference_name or datastore.name
        self.mode = mode

    @property
    def name(self):
        """Its name."""
        return self.data_reference_name

    def __repr__(self):
        return "$AZUREML_DATAREFERENCE_" + self.data_reference_name

    def _local(self):
        return _paths.within(self.datastore, self.path_on_datastore)

    def as_mount(self):
        """The same."""
        return self

    @_names.unused(path_on_compute=_LIES, overwrite=_LIES)
    def as_download(self, path_on_compute=None, overwrite=False):
        """The same."""
        return self

    def path(self, path=None, data_reference_name=None):
        """Something below it."""
        below = "/".join(p for p in (self.path_on_datastore, (path or "").strip("/")) if p)
        return DataReference(self.datastore, data_reference_name or self.data_reference_name, below)


def __getattr__(name):
    return _names.missing(__name__, name, globals())
