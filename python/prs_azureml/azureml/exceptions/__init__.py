# SPDX-License-Identifier: Apache-2.0
"""azureml.exceptions"""


class AzureMLException(Exception):
    """What all of the SDK's exceptions are."""

    def __init__(self, exception_message="", inner_exception=None, **kwargs):
        Exception.__init__(self, exception_message)
        self.message = exception_message
        self.inner_exception = inner_exception
        self.__dict__.update(kwargs)


class UserErrorException(AzureMLException, ValueError):
    """The script asked for something that cannot be."""


def _kind(name, base, doc):
    return type(name, (base,), {"__module__": __name__, "__doc__": doc})


_KINDS = {
    "ActivityFailedException": (AzureMLException, "A run failed."),
    "ActivityCanceledException": (AzureMLException, "A run was canceled."),
    "AuthenticationException": (AzureMLException, "Never raised here."),
    "ComputeTargetException": (AzureMLException, "A compute target cannot be had; never raised here: any name exists."),
    "DatasetExecutionError": (AzureMLException, "Data could not be read."),
    "DatasetValidationError": (AzureMLException, "Data is not there."),
    "ExperimentExecutionException": (AzureMLException, "A run failed."),
    "ModelNotFoundException": (AzureMLException, "There is no such model."),
    "ProjectSystemException": (UserErrorException, "A workspace cannot be had."),
    "RunConfigurationException": (UserErrorException, "A configuration says something that cannot be."),
    "RunEnvironmentException": (AzureMLException, "There is no run to be found here."),
    "SnapshotException": (AzureMLException, "Never raised here."),
    "TrainingException": (AzureMLException, "Never raised here."),
    "WebserviceException": (AzureMLException, "Never raised here."),
    "WorkspaceException": (AzureMLException, "A workspace cannot be had."),
}
globals().update((name, _kind(name, *what)) for name, what in _KINDS.items())


def __getattr__(name):
    from prs_azureml import _names

    return _names.missing(__name__, name, globals())
