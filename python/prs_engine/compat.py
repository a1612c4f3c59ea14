# SPDX-License-Identifier: Apache-2.0
"""In a notebook or a program that runs already: install() puts the names of the v1 SDK, without a cloud, in place of
those of azureml. `prs python FILE` needs none of this."""
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# Of a wheel, of a checkout.
_FOLDERS = os.path.join(HERE, "share", "prs", "python"), os.path.dirname(HERE)


def install():
    """Before the first import of azureml.core. Once more does nothing."""
    folder = next((f for f in _FOLDERS if os.path.isdir(os.path.join(f, "prs_azureml"))), None)
    if folder is None:
        raise RuntimeError("prs_azureml is in none of %s: install the package prs-engine again" % ", ".join(_FOLDERS))
    program = _program()
    sys.path.insert(0, folder)
    try:
        from prs_azureml import _finder
    finally:
        sys.path.remove(folder)
    _refuse_late(_finder)
    os.environ["PRS_PROGRAM"] = program
    if _finder.install():
        import atexit

        atexit.register(_at_exit)


def _program():
    bundled = os.path.join(HERE, "bin", "prs")
    found = bundled if os.access(bundled, os.X_OK) else os.environ.get("PRS_PROGRAM") or shutil.which("prs")
    if not found:
        raise RuntimeError("there is no program prs: put it on the PATH, or its path into PRS_PROGRAM")
    return os.path.abspath(found)


def _refuse_late(finder):
    """A module that is imported stays what it is."""
    late = sorted(name for name, module in list(sys.modules.items()) if finder.is_ours(name)
                  and not (getattr(module, "__file__", None) or finder.HERE).startswith(finder.HERE))
    if late:
        raise RuntimeError("prs_engine.compat.install(): %s is imported already, from %s: restart, and call install() first"
                           % (late[0], sys.modules[late[0]].__file__))


def _at_exit():
    """A program waits for its runs; a notebook that is closed stops them, resumable."""
    runs = sys.modules.get("prs_azureml._runs")
    if runs is None:
        return
    try:
        runs.finish(False, "ipykernel" in sys.modules)
    except KeyboardInterrupt:
        runs.interrupt()
