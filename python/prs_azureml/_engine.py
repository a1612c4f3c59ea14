# SPDX-License-Identifier: Apache-2.0
"""The engine, as this package talks to it: `prs ... --json`. Nothing else here starts a program or knows a flag."""
import os
import sys

from prs_azureml import _names
from azureml.exceptions import UserErrorException

_options = {}


def program():
    return os.environ.get("PRS_PROGRAM") or "prs"


class Refused(UserErrorException):
    """The engine said no: its sentences, a line each."""

    def __init__(self, text, status):
        UserErrorException.__init__(self, text + _names.script_place())
        self.text, self.status = text, status


# for the script it is what it inherits from
Refused.__module__, Refused.__name__, Refused.__qualname__ = "azureml.exceptions", "UserErrorException", "UserErrorException"


def call(*words, **how):
    """The documents that a command prints, one a line or one in all. given: a text for its stdin."""
    import json
    import subprocess

    given = how.get("given")
    done = subprocess.run([program()] + [str(w) for w in words] + ["--json"], input=given, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, universal_newlines=True, cwd=how.get("cwd"), check=False,
                          stdin=None if given is not None else subprocess.DEVNULL)
    try:
        documents = _documents(json, done.stdout)
    except ValueError:
        documents = []
    if done.returncode:
        raise Refused(_mistakes(documents) or done.stderr.strip() or "prs %s: status %d"
                      % (" ".join(map(str, words)), done.returncode), done.returncode)
    return documents


def one(*words, **how):
    return call(*words, **how)[0]


def _documents(json, text):
    try:
        whole = json.loads(text) if text.strip() else None
        return [] if whole is None else [whole]
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]


def _mistakes(documents):
    found = [m for d in documents if isinstance(d, dict) for m in d.get("mistakes", ())]
    return "\n".join(m["text"] for m in found)


# ---- the option table


def option(name):
    """The row of the option table of a v1 parameter or an option."""
    if not _options:
        for row in one("options")["options"]:
            _options[row["name"]] = row
            if row["v1"]:
                _options[row["v1"]] = row
    return _options[name]


# ---- workspace and registry


def workspace(name=None, folder=None):
    more = ["--workspace", name] if name else []
    return one("workspace", "show", *more, cwd=folder)


def workspace_create(name):
    return one("workspace", "create", name)


def workspaces():
    return call("workspace", "list")


def show(kind, name, workspace_path):
    """An entry, None = there is none."""
    try:
        return one(kind, "show", name, "--workspace", workspace_path)
    except Refused as e:
        if e.status == 2:
            return None
        raise


def entries(kind, workspace_path, name=None, tags=()):
    words = [kind, "list"] + ([name] if name else []) + ["--workspace", workspace_path]
    for key, value in tags:
        words += ["--tag", key if value is None else "%s=%s" % (key, value)]
    return [e for e in call(*words) if not e.get("damaged")]


def register(kind, name, workspace_path, what, *flags):
    import json

    return one(kind, "register", name, "--workspace", workspace_path, "--from-json", "-", *flags, given=json.dumps(what))


def datastore(name, workspace_path):
    return one("datastore", "show", name, "--workspace", workspace_path)


def datastores(workspace_path):
    return call("datastore", "list", "--workspace", workspace_path)


def datastore_register(name, workspace_path, flags, key=None):
    words = ["datastore", "register", name, "--workspace", workspace_path] + flags
    return one(*(words + (["--key-stdin"] if key else [])), given=key)


def datastore_default(workspace_path, name=None):
    if name:
        return one("datastore", "default", name, "--workspace", workspace_path)
    return one("datastore", "show", workspace(workspace_path)["default_datastore"], "--workspace", workspace_path)


def secrets(workspace_path):
    return call("workspace", "secret", "list", "--workspace", workspace_path)


def secret_set(name, value, workspace_path):
    return one("workspace", "secret", "set", name, "--workspace", workspace_path, given=value)


def secret_delete(name, workspace_path):
    return one("workspace", "secret", "delete", name, "--workspace", workspace_path)


# ---- runs


def start(document):
    """A process that runs a document and prints an event a line."""
    import subprocess

    process = subprocess.Popen([program(), "run", "--job-json", "-", "--json"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    try:
        process.stdin.write(document_text(document).encode())
        process.stdin.close()
    except BrokenPipeError:  # it says why on stderr
        pass
    return process


def validate(document):
    """The mistakes, as texts."""
    try:
        call("validate", "--job-json", "-", given=document_text(document))
    except Refused as e:
        return e.text.splitlines()
    return []


def document_text(document):
    """As JSON; a path that is no UTF-8 as its bytes."""
    import json

    return json.dumps(_sayable(document), indent=1, ensure_ascii=False) + "\n"


def _sayable(value):
    if isinstance(value, dict):
        return {k: _sayable(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_sayable(v) for v in value]
    if isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value):
        return {"hex": os.fsencode(value).hex()}
    return value


def cancel(run_dir):
    call_plain("cancel", run_dir)


def call_plain(*words):
    import subprocess

    return subprocess.run([program()] + list(words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          universal_newlines=True, stdin=subprocess.DEVNULL)


def python():
    """The interpreter of workers: the one that runs the script."""
    return sys.executable


def interrupted(run_name):
    _names.say("interrupted; go on with: prs resume %s" % run_name)
