# SPDX-License-Identifier: Apache-2.0
"""One script as __main__, and what comes behind it."""
import os
import signal
import sys

from prs_azureml import _names

OK, FAILED, MISTAKE, RESUMABLE = 0, 1, 2, 4  # base/exits.def


class _Mode:
    compile_to = None
    detach = False


MODE = _Mode()


def run(path, compile_to, detach):
    """Exit status."""
    MODE.compile_to, MODE.detach = compile_to, detach
    if not os.path.isfile(path):
        _names.say("no such file: %s" % path)
        return MISTAKE
    path = os.path.abspath(path)
    signal.signal(signal.SIGTERM, _terminated)
    status = _script(path)
    return _after(status)


def _terminated(number, frame):
    raise SystemExit(128 + number)


def _script(path):
    """The status that `python FILE` would end with; its traceback is shown."""
    import types

    module = types.ModuleType("__main__")
    module.__builtins__ = __builtins__
    sys.modules["__main__"] = module
    try:
        if path.endswith(".ipynb"):
            return _notebook_file(path, module.__dict__)
        module.__file__ = path
        _python_file(path, module.__dict__)
    except SystemExit as e:
        return _status_of(e)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BaseException:  # noqa: BLE001 - shown as Python shows it
        _show()
        return FAILED
    return OK


def _notebook_file(path, names):
    from prs_azureml import _notebook

    sys.argv[0] = path
    MODE.compile_to = MODE.compile_to and os.path.abspath(MODE.compile_to)  # the notebook runs in its folder
    try:
        _notebook.run(path, names, _show)
    except _notebook.Unreadable as e:
        _names.say(str(e))
        return MISTAKE
    return OK


def _python_file(path, names):
    with open(path, "rb") as f:
        source = f.read()
    try:
        code = compile(source, path, "exec", dont_inherit=True)
    except SyntaxError:
        code = _with_magics(source, path, names)
        if code is None:
            raise
    exec(code, names)


def _with_magics(source, path, names):
    """The code of a file that is no Python because of its magics."""
    import io
    import tokenize

    from prs_azureml import _notebook, _transform

    text = source.decode(tokenize.detect_encoding(io.BytesIO(source).readline)[0])
    return _notebook.of_script(text, path, names) if _transform.has_magics(text) else None


def _status_of(e):
    if e.code is None or isinstance(e.code, int):
        return e.code or OK
    print(e.code, file=sys.stderr)
    return FAILED


# What runs the script; its frames tell nobody anything.
_AROUND = tuple(os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".py")
                for name in ("_program", "_notebook", "_shell", "_transform", "_ipython"))


def _show():
    """The traceback of the script, as `python FILE` shows it."""
    import traceback

    shown = traceback.TracebackException(*sys.exc_info())
    shown.stack[:] = [frame for frame in shown.stack if frame.filename not in _AROUND]
    print("".join(shown.format()), end="", file=sys.stderr, flush=True)


def _after(status):
    """Waits for what was not waited for; a run that failed is a failure of the program."""
    runs = sys.modules.get("prs_azureml._runs")
    if runs is None:
        return status
    try:
        worst = runs.finish(MODE.detach, status >= 128)
    except KeyboardInterrupt:
        worst = runs.interrupt()
    except SystemExit as e:
        runs.interrupt()
        return _status_of(e)
    interrupted = status == 128 + signal.SIGINT and worst == RESUMABLE
    return worst if interrupted else status or worst
