# SPDX-License-Identifier: Apache-2.0
"""azureml.pipeline.core.run"""
import os

from prs_azureml import _engine, _names, _paths
from azureml.core.run import Run

_LOCAL = "a run here is a folder"
# state of a step of the engine -> status of a step here
_STATUS = {"WAITING": "NotStarted", "READY": "NotStarted", "RUNNING": "Running", "DONE": "Finished", "REUSED": "Finished",
           "FAILED": "Failed", "SKIPPED": "Canceled", "CANCELED": "Canceled"}
_DETAILS = {"Finished": "Completed", "NotStarted": "NotStarted"}
_RESULT = {"completed": "Finished", "failed": "Failed", "canceled": "Canceled", "interrupted": "Canceled"}


class PipelineRun(Run):
    """A pipeline that was submitted."""

    type = "azureml.PipelineRun"  # noqa: A003

    @_names.unused(experiment=_LOCAL, run_id=_LOCAL)
    def __init__(self, experiment, run_id):
        raise _paths.mistake("PipelineRun(): runs come from Experiment.submit(); an older one: prs status RUN")

    @classmethod
    def _begin(cls, experiment, document, tags):
        made = cls.__new__(cls)
        made.experiment, made._document, made.tags = experiment, document, tags
        made.properties, made.parent, made._raised = {}, None, False
        made._registered, made._registrations = False, {}
        return made

    @classmethod
    def _of(cls, experiment, document, tags, live):
        made = cls._begin(experiment, document, tags)
        made._live, made.id = live, live.name
        return made

    @classmethod
    def _compiled(cls, experiment, document, tags, path):
        made = cls._begin(experiment, document, tags)
        made._live, made.id, made._file = None, os.path.basename(path), path
        return made

    def __repr__(self):
        return "Run(Experiment: %s,\nId: %s,\nType: %s,\nStatus: %s)" % (
            self.experiment.name, self.id, self.type, self.get_status())

    name = property(lambda self: self.id)
    number = 1

    def _folder(self):
        return self._live.dir if self._live else None

    def _results(self):
        """With --compile there are none: the script ends here."""
        if self._live is None:
            _names.say("%s is written; the script asks for results%s: it ends here" % (self._file, _names.script_place()))
            raise SystemExit(0)
        return self._live

    @property
    def status(self):
        """As get_status()."""
        return self.get_status()

    def get_status(self):
        """Running, Finished, Failed or Canceled."""
        live = self._live
        if live is None:
            return "Finished"
        if not live.over:
            return "Running"
        if live.end is None:
            return "Failed"
        return _RESULT.get(live.end["result"], "Failed")

    def _why(self):
        live = self._live
        failed = sorted(step for step, state in live.states.items() if state == "FAILED")
        text = ("failed: %s; prs logs %s/%s" % (", ".join(failed), live.dir, failed[0])) if failed else live.error()
        return text or self.get_status().lower()

    def wait_for_completion(self, show_output=True, timeout_seconds=9223372036854775807, raise_on_error=True):
        """Waits, with progress lines; "Finished". Of a run that failed raises unless raise_on_error=False."""
        from prs_azureml import _runs

        if self._live is None:
            return "Finished"
        if timeout_seconds < 1e9 and not self._live.wait_for(lambda: self._live.over, timeout_seconds):
            raise _paths.mistake("%s did not end within %s s" % (self.id, timeout_seconds))
        _runs.wait(self._live, show_output)
        self._complete()
        status = self.get_status()
        if status != "Finished" and raise_on_error:
            from azureml.exceptions import ActivityCanceledException, ActivityFailedException

            self._raised = True
            kind = ActivityCanceledException if status == "Canceled" else ActivityFailedException
            raise kind("pipeline run %s %s" % (self.id, self._why()))
        self._raised = self._raised or status != "Finished"
        return status

    def _complete(self):
        """What is registered on completion."""
        if self._registered or self.get_status() != "Finished":
            return
        self._registered = True
        for step in self.get_steps():
            for output, what in self._registrations.get(step.name, ()):
                what = dict(what)
                name = what.pop("name")
                path = step._paths()[output]
                _engine.register("dataset", name, self.experiment.workspace._path, dict(
                    what, new_version=True, definition={"type": "file", "paths": [path]}))

    def get_details(self):
        """A dict; "status" is Completed when it ended well."""
        status = self.get_status()
        return {"runId": self.id, "status": _DETAILS.get(status, status), "properties": self.properties,
                "target": "local", "logFiles": {}, "submittedBy": "", "runDefinition": self._document}

    def get_tags(self):
        """Its tags."""
        return dict(self.tags)

    def tag(self, key, value=None):
        """One more tag."""
        self.tags[key] = value

    def set_tags(self, tags):
        """More tags."""
        self.tags.update(tags)

    def get_properties(self):
        """Its properties."""
        return dict(self.properties)

    def cancel(self):
        """Stops it for good."""
        if self._live is not None and not self._live.over:
            _engine.cancel(self._live.dir)
            self._live.wait_for(lambda: self._live.over)

    fail = cancel

    # ---- steps

    def get_steps(self):
        """Its steps, as StepRun."""
        return [StepRun._of(self, step) for step in self._document["steps"]]

    @_names.unused(recursive="steps have no children", tags="steps have no tags", properties="steps have no properties",
                   type=_LOCAL, status=_LOCAL, _rehydrate_runs=_LOCAL)
    def get_children(self, recursive=False, tags=None, properties=None, type=None, status=None,  # noqa: A002
                     _rehydrate_runs=True):
        """Its steps, as StepRun."""
        return iter(self.get_steps())

    def find_step_run(self, name):
        """The steps of a name, a list."""
        found = [s for s in self.get_steps() if s.name == name]
        if not found:
            names = [s["name"] for s in self._document["steps"]]
            raise _paths.mistake("no step %s in %s (%s)" % (name, self.id, ", ".join(names)))
        return found

    def get_pipeline_output(self, pipeline_output_name):
        """The output of a name, of whatever step."""
        for step in self.get_steps():
            if pipeline_output_name in step._paths():
                return step.get_output_data(pipeline_output_name)
        raise _paths.mistake("no output %s in %s" % (pipeline_output_name, self.id))


