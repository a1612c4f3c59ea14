# SPDX-License-Identifier: Apache-2.0
"""Interpreters with packages, for tests of tables: this one, and those of $PRS_TABLE_PYTHONS (blank-separated)."""
import os
import subprocess
import sys


def having(*packages):
    """The paths of those that have the packages."""
    candidates = os.environ.get("PRS_TABLE_PYTHONS", "").split() + [sys.executable]
    question = "import " + ", ".join(packages)
    return [p for p in candidates if subprocess.run([p, "-c", question], stderr=subprocess.DEVNULL).returncode == 0]
