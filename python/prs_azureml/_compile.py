# SPDX-License-Identifier: Apache-2.0
"""v1 objects as the engine's pipeline document (docs/job-json.md). Pure but for the MLTable of a tabular dataset, which
is written below the workspace under a name made of its text."""
import os
import shlex

from prs_azureml import _engine, _outputs, _paths
from azureml.data.abstract_dataset import AbstractDataset
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.pipeline.core.graph import InputPortBinding, PipelineParameter


def closure(steps):
    """These steps and all that they need, each behind what it needs."""
    done, open_ = [], []

    def visit(step):
        if step in done:
            return
        if step in open_:
            ring = open_[open_.index(step):] + [step]
            raise _paths.mistake("steps that wait for each other: %s" % " -> ".join(s.name for s in ring))
        open_.append(step)
        for before in step._needs():
            visit(before)
        open_.pop()
        done.append(step)

    for step in steps:
        visit(step)
    return done


def document(pipeline, name, values, regenerate=False, continue_on_step_failure=False):
    """The whole pipeline; values: {name of a parameter: value}."""
    return _Document(pipeline, values).whole(name, regenerate, continue_on_step_failure)


def registrations(pipeline):
    """{step: [(output, what it is registered as when all is done)]}."""
    names = _unique(pipeline.steps)
    return {names[s]: [(o.name, o._core["registration"]) for o in s._outputs if o._core["registration"]]
            for s in pipeline.steps}


class _Document:
    def __init__(self, pipeline, values):
        self.workspace = pipeline.workspace
        self.values = values
        self.seen = set()  # parameters that something asks for
        self.steps = pipeline.steps
        self.names = _unique(self.steps)
        self._models = None

    def whole(self, name, regenerate, continue_on_step_failure):
        steps = [step._compile(self) for step in self.steps]
        unknown = sorted(set(self.values) - self.seen)
        if unknown:
            raise _paths.mistake("pipeline_parameters: no parameter %s in this pipeline (%s)" % (
                ", ".join(unknown), ", ".join(sorted(self.seen)) or "it has none"))
        return {"pipeline_format": 1, "name": name, "continue_on_step_failure": bool(continue_on_step_failure),
                "force_rerun": bool(regenerate), "steps": steps}

    def of_step(self, step, kind):
        """What both kinds have."""
        after = sorted({self.names[s] for s in step._needs()})
        return {"name": self.names[step], "type": kind, "after": after, "allow_reuse": step.allow_reuse}

    def value(self, given):
        """A parameter's value, anything else as it is."""
        if not isinstance(given, PipelineParameter):
            return given
        self.seen.add(given.name)
        return self.values.get(given.name, given.default_value)

    def unbound(self, given):
        """Without the wrappers of the original."""
        given = self.value(given)
        if isinstance(given, InputPortBinding):
            return self.unbound(given.bind_object)
        if isinstance(given, tuple) and len(given) == 2 and type(given[1]).__name__ == "DataPathComputeBinding":
            return self.unbound(given[0])
        return getattr(given, "_data", given) if type(given).__name__ == "OutputPortBinding" else given

    def dataset(self, config):
        """What a DatasetConsumptionConfig, or a dataset alone, stands for."""
        found = self.value(config.dataset) if isinstance(config, DatasetConsumptionConfig) else config
        if isinstance(found, DatasetConsumptionConfig):
            return self.dataset(found)
        return found

    def reference(self, step, output):
        """An output in a text of `step`."""
        if output._producer is step:
            return "${{outputs.%s}}" % output.name
        return "${{parent.jobs.%s.outputs.%s}}" % (self.producer(output), output.name)

    def producer(self, output):
        if output._producer is None:
            raise _paths.mistake("no step makes %s: name it in outputs= or output= of a step" % output.name)
        return self.names[output._producer]

    # ---- inputs

    def input(self, given, number, parallel):  # noqa: A003
        """A member of "inputs"."""
        name = given.name if hasattr(given, "name") and isinstance(given.name, str) else None
        found = self.unbound(given)
        if isinstance(found, DatasetConsumptionConfig):
            name, found = found.name, self.dataset(found)
        name = _input_name(name, number)
        if isinstance(found, _outputs.Output):
            found = _outputs.Reading(found, name, "file")
        if isinstance(found, _outputs.Reading):
            return {"name": name, "step": self.producer(found._output), "output": found._output.name}
        if isinstance(found, AbstractDataset):
            return dict(self.data(found, parallel), name=name)
        paths = _paths.resolve(found, self.workspace)
        return dict(_path_of(paths, parallel), name=name)

    def is_tabular(self, given):
        found = self.unbound(given)
        if isinstance(found, DatasetConsumptionConfig):
            found = self.dataset(found)
        return getattr(found, "_kind", "file") == "tabular"

    def data(self, dataset, parallel):
        if dataset._kind == "tabular":
            return {"type": "mltable", "mltable" if parallel else "path": self.mltable(dataset)}
        if dataset._steps:
            return _path_of([p for p, _ in dataset._files()], parallel)
        more = {"partition_format": dataset._partition_format.lstrip("/")} if dataset._partition_format and parallel else {}
        return dict(_path_of(dataset._paths, parallel), **more)

    def mltable(self, dataset):
        import hashlib
        import json

        text = json.dumps(dataset._mltable(), indent=1, sort_keys=True) + "\n"
        folder = os.path.join(self.workspace._path, "mltables", hashlib.sha256(text.encode()).hexdigest()[:16])
        path = os.path.join(folder, "MLTable")
        if not os.path.exists(path):
            os.makedirs(folder, exist_ok=True)
            temporary = "%s.%d" % (path, os.getpid())
            with open(temporary, "w", encoding="utf-8") as f:
                f.write(text)
            os.replace(temporary, path)
        return folder

    def path(self, given):
        """The path that stands for data in a text."""
        found = self.dataset(given)
        if isinstance(found, AbstractDataset):
            if found._kind == "tabular":
                return self.mltable(found)
            return _single(found._paths)
        return _single(_paths.resolve(found, self.workspace))

    # ---- texts

    def word(self, step, given):
        """An argument of a parallel step."""
        found = self.unbound(given)
        if isinstance(found, _outputs.Reading):
            found = found._output
        if isinstance(found, _outputs.Output):
            return self.reference(step, found)
        if isinstance(found, DatasetConsumptionConfig) and isinstance(self.dataset(found), (_outputs.Reading, _outputs.Output)):
            return self.word(step, self.dataset(found))
        if is_data(found):
            return self.path(found).replace("${{", "${{prs.dollar}}{{")
        return literal(found).replace("${{", "${{prs.dollar}}{{")

    def environment(self, pairs):
        return [{"name": str(k), "value": literal(v).replace("${{", "${{prs.dollar}}{{")} for k, v in sorted(pairs.items())]

    def models(self):
        """All registered models, so that workers find them by name."""
        if self._models is None:
            self._models = [{"name": "%s:%s" % (e["name"], e["version"]), "value": e["local"]}
                            for n in sorted({e["name"] for e in _engine.entries("model", self.workspace._path)})
                            for e in _engine.entries("model", self.workspace._path, n) if e.get("local")]
        return self._models


