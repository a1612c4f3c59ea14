# SPDX-License-Identifier: Apache-2.0
"""prs python FILE.ipynb, and .py files with magics: cells in order in one namespace; magics are passed over and named."""
import json
import os
import re
import signal
import sys
import textwrap

from prs_job import DEADLINE, JobCase, wait_until


def code(*lines, **more):
    return dict({"cell_type": "code", "metadata": {}, "source": "\n".join(lines), "outputs": [], "execution_count": None}, **more)


class NotebookCase(JobCase):
    def book(self, *cells, name="book.ipynb", **more):
        """A notebook of format 4: texts are code cells."""
        cells = [code(textwrap.dedent(c).strip("\n")) if isinstance(c, str) else c for c in cells]
        self.write(name, json.dumps(dict({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}, **more)))
        return name

    def ran(self, *cells, status=0, words=(), name="book.ipynb", **how):
        r = self.prs("python", self.book(*cells, name=name), *words, **how)
        self.assertEqual(r.returncode, status, r.stdout + r.stderr)
        return r

    def text(self, name):
        with open(self.path(name)) as f:
            return f.read()


class CellsTest(NotebookCase):
    def test_one_namespace_in_order(self):
        r = self.ran("x = 1", "", {"cell_type": "markdown", "source": "x = 2"}, {"cell_type": "raw", "source": ["x = 3"]},
                     code(source=["y = x + 1\n", "print(x, y)"]), "__name__, '__file__' in globals()")
        self.assertEqual(r.stdout, "1 2\n('__main__', False)\n")

    def test_the_last_expression_is_shown(self):
        r = self.ran("1\n2", "3;", "None", "(4); # quiet", "'five'", "f'''\nsix'''", "x = 7", "_", "Out[1]",
                     "from IPython.core.interactiveshell import InteractiveShell\nInteractiveShell.ast_node_interactivity = 'all'",
                     "8\n9")
        self.assertEqual(r.stdout, "2\n'five'\n'\\nsix'\n'\\nsix'\n2\n8\n9\n")

    def test_its_folder_and_arguments(self):
        """As in Jupyter: it runs in its folder."""
        os.makedirs(self.path("sub"))
        r = self.ran("import os, sys, beside", "print(os.getcwd() == _dh[0], os.path.basename(os.getcwd()))",
                     "print(os.path.basename(sys.argv[0]), sys.argv[1:])", name="sub/book.ipynb", words=("-x", "a"),
                     status=1)
        self.assertIn("beside", r.stderr)
        self.write("sub/beside.py", "")
        r = self.prs("python", "sub/book.ipynb", "-x", "a")
        self.assertEqual(r.stdout, "True sub\nbook.ipynb ['-x', 'a']\n")

    def test_await_and_future_go_on(self):
        r = self.ran("import asyncio\nasync def f():\n    return 5", "await f()",
                     "from __future__ import annotations", "def g(x: nothing): pass\ng.__annotations__", "asyncio.run(f())")
        self.assertEqual(r.stdout, "5\n{'x': 'nothing'}\n5\n")

    def test_functions_of_cells_are_of_main(self):
        r = self.ran("def double(x):\n    return 2 * x", """
            import inspect, multiprocessing, pickle
            with multiprocessing.get_context("fork").Pool(1) as pool:
                print(pool.map(double, [1, 2]))
            print(pickle.loads(pickle.dumps(double))(3), inspect.getsource(double))
        """)
        self.assertEqual(r.stdout, "[2, 4]\n6 def double(x):\n    return 2 * x\n")

    def test_an_error_shows_cell_and_line(self):
        r = self.ran("def f():\n    raise ValueError('here')", "", "print('shown')\n\nf()", "print('never')", status=1)
        self.assertIn('File "book.ipynb, cell 2", line 3, in <module>\n    f()\n', r.stderr)
        self.assertIn('File "book.ipynb, cell 1", line 2, in f\n    raise ValueError', r.stderr)
        self.assertNotIn("prs_azureml", r.stderr)
        self.assertEqual(r.stdout, "shown\n")
        r = self.ran("%matplotlib \\\n  inline\nx = = 1", status=1)
        self.assertIn('File "book.ipynb, cell 1", line 3\n', r.stderr)

    def test_it_may_end(self):
        self.ran("exit()", "1/0")
        self.ran("import sys; sys.exit(7)", status=7)
        self.assertIn("enough", self.ran("raise SystemExit('enough')", status=1).stderr)

    def test_tags(self):
        r = self.ran(code("1/0", metadata={"tags": ["raises-exception"]}),
                     code("print('skipped')", metadata={"tags": ["skip-execution"]}), "print('on')")
        self.assertEqual(r.stdout, "on\n")
        self.assertIn("ZeroDivisionError", r.stderr)

    def test_format_3(self):
        self.write("old.ipynb", json.dumps({"nbformat": 3, "metadata": {"name": ""}, "worksheets": [
            {"cells": [{"cell_type": "code", "input": ["x = 1\n", "x"], "language": "python"},
                       {"cell_type": "markdown", "source": "no"}]}]}))
        self.assertEqual(self.prs("python", "old.ipynb").stdout, "1\n")

    def test_what_is_no_notebook(self):
        for text, says in (("{", "bad.ipynb is no notebook: it is not JSON: "), ("{}", "no list of cells"), ("[1]", "no list of cells"),
                           ('{"cells": [], "metadata": {"kernelspec": {"language": "R"}}}', "a notebook of R: prs python runs those of Python")):
            with self.subTest(text):
                self.write("bad.ipynb", text)
                r = self.prs("python", "bad.ipynb")
                self.assertIn(says, r.stderr)
                self.assertNotIn("Traceback", r.stderr)
                self.assertEqual(r.returncode, 2)


