# SPDX-License-Identifier: Apache-2.0
"""azureml.pipeline.steps.parallel_run_step"""
import re

from prs_azureml import _engine, _names, _outputs, _paths
from azureml.data.abstract_dataset import AbstractDataset
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.pipeline.core.builder import PipelineStep, _listed, _output
from azureml.pipeline.core.graph import PipelineParameter
from azureml.pipeline.steps.parallel_run_config import ParallelRunConfig

_NAME = re.compile("[a-z]([-a-z0-9]*[a-z0-9])?$")


class ParallelRunStep(PipelineStep):
    """A script with run(mini_batch) over a dataset, in parallel."""

    def __init__(self, name, parallel_run_config, inputs, output=None, side_inputs=None, arguments=None, allow_reuse=True):
        if not isinstance(name, str) or not 3 <= len(name) <= 32 or not _NAME.match(name):
            raise _paths.mistake("ParallelRunStep: name %r: expected 3 to 32 characters, a-z, 0-9 and -, first a letter, last "
                                 "no -" % (name,))
        if not isinstance(parallel_run_config, ParallelRunConfig):
            raise _paths.mistake("ParallelRunStep %s: parallel_run_config %r: expected a ParallelRunConfig"
                                 % (name, parallel_run_config))
        self._config = parallel_run_config
        self._side_inputs = _listed(side_inputs)
        self._rows = _one_output(name, output)
        self._begin(name, inputs, [self._rows] if self._rows is not None else [], arguments, allow_reuse)
        self._check_inputs()

    # ---- mistakes

    def _check_inputs(self):
        if not self._inputs:
            raise _paths.mistake("ParallelRunStep %s: inputs: expected a list of datasets, found none" % self.name)
        kinds = set()
        for given in self._inputs:
            kinds.add(self._kind_of(given))
        if len(kinds) > 1:
            raise _paths.mistake("ParallelRunStep %s: inputs: all must be files or all tables; found both" % self.name)
        for given in self._side_inputs:
            if _kind(given) == "tabular":
                raise _paths.mistake("ParallelRunStep %s: side_inputs: %r is a table; expected files" % (self.name, given))
        self._check_keys(kinds)
        for given in self._arguments:
            _check_argument(self.name, given)

    def _check_keys(self, kinds):
        config = self._config
        tabular = kinds == {"tabular"}
        size = config.mini_batch_size
        size = size.default_value if isinstance(size, PipelineParameter) else size
        if not tabular and isinstance(size, str) and not size.isdigit():
            raise _paths.mistake("ParallelRunStep %s: mini_batch_size %r: of files it is a number of files; sizes are for "
                                 "tables" % (self.name, size))

    def _kind_of(self, given):
        kind = _kind(given)
        if kind is None:
            raise _paths.mistake("ParallelRunStep %s: inputs: %r: expected a dataset (as_named_input), or what an earlier "
                                 "step makes" % (self.name, given))
        dataset = _dataset(given)
        auth = getattr(dataset, "_principal", False)
        if auth:
            raise _paths.mistake(
                "ParallelRunStep %s: the dataset %r is not registered: with a service principal a dataset must be "
                "registered before it is used here: ds = ds.register(ws, NAME, create_new_version=True)"
                % (self.name, dataset))
        return kind

    # ---- what the engine gets

    def _needs(self):
        from azureml.pipeline.core.builder import _core

        cores = [_core(v) for v in self._side_inputs]
        return PipelineStep._needs(self) + [c["producer"] for c in cores if c and c["producer"] not in (None, self)]

    def _compile(self, document):
        config = self._config
        folder, script = config._entry()
        options = config._given(document)
        tables = [i for i in self._inputs if document.is_tabular(i)]
        if any(isinstance(document.unbound(i), _outputs.Reading) for i in tables):
            options["input-format"] = {"value": "tabular", "from": "the input"}
        variables = dict(getattr(config.environment, "environment_variables", None) or {})
        variables.update(config.environment_variables or {})
        job = {"entry": script, "inputs": [document.input(v, n, True) for n, v in enumerate(self._inputs)],
               "arguments": [document.word(self, v) for v in self._arguments], "options": options,
               "environment": document.environment(variables), "models": document.models(),
               "python": _python(config.environment), "python_why": "it runs the script that submitted this"}
        if folder:
            job["code_dir"] = folder
        self._compile_output(job, options)
        return dict(document.of_step(self, "parallel"), job=job)

    def _compile_output(self, job, options):
        output = self._rows
        rows = options["output-action"]["value"] == "append_row"
        if output is not None:
            job["outputs"] = [{"name": output.name, "type": "uri_folder", "path": output._path}]
        if output is not None and rows:
            job["append_row_to"] = output.name
        if rows and self._config.append_row_file_name and output is not None:
            job["append_row_file_name"] = self._config.append_row_file_name


def _python(environment):
    return environment._interpreter() if hasattr(environment, "_interpreter") else _engine.python()


def _one_output(name, output):
    if output is None:
        return None
    found = _output(output)
    if found is None:
        raise _paths.mistake("ParallelRunStep %s: output %r: expected one PipelineData or OutputFileDatasetConfig"
                             % (name, output))
    return found


def _dataset(given):
    value = given.dataset if isinstance(given, DatasetConsumptionConfig) else given
    return value.default_value if isinstance(value, PipelineParameter) else value


def _kind(given):
    """"file" or "tabular"; None: no data."""
    from azureml.pipeline.core.graph import InputPortBinding

    if isinstance(given, InputPortBinding):
        return _kind(given.bind_object)
    value = _dataset(given)
    if isinstance(value, (AbstractDataset, _outputs.Reading)):
        return value._kind
    if isinstance(value, _outputs.Output) or hasattr(value, "_local"):
        return "file"
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], PipelineParameter):
        return "file"
    return None


def _check_argument(name, given):
    from prs_azureml import _compile

    value = given.default_value if isinstance(given, PipelineParameter) else given
    known = isinstance(value, (str, int, float)) or _kind(value) or _compile.is_data(value)
    if not known:
        raise _paths.mistake("ParallelRunStep %s: arguments: %r: expected a text, a number, a PipelineParameter, data or an "
                             "output" % (name, given))


def __getattr__(name):
    return _names.missing(__name__, name, globals())
