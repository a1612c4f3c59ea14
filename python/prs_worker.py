# SPDX-License-Identifier: Apache-2.0
"""Entry point of a worker process, and of the helpers of the engine. multiprocessing "spawn" and "forkserver" run this file again in children, where the
script's imports have to work too."""
import os
import sys


def _use_utf8():
    """Under a locale like de_DE.ISO-8859-1 file names would be decoded by that, and rows, which are UTF-8, would hold
    other bytes than the names: begin again in the UTF-8 mode of Python, for the script's own Python processes too."""
    if sys.getfilesystemencoding() != "utf-8" and "PYTHONUTF8" not in os.environ and sys.executable:
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable] + getattr(sys, "orig_argv", ["", os.path.abspath(__file__)] + sys.argv[1:])[1:])


def _load():
    """Our package, without leaving our folder on the user's sys.path."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, here)
    from prs_loader import hook, worker

    sys.path[:] = [p for p in sys.path if p != here]
    return hook, worker


if __name__ == "__main__":
    _use_utf8()
if __name__ == "__main__" and "PRS_FOREGROUND" in os.environ:
    _load()
    from prs_loader import foreground

    foreground.main()
elif __name__ == "__main__" and sys.argv[1:]:
    _load()
    from prs_loader import helper

    helper.main(sys.argv[1])
elif __name__ == "__main__":
    _load()[1].main()
elif __name__ == "__mp_main__" and "PRS_JOB" in os.environ:
    _load()[0].install_in_child()
