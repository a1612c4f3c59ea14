# SPDX-License-Identifier: Apache-2.0
"""azureml.pipeline.steps.parallel_run_config"""
import os

from prs_azureml import _engine, _names, _paths, _yaml
from azureml.pipeline.core.graph import PipelineParameter

# Parameters that are options of the engine: their ranges and defaults are in its table. True: may be a PipelineParameter.
OPTIONS = {"error_threshold": False, "output_action": False, "process_count_per_node": True, "mini_batch_size": True,
           "logging_level": True, "run_invocation_timeout": True, "run_max_try": True, "allowed_failed_count": False,
           "allowed_failed_percent": False, "partition_keys": True}
_YAML = ("error_threshold output_action logging_level compute_target_name node_count process_count_per_node "
         "mini_batch_size partition_keys entry_script source_directory description run_invocation_timeout run_max_try "
         "append_row_file_name allowed_failed_count allowed_failed_percent environment_variables").split()
_OTHER_YAML = ("input_format", "environment_name", "environment_version", "environment_dir_path", "environment")


class ParallelRunConfig(_names.Described):
    """How a ParallelRunStep runs."""

    @_names.unused(description="nothing reads it")
    def __init__(self, environment, entry_script, error_threshold, output_action, compute_target, node_count,
                 process_count_per_node=None, mini_batch_size=None, source_directory=None, description=None,
                 logging_level="INFO", run_invocation_timeout=60, run_max_try=3, append_row_file_name=None,
                 allowed_failed_count=None, allowed_failed_percent=None, partition_keys=None, environment_variables=None):
        self.environment, self.compute_target, self.node_count = environment, compute_target, node_count
        self.entry_script, self.source_directory, self.description = entry_script, source_directory, description
        self.error_threshold, self.output_action = error_threshold, output_action
        self.process_count_per_node, self.mini_batch_size = process_count_per_node, mini_batch_size
        self.logging_level, self.run_invocation_timeout = logging_level, run_invocation_timeout
        self.run_max_try, self.append_row_file_name = run_max_try, append_row_file_name
        self.allowed_failed_count, self.allowed_failed_percent = allowed_failed_count, allowed_failed_percent
        self.partition_keys, self.environment_variables = partition_keys, environment_variables
        self._check()

    def __repr__(self):
        return "<ParallelRunConfig %s>" % self.entry_script

    # ---- mistakes

    def _check(self):
        if self.partition_keys is not None and self.mini_batch_size is not None:
            raise _paths.mistake("ParallelRunConfig: partition_keys and mini_batch_size exclude each other")
        for name, may_be_parameter in OPTIONS.items():
            value = getattr(self, name)
            if isinstance(value, PipelineParameter) and not may_be_parameter:
                raise _paths.mistake("ParallelRunConfig: %s cannot be a PipelineParameter" % name)
            self._checked(name, value.default_value if isinstance(value, PipelineParameter) else value)
        self._check_nodes()
        self._check_script()
        if self.append_row_file_name is not None and (
                not self.append_row_file_name or "/" in self.append_row_file_name):
            raise _paths.mistake("ParallelRunConfig: append_row_file_name %r: expected the name of a file without a folder"
                                 % (self.append_row_file_name,))

    def _check_nodes(self):
        nodes = self.node_count
        nodes = nodes.default_value if isinstance(nodes, PipelineParameter) else nodes
        if isinstance(nodes, bool) or not isinstance(nodes, int) or nodes < 1:
            raise _paths.mistake("ParallelRunConfig: node_count %r: expected a whole number from 1" % (nodes,))
        if nodes > 1:
            _names.say_once("node_count %d: there is one machine here" % nodes)

    def _check_script(self):
        self._entry()

    def _entry(self):
        """(folder of the code, None = that of the script; the script)."""
        if not isinstance(self.entry_script, str) or not self.entry_script:
            raise _paths.mistake("ParallelRunConfig: entry_script %r: expected the path of a script" % (self.entry_script,))
        folder = os.path.abspath(self.source_directory) if self.source_directory else None
        if folder and not os.path.isdir(folder):
            raise _paths.mistake("ParallelRunConfig: source_directory: no such folder: %s" % folder)
        path = os.path.join(folder or os.getcwd(), self.entry_script)
        dotted = folder and os.path.isfile(os.path.join(folder, *self.entry_script.split(".")) + ".py")
        if not os.path.isfile(path) and not dotted:
            raise _paths.mistake("ParallelRunConfig: entry_script: no such file: %s" % path)
        return folder, self.entry_script if folder else path

    def _checked(self, name, value):
        """The value as the engine takes it; None = not given."""
        if value is None:
            return None
        row = _engine.option(name)
        if name == "partition_keys":
            return _keys(value)
        if row["choices"]:
            value = value.upper() if name == "logging_level" and isinstance(value, str) else value
            return value if value in row["choices"] else self._refuse(name, value, "one of " + ", ".join(row["choices"]))
        if name == "mini_batch_size":
            return _size(value) or self._refuse(name, value, "a number of files, or a size such as 1024, 10KB, 1MB")
        if isinstance(value, str):
            value = _number(value)
        low, high = row["min"], row["max"]
        whole = row["type"] != "number"
        above = 0 if row["type"] == "seconds" else None  # (0, max]
        good = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool) and (
            low <= value <= high and (above is None or value > above))
        if not good:
            self._refuse(name, value, "%s in %s%d, %d]" % (
                "a whole number" if whole else "a number", "[" if above is None else "(", low, high))
        return value

    @staticmethod
    def _refuse(name, value, expected):
        raise _paths.mistake("ParallelRunConfig: %s %r: expected %s" % (name, value, expected))

    def _given(self, document):
        """{option: value} of what was given, parameters filled in."""
        found = {}
        for name in OPTIONS:
            value = self._checked(name, document.value(getattr(self, name)))
            if value is not None:
                found[_engine.option(name)["name"]] = {"value": value, "from": "ParallelRunConfig"}
        document.value(self.node_count)
        return found

    # ---- files

    def save_to_yaml(self, path):
        """Writes it as a file of parallel_run_config."""
        values = {name: getattr(self, name, None) for name in _YAML}
        values["compute_target_name"] = getattr(self.compute_target, "name", self.compute_target)
        values["environment_name"] = getattr(self.environment, "name", None)
        kept = {}
        for name, value in values.items():
            value = value.default_value if isinstance(value, PipelineParameter) else value
            if value is not None:
                kept[name] = value
        with open(path, "w", encoding="utf-8") as f:
            f.write(_yaml.dump({"parallel_run_config": kept}))

    @staticmethod
    def load_yaml(workspace, path):
        """What a file of parallel_run_config describes."""
        if not os.path.isfile(path):
            raise _paths.mistake("no such file: %s" % path)
        with open(path, encoding="utf-8") as f:
            whole = _yaml.load(f.read(), path)
        given = (whole or {}).get("parallel_run_config") if isinstance(whole, dict) else None
        if not isinstance(given, dict):
            raise _paths.mistake("%s: expected a key parallel_run_config" % path)
        for name in given:
            if name not in _YAML and name not in _OTHER_YAML:
                like = _names.near(name, _YAML)
                raise _paths.mistake("%s: %s is not a key of parallel_run_config%s" % (
                    path, name, "; near: " + ", ".join(like) if like else ""))
        given = {k: v for k, v in given.items() if v is not None}
        values = {name: given[name] for name in _YAML if name in given}
        values["compute_target"] = values.pop("compute_target_name", "local")
        for name, default in (("error_threshold", -1), ("output_action", "append_row"), ("node_count", 1)):
            values.setdefault(name, default)
        return ParallelRunConfig(environment=_environment(workspace, given, path), **values)