class MagicsTest(NotebookCase):
    def test_are_passed_over_and_named(self):
        r = self.ran("%matplotlib inline\n!pip install \\\n    nothing\nx = 5", "if x:\n    %load_ext y\n    !ls {x}", "%%bash\nexit 1",
                     "pip install z", "x?", "files: list = !ls\nprint(files)", "%four\n''' not\n%this\n!one '''; print(x\n%3)")
        said = [line for line in r.stderr.splitlines() if "passed over" in line]
        self.assertEqual([line.partition(": ")[2].partition("passed over: ")[2] for line in said], [
            "%matplotlib inline (book.ipynb, cell 1 line 1)", "!pip install      nothing (book.ipynb, cell 1 line 2)",
            "%load_ext y (book.ipynb, cell 2 line 2)", "!ls {x} (book.ipynb, cell 2 line 3)", "%%bash (book.ipynb, cell 3 line 1)",
            "%pip install z (book.ipynb, cell 4 line 1)", "x? (book.ipynb, cell 5 line 1)", "!ls (book.ipynb, cell 6 line 1)",
            "%four (book.ipynb, cell 7 line 1)"])
        self.assertEqual(r.stdout, "[]\n2\n")

    def test_what_they_change_for_later_cells(self):
        os.makedirs(self.path("sub"))
        self.write("sub/other.py", "import sys\nz = sys.argv[1:]\n")
        self.book("w = x", name="sub/more.ipynb")
        r = self.ran("%env A=b c", "import os; os.environ['A']", "%env A", "%cd -q sub", "os.path.basename(os.getcwd())",
                     "%run other.py 1 2", "z", "%time x = 6", "%run more.ipynb", "w", "%%time\nv = 7\nv")
        here = os.path.join(os.path.realpath(self.path(".")), "sub")
        self.assertEqual(r.stdout, "'b c'\n'b c'\n%s\n'sub'\n['1', '2']\n6\n7\n" % here)
        self.assertNotIn("passed over", r.stderr)

    def test_writefile(self):
        r = self.ran("name, n = 'made', 3\nimport os\nos.makedirs(name)", code("%%writefile $name/x{n}.py\nword = '$name {n} {{}} $$'\n\n"),
                     "%%writefile -a {name}/x3.py\nmore = 1", "%%writefile 'a b.py'\n# %%\nx", "import sys; sys.path.insert(0, name)\nimport x3\nx3.word, x3.more",
                     "%%writefile none/x.py\n", status=1)
        self.assertEqual(r.stdout, "Writing made/x3.py\nAppending to made/x3.py\nWriting a b.py\n('$name {n} {{}} $$', 1)\n")
        self.assertEqual(self.text("made/x3.py"), "word = '$name {n} {{}} $$'\n\nmore = 1\n")
        self.assertEqual(self.text("a b.py"), "# %%\nx\n")
        self.assertIn("there is no folder none; os.makedirs('none', exist_ok=True) in a cell before makes it", r.stderr)
        self.assertIn('cell 6", line 1, in <module>', r.stderr)
        self.assertNotIn("_shell.py", r.stderr)

    def test_without_ipython(self):
        r = self.ran("from IPython.display import display, HTML, Markdown, clear_output\nfrom IPython import get_ipython as g",
                     "import IPython\nfrom IPython import display as d\nd is IPython.display",
                     "display(1, 'two')\nclear_output(wait=True)", "g().run_line_magic('matplotlib', 'inline')\ng().magic('pwd') != ''",
                     "from IPython.core.magic import register_cell_magic\n@register_cell_magic\ndef form(line, cell):\n    print(line, cell.format(**globals()))",
                     "x = 4", "%%form a\nx is {x}", "get_ipython().kernel", status=1)
        self.assertEqual(r.stdout, "True\n1\n'two'\nTrue\na x is 4\n\n")
        self.assertIn("there is no IPython here, prs python knows", r.stderr)


    def test_words_that_are_variables_too(self):
        self.assertIn("NameError", self.ran("run", status=1).stderr)
        self.assertEqual(self.ran("ls = 3", "ls").stdout, "3\n")


