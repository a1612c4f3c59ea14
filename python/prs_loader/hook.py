# SPDX-License-Identifier: Apache-2.0
"""Import hook: the names that scripts of the original import, made when they are asked for, over whatever the user has
installed under them; an entry script that has the name of another module; logging, whose root logger writes to
stdout as in the original; and mlflow, which gets a place in the run (tracking.py).
"""
import os
import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import PathFinder, SourceFileLoader, spec_from_file_location

# name: is it a package?
OURS = {"azureml_user": True, "azureml_user.parallel_run": False, "entry_script": False, "azureml.core": True,
        "azureml.core.authentication": False, "azureml.core.compute": False, "azureml.core.model": False,
        "azureml.core.run": False, "azureml.core.dataset": False, "azureml.core.workspace": False,
        "azureml.core.experiment": False, "azureml.core.datastore": False, "azureml.core.environment": False,
        "azureml.core.keyvault": False, "azureml.data": True, "azureml.exceptions": True, "azureml.telemetry": True}


HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OWN = ("azureml.contrib", "azureml.pipeline", "azureml.widgets")  # beside OURS, what prs_azureml has
# The folder at the end of sys.path for processes without the hook.
NAMES = os.path.join(HERE, "prs_names")


class Hook:
    """A finder at the head of sys.meta_path that knows a few names only."""

    def __init__(self, job):
        self.job = job
        # > 0: an installed module of one of our names is being loaded, untouched; ours goes over it later
        self.depth = 0
        self.alias = None   # file of the entry script, where it is imported under the name ALIAS
        self.hidden = {}    # name of a module of Python's own -> folders where an entry script of that name lies
        self.makers = dict.fromkeys(OURS, self._ours)
        self.makers["azureml"] = self._azureml
        self.makers["prs_azureml"] = self._package
        self.has_own = job.in_pipeline()
        if self.has_own:
            self.makers.update(dict.fromkeys(OWN, self._own))
        self.makers["mlflow"] = self._mlflow
        if not job.is_command:
            self.makers["logging"] = self._logging

    def find_spec(self, name, path=None, target=None):
        maker = self.makers.get(name)
        if maker is not None:
            return maker(name, path)
        return self._of_azureml(name, path) if self.has_own and name.startswith("azureml.") else None

    def _of_azureml(self, name, path):
        """What is neither installed nor ours is refused by name, with what to do instead."""
        spec = self._others(name, path)
        if spec is None:
            from prs_azureml import _names

            raise ModuleNotFoundError(_names.not_part(name), name=name)
        return spec

    def entry(self, name, path):
        """Where the entry script is called ALIAS, find it at `path`. Where its file would hide a module of Python's
        own, other modules shall still find that one."""
        from prs_loader import entry

        if name != entry.ALIAS:
            return
        self.alias = path
        self.makers[name] = self._alias
        if entry.is_stdlib(entry.stem_of(path)):
            self.hidden[entry.stem_of(path)] = (sys.path[0], os.path.dirname(path))
            self.makers[entry.stem_of(path)] = self._stdlib

    def _others(self, name, path):
        """What the other finders find outside NAMES."""
        outside = [p for p in (sys.path if path is None else path) if not p.startswith(NAMES)]
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, outside if finder is PathFinder else path, None)
            if spec is not None:
                return spec
        return None

    # ---- makers

    def _own(self, name, path):
        """In a step of a pipeline what nobody has installed is that of prs python."""
        folder = os.path.join(HERE, "prs_azureml", *name.split(".")[:-1])
        return self._others(name, path) or PathFinder.find_spec(name, [folder])

    def _ours(self, name, path):
        real = self._own(name, path) if self.has_own else self._others(name, path)
        if self.depth or (name == "entry_script" and real):
            return real  # the installed one as it is; the user's own
        if real is None or real.loader is None:
            spec = ModuleSpec(name, _Over(self, None), is_package=OURS[name])
            if real is not None:
                spec.submodule_search_locations = real.submodule_search_locations
            return spec
        real.loader = _Over(self, real.loader)
        return real

    def _azureml(self, name, path):
        """The installed one, not that of NAMES, which only brings this hook."""
        real = self._others(name, path)
        if real is None or real.loader is None or real.origin is None:
            spec = ModuleSpec(name, None, is_package=True)
            spec.submodule_search_locations = list((real.submodule_search_locations if real else None) or ())
            return spec
        return real

    def _package(self, name, path):
        return PathFinder.find_spec(name, [HERE])

    def _logging(self, name, path):
        spec = self._others(name, path)
        if spec is not None:
            spec.loader = _Logging(spec.loader)
        return spec

    def _mlflow(self, name, path):
        spec = self._others(name, path)
        if spec is not None and spec.loader is not None:
            spec.loader = _Mlflow(spec.loader, self.job.one("run_outputs"))
        return spec

    def _alias(self, name, path):
        return spec_from_file_location(name, self.alias, loader=SourceFileLoader(name, self.alias))

    def _stdlib(self, name, path):
        return PathFinder.find_spec(name, [p for p in sys.path if p not in self.hidden[name]])


