# SPDX-License-Identifier: Apache-2.0
"""azureml.pipeline.steps"""
from prs_azureml import _names

__getattr__, __dir__, __all__ = _names.lazy(__name__, {
    "CommandStep": "azureml.pipeline.steps.command_step",
    "ParallelRunConfig": "azureml.pipeline.steps.parallel_run_config",
    "ParallelRunStep": "azureml.pipeline.steps.parallel_run_step",
    "PythonScriptStep": "azureml.pipeline.steps.python_script_step",
})
