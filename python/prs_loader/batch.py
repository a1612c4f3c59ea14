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

    def __init__(self, index, row, keys=b""):
        self.minibatch_index = index
        self.partition_key_value = _pairs(keys) if keys else None
        self.dataset = None
        self.global_row_index_lower_bound = row

    def __repr__(self):
        shown = ["%s=%r" % (name, getattr(self, name)) for name in self.__slots__]
        return "<mini-batch context: %s>" % ", ".join(shown)


def _pairs(raw):
    """name NUL value NUL ... in the order of the partition keys; before a value stands its kind: s text, d date."""
    words = [w.decode("utf-8", "surrogateescape") for w in raw.split(b"\0")[:-1]]
    return {name: _date(value[1:]) if value[0] == "d" else value[1:] for name, value in zip(words[::2], words[1::2])}


def _date(text):
    import datetime  # not before it is needed: a start must be lean
    return datetime.datetime.fromisoformat(text)
