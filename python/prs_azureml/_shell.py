# SPDX-License-Identifier: Apache-2.0
"""What get_ipython() and display() are without IPython: the magics that change how later cells run; others are passed
over and named."""
import builtins
import os
import shlex
import string
import sys
import re

from prs_azureml import _names

_DOLLAR = re.compile(r"(.*?)\$(\$?[\w.]+)(?=(?:[^']*'[^']*')*[^']*$)")


def expanded(text, names):
    """`$name`, `$name.attribute`, `{expression}` as IPython expands them; all or nothing: a text with an unknown name, or
    with braces that are none of an expression, stays as it is. `$$name` is `$name`; in single quotes $ is no sign."""
    try:
        return "".join(_expanded(text, names))
    except Exception:  # noqa: BLE001 - whatever an expression raises
        return text


def _expanded(text, names):
    for literal, expression, spec, conversion in string.Formatter().parse(text):
        yield from _dollars(literal, names)
        if expression is not None:
            value = eval(expression + (":" + spec if spec else ""), names)
            yield format(string.Formatter().convert_field(value, conversion), "")


def _dollars(literal, names):
    at = 0
    for m in _DOLLAR.finditer(literal):
        before, name = m.groups()
        yield before + (name if name.startswith("$") else format(eval(name, names), ""))
        at = m.end()
    yield literal[at:]


def unquoted(word):
    return word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'" else word


def words_of(line):
    """Of a magic: words, those in quotes with their quotes."""
    try:
        return shlex.split(line, posix=False)
    except ValueError:
        return line.split()


class UsageError(Exception):
    """A magic that is written wrongly."""


class Lines(list):
    """What `files = !ls` gives where commands are passed over: nothing."""
    s = n = ""

    @property
    def l(self):  # noqa: E743 - as IPython calls it
        return self


class Captured:
    """Of %%capture: what was printed is shown, not kept."""
    stdout = stderr = ""
    outputs = ()

    def show(self):
        pass


class _Events:
    def register(self, event, function):
        pass

    unregister = register


