# SPDX-License-Identifier: Apache-2.0
"""azureml.core.datastore: a datastore is a folder of this machine."""
import os

from prs_azureml import _engine, _names, _paths

_FOLDER = "a datastore here is a folder"

def _whys(names):
    return {name: _FOLDER for name in names.split()}


class Datastore(_names.Described):
    """A datastore of the workspace. Datastore(ws, name) is the one that is registered there."""

    def __new__(cls, workspace, name=None):
        return cls._of(workspace, _shown(workspace, name))

    @classmethod
    def _of(cls, workspace, shown):
        made = object.__new__(AzureBlobDatastore)
        made.workspace, made.name, made._shown = workspace, shown["name"], shown
        made.datastore_type = shown.get("type") or "AzureBlob"
        made.account_name, made.container_name = shown.get("account") or "", shown.get("container") or ""
        made.is_default = bool(shown.get("default"))
        return made

    def __repr__(self):
        return "Datastore(%r, %r)" % (self.name, self._shown.get("folder"))

    def _folder(self):
        folder = self._shown.get("folder")
        if folder:
            return os.path.normpath(folder)
        raise _paths.mistake(
            "datastore %s is a blob container (account %s, container %s) and has no folder on this machine: "
            "prs datastore register %s --folder DIR, or datastores: {%s: DIR} in prs.yml"
            % (self.name, self.account_name or "-", self.container_name or "-", self.name, self.name))

    # ---- those of a workspace

    @staticmethod
    def get(workspace, datastore_name):
        """The datastore of a name."""
        return Datastore(workspace, datastore_name)

    @staticmethod
    def get_default(workspace):
        """The one that is taken when none is named."""
        return workspace.get_default_datastore()

    @staticmethod
    @_names.unused(**_whys("endpoint protocol create_if_not_exists skip_validation blob_cache_timeout "
                           "grant_workspace_access subscription_id resource_group"))
    def register_azure_blob_container(workspace, datastore_name, container_name, account_name, sas_token=None,
                                      account_key=None, protocol=None, endpoint=None, overwrite=False,
                                      create_if_not_exists=False, skip_validation=False, blob_cache_timeout=None,
                                      grant_workspace_access=False, subscription_id=None, resource_group=None):
        """A container by its name; what lies in it is a folder that `prs datastore register NAME --folder DIR` says."""
        return _register(workspace, datastore_name, "azure_blob", account_name, container_name, account_key or sas_token,
                         overwrite)

    @staticmethod
    @_names.unused(**_whys("endpoint protocol create_if_not_exists skip_validation"))
    def register_azure_file_share(workspace, datastore_name, file_share_name, account_name, sas_token=None,
                                  account_key=None, protocol=None, endpoint=None, overwrite=False,
                                  create_if_not_exists=False, skip_validation=False):
        """A file share by its name."""
        return _register(workspace, datastore_name, "azure_file", account_name, file_share_name, account_key or sas_token,
                         overwrite)

    @staticmethod
    @_names.unused(**_whys("tenant_id client_id resource_url authority_url subscription_id resource_group "
                           "grant_workspace_access"))
    def register_azure_data_lake(workspace, datastore_name, store_name, tenant_id=None, client_id=None,
                                 client_secret=None, resource_url=None, authority_url=None, subscription_id=None,
                                 resource_group=None, overwrite=False, grant_workspace_access=False):
        """A data lake by its name."""
        return _register(workspace, datastore_name, "azure_data_lake_gen1", store_name, "", client_secret, overwrite)

    @staticmethod
    @_names.unused(**_whys("tenant_id client_id resource_url authority_url protocol endpoint "
                           "subscription_id resource_group grant_workspace_access"))
    def register_azure_data_lake_gen2(workspace, datastore_name, filesystem, account_name, tenant_id=None, client_id=None,
                                      client_secret=None, resource_url=None, authority_url=None, protocol=None,
                                      endpoint=None, overwrite=False, subscription_id=None, resource_group=None,
                                      grant_workspace_access=False):
        """A data lake by its name."""
        return _register(workspace, datastore_name, "azure_data_lake_gen2", account_name, filesystem, client_secret,
                         overwrite)

    def set_as_default(self):
        """It is taken when none is named."""
        self.workspace.set_default_datastore(self.name)

    def unregister(self):
        """Forgets it; the data stays."""
        _engine.call("datastore", "remove", self.name, "--workspace", self.workspace._path)


def _shown(workspace, name):
    if not name:
        return _engine.datastore_default(workspace._path)
    return _engine.datastore(name, workspace._path)


def _register(workspace, name, kind, account, container, key, overwrite):
    there = {d["name"]: d for d in _engine.datastores(workspace._path)}.get(name)
    if there and not overwrite and (there.get("account") or "", there.get("container") or "") != (account, container):
        raise _paths.mistake("the datastore %s is there: overwrite=True replaces it" % name)
    if there and there.get("folder"):  # somebody said where it is here: that stays
        return Datastore._of(workspace, there)
    flags = ["--type", kind, "--account", account] + (["--container", container] if container else [])
    return Datastore._of(workspace, _engine.datastore_register(name, workspace._path, flags, key))


class AzureBlobDatastore(Datastore):
    """The folder of a datastore."""

    def path(self, path=None, data_reference_name=None):
        """A DataReference to something in it."""
        from azureml.data.data_reference import DataReference

        return DataReference(self, data_reference_name or None, path)

    def as_mount(self):
        """A DataReference to all of it."""
        return self.path()

    as_download = as_mount

    def upload(self, src_dir, target_path=None, overwrite=False, show_progress=True):
        """Copies the files of a folder into it; a DataReference to them."""
        if not os.path.isdir(src_dir):
            raise _paths.mistake("no such folder: %s" % src_dir)
        _paths.copy_tree(os.path.abspath(src_dir), _paths.within(self, target_path), overwrite, show_progress)
        return self.path(target_path)

    def upload_files(self, files, relative_root=None, target_path=None, overwrite=False, show_progress=True):
        """Copies files into it, by their names relative to relative_root (default: the folder that they share)."""
        paths = [os.path.abspath(f) for f in files]
        for path in paths:
            if not os.path.isfile(path):
                raise _paths.mistake("no such file: %s" % path)
        folders = [os.path.dirname(p) for p in paths]
        root = os.path.abspath(relative_root) if relative_root else os.path.commonpath(folders) if folders else "/"
        target, done = _paths.within(self, target_path), 0
        for path in paths:
            done += _paths.copy(path, os.path.join(target, os.path.relpath(path, root)), overwrite)
        if show_progress:
            print("%d of %d files copied to %s" % (done, len(paths), target))
        return self.path(target_path)

    def download(self, target_path, prefix=None, overwrite=False, show_progress=True):
        """Copies what begins with the prefix out of it, under the same relative names; how many files."""
        root = self._folder()
        head = os.path.join(root, prefix) if prefix else root
        found = [p for p in _paths.files(root) if p.startswith(head)]
        done = sum(_paths.copy(p, os.path.join(target_path, os.path.relpath(p, root)), overwrite) for p in found)
        if show_progress:
            print("%d of %d files copied to %s" % (done, len(found), target_path))
        return done


def __getattr__(name):
    return _names.missing(__name__, name, globals())
