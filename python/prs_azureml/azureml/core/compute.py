# SPDX-License-Identifier: Apache-2.0
"""azureml.core.compute: any name exists and means this machine."""
from prs_azureml import _names

_HERE = "any compute target is this machine"


class _Status(_names.Described):
    def __init__(self, target):
        self._target = target
        self.allocation_state = "Steady"
        self.current_node_count = self.target_node_count = 1
        self.vm_size, self.errors = target.vm_size, None
        self.provisioning_state = "Succeeded"

    def serialize(self):
        """As a dict."""
        return {"allocationState": "Steady", "currentNodeCount": 1, "targetNodeCount": 1, "errors": None,
                "provisioningState": "Succeeded", "vmSize": self.vm_size, "name": self._target.name,
                "nodeStateCounts": {"idleNodeCount": 1, "runningNodeCount": 0, "preparingNodeCount": 0,
                                    "leavingNodeCount": 0, "unusableNodeCount": 0, "preemptedNodeCount": 0}}


class ComputeTarget(_names.Described):
    """This machine, by any name."""

    type = "AmlCompute"  # noqa: A003

    def __init__(self, workspace, name):
        self.workspace, self.name = workspace, name
        self.vm_size = "local"
        self.provisioning_state = "Succeeded"
        self.location, self.tags, self.provisioning_errors = "local", {}, None

    def __repr__(self):
        return "%s(name=%r)" % (type(self).__name__, self.name)

    @staticmethod
    @_names.unused(provisioning_configuration=_HERE)
    def create(workspace, name, provisioning_configuration):
        """Nothing is made: it is this machine."""
        _names.say_once("compute target %s: %s" % (name, _HERE))
        return AmlCompute(workspace, name)

    @staticmethod
    @_names.unused(attach_configuration=_HERE)
    def attach(workspace, name, attach_configuration):
        """Nothing is attached: it is this machine."""
        return AmlCompute(workspace, name)

    @staticmethod
    def list(workspace):
        """Those that were asked for."""
        return list(workspace.compute_targets.values())

    @_names.unused(show_output=_HERE, min_node_count=_HERE, timeout_in_minutes=_HERE,
                   is_delete_operation=_HERE)
    def wait_for_completion(self, show_output=False, min_node_count=None, timeout_in_minutes=25,
                            is_delete_operation=False):
        """It is there."""

    def get_status(self):
        """Its state; serialize() makes a dict of it."""
        return _Status(self)

    def serialize(self):
        """As a dict."""
        return dict(self.get_status().serialize(), type=self.type)

    def refresh_state(self):
        """Nothing changes."""

    def delete(self):
        """This machine stays."""

    detach = delete

    @_names.unused(min_nodes=_HERE, max_nodes=_HERE, idle_seconds_before_scaledown=_HERE)
    def update(self, min_nodes=None, max_nodes=None, idle_seconds_before_scaledown=None):
        """Nothing changes."""


class _Configuration(_names.Described):
    def __init__(self, **given):
        self.__dict__.update(given)


class AmlCompute(ComputeTarget):
    """A cluster: this machine."""

    @staticmethod
    @_names.unused(**dict.fromkeys(
        "vm_priority min_nodes max_nodes idle_seconds_before_scaledown admin_username admin_user_password "
        "admin_user_ssh_key vnet_resourcegroup_name vnet_name subnet_name tags description "
        "remote_login_port_public_access identity_type identity_id location enable_node_public_ip".split(), _HERE))
    def provisioning_configuration(vm_size="", vm_priority="dedicated", min_nodes=0, max_nodes=None,
                                   idle_seconds_before_scaledown=1800, admin_username=None, admin_user_password=None,
                                   admin_user_ssh_key=None, vnet_resourcegroup_name=None, vnet_name=None,
                                   subnet_name=None, tags=None, description=None,
                                   remote_login_port_public_access="NotSpecified", identity_type=None, identity_id=None,
                                   location=None, enable_node_public_ip=True):
        """What create() takes."""
        return _Configuration(vm_size=vm_size)


class ComputeInstance(ComputeTarget):
    """This machine."""

    type = "ComputeInstance"  # noqa: A003


def __getattr__(name):
    return _names.missing(__name__, name, globals())
