# SPDX-License-Identifier: Apache-2.0
"""Loads the entry script as a real module of sys.modules, and decides once how run() is called."""
import importlib
import os
import sys

POSITIONAL, BOTH, KEYWORD = range(3)


class NoRun(Exception):
    """The script has no run(mini_batch)."""


class AsyncRun(Exception):
    """run() is an async function."""


def _by_path(path, name):
    import importlib.util

    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def load(entry, root):
    """entry: a file relative to root, or a dotted module."""
    path = os.path.join(root, entry)
    if not entry.endswith(".py") and not os.path.isfile(path):
        sys.path.insert(0, root)
        return importlib.import_module(entry)
    folder = os.path.dirname(os.path.abspath(path))
    if folder != root:
        sys.path.insert(0, folder)
    sys.path.insert(0, root)
    dotted = entry[:-3] if entry.endswith(".py") else entry
    dotted = os.path.normpath(dotted).replace(os.sep, ".")
    parts = dotted.split(".")
    shadowed = parts[0] in sys.modules or parts[0] in getattr(sys, "builtin_module_names", ())
    if all(p.isidentifier() for p in parts) and not shadowed:
        module = importlib.import_module(dotted)
        if os.path.abspath(getattr(module, "__file__", "") or "") == os.path.abspath(path):
            return module
    return _by_path(path, parts[-1] if parts[-1] not in sys.modules else "prs_entry_" + parts[-1])


def _parameters(run):
    """How to call run(): by its code object where it is a plain function, else by its signature."""
    code = getattr(run, "__code__", None)
    if code is not None and not hasattr(run, "__wrapped__"):
        n = code.co_argcount
        if code.co_flags & 0x4 or n >= 2:
            return BOTH, None
        if n == 1:
            if code.co_kwonlyargcount:
                names = code.co_varnames[1:1 + code.co_kwonlyargcount]
                for name in ("mini_batch_context", "context"):
                    if name in names:
                        return KEYWORD, name
            return POSITIONAL, None
    import inspect

    try:
        params = list(inspect.signature(run).parameters.values())
    except (TypeError, ValueError):
        return POSITIONAL, None
    places = [p for p in params if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if any(p.kind == p.VAR_POSITIONAL for p in params) or len(places) >= 2:
        return BOTH, None
    for p in params:
        if p.kind == p.KEYWORD_ONLY and p.name in ("mini_batch_context", "context"):
            return KEYWORD, p.name
    if not places:
        raise NoRun("run() takes no argument: it must take the mini-batch: def run(mini_batch)")
    return POSITIONAL, None


def caller_of(module):
    """A function (mini_batch, context) -> what run() returns."""
    run = getattr(module, "run", None)
    if not callable(run):
        raise NoRun("the entry script has no function run(mini_batch)")
    code = getattr(run, "__code__", None)
    if code is not None and code.co_flags & 0x280:
        raise AsyncRun("run() is an async function: make it a plain one that calls asyncio.run()")
    how, name = _parameters(run)
    if how == BOTH:
        return run
    if how == KEYWORD:
        return lambda mini_batch, context: run(mini_batch, **{name: context})
    return lambda mini_batch, context: run(mini_batch)
