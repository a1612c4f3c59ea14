# SPDX-License-Identifier: Apache-2.0
"""Import hook: azureml_user.parallel_run, entry_script and a worker-side azureml.core, made when they are asked for.

What the user has installed under `azureml` stays importable: ours wins only for the names we define.
"""
import os
import sys

_ours = {"azureml_user": True, "azureml_user.parallel_run": False, "entry_script": False, "azureml.core": True, "azureml.core.model": False,
         "azureml.core.run": False}
_worker = None


def install(worker):
    global _worker
    _worker = worker
    sys.meta_path.insert(0, Finder())


def _has_file(name):
    return any(os.path.isfile(os.path.join(p or ".", name + ".py")) for p in sys.path)


class Finder:
    """Finds our names only."""

    @staticmethod
    def find_spec(fullname, path=None, target=None):
        if fullname == "azureml":
            return _azureml()
        if fullname not in _ours or (fullname == "entry_script" and _has_file(fullname)):
            return None
        from importlib.machinery import ModuleSpec

        return ModuleSpec(fullname, Loader(), is_package=_ours[fullname])


def _azureml():
    """The installed azureml package when there is one, else an empty one of ours."""
    from importlib.machinery import ModuleSpec, PathFinder

    spec = PathFinder.find_spec("azureml")
    return spec if spec is not None else ModuleSpec("azureml", Loader(), is_package=True)


class Loader:
    """Fills a module of ours."""

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        from prs_loader import names

        for name, value in names.contents(module.__name__, _worker).items():
            setattr(module, name, value)
