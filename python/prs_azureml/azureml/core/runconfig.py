# SPDX-License-Identifier: Apache-2.0
"""azureml.core.runconfig"""
from prs_azureml import _names

DEFAULT_CPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04"
DEFAULT_GPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-cuda11.1-cudnn8-ubuntu20.04"
_IMAGE = "there are no images here"


class DockerConfiguration(_names.Described):
    """Of the original; there are no images here."""

    @_names.unused(use_docker=_IMAGE, shared_volumes=_IMAGE, arguments=_IMAGE, shm_size=_IMAGE)
    def __init__(self, use_docker=False, shared_volumes=True, arguments=None, shm_size=None):
        self.use_docker = use_docker


class MpiConfiguration(_names.Described):
    """Of the original: one process here."""

    @_names.unused(process_count_per_node="a step is one process", node_count="there is one machine")
    def __init__(self, process_count_per_node=1, node_count=1):
        pass


class RunConfiguration(_names.Described):
    """How a step runs: its environment, its variables."""

    @_names.unused(framework="a step is a program", communicator="a step is one process",
                   _history_enabled="runs are kept", _name="a configuration needs no name",
                   _path="nothing is read")
    def __init__(self, script=None, arguments=None, framework=None, communicator=None, conda_dependencies=None,
                 _history_enabled=None, _path=None, _name=None):
        from azureml.core.environment import Environment

        self.script, self.arguments = script, arguments or []
        self.target = "local"
        self.environment = Environment("default")
        self.environment_variables = {}
        self.docker = DockerConfiguration()
        self.framework, self.communicator, self.node_count, self.max_run_duration_seconds = "Python", "None", 1, None
        if conda_dependencies is not None:
            self.environment.python.conda_dependencies = conda_dependencies
        self.history, self.amlcompute, self.data, self.data_references = _Any(), _Any(), {}, {}

    def __repr__(self):
        return "RunConfiguration(environment=%r)" % self.environment


class _Any(_names.Described):
    """Settings of the original that are kept and not used."""


_ALSO = {"CondaDependencies": "azureml.core.conda_dependencies", "DockerSection": "azureml.core.environment",
         "Environment": "azureml.core.environment"}  # the original's module has it, too


def __getattr__(name):
    return _names.also(__name__, name, _ALSO, globals())
