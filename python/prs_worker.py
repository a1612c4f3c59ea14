# SPDX-License-Identifier: Apache-2.0
"""Entry point of a worker process. Import-safe: multiprocessing "spawn" imports this file again in children, where nothing may happen."""
if __name__ == "__main__":
    import os
    import sys

    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from prs_loader.worker import main

    sys.path.pop(0)
    main()
