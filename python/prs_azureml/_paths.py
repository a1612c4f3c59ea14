# SPDX-License-Identifier: Apache-2.0
"""What a v1 dataset may be made of, as paths on this machine."""
import os

from prs_azureml import _names

GLOB = "*?["


def mistake(text):
    from azureml.exceptions import UserErrorException

    return UserErrorException(text + _names.script_place())


def resolve(path, workspace=None):
    """[absolute path or pattern] of a text, DataPath, Datastore, (datastore, path), or a list of those."""
    if isinstance(path, (list, tuple)) and not _is_pair(path):
        if not path:
            raise mistake("a dataset needs a path; found an empty list")
        return [p for one in path for p in resolve(one, workspace)]
    return [_one(path)]


def _is_pair(path):
    return isinstance(path, tuple) and len(path) == 2 and hasattr(path[0], "_folder") and not hasattr(path[1], "_folder")


def _one(path):
    if _is_pair(path):
        return within(path[0], path[1])
    if hasattr(path, "_local"):  # DataPath, DataReference
        return path._local()
    if hasattr(path, "_folder"):  # the whole datastore
        return within(path, "")
    text = os.fspath(path) if hasattr(path, "__fspath__") else path
    if not isinstance(text, str):
        raise mistake("a path is a text, a DataPath or (datastore, path); found %r" % (path,))
    if text.startswith("file://"):
        text = text[len("file://"):]
    if "://" in text:
        raise mistake("%s is not on this machine: download it once, and give the file or folder" % text)
    return os.path.abspath(text)


def of_principal(path):
    """Does a path lie in a datastore of a workspace that was opened with a service principal?"""
    if isinstance(path, (list, tuple)):
        return any(of_principal(p) for p in path)
    datastore = path if hasattr(path, "_folder") else getattr(path, "datastore", None)
    auth = getattr(getattr(datastore, "workspace", None), "_auth", None)
    return bool(getattr(auth, "_is_service_principal", False))


def within(datastore, path):
    """An absolute path in a datastore's folder."""
    path = "" if path is None else str(path)
    if path.startswith("/"):
        path = path.lstrip("/")
    whole = os.path.normpath(os.path.join(datastore._folder(), path))
    if whole != datastore._folder() and not whole.startswith(datastore._folder() + "/"):
        raise mistake("%r leads out of the datastore %s" % (path, datastore.name))
    return whole + ("/" if path.endswith("/") else "")


def is_pattern(path):
    return any(c in path for c in GLOB) and not os.path.lexists(path)


def is_there(path):
    if is_pattern(path):
        import glob

        return next(glob.iglob(path, recursive=True), None) is not None
    return os.path.exists(path)


def for_engine(path):
    """The engine takes * ? [ as a pattern, also where a file or folder of that name is there: then they are escaped."""
    if not any(c in path for c in GLOB) or is_pattern(path):
        return path
    literal = "".join("[%s]" % c if c in GLOB else c for c in path)
    return literal.rstrip("/") + "/**" if os.path.isdir(path) else literal


def base(path):
    """Where the relative names of a dataset begin: a folder itself, what stands before the first pattern, the folder
    of a file."""
    if not is_pattern(path):
        return path.rstrip("/") if os.path.isdir(path) else os.path.dirname(path)
    head = path[:min(path.index(c) for c in GLOB if c in path)]
    return os.path.dirname(head)


def files(path):
    """The files of a path, sorted."""
    if is_pattern(path):
        import glob

        found = [p for g in glob.glob(path, recursive=True) for p in (_walk(g) if os.path.isdir(g) else [g])]
        return sorted(set(found))
    return sorted(_walk(path)) if os.path.isdir(path) else [path] if os.path.exists(path) else []


def _walk(folder):
    return [os.path.join(at, n) for at, _, names in os.walk(folder, followlinks=True) for n in names]


def copy(source, target, overwrite):
    """A file to a file; False: it is there and stays."""
    import shutil

    if os.path.exists(target) and not overwrite:
        return False
    os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
    shutil.copyfile(source, target)
    return True


def copy_tree(source, target, overwrite, show=False):
    """A folder's files below `target`, or a file into it; the paths that were written."""
    pairs = [(source, os.path.basename(source))] if os.path.isfile(source) else [
        (p, os.path.relpath(p, source)) for p in files(source)]
    done = [os.path.join(target, name) for path, name in pairs if copy(path, os.path.join(target, name), overwrite)]
    if show:
        print("%d of %d files copied to %s" % (len(done), len(pairs), target))
    return done
