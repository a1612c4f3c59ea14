# SPDX-License-Identifier: Apache-2.0
"""azureml.core.script_run_config"""
from prs_azureml import _names

_HERE = "a step runs on this machine"


class ScriptRunConfig(_names.Described):
    """A script, or a command, and how it runs: submit() makes a pipeline of one step of it."""

    @_names.unused(resume_from="a run is resumed with prs resume", distributed_job_config="a step is one process",
                   max_run_duration_seconds=_HERE, docker_runtime_config="there are no images here",
                   _telemetry_values="nothing is sent", compute_target=_HERE)
    def __init__(self, source_directory, script=None, arguments=None, run_config=None, _telemetry_values=None,
                 compute_target=None, environment=None, distributed_job_config=None, resume_from=None,
                 max_run_duration_seconds=2592000, command=None, docker_runtime_config=None):
        from azureml.core.runconfig import RunConfiguration

        self.source_directory, self.script, self.arguments, self.command = source_directory, script, arguments, command
        self.run_config = run_config or RunConfiguration()
        if environment is not None:
            self.run_config.environment = environment

    def _pipeline(self, workspace):
        from azureml.pipeline.core.pipeline import Pipeline
        from azureml.pipeline.steps.python_script_step import CommandStep, PythonScriptStep

        if self.command:
            step = CommandStep(self.command, runconfig=self.run_config, source_directory=self.source_directory,
                               allow_reuse=False)
        else:
            step = PythonScriptStep(self.script, arguments=self.arguments, runconfig=self.run_config,
                                    source_directory=self.source_directory, allow_reuse=False)
        return Pipeline(workspace, [step])


def __getattr__(name):
    return _names.missing(__name__, name, globals())
