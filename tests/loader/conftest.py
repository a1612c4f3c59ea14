# SPDX-License-Identifier: Apache-2.0
"""Every test of this folder runs with every CPython found: those of $PRS_TEST_PYTHONS (blank-separated), else one of
each version from 3.8 on."""
import glob
import os
import re
import subprocess
import sys

import pytest
from node import Node

OLDEST = (3, 8)


def found():
    """One interpreter per version, by the name of the program; a version manager's shims are no interpreters."""
    if os.environ.get("PRS_TEST_PYTHONS"):
        return os.environ["PRS_TEST_PYTHONS"].split()
    folders = [p for p in os.environ.get("PATH", "").split(os.pathsep) if os.path.basename(p) != "shims"]
    folders += sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin")) +
                      glob.glob(os.path.expanduser("~/.local/share/uv/python/*/bin")))
    by_version = {sys.version_info[:2]: sys.executable}
    for folder in folders:
        for path in glob.glob(os.path.join(folder, "python3.*")):
            m = re.fullmatch(r"python3\.(\d+)", os.path.basename(path))
            if m and (3, int(m.group(1))) >= OLDEST:
                by_version.setdefault((3, int(m.group(1))), path)
    return [by_version[v] for v in sorted(by_version)]


PYTHONS = found()


def version_of(python):
    return subprocess.run([python, "-c", "import sys; print('.'.join(map(str, sys.version_info[:3])))"],
                          stdout=subprocess.PIPE,
                          universal_newlines=True).stdout.strip()


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line("interpreters: " + ", ".join(version_of(p) for p in PYTHONS))


@pytest.fixture(params=PYTHONS, ids=lambda p: os.path.basename(p) if "." in os.path.basename(p) else "own")
def python(request):
    return request.param


@pytest.fixture(scope="session")
def locales(tmp_path_factory):
    """Locales that are not of UTF-8: name -> LOCPATH."""
    folder = tmp_path_factory.mktemp("locales")
    names = {"en_US.ISO-8859-1": "ISO-8859-1", "ja_JP.EUC-JP": "EUC-JP"}
    for name, charmap in names.items():
        r = subprocess.run(["localedef", "-c", "-i", name.partition(".")[0], "-f", charmap, str(folder / name)],
                           stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, universal_newlines=True)
        if not os.path.exists(str(folder / name / "LC_CTYPE")):
            pytest.skip("localedef makes no locale here (package locales): " + r.stdout.strip()[-200:])
    return {name: str(folder) for name in names}


@pytest.fixture
def node(python):
    """Starts workers: node(script, **more)."""
    started = []

    def start(script, **more):
        started.append(Node(python, script, **more))
        return started[-1]

    yield start
    for n in started:
        n.close()
