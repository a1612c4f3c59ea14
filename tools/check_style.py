# SPDX-License-Identifier: Apache-2.0
"""What a formatter does not see in C: python3 tools/check_style.py FILE... Exit status 1 and file:line for each.

- lines of more than 120 columns (a tab is 8), counted in characters
- the ladder `r = r ? r : f()`: return early, or name the stages
- a ?: inside another one
- a number before a noun of many ("%zu files"): prs_many() says "1 file", too; not behind "more than", nor "%d", which is
  for constants
- a file that opens with "see x.h": say the idea of the file, or what it adds to the header
"""
import re
import sys

COLUMNS = 120
LADDER = re.compile(r"(?<![.\w>])(\w+(?:(?:\.|->)\w+)*) = \1(?: < 0| != 0)? \? \1 :\s*\w+\(")
NOUNS = ("items files folders paths rows records columns mini-batches tries processes mistakes errors jobs inputs outputs "
         "times links packages combinations").split()
MANY = re.compile(r'(?<!more than )%%(?:llu|lu|zu|u)(?: (?:more|other|bad))?(?: |"\s*"| "\s*"|"\s*" )(?:%s)\b' % "|".join(NOUNS))
NOT_CODE = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)


def blank(match):
    """As many lines as there were, and nothing in them; a text becomes an empty one."""
    text = match.group(0)
    return '""' + "\n" * text.count("\n") if text[0] in "\"'" else " " + "\n" * text.count("\n")


def nested(code):
    """Lines of a '?' that lies in a branch of another one; the arguments of a call are a place of their own."""
    line, levels, found, before = 1, [[False]], [], ""  # a list for each call: is a conditional open in its brackets?
    for c in code:
        if c == "\n":
            line += 1
        elif c in "([":
            if re.match(r"[\w\])]", before):
                levels.append([False])
            else:
                levels[-1].append(False)
        elif c in ")]":
            levels[-1].pop()
            if not levels[-1]:
                levels.pop()
            levels = levels or [[False]]
        elif c in ";{}":
            levels = [[False]]
        elif c == ",":
            levels[-1][-1] = False
        elif c == "?":
            if any(levels[-1]):
                found.append(line)
            levels[-1][-1] = True
        if not c.isspace():
            before = c
    return found


def check(path):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    code = NOT_CODE.sub(blank, text)
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if len(line.expandtabs(8)) > COLUMNS and not path.endswith(".def"):
            found.append((number, "longer than %d columns" % COLUMNS))
    for match in LADDER.finditer(code):
        found.append((code.count("\n", 0, match.start()) + 1, "a ladder: return early, or name the stages"))
    if not path.endswith(".def"):
        found += [(number, "a ?: inside another one") for number in nested(code)]
    for match in MANY.finditer(text) if "/src/" in "/" + path else ():
        found.append((text.count("\n", 0, match.start()) + 1, "a number of many: prs_many() knows when there is one"))
    opening = re.match(r"(?:.*\n){0,2}? \* [\w.]+: see [\w./]+\.h", text)
    if opening:
        found.append((text.count("\n", 0, opening.end()) + 1, "opens with \"see ...\": say the idea of the file"))
    for number, what in sorted(found):
        print("%s:%d: %s" % (path, number, what))
    return len(found)


if __name__ == "__main__":
    sys.exit(1 if sum(check(path) for path in sys.argv[1:]) else 0)
