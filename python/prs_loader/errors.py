# SPDX-License-Identifier: Apache-2.0
"""Tracebacks of the user's code and the hints that go with them."""
import os
import sys

from prs_loader.real import real

TEXT_MAX = 1 << 20  # of one traceback; the middle of a longer one is left out
MESSAGE_MAX = 2000
_HERE = os.path.dirname(os.path.abspath(__file__))
# Modules whose package has another name.
_PACKAGES = {"PIL": "pillow", "cv2": "opencv-python", "sklearn": "scikit-learn", "skimage": "scikit-image",
             "yaml": "PyYAML", "bs4": "beautifulsoup4", "dateutil": "python-dateutil", "dotenv": "python-dotenv",
             "azureml": "azureml-core", "azure": "azure-ai-ml"}


def _is_ours(name):
    return name.startswith(_HERE) or name.startswith("<frozen importlib")


def _frames(tb):
    while tb is not None:
        yield tb
        tb = tb.tb_next


def _file_of(tb):
    return tb.tb_frame.f_code.co_filename


def user_frames(tb):
    """Cut our own frames and those of importlib off both ends."""
    theirs = [t for t in _frames(tb) if not _is_ours(_file_of(t))]
    if not theirs:
        return None
    theirs[-1].tb_next = None
    return theirs[0]


def _own_line(tb, root):
    """The innermost line of a traceback in the folder `root`: ("score.py", 9), or None."""
    root = os.path.join(root, "")
    lines = [(_file_of(t)[len(root):], t.tb_lineno) for t in _frames(tb) if _file_of(t).startswith(root)]
    return lines[-1] if lines else None


# ---- hints


class Places:
    """Where the script and its files are, for hints: the copy that runs, the folder that it was copied from, the folder
    where the job was submitted. Each may be "": then nothing is looked for there."""

    def __init__(self, code_root="", code_origin="", submit_dir=""):
        self.code_root, self.code_origin, self.submit_dir = code_root, code_origin, submit_dir

    def has(self, name):
        """The folder outside of the run that holds `name`, or None."""
        for folder in (self.submit_dir, self.code_origin):
            if folder and os.path.exists(os.path.join(folder, name)):
                return folder
        return None


def places_of(job):
    return Places(job.one("code_root"), job.one("code_origin"), job.one("submit_dir"))


def _missing_module(error, places):
    name = error.name
    if name.startswith("azureml.") or name.startswith("azure."):
        package = "-".join(name.split(".")[:2])
    else:
        name = name.split(".")[0]
        package = _PACKAGES.get(name, name)
    for path in (name + ".py", name):
        folder = places.has(path)
        if folder:
            return ("hint: %s lies in %s, but was not copied to the run: name the folder with --code %s"
                    % (path, folder, folder))
    if os.path.exists(os.path.join(sys.prefix, "prs-ready")):  # prs made this environment; it may have no pip
        return ("hint: this interpreter was made for the packages of the job (%s): add %s to the pip packages of its "
                "conda_file" % (sys.executable, package))
    return "hint: install it for this interpreter: %s -m pip install %s" % (sys.executable, package)


_PARSERS = {"argparse.py": "message", "optparse.py": "msg"}  # file -> what its error() has to say
_HIDE = ("hint: what reads sys.argv stops at the engine's own flags: run with --engine-args hide, or use argparse's "
         "parse_known_args()")
_OUR_FLAG = "client_sdk_version"  # the first one of sys.argv


def _parser_says(error):
    """What the parser of the script complained about, where it ended the process."""
    for t in _frames(error.__traceback__):
        what = _PARSERS.get(os.path.basename(_file_of(t)))
        if what and t.tb_frame.f_code.co_name == "error":
            return str(t.tb_frame.f_locals.get(what, ""))
    return ""


def _str(error):
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - the user's own __str__
        return ""


def _stops_at_our_flags(error):
    """Whatever parser it is: getopt raises, click ends the process because of another error, optparse only says it."""
    return any(_OUR_FLAG in text for text in [_parser_says(error)] + [_str(e) for e in _behind(error)])


