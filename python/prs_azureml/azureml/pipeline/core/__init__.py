# SPDX-License-Identifier: Apache-2.0
"""azureml.pipeline.core"""
from prs_azureml import _names

__getattr__, __dir__, __all__ = _names.lazy(__name__, {
    "InputPortBinding": "azureml.pipeline.core.graph",
    "OutputPortBinding": "azureml.pipeline.core.graph",
    "OutputFileDatasetConfig": "azureml.data.output_dataset_config",
    "Pipeline": "azureml.pipeline.core.pipeline",
    "PipelineData": "azureml.pipeline.core.builder",
    "PipelineDataset": "azureml.pipeline.core.pipeline_output_dataset",
    "PipelineParameter": "azureml.pipeline.core.graph",
    "PipelineRun": "azureml.pipeline.core.run",
    "PipelineStep": "azureml.pipeline.core.builder",
    "PortDataReference": "azureml.pipeline.core.run",
    "StepRun": "azureml.pipeline.core.run",
    "StepSequence": "azureml.pipeline.core.builder",
})
