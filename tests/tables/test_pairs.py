# SPDX-License-Identifier: Apache-2.0
"""The tests of this folder in other pairs of Python and pandas: PRS_TABLE_PYTHONS="venv1/bin/python venv2/bin/python",
each with pytest, hypothesis and pandas, with or without pyarrow."""
import os
import subprocess

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))


@pytest.mark.parametrize("python", os.environ.get("PRS_TABLE_PYTHONS", "").split())
def test_pair(python):
    words = [os.path.abspath(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", HERE]
    r = subprocess.run(words, env=dict(os.environ, PRS_TABLE_PYTHONS=""), stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, universal_newlines=True)
    assert r.returncode == 0, r.stdout[-5000:]
