# SPDX-License-Identifier: Apache-2.0
"""A notebook, cell after cell in the names of __main__: its code cells that are not empty are numbered as after "restart
and run all"."""
import __future__
import ast
import json
import linecache
import os

from prs_azureml import _ipython, _shell, _transform

_FUTURE = 0
for _name in __future__.all_feature_names:
    _FUTURE |= getattr(__future__, _name).compiler_flag
_COROUTINE = 0x80  # inspect.CO_COROUTINE


class Unreadable(Exception):
    """The file is no notebook of Python."""


def cells(path):
    """[(source, tags)] of its code cells."""
    name = os.path.basename(path)
    try:
        with open(path, encoding="utf-8-sig") as f:
            book = json.load(f)
    except ValueError as e:
        raise Unreadable("%s is no notebook: it is not JSON: %s" % (name, e)) from None
    return [_cell(c) for c in _all_cells(book, name) if c.get("cell_type") == "code"]


def _all_cells(book, name):
    """Of format 4; those of format 3 are in worksheets."""
    found = book.get("cells") if isinstance(book, dict) else None
    if found is None and isinstance(book, dict) and "worksheets" in book:
        found = [c for sheet in book["worksheets"] for c in sheet.get("cells", ())]
    if not isinstance(found, list) or not all(isinstance(c, dict) for c in found):
        raise Unreadable("%s is no notebook: it has no list of cells" % name)
    about = book.get("metadata") or {}
    language = (about.get("kernelspec") or {}).get("language") or (about.get("language_info") or {}).get("name") or "python"
    if not language.lower().startswith(("python", "ipython")):
        raise Unreadable("%s is a notebook of %s: prs python runs those of Python" % (name, language))
    return found


def _cell(cell):
    source = cell.get("source", cell.get("input", ""))
    return "".join(source) if isinstance(source, list) else source, (cell.get("metadata") or {}).get("tags") or ()


class Cells:
    """What goes on from cell to cell: the names, `from __future__`, the event loop of await."""

    def __init__(self, names):
        self.names, self._flags, self._loop = names, 0, None
        self.shell = _shell.install(names, self.run_file)
        names.update(In=[""], Out={}, _dh=[os.getcwd()])

    def run_file(self, path, show_error=None):
        """show_error(): where the error of a cell with the tag raises-exception goes."""
        number = 0
        for source, tags in cells(path):
            if not source.strip():
                continue
            number += 1
            if "skip-execution" in tags:
                continue
            try:
                self.run(source, "%s, cell %d" % (os.path.basename(path), number))
            except Exception:
                if "raises-exception" not in tags or show_error is None:
                    raise
                show_error()

    def run(self, source, name):
        self.shell.execution_count += 1
        self.names["In"].append(source)
        linecache.cache[name] = (len(source), None, source.splitlines(True), name)
        text = _transform.of_cell(source, self.names)
        tree = ast.parse(text, name)
        for nodes, shown in _parts(tree.body, _ipython.interactivity()):
            value = self._value(self._compiled(nodes, shown, name))
            if shown and not _is_quiet(nodes[0], text):
                self.shell.displayhook(value)

    def _compiled(self, nodes, shown, name):
        tree = ast.Expression(nodes[0].value) if shown else ast.Module(nodes, [])
        mode = "eval" if shown else "exec"
        try:
            code = compile(tree, name, mode, self._flags, True)
        except SyntaxError as e:
            try:
                code = compile(tree, name, mode, self._flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, True)
            except SyntaxError:
                raise e from None
        self._flags |= code.co_flags & _FUTURE
        return code

    def _value(self, code):
        value = eval(code, self.names)
        if not code.co_flags & _COROUTINE:
            return value
        import asyncio

        if self._loop is None or self._loop.is_closed():
            self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        return self._loop.run_until_complete(value)


def _parts(nodes, interactivity):
    """[(nodes, is it shown)]: an expression that is shown stands alone."""
    parts = []
    for node in nodes:
        last = node is nodes[-1] and interactivity != "none"
        shown = isinstance(node, ast.Expr) and (last or interactivity == "all")
        if shown or not parts or parts[-1][1]:
            parts.append(([], shown))
        parts[-1][0].append(node)
    return parts


def _is_quiet(node, text):
    """Is there a semicolon behind the expression?"""
    lines = text.split("\n")[node.end_lineno - 1:]
    rest = "\n".join([lines[0].encode("utf-8")[node.end_col_offset:].decode("utf-8")] + lines[1:])
    return rest.lstrip(") \t\n").startswith(";")


def run(path, names, show_error):
    """In its folder, as Jupyter does; plots without a screen."""
    os.environ.setdefault("MPLBACKEND", "agg")
    os.chdir(os.path.dirname(os.path.abspath(path)))
    Cells(names).run_file(path, show_error)


def of_script(text, path, names):
    """The code of a .py file with magics."""
    code = compile(_transform.of_script(text), path, "exec", dont_inherit=True)
    Cells(names)
    return code
