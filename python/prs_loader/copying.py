# SPDX-License-Identifier: Apache-2.0
"""One copy of a file or folder for many processes: the first makes it beside its place, under a lock, and renames it.

A reader never sees half a copy, and a copy that is whole and the same as its source is never made again.
"""
import os


def _same_file(a, b):
    one, other = os.stat(a), os.stat(b)
    if one.st_size != other.st_size:
        return False
    if one.st_mtime_ns == other.st_mtime_ns:  # copies keep it
        return True
    import filecmp

    return filecmp.cmp(a, b, shallow=False)


def _raise(error):
    raise error


def _holders(folder, root, names):
    """Links to what holds `root` or this folder, as / does: no part of a copy, which would have no end."""
    found, inside = [], [os.path.realpath(root), os.path.realpath(folder)]
    for name in names:
        path = os.path.join(folder, name)
        if os.path.islink(path) and os.path.isdir(path):
            real = os.path.realpath(path)
            if any(os.path.commonpath([real, path]) == real for path in inside):
                found.append(name)
    return found


def _files_of(folder):
    """Relative paths of the files and of the folders below a folder; links are followed, as the copy does."""
    files, folders = set(), set()
    for here, below, names in os.walk(folder, onerror=_raise, followlinks=True):
        for name in _holders(here, folder, below):
            below.remove(name)
        inner = os.path.relpath(here, folder)
        files.update(os.path.normpath(os.path.join(inner, name)) for name in names)
        folders.update(os.path.normpath(os.path.join(inner, name)) for name in below)
    return files, folders


def same(source, target):
    """Is `target` a whole copy of `source`: the same relative paths, sizes, and times or bytes?"""
    try:
        if not os.path.isdir(source):
            return os.path.isfile(target) and _same_file(source, target)
        files = _files_of(source)
        return os.path.isdir(target) and _files_of(target) == files and all(
            _same_file(os.path.join(source, name), os.path.join(target, name)) for name in files[0])
    except OSError:  # it went away, or cannot be read: not the same
        return False


def _remove(path):
    import shutil

    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


class Lock:
    """Of a folder, without leaving a file in it; on a file system without locks the renames alone have to do."""

    def __init__(self, folder):
        self.fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.held = False

    def __enter__(self):
        import fcntl

        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX)
            self.held = True
        except OSError:
            pass
        return self

    def __exit__(self, *_):
        os.close(self.fd)


def _make(source, target, held):
    import shutil

    folder, name = os.path.split(target)
    mark = ".%s.copy-" % name
    if held:  # nobody else is at work: what lies here is of a process that was killed
        for left in os.listdir(folder):
            if left.startswith(mark):
                _remove(os.path.join(folder, left))
    new = os.path.join(folder, "%s%d" % (mark, os.getpid()))
    old = new + ".old"
    try:
        if os.path.isdir(source):
            shutil.copytree(source, new, ignore=lambda folder, names: _holders(folder, source, names))
        else:
            shutil.copy2(source, new)
        if os.path.lexists(target):
            os.rename(target, old)
        os.rename(new, target)
    finally:
        if os.path.lexists(old) and not os.path.lexists(target):  # the second rename failed
            os.rename(old, target)
        _remove(new)
        _remove(old)


def once(source, target, replace):
    """Makes a whole copy of `source` at `target`, its path. Another thing there is replaced, or a FileExistsError."""
    if same(source, target):
        return target
    with Lock(os.path.dirname(target) or ".") as lock:
        if same(source, target):  # another process made it meanwhile
            return target
        if os.path.lexists(target) and not replace:
            raise FileExistsError(17, "something else lies there: use exist_ok=True to replace it", target)
        _make(source, target, lock.held)
    return target
