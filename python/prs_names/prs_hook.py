# SPDX-License-Identifier: Apache-2.0
"""This folder is the last one of a worker's sys.path, and in PYTHONPATH of the commands of pipelines. It is for processes
that have these folders but not our import hook (joblib's, for one): what they import from here installs the hook and
makes way for what the hook gives.
"""
import os
import sys


def over(name):
    loader = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path.insert(0, loader)
    from prs_loader import hook, job

    sys.path.remove(loader)
    if not job.is_told():
        raise ImportError("%s of PRS is for the processes of a worker" % name, name=name)
    hook.install_in_child()
    del sys.modules[name]
    __import__(name)
