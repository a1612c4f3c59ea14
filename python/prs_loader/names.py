# SPDX-License-Identifier: Apache-2.0
"""The names that scripts of the original import on a worker: EntryScript, Model, Run; and those that only say why they
are not here."""
import os
import sys

from prs_azureml import _run


def in_azure(what):
    return ("%s needs the Azure service, and PRS runs without it. Data comes with --input and --side-input, models "
            "with --model; for the rest install azureml-core for %s" % (what, sys.executable))


class NotHere(AttributeError):
    """Something of the original that lives in the Azure service; `what`: its name. In a traceback it is what it is for
    the script: an AttributeError."""

    def __init__(self, what):
        AttributeError.__init__(self, in_azure(what))
        self.what = what

    def __reduce__(self):  # from a process of the script's own pool
        return _not_here, (self.what,)


NotHere.__module__, NotHere.__name__, NotHere.__qualname__ = "builtins", "AttributeError", "AttributeError"


def _not_here(what):
    return NotHere(what)


class _Partly(type):
    """A class of which some parts are here; the others are those of the class that the user has installed, if any."""

    installed = None

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if _installed(cls) is not None:
            return getattr(cls.installed, name)
        raise NotHere("%s.%s.%s" % (cls.__module__, cls.__name__, name))


def _installed(cls):
    """In a step of a pipeline there is always one: that of prs python."""
    if cls.installed is None and _run.HERE.in_pipeline():
        __import__(cls._home)  # fill() keeps it
    return cls.installed


def _is_own(cls):
    home = getattr(sys.modules.get(cls.__module__), "__file__", None) or ""
    return home.startswith(os.path.dirname(_run.__file__))


class _InAzure(_Partly):
    """A class of which only the name is here."""

    def __call__(cls, *args, **kwargs):
        raise NotHere("%s.%s()" % (cls.__module__, cls.__name__))


def _of_installed(installed, what, name, make):
    """An attribute that our object lacks, of the object that the installed class makes."""
    if installed is None or name.startswith("__"):
        raise NotHere("%s.%s" % (what, name))
    return getattr(make(), name)


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

    __module__ = "azureml.core"
    _job = None
    _home = "azureml.core.model"
    installed = None

    def __new__(cls, workspace=None, name=None, id=None, version=None, **more):  # noqa: A002
        wanted, _, of_name = (id or name or "").partition(":")
        if cls._given_path(wanted, str(version or of_name or "")) is None and _installed(cls) and _is_own(cls.installed):
            return cls.installed(workspace, name, id=id, version=version, **more)
        return object.__new__(cls)

    def __init__(self, workspace=None, name=None, id=None, tags=None, properties=None, version=None,  # noqa: A002
                 **more):
        self._given = dict(more, workspace=workspace, name=name, id=id, tags=tags, properties=properties,
                           version=version)
        name, _, of_name = (id or name or "").partition(":")
        self.name = name
        self.version = version or of_name or None
        self._path = self.get_model_path(name, self.version)

    def __getattr__(self, name):
        return _of_installed(Model.installed, "Model", name, lambda: Model.installed(**self._given))

    def download(self, target_dir=".", exist_ok=False, exists_ok=None):
        """The path of a copy of the model in a folder, made once for all processes."""
        from prs_loader import copying

        to = os.path.join(_made(os.fspath(target_dir)), os.path.basename(self._path))
        return copying.once(self._path, to, bool(exist_ok or exists_ok))

    @classmethod
    def get_model_path(cls, model_name=None, version=None, _workspace=None, name=None, **_kwargs):
        wanted, _, of_name = str(model_name or name).partition(":")
        version = str(version or of_name or "")
        found = cls._given_path(wanted, version)
        if found is None and _installed(cls) and _is_own(cls.installed):
            return cls.installed.get_model_path(wanted, version or None)
        return found or cls._unknown(wanted, version)

    @classmethod
    def _given_path(cls, wanted, version):
        """Of --model, or of $AZUREML_MODEL_DIR."""
        found = _of_versions([(n.partition(":")[::2], p) for n, p in cls._job.pairs("model")], wanted, version)
        return found or _in_model_dir(wanted, version)

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


class Run(_run.Run, metaclass=_Partly):
    """azureml.core.Run of this job; what it lacks is that of the installed one."""

    __module__ = "azureml.core"
    _home = "azureml.core.run"
    installed = None

    def __new__(cls, *args, **kwargs):
        if _installed(cls) is not None:
            return cls.installed(*args, **kwargs)
        raise NotHere("Run()")


