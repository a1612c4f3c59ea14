# SPDX-License-Identifier: Apache-2.0
"""docs/python-names.md from the modules of python/prs_azureml: which names are here, and which of their parameters are
known and not used. Nothing is imported. `python_names.py FOLDER`"""
import ast
import os
import sys

HEAD = """<!-- made by ./dev docs from python/prs_azureml: do not edit -->
# Names of the v1 SDK

What `prs python` knows ([python](python.md)). A name that is not here is refused with what is near; a parameter in the last column is accepted, said once, and has no effect.

| class, function | methods | known, not used |
|---|---|---|
"""


def modules(folder):
    for at, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if name.endswith(".py"):
                path = os.path.join(at, name)
                module = os.path.relpath(path, os.path.dirname(folder))[:-3].replace(os.sep, ".")
                with open(path, encoding="utf-8") as f:
                    yield module[:-len(".__init__")] if module.endswith(".__init__") else module, ast.parse(f.read())


def unused(function):
    """The names that are declared so."""
    names = [p.arg for p in function.args.args + function.args.kwonlyargs + [p for p in (function.args.kwarg,) if p]]
    found = set()
    for call in function.decorator_list:
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "unused":
            words = [k.arg for k in call.keywords if k.arg]
            for k in call.keywords:
                if k.arg is None:
                    words += [w for c in ast.walk(k.value) if isinstance(c, ast.Constant) and isinstance(c.value, str)
                              for w in c.value.split()]
            found.update(words)
    return [n for n in names if n in found]


def row(module, node):
    functions = [f for f in node.body if isinstance(f, ast.FunctionDef)] if isinstance(node, ast.ClassDef) else [node]
    methods, ignored = [], []
    for f in functions:
        if f.name[0] != "_":
            methods.append(f.name)
        names = unused(f)
        if names:
            ignored.append("%s: %s" % (node.name if f.name in ("__init__", "__new__") else f.name, ", ".join(names)))
    shown = methods if isinstance(node, ast.ClassDef) else []
    return "| `%s.%s` | %s | %s |\n" % (module, node.name, ", ".join(shown), "; ".join(ignored))


def main():
    text = HEAD
    for module, tree in modules(sys.argv[1]):
        for node in tree.body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name[0] != "_":
                text += row(module, node)
    sys.stdout.write(text)


main()
