# SPDX-License-Identifier: Apache-2.0
"""azureml.data.datapath"""
import os

from prs_azureml import _names, _paths


class DataPath(_names.Described):
    """A path in a datastore."""

    @_names.unused(name="a path needs no name")
    def __init__(self, datastore=None, path_on_datastore=None, name=None):
        self.datastore = datastore
        self.path_on_datastore = path_on_datastore or ""
        self.datastore_name = getattr(datastore, "name", None)

    def __repr__(self):
        return "DataPath(%s, %r)" % (self.datastore_name, self.path_on_datastore)

    def _local(self):
        if self.datastore is None:
            return os.path.abspath(self.path_on_datastore)
        return _paths.within(self.datastore, self.path_on_datastore)

    @staticmethod
    def create_from_data_reference(data_reference):
        """The same path."""
        return DataPath(data_reference.datastore, data_reference.path_on_datastore)

    @_names.unused(datapath_compute_binding="data is read where it lies")
    def create_data_reference(self, data_reference_name=None, datapath_compute_binding=None):
        """The same path."""
        from azureml.data.data_reference import DataReference

        return DataReference(self.datastore, data_reference_name, self.path_on_datastore)


class DataPathComputeBinding(_names.Described):
    """How a step finds a DataPath: always where it lies."""

    @_names.unused(mode="data is read where it lies", path_on_compute="data is read where it lies",
                   overwrite="data is read where it lies")
    def __init__(self, mode="mount", path_on_compute=None, overwrite=False):
        pass


def __getattr__(name):
    return _names.missing(__name__, name, globals())