def _environment(workspace, given, path):
    from azureml.core.environment import Environment

    if "environment_name" in given:
        return Environment.get(workspace, given["environment_name"], given.get("environment_version"))
    if "environment_dir_path" in given:
        folder = os.path.join(os.path.dirname(os.path.abspath(path)), given["environment_dir_path"])
        return Environment.load_from_directory(folder)
    made = Environment((given.get("environment") or {}).get("name"))
    made.environment_variables = dict((given.get("environment") or {}).get("environmentVariables") or {})
    return made


def _keys(value):
    import json

    try:
        keys = json.loads(value) if isinstance(value, str) else list(value)
    except (ValueError, TypeError):
        keys = None
    if not isinstance(keys, list) or not keys or not all(isinstance(k, str) and k for k in keys):
        raise _paths.mistake("ParallelRunConfig: partition_keys %r: expected a list of names (of a PipelineParameter: the "
                             "list as JSON)" % (value,))
    return keys


def _size(value):
    import re

    row = _engine.option("mini_batch_size")
    m = re.match(r"(\d+) *([kKmMgG][bB])?$", str(value)) if isinstance(value, (str, int)) and value is not True else None
    factor = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
    number = int(m.group(1)) * factor.get((m.group(2) or " ")[0].lower(), 1) if m else 0
    return str(value).replace(" ", "") if m and row["min"] <= number <= row["max"] else None


def _number(text):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def __getattr__(name):
    return _names.missing(__name__, name, globals())
