# SPDX-License-Identifier: Apache-2.0
"""azureml.core.model"""
import os

from prs_azureml import _engine, _names, _paths

_KEPT = "kept nowhere: tags and properties are"


class Model(_names.Described):
    """A registered model: a copy of its files in the workspace. Model(ws, name) is the latest, or a version."""

    @_names.unused(run_id="a model is not looked up by its run", kwargs=_KEPT)
    def __init__(self, workspace, name=None, id=None, tags=None, properties=None, version=None, run_id=None,  # noqa: A002
                 model_framework=None, **kwargs):
        full = id or (name + (":%s" % version if version else ""))
        self._begin(workspace, _find(workspace, full, tags, properties, model_framework))

    def _begin(self, workspace, entry):
        self.workspace, self._entry = workspace, entry
        self.name, self.version = entry["name"], int(entry["version"]) if entry["version"].isdigit() else entry["version"]
        self.id = "%s:%s" % (self.name, self.version)
        self.tags, self.properties = entry.get("tags") or {}, entry.get("properties") or {}
        self.description = entry.get("description") or None
        self.url = entry["uri"]
        self.created_time = entry.get("created_us")
        self.model_framework = entry["definition"].get("framework")

    @classmethod
    def _of(cls, workspace, entry):
        made = cls.__new__(cls)
        made._begin(workspace, entry)
        return made

    def __repr__(self):
        return "Model(name=%s, id=%s, tags=%s, properties=%s)" % (self.name, self.id, self.tags, self.properties)

    @staticmethod
    @_names.unused(datasets=_KEPT, child_paths=_KEPT, sample_input_dataset=_KEPT, sample_output_dataset=_KEPT,
                   resource_configuration=_KEPT, model_framework_version=_KEPT, kwargs=_KEPT)
    def register(workspace, model_path, model_name, tags=None, properties=None, description=None, datasets=None,
                 model_framework=None, model_framework_version=None, child_paths=None, sample_input_dataset=None,
                 sample_output_dataset=None, resource_configuration=None, **kwargs):
        """Copies a file or folder into the workspace as the next version."""
        path = os.path.abspath(model_path)
        if not os.path.exists(path):
            raise _paths.mistake("no such file or folder: %s" % path)
        what = {"tags": _pairs(tags), "properties": _pairs(properties), "description": description or ""}
        if model_framework:
            what["definition"] = {"framework": str(model_framework)}
        entry = _engine.register("model", model_name, workspace._path, what, "--path", path)
        print("Registering model %s" % model_name)
        return Model._of(workspace, entry)

    @staticmethod
    def get_model_path(model_name, version=None, _workspace=None):
        """Where a model lies: of the workspace here, else what the run was given."""
        from azureml.core.workspace import Workspace

        workspace = _workspace or Workspace.from_config()
        return _find(workspace, model_name + (":%s" % version if version else ""))["local"]

    @staticmethod
    @_names.unused(run_id="a model is not looked up by its run", expand=_KEPT, page_count=_KEPT,
                   dataset_id="a model is not looked up by its data")
    def list(workspace, name=None, tags=None, properties=None, run_id=None, latest=False, dataset_id=None,  # noqa: A003
             expand=True, page_count=255, model_framework=None):
        """The models of the workspace, the newest first: of a name, with tags ([[key, value]], [key])."""
        found = [e for n in ([name] if name else sorted({e["name"] for e in _engine.entries("model", workspace._path)}))
                 for e in (_engine.entries("model", workspace._path, n) if not latest else
                           [_engine.show("model", n, workspace._path)]) if e]
        found = [e for e in found if _has(e, "tags", tags) and _has(e, "properties", properties)
                 and (model_framework is None or e["definition"].get("framework") == str(model_framework))]
        return [Model._of(workspace, e) for e in sorted(found, key=lambda e: -e.get("created_us", 0))]

    def download(self, target_dir=".", exist_ok=False, exists_ok=None):
        """Copies it to a folder; the path of the copy."""
        source = self._entry["local"]
        target = os.path.join(os.path.abspath(target_dir), os.path.basename(source))
        if os.path.exists(target) and not (exist_ok or exists_ok):
            from azureml.exceptions import WebserviceException

            raise WebserviceException("%s is there: exist_ok=True replaces it%s" % (target, _names.script_place()))
        _paths.copy_tree(source, target if os.path.isdir(source) else os.path.dirname(target), True)
        return target

    def add_tags(self, tags):
        """Adds tags."""
        self._update("--tag", tags, self.tags)

    def add_properties(self, properties):
        """Adds properties."""
        self._update("--property", properties, self.properties)

    def _update(self, flag, pairs, kept):
        words = [w for k, v in pairs.items() for w in (flag, "%s=%s" % (k, v))]
        _engine.call("model", "update", self.id, *words, "--workspace", self.workspace._path)
        kept.update(_pairs(pairs))

    def delete(self):
        """Archives this version."""
        _engine.call("model", "archive", self.id, "--workspace", self.workspace._path)

    def serialize(self):
        """As a dict."""
        return {"name": self.name, "version": self.version, "id": self.id, "tags": self.tags,
                "properties": self.properties, "description": self.description, "framework": self.model_framework}


def _pairs(given):
    return {str(k): str(v) for k, v in (given or {}).items()}


def _has(entry, what, wanted):
    there = entry.get(what) or {}
    pairs = wanted.items() if isinstance(wanted, dict) else wanted or ()
    for pair in pairs:
        key, value = (pair, None) if isinstance(pair, str) else (pair[0], pair[1] if len(pair) > 1 else None)
        if key not in there or (value is not None and there[key] != str(value)):
            return False
    return True


def _find(workspace, full, tags=None, properties=None, framework=None):
    entry = _engine.show("model", full, workspace._path)
    fits = entry and _has(entry, "tags", tags) and _has(entry, "properties", properties) and (
        framework is None or entry["definition"].get("framework") == str(framework))
    if fits:
        return entry
    if entry and ":" not in full:  # an older version may have them
        for e in sorted(_engine.entries("model", workspace._path, full), key=lambda e: -e.get("created_us", 0)):
            if _has(e, "tags", tags) and _has(e, "properties", properties):
                return e
    from azureml.exceptions import ModelNotFoundException

    names = sorted(e["name"] for e in _engine.entries("model", workspace._path))
    like = _names.near(full.partition(":")[0], names)
    raise ModelNotFoundException("no model %s in the workspace %s%s%s" % (
        full, workspace.name, "; near: " + ", ".join(like) if like else ": Model.register() makes one",
        _names.script_place()))


def __getattr__(name):
    return _names.missing(__name__, name, globals())
