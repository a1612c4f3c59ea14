# SPDX-License-Identifier: Apache-2.0
"""azureml.core.Run, as scripts have it from Run.get_context(): of the run or step that this process belongs to. All of
it is files of the run's folder: logs/metrics.jsonl, outputs/.
"""
import os
import sys

from prs_azureml import _metrics

HERE = None  # what this process was told of its run (prs_loader.job.Job); None: it belongs to none
OUTPUTS = "outputs"


def lacks(what, name, make):
    """What is not here, of an object of ours; `make` gives the same object of the azureml that is installed."""
    raise AttributeError("not part of PRS's azureml compatibility: %s.%s" % (what, name))


class Run:
    """A run, a step of one, or a child run that a script made."""

    __module__ = "azureml.core"
    _child, _job = None, None
    _made_by, _is_top = None, False  # of a child run: the run that made it
    _by = None  # of the pipeline: the step that this process belongs to

    @classmethod
    def get_context(cls, allow_offline=True, used_for_context_manager=False, **kwargs):
        """The run that the script is part of."""
        if HERE is not None:
            return cls._of_step(HERE)
        if allow_offline:
            return _offline()
        from azureml.exceptions import RunEnvironmentException

        raise RunEnvironmentException("this script is part of no run: prs run FILE starts one")

    # ---- how one is made

    @classmethod
    def _of_step(cls, job):
        run = object.__new__(cls)
        run._begin(job, job.one("run_folder"), job.one("run_outputs"), os.environ.get("AZUREML_RUN_ID") or job.one("run_id"))
        return run

    def _begin(self, job, folder, outputs, run_id):
        self._job, self._folder, self._outputs = job, folder, outputs
        self.id = run_id
        self.name = self.display_name = _unquoted(os.path.basename(folder)) or run_id

    @property
    def parent(self):
        """The pipeline; of a run by itself, that run."""
        if self._made_by is not None or self._is_top:
            return self._made_by
        above = os.path.dirname(os.path.dirname(self._folder))
        run = object.__new__(type(self))
        if self._folder and os.path.exists(os.path.join(above, "pipeline.json")):
            run._begin(self._job, above, os.path.join(above, OUTPUTS), os.path.basename(above))
            run._by = self.name
        else:
            run._begin(self._job, self._folder, self._outputs, self.id)
        run._is_top = True
        return run

    @property
    def experiment(self):
        return Experiment(self._job)

    @property
    def workspace(self):
        return self.experiment.workspace

    @property
    def input_datasets(self):
        return {name: Input(path) for name, path in self._job.pairs("input")}

    @property
    def output_datasets(self):
        begin = "AZURE_ML_OUTPUT_"
        return {k[len(begin):]: Input(v) for k, v in os.environ.items() if k.startswith(begin)}

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return lacks("Run", name, lambda of: of.get_context())

    def __repr__(self):
        return "Run(Experiment: %s,\nId: %s,\nType: azureml.StepRun,\nStatus: %s)" % (
            self.experiment.name, self.id, self.get_status())

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.complete()
        else:
            self.fail(value)

    # ---- metrics

    def _path(self):
        return os.path.join(self._folder, _metrics.NAME)

    def _put(self, kind, name, value, **more):
        """A line in the file of the run."""
        record = {"time": _metrics.now(), "kind": kind, "name": _metrics.plain(str(name)), "value": _metrics.plain(value)}
        record.update((key, _metrics.plain(v)) for key, v in more.items() if v not in (None, ""))
        record.update(self._whose())
        if self._folder:
            _metrics.append(self._path(), record)
        if not self._folder or self._job.is_foreground:
            self._job.say_logged(kind, name, value)

    def _whose(self):
        """Which child run, process and try of a mini-batch a line is of."""
        found = {"run": self._child, "by": self._by, "process": self._job.one("process")}
        if self._job.task is not None:
            found.update(mini_batch=self._job.task.id, **{"try": self._job.task.try_number})
        return {key: value for key, value in found.items() if value not in (None, "")}

    def _records(self):
        return list(_metrics.read(self._path())) if self._folder else []

    def log(self, name, value, description="", step=None):
        """One value of a metric."""
        self._put("value", name, value, description=description, step=step)

    def log_list(self, name, value, description=""):
        """Several values of a metric."""
        self._put("list", name, list(value), description=description)

    def log_row(self, name, description=None, **kwargs):
        """A row of a metric with columns."""
        self._put("row", name, kwargs, description=description)

    def log_table(self, name, value, description=""):
        """Columns of a metric: {column: value or list}."""
        self._put("table", name, value, description=description)

    def log_image(self, name, path=None, plot=None, description=""):
        """An image file, or what matplotlib draws, into the outputs."""
        if (path is None) == (plot is None):
            raise ValueError("log_image: expected path=FILE or plot=matplotlib's pyplot or figure, one of the two")
        stored = "%s/%s%s" % (OUTPUTS, name, os.path.splitext(path)[1] if path else ".png")
        if path:
            self.upload_file(stored, path)
        else:
            import io

            drawn = io.BytesIO()
            plot.savefig(drawn, format="png")
            drawn.seek(0)
            self.upload_file(stored, drawn)
        self._put("image", name, stored, description=description)

    def get_metrics(self, name=None, recursive=False, run_type=None, populate=False):
        """{name: value}: one value as it was logged, several as a list. recursive: {id: {name: value}} of the children,
        too."""
        records = self._records()
        found = _metrics.values(records, self._child)
        if name is not None:
            found = {k: v for k, v in found.items() if k == name}
        if not recursive:
            return found
        whole = {self.id: found}
        for child in self.get_children():
            whole.update(child.get_metrics(name, recursive=True))
        return whole

    # ---- tags, properties

    def tag(self, key, value=None):
        self._put("tag", key, value)

    def set_tags(self, tags):
        for key, value in tags.items():
            self.tag(key, value)

    def get_tags(self):
        return _metrics.last(self._records(), "tag", self._child)

    tags = property(get_tags)

    def add_properties(self, properties):
        for key, value in properties.items():
            self._put("property", key, value)

    def get_properties(self):
        return _metrics.last(self._records(), "property", self._child)

    properties = property(get_properties)

    # ---- how it goes

    def start(self):
        self._put("status", "status", "Running")

    def complete(self, _set_status=True):
        """Says so; the run itself ends when its scripts do."""
        self._put("status", "status", "Completed")

    def fail(self, error_details=None, error_code=None, _set_status=True):
        """Says so; the run itself fails when its script does."""
        text = None if error_details is None else str(error_details)
        self._put("status", "status", "Failed", description=text, code=error_code)

    def cancel(self):
        self._put("status", "status", "Canceled")

    def get_status(self):
        """Of a child run, what was said of it; of the run that the script is part of: Running."""
        said = _metrics.last(self._records(), "status", self._child) if self._child else {}
        return said.get("status", "Running")

    status = property(get_status)

    def get_details(self):
        return {"runId": self.id, "target": "local", "status": self.get_status(), "properties": self.get_properties(),
                "inputDatasets": [], "outputDatasets": [], "runDefinition": {}, "logFiles": {}}

    def flush(self, timeout_seconds=300):
        """Every line is written when log() returns."""

    def wait_for_completion(self, show_output=False, wait_post_processing=False, raise_on_error=True):
        if self._child is None:
            raise RuntimeError("this script is part of the run that it waits for: it would wait for ever")
        return self.get_details()

    def get_portal_url(self):
        return "file://" + self._folder

    def child_run(self, name=None, run_id=None, outputs=None):
        """A run of its own name in the same file."""
        made = object.__new__(type(self))
        made._begin(self._job, self._folder, self._outputs, self.id)
        made._by = self._by
        made._child = str(_metrics.plain(str(name or run_id or self._next_child())))
        made.id, made.name, made.display_name = run_id or "%s_%s" % (self.id, made._child), made._child, made._child
        made._made_by = self
        made.start()
        return made

    def _next_child(self):
        """For many processes at once."""
        import uuid

        return uuid.uuid4().hex[:8]

    def create_children(self, count=None, tag_key=None, tag_values=None):
        made = [self.child_run() for _ in range(count if count is not None else len(tag_values))]
        for run, value in zip(made, tag_values or ()):
            run.tag(tag_key, value)
        return made

    def get_children(self, recursive=False, tags=None, properties=None, type=None, status=None,  # noqa: A002
                     _rehydrate_runs=True):
        """The child runs that scripts made."""
        if self._child is not None:
            return
        for name in _metrics.children(self._records()):
            run = object.__new__(self.__class__)
            run._begin(self._job, self._folder, self._outputs, "%s_%s" % (self.id, name))
            run._by = self._by
            run._child = run.name = run.display_name = name
            run._made_by = self
            yield run

    # ---- files

    def _stored(self, name):
        """Where a file of the run lies: below outputs/, whether its name says so or not."""
        words = os.fspath(name).split("/")
        words = [w for w in words if w not in ("", ".")]
        if words[:1] == [OUTPUTS]:
            words = words[1:]
        if not words or ".." in words:
            raise ValueError("expected the name of a file in the run's outputs, found %r" % (name,))
        return os.path.join(self._outputs, *words)

    def upload_file(self, name, path_or_stream, datastore_name=None):
        """A copy in the run's outputs; one that is there makes way."""
        target = self._stored(name)
        is_path = isinstance(path_or_stream, (str, bytes)) or hasattr(path_or_stream, "__fspath__")
        if is_path and os.path.exists(target) and os.path.samefile(path_or_stream, target):
            return
        if not is_path:
            _write_whole(target, path_or_stream)
            return
        with open(path_or_stream, "rb") as f:
            _write_whole(target, f)

    def upload_files(self, names, paths, return_artifacts=False, timeout_seconds=None, datastore_name=None):
        if len(names) != len(paths):
            raise ValueError("upload_files: expected as many names as paths, found %d and %d" % (len(names), len(paths)))
        for name, path in zip(names, paths):
            self.upload_file(name, path)

    def upload_folder(self, name, path, datastore_name=None):
        """Copies of all files of a folder, below `name` in the run's outputs."""
        if not os.path.isdir(path):
            raise NotADirectoryError("upload_folder: expected a folder, found %r" % (path,))
        words = [w for w in os.fspath(name).split("/") if w not in ("", ".", OUTPUTS)]
        for here, _, names in os.walk(path):
            inner = os.path.relpath(here, path)
            for n in names:
                self.upload_file("/".join(words + [os.path.normpath(os.path.join(inner, n))]), os.path.join(here, n))

    def get_file_names(self):
        """Names of the files in the run's outputs, and of its logs."""
        return _below(self._outputs, OUTPUTS) + _below(os.path.join(self._folder, "logs"), "logs")

    def download_file(self, name, output_file_path=None, _validate_checksum=False):
        """A copy of a file of the run: here, or into the folder or file that is given."""
        is_log = name.startswith("logs/") and ".." not in name.split("/")
        source = os.path.join(self._folder, name) if is_log else self._stored(name)
        if not os.path.isfile(source):
            raise FileNotFoundError("this run has no file %r; it has: %s" % (name, ", ".join(self.get_file_names())))
        target = output_file_path or os.path.basename(name)
        if os.path.isdir(target) or target.endswith("/"):
            target = os.path.join(target, os.path.basename(name))
        with open(source, "rb") as f:
            _write_whole(target, f)

    def download_files(self, prefix=None, output_directory=None, output_paths=None, batch_size=100,
                       append_prefix=True, timeout_seconds=None):
        """Copies of all files whose names begin with a prefix."""
        names = [n for n in self.get_file_names() if n.startswith(prefix or "")]
        for i, name in enumerate(names):
            inner = name if append_prefix or not prefix else os.path.relpath(name, prefix)
            self.download_file(name, output_paths[i] if output_paths else os.path.join(output_directory or ".", inner))

    # ---- of the workspace

    def register_model(self, model_name, model_path=None, tags=None, properties=None, model_framework=None,
                       model_framework_version=None, description=None, datasets=None, sample_input_dataset=None,
                       sample_output_dataset=None, resource_configuration=None, **kwargs):
        """Registers a file or folder of the run's outputs as a model."""
        path = self._stored(model_path or model_name)
        if not os.path.exists(path):
            raise FileNotFoundError("register_model: nothing was uploaded as %r; this run has: %s"
                                    % (model_path or model_name, ", ".join(_below(self._outputs, OUTPUTS)) or "nothing"))
        from azureml.core import Model

        return Model.register(workspace=self.workspace, model_path=path, model_name=model_name, tags=tags,
                              properties=properties, description=description)

    def get_secret(self, name):
        """$PRS_SECRET_<NAME>, else what the workspace's key vault has."""
        variable = "PRS_SECRET_" + "".join(c if c.isalnum() and c.isascii() else "_" for c in name).upper()
        if variable in os.environ:
            return os.environ[variable]
        return self.workspace.get_default_keyvault().get_secret(name)

    def get_secrets(self, secrets):
        return {name: self.get_secret(name) for name in secrets}


