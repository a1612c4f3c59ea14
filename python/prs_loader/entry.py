# SPDX-License-Identifier: Apache-2.0
"""Loads the entry script as a real module of sys.modules, and decides once how run() is called."""
import os
import sys
from _frozen_importlib_external import PathFinder  # to import importlib itself takes as long as this whole package

ALIAS = "prs_entry"  # the module name of an entry script whose own name is taken or is no name
POSITIONAL, BOTH, KEYWORD = range(3)
_CONTEXT_NAMES = ("mini_batch_context", "context")
_ASYNC = 0x280  # CO_COROUTINE | CO_ASYNC_GENERATOR
_VARARGS = 0x4


class NoRun(Exception):
    """The script has no run(mini_batch)."""


class AsyncRun(Exception):
    """A function that is called here is an async one."""

    def __init__(self, name):
        Exception.__init__(self, "%s() is an async function: make it a plain one that calls asyncio.run()" % name)


# ---- import


def is_stdlib(name):
    """Does Python itself have a module of this name?"""
    if name in sys.builtin_module_names:
        return True
    if hasattr(sys, "stdlib_module_names"):
        return name in sys.stdlib_module_names
    folder = os.path.dirname(os.__file__)
    return PathFinder.find_spec(name, [folder, os.path.join(folder, "lib-dynload")]) is not None


def _origin(name):
    """The file that `import name` would load; imports its parents."""
    parent, _, _ = name.rpartition(".")
    if parent:
        __import__(parent)
    spec = PathFinder.find_spec(name, getattr(sys.modules[parent], "__path__", []) if parent else None)
    return os.path.abspath(spec.origin) if spec is not None and spec.origin else None


def _name_of(entry, path):
    """The name under which `import` finds this very file; None where another module has that name."""
    stem = os.path.normpath(entry)
    parts = (stem[:-3] if stem.endswith(".py") else stem).split(os.sep)
    if not stem.endswith(".py") or not all(p.isidentifier() for p in parts):
        return None
    if parts[0] in sys.modules or is_stdlib(parts[0]):
        return None
    name = ".".join(parts)
    return name if _origin(name) == path else None


def stem_of(path):
    name = os.path.basename(path)
    return name[:-3] if name.endswith(".py") else name


def locate(entry, root):
    """Put the code root and the script's folder on sys.path; returns (name to import, file). A script that cannot be
    imported under its own name is called ALIAS, which only our hook finds."""
    path = os.path.abspath(os.path.join(root, entry))
    dotted = not entry.endswith(".py") and not os.path.isfile(path)
    if dotted:
        stem = os.path.join(root, *entry.split("."))
        path = next((p for p in (stem + ".py", os.path.join(stem, "__init__.py")) if os.path.isfile(p)), stem + ".py")
    elif not os.path.isfile(path):
        raise FileNotFoundError(2, "no such entry script", path)
    folders = [root]
    # Python looks where a link leads to.
    for file in (path, os.path.realpath(path)) if os.path.islink(path) else (path,):
        if os.path.dirname(file) not in folders:
            folders.append(os.path.dirname(file))
    sys.path[:0] = folders
    name = entry if dotted else _name_of(entry, path)
    return name or ALIAS, path


def load(name):
    __import__(name)
    return sys.modules[name]


# ---- run()


def _outermost_code(run):
    """Code object of the function that a call enters, through partial and callable objects."""
    while hasattr(run, "func") and hasattr(run, "keywords"):
        run = run.func
    if not hasattr(run, "__code__"):
        run = getattr(type(run), "__call__", None)
    return getattr(run, "__code__", None)


def _of_plain(run):
    """How to call a plain function, without importing inspect; None: look closer."""
    code = run.__code__
    if code.co_flags & _VARARGS or code.co_kwonlyargcount or code.co_argcount == 0:
        return None
    required = code.co_argcount - len(run.__defaults__ or ())
    return (POSITIONAL if code.co_argcount == 1 else BOTH, None) if required <= 2 else None


def _of_signature(run):
    import inspect

    try:
        params = list(inspect.signature(run).parameters.values())
    except (TypeError, ValueError):  # a function in C that does not tell
        return POSITIONAL, None
    places = [p for p in params if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    keywords = [p for p in params if p.kind == p.KEYWORD_ONLY]
    every = any(p.kind == p.VAR_POSITIONAL for p in params)
    if not places and not every:
        raise NoRun("run() takes no argument: it must take the mini-batch: def run(mini_batch)")
    if len([p for p in places if p.default is p.empty]) > 2:
        raise NoRun("run() takes %d arguments: it gets the mini-batch and, where it takes a second one, the context: "
                    "def run(mini_batch, context)" % len(places))
    wanted = next((p.name for p in keywords if p.name in _CONTEXT_NAMES), None)
    strange = [p.name for p in keywords if p.default is p.empty and p.name != wanted]
    if strange:
        raise NoRun("run() needs the keyword argument %s, which nobody gives it: the context is passed as "
                    "mini_batch_context or context" % strange[0])
    if wanted:
        return KEYWORD, wanted
    return (BOTH if every or len(places) >= 2 else POSITIONAL), None


def call(module, name):
    """Call init() or shutdown(), where there is one."""
    function = getattr(module, name, None)
    result = function() if function is not None else None
    if hasattr(result, "cr_await"):
        result.close()
        raise AsyncRun(name)


def caller_of(module):
    """A function (mini_batch, context) -> what run() returns."""
    run = getattr(module, "run", None)
    if run is None:
        raise NoRun("the entry script has no function run(mini_batch)")
    if not callable(run):
        raise NoRun("run in the entry script is no function but a %s: def run(mini_batch)" % type(run).__name__)
    code = _outermost_code(run)
    if code is not None and code.co_flags & _ASYNC:
        raise AsyncRun("run")
    plain = type(run) is type(caller_of) and not hasattr(run, "__wrapped__")
    how, name = (plain and _of_plain(run)) or _of_signature(run)
    if how == BOTH:
        return run
    if how == KEYWORD:
        return lambda mini_batch, context: run(mini_batch, **{name: context})
    return lambda mini_batch, context: run(mini_batch)
