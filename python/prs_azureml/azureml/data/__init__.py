# SPDX-License-Identifier: Apache-2.0
"""azureml.data"""
from prs_azureml import _names

__getattr__, __dir__, __all__ = _names.lazy(__name__, {
    "DataType": "azureml.data.dataset_factory",
    "FileDataset": "azureml.data.file_dataset",
    "TabularDataset": "azureml.data.tabular_dataset",
    "OutputFileDatasetConfig": "azureml.data.output_dataset_config",
    "LinkFileOutputDatasetConfig": "azureml.data.output_dataset_config",
})