class ScriptTest(NotebookCase):
    """Cells in a .py file."""

    def run_script(self, text, status=0):
        self.write("main.py", textwrap.dedent(text))
        r = self.prs("python", "main.py")
        self.assertEqual(r.returncode, status, r.stdout + r.stderr)
        return r

    def test_writefile_ends_at_the_next_cell(self):
        r = self.run_script("""\
            # %%
            name = "made"
            # %%
            %%writefile $name.txt
            one {name}

            # %%
            %matplotlib inline
            print(open("$name.txt").read(), __file__)
            # %%
            %%writefile -a last.py
            print(1)
        """)
        self.assertEqual(self.text("last.py"), "print(1)\n")
        self.assertIn("one {name}\n\n", r.stdout)
        self.assertIn("passed over: %matplotlib inline (main.py line 8)", r.stderr)

    def test_lines_keep_their_numbers(self):
        r = self.run_script("%%writefile a\nx\ny\n# %%\n\n1/0\n", status=1)
        self.assertIn('main.py", line 6, in <module>', r.stderr)
        self.assertNotIn("SyntaxError", r.stderr)

    def test_a_plain_script_is_left_alone(self):
        r = self.run_script('"""\n%%writefile never\n"""\nprint("fine")\n')
        self.assertEqual(r.stdout, "fine\n")
        self.assertFalse(os.path.exists(self.path("never")))
        self.assertIn("SyntaxError", self.run_script("x = = 1", status=1).stderr)
        self.assertIn("NameError", self.run_script("display(1)", status=1).stderr)


class WaitingTest(NotebookCase):
    def test_ctrl_c_interrupts_the_run(self):
        """The command that is printed goes on from anywhere, although the notebook runs in its own folder."""
        self.write("sub/step.py", "import os, time\nopen('%s', 'w')\nwhile not os.path.exists('%s'): time.sleep(0.01)"
                   % (self.path("began"), self.path("go")))
        self.book("from azureml.core import Experiment, Workspace\nfrom azureml.pipeline.core import Pipeline\n"
                  "from azureml.pipeline.steps import PythonScriptStep\nws = Workspace.from_config()",
                  "run = Experiment(ws, 'x').submit(Pipeline(ws, [PythonScriptStep('step.py')]))",
                  "run.wait_for_completion()", "open('never', 'w')", name="sub/book.ipynb")
        p = self.start("python", "--python", sys.executable, "sub/book.ipynb")
        wait_until(lambda: os.path.exists(self.path("began")), "the step")
        p.send_signal(signal.SIGINT)
        p.wait(DEADLINE)
        self.assertEqual(p.returncode, 4, self.said())
        self.assertFalse(os.path.exists(self.path("sub/never")))
        [run] = re.findall("go on with: prs resume (.*)", self.said())
        self.write("go", "")
        r = self.prs("resume", run)
        self.assertEqual(r.returncode, 0, r.stderr)
