# SPDX-License-Identifier: Apache-2.0
"""azureml.core.keyvault"""
import os

from prs_azureml import _engine, _names


class Keyvault(_names.Described):
    """The secrets of a workspace: $PRS_SECRET_<NAME>, else a file of the workspace that only its owner reads."""

    def __init__(self, workspace):
        self.workspace = workspace

    def get_secret(self, name):
        """The secret, None = there is none."""
        found = [s for s in _engine.secrets(self.workspace._path) if s["name"] == name]
        variable = "PRS_SECRET_" + "".join(c if c.isalnum() and c.isascii() else "_" for c in name).upper()
        if variable in os.environ:
            return os.environ[variable]
        if found and found[0].get("file"):
            with open(found[0]["file"], encoding="utf-8") as f:
                return f.read()
        return None

    def get_secrets(self, secrets):
        """{name: secret}."""
        return {name: self.get_secret(name) for name in secrets}

    def set_secret(self, name, value):
        """Keeps it in the workspace."""
        _engine.secret_set(name, value, self.workspace._path)

    def set_secrets(self, secrets_batch):
        """Keeps all of {name: secret}."""
        for name, value in secrets_batch.items():
            self.set_secret(name, value)

    def list_secrets(self):
        """[{"name": ...}]."""
        return [{"name": s["name"]} for s in _engine.secrets(self.workspace._path)]

    def delete_secret(self, name):
        """Forgets it."""
        _engine.secret_delete(name, self.workspace._path)

    def delete_secrets(self, secrets):
        """Forgets all of them."""
        for name in secrets:
            self.delete_secret(name)


def __getattr__(name):
    return _names.missing(__name__, name, globals())
