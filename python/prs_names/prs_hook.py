# SPDX-License-Identifier: Apache-2.0
"""This folder is the last one of a worker's sys.path. It is for processes that take over sys.path but not our import
hook (joblib's, for one): what they import from here installs the hook and makes way for what the hook gives.
"""
import os
import sys


def over(name):
    if "PRS_JOB" not in os.environ:
        raise ImportError("%s of PRS is for the processes of a worker" % name, name=name)
    loader = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path.insert(0, loader)
    from prs_loader import hook

    sys.path.remove(loader)
    hook.install_in_child()
    del sys.modules[name]
    __import__(name)
