# SPDX-License-Identifier: Apache-2.0
"""azureml.core.experiment"""
from prs_azureml import _names, _paths

_KEPT = "runs are kept as folders (prs list)"


class Experiment(_names.Described):
    """The name that runs are submitted under."""

    _seen = {}

    @_names.unused(_skip_name_validation=_KEPT, _id=_KEPT, _archived_time=_KEPT)
    def __init__(self, workspace, name, _skip_name_validation=False, _id=None, _archived_time=None):
        if not isinstance(name, str) or not name:
            raise _paths.mistake("name %r of an Experiment: expected a text" % (name,))
        self.workspace, self.name = workspace, name
        self.id = name
        self.tags = {}
        self._seen[name] = self

    def __repr__(self):
        return "Experiment(Name: %s, Workspace: %s)" % (self.name, self.workspace.name)

    @_names.unused(kwargs=_KEPT)
    def submit(self, config, tags=None, pipeline_parameters=None, continue_on_step_failure=False, regenerate_outputs=False,
               **kwargs):
        """Runs a Pipeline, or a ScriptRunConfig as a pipeline of one step, on this machine; the run."""
        from azureml.core.script_run_config import ScriptRunConfig
        from azureml.pipeline.core.pipeline import Pipeline
        from prs_azureml import _compile, _runs

        if isinstance(config, ScriptRunConfig):
            config = config._pipeline(self.workspace)
        if not isinstance(config, Pipeline):
            raise _paths.mistake("submit(%r): expected a Pipeline or a ScriptRunConfig" % (config,))
        values = _values(pipeline_parameters)
        document = _compile.document(config, self.name, values, regenerate_outputs, continue_on_step_failure)
        return _runs.submit(self, config, document, dict(tags or {}))

    def get_runs(self, type=None, tags=None, properties=None, include_children=False):  # noqa: A002
        """The runs that this script submitted, the last first."""
        from prs_azureml import _runs

        found = [r for r in reversed(_runs.RUNS) if r.experiment.name == self.name]
        found = [r for r in found if all(r.tags.get(k) == v for k, v in (tags or {}).items())]
        if type or properties:
            _names.say_once("get_runs(type=, properties=) are known and not used")
        return iter([c for r in found for c in ([r] + (list(r.get_children()) if include_children else []))])

    @staticmethod
    @_names.unused(view_type=_KEPT, tags=_KEPT)
    def list(workspace, experiment_name=None, view_type="ActiveOnly", tags=None):  # noqa: A003
        """Those of this script."""
        return [e for e in workspace.experiments.values() if experiment_name in (None, e.name)]

    def get_portal_url(self):
        """There is no portal: where the runs lie."""
        return "prs list"

    def archive(self):
        """Nothing is archived."""


def _values(parameters):
    if parameters is None:
        return {}
    if not isinstance(parameters, dict):
        raise _paths.mistake("pipeline_parameters %r: expected a dict" % (parameters,))
    return dict(parameters)


def __getattr__(name):
    return _names.missing(__name__, name, globals())
