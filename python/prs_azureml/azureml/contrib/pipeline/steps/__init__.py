# SPDX-License-Identifier: Apache-2.0
"""azureml.contrib.pipeline.steps: the classes as they were before azureml.pipeline.steps had them."""
from prs_azureml import _names
from azureml.pipeline.steps.parallel_run_config import ParallelRunConfig as _Config
from azureml.pipeline.steps.parallel_run_step import ParallelRunStep as _Step

_OLD = "of the preview; nothing reads it"


class ParallelRunConfig(_Config):
    """The preview's: all but the environment may be left out."""

    @_names.unused(input_format="the input says what it is")
    def __init__(self, environment=None, entry_script=None, error_threshold=-1, output_action="append_row",
                 compute_target=None, node_count=1, process_count_per_node=None, mini_batch_size=None,
                 source_directory=None, description=None, logging_level="INFO", run_invocation_timeout=60, run_max_try=3,
                 append_row_file_name=None, input_format=None):
        _Config.__init__(self, environment, entry_script, error_threshold, output_action, compute_target, node_count,
                         process_count_per_node, mini_batch_size, source_directory, description, logging_level,
                         run_invocation_timeout, run_max_try, append_row_file_name)


class ParallelRunStep(_Step):
    """The preview's: with models, tags and properties."""

    @_names.unused(models=_OLD, tags=_OLD, properties=_OLD)
    def __init__(self, name, parallel_run_config, inputs, output=None, side_inputs=None, models=None, arguments=None,
                 allow_reuse=True, tags=None, properties=None):
        _Step.__init__(self, name, parallel_run_config, inputs, output, side_inputs, arguments, allow_reuse)


def __getattr__(name):
    return _names.missing(__name__, name, globals())
