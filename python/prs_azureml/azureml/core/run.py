# SPDX-License-Identifier: Apache-2.0
"""azureml.core.run: what runs that a script submitted have in common."""
from prs_azureml import _names


class Run(_names.Described):
    """A run. Those that submit() gives are PipelineRun."""

    @staticmethod
    def get_context(allow_offline=True, used_for_context_manager=False, **kwargs):
        """The run that this process belongs to: none, so an offline one."""
        if not allow_offline:
            from azureml.exceptions import RunEnvironmentException

            raise RunEnvironmentException("this process belongs to no run%s" % _names.script_place())
        if used_for_context_manager or kwargs:
            _names.say_once("Run.get_context(...): further arguments are known and not used")
        return _OfflineRun()

    @staticmethod
    def get(workspace, run_id):
        """A run that this script submitted."""
        return workspace.get_run(run_id)

    def get_portal_url(self):
        """There is no portal: the run folder."""
        return "file://" + (self._folder() or "")


class _OfflineRun(Run):
    """Outside a run: what is logged is printed."""

    def __init__(self):
        self.id = "OfflineRun"

    def log(self, name, value, description="", step=None):
        """Prints a value."""
        print("Attempted to log scalar metric %s:\n%s" % (name, value) + (" %s" % description if description else "")
              + (" (step %s)" % step if step is not None else ""))


def __getattr__(name):
    return _names.missing(__name__, name, globals())
