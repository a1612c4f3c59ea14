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
    module.__file__ = path
    module.__builtins__ = __builtins__
    sys.modules["__main__"] = module
    try:
        with open(path, "rb") as f:
            source = f.read()
        if b"%%writefile" in source:
            from prs_azureml import _cells

            _cells.run(source, path, module.__dict__)
        else:
            exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)
    except SystemExit as e:
        return _status_of(e)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BaseException:  # noqa: BLE001 - shown as Python shows it
        _show()
        return FAILED
    return OK


def _status_of(e):
    if e.code is None or isinstance(e.code, int):
        return e.code or OK
    print(e.code, file=sys.stderr)
    return FAILED


def _show():
    """The traceback from the script on, as `python FILE` shows it."""
    import traceback

    kind, value, trace = sys.exc_info()
    here = os.path.dirname(os.path.abspath(__file__))
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(here):
        trace = trace.tb_next
    traceback.print_exception(kind, value, trace)


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
