# SPDX-License-Identifier: Apache-2.0
"""azureml.pipeline.core.pipeline"""
from prs_azureml import _names, _paths

_HERE = "pipelines run on this machine"


class Pipeline(_names.Described):
    """Steps, and all that make what these read: Pipeline(ws, steps=[last]) is whole."""

    @_names.unused(default_datastore="outputs lie in the run folder", _workflow_provider=_HERE, _service_endpoint=_HERE,
                   default_source_directory="a step has its own", resolve_closure="what steps read is always pulled in", kwargs=_HERE)
    def __init__(self, workspace, steps, description=None, default_datastore=None, default_source_directory=None,
                 resolve_closure=True, _workflow_provider=None, _service_endpoint=None, **kwargs):
        from azureml.pipeline.core.builder import _all

        self.workspace, self.description = workspace, description
        self._given = _all(steps)
        if not self._given:
            raise _paths.mistake("a pipeline needs a step")

    @property
    def steps(self):
        """All steps, producers first."""
        from prs_azureml import _compile

        return _compile.closure(self._given)

    def validate(self):
        """What the engine says of it before anything runs: a list of mistakes, [] = none."""
        from prs_azureml import _compile, _engine

        found = _engine.validate(_compile.document(self, "pipeline", {}))
        print("\n".join(found) if found else "Validation complete: %d steps" % len(self.steps))
        return found

    @_names.unused(credential_passthrough=_HERE, parent_run_id="runs have no parents")
    def submit(self, experiment_name, pipeline_parameters=None, continue_on_step_failure=False, regenerate_outputs=False,
               parent_run_id=None, credential_passthrough=None, **kwargs):
        """Runs it."""
        from azureml.core.experiment import Experiment

        return Experiment(self.workspace, experiment_name).submit(
            self, pipeline_parameters=pipeline_parameters, continue_on_step_failure=continue_on_step_failure,
            regenerate_outputs=regenerate_outputs, **kwargs)

    @_names.unused(name=_HERE, description=_HERE, version=_HERE, continue_on_step_failure=_HERE, kwargs=_HERE)
    def publish(self, name=None, description=None, version=None, continue_on_step_failure=None, **kwargs):
        """Not here yet: submit() runs it."""
        raise _paths.mistake("Pipeline.publish() is not part of PRS yet: Experiment.submit(pipeline) runs it")


def __getattr__(name):
    return _names.missing(__name__, name, globals())
