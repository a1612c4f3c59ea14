# SPDX-License-Identifier: Apache-2.0
"""The program `prs` inside a wheel. The engine itself is in C; this only becomes it."""
import os
import sys


def main():
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bin", "prs")
    os.execv(program, ["prs"] + sys.argv[1:])