def _unquoted(name):
    """The name of a step, of that of its folder."""
    if "%" not in name:
        return name
    from urllib.parse import unquote

    return unquote(name)


def _below(folder, title):
    found = []
    for here, folders, names in os.walk(folder):
        folders.sort()
        inner = os.path.normpath(os.path.join(title, os.path.relpath(here, folder)))
        found += [os.path.join(inner, n) for n in sorted(names) if not n.startswith(".prs-upload-")]
    return found


def _write_whole(target, stream):
    """Nobody ever sees half of it."""
    import shutil

    folder = os.path.dirname(target) or "."
    os.makedirs(folder, exist_ok=True)
    new = os.path.join(folder, ".prs-upload-%d-%s" % (os.getpid(), os.path.basename(target)))
    try:
        with open(new, "wb") as f:
            shutil.copyfileobj(stream, f)
        os.replace(new, target)
    finally:
        if os.path.exists(new):
            os.unlink(new)


# ---- what a step knows of its experiment and workspace


class Experiment:
    __module__ = "azureml.core"

    def __init__(self, job):
        self._job = job
        self.name = job.one("experiment") if job else "local"

    @property
    def workspace(self):
        return Workspace(self._job)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return lacks("Experiment", name, lambda of: of.get_context().experiment)


class Workspace:
    """Its names; what else is asked of it comes from the registry."""

    __module__ = "azureml.core"

    def __init__(self, job):
        self._job = job
        self.name = os.environ.get("AZUREML_ARM_WORKSPACE_NAME") or "local"
        self.subscription_id = os.environ.get("AZUREML_ARM_SUBSCRIPTION") or "00000000-0000-0000-0000-000000000000"
        self.resource_group = os.environ.get("AZUREML_ARM_RESOURCEGROUP") or "local"
        self.location = os.environ.get("AZUREML_WORKSPACE_LOCATION") or "local"

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lacks("Workspace", name, lambda of: of.get_context().experiment.workspace)


