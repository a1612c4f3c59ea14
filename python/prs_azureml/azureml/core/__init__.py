# SPDX-License-Identifier: Apache-2.0
"""azureml.core"""
from prs_azureml import _names

VERSION = __version__ = "1.60.0"  # the SDK whose names are here

__getattr__, __dir__, __all__ = _names.lazy(__name__, {
    "ComputeTarget": "azureml.core.compute",
    "Dataset": "azureml.core.dataset",
    "Datastore": "azureml.core.datastore",
    "Environment": "azureml.core.environment",
    "Experiment": "azureml.core.experiment",
    "Keyvault": "azureml.core.keyvault",
    "Model": "azureml.core.model",
    "Run": "azureml.core.run",
    "RunConfiguration": "azureml.core.runconfig",
    "ScriptRunConfig": "azureml.core.script_run_config",
    "Workspace": "azureml.core.workspace",
})
