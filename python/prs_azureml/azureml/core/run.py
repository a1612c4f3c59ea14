# SPDX-License-Identifier: Apache-2.0
"""azureml.core.run: what runs that a script submitted have in common."""
import os

from prs_azureml import _metrics, _names, _run

_OfflineRun = _run._OfflineRun
_LOCAL = "metrics are lines of a file on this machine"


class Run(_names.Described):
    """A run. Those that submit() gives are PipelineRun; in a step get_context() is the step's own (prs_azureml/_run.py)."""

    @staticmethod
    def get_context(allow_offline=True, used_for_context_manager=False, **kwargs):
        """The run that this process belongs to; outside of one an offline one."""
        if used_for_context_manager or kwargs:
            _names.say_once("Run.get_context(...): further arguments are known and not used")
        return _run.Run.get_context(allow_offline)

    @staticmethod
    def get(workspace, run_id):
        """A run that this script submitted."""
        return workspace.get_run(run_id)

    def get_portal_url(self):
        """There is no portal: the run folder."""
        return "file://" + (self._folder() or "")

    @_names.unused(run_type=_LOCAL, populate=_LOCAL)
    def get_metrics(self, name=None, recursive=False, run_type=None, populate=False):
        """{name: value} of what its scripts logged: one value as it is, several as a list. recursive: {id: {name: value}}
        with those of its steps."""
        found = _metrics.values(_metrics.read(os.path.join(self._folder() or "", _metrics.NAME)))
        found = {k: v for k, v in found.items() if name in (None, k)}
        if not recursive:
            return found
        whole = {self.id: found}
        for child in self.get_children() if hasattr(type(self), "get_children") else ():
            whole.update(child.get_metrics(name, recursive=True))
        return whole


def __getattr__(name):
    return _names.missing(__name__, name, globals())
