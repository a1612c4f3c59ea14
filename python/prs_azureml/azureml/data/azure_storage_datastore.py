# SPDX-License-Identifier: Apache-2.0
"""azureml.data.azure_storage_datastore"""
from prs_azureml import _names

__getattr__, __dir__, __all__ = _names.lazy(__name__, {"AzureBlobDatastore": "azureml.core.datastore"})