class _Over:
    """Loads the installed module, where there is one, and puts our names over it."""

    def __init__(self, hook, real):
        self.hook = hook
        self.real = real

    def create_module(self, spec):
        return self.real.create_module(spec) if hasattr(self.real, "create_module") else None

    def exec_module(self, module):
        from prs_loader import names

        found = False
        self.hook.depth += 1
        try:
            if self.real is not None:
                module.__loader__ = module.__spec__.loader = self.real
                self.real.exec_module(module)
                found = True
        except Exception as e:  # noqa: BLE001 - what is installed is broken: ours is enough for most scripts
            print("prs: the installed %s cannot be imported (%s: %s)" % (module.__name__, type(e).__name__, e),
                  file=sys.stderr)
        finally:
            self.hook.depth -= 1
        names.fill(module, self.hook.job, found)
        for name in OURS:
            if found and name in sys.modules and sys.modules[name] is not module:
                names.fill(sys.modules[name], self.hook.job, True)


class _Logging:
    def __init__(self, real):
        self.real = real

    def create_module(self, spec):
        return self.real.create_module(spec)

    def exec_module(self, module):
        module.__loader__ = module.__spec__.loader = self.real
        self.real.exec_module(module)
        root_to_stdout(module)


class _Mlflow:
    def __init__(self, real, outputs):
        self.real = real
        self.outputs = outputs

    def create_module(self, spec):
        return self.real.create_module(spec)

    def exec_module(self, module):
        from prs_loader import tracking

        module.__loader__ = module.__spec__.loader = self.real
        database = tracking.choose(self.outputs)
        self.real.exec_module(module)
        if database:
            tracking.make(database)


def root_to_stdout(logging):
    """Until the script configures it, the root logger shows INFO and above on stdout. A basicConfig() of the script
    counts as usual, only that its default stream is stdout."""
    if logging.root.handlers:
        return

    class Stdout(logging.StreamHandler):
        """Always the sys.stdout of the moment."""

        def __init__(self):
            logging.Handler.__init__(self)

        @property
        def stream(self):
            return sys.stdout

        def emit(self, record):
            if sys.stdout is not None:
                logging.StreamHandler.emit(self, record)

        def handleError(self, record):
            """Without this handler, which the script knows nothing of, a closed stdout would fail no log line."""
            try:
                logging.StreamHandler.handleError(self, record)
            except Exception:  # noqa: BLE001 - stderr is closed too
                pass

    ours = Stdout()
    ours.setFormatter(logging.Formatter("%(asctime)s|%(levelname)s|%(process)d|%(name)s|%(message)s"))
    logging.root.addHandler(ours)
    logging.root.setLevel(logging.INFO)
    configure = logging.basicConfig

    def basicConfig(**kwargs):
        if logging.root.handlers == [ours]:
            logging.root.removeHandler(ours)
        if not logging.root.handlers and not {"stream", "filename", "handlers"} & set(kwargs):
            kwargs["stream"] = sys.stdout
        configure(**kwargs)

    basicConfig.__doc__ = configure.__doc__
    logging.basicConfig = basicConfig


def install(job):
    hook = Hook(job)
    sys.meta_path.insert(0, hook)
    sys.path[:] = [p for p in sys.path if p != NAMES] + [NAMES]
    if "logging" in sys.modules and not job.is_command:
        root_to_stdout(sys.modules["logging"])
    return hook


def install_in_child():
    """In a process of the script's own pool, or of a command."""
    from prs_loader import entry
    from prs_loader.job import Job

    hook = install(Job.of_environment())
    if hook.job.one("alias"):
        hook.entry(entry.ALIAS, hook.job.one("alias"))
