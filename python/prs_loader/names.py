# SPDX-License-Identifier: Apache-2.0
"""The names that scripts of the original import on a worker."""
import os


class EntryScript:
    """azureml_user.parallel_run.EntryScript: logger, folders and the name of this process."""

    _worker = None
    _logger = None

    @property
    def agent_name(self):
        return self._worker.one("process")

    @property
    def log_dir(self):
        path = self._worker.one("log_dir")
        os.makedirs(path, exist_ok=True)
        return path

    @property
    def output_dir(self):
        path = self._worker.one("output_dir") or "."
        os.makedirs(path, exist_ok=True)
        return path

    @property
    def working_dir(self):
        return self._worker.one("code_root")

    @property
    def logger(self):
        if EntryScript._logger is None:
            import logging

            logger = logging.getLogger("EntryScript")
            os.makedirs(self._worker.one("log_dir"), exist_ok=True)
            handler = logging.FileHandler(self._worker.one("log_file"), encoding="utf-8", errors="surrogateescape") if _new_logging() else \
                logging.FileHandler(self._worker.one("log_file"), encoding="utf-8")
            handler.setFormatter(logging.Formatter("%(asctime)s|%(levelname)s|%(process)d|%(message)s"))
            logger.addHandler(handler)
            logger.setLevel(logging.INFO)
            logger.propagate = False
            EntryScript._logger = logger
        return EntryScript._logger


def _new_logging():
    import sys

    return sys.version_info >= (3, 9)


class Model:
    """azureml.core.Model: only what a worker needs."""

    _worker = None

    @staticmethod
    def get_model_path(model_name, version=None, _workspace=None):
        for pair in Model._worker.every("model"):
            name, _, path = pair.partition("=")
            if name == model_name or name.partition(":")[0] == model_name:
                return path
        folder = os.environ.get("AZUREML_MODEL_DIR")
        if folder:
            for path in (os.path.join(folder, model_name), folder):
                if os.path.exists(path):
                    return path
        raise FileNotFoundError("model %r is not known: give it with --model %s=PATH" % (model_name, model_name))


class Run:
    """azureml.core.Run of this job."""

    _worker = None

    @staticmethod
    def get_context(allow_offline=True, **_kwargs):
        return Run()

    @property
    def id(self):
        return self._worker.one("run_id")


def contents(module, worker):
    """The names of one of our modules."""
    EntryScript._worker = Model._worker = Run._worker = worker
    return {
        "azureml_user.parallel_run": {"EntryScript": EntryScript},
        "entry_script": {"EntryScript": EntryScript},
        "azureml.core": {"Model": Model, "Run": Run},
        "azureml.core.model": {"Model": Model},
        "azureml.core.run": {"Run": Run},
    }.get(module, {})
