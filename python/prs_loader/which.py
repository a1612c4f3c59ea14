# SPDX-License-Identifier: Apache-2.0
"""Which item of its mini-batch the script was at when it failed: what the exception or the locals of its own frames
hold.

Nothing says more than "this name holds this item". So the innermost frame that holds any is believed; where it holds
several, all of them are named; where it holds many, none is. (From Python 3.12 on the variable of a comprehension is
gone by then.)
"""
import io
import os

_NAMED_MAX = 3


def _path(value):
    """The path that a local stands for, as text; None: it is none."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, io.IOBase):  # the file that is being read
        value = value.name
    if isinstance(value, (bytes, os.PathLike, str)):
        return os.fsdecode(value)
    return None


def _held(values, places):
    """Places of the items among these values."""
    found = set()
    for value in values:
        try:
            found.add(places.get(_path(value)))
        except Exception:  # noqa: BLE001 - the user's objects: closed files, odd __fspath__
            pass
    return sorted(found - {None})


def _own_frames(error, root):
    """Those of files below root that no installer put there, the innermost first."""
    frames, tb = [], error.__traceback__
    while tb is not None:
        name = tb.tb_frame.f_code.co_filename
        if name.startswith(root + os.sep) and "site-packages" not in name[len(root):]:
            frames.append(tb.tb_frame)
        tb = tb.tb_next
    return reversed(frames)


def _places(error, mini_batch, root):
    if len(mini_batch) == 1:
        return [0]
    places = {}
    for i, item in enumerate(mini_batch):
        places.setdefault(item, i)
    named = [getattr(error, "filename", None), getattr(error, "filename2", None)]
    for values in [named, *(frame.f_locals.values() for frame in _own_frames(error, root))]:
        held = _held(values, places)
        if held:
            return held
    return []


def _shown(item):
    return item if item.isprintable() else ascii(item)[1:-1]


def rows(task):
    """`while in rows 101 to 200 of PATH`, of a mini-batch of a table; where they are in many places, by its partition
    keys; "" where it has none."""
    from prs_loader import batch
    from prs_loader.tables import files

    try:
        spans = files.spans_of(task)
    except Exception:  # noqa: BLE001 - a task of a kind that this loader does not know
        return ""
    if len(spans) > _NAMED_MAX or not all(s.file.path for s in spans):
        keys = ["%s=%s" % (name, _shown(value) if isinstance(value, str) else value)
                for name, value in batch.pairs(task.keys).items()]
        return "while in the %d row%s with %s" % (task.items, "" if task.items == 1 else "s", ", ".join(keys)) if keys else ""
    return "while in " + ", ".join("rows %d to %d of %s" % (
        s.row + s.skip + 1, s.row + s.skip + s.take, _shown(os.fsdecode(s.file.path))) for s in spans)


def line(error, mini_batch, root):
    """`while at PATH, item 8 of 10`, or "" where that is not known, as of rows of a table."""
    try:
        if not isinstance(mini_batch, list) or not all(isinstance(item, str) for item in mini_batch):
            return ""
        held = _places(error, mini_batch, root)
        if not 0 < len(held) <= _NAMED_MAX:
            return ""
        return "while at " + ", or ".join("%s, item %d of %d" % (_shown(mini_batch[i]), i + 1, len(mini_batch))
                                          for i in held)
    except Exception:  # noqa: BLE001 - a mini-batch that the script has changed
        return ""
