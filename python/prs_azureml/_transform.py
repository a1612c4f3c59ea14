# SPDX-License-Identifier: Apache-2.0
"""IPython's syntax as Python: a magic, `!command` or `name?` becomes a call of get_ipython(). Every other line stays as
it is, with its number."""
import ast
import re

# What these are put before runs as if they were not there.
TRANSPARENT = ("time", "prun", "capture")
# What people write without % where it is all of a cell; words that are names of variables as well are not among them.
AUTOMATIC = frozenset((
    "cat cd conda cp less ll load_ext ls mamba man matplotlib micromamba mkdir mv pip pwd pylab reload_ext rm rmdir uv who "
    "whos").split())

_CELL = re.compile(r"%%(\w\S*)[ \t]*(.*?)\s*$")
_LINE = re.compile(r"(\s*)(%%?|!!?)\s*(\S.*)$", re.S)
_ASSIGNED = re.compile(r"(\s*)([\w.,:*()\[\]'\" ]+?)\s*=\s*([%!])\s*(\S.*)$", re.S)
_HELP = re.compile(r"\s*(?:[\w.]+\s*=\s*)?(\?{1,2}\s*%{0,2}[\w.*]+|%{0,2}[^\W\d][\w.*\[\]'\"]*\s*\?{1,2})\s*$")
_PIECE = re.compile(r"\\.|\"\"\"|'''|[\"'#()\[\]{}]")
_END = re.compile(r"#[ \t]*%%")
_START = None, 0, False


def of_cell(text, names=()):
    """A cell of a notebook; names: those that it would find."""
    text = _dedented(text.replace("\r\n", "\n"))
    if _is_automatic(text, names):
        text = text.replace(text.strip(), "%" + text.strip())
    return text if parses(text) else _replaced(text.split("\n"), None)


def of_script(text):
    """A file with magics; the text of a `%%` cell ends at `# %%` or the end."""
    return _replaced(text.replace("\r\n", "\n").split("\n"), _END)


def parses(text):
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


def has_magics(text):
    return re.search(r"(?m)^\s*(%%?\w|!)|=\s*[%!]\s*\w", text) is not None


def _dedented(text):
    """Without the indentation of its first line."""
    lines = text.split("\n")
    first = next((line for line in lines if line.strip()), "")
    indent = first[:len(first) - len(first.lstrip())]
    return "\n".join(line[len(indent):] if line.startswith(indent) else line for line in lines) if indent else text


def _is_automatic(text, names):
    """Is all of it one line that begins with the word of a magic, and is no assignment?"""
    m = re.match(r"(\w+)(\s+(?![=,:]|[-+*/%@&|^<>]+=).*)?$", text.strip())
    return m is not None and m.group(1) in AUTOMATIC and m.group(1) not in names


def _replaced(lines, end):
    out, at, inside = [], 0, _START
    while at < len(lines):
        found = _cell_magic(lines, at, end) or _line_magic(lines, at) if inside == _START else None
        if found:
            text, n = found
            out.append(text + "\n" * (n - 1))
            at += n
            continue
        out.append(lines[at])
        inside = _behind(lines[at], *inside[:2])
        at += 1
    return "\n".join(out)


def _behind(line, quote, depth):
    """(quote that is open, depth of brackets, does the line go on) behind a line."""
    line = line.rstrip("\r")
    for piece in _PIECE.findall(line):
        if quote:
            quote = None if piece in (quote, 3 * quote) else quote
        elif piece == "#":
            return None, depth, False
        elif piece[0] in "\"'":
            quote = piece
        elif piece in "([{":
            depth += 1
        elif piece in ")]}":
            depth = max(depth - 1, 0)
    goes_on = line.endswith("\\")
    return (None if quote and len(quote) == 1 and not goes_on else quote), depth, goes_on


def _cell_magic(lines, at, end):
    """(Python, lines that it stands for) of a %%magic and its text."""
    m = _CELL.match(lines[at])
    if not m:
        return None
    name, line = m.groups()
    if name in TRANSPARENT:
        words = [w for w in line.split() if not w.startswith("-")] if name == "capture" else []
        return ("%s = get_ipython().captured()" % words[0] if words else "pass"), 1
    stop = at + 1
    while stop < len(lines) and not (end and end.match(lines[stop])):
        stop += 1
    text = "\n".join(lines[at + 1:stop])
    text += "" if not text or text.endswith("\n") and stop == len(lines) else "\n"
    return "get_ipython().run_cell_magic(%r, %r, %r)" % (name, line, text), stop - at


def _line_magic(lines, at):
    """The same of a magic, a command or a question for help on one line, or on several that end with a backslash."""
    line, n = _joined(lines, at)
    m = _LINE.match(line)
    if m:
        indent, mark, rest = m.groups()
        return indent + _call(mark, rest.rstrip()), n
    m = _ASSIGNED.match(line)
    if m and parses(m.group(2).strip() + " = 0"):
        indent, target, mark, rest = m.groups()
        return "%s%s = %s" % (indent, target, _call("!!" if mark == "!" else mark, rest.rstrip())), n
    m = _HELP.match(lines[at])
    if m:
        indent = lines[at][:len(lines[at]) - len(lines[at].lstrip())]
        return "%sget_ipython().passed_over(%r)" % (indent, m.group(1)), 1
    return None


def _joined(lines, at):
    parts, n = [], 0
    while at + n < len(lines):
        part = lines[at + n].rstrip()
        n += 1
        if not part.endswith("\\"):
            parts.append(part)
            break
        parts.append(part[:-1])
    return " ".join(parts), n


def _call(mark, rest):
    if mark == "!":
        return "get_ipython().system(%r)" % rest
    if mark == "!!":
        return "get_ipython().getoutput(%r)" % rest
    name, _, line = rest.partition(" ")
    line = line.strip()
    if mark == "%" and name in TRANSPARENT and line and parses(line):
        return line
    return "get_ipython().run_line_magic(%r, %r)" % (mark[1:] + name, line)
