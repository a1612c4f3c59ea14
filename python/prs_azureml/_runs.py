# SPDX-License-Identifier: Apache-2.0
"""Runs that the script submitted: a `prs run` each, whose events a thread reads."""
import json
import os
import signal
import sys
import threading

from prs_azureml import _compile, _engine, _names, _paths, _program

RUNS = []
BEGUN = []  # engines of submit() that is not through: an interrupt may come in between


class Live:
    """One engine: what its events said so far."""

    def __init__(self, process):
        self.process = process
        self.name = self.dir = None
        self.states = {}  # of steps
        self.end = None   # the last event
        self.exit = None
        self.lines = []   # for who shows them
        self.mistakes, self._stderr = [], []
        self.changed = threading.Condition()
        self._errors = threading.Thread(target=self._read_errors, daemon=True)
        self._errors.start()
        threading.Thread(target=self._read, daemon=True).start()

    def _read_errors(self):
        for line in self.process.stderr:
            self._stderr.append(line.decode("utf-8", "replace"))

    def _read(self):
        for line in self.process.stdout:
            try:
                event = json.loads(line.decode("utf-8", "surrogateescape"))
            except ValueError:
                continue
            with self.changed:
                self._take(event)
                self.changed.notify_all()
        self.process.wait()
        self._errors.join()
        with self.changed:
            self.exit = self.process.returncode
            self.changed.notify_all()

    def _take(self, event):
        kind, step = event.get("type"), event.get("step")
        if kind == "pipeline_started":
            self.name, self.dir = event["run"], event["dir"]
        elif kind == "mistakes":
            self.mistakes = [m["text"] for m in event["mistakes"]]
        elif kind == "step":
            self.states[step] = event["state"]
            self.lines.append("  %s %s" % (step, event["state"].lower()))
        elif kind == "planned" and step:
            self.lines.append("  %s %d mini-batches, %d items" % (step, event["mini_batches"], event["items"]))
        elif kind == "end":
            self.end = event

    def wait_for(self, condition, timeout=None):
        """Until it holds; False = not in time."""
        with self.changed:
            return self.changed.wait_for(condition, timeout)

    @property
    def over(self):
        return self.exit is not None

    def error(self):
        """What it said on stderr."""
        return "".join(self._stderr).strip()

    def stop(self):
        """Resumable, as Ctrl-C does."""
        if not self.over:
            self.process.send_signal(signal.SIGINT)


def submit(experiment, pipeline, document, tags):
    """The run. With --compile the document is written, and the run is one that has no results."""
    from azureml.pipeline.core.run import PipelineRun

    if _program.MODE.compile_to:
        run = PipelineRun._compiled(experiment, document, tags, _write(document))
        RUNS.append(run)
        return run
    live = Live(_engine.start(document))
    BEGUN.append(live)
    live.wait_for(lambda: live.name or live.mistakes or live.over)
    if live.name is None:
        live.wait_for(lambda: live.over)
        raise _paths.mistake("\n".join(live.mistakes) or live.error() or "prs run: status %s" % live.exit)
    run = PipelineRun._of(experiment, document, tags, live)
    run._registrations = _compile.registrations(pipeline)
    RUNS.append(run)
    BEGUN.remove(live)
    print("Submitted PipelineRun %s\nIts folder: %s" % (live.name, live.dir), flush=True)
    return run


def _write(document):
    """The n-th document of a script: out.json, out-2.json ..."""
    path = _program.MODE.compile_to
    stem, end = os.path.splitext(path)
    if RUNS:
        path = "%s-%d%s" % (stem, len(RUNS) + 1, end)
    if end in (".yml", ".yaml"):
        from prs_azureml import _pipeline_yaml

        text, how = _pipeline_yaml.text(document), "prs run"
    else:
        text, how = _engine.document_text(document), "prs run --job-json"
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as f:
        f.write(text)
    _names.say("written: %s (%s %s)" % (path, how, path))
    return path


def show(live, shown, to=None):
    """What is new, a line each; how much was shown."""
    for line in live.lines[shown:]:
        print(line, file=to or sys.stderr, flush=True)
    return len(live.lines)


def wait(live, visible):
    """Until it is over, with its lines."""
    shown = 0
    while not live.over:
        live.wait_for(lambda: live.over or len(live.lines) > shown)
        if visible:
            shown = show(live, shown)
    if visible:
        show(live, shown)


def finish(detach, stopped):
    """At the end of the script: waits for all; 0, or the status of the worst."""
    worst = _stop_begun()
    for run in RUNS:
        live = run._live
        if live is None:
            continue
        if stopped:
            live.stop()
        if detach and not stopped:
            continue
        waited = not live.over
        if waited:
            _names.say("waiting for %s (--detach leaves it)" % live.name)
        wait(live, waited)
        run._complete()
        if live.exit:
            worst = max(worst, 4 if live.exit == 4 else 1)
        if live.exit == 4:
            _engine.interrupted(live.dir)
        elif live.exit and not run._raised:
            _names.say("%s failed: %s" % (live.name, run._why()))
    return worst


def _stop_begun():
    """Whoever submitted them got no run: they stop, resumable. 0, or the status."""
    worst = 0
    for live in BEGUN:
        live.stop()
        wait(live, False)
        if live.exit == 4:
            worst = 4
            _engine.interrupted(live.dir)
    del BEGUN[:]
    return worst


def interrupt():
    """Ctrl-C while waiting: all stop, resumable."""
    _stop_begun()
    for run in RUNS:
        if run._live is not None and not run._live.over:
            run._live.stop()
            wait(run._live, False)
            _engine.interrupted(run._live.dir)
    return 4