def _refused_arguments(error):
    said = _parser_says(error)
    if "unrecognized arguments: --client_sdk_version" in said:
        return ("hint: the script's parse_args() does not know the engine's own flags: run with --engine-args hide, or "
                "use parse_known_args()")
    if _stops_at_our_flags(error):
        return _HIDE
    if said.startswith("ambiguous option: "):
        return ("hint: the engine's own flags are in sys.argv too, and argparse takes one for an abbreviation: "
                "ArgumentParser(allow_abbrev=False), or --engine-args hide")
    if said:
        return "hint: %s. The script's own arguments go behind -- on the command line" % said
    return ""


def _pickled_elsewhere(error):
    """A class that the script which wrote a pickle had defined itself."""
    text = str(error) if isinstance(error, AttributeError) else ""
    if not text.startswith("Can't get attribute '") or "<module '__main__'" not in text:
        return ""
    name = text.split("'")[2]
    return ("hint: this was pickled by a program that defined %s itself. Before it is loaded: import __main__; "
            "__main__.%s = %s" % (name, name, name))


_OF_FRAMES = ("shape", "columns", "iterrows", "itertuples", "iloc", "loc", "head", "values", "to_numpy", "to_dict",
              "drop", "apply", "groupby", "dropna", "fillna", "astype", "empty", "dtypes", "merge", "query")
_TABLE = "hint: this script wants a table: --input-format tabular (in a job file: prs: {input_format: tabular})"


_KEYS = "hint: there are no partition keys: --partition-keys NAME,NAME (in a job file: partition_keys)"


def _takes_files_for_rows(error):
    """run() treats the list of files as a DataFrame."""
    text = str(error) if isinstance(error, (AttributeError, TypeError)) else ""
    if any(text == "'MiniBatch' object has no attribute '%s'" % name for name in _OF_FRAMES):
        return _TABLE
    if not text.startswith("list indices must be integers or slices, not "):
        return ""
    from prs_loader import batch

    return _TABLE if any(isinstance(v, batch.MiniBatch) for v in _locals_of(error)) else ""


def _theirs(error):
    return [t for t in _frames(error.__traceback__) if not _is_ours(_file_of(t))]


def _locals_of(error):
    """The variables of the function of the script that the error left last."""
    theirs = _theirs(error)
    return theirs[-1].tb_frame.f_locals.values() if theirs else ()


def _takes_rows_for_files(error):
    """run() goes through a DataFrame as if it were the list of files, and opens the names of its columns."""
    name = error.filename if isinstance(error, FileNotFoundError) else None
    frame = getattr(sys.modules.get("pandas"), "DataFrame", None)
    if not isinstance(name, str) or frame is None:
        return ""
    local = [v for t in _theirs(error) for v in t.tb_frame.f_locals.values()]
    if not any(isinstance(v, frame) and name in list(v.columns) for v in local):
        return ""
    return "hint: run() gets a DataFrame here, and %s is a column: for paths leave --input-format tabular out" % name


def _has_no_keys(error):
    """run() asks for the values of partition keys, and there are none."""
    from prs_loader import batch

    if not isinstance(error, (TypeError, AttributeError)) or "'NoneType' object" not in str(error):
        return ""
    asks = [c for t in _theirs(error) if "partition_key_value" in t.tb_frame.f_code.co_names
            for c in t.tb_frame.f_locals.values() if isinstance(c, batch.Context)]
    return _KEYS if any(c.partition_key_value is None for c in asks) else ""


def _is_of_azure(error):
    """Does it say that a name of azureml.* is missing?"""
    names = sys.modules.get("prs_loader.names")
    if names is not None and isinstance(error, names.NotHere):
        return True
    module = getattr(error, "name", None) if isinstance(error, ImportError) else None
    return isinstance(module, str) and module.split(".")[0] in ("azureml", "azureml_user")


