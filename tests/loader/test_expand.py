# SPDX-License-Identifier: Apache-2.0
"""What $ and braces become in a line of a magic: each case as IPython 9.18 gives it."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "python"))
from prs_azureml import _shell  # noqa: E402


class O:
    x, path = "X", "p/q"


NAMES = {"name": "scripts", "n": 7, "d": {"a": 1}, "l": [1, 2], "f": 3.14159, "obj": O(), "empty": ""}
CASES = """
$name/x.py           scripts/x.py
${name}/x.py         $scripts/x.py
{name}/x.py          scripts/x.py
{name}_{n}.py        scripts_7.py
$$name               $name
$$                   $$
a$                   a$
$name.py             $name.py
$obj.x               X
{obj.x}              X
{d['a']}             1
{d["a"]}             1
$d['a']              {'a': 1}['a']
{n+1}                8
{f:.2f}              {f:.2f}
{n:03d}              {n:03d}
{{name}}             {name}
{}                   {}
{undefined}          {undefined}
$name $undefined     $name $undefined
{undefined} {name}   {undefined} {name}
'$name'              '$name'
"$name"              "scripts"
'$name' $name        '$name' scripts
it's $name           it's scripts
it's $name's         it's $name's
{name!r}             'scripts'
{name!s:>10}         {name!s:>10}
{name.upper()}       SCRIPTS
{name                {name
name}                name}
$1                   1
${                   ${
$name$n              scripts7
$name-$n             scripts-7
$n.5                 $n.5
$name.               $name.
{1/0} $name          {1/0} $name
{d['a']}$$x          1$x
{n=}                 {n=}
{ n }                7
$empty|              |
{{{n}}}              {7}
{[x for x in l]}     [1, 2]
{name:{n}}           {name:{n}}
\\$name              \\scripts
{{$name}}            {scripts}
a {{b}} $name $$c 'd $name'  a {b} scripts $c 'd $name'
"""


class ExpandTest(unittest.TestCase):
    def test_as_ipython_does(self):
        for line in CASES.strip().splitlines():
            text, _, want = line.partition("  ")
            with self.subTest(text):
                self.assertEqual(_shell.expanded(text, NAMES), want.strip())