class StepRun(Run):
    """A step of a pipeline that was submitted."""

    type = "azureml.StepRun"  # noqa: A003

    @_names.unused(context=_LOCAL, node_id=_LOCAL)
    def __init__(self, context=None, node_id=None):
        raise _paths.mistake("StepRun(): steps come from PipelineRun.find_step_run()")

    @classmethod
    def _of(cls, parent, step):
        made = cls.__new__(cls)
        made.parent, made._step, made.name = parent, step, step["name"]
        made.experiment = parent.experiment
        made.id = "%s/%s" % (parent.id, made.name)
        made.tags, made.properties = {}, {"azureml.parallelrunstep": "true"} if step["type"] == "parallel" else {}
        return made

    def __repr__(self):
        return "StepRun(%s, %s)" % (self.id, self.get_status())

    def _folder(self):
        name = "".join(c if c.isalnum() and c.isascii() or c in "._-" else "".join("%%%02X" % b for b in c.encode("utf-8", "surrogateescape"))
                       for c in self.name)
        name = "%2E" + name[1:] if name.startswith(".") else name
        return os.path.join(self.parent._results().dir, "steps", name)

    @property
    def status(self):
        """As get_status()."""
        return self.get_status()

    def get_status(self):
        """NotStarted, Running, Finished, Failed or Canceled."""
        live = self.parent._live
        return _STATUS.get(live.states.get(self.name, "WAITING"), "NotStarted") if live else "Finished"

    def get_details(self):
        """A dict; "status" is Completed when it ended well."""
        status = self.get_status()
        return {"runId": self.id, "status": _DETAILS.get(status, status), "properties": self.properties, "target": "local",
                "logFiles": {}}

    def wait_for_completion(self, show_output=True, timeout_seconds=9223372036854775807, raise_on_error=True):
        """Waits for this step."""
        live = self.parent._results()
        ended = ("Finished", "Failed", "Canceled")
        if not live.wait_for(lambda: live.over or self.get_status() in ended, min(timeout_seconds, 1e8)):
            raise _paths.mistake("%s did not end within %s s" % (self.id, timeout_seconds))
        if show_output:
            print("%s: %s" % (self.id, self.get_status()))
        if self.get_status() != "Finished" and raise_on_error:
            from azureml.exceptions import ActivityFailedException

            self.parent._raised = True
            raise ActivityFailedException("step %s: %s; prs logs %s/%s" % (self.name, self.get_status(), live.dir, self.name))
        return self.get_status()

    # ---- what it made

    def _paths(self):
        """{output: its path}."""
        outputs = self._step["job"].get("outputs", ()) if self._step["type"] == "parallel" else self._step["outputs"]
        found = {}
        for o in outputs:
            path = (o["path"] or "").replace("${{name}}", self.parent.id)
            found[o["name"]] = path or os.path.join(self._folder(), "outputs", o["name"])
        return found

    def get_outputs(self):
        """{name: StepRunOutput}."""
        return {name: StepRunOutput(self, name) for name in self._paths()}

    def get_output_data(self, name):
        """What an output holds: download() copies it."""
        self.parent._results()
        paths = self._paths()
        if name not in paths:
            raise _paths.mistake("step %s has no output %s (%s)" % (self.name, name, ", ".join(paths) or "none"))
        return PortDataReference(self.parent.experiment.workspace, paths[name], "azureml/%s/%s" % (self.id, name))

    def get_output(self, name):
        """An output."""
        return self.get_outputs()[name]

    def _logs(self):
        folder = os.path.join(self._folder(), "logs")
        return {os.path.relpath(p, self._folder()): p for p in _paths.files(folder)}

    def get_file_names(self):
        """Its logs and outputs."""
        return sorted(list(self._logs()) + [os.path.relpath(p, self._folder()) for p in
                                            _paths.files(os.path.join(self._folder(), "outputs"))])

    def download_file(self, name, output_file_path=None):
        """Copies one of its files."""
        target = output_file_path or os.path.basename(name)
        if os.path.isdir(target):
            target = os.path.join(target, os.path.basename(name))
        _paths.copy(os.path.join(self._folder(), name), target, True)

    def get_step_log(self):
        """What a command printed; of a parallel step its overview."""
        for name in ("logs/user/std_log.txt", "logs/job_progress_overview.txt"):
            path = os.path.join(self._folder(), name)
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as f:
                    return f.read()
        return ""

    get_job_log = get_stdout_log = get_step_log


