# SPDX-License-Identifier: Apache-2.0
"""azureml.pipeline.core.graph"""
from prs_azureml import _names, _paths

_LIES = "data is read where it lies"


class PipelineParameter(_names.Described):
    """A value that submit(pipeline_parameters={name: value}) can change: a text, a number, a dataset, a DataPath."""

    def __init__(self, name, default_value):
        if not isinstance(name, str) or not name:
            raise _paths.mistake("name %r of a PipelineParameter: expected a text" % (name,))
        self.name = name
        self.default_value = default_value

    def __repr__(self):
        return "PipelineParameter(name=%s, default_value=%s)" % (self.name, self.default_value)

    __str__ = __repr__


class InputPortBinding(_names.Described):
    """An input of a step by another name."""

    @_names.unused(bind_mode=_LIES, path_on_compute=_LIES, overwrite=_LIES, is_resource=_LIES, additional_transformations=_LIES)
    def __init__(self, name, bind_object=None, bind_mode="mount", path_on_compute=None, overwrite=None, is_resource=False,
                 additional_transformations=None):
        self.name = name
        self.bind_object = bind_object


class OutputPortBinding(_names.Described):
    """An output of a step by another name."""

    @_names.unused(datastore="outputs lie in the run folder", output_name="it is the name", bind_mode=_LIES,
                   path_on_compute=_LIES, overwrite=_LIES, data_type=_LIES, is_directory=_LIES,
                   pipeline_output_name=_LIES, training_output=_LIES)
    def __init__(self, name, datastore=None, output_name=None, bind_mode="mount", path_on_compute=None, is_directory=None,
                 overwrite=None, data_type=None, pipeline_output_name=None, training_output=None):
        from azureml.pipeline.core.builder import PipelineData

        self.name = name
        self._data = PipelineData(name)


def __getattr__(name):
    return _names.missing(__name__, name, globals())
