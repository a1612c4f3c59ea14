# SPDX-License-Identifier: Apache-2.0
"""azureml.pipeline.steps.command_step"""
from prs_azureml import _names

__getattr__, __dir__, __all__ = _names.lazy(__name__, {"CommandStep": "azureml.pipeline.steps.python_script_step"})
