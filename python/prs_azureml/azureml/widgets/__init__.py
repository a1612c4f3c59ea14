# SPDX-License-Identifier: Apache-2.0
"""azureml.widgets"""
from prs_azureml import _names


class RunDetails(_names.Described):
    """The progress of a run, as lines."""

    def __init__(self, run_instance):
        self.run_instance = run_instance

    @_names.unused(render_lib="it prints lines", widget_settings="it prints lines")
    def show(self, render_lib=None, widget_settings=None):
        """The run, its folder and its steps so far; wait_for_completion() shows the rest."""
        run = self.run_instance
        print("%s: %s" % (run.id, run.get_status()))
        for step in run.get_steps() if hasattr(type(run), "get_steps") else ():
            print("  %s %s" % (step.name, step.get_status()))

    def get_widget_data(self):
        """What show() prints, as a dict."""
        run = self.run_instance
        return {"status": run.get_status(), "run_id": run.id}


def __getattr__(name):
    return _names.missing(__name__, name, globals())
