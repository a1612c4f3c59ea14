# SPDX-License-Identifier: Apache-2.0
"""azureml.core.compute_target"""
from prs_azureml import _names

__getattr__, __dir__, __all__ = _names.lazy(__name__, {
    "ComputeTarget": "azureml.core.compute", "AmlCompute": "azureml.core.compute",
    "ComputeTargetException": "azureml.exceptions",
})
