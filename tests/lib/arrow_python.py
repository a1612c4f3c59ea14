# SPDX-License-Identifier: Apache-2.0
"""An interpreter with pandas and pyarrow, which no Debian package has: $PRS_ARROW_PYTHON, else a virtual environment in
build/, made once with pip."""
import fcntl
import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(ROOT, "build", "arrow-venv")
PACKAGES = ("numpy<2", "pandas==2.0.3", "pyarrow==14.0.2")


def _call(*words):
    r = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    if r.returncode:
        raise RuntimeError("%s:\n%s" % (" ".join(words), r.stdout))


def python():
    """Its path."""
    given = os.environ.get("PRS_ARROW_PYTHON")
    if given:
        return given
    os.makedirs(os.path.dirname(FOLDER), exist_ok=True)
    with open(FOLDER + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path, done = os.path.join(FOLDER, "bin", "python"), os.path.join(FOLDER, "done")
        if not os.path.exists(done):
            _call("/usr/bin/python3", "-m", "venv", "--clear", FOLDER)
            _call(path, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PACKAGES)
            open(done, "w").close()
    return path
