# SPDX-License-Identifier: Apache-2.0
"""The end of a worker process: as plain Python ends, but not for ever.

Plain Python first tells executors that the end has come, waits for the threads that are no daemons, then finalizes:
functions of atexit, files that the script left open, modules. We do the first two ourselves, with limits, and leave the
rest to Python. A thread that goes on for ever would keep Python from ending: then the process goes without the rest.
Finalizing has no limit here; the node kills a process that takes longer than shutdown() may.
"""
import sys

from prs_loader.real import real

EXECUTORS_MAX_NS = 20 * 10 ** 9  # how long executors may go on with what was given to them
THREADS_MAX_NS = 2 * 10 ** 9  # how long other threads of the script may go on then


def _say(text):
    from prs_loader import errors

    errors.say(text)


def _tell_executors(threading):
    """Call what was registered with threading._register_atexit (Python 3.9 and later), as threading does before it
    waits for threads. A function waits for the work of its executor, which may never be done: so it runs in a thread of
    its own."""
    hooks = getattr(threading, "_threading_atexits", [])

    def run():
        while hooks:
            try:
                hooks.pop()()
            except BaseException as e:  # noqa: BLE001 - of whatever the script uses
                _say("prs: at the end of the process: %s: %s" % (type(e).__name__, e))

    if hooks:
        thread = threading.Thread(target=run, name="prs-end", daemon=True)
        thread.start()
        thread.join(EXECUTORS_MAX_NS / 1e9)


def _still_running(threading):
    """Wait for the threads that are no daemons; those that do not end."""
    until = real.monotonic_ns() + THREADS_MAX_NS
    while True:
        left = [t for t in threading.enumerate() if not t.daemon and t is not threading.main_thread()]
        if not left or real.monotonic_ns() >= until:
            return left
        left[0].join(max(0, until - real.monotonic_ns()) / 1e9)


def _flush():
    """A stream that cannot be flushed would make Python's exit status 120."""
    for name in ("stdout", "stderr"):
        try:
            getattr(sys, name).flush()
        except Exception:  # noqa: BLE001 - closed or replaced by the script
            setattr(sys, name, None)


def leave(code):
    """End this process; does not return."""
    threading = sys.modules.get("threading")
    left = []
    if threading is not None:
        try:
            _tell_executors(threading)
            left = _still_running(threading)
        except BaseException as e:  # noqa: BLE001 - threads that the script replaced by something else
            _say("prs: at the end of the process: %s: %s" % (type(e).__name__, e))
    _flush()
    if not left:
        raise SystemExit(code)
    for thread in left:
        _say("prs: the thread %s of the script still runs at the end of the process: it is cut off, and files that are "
             "still open may be incomplete" % thread.name)
    import atexit

    try:
        atexit._run_exitfuncs()
    except BaseException:  # noqa: BLE001 - of the script
        pass
    _flush()
    real.exit(code)
