# SPDX-License-Identifier: Apache-2.0
"""Import finder: `azureml.core`, `.data`, `.pipeline`, `.widgets`, `.exceptions`, `.telemetry`, `.contrib.pipeline.steps`
are the modules of this folder as a whole; what else an installed package puts below `azureml` stays importable."""
import os
import sys
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location

HERE = os.path.dirname(os.path.abspath(__file__))
# What these packages hold is ours alone; what is not there is refused by name.
OURS = ("azureml.core", "azureml.data", "azureml.pipeline", "azureml.widgets", "azureml.exceptions", "azureml.telemetry",
        "azureml.contrib.pipeline")
SHARED = ("azureml", "azureml.contrib")  # of all who put something below


class Finder:
    """At the head of sys.meta_path."""

    def find_spec(self, name, path=None, target=None):
        if name == "prs_azureml" or name.startswith("prs_azureml."):
            return _of_file(name, os.path.join(HERE, *name.split(".")[1:]))
        if name in SHARED:
            return self._shared(name, path)
        if is_ours(name):
            spec = _of_file(name, os.path.join(HERE, *name.split(".")))
            if spec is None:
                _refuse(name)
            return spec
        if name.startswith("azureml.") and self._others(name, path) is None:
            _refuse(name)
        return None

    def _others(self, name, path):
        for finder in sys.meta_path:
            if finder is not self and hasattr(finder, "find_spec"):
                spec = finder.find_spec(name, path, None)
                if spec is not None:
                    return spec
        return None

    def _shared(self, name, path):
        """A package without a file that begins with the folders of whatever is installed."""
        other = self._others(name, path)
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = list((other.submodule_search_locations if other else None) or ())
        return spec


def _of_file(name, path):
    package = os.path.join(path, "__init__.py")
    if os.path.isfile(package):
        return spec_from_file_location(name, package, submodule_search_locations=[path])
    return spec_from_file_location(name, path + ".py") if os.path.isfile(path + ".py") else None


def _refuse(name):
    from prs_azureml import _names

    raise ModuleNotFoundError(_names.not_part(name), name=name)


def is_ours(name):
    return name.startswith(tuple(p + "." for p in OURS)) or name in OURS


def install():
    """False: it was there."""
    if any(isinstance(f, Finder) for f in sys.meta_path):
        return False
    sys.meta_path.insert(0, Finder())
    return True
