# SPDX-License-Identifier: Apache-2.0
"""azureml.core.authentication: kept in memory; nobody is asked."""
from prs_azureml import _names

_NOBODY = "nobody is asked: this machine is yours"


class AbstractAuthentication(_names.Described):
    """Who somebody is; kept in memory only."""

    _is_service_principal = False

    def get_authentication_header(self):
        """A header for requests to a published pipeline here; it holds no secret."""
        return {"Authorization": "Bearer local"}


class InteractiveLoginAuthentication(AbstractAuthentication):
    """Nobody logs in here."""

    @_names.unused(force=_NOBODY, tenant_id=_NOBODY, cloud=_NOBODY)
    def __init__(self, force=False, tenant_id=None, cloud=None):
        pass


class ServicePrincipalAuthentication(AbstractAuthentication):
    """A service principal: its secret is kept in memory only. As in the original, datasets must then be registered
    before they are the input of a ParallelRunStep."""

    _is_service_principal = True

    @_names.unused(tenant_id=_NOBODY, cloud=_NOBODY, _enable_caching=_NOBODY)
    def __init__(self, tenant_id, service_principal_id, service_principal_password, cloud="AzureCloud",
                 _enable_caching=True):
        self._service_principal_id = service_principal_id
        self._secret = service_principal_password


class MsiAuthentication(AbstractAuthentication):
    """A managed identity."""

    @_names.unused(identity_config=_NOBODY, cloud=_NOBODY)
    def __init__(self, identity_config=None, cloud=None):
        pass


class AzureCliAuthentication(AbstractAuthentication):
    """The login of az."""

    @_names.unused(cloud=_NOBODY)
    def __init__(self, cloud=None):
        pass


class TokenAuthentication(AbstractAuthentication):
    """A token that a function gets."""

    @_names.unused(get_token_for_audience=_NOBODY, cloud=_NOBODY)
    def __init__(self, get_token_for_audience, cloud=None):
        pass


def __getattr__(name):
    return _names.missing(__name__, name, globals())
