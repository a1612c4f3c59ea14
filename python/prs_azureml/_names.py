# SPDX-License-Identifier: Apache-2.0
"""What is said of names that are not here, of parameters that are known and not used, and where names really live."""
import functools
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

# Names of the original that are refused: the beginning of the name, and what to do instead.
REFUSED = (
    ("azureml.pipeline.core.Schedule", "nothing here runs at a time of day: cron and prs python do"),
    ("azureml.pipeline.core.schedule", "nothing here runs at a time of day: cron and prs python do"),
    ("azureml.opendatasets", "download the data once, then Dataset.File.from_files or Dataset.Tabular.from_delimited_files"),
    ("azureml.train", "automl, hyperdrive and estimators need the service"),
    ("azureml.automl", "automl needs the service"),
    ("azureml.pipeline.steps.", "steps here are ParallelRunStep, PythonScriptStep and CommandStep"),
    ("azureml.core.webservice", "nothing is deployed here"),
    ("azureml.core.Webservice", "nothing is deployed here"),
)


def script_place():
    """" (score.py line 12)": the nearest caller that is the user's; "" = none."""
    frame = sys._getframe(1)
    while frame:
        name = frame.f_code.co_filename
        if not name.startswith((os.path.dirname(HERE) + "/prs_", "<frozen")) and "importlib" not in name:
            return " (%s line %d)" % (os.path.relpath(name) if os.path.isabs(name) else name, frame.f_lineno)
        frame = frame.f_back
    return ""


def near(word, words):
    from difflib import get_close_matches

    lower = {w.lower(): w for w in words if not w.startswith("_")}
    return [lower[w] for w in get_close_matches(word.lower(), lower, 3, 0.6)]


def not_part(name, others=()):
    """The sentence for a name of the original, or of nothing, that is not here."""
    hint = next((why for begin, why in REFUSED if name.startswith(begin)), "")
    like = near(name.rpartition(".")[2], others)
    return "not part of PRS's azureml compatibility: %s%s%s%s" % (
        name, "; near: " + ", ".join(like) if like else "", ": " + hint if hint else "", script_place())


def lazy(module, homes):
    """__getattr__, __dir__ and __all__ of a package whose names are {name: module that defines it}."""
    def getattr_(name):
        import importlib

        home = homes.get(name)
        if home is not None:
            value = getattr(importlib.import_module(home), name)
            setattr(sys.modules[module], name, value)
            return value
        return missing(module, name, homes)

    return getattr_, lambda: sorted(homes), sorted(homes)


def also(module, name, homes, others):
    """Of a module that has names of others, too: {name: the module that defines it}."""
    if name not in homes:
        return missing(module, name, others)
    import importlib

    return getattr(importlib.import_module(homes[name]), name)


def missing(module, name, others):
    """Of a module: AttributeError, and for `from module import name`, which would hide its text, ImportError."""
    if name.startswith("__"):
        raise AttributeError(name)
    folder = getattr(sys.modules.get(module), "__path__", None)
    if folder and any(os.path.exists(os.path.join(f, name)) or os.path.exists(os.path.join(f, name + ".py")) for f in folder):
        raise AttributeError(name)  # a module of its own: the import system goes on
    frame, text = sys._getframe(2), not_part("%s.%s" % (module, name), others)
    raise (ImportError(text, name=module) if _is_from(_outside(frame)) else AttributeError(text))


def _outside(frame):
    """The first frame that is not of the helpers here."""
    while frame and frame.f_code.co_name == "__getattr__":
        frame = frame.f_back
    return frame


def _is_from(frame):
    """Is the frame at a `from ... import`?"""
    while frame and "importlib" in frame.f_code.co_filename:
        return True
    import opcode

    return frame is not None and opcode.opname[frame.f_code.co_code[frame.f_lasti]] == "IMPORT_FROM"


class Described:
    """Base of the objects here: an attribute that is not there says so as a name does."""

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        kind = type(self)
        raise AttributeError(not_part("%s.%s.%s" % (kind.__module__, kind.__name__, name), dir(kind)))


# ---- parameters that are known and not used

UNUSED = {}  # "azureml.core.workspace.Workspace.create": {parameter: why}
_said = set()


def unused(**whys):
    """Of a function: parameters that have no effect here, each with its reason. Given with another value than the
    default, that is said once."""
    def over(function):
        code = function.__code__
        names = code.co_varnames[:code.co_argcount]
        where = "%s.%s" % (function.__module__, function.__qualname__)
        UNUSED[where] = whys
        known = set(names).union(code.co_varnames[:code.co_argcount + code.co_kwonlyargcount])
        defaults = dict(zip(names[len(names) - len(function.__defaults__ or ()):], function.__defaults__ or ()))
        defaults.update(function.__kwdefaults__ or {})

        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            for name, value in list(zip(names, args)) + list(kwargs.items()):
                why = whys.get(name if name in known else "kwargs")
                if why and value is not None and value != defaults.get(name):
                    say_unused(where, name, why)
            return function(*args, **kwargs)

        return wrapped

    return over


def say_unused(where, name, why):
    if (where, name) in _said:
        return
    _said.add((where, name))
    words = where.split(".")
    what = words[-2] if words[-1] == "__init__" else ".".join(words[-2:])
    say("%s(%s=...) is known and not used: %s" % (what, name, why))


def say(sentence):
    print("prs: " + sentence, file=sys.stderr, flush=True)


def say_once(sentence):
    if sentence not in _said:
        _said.add(sentence)
        say(sentence)