def _lacks(what, name, make):
    if what == "Workspace" and _installed(Run) is not None and _is_own(Run.installed):
        from azureml.core.workspace import Workspace

        return getattr(Workspace.from_config(), name)
    return _of_installed(Run.installed, what, name, lambda: make(Run.installed))


_run.lacks = _lacks


def _say_logged(kind, name, value):
    """Where there is no run folder, what is logged stands in the log of the script; prs test shows it."""
    if kind == "status":
        return
    line = "%s %s = %s" % (kind if kind in ("tag", "property") else "metric", name, value)
    if _run.HERE.is_foreground:
        from prs_loader import errors

        errors.say(line)
    else:
        EntryScript().logger.info(line)


# ---- names that only say why they are not here


def _in_azure_only(module, name):
    doc = "Importable, for scripts that name it; it works in Azure only."
    return _InAzure(name, (), {"__module__": module, "__doc__": doc})


def _error(module, name):
    doc = "Never raised here: a script may name it in `except`."
    return type(name, (Exception,), {"__module__": module, "__doc__": doc})


def _function(module, name):
    def not_here(*_args, **_kwargs):
        raise NotHere("%s.%s()" % (module, name))

    not_here.__name__ = not_here.__qualname__ = name
    return not_here


# Public names that scripts import, by module; hook.OURS has the same modules.
_AZURE = {
    "azureml.core": "ComputeTarget Dataset Datastore Environment Experiment Keyvault ScriptRunConfig Webservice "
                    "Workspace",
    "azureml.core.authentication": "AzureCliAuthentication InteractiveLoginAuthentication MsiAuthentication "
                                   "ServicePrincipalAuthentication TokenAuthentication",
    "azureml.core.compute": "AksCompute AmlCompute ComputeInstance ComputeTarget",
    "azureml.core.dataset": "Dataset",
    "azureml.core.datastore": "Datastore",
    "azureml.core.environment": "Environment",
    "azureml.core.experiment": "Experiment",
    "azureml.core.keyvault": "Keyvault",
    "azureml.core.workspace": "Workspace",
    "azureml.data": "FileDataset OutputFileDatasetConfig TabularDataset",
    "azureml.exceptions": "AuthenticationException AzureMLException ComputeTargetException DatasetExecutionError "
                          "DatasetValidationError ExperimentExecutionException ModelNotFoundException "
                          "ProjectSystemException RunConfigurationException RunEnvironmentException UserErrorException WebserviceException "
                          "WorkspaceException",
    "azureml.telemetry": "set_diagnostics_collection",
}
VERSION = "1.60.0"  # of azureml-core that the names here are those of
_CONTENTS = {
    "azureml_user.parallel_run": {"EntryScript": EntryScript},
    "entry_script": {"EntryScript": EntryScript},
    "azureml.core": {"Model": Model, "Run": Run},
    "azureml.core.model": {"Model": Model},
    "azureml.core.run": {"Run": Run, "_OfflineRun": _run._OfflineRun},
}
_MADE = {}  # class -> the same class, wherever it is imported from


def _azure_name(module, name):
    make = _error if module == "azureml.exceptions" else _in_azure_only if name[:1].isupper() else _function
    home = module if module in ("azureml.data", "azureml.exceptions", "azureml.telemetry") else "azureml.core"
    if (home, name) not in _MADE:
        _MADE[home, name] = make(home, name)
    return _MADE[home, name]


def _no_such_name(module):
    def getattr_(name):
        if name.startswith("__") or "%s.%s" % (module, name) in sys.modules:
            raise AttributeError(name)
        raise NotHere("%s.%s" % (module, name))

    return getattr_


def fill(module, job, installed):
    """Our names into one of our modules; installed: over the user's own, which keep what we do not define."""
    EntryScript._job = Model._job = _run.HERE = job
    job.say_logged = _say_logged
    name = module.__name__
    for ours in (Model, Run):
        theirs = vars(module).get(ours.__name__)
        if installed and isinstance(theirs, type) and theirs is not ours:
            ours.installed = theirs
    vars(module).update(_CONTENTS.get(name, {}))
    if installed or name.startswith(("azureml_user", "entry_script")):
        return
    vars(module).update((n, _azure_name(name, n)) for n in _AZURE.get(name, "").split())
    if name == "azureml.core":
        module.VERSION = module.__version__ = VERSION
    module.__getattr__ = _no_such_name(name)
