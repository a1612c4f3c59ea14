# SPDX-License-Identifier: Apache-2.0
"""What the node told this process about the job: names with one or more values (docs/design/worker-environment.md)."""
import os

# What children of the script's own pools need to know as well.
_FOR_CHILDREN = ("run_id", "process", "code_root", "output_dir", "log_dir", "log_file", "model", "input", "experiment",
                 "run_outputs", "run_folder")
_INPUT, _UNDER = "AZURE_ML_INPUT_", "PRS_STEP_FOLDER"


def is_told():
    """Does this process belong to a worker, or to a command of a pipeline?"""
    return "PRS_JOB" in os.environ or _UNDER in os.environ


class Job:
    task = None  # the mini-batch that this process is at
    is_command = is_foreground = False

    def __init__(self, values):
        self.values = values

    @classmethod
    def of_setup(cls, raw):
        return cls({key: [os.fsdecode(v) for v in values] for key, values in raw.items()})

    def in_pipeline(self):
        """Is it a step of one?"""
        folder = self.one("run_folder")
        above = os.path.dirname(os.path.dirname(folder))
        return bool(folder) and os.path.exists(os.path.join(above, "pipeline.json"))

    def one(self, key):
        """The value, "" when there is none."""
        values = self.values.get(key)
        return values[-1] if values else ""

    def every(self, key):
        return self.values.get(key, [])

    def pairs(self, key):
        """name=path values as (name, path)."""
        return [(name, path) for name, _, path in (v.partition("=") for v in self.every(key))]

    def arguments(self):
        """sys.argv[1:]. Behind all others what the original tells each of its processes, as JSON: the process and its
        GPU, as CUDA_VISIBLE_DEVICES names it."""
        words, flag, gpu = self.every("argv"), self.one("agent_flag"), self.one("gpu")
        if not flag:
            return words
        index = str(int(gpu)) if gpu.isdecimal() else "null"
        if gpu and index == "null":  # "MIG-..."
            import json

            index = json.dumps(gpu)
        return words + [flag, '{"agent_name": "%s", "gpu_index": %s}' % (self.one("process"), index)]

    def tell_children(self, **more):
        known = {key: self.values[key] for key in _FOR_CHILDREN if key in self.values}
        known.update(more)
        os.environ["PRS_JOB"] = repr(known)  # JSON would cost every worker 5 ms

    @classmethod
    def of_environment(cls):
        """Of a process that a worker or a command has started."""
        return cls.of_parent() if "PRS_JOB" in os.environ else cls.of_command()

    @classmethod
    def of_command(cls):
        folder = os.environ[_UNDER]
        code, log = os.path.join(folder, "code"), os.path.join(folder, "logs", "user", "entry_script_log")
        inputs = ["%s=%s" % (k[len(_INPUT):], v) for k, v in os.environ.items() if k.startswith(_INPUT)]
        values = {"run_folder": folder, "run_outputs": os.path.join(code, "outputs"), "code_root": code, "log_dir": log,
                  "run_id": os.environ.get("AZUREML_RUN_ID", ""), "log_file": os.path.join(log, "command.log.txt"),
                  "experiment": os.environ.get("AZUREML_ARM_PROJECT_NAME", ""), "output_dir": os.path.join(code, "outputs")}
        job = cls({key: [value] for key, value in values.items()})
        job.values["input"] = inputs
        job.is_command = True
        return job

    @classmethod
    def of_parent(cls):
        import ast

        return cls(ast.literal_eval(os.environ["PRS_JOB"]))