class InteractiveShell:
    """get_ipython(). run_notebook(path) runs another notebook in the same names."""

    def __init__(self, names, run_notebook):
        self.user_ns = self.user_global_ns = names
        self.config, self.events = {}, _Events()
        self.execution_count = 0
        self._run_notebook = run_notebook
        self._folders = [os.getcwd()]
        self._last = None
        self.magics = {"line": {}, "cell": {}}  # that the notebook registers

    def __getattr__(self, name):
        raise AttributeError("get_ipython().%s: there is no IPython here, prs python knows %s" % (
            name, ", ".join(sorted(n for n in dir(type(self)) if n[0] != "_"))))

    # ---- magics

    def passed_over(self, text):
        _names.say("passed over: %s%s" % (text.strip(), _names.script_place()))

    def captured(self):
        return Captured()

    def system(self, command):
        self.passed_over("!" + command)

    def getoutput(self, command, split=True):
        self.passed_over("!" + command)
        return Lines()

    def run_line_magic(self, name, line, _stack_depth=1):
        frame = sys._getframe(_stack_depth)
        own = self.magics["line"].get(name) or _LINE_MAGICS.get(name)
        if own is None:
            return self.passed_over("%%%s %s" % (name, line))
        line = expanded(line, dict(self.user_ns, **frame.f_locals))
        return own(line) if name in self.magics["line"] else own(self, line)

    def run_cell_magic(self, name, line, cell):
        frame = sys._getframe(1)
        own = self.magics["cell"].get(name) or _CELL_MAGICS.get(name)
        if own is None:
            return self.passed_over("%%%%%s %s" % (name, line))
        line = expanded(line, dict(self.user_ns, **frame.f_locals))
        return own(line, cell) if name in self.magics["cell"] else own(self, line, cell)

    def magic(self, text):
        name, _, line = text.lstrip("%").partition(" ")
        return self.run_line_magic(name, line.strip(), 2)

    def register_magic_function(self, function, magic_kind="line", magic_name=None):
        for kind in ("line", "cell"):
            if kind in magic_kind:
                self.magics[kind][magic_name or function.__name__] = function

    def ev(self, expression):
        return eval(expression, self.user_ns)

    def ex(self, code):
        exec(code, self.user_ns)

    def push(self, names):
        self.user_ns.update(names)

    def _cd(self, line):
        """%cd FOLDER, %cd - back, %cd home."""
        words = [w for w in words_of(line) if w != "-q"]
        to = self._folders[-1] if words == ["-"] else os.path.expanduser(unquoted(" ".join(words)) or "~")
        here = os.getcwd()
        try:
            os.chdir(to)
        except OSError as e:
            print(e, file=sys.stderr)
            return
        self._folders.append(here)
        print(os.getcwd())

    def _pwd(self, line):
        return os.getcwd()

    def _env(self, line):
        """%env, %env NAME, %env NAME=VALUE, %env NAME VALUE."""
        if not line:
            return dict(os.environ)
        name, sign, value = line.partition("=" if "=" in line else " ")
        if not sign:
            if name not in os.environ:
                raise UsageError("%%env %s: there is no such variable" % name)
            return os.environ[name]
        os.environ[name.strip()] = value.strip()

    def _run(self, line):
        """%run [-i] FILE.py|FILE.ipynb [ARGUMENTS]"""
        words = [unquoted(w) for w in words_of(line)]
        same = words[:1] == ["-i"]
        words = words[1:] if same else words
        path = os.path.expanduser(words[0]) if words else ""
        path = path if os.path.exists(path) or path.endswith((".py", ".ipynb")) else path + ".py"
        if words and words[0].startswith("-") or not os.path.isfile(path):
            raise UsageError("%%run %s: expected [-i] FILE.py or FILE.ipynb, and its arguments" % line)
        if path.endswith(".ipynb"):
            return self._run_notebook(path)
        self._run_file(path, words[1:], same)

    def _run_file(self, path, arguments, same):
        with open(path, "rb") as f:
            code = compile(f.read(), path, "exec", dont_inherit=True)
        names = self.user_ns if same else {"__name__": "__main__", "__builtins__": builtins}
        argv, sys.argv = sys.argv, [path] + arguments
        had, names["__file__"] = names.get("__file__"), path
        try:
            exec(code, names)
        except SystemExit as e:
            if e.code:
                raise
        finally:
            sys.argv = argv
            names["__file__"] = had
            if had is None:
                del names["__file__"]
            if not same:
                self.user_ns.update((k, v) for k, v in names.items() if not k.startswith("__"))

    def _writefile(self, line, cell):
        """%%writefile [-a] NAME; its text is written as it stands."""
        words = words_of(line)
        append = any(w in ("-a", "--append") for w in words)
        rest = [w for w in words if w not in ("-a", "--append")]
        if len(rest) != 1:
            raise UsageError("%%%%writefile %s: expected [-a] and one name of a file; one with spaces in quotes" % line)
        name = os.path.expanduser(unquoted(rest[0]))
        folder = os.path.dirname(name)
        if folder and not os.path.isdir(folder):
            raise FileNotFoundError("%%%%writefile %s: there is no folder %s; os.makedirs(%r, exist_ok=True) in a cell "
                                    "before makes it" % (line, folder, folder))
        print("%s %s" % ("Writing" if not os.path.exists(name) else "Appending to" if append else "Overwriting", name))
        with open(name, "a" if append else "w", encoding="utf-8") as f:
            f.write(cell)
        import importlib

        importlib.invalidate_caches()

    # ---- what is shown

    def displayhook(self, value):
        if value is None:
            return
        show(value)
        if self.user_ns.get("_") is self._last:
            self.user_ns["_"] = self._last = value
        self.user_ns["Out"][self.execution_count] = value


_LINE_MAGICS = {"cd": InteractiveShell._cd, "pwd": InteractiveShell._pwd, "env": InteractiveShell._env,
                "set_env": InteractiveShell._env, "run": InteractiveShell._run}
_CELL_MAGICS = {"writefile": InteractiveShell._writefile, "file": InteractiveShell._writefile}


def show(value):
    own = getattr(type(value), "_ipython_display_", None)
    if own is not None:
        own(value)
    else:
        print(repr(value))


def display(*values, **how):
    """As text. raw=True: bundles by type of content."""
    for value in values:
        if how.get("raw") and isinstance(value, dict):
            print(value.get("text/plain", ""))
        else:
            show(value)


def install(names, run_notebook):
    """get_ipython() and display() for everyone, as IPython has them."""
    from prs_azureml import _ipython

    shell = InteractiveShell(names, run_notebook)
    builtins.get_ipython = lambda: shell
    builtins.display = display
    _ipython.install()
    return shell
