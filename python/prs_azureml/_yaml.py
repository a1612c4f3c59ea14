# SPDX-License-Identifier: Apache-2.0
"""YAML without a package: written in the plain form, and read where PyYAML is there or the text is such a form."""
import json
import re

from prs_azureml import _paths

_PLAIN = re.compile(r"[A-Za-z_./][A-Za-z0-9_./ @+~<>=\[\],-]*$")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


def dump(value, depth=0):
    """Block style; texts that could be something else in quotes."""
    pad = "  " * depth
    if isinstance(value, dict) and value:
        return "".join("%s%s:%s" % (pad, scalar(k), _below(v, depth)) for k, v in value.items())
    if isinstance(value, list) and value:
        return "".join(_item(v, depth) for v in value)
    return pad + _flat(value) + "\n"


def _below(value, depth):
    if isinstance(value, (dict, list)) and value:
        return "\n" + dump(value, depth + 1)
    return " %s\n" % _flat(value)


def _item(value, depth):
    pad = "  " * depth
    if isinstance(value, (dict, list)) and value:
        text = dump(value, depth + 1)
        return pad + "- " + text[len(pad) + 2:]
    return "%s- %s\n" % (pad, _flat(value))


def _flat(value):
    return {dict: "{}", list: "[]"}.get(type(value)) or scalar(value)


def scalar(value):
    if isinstance(value, str):
        plain = _PLAIN.match(value) and value.strip() == value and ", " not in value and value.lower() not in (
            "true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan") and ": " not in value
        plain = plain and not value.startswith(("[", "{", ".")) and not any(c in value for c in "[]{},<>=~@")
        return value if plain else json.dumps(value, ensure_ascii=False)
    return json.dumps(value)


def load(text, name):
    """The value of a document."""
    try:
        import yaml
    except ImportError:
        return _Simple(text, name).whole()
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as e:
        raise _paths.mistake("%s: %s" % (name, e)) from None


class _Simple:
    """Mappings and lists in block style, scalars, lists in []."""

    def __init__(self, text, name):
        self.name = name
        self.lines = []  # (number, indent, text)
        for number, line in enumerate(text.splitlines(), 1):
            bare = _without_comment(line).rstrip()
            if bare.strip() and bare.strip() not in ("---", "..."):
                self.lines.append((number, len(bare) - len(bare.lstrip(" ")), bare.strip()))
        self.at = 0

    def whole(self):
        value = self.block(0) if self.lines else None
        if self.at < len(self.lines):
            self.fail("is not understood without PyYAML (pip install pyyaml)")
        return value

    def fail(self, what):
        number, _, text = self.lines[min(self.at, len(self.lines) - 1)]
        raise _paths.mistake("%s:%d: %s: %s" % (self.name, number, text, what))

    def block(self, least):
        indent = self.lines[self.at][1]
        if indent < least:
            return None
        return self.list(indent) if re.match(r"-( |$)", self.lines[self.at][2]) else self.mapping(indent)

    def here(self, indent):
        return self.at < len(self.lines) and self.lines[self.at][1] == indent

    def list(self, indent):  # noqa: A003
        found = []
        while self.here(indent) and re.match(r"-( |$)", self.lines[self.at][2]):
            number, _, text = self.lines[self.at]
            rest = text[1:].strip()
            if not rest:
                self.at += 1
                found.append(self.below(indent))
            elif re.match(r"[^\s\"'\[{][^:]*:( |$)", rest):
                deeper = indent + len(text) - len(rest)
                self.lines[self.at] = (number, deeper, rest)
                found.append(self.mapping(deeper))
            else:
                self.at += 1
                found.append(self.value(rest))
        return found

    def mapping(self, indent):
        found = {}
        while self.here(indent):
            m = re.match(r"(\"[^\"]*\"|'[^']*'|[^\s:][^:]*?)\s*:(?: +(.*))?$", self.lines[self.at][2])
            if not m:
                self.fail("expected `key: value`")
            self.at += 1
            key = m.group(1).strip("\"'")
            found[key] = self.value(m.group(2)) if m.group(2) else self.below(indent)
        return found

    def below(self, indent):
        if self.at >= len(self.lines):
            return None
        deeper = self.lines[self.at][1]
        same_list = deeper == indent and self.lines[self.at][2].startswith("- ")
        return self.block(deeper) if deeper > indent or same_list else None

    def value(self, text):
        if text[:1] == "[" and text[-1:] == "]":
            inside = text[1:-1].strip()
            return [self.value(w.strip()) for w in inside.split(",")] if inside else []
        if text[:1] == '"':
            return json.loads(text)
        if text[:1] == "'":
            return text[1:-1].replace("''", "'")
        if text.lower() in _WORDS:
            return _WORDS[text.lower()]
        if text[:1] in "{|>&*!":
            self.at -= 1
            self.fail("is not understood without PyYAML (pip install pyyaml)")
        for kind in (int, float):
            try:
                return kind(text)
            except ValueError:
                pass
        return text


def _without_comment(line):
    quote = None
    for i, c in enumerate(line):
        if quote:
            quote = None if c == quote else quote
        elif c in "\"'":
            quote = c
        elif c == "#" and (i == 0 or line[i - 1] in " \t"):
            return line[:i]
    return line
