# SPDX-License-Identifier: Apache-2.0
"""tools/check_style.py finds what it is there for, and nothing else."""
import os
import subprocess
import tempfile
import unittest

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "check_style.py")
HEAD = "/* SPDX-License-Identifier: Apache-2.0\n * x: %s.\n */\n"


class StyleTest(unittest.TestCase):
    def said(self, text, head="an idea"):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "src", "x.c")
            os.mkdir(os.path.join(folder, "src"))
            with open(path, "w", encoding="utf-8") as f:
                f.write(HEAD % head + text)
            r = subprocess.run(["/usr/bin/python3", "-B", TOOL, path], stdout=subprocess.PIPE, universal_newlines=True)
            self.assertEqual(r.returncode, 1 if r.stdout else 0)
            return r.stdout.replace(path, "x.c")

    def test_refused(self):
        for text, line, what in (("\tr = r ? r : f(x);\n", 4, "a ladder"),
                                 ("\tw->r = w->r ? w->r :\n\t\tf();\n", 4, "a ladder"),
                                 ("\tx = a ? b : c ? d : e;\n", 4, "inside another"),
                                 ("\tx = a ? (b ? c : d) : e;\n", 4, "inside another"),
                                 ("\treturn a ? b :\n\t       c ? d : e;\n", 5, "inside another"),
                                 ("\tf(\"holds %zu files\");\n", 4, "prs_many"),
                                 ("\tf(\"%u \"\n\t  \"mini-batches\");\n", 4, "prs_many"), ("\tf(\"%llu more rows\");\n", 4, "prs_many"),
                                 ("/* %s */\n" % ("µ" * 115), 4, "longer than 120"),
                                 ("\t" * 14 + "x = 123456;\n", 4, "longer than 120")):
            self.assertRegex(self.said(text), r"^x\.c:%d: .*%s.*\n$" % (line, what))
        self.assertRegex(self.said("int x;\n", head="see x.h"), r"^x\.c:2: opens with")

    def test_taken(self):
        for text in ("\tword = word ? word : \"last\";\n", "\tx = f(a ? b : c, d ? e : g);\n",
                     "\tx = a ? b : f(c ? d : e);\n", "\tx = a ? b : v[c ? 0 : 1];\n",
                     "\tx = a ? b : c;\n\ty = d ? e : f;\n", "/* r = r ? r : f() */\n",
                     "\tputs(\"a ? b : c ? d : e\");\n", "\tx = c == '?' ? 1 : 2;\n",
                     "\tf(\"more than %zu files, %d rows, item %u\");\n",
                     "/* %s */\n" % ("µ" * 114), "\tswitch (a ? b : c) {\n\tcase 1: x = d ? e : f;\n\t}\n"):
            self.assertEqual(self.said(text), "")