def is_data(value):
    return isinstance(value, (DatasetConsumptionConfig, AbstractDataset)) or hasattr(value, "_local") or (
        isinstance(value, tuple) and len(value) == 2 and hasattr(value[0], "_folder"))


def literal(value):
    """As the text of an argument."""
    if isinstance(value, (str, int, float)):
        return str(value)
    raise _paths.mistake("%r cannot be an argument: expected a text, a number, data or an output" % (value,))


def quoted(value):
    """A literal as a word of bash."""
    text = shlex.quote(literal(value))
    return text.replace("$", "${{prs.dollar}}") if "${{" in text or "$[[" in text else text


def _unique(steps):
    names, taken = {}, set()
    for step in steps:
        name, n = step.name, 2
        while name in taken:
            name, n = "%s_%d" % (step.name, n), n + 1
        taken.add(name)
        names[step] = name
    return names


def _input_name(name, number):
    good = name and "".join(c if c.isalnum() or c in "_-" else "_" for c in name)
    return good or "input_%d" % number


def _path_of(paths, parallel):
    """One path, or several as parts; a command has one."""
    if not parallel:
        path = _single(paths)
        return {"path": path, "type": "uri_file" if os.path.isfile(path) else "uri_folder"}
    paths = [_paths.for_engine(p) for p in paths]
    return {"path": paths[0], "type": "uri_folder"} if len(paths) == 1 else {"parts": paths, "type": "uri_folder"}


def _single(paths):
    """The one file or folder that these paths are, or lie in."""
    found = {_paths.base(p) if _paths.is_pattern(p) else p.rstrip("/") for p in paths}
    if len(found) == 1:
        return found.pop()
    bases = {_paths.base(p) for p in paths}
    if len(bases) == 1:
        return bases.pop()
    raise _paths.mistake("data in several folders has no one path for a script: %s" % ", ".join(sorted(found)[:5]))
