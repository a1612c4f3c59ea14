# SPDX-License-Identifier: Apache-2.0
"""What run() receives."""


class MiniBatch(list):
    """The paths of the files, with the id of the mini-batch. Slices are plain lists."""

    task_id = -1

    def __repr__(self):
        return "<mini-batch %d: %d items %s>" % (self.task_id, len(self), list.__repr__(self))


class Context:
    """The second argument of run(mini_batch, context)."""

    __slots__ = ("minibatch_index", "partition_key_value", "dataset", "global_row_index_lower_bound")

    def __init__(self, index, row):
        self.minibatch_index = index
        self.partition_key_value = None
        self.dataset = None
        self.global_row_index_lower_bound = row

    def __repr__(self):
        return "<mini-batch context: minibatch_index=%d>" % self.minibatch_index
