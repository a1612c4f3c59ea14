# SPDX-License-Identifier: Apache-2.0
"""azureml.core.workspace"""
import os

from prs_azureml import _engine, _names, _paths

_CLOUD = "a workspace here is a folder"


class _Any(dict):
    """{name: thing} where any name exists."""

    def __init__(self, make, known=()):
        dict.__init__(self, ((k, make(k)) for k in known))
        self._make = make

    def __missing__(self, name):
        self[name] = self._make(name)
        return self[name]

    def __contains__(self, name):
        return True

    def get(self, name, default=None):
        return self[name]


class _Entries(dict):
    """{name: latest} of the registry, each made when it is asked for."""

    def __init__(self, names, make):
        dict.__init__(self, dict.fromkeys(names))
        self._make = make

    def __getitem__(self, name):
        if dict.__getitem__(self, name) is None:
            dict.__setitem__(self, name, self._make(name))
        return dict.__getitem__(self, name)

    def get(self, name, default=None):
        return self[name] if name in self else default

    def values(self):
        return [self[name] for name in self]

    def items(self):
        return [(name, self[name]) for name in self]


class Workspace(_names.Described):
    """A workspace: the folder .prs/<name>/ (docs/python.md). Nothing is made before something is registered."""

    DEFAULT_CPU_CLUSTER_CONFIGURATION = DEFAULT_GPU_CLUSTER_CONFIGURATION = None

    @_names.unused(_workspace_id=_CLOUD, sku=_CLOUD, tags=_CLOUD, _location=_CLOUD, _disable_service_check=_CLOUD,
                   _cloud=_CLOUD)
    def __init__(self, subscription_id=None, resource_group=None, workspace_name=None, auth=None, _location=None,
                 _disable_service_check=False, _workspace_id=None, sku="basic", tags=None, _cloud="AzureCloud"):
        self._begin(_engine.workspace(workspace_name), subscription_id, resource_group, auth)

    def _begin(self, shown, subscription_id=None, resource_group=None, auth=None):
        self._path = shown["path"]
        self.name = shown["name"]
        self.location = shown["location"]
        self.subscription_id = subscription_id or shown["subscription_id"]
        self.resource_group = resource_group or shown["resource_group"]
        self.sku, self.tags = "basic", {}
        self._auth = auth

    @classmethod
    def _of(cls, shown, *more):
        made = cls.__new__(cls)
        made._begin(shown, *more)
        return made

    def __repr__(self):
        return "Workspace.create(name=%r, subscription_id=%r, resource_group=%r)" % (
            self.name, self.subscription_id, self.resource_group)

    @classmethod
    @_names.unused(_logger=_CLOUD, _file_name=_CLOUD)
    def from_config(cls, path=None, auth=None, _logger=None, _file_name=None):
        """The workspace that the nearest config.json names, else the one of this folder."""
        folder = os.path.dirname(os.path.abspath(path)) if path and os.path.isfile(path) else path
        return cls._of(_engine.workspace(folder=folder), None, None, auth)

    @classmethod
    @_names.unused(location=_CLOUD, cloud=_CLOUD, id=_CLOUD)
    def get(cls, name=None, auth=None, subscription_id=None, resource_group=None, location=None, cloud="AzureCloud",
            id=None):  # noqa: A002
        """The workspace of a name."""
        return cls._of(_engine.workspace(name), subscription_id, resource_group, auth)

    @classmethod
    @_names.unused(create_resource_group=_CLOUD, sku=_CLOUD, tags=_CLOUD, friendly_name=_CLOUD, storage_account=_CLOUD,
                   key_vault=_CLOUD, app_insights=_CLOUD, container_registry=_CLOUD, adb_workspace=_CLOUD, location=_CLOUD,
                   cmk_keyvault=_CLOUD, resource_cmk_uri=_CLOUD, hbi_workspace=_CLOUD, default_cpu_compute_target=_CLOUD,
                   default_gpu_compute_target=_CLOUD, private_endpoint_config=_CLOUD, private_endpoint_auto_approval=_CLOUD,
                   show_output=_CLOUD)
    def create(cls, name, auth=None, subscription_id=None, resource_group=None, location=None, create_resource_group=True,
               sku="basic", tags=None, friendly_name=None, storage_account=None, key_vault=None, app_insights=None,
               container_registry=None, adb_workspace=None, cmk_keyvault=None, resource_cmk_uri=None, hbi_workspace=False,
               default_cpu_compute_target=None, default_gpu_compute_target=None, private_endpoint_config=None,
               private_endpoint_auto_approval=True, exist_ok=False, show_output=True):
        """Makes its folder; one that is there is an error unless exist_ok."""
        if not exist_ok and _engine.workspace(name)["made"]:
            from azureml.exceptions import WorkspaceException

            raise WorkspaceException("the workspace %s is there: exist_ok=True takes it%s" % (name, _names.script_place()))
        return cls._of(_engine.workspace_create(name), subscription_id, resource_group, auth)

    @classmethod
    @_names.unused(auth=_CLOUD, subscription_id=_CLOUD, resource_group=_CLOUD)
    def list(cls, subscription_id, auth=None, resource_group=None):
        """{name: [workspace]} of those here."""
        return {w["name"]: [cls._of(w)] for w in _engine.workspaces()}

    def write_config(self, path=None, file_name=None):
        """.azureml/config.json, which names the workspace for from_config()."""
        import json

        folder = os.path.join(path or ".", ".azureml")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, file_name or "config.json"), "w", encoding="utf-8") as f:
            json.dump({"subscription_id": self.subscription_id, "resource_group": self.resource_group,
                       "workspace_name": self.name}, f, indent=4)

    # ---- what is in it

    def get_default_datastore(self):
        """The datastore that is taken when none is named."""
        from azureml.core.datastore import Datastore

        return Datastore._of(self, _engine.datastore_default(self._path))

    def set_default_datastore(self, name):
        """Which one that is."""
        _engine.datastore_default(self._path, name)

    @property
    def datastores(self):
        """{name: datastore}."""
        from azureml.core.datastore import Datastore

        return {d["name"]: Datastore._of(self, d) for d in _engine.datastores(self._path)}

    @property
    def compute_targets(self):
        """{name: AmlCompute}; any name exists and means this machine."""
        from azureml.core.compute import AmlCompute

        return _Any(lambda name: AmlCompute(self, name))

    @property
    def datasets(self):
        """{name: the latest version}."""
        from azureml.core.dataset import Dataset

        names = sorted(e["name"] for e in _engine.entries("dataset", self._path))
        return _Entries(names, lambda name: Dataset.get_by_name(self, name))

    @property
    def models(self):
        """{name: the latest version}."""
        from azureml.core.model import Model

        return {e["name"]: Model._of(self, e) for e in _engine.entries("model", self._path)}

    @property
    def environments(self):
        """{name: environment}; curated names are this Python."""
        from azureml.core.environment import Environment

        return _Any(lambda name: Environment.get(self, name),
                    sorted(e["name"] for e in _engine.entries("environment", self._path)))

    @property
    def experiments(self):
        """{name: experiment} of this script."""
        from azureml.core.experiment import Experiment

        return dict(Experiment._seen)

    @property
    def images(self):
        """{}: nothing is deployed here."""
        return {}

    webservices = images

    def get_details(self):
        """What it is."""
        return {"id": "/subscriptions/%s/resourceGroups/%s/providers/Microsoft.MachineLearningServices/workspaces/%s"
                      % (self.subscription_id, self.resource_group, self.name),
                "name": self.name, "location": self.location, "type": "Microsoft.MachineLearningServices/workspaces",
                "sku": "Basic", "workspaceid": self.name, "friendlyName": self.name, "storageAccount": self._path,
                "keyVault": os.path.join(self._path, "secrets")}

    def get_default_keyvault(self):
        """The key vault."""
        from azureml.core.keyvault import Keyvault

        return Keyvault(self)

    def get_mlflow_tracking_uri(self):
        """A folder of the workspace that mlflow writes to."""
        return "file://" + os.path.join(self._path, "mlruns")

    @_names.unused(target_service="there is no service")
    def get_run(self, run_id, target_service=None):
        """A run that this script submitted."""
        from prs_azureml import _runs

        for run in _runs.RUNS:
            if run.id == run_id:
                return run
        raise _paths.mistake("no run %s in this script" % run_id)


def __getattr__(name):
    return _names.missing(__name__, name, globals())
