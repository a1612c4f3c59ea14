# SPDX-License-Identifier: Apache-2.0
"""docs/screens.md shows what the program shows: the script that makes it runs, and gives the same page but for
numbers."""
import difflib
import os
import re
import subprocess
import sys
import unittest

from prs_job import DEADLINE, PRS

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))


def skeleton(page):
    return [re.sub(r"\d[\d,.:]*", "0", re.sub(" +", " ", line)).strip() for line in page.splitlines()]


class ScreensTest(unittest.TestCase):
    def test_the_page_is_what_the_program_shows(self):
        r = subprocess.run([sys.executable, os.path.join(ROOT, "tools", "screens.py"), PRS], timeout=4 * DEADLINE,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, universal_newlines=True)
        self.assertEqual((r.returncode, r.stderr), (0, ""))
        with open(os.path.join(ROOT, "docs", "screens.md"), encoding="utf-8") as f:
            there = f.read()
        differences = list(difflib.unified_diff(skeleton(there), skeleton(r.stdout), "docs/screens.md", "now",
                                                lineterm="", n=1))
        self.assertEqual(differences, [], "./dev screens makes it again\n" + "\n".join(differences))
