# SPDX-License-Identifier: Apache-2.0
"""azureml.core.conda_dependencies"""
import os

from prs_azureml import _names, _paths, _yaml

PYTHON_DEFAULT_VERSION = "3.8.13"


class CondaDependencies(_names.Described):
    """Packages of an environment, as in a conda file."""

    def __init__(self, conda_dependencies_file_path=None, _underlying_structure=None):
        given = _underlying_structure
        if conda_dependencies_file_path:
            if not os.path.isfile(conda_dependencies_file_path):
                raise _paths.mistake("no such file: %s" % conda_dependencies_file_path)
            with open(conda_dependencies_file_path, encoding="utf-8") as f:
                given = _yaml.load(f.read(), conda_dependencies_file_path)
        given = given or {"name": "project_environment", "dependencies": ["python=" + PYTHON_DEFAULT_VERSION]}
        self._rest = {k: v for k, v in given.items() if k != "dependencies"}
        words = given.get("dependencies") or []
        self._conda = [w for w in words if not isinstance(w, dict)]
        self._pip = [p for w in words if isinstance(w, dict) for p in w.get("pip") or []]

    @staticmethod
    @_names.unused(pin_sdk_version="the SDK is not installed")
    def create(pip_indexurl=None, pip_packages=None, conda_packages=None, python_version=PYTHON_DEFAULT_VERSION,
               pin_sdk_version=True):
        """Of lists of packages."""
        made = CondaDependencies()
        made.set_python_version(python_version)
        for package in conda_packages or ():
            made.add_conda_package(package)
        if pip_indexurl:
            made.set_pip_index_url(pip_indexurl)
        for package in pip_packages or ():
            made.add_pip_package(package)
        return made

    def add_pip_package(self, pip_package):
        """One more; of one that is there the new version."""
        self._pip = [p for p in self._pip if _stem(p) != _stem(pip_package)] + [pip_package]

    def add_conda_package(self, conda_package):
        """One more; of one that is there the new version."""
        self._conda = [p for p in self._conda if _stem(p) != _stem(conda_package)] + [conda_package]

    def remove_pip_package(self, pip_package):
        """One less."""
        self._pip = [p for p in self._pip if _stem(p) != _stem(pip_package)]

    def remove_conda_package(self, conda_package):
        """One less."""
        self._conda = [p for p in self._conda if _stem(p) != _stem(conda_package)]

    def add_channel(self, channel):
        """One more channel of conda."""
        self._rest.setdefault("channels", []).append(channel)

    def set_python_version(self, version):
        """Which Python."""
        self.add_conda_package("python=%s" % version)

    def set_pip_index_url(self, index_url):
        """Where pip looks."""
        self._pip = ["--index-url " + index_url] + self._pip

    def set_pip_option(self, pip_option):
        """A line for pip."""
        self._pip = [pip_option] + self._pip

    @property
    def pip_packages(self):
        """Those of pip."""
        return [p for p in self._pip if not p.startswith("-")]

    @property
    def pip_options(self):
        """Lines for pip that are no packages."""
        return [p for p in self._pip if p.startswith("-")]

    @property
    def conda_packages(self):
        """Those of conda, without Python itself."""
        return [p for p in self._conda if _stem(p) not in ("python", "pip")]

    def get_python_version(self):
        """Which Python."""
        return next((p.partition("=")[2].lstrip("=") for p in self._conda if _stem(p) == "python"), None)

    def as_dict(self):
        """As a conda file has it."""
        pip = [{"pip": list(self._pip)}] if self._pip else []
        return dict(self._rest, dependencies=list(self._conda) + pip)

    def serialize_to_string(self):
        """The text of a conda file."""
        return _yaml.dump(self.as_dict())

    def save(self, path=None):
        """Writes a conda file."""
        path = path or "conda_dependencies.yml"
        with open(path, "w", encoding="utf-8") as f:
            f.write(self.serialize_to_string())
        return path

    def save_to_file(self, base_directory, conda_file_path=None):
        """Writes a conda file."""
        return self.save(os.path.join(base_directory, conda_file_path or "conda_dependencies.yml"))


def _stem(package):
    for i, c in enumerate(package):
        if c in "=<>!~[; ":
            return package[:i].lower()
    return package.lower()


def __getattr__(name):
    return _names.missing(__name__, name, globals())
