# SPDX-License-Identifier: Apache-2.0
"""prs python FILE: runs FILE as __main__ with the names of the v1 SDK, then waits for what it submitted."""
import os
import sys


def arguments(words):
    """(compile to, detach, installed, FILE and its arguments); cmd_python.c gives them in this order."""
    end = words.index("--")
    ours = words[:end]
    compile_to = ours[ours.index("--compile") + 1] if "--compile" in ours else None
    return compile_to, "--detach" in ours, "--installed" in ours, words[end + 1:]


def main():
    compile_to, detach, installed, words = arguments(sys.argv[1:])
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[0] = os.path.dirname(os.path.abspath(words[0]))  # as python FILE has it
    sys.argv = words
    loader = os.path.dirname(here)
    sys.path.insert(0, loader)
    from prs_azureml import _finder, _program

    sys.path.remove(loader)
    if not installed:
        _finder.install()
    elif any(isinstance(f, _finder.Finder) for f in sys.meta_path):
        raise AssertionError
    sys.exit(_program.run(words[0], compile_to, detach))


main()