class StepRunOutput(_names.Described):
    """An output of a step that was submitted."""

    def __init__(self, context, name):
        self._step, self.name = context, name

    def get_port_data_reference(self):
        """What it holds."""
        return self._step.get_output_data(self.name)


class PortDataReference(_names.Described):
    """What a step made."""

    def __init__(self, context, pipeline_run_id, data_reference):
        self._workspace, self._path, self.path_on_datastore = context, pipeline_run_id, data_reference
        self.name = os.path.basename(data_reference)

    @property
    def data_reference(self):
        """The same."""
        return self

    @property
    def datastore_name(self):
        """Outputs lie in the run folder; the name of the default datastore stands for it."""
        return "workspaceblobstore"

    def download(self, local_path, overwrite=None, show_progress=True):
        """Copies it to <local_path>/<path_on_datastore>/...; how many files."""
        target = os.path.join(os.path.abspath(local_path), self.path_on_datastore)
        found = _paths.files(self._path)
        if os.path.isfile(self._path):
            done = int(_paths.copy(self._path, target, bool(overwrite)))
        else:
            done = len(_paths.copy_tree(self._path, target, bool(overwrite)))
        if show_progress:
            print("Downloaded %d of %d files to %s" % (done, len(found), target))
        return done

    def as_mount(self):
        """The path."""
        return self

    def _local(self):
        return self._path


def __getattr__(name):
    return _names.missing(__name__, name, globals())
