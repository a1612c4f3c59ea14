# SPDX-License-Identifier: Apache-2.0
"""azureml.data.abstract_dataset"""
import copy

from prs_azureml import _engine, _names, _paths


class AbstractDataset(_names.Described):
    """What files and tables have in common: paths, what is done with what they hold, a name in the registry."""

    _kind = None

    def __init__(self, paths, partition_format=None):
        self._paths = list(paths)
        self._partition_format = partition_format
        self._steps = []  # {"take": n} ..., as in an MLTable
        self._workspace = self._entry = None
        self._principal = False  # of a workspace opened with a service principal, and not registered
        self.tags, self.description = {}, None

    def __repr__(self):
        return "%s(%s)" % (type(self).__name__, ", ".join(self._paths))

    # ---- the registry

    @property
    def name(self):
        """Its registered name, else None."""
        return self._entry["name"] if self._entry else None

    @property
    def version(self):
        """Its registered version, else None."""
        v = self._entry["version"] if self._entry else None
        return int(v) if v and v.isdigit() else v

    @property
    def id(self):  # noqa: A003
        """What get_by_id() finds it by."""
        return self._entry["uri"] if self._entry else "unregistered:%x" % id(self)

    def register(self, workspace, name, description=None, tags=None, create_new_version=False):
        """Registers it; another definition of a name that is there needs create_new_version=True."""
        what = {"definition": self._definition(), "description": description or "", "tags": tags or {},
                "new_version": bool(create_new_version)}
        try:
            entry = _engine.register("dataset", name, workspace._path, what)
        except _engine.Refused as e:
            raise _paths.mistake(e.text.replace("--new-version makes", "create_new_version=True makes")) from None
        return self._copy(workspace, entry)

    def _copy(self, workspace, entry):
        made = copy.copy(self)
        made._steps = list(self._steps)
        made._workspace, made._entry, made._principal = workspace, entry, False
        made.tags, made.description = entry.get("tags") or {}, entry.get("description") or None
        return made

    def _step(self, **step):
        made = copy.copy(self)
        made._steps = self._steps + [step]
        made._workspace = made._entry = None
        return made

    def _registered(self, what):
        if not self._entry:
            raise _paths.mistake("%s: the dataset is not registered: register() it first" % what)

    def add_tags(self, tags=None):
        """Adds tags to the registered version."""
        self._registered("add_tags()")
        words = [w for k, v in (tags or {}).items() for w in ("--tag", "%s=%s" % (k, v))]
        _engine.call("dataset", "update", "%s:%s" % (self.name, self.version), *words, "--workspace", self._workspace._path)
        self.tags.update(tags or {})

    def unregister_all_versions(self):
        """Archives all versions; their numbers are not given again."""
        self._registered("unregister_all_versions()")
        _engine.call("dataset", "archive", self.name, "--workspace", self._workspace._path)
        self._entry = None

    @staticmethod
    def get_by_name(workspace, name, version="latest"):
        """A registered dataset."""
        return _of_registry(workspace, name, version)

    @staticmethod
    def get_by_id(workspace, id):  # noqa: A002
        """A registered dataset."""
        name, _, version = str(id)[len("azureml:"):].partition(":")
        return _of_registry(workspace, name, version or "latest")

    @staticmethod
    def get_all(workspace):
        """{name: the latest version}."""
        return workspace.datasets

    # ---- as an input

    def as_named_input(self, name):
        """The input of a step, by a name."""
        from azureml.data.dataset_consumption_config import DatasetConsumptionConfig

        return DatasetConsumptionConfig(name, self)

    @property
    def partition_keys(self):
        """The names in its partition_format."""
        import re

        return re.findall(r"\{([^:}]+)[:}]", self._partition_format or "")

    def take(self, count):
        """The first ones."""
        return self._step(take=_count("take", count))

    def skip(self, count):
        """Without the first ones."""
        return self._step(skip=_count("skip", count))


def _count(what, value):
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _paths.mistake("%s(count=%r): expected a whole number from 0" % (what, value))
    return value


def _of_registry(workspace, name, version):
    full = name if version in (None, "latest") else "%s:%s" % (name, version)
    entry = _engine.show("dataset", full, workspace._path)
    if entry is None:
        names = [e["name"] for e in _engine.entries("dataset", workspace._path)]
        like = _names.near(name, names)
        raise _paths.mistake("no dataset %s in the workspace %s%s" % (
            full, workspace.name, "; near: " + ", ".join(like) if like else ": prs dataset register, or Dataset.register()"))
    return of_entry(workspace, entry)


def of_entry(workspace, entry):
    """The dataset of an entry of the registry."""
    from azureml.data.file_dataset import FileDataset
    from azureml.data.tabular_dataset import TabularDataset

    d = entry["definition"]
    paths = entry.get("locals") or ([entry["local"]] if entry.get("local") else d.get("paths") or [d["path"]])
    made = (TabularDataset if d["type"] in ("tabular", "mltable") else FileDataset)(paths)
    made._take(d)
    return made._copy(workspace, entry)


def __getattr__(name):
    return _names.missing(__name__, name, globals())