class Input(str):
    """The path of an input, with what scripts ask of a dataset."""

    def to_path(self):
        return _files(self)

    def to_pandas_dataframe(self):
        """The rows of a .csv, .tsv, .txt, .parquet, .jsonl or .json file, or of all such files of a folder."""
        import pandas

        frames = [_frame(pandas, path) for path in _files(self)]
        return frames[0] if len(frames) == 1 else pandas.concat(frames, ignore_index=True)

    def mount(self, mount_point=None, **kwargs):
        return _Mounted(self)

    def download(self, target_path=None, overwrite=False, ignore_not_found=False):
        """The paths of its files; copies of them, with a target."""
        paths, base = _files(self), self if os.path.isdir(self) else os.path.dirname(self)
        if target_path is None:
            return paths
        targets = [os.path.join(target_path, os.path.relpath(p, base)) for p in paths]
        for path, target in zip(paths, targets):
            if os.path.exists(target) and not overwrite:
                raise FileExistsError("%s is there: overwrite=True replaces it" % target)
            with open(path, "rb") as f:
                _write_whole(target, f)
        return targets


class _Mounted:
    def __init__(self, path):
        self.mount_point = str(path)

    def start(self):
        pass

    stop = start

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        pass


def _files(path):
    if not os.path.isdir(path):
        return [str(path)]
    return sorted(os.path.join(here, n) for here, _, names in os.walk(path, followlinks=True) for n in names)


