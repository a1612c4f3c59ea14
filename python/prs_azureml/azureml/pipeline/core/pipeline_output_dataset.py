# SPDX-License-Identifier: Apache-2.0
"""azureml.pipeline.core.pipeline_output_dataset"""
from prs_azureml import _names, _outputs


class PipelineOutputFileDataset(_outputs.Reading):
    """What a step makes, as files."""


class PipelineOutputTabularDataset(_outputs.Reading):
    """What a step makes, as tables."""


PipelineDataset = PipelineOutputFileDataset


def __getattr__(name):
    return _names.missing(__name__, name, globals())
