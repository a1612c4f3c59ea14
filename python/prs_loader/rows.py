# SPDX-License-Identifier: Apache-2.0
"""What run() may return, and the rows it becomes (contract 3.3; the decisions are listed in docs/entry-scripts.md)."""
import sys


class ReturnTypeError(Exception):
    """run() returned something that is no list, tuple, array, Series or DataFrame."""


def _kind(value, module, name):
    m = sys.modules.get(module)
    t = getattr(m, name, None) if m else None
    return t is not None and isinstance(value, t)


def _shown(value):
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - the user's own repr
        text = object.__repr__(value)
    return text[:200]


def items_of(value, summary_only):
    """The returned items as a list; raises ReturnTypeError."""
    if isinstance(value, (list, tuple)):
        return value
    if _kind(value, "pandas", "DataFrame"):
        return value
    if _kind(value, "pandas", "Series"):
        return value.tolist() if hasattr(value, "tolist") else list(value)
    if _kind(value, "numpy", "ndarray"):
        if value.ndim == 0:
            raise ReturnTypeError("run() returned a 0-dimensional array: %s. It must return a list or a pandas DataFrame" % _shown(value))
        return list(value)
    if isinstance(value, (str, bytes, bytearray, dict, set, frozenset)):
        if summary_only:
            return list(value)
        raise ReturnTypeError("run() returned a %s: %s. It must return a list or a pandas DataFrame" % (type(value).__name__, _shown(value)))
    if hasattr(value, "__next__") or (hasattr(value, "__iter__") and not hasattr(value, "__float__")):
        return list(value)
    raise ReturnTypeError("run() returned a %s: %s. It must return a list or a pandas DataFrame" % (type(value).__name__, _shown(value)))


def to_bytes(items):
    """(bytes, number of items) of a list: str(item) and a line feed each."""
    if _kind(items, "pandas", "DataFrame"):
        text = items.to_csv(sep=" ", header=False, index=False) if len(items) else ""
        return text.encode("utf-8", "surrogateescape"), len(items)
    if not len(items):
        return b"", 0
    text = "\n".join([item if type(item) is str else str(item) for item in items])
    return (text + "\n").encode("utf-8", "surrogateescape"), len(items)
