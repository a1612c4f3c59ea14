# SPDX-License-Identifier: Apache-2.0
"""The names that scripts of the original import on a worker: EntryScript, Model, Run; and those that only say why they
are not here."""
import os
import sys


def _in_azure(what):
    return ("%s needs the Azure service, and PRS runs without it. Data comes with --input and --side-input, models "
            "with --model; for the rest install azureml-core for %s" % (what, sys.executable))


class NotHere(AttributeError):
    """Something of the original that lives in the Azure service."""


class _Partly(type):
    """A class of which some parts are here."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotHere(_in_azure("azureml.core.%s.%s" % (cls.__name__, name)))


class _InAzure(_Partly):
    """A class of which only the name is here."""

    def __call__(cls, *args, **kwargs):
        raise NotHere(_in_azure("azureml.core.%s()" % cls.__name__))


class EntryScript:
    """azureml_user.parallel_run.EntryScript: logger, folders and the name of this process. One object."""

    _job = None
    _one = None
    _logger = None

    def __new__(cls, *args, **kwargs):
        if cls._one is None:
            cls._one = object.__new__(cls)
        return cls._one

    @property
    def agent_name(self):
        return self._job.one("process")

    @property
    def log_dir(self):
        return _made(self._job.one("log_dir"))

    @property
    def output_dir(self):
        return _made(self._job.one("output_dir") or ".")

    @property
    def working_dir(self):
        return self._job.one("code_root")

    @property
    def logger(self):
        if self._logger is None:
            EntryScript._logger = _make_logger(self.log_dir, self._job.one("log_file"))
        return self._logger


def _made(folder):
    os.makedirs(folder, exist_ok=True)
    return folder


def _make_logger(folder, path):
    import logging

    logger = logging.getLogger("EntryScript")
    handler = logging.StreamHandler(open(path, "a", buffering=1, encoding="utf-8", errors="backslashreplace"))
    handler.setFormatter(logging.Formatter("%(asctime)s|%(levelname)s|%(process)d|%(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)  # the original's own example shows debug()
    logger.propagate = False
    return logger


class Model(metaclass=_Partly):
    """azureml.core.Model: where a model given with --model lies."""

    _job = None

    def __init__(self, workspace=None, name=None, id=None, tags=None, properties=None, version=None,  # noqa: A002
                 **_kwargs):
        name, _, of_name = (id or name or "").partition(":")
        self.name = name
        self.version = version or of_name or None
        self._path = self.get_model_path(name, self.version)

    def __getattr__(self, name):
        raise NotHere(_in_azure("Model.%s" % name))

    def download(self, target_dir=".", exist_ok=False, exists_ok=None):
        """Copies the model into a folder and returns the path of the copy."""
        import shutil

        to = os.path.join(_made(target_dir), os.path.basename(self._path))
        if os.path.exists(to) and not exist_ok and not exists_ok:
            raise FileExistsError(17, "the model was downloaded before: use exist_ok=True", to)
        if os.path.isdir(self._path):
            shutil.rmtree(to, ignore_errors=True)
            return shutil.copytree(self._path, to)
        return shutil.copy2(self._path, to)

    @classmethod
    def get_model_path(cls, model_name=None, version=None, _workspace=None, name=None, **_kwargs):
        wanted, _, of_name = str(model_name or name).partition(":")
        version = str(version or of_name or "")
        found = _of_versions([(n.partition(":")[::2], p) for n, p in cls._job.pairs("model")], wanted, version)
        return found or _in_model_dir(wanted, version) or cls._unknown(wanted, version)

    @classmethod
    def _unknown(cls, wanted, version):
        given = [n for n, _ in cls._job.pairs("model")]
        full = wanted + (":" + version if version else "")
        raise FileNotFoundError("model %r is not known: give it with --model %s=PATH%s"
                                % (full, full, " (given: %s)" % ", ".join(given) if given else ""))


def _order(version):
    return (1, int(version), "") if version.isdigit() else (0, 0, version)


def _of_versions(models, wanted, version):
    """models: ((name, version or ""), path). The path of the version that is asked for, or of one given without a
    version; else of the highest."""
    mine = [(v, path) for (name, v), path in models if name == wanted and (not version or v in (version, ""))]
    plain = [path for v, path in mine if v == version]
    return plain[-1] if plain else max(mine, key=lambda m: _order(m[0]))[1] if mine else None


def _in_model_dir(wanted, version):
    """$AZUREML_MODEL_DIR/<name>[/<version>]."""
    folder = os.environ.get("AZUREML_MODEL_DIR")
    path = os.path.join(folder, wanted) if folder and wanted else ""
    if not os.path.exists(path):
        return None
    versions = [v for v in os.listdir(path) if v.isdigit()] if os.path.isdir(path) else []
    if not versions:
        return path
    chosen = version or max(versions, key=int)
    return os.path.join(path, chosen) if chosen in versions else None


# ---- Run.get_context()


class _Workspace:
    def __init__(self):
        self.name = os.environ.get("AZUREML_ARM_WORKSPACE_NAME", "local")
        self.subscription_id = os.environ.get("AZUREML_ARM_SUBSCRIPTION", "")
        self.resource_group = os.environ.get("AZUREML_ARM_RESOURCEGROUP", "")

    def __getattr__(self, name):
        raise NotHere(_in_azure("Workspace.%s" % name))


class _Experiment:
    def __init__(self, name):
        self.name = name
        self.workspace = _Workspace()

    def __getattr__(self, name):
        raise NotHere(_in_azure("Experiment.%s" % name))


class Run(metaclass=_Partly):
    """azureml.core.Run of this job."""

    _job = None

    def __init__(self, *_args, **_kwargs):
        raise NotHere(_in_azure("Run()"))

    @classmethod
    def _make(cls, parent):
        run = object.__new__(cls)
        run.id = os.environ.get("AZUREML_RUN_ID") or cls._job.one("run_id")
        run.experiment = _Experiment(cls._job.one("experiment"))
        run.parent = parent
        run.input_datasets = dict(cls._job.pairs("input"))
        return run

    @classmethod
    def get_context(cls, allow_offline=True, **_kwargs):
        return cls._make(cls._make(None))

    def __getattr__(self, name):
        raise NotHere(_in_azure("Run.%s" % name))

    # what the original shows as metrics stands in the log of the script
    def log(self, name, value, description="", step=None):
        EntryScript().logger.info("metric %s = %s", name, value)

    def log_list(self, name, value, description=""):
        self.log(name, value)

    def log_row(self, name, description=None, **kwargs):
        self.log(name, kwargs)

    def log_table(self, name, value, description=""):
        self.log(name, value)

    def tag(self, key, value=None):
        EntryScript().logger.info("tag %s = %s", key, value)

    def flush(self, timeout_seconds=300):
        pass

    def get_status(self):
        return "Running"

    def get_details(self):
        return {"runId": self.id, "status": "Running"}


class _OfflineRun(Run):
    """Scripts ask whether their run is one; it never is."""


# ---- names that only say why they are not here


def _in_azure_only(name):
    said = "Importable, for scripts that name it; it works in Azure only."
    return _InAzure(name, (), {"__module__": "azureml.core", "__doc__": said})


_AZURE = {name: _in_azure_only(name) for name in ("Dataset", "Workspace", "Experiment", "Datastore", "Environment")}
_CONTENTS = {
    "azureml_user.parallel_run": {"EntryScript": EntryScript},
    "entry_script": {"EntryScript": EntryScript},
    "azureml.core": {"Model": Model, "Run": Run},
    "azureml.core.model": {"Model": Model},
    "azureml.core.run": {"Run": Run, "_OfflineRun": _OfflineRun},
}


def _no_such_name(module):
    def getattr_(name):
        if not name[:1].isupper():  # a submodule, perhaps
            raise AttributeError(name)
        raise ImportError(_in_azure("%s.%s" % (module, name)), name=module)

    return getattr_


def fill(module, job, installed):
    """Our names into one of our modules; installed: over those of the user's own."""
    EntryScript._job = Model._job = Run._job = job
    name = module.__name__
    vars(module).update(_CONTENTS.get(name, {}))
    if installed or not name.startswith("azureml.core"):
        return
    wanted = name.rpartition(".")[2].capitalize()
    vars(module).update(_AZURE if name == "azureml.core" else {wanted: _AZURE[wanted]} if wanted in _AZURE else {})
    module.__getattr__ = _no_such_name(name)
