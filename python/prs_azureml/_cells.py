# SPDX-License-Identifier: Apache-2.0
"""A script with cells `%%writefile [-a] NAME`: each writes a file when its turn comes; it ends at `# %%` or the end of
the script. The rest is run as it stands, with its own line numbers."""
import io
import os
import re
import tokenize

_CELL = re.compile(r"%%writefile[ \t]+(-a[ \t]+|--append[ \t]+)?(\S.*?)[ \t]*$")
_VARIABLE = re.compile(r"\$\$|\$(\w+)|\{(\w+)\}")


def run(source, path, names):
    lines = _text(source).splitlines(True)
    at = 0
    while at < len(lines):
        cell = _CELL.match(lines[at].rstrip("\r\n"))
        if cell:
            at = _write(cell, lines, at + 1, names)
            continue
        end = at
        while end < len(lines) and not _CELL.match(lines[end].rstrip("\r\n")):
            end += 1
        code = "\n" * at + "".join(lines[at:end])
        exec(compile(code, path, "exec", dont_inherit=True), names)
        at = end


def _text(source):
    encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
    return source.decode(encoding)


def _write(cell, lines, at, names):
    """Where the cell ends."""
    end = at
    while end < len(lines) and not re.match(r"# ?%%", lines[end]):
        end += 1
    name = os.path.expanduser(_expanded(cell.group(2).strip("\"'"), names))
    folder = os.path.dirname(name)
    if folder and not os.path.isdir(folder):
        raise FileNotFoundError("%%%%writefile %s: no such folder: %s" % (name, folder))
    text = "".join(lines[at:end])
    append = bool(cell.group(1))
    print("%s %s" % ("Appending to" if append else "Overwriting" if os.path.exists(name) else "Writing", name))
    with open(name, "a" if append else "w", encoding="utf-8") as f:
        f.write(text)
    return end


def _expanded(text, names):
    """$var and {var} of the name of a file, where there is such a variable."""
    def value(m):
        if m.group() == "$$":
            return "$"
        word = m.group(1) or m.group(2)
        return str(names[word]) if word in names else m.group()

    return _VARIABLE.sub(value, text)
