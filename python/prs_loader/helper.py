# SPDX-License-Identifier: Apache-2.0
"""What a process of the job's Python does for the engine that is no worker: prs_worker.py TASK (src/io/helper.h)."""
import importlib

_TASKS = {"footers": "prs_loader.footers", "table_out": "prs_loader.table_out"}


def main(task):
    importlib.import_module(_TASKS[task]).main()
