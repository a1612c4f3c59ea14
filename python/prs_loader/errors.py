# SPDX-License-Identifier: Apache-2.0
"""Tracebacks of the user's code and the hints that go with them."""
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))


def _user_frames(tb):
    """Cut our own frames and those of importlib off the front."""
    while tb is not None:
        name = tb.tb_frame.f_code.co_filename
        if not name.startswith(_HERE) and not name.startswith("<frozen importlib"):
            return tb
        tb = tb.tb_next
    return None


def _hint(error, submit_dir):
    if isinstance(error, ModuleNotFoundError) and error.name:
        return "hint: install it for this interpreter: %s -m pip install %s" % (sys.executable, error.name.split(".")[0])
    if isinstance(error, SystemExit) and error.code == 2 and "argparse" in sys.modules:
        return "hint: if the script's parse_args() does not know the engine's own flags, run with --engine-args hide, or use parse_known_args()"
    if isinstance(error, FileNotFoundError) and error.filename and submit_dir:
        name = os.fsdecode(error.filename)
        if not os.path.isabs(name) and os.path.exists(os.path.join(submit_dir, name)):
            return "hint: %s exists where the job was submitted, but the script runs in a copy of its folder: pass it with --side-input name=%s" % (name, name)
    return ""


def describe(error, submit_dir):
    """(text of the traceback, one-line message)."""
    import traceback

    lines = traceback.format_exception(type(error), error, _user_frames(error.__traceback__))
    last = "".join(traceback.format_exception_only(type(error), error)).strip()
    hint = _hint(error, submit_dir)
    text = "".join(lines) + (hint + "\n" if hint else "")
    message = last.split("\n")[-1][:1000] + ("; " + hint if hint else "")
    return text, message


def append(path, title, text):
    """Append to the process's error file; (offset, bytes)."""
    data = (title + "\n" + text + "\n").encode("utf-8", "surrogateescape")
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    except OSError:
        return 0, 0
    try:
        os.write(fd, data)
        return os.lseek(fd, 0, os.SEEK_CUR) - len(data), len(data)
    except OSError:
        return 0, 0
    finally:
        os.close(fd)
