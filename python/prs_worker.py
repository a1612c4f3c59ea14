# SPDX-License-Identifier: Apache-2.0
"""Entry point of a worker process. multiprocessing "spawn" and "forkserver" run this file again in children, where the
script's imports have to work too."""
import os
import sys


def _load():
    """Our package, without leaving our folder on the user's sys.path."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, here)
    from prs_loader import hook, worker

    sys.path[:] = [p for p in sys.path if p != here]
    return hook, worker


if __name__ == "__main__" and "PRS_FOREGROUND" in os.environ:
    _load()
    from prs_loader import foreground

    foreground.main()
elif __name__ == "__main__":
    _load()[1].main()
elif __name__ == "__mp_main__" and "PRS_JOB" in os.environ:
    _load()[0].install_in_child()
