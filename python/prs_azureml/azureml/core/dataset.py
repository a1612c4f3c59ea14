# SPDX-License-Identifier: Apache-2.0
"""azureml.core.dataset"""
from prs_azureml import _names
from azureml.data.abstract_dataset import AbstractDataset
from azureml.data.dataset_factory import FileDatasetFactory, TabularDatasetFactory


class Dataset(_names.Described):
    """Datasets: Dataset.File, Dataset.Tabular, and those of the registry."""

    File = FileDatasetFactory
    Tabular = TabularDatasetFactory
    get_by_name = staticmethod(AbstractDataset.get_by_name)
    get_by_id = staticmethod(AbstractDataset.get_by_id)
    get_all = staticmethod(AbstractDataset.get_all)


def __getattr__(name):
    return _names.missing(__name__, name, globals())
