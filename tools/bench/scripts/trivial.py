# SPDX-License-Identifier: Apache-2.0
"""run() that does as little as a run() can."""
import os


def run(mini_batch):
    return [os.path.basename(path) for path in mini_batch]
