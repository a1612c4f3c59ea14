# SPDX-License-Identifier: Apache-2.0
"""azureml.core.environment"""
import os

from prs_azureml import _engine, _names, _paths

_HERE = "processes run on this machine as it is"


class DockerSection(_names.Described):
    """Of the original: which image. Kept, not used."""

    def __init__(self):
        self.enabled = False
        self.base_image = "local"
        self.base_dockerfile = None
        self.base_image_registry = _Registry()
        self.shm_size, self.arguments, self.gpu_support, self.shared_volumes = None, [], True, True
        self.platform = None


class _Registry(_names.Described):
    address = username = password = None


class PythonSection(_names.Described):
    """Which packages."""

    def __init__(self):
        from azureml.core.conda_dependencies import CondaDependencies

        self.user_managed_dependencies = False
        self.interpreter_path = "python"
        self.conda_dependencies_file = None
        self.conda_dependencies = CondaDependencies()
        self.base_conda_environment = None


class SparkSection(_names.Described):
    """Of the original; not used."""

    def __init__(self):
        self.repositories, self.packages, self.precache_packages = [], [], True


class Environment(_names.Described):
    """A Python with packages. Here it is the Python that runs the script, unless the registry or prs.yml names another
    (docs/python.md)."""

    def __init__(self, name=None, **kwargs):
        self.name = name
        self.version = None
        self.environment_variables = dict(kwargs.get("environment_variables") or {})
        self.docker = DockerSection()
        self.python = PythonSection()
        self.spark = SparkSection()
        self.databricks = self.r = None
        self.inferencing_stack_version = None
        self._python = None  # an interpreter that the registry names

    def __repr__(self):
        return "Environment(%r)" % self.name

    @staticmethod
    def get(workspace, name, version=None, label=None):
        """A registered environment; a curated one (AzureML-...) is this Python."""
        full = name + (":%s" % version if version else "@" + label if label else "")
        entry = _engine.show("environment", full, workspace._path)
        if entry is None and not name.startswith("AzureML-"):
            names = sorted(e["name"] for e in _engine.entries("environment", workspace._path))
            like = _names.near(name, names)
            raise _paths.mistake("no environment %s in the workspace %s%s" % (
                full, workspace.name, "; near: " + ", ".join(like) if like else ""))
        made = Environment(name)
        if entry:
            made._of_entry(entry)
        return made

    def _of_entry(self, entry):
        from azureml.core.conda_dependencies import CondaDependencies

        d = entry["definition"]
        self.version, self._python = entry["version"], d.get("python")
        self.environment_variables = dict(d.get("variables") or {})
        self.docker.base_image = d.get("image") or self.docker.base_image
        self.python.conda_dependencies = CondaDependencies(_underlying_structure=d.get("conda"))

    @staticmethod
    def list(workspace):  # noqa: A003
        """{name: environment}."""
        return dict(workspace.environments)

    @staticmethod
    def from_conda_specification(name, file_path):
        """With the packages of a conda file."""
        from azureml.core.conda_dependencies import CondaDependencies

        made = Environment(name)
        made.python.conda_dependencies = CondaDependencies(conda_dependencies_file_path=file_path)
        return made

    @staticmethod
    def from_pip_requirements(name, file_path, pip_version=None):
        """With the packages of a requirements file."""
        from azureml.core.conda_dependencies import CondaDependencies

        if not os.path.isfile(file_path):
            raise _paths.mistake("no such file: %s" % file_path)
        made = Environment(name)
        with open(file_path, encoding="utf-8") as f:
            words = [line.split("#")[0].strip() for line in f]
        made.python.conda_dependencies = CondaDependencies.create(
            pip_packages=[w for w in words if w] + (["pip==" + pip_version] if pip_version else []))
        return made

    @staticmethod
    @_names.unused(container_registry=_HERE)
    def from_docker_image(name, image, container_registry=None, conda_specification=None, pip_requirements=None):
        """With an image, which is not used, and packages."""
        made = Environment(name)
        if conda_specification:
            made = Environment.from_conda_specification(name, conda_specification)
        elif pip_requirements:
            made = Environment.from_pip_requirements(name, pip_requirements)
        made.docker.base_image = image
        return made

    @staticmethod
    @_names.unused(docker_build_context=_HERE)
    def from_docker_build_context(name, docker_build_context, conda_specification=None, pip_requirements=None):
        """With an image, which is not built, and packages."""
        return Environment.from_docker_image(name, None, None, conda_specification, pip_requirements)

    @staticmethod
    def from_existing_conda_environment(name, conda_environment_name):
        """By the name of a conda environment."""
        made = Environment(name)
        made.python.base_conda_environment = conda_environment_name
        return made

    def clone(self, new_name):
        """A copy by another name."""
        import copy

        made = copy.deepcopy(self)
        made.name, made.version = new_name, None
        return made

    def register(self, workspace):
        """Registers it; the same definition keeps its version."""
        definition = {"image": self.docker.base_image, "variables": self.environment_variables,
                      "conda": self.python.conda_dependencies.as_dict()}
        if self._python:
            definition["python"] = self._python
        entry = _engine.register("environment", self.name, workspace._path, {"definition": definition})
        self.version = entry["version"]
        return self

    @_names.unused(workspace=_HERE, image_build_compute=_HERE)
    def build(self, workspace, image_build_compute=None):
        """Nothing is built."""
        return _Built()

    build_local = build

    @_names.unused(workspace=_HERE)
    def get_image_details(self, workspace):
        """No image."""
        return {}

    def save_to_directory(self, path, overwrite=False):
        """azureml_environment.json and the conda file."""
        import json

        os.makedirs(path, exist_ok=True)
        file = os.path.join(path, "azureml_environment.json")
        if os.path.exists(file) and not overwrite:
            raise _paths.mistake("%s is there: overwrite=True replaces it" % file)
        with open(file, "w", encoding="utf-8") as f:
            json.dump({"name": self.name, "version": self.version, "environmentVariables": self.environment_variables,
                       "docker": {"baseImage": self.docker.base_image},
                       "python": {"condaDependencies": self.python.conda_dependencies.as_dict()}}, f, indent=4)
        self.python.conda_dependencies.save(os.path.join(path, "conda_dependencies.yml"))

    @staticmethod
    def load_from_directory(path):
        """What save_to_directory() wrote."""
        import json

        from azureml.core.conda_dependencies import CondaDependencies

        with open(os.path.join(path, "azureml_environment.json"), encoding="utf-8") as f:
            given = json.load(f)
        made = Environment(given.get("name"))
        made.environment_variables = dict(given.get("environmentVariables") or {})
        made.docker.base_image = (given.get("docker") or {}).get("baseImage")
        made.python.conda_dependencies = CondaDependencies(
            _underlying_structure=(given.get("python") or {}).get("condaDependencies"))
        return made

    def get_workspace_path(self):
        """Its name."""
        return self.name

    def _interpreter(self):
        """What runs its processes; said once when it is not what was described."""
        if self._python:
            return self._python
        if self.python.user_managed_dependencies and os.path.isabs(self.python.interpreter_path or ""):
            return self.python.interpreter_path
        packages = list(self.python.conda_dependencies.pip_packages) + list(self.python.conda_dependencies.conda_packages)
        if packages or (self.name or "").startswith("AzureML-"):
            _names.say_once("environment %s is this Python, %s: its packages are not installed" % (
                self.name or "without a name", _engine.python()))
        return _engine.python()


class _Built(_names.Described):
    status = "Succeeded"

    @_names.unused(show_output=_HERE)
    def wait_for_completion(self, show_output=True):
        """It is there."""


_ALSO = {"CondaDependencies": "azureml.core.conda_dependencies", "DEFAULT_CPU_IMAGE": "azureml.core.runconfig",
         "DEFAULT_GPU_IMAGE": "azureml.core.runconfig"}  # the original's module has them, too


def __getattr__(name):
    return _names.also(__name__, name, _ALSO, globals())
