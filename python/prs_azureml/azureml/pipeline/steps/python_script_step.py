# SPDX-License-Identifier: Apache-2.0
"""azureml.pipeline.steps.python_script_step"""
import os
import re

from prs_azureml import _compile, _engine, _names, _outputs, _paths
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.pipeline.core.builder import PipelineStep, _core, _listed

_HERE = "a step runs on this machine"


class _Program(PipelineStep):
    """A step that is one program."""

    _command_words = ()

    def _open(self, name, runconfig, compute_target, folder, inputs, outputs, arguments, allow_reuse):
        self._runconfig, self._target = runconfig, compute_target
        self._folder = os.path.abspath(folder) if folder else None
        if self._folder and not os.path.isdir(self._folder):
            raise _paths.mistake("%s %s: source_directory: no such folder: %s" % (type(self).__name__, name, self._folder))
        self._begin(name, inputs, outputs, arguments, allow_reuse)

    def _compile(self, document):
        words = _Words(self, document)
        for value in self._inputs:
            words.data(value)
        command = self._text(words)
        environment = getattr(self._runconfig, "environment", None)
        variables = dict(getattr(environment, "environment_variables", None) or {})
        variables.update(getattr(self._runconfig, "environment_variables", None) or {})
        python = environment._interpreter() if hasattr(environment, "_interpreter") else _engine.python()
        step = dict(document.of_step(self, "command"), command=command, inputs=words.inputs, outputs=[
            {"name": o.name, "type": "uri_folder" if o._made else "uri_file", "path": o._path} for o in self._outputs],
            environment=document.environment(variables), python=python, python_why="it runs the script that submitted this")
        if self._folder:
            step["code_dir"] = self._folder
        return step


class _Words:
    """The arguments of a command as words of bash, and the inputs that they name."""

    def __init__(self, step, document):
        self.step, self.document = step, document
        self.inputs = []
        self._names = {}  # what an input stands for: its name

    def data(self, value):
        """The reference to an input; it is declared."""
        member = self.document.input(value, len(self.inputs), False)
        key = (member.get("path"), member.get("step"), member.get("output"))
        if key not in self._names:
            taken, name, n = {m["name"] for m in self.inputs}, member["name"], 2
            while name in taken:
                name, n = "%s_%d" % (member["name"], n), n + 1
            self._names[key] = name
            self.inputs.append(dict(member, name=name))
        return "${{inputs.%s}}" % self._names[key]

    def word(self, value):
        """One argument."""
        found = self.document.unbound(value)
        core = _core(found)
        if core is not None and core["producer"] is self.step:
            return "${{outputs.%s}}" % core["name"]
        if core is not None or _compile.is_data(found):
            return self.data(value if not isinstance(found, DatasetConsumptionConfig) else found)
        return _compile.quoted(found)


class PythonScriptStep(_Program):
    """python SCRIPT ARGUMENTS in a copy of a folder."""

    @_names.unused(params="variables: environment_variables of the environment", version="nothing reads it",
                   hash_paths="the whole folder counts", compute_target=_HERE)
    def __init__(self, script_name, name=None, arguments=None, compute_target=None, runconfig=None,
                 runconfig_pipeline_params=None, inputs=None, outputs=None, params=None, source_directory=None,
                 allow_reuse=True, version=None, hash_paths=None):
        if runconfig_pipeline_params:
            raise _paths.mistake("PythonScriptStep: runconfig_pipeline_params: there is one machine here")
        folder = source_directory or "."
        if not isinstance(script_name, str) or not os.path.isfile(os.path.join(folder, script_name)):
            raise _paths.mistake("PythonScriptStep: script_name: no such file: %s" % os.path.join(folder, str(script_name)))
        self._script = script_name
        self._open(name or os.path.basename(script_name), runconfig, compute_target, folder, inputs, outputs, arguments,
                   allow_reuse)

    def _text(self, words):
        return " ".join(["python", _compile.quoted(self._script)] + [words.word(v) for v in self._arguments])


class CommandStep(_Program):
    """A command line in a copy of a folder: a text, or a list of texts and data."""

    @_names.unused(compute_target=_HERE)
    def __init__(self, command=None, name=None, compute_target=None, runconfig=None, runconfig_pipeline_params=None,
                 inputs=None, outputs=None, params=None, source_directory=None, allow_reuse=True, version=None):
        if not command and runconfig is not None and getattr(runconfig, "command", None):
            command = runconfig.command
        if not command:
            raise _paths.mistake("CommandStep: command: expected a text, or a list of texts and data")
        if runconfig_pipeline_params or params or version:
            _names.say_once("CommandStep(runconfig_pipeline_params=, params=, version=) are known and not used")
        self._command = _listed(command)
        first = next((w for w in self._command if isinstance(w, str)), "command")
        self._open(name or re.split(r"\s", first.strip() or "command")[0], runconfig, compute_target, source_directory,
                   inputs, outputs, [v for v in self._command if not isinstance(v, str)], allow_reuse)

    def _text(self, words):
        """Texts of a command are bash, so they go in as they are."""
        return " ".join(v.replace("${{", "${{prs.dollar}}{{") if isinstance(v, str) else words.word(v) for v in self._command)


def __getattr__(name):
    return _names.missing(__name__, name, globals())
