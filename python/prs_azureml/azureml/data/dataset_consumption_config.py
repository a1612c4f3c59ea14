# SPDX-License-Identifier: Apache-2.0
"""azureml.data.dataset_consumption_config"""
from prs_azureml import _names, _paths

_LIES = "data is read where it lies"
MODES = ("direct", "mount", "download", "hdfs")


class DatasetConsumptionConfig(_names.Described):
    """A dataset as the input of a step, by a name."""

    def __init__(self, name, dataset, mode="direct", path_on_compute=None):
        if mode not in MODES[:3]:
            raise _paths.mistake("mode %r: expected direct, mount or download%s" % (
                mode, "; there is no HDFS here" if mode == "hdfs" else ""))
        if not isinstance(name, str) or not name.replace("_", "a").isalnum() or name[0].isdigit():
            raise _paths.mistake("name %r of an input: expected letters, digits and _, not beginning with a digit" % (name,))
        self.name = name
        self.dataset = dataset
        self.mode = mode
        self.path_on_compute = path_on_compute

    def __repr__(self):
        return "DatasetConsumptionConfig(%r, %r, %r)" % (self.name, self.dataset, self.mode)

    def _with(self, mode, path_on_compute):
        if path_on_compute:
            _names.say_unused("azureml.data.DatasetConsumptionConfig.as_" + mode, "path_on_compute", _LIES)
        return DatasetConsumptionConfig(self.name, self.dataset, mode, path_on_compute)

    def as_mount(self, path_on_compute=None):
        """For a step it is the path of the data."""
        return self._with("mount", path_on_compute)

    def as_download(self, path_on_compute=None):
        """For a step it is the path of the data."""
        return self._with("download", path_on_compute)

    def as_hdfs(self):
        """Refused: there is no HDFS here."""
        raise _paths.mistake("as_hdfs(): there is no HDFS here; as_mount() gives the path of the data")


def __getattr__(name):
    return _names.missing(__name__, name, globals())
