# SPDX-License-Identifier: Apache-2.0
"""azureml.pipeline"""


def __getattr__(name):
    from prs_azureml import _names

    return _names.missing(__name__, name, globals())
