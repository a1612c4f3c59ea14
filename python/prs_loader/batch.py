# SPDX-License-Identifier: Apache-2.0
"""What run() receives, and how it is made of a task: by a reader for each kind of task."""
import sys

from prs_loader.wire import INPUT_MOVED, KIND_FILES, LOAD_FAILED, VALUE_MISFIT

_PATH_CODEC = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()


class MiniBatch(list):
    """The paths of the files, with the id of the mini-batch. Slices are plain lists."""

    task_id = -1

    def __repr__(self):
        return "<mini-batch %d: %d item%s %s>" % (self.task_id, len(self), "" if len(self) == 1 else "s",
                                                  list.__repr__(self))


class Context:
    """The second argument of run(mini_batch, context)."""

    __slots__ = ("minibatch_index", "partition_key_value", "dataset", "global_row_index_lower_bound")

    def __init__(self, index, row, keys, dataset):
        self.minibatch_index = index
        self.partition_key_value = pairs(keys) if keys else None
        self.dataset = dataset
        self.global_row_index_lower_bound = row

    def __repr__(self):
        shown = ["%s=%r" % (name, getattr(self, name)) for name in self.__slots__]
        return "<mini-batch context: %s>" % ", ".join(shown)


class Dataset:
    """context.dataset of files."""

    __slots__ = ("_paths",)

    def __init__(self, paths):
        self._paths = paths

    def to_path(self):
        return list(self._paths)

    def to_pandas_dataframe(self):
        raise TypeError("this mini-batch is a list of files: read them as you like (run with --input-format tabular, and "
                        "run() gets their rows as a DataFrame)")

    def __repr__(self):
        return "<%d files>" % len(self._paths)


def pairs(raw):
    """name NUL value NUL ... in the order of the partition keys; before a value stands its kind."""
    words = [w.decode("utf-8", "surrogateescape") for w in raw.split(b"\0")[:-1]]
    return {name: _VALUES[value[0]](value[1:]) for name, value in zip(words[::2], words[1::2])}


def _date(text):
    import datetime  # not before it is needed: a start must be lean
    return datetime.datetime.fromisoformat(text)


_VALUES = {"s": str, "d": _date, "i": int, "f": float, "b": "true".__eq__, "n": lambda _: None}  # prs_key_kind of plan.h


# ---- readers


class LoadError(Exception):
    """A mini-batch cannot be loaded, and nothing but this sentence would help. bad_item: the item that is to blame,
    counted in its mini-batch from 1 (task.item_first is that of the first one here, from 0); 0 = not known."""

    code, bad_item = LOAD_FAILED, 0


class ValueMisfit(LoadError):
    """A value does not fit the type of its column. row: of the unit, from 0"""

    code = VALUE_MISFIT

    def __init__(self, row, sentence):
        super().__init__(sentence)
        self.row = row


class InputMoved(LoadError):
    """A file is not as it was when its rows were counted."""

    code = INPUT_MOVED


class _Readers(dict):
    def __missing__(self, kind):
        raise LoadError("this loader has no reader for mini-batches of kind %d (it has %s): engine and loader are of "
                        "different versions" % (kind, ", ".join(map(str, sorted(self)))))


def readers(job, say):
    """say(kind, sentence): tells people something of the data, the first sentence of a kind.
    kind of a task -> function(task) -> (mini-batch, context, how many of its items were left out before run()). Made
    once, when SETUP is known: what a reader imports is imported here, so that a module that is missing fails the start
    of the process and not each mini-batch."""
    found = _Readers({KIND_FILES: _files})
    if job.every("table"):
        from prs_loader.tables import source

        found.update(source.readers(job, say))
    return found


def _files(task):
    mini_batch = MiniBatch(task.body.decode(*_PATH_CODEC).split("\0") if task.body else ())
    mini_batch.task_id = task.id
    return mini_batch, Context(task.id, task.global_row, task.keys, Dataset(mini_batch)), 0