def lacks_azure_name(error):
    """Such an error, the same in every try, where the script raised this one `from` it; itself, perhaps. None: this one
    is of another kind."""
    try:
        for _ in range(_CHAIN_MAX):
            if error is None or _is_of_azure(error):
                return error
            error = error.__cause__
    except Exception:  # noqa: BLE001 - errors that break whoever looks at them
        pass
    return None


def _why_not_here(error):
    """The sentence of names.py, for an error that says that a name of azureml.* is missing. "": what is installed lacks
    it."""
    from prs_loader import names

    if isinstance(error, names.NotHere):
        return str(error)
    wanted = str(error).split("'")
    if error.path is None and len(wanted) > 2 and str(error).startswith("cannot import name '"):
        return names.in_azure("%s.%s" % (error.name, wanted[1]))
    return ""


def _which_disk(error):
    """Where the disk is mounted that is full, if a file of it is named."""
    full = full_disk(error)
    if not full or full[1] is None:
        return ""
    _errno, device, path = full
    try:
        while path != os.path.dirname(path) and _device_of(os.path.dirname(path)) == device:
            path = os.path.dirname(path)
    except OSError:  # it says less then
        pass
    return "hint: the disk that is full is the one at %s" % path


def _not_copied(name, places):
    """Of a file that is not there: a relative name, or one in the copy of the code, which a script finds by __file__."""
    root = os.path.join(places.code_root, "")
    inside = os.path.isabs(name) and places.code_root and name.startswith(root)
    if os.path.isabs(name) and not inside:
        return ""
    name = os.path.normpath(name[len(root):] if inside else name)
    folder = places.has(name)
    if not folder:
        return ""
    path = os.path.join(folder, name)
    if folder == places.submit_dir:
        path = name
    return ("hint: %s exists, but the script runs in a copy of its folder that lacks it: pass it with --side-input "
            "name=%s" % (path, path))


def _hint(error, places):
    lacks = lacks_azure_name(error)
    if lacks is not None and _why_not_here(lacks):
        return "hint: " + _why_not_here(lacks)
    if isinstance(error, ModuleNotFoundError) and error.name:
        return _missing_module(error, places)
    if isinstance(error, ImportError) and str(error).startswith("attempted relative import"):
        return ("hint: the script is no part of a package here: name the folder above the package with --code "
                "(in a job file: code)")
    if isinstance(error, SystemExit) and error.code == 2:
        return _refused_arguments(error)
    if isinstance(error, FileNotFoundError) and isinstance(error.filename, (str, bytes)):
        not_copied = _not_copied(os.fsdecode(error.filename), places)
        if not_copied:
            return not_copied
    for look in (_pickled_elsewhere, _takes_files_for_rows, _takes_rows_for_files, _has_no_keys, _which_disk):
        hint = look(error)
        if hint:
            return hint
    return _HIDE if _stops_at_our_flags(error) else ""


# ---- texts


def _one_line(error):
    import traceback

    lines = traceback.format_exception_only(type(error), error)
    line = lines[0]
    if isinstance(error, SyntaxError):
        last = [x for x in lines if not x.startswith(" ")][-1].strip()
        line = "%s (%s, line %s)" % (last, os.path.basename(str(error.filename)), error.lineno)
    return " ".join(line.split("\n")).strip()


