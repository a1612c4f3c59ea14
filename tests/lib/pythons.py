# SPDX-License-Identifier: Apache-2.0
"""Interpreters with packages, for tests of tables: this one, and those of $PRS_TABLE_PYTHONS (blank-separated)."""
import os
import subprocess
import sys
import unittest


def having(*packages):
    """The paths of those that have the packages."""
    candidates = os.environ.get("PRS_TABLE_PYTHONS", "").split() + [sys.executable]
    question = "import " + ", ".join(packages)
    return [p for p in candidates if subprocess.run([p, "-c", question], stderr=subprocess.DEVNULL).returncode == 0]


def one_having(*packages):
    """The path of the first; without any the test is skipped."""
    found = having(*packages)
    if not found:
        raise unittest.SkipTest("no Python with %s: PRS_TABLE_PYTHONS" % ", ".join(packages))
    return found[0]