_READERS = {".csv": ("read_csv", {}), ".tsv": ("read_csv", {"sep": "\t"}), ".txt": ("read_csv", {}),
            ".parquet": ("read_parquet", {}), ".jsonl": ("read_json", {"lines": True}),
            ".json": ("read_json", {"lines": True})}


def _frame(pandas, path):
    reader = _READERS.get(os.path.splitext(path)[1].lower())
    if reader is None:
        raise ValueError("%s: expected a table (%s)" % (path, " ".join(sorted(_READERS))))
    return getattr(pandas, reader[0])(path, **reader[1])


# ---- outside of a run


class _OfflineRun(Run):
    """Of a script that no run has started: what it logs is shown, and kept while it lives."""

    __module__ = "azureml.core.run"
    _is_top = True

    def _put(self, kind, name, value, **more):
        self._kept.append({"kind": kind, "name": str(name), "value": _metrics.plain(value), "run": self._child})
        word = {"value": "scalar metric", "list": "list metric", "row": "row metric", "table": "table metric"}.get(kind)
        if word:
            print("Attempted to log %s %s:\n%s" % (word, name, value))

    def _records(self):
        return self._kept

    def child_run(self, name=None, run_id=None, outputs=None):
        made = _offline()
        made._kept, made._child = self._kept, str(name or run_id or self._next_child())
        made._made_by = self
        return made

    def get_children(self, *args, **kwargs):
        return iter(())


class _NoJob:
    task = None

    def one(self, key):
        return {"experiment": "OfflineRun"}.get(key, "")

    def pairs(self, key):
        return []


def _offline():
    import uuid

    run = object.__new__(_OfflineRun)
    run._begin(_NoJob(), "", os.path.abspath(OUTPUTS), "OfflineRun_" + str(uuid.uuid4()))
    run._kept = []
    return run