def _cut(text, most):
    if len(text) <= most:
        return text
    return "%s\n... %d characters left out ...\n%s" % (text[:most // 2], len(text) - most, text[-(most // 2):])


def _message(error, hint, code_root):
    """In one line. Of a missing name of azureml.*: where, and what is missing."""
    lacks = lacks_azure_name(error)
    own = _own_line(error.__traceback__, code_root) if lacks is not None and code_root else None
    place = "%s, line %d: " % own if own else ""
    if lacks is error and _why_not_here(error):
        return place + _why_not_here(error)
    return (place + _one_line(error))[:MESSAGE_MAX - len(hint)] + ("; " + hint if hint else "")


def _describe(error, places, at):
    import traceback

    if type(error).__module__.startswith("prs_loader."):  # a sentence of ours: nothing in a traceback would help
        return str(error), " ".join(str(error).split("\n"))
    lines = traceback.format_exception(type(error), error, user_frames(error.__traceback__))
    hint = _hint(error, places)
    text = _cut("".join(lines), TEXT_MAX) + (at + "\n" if at else "")
    if hint and hint[len("hint: "):] not in text:
        text += hint + "\n"
    return text, _message(error, hint, places.code_root)


def describe(error, places, at=""):
    """(text of the traceback, one-line message), whatever the error is, and whatever traceback module there is. at:
    where in its data the script was (which.py), told behind the traceback; messages are the same for all items."""
    try:
        return _describe(error, places, at)
    except BaseException as e:  # noqa: BLE001 - errors that break whoever looks at them
        failed = type(e).__name__
    try:
        message = "%s: %s" % (type(error).__name__, " ".join(str(error).split("\n")))
    except Exception:  # noqa: BLE001
        message = type(error).__name__
    text = _cut(message, TEXT_MAX) + " (and describing it raised %s)" % failed
    return text, text[:MESSAGE_MAX]


# ---- kinds

KIND_MAX = 200


def kind(error, root):
    """What an error is, whatever it says: b"NameError at score.py:9", with the innermost line of the script's own, its
    folder being `root`. Empty when none of its lines was on the way."""
    try:
        place = _own_line(error.__traceback__, root)
        return encoded("%s at %s:%d" % ((type(error).__name__,) + place), KIND_MAX) if place else b""
    except Exception:  # noqa: BLE001 - errors that break whoever looks at them
        return b""


# ---- full disks

_FULL = (28, 122)  # ENOSPC, EDQUOT
_CHAIN_MAX = 100


def _behind(error):
    """An exception and those that led to it: causes, contexts, members of groups."""
    found = [error]
    for e in found:
        more = [e.__cause__, e.__context__, *(getattr(e, "exceptions", None) or ())]
        found += [m for m in more if isinstance(m, BaseException) and not any(m is f for f in found)]
        if len(found) > _CHAIN_MAX:
            break
    return found


def _device_of(path):
    return real.stat(path).st_dev


def _place(name):
    """(device, path) of a file that is there, or of the nearest folder of it that is; None when that cannot be told."""
    try:
        if isinstance(name, int):
            return _device_of(name), os.readlink("/proc/self/fd/%d" % name)
        path = os.path.abspath(os.fsdecode(name))
        while True:
            try:
                return _device_of(path), path
            except FileNotFoundError:
                path = os.path.dirname(path)
    except Exception:  # noqa: BLE001 - of the system, or no name at all
        return None


def full_disk(error):
    """(errno, device, path) when a disk or quota is full, by the exception or one behind it; device and path are None
    when it names no file. Else None."""
    try:
        for e in _behind(error):
            if getattr(e, "errno", None) in _FULL:
                # Where two files are named, the second one is written.
                name = getattr(e, "filename2", None) or getattr(e, "filename", None)
                return (e.errno, *(name is not None and _place(name) or (None, None)))
    except Exception:  # noqa: BLE001 - errors that break whoever looks at them
        pass
    return None


def encoded(message, most=MESSAGE_MAX):
    """A message for a frame: at most `most` bytes, and no character cut in two."""
    return message.encode("utf-8", "backslashreplace")[:most].decode("utf-8", "ignore").encode("utf-8")


def say(text):
    """To the stderr file, also where the script has closed or replaced sys.stderr."""
    put(2, (text + "\n").encode("utf-8", "backslashreplace"))


def put(fd, data):
    """Write all of it, as far as that can be done."""
    try:
        while data:
            data = data[real.write(fd, data):]
    except OSError:
        pass


def append(path, title, text):
    """Append to the process's error file; (offset, bytes)."""
    data = (title + "\n" + text + "\n").encode("utf-8", "backslashreplace")
    try:
        fd = real.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    except OSError:
        return 0, 0
    try:
        done = 0
        while done < len(data):
            done += real.write(fd, data[done:])
        return real.lseek(fd, 0, os.SEEK_CUR) - len(data), len(data)
    except OSError:
        return 0, 0
    finally:
        real.close(fd)
