# SPDX-License-Identifier: Apache-2.0
"""azureml.telemetry"""
from prs_azureml import _names


@_names.unused(send_diagnostics="nothing is sent anywhere", verbosity="nothing is sent anywhere")
def set_diagnostics_collection(send_diagnostics=True, verbosity=None):
    """Nothing is collected here."""


def __getattr__(name):
    return _names.missing(__name__, name, globals())
