# SPDX-License-Identifier: Apache-2.0
"""azureml.pipeline.core.builder"""
from prs_azureml import _names, _outputs, _paths

_RUN = "outputs lie in the run folder"


class PipelineData(_outputs.Output):
    """What a step makes, a file or a folder: its path is in the run folder, and only the parent is made."""

    @_names.unused(datastore=_RUN, output_mode=_RUN, output_path_on_compute=_RUN, output_overwrite=_RUN, data_type=_RUN,
                   is_directory=_RUN, pipeline_output_name=_RUN, training_output=_RUN)
    def __init__(self, name, datastore=None, output_name=None, output_mode="mount", output_path_on_compute=None,
                 output_overwrite=None, data_type=None, is_directory=None, pipeline_output_name=None,
                 training_output=None):
        _outputs.Output.__init__(self, output_name or name)
        self.datastore, self.data_type = datastore, data_type

    def as_dataset(self):
        """As a dataset for later steps."""
        from azureml.pipeline.core.pipeline_output_dataset import PipelineOutputFileDataset

        return PipelineOutputFileDataset(self, None, "file")

    def as_input(self, input_name):
        """The input of a later step, by another name."""
        return _outputs.Reading(self, input_name, "file")

    def as_mount(self):
        """The same."""
        return self

    @_names.unused(overwrite=_RUN, input_name=_RUN, path_on_compute=_RUN)
    def as_download(self, input_name=None, path_on_compute=None, overwrite=None):
        """The same, as the input of a later step."""
        return _outputs.Reading(self, None, "file")

    @_names.unused(mode=_RUN, path_on_compute=_RUN, overwrite=_RUN)
    def create_input_binding(self, input_name=None, mode=None, path_on_compute=None, overwrite=None):
        """The input of a later step."""
        return _outputs.Reading(self, input_name, "file")


class PipelineStep(_names.Described):
    """What steps have in common."""

    _produced = ()

    def _begin(self, name, inputs, outputs, arguments, allow_reuse):
        self.name = name
        self._inputs = _listed(inputs)
        self._outputs = [o for o in (_output(v) for v in _listed(outputs)) if o is not None]
        self._arguments = _listed(arguments)
        self._after = []
        self.allow_reuse = _flag("allow_reuse", allow_reuse)
        given = [o for o in (_output(v) for v in self._arguments) if o is not None and o._producer in (None, self)]
        # an output that stands in the arguments alone is made by this step, unless an earlier one makes it
        read = {id(_core(v)) for v in self._inputs if _core(v) is not None}
        for o in self._outputs:
            o._made_by(self)
        names = {id(o._core) for o in self._outputs}
        for o in given:
            if id(o._core) not in names and id(o._core) not in read and o._made:
                o._made_by(self)
                self._outputs.append(o)
                names.add(id(o._core))

    def __repr__(self):
        return "<%s %s>" % (type(self).__name__, self.name)

    def run_after(self, step):
        """Begins when that step is done."""
        if not isinstance(step, PipelineStep):
            raise _paths.mistake("run_after(%r): expected a step" % (step,))
        self._after.append(step)
        return step

    def _needs(self):
        """Steps whose outputs it reads, and those of run_after()."""
        found = list(self._after)
        for value in self._inputs + self._arguments:
            core = _core(value)
            if core is not None and core["producer"] not in (None, self):
                found.append(core["producer"])
        return found


def _listed(values):
    if values is None:
        return []
    return list(values) if isinstance(values, (list, tuple)) else [values]


def _output(value):
    """The output that a value in outputs= or arguments= stands for; None: it is none."""
    value = getattr(value, "_data", value)
    return value if isinstance(value, _outputs.Output) else None


def _core(value):
    """Of an output, or a reading of one, what all its views share."""
    from azureml.pipeline.core.graph import InputPortBinding

    if isinstance(value, InputPortBinding):
        value = value.bind_object
    value = getattr(value, "_data", value) if hasattr(type(value), "bind_mode") else value
    if isinstance(value, _outputs.Reading):
        value = value._output
    dataset = getattr(value, "dataset", None) if not isinstance(value, _outputs.Output) else None
    if isinstance(dataset, (_outputs.Reading, _outputs.Output)):
        return _core(dataset)
    return value._core if isinstance(value, _outputs.Output) else None


def _flag(name, value):
    if not isinstance(value, bool):
        raise _paths.mistake("%s %r: expected True or False" % (name, value))
    return value


class StepSequence(_names.Described):
    """Steps, each after the one before."""

    def __init__(self, steps=None):
        self._steps = list(steps or ())
        for before, step in zip(self._steps, self._steps[1:]):
            for first in _all(before):
                for then in _all(step):
                    then.run_after(first)

    def run_after(self, step):
        """All begin when that step is done."""
        for one in self._steps:
            for then in _all(one):
                then.run_after(step)

    def __iter__(self):
        return iter(self._steps)


def _all(steps):
    """The steps in a step, a sequence, or a list of those."""
    if isinstance(steps, PipelineStep):
        return [steps]
    if isinstance(steps, (list, tuple, StepSequence)):
        return [s for one in steps for s in _all(one)]
    raise _paths.mistake("%r: expected a step, a StepSequence or a list of them" % (steps,))


def __getattr__(name):
    return _names.missing(__name__, name, globals())
