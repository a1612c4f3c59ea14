# SPDX-License-Identifier: Apache-2.0
"""`import IPython` where it is not installed: IPython.display as text, register_line_magic and register_cell_magic. One
that is installed stays, with get_ipython(), display() and clear_output() of ours: its own know of no notebook."""
import builtins
import importlib
import sys
import types
from importlib.machinery import ModuleSpec

# Classes of IPython.display; of these the data is what is shown.
_TEXTS = "Code Latex Markdown Math Pretty".split()
_OTHERS = "Audio FileLink FileLinks GeoJSON HTML IFrame Image JSON Javascript SVG ScribdDocument Video VimeoVideo YouTubeVideo".split()
_SILENT = "clear_output publish_display_data set_matplotlib_close set_matplotlib_formats update_display".split()


class _Shown:
    def __init__(self, data=None, *args, **kwargs):
        self.data = data
        self.__dict__.update(kwargs)

    def __repr__(self):
        return "<IPython.display.%s object>" % type(self).__name__


class _Text(_Shown):
    def __repr__(self):
        return str(self.data)


def _silent(*args, **kwargs):
    """There is nothing to clear or to replace in a text."""


def _display():
    from prs_azureml import _shell

    names = {name: type(name, (_Text,), {}) for name in _TEXTS}
    names.update((name, type(name, (_Shown,), {})) for name in _OTHERS)
    names.update((name, _silent) for name in _SILENT)
    names.update(("display_" + kind, _shell.display) for kind in "html markdown latex png jpeg svg json javascript pretty".split())
    names.update(display=_shell.display, DisplayObject=_Shown)
    return names


def _registers(kind):
    """register_line_magic ..., with or without a name."""
    def register(what):
        def over(function, name=None):
            builtins.get_ipython().register_magic_function(function, kind, name)
            return function

        return over(what) if callable(what) else lambda function: over(function, what)

    return register


def _magic():
    return {"register_line_magic": _registers("line"), "register_cell_magic": _registers("cell"),
            "register_line_cell_magic": _registers("line_cell")}


def _shell_class():
    """Only for InteractiveShell.ast_node_interactivity = "all"."""
    return {"InteractiveShell": type("InteractiveShell", (), {"ast_node_interactivity": "last_expr"})}


def _top():
    return {"get_ipython": builtins.get_ipython, "version_info": (8, 24, 0, ""), "__version__": "8.24.0"}


_MODULES = {"IPython": _top, "IPython.display": _display, "IPython.core": dict, "IPython.core.display": _display,
            "IPython.core.magic": _magic, "IPython.core.interactiveshell": _shell_class,
            "IPython.core.getipython": lambda: {"get_ipython": builtins.get_ipython}}
# Names of an IPython that is installed which are ours.
_OURS = {"IPython": ("get_ipython",), "IPython.display": ("display", "clear_output"), "IPython.core.display": ("display",)}


class _StandIn:
    """Loader of a module of the table."""

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.__dict__.update(_MODULES[module.__name__]())
        if module.__name__ == "IPython":
            importlib.import_module("IPython.display")  # there without an import of its own


class _Real:
    """Loader of a module of the IPython that is installed."""

    def __init__(self, loader):
        self._loader = loader

    def __getattr__(self, name):
        return getattr(self._loader, name)

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        self._loader.exec_module(module)
        ours = _MODULES[module.__name__]()
        for name in _OURS[module.__name__]:
            if hasattr(module, name):
                setattr(module, name, ours[name])


class Finder:
    def find_spec(self, name, path=None, target=None):
        if name not in _MODULES:
            return None
        if name != "IPython" and isinstance(sys.modules["IPython"].__loader__, _StandIn):
            return _stand_in(name)
        spec = self._others(name, path)
        if spec is None and name == "IPython":
            return _stand_in(name)
        if spec is not None and name in _OURS:
            spec.loader = _Real(spec.loader)
        return spec

    def _others(self, name, path):
        found = (f.find_spec(name, path, None) for f in sys.meta_path if f is not self and hasattr(f, "find_spec"))
        return next((spec for spec in found if spec is not None and spec.loader is not None), None)


def _stand_in(name):
    return ModuleSpec(name, _StandIn(), is_package=name in ("IPython", "IPython.core"))


def interactivity():
    """What is shown of a cell: "last_expr", "all" expressions, or "none"."""
    shell = getattr(sys.modules.get("IPython.core.interactiveshell", types), "InteractiveShell", None)
    value = getattr(shell, "ast_node_interactivity", "last_expr")
    return value if isinstance(value, str) else "last_expr"


def install():
    if not any(isinstance(f, Finder) for f in sys.meta_path):
        sys.meta_path.insert(0, Finder())
