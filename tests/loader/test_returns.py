# SPDX-License-Identifier: Apache-2.0
"""What run() may return: rows, counts and refusals."""
import subprocess

import pytest

MESSAGE = ("The run() method in the entry script should return a list or a pandas DataFrame. The length of returned result is considered as succeeded "
           "number of items. For --output_action=append_row, the returned result is what to write into the result file. The actual type of output is %s.")
# One worker runs them all: run() evaluates the text that it gets as the path.
EVAL = """
    import collections, types
    class Odd:
        def __str__(self): return "odd"
    class Sized:
        def __len__(self): return 3
    class ManyLines:
        def __repr__(self): return "first\\nsecond"
    class ByIndex:
        def __getitem__(self, i): return (["x", "y"])[i]
    class Foreign:
        columns = ("a", "b")
        def __iter__(self): return iter(self.columns)
    class Colour(str):
        def __str__(self): return "colour " + self.upper()
    def raises():
        yield 1
        raise ValueError("in the generator")
    async def later(): pass
    def run(mini_batch): return eval(mini_batch[0])
"""


def test_items_become_rows(node):
    n = node(EVAL).begin()
    for value, rows, count in (
            ("[1, 2.5, None, True]", b"1\n2.5\nNone\nTrue\n", 4), ("('a', 'b')", b"a\nb\n", 2),
                               ("(x for x in 'ab')", b"a\nb\n", 2),
            ("map(str, range(3))", b"0\n1\n2\n", 3), ("range(2)", b"0\n1\n", 2), ("[]", b"", 0), ("()", b"", 0),
                               ("iter([])", b"", 0),
            ("[['x', 1], {'a': 1}]", b"['x', 1]\n{'a': 1}\n", 2), ("['a\\nb', '']", b"a\nb\n\n", 2), ("['']", b"\n", 1),
                               ("[b'x']", b"b'x'\n", 1),
            ("{'a': 1}.values()", b"1\n", 1), ("collections.deque([1])", b"1\n", 1), ("[Odd()]", b"odd\n", 1),
                               ("ByIndex()", b"x\ny\n", 2),
            ("[Colour('red')]", b"colour RED\n", 1), ("mini_batch", b"mini_batch\n", 1),
                               ("['\\udcff\\n\\u65e5']", b"\xff\n\xe6\x97\xa5\n", 1)):
        r = n.result([value])
        assert (value, r.rows, r.succeeded, r.row_count, r.flags) == (value, rows, count, count, 0)


def test_status_tells_short_from_empty(node):
    n = node("def run(mini_batch): return mini_batch[:int(mini_batch[0])]").begin()
    assert [n.result([k, "b"]).status for k in "012"] == [2, 1, 0]


def test_refused(node):
    n = node(EVAL).begin()
    for value, type_name, more in (
            ("None", "NoneType", ""), ("5", "int", " It returned: 5"), ("2.5", "float", " It returned: 2.5"),
                                   ("'text'", "str", " It returned: 'text'"),
            ("{'a': 1}", "dict", " It returned: {'a': 1}"), ("b'x'", "bytes", " It returned: b'x'"),
                                   ("{1}", "set", " It returned: {1}"),
            ("'x' * 1000", "str", " It returned: '" + "x" * 199), ("Sized()", "score.Sized", None),
                                   ("Foreign()", "score.Foreign", None), ("later()", "coroutine", None)):
        code, message = n.failure([value])
        assert code == 106
        if more is None:
            assert message.startswith(MESSAGE % type_name + " It returned: <")
        else:
            assert message == MESSAGE % type_name + more
    assert "; make it a pandas DataFrame first" in n.failure(["Foreign()"])[1]
    assert "asyncio.run()" in n.failure(["later()"])[1]
    assert n.failure(["{1: 'a', 2: ManyLines()}"])[1].endswith("It returned: {1: 'a', 2: first second}")
    assert "never awaited" not in n.printed()


def test_errors_while_reading_items(node):
    n = node(EVAL).begin()
    assert n.failure(["raises()"]) == (100, "ValueError: in the generator")
    code, message = n.failure(["['fine', '\\ud800']"])
    assert code == 108
    assert "item 1 of what run() returned has no UTF-8 form: '\\ud800' in '\\ud800'" in message
    assert n.rows(["[1]"]) == b"1\n"


def test_item_whose_str_raises(node):
    n = node("""
        import sys
        class Bad:
            def __init__(self, error): self.error = error
            def __str__(self): raise self.error
        def run(mini_batch): return [Bad(ValueError("no text") if mini_batch[0] == "a" else SystemExit(3))]
    """).begin()
    assert n.failure(["a"]) == (108, "ValueError: no text")
    assert n.failure(["b"])[0] == 101
    assert n.frame() is None


def test_summary_only(node):
    n = node(EVAL, output_action="summary_only").begin()
    for value, count, flags in (("[1, 2]", 2, 0), ("{'a': 1, 'b': 2}", 2, 8), ("'abc'", 3, 8), ("{1}", 1, 8),
                                ("(x for x in 'ab')", 2, 0), ("Sized()", 3, 0),
                                ("[]", 0, 0), ("['True'] * 5", 5, 0), ("['\\ud800']", 1, 0), ("Foreign", None, 0),
                                ("None", None, 0), ("7", None, 0)):
        if count is None:
            assert n.failure([value])[1].startswith(MESSAGE % {"None": "NoneType", "7": "int"}.get(value, "type"))
        else:
            r = n.result([value])
            assert (value, r.succeeded, r.rows, r.length, r.flags) == (value, count, b"", 0, flags)


def test_large_rows_go_through_a_descriptor(node):
    n = node("def run(mini_batch): return ['x' * (5 << 20)]").begin()
    assert n.rows() == b"x" * (5 << 20) + b"\n"
    # Pythons built for an old glibc
    n = node("import os\ndel os.memfd_create\ndef run(mini_batch): return ['x' * (2 << 20)]").begin()
    assert n.rows() == b"x" * (2 << 20) + b"\n"


# ---- pandas and numpy of the user


@pytest.fixture
def pandas(python):
    if subprocess.run([python, "-c", "import pandas, numpy"], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("no pandas for " + python)


FRAMES = """
    import numpy as np, pandas as pd
    frame = pd.DataFrame({"a b": [1, 2], "c": ["x y", None]})
    def run(mini_batch): return eval(mini_batch[0])
"""
SETTINGS = "parallel_run_step.settings.json"


def test_frames_and_arrays(node, pandas):
    n = node(FRAMES).begin()
    for value, rows, count, flags in (
            ("frame", b'1 "x y"\n2 \n', 2, 0), ("frame[:0]", b"", 0, 0), ("pd.DataFrame()", b"", 0, 0),
                                      ("frame['a b']", b"1\n2\n", 2, 0),
            ("np.array([1.5, 2])", b"1.5\n2.0\n", 2, 0), ("np.array([[1, 2], [3, 4]])", b"[1 2]\n[3 4]\n", 2, 0),
                                      ("[np.float32(0.1)]", b"0.1\n", 1, 0),
            ("np.array(['a', 'b'])", b"a\nb\n", 2, 0), ("np.array([], dtype=int)", b"", 0, 0),
                                      ("pd.Index([3])", b"3\n", 1, 0),
            ("pd.Series([0.5], index=['k'])", b"0.5\n", 1, 0), ("[frame[:1]]", b"   a b    c\n0    1  x y\n", 1, 4)):
        r = n.result([value])
        assert (value, r.rows, r.succeeded, r.flags, r.head_len) == (value, rows, count, flags, 0)
    for value in ("np.array(5)", "np.float64(5)", "np.str_('x')"):
        assert n.failure([value])[0] == 106


def test_counts_of_frames(node, pandas):
    n = node(FRAMES, output_action="summary_only").begin()
    assert [n.result([v]).succeeded for v in ("frame", "frame['c']", "np.zeros((3, 2))", "frame[:0]")] == [2, 2, 3, 0]
    assert n.failure(["np.array(5)"])[0] == 106


def test_header(node, pandas):
    n = node(FRAMES, dataframe_header="true").begin()
    r = n.result(["frame"])
    assert (r.rows, r.head_len, r.flags) == (b'"a b" c\n1 "x y"\n2 \n', 8, 2)
    assert (n.result(["frame[:0]"]).rows, n.result(["[1]"]).head_len) == (b"", 0)


def test_settings(node, pandas):
    for text, header, want in (
            ('{"sep": ","}', "", (b"1,x y\n2,\n", 0)),
                               ('{"sep": ",", "index": true}', "true", (b",a b,c\n0,1,x y\n1,2,\n", 7)),
            ('{"sep": ",", "header": true}', "", (b"a b,c\n1,x y\n2,\n", 6)),
                               ('{"sep": ",", "header": ["p", "q"]}', "true", (b"p,q\n1,x y\n2,\n", 4)),
            ('{"sep": ",", "header": false}', "true", (b"1,x y\n2,\n", 0)),
                               ('{"sep": ",", "encoding": "utf-8-sig"}', "", (b"\xef\xbb\xbf1,x y\n2,\n", 3)),
            ('{"sep": ",", "encoding": "utf-16"}', "", ("\ufeff1,x y\n2,\n".encode("utf-16-le"), 2)),
            ('{"sep": ",", "encoding": "utf-16", "header": true}', "",
             ("\ufeffa b,c\n1,x y\n2,\n".encode("utf-16-le"), 14)),
            ('{"sep": ",", "encoding": "utf-16-be"}', "", ("1,x y\n2,\n".encode("utf-16-be"), 0)),
            ('{"na_rep": "?", "mode": "w", "path_or_buf": "/tmp/x"}', "", (b'1 "x y"\n2 ?\n', 0)),
                               ("{}", "", (b'1 "x y"\n2 \n', 0))):
        n = node(FRAMES, files={SETTINGS: '{"append_row": {"pandas.DataFrame.to_csv": %s}}' % text},
                 dataframe_header=header).begin()
        r = n.result(["frame"])
        assert (text, r.rows, r.head_len) == (text, *want)
    n = node(FRAMES, files={SETTINGS: '{"append_row": {"pandas.DataFrame.to_csv": {"seperator": ","}}}'}).begin()
    code, message = n.failure(["frame"])
    assert code == 108 and "seperator" in message and SETTINGS in message


def test_broken_settings(node):
    for text, what in (("{", "Expecting"), ("[]", "the file must be an object"), ('"x"', "it is 'x'"),
                       ("null", "the file must be"),
                       ('{"append_row": 3}', '"append_row" must be an object'), ('{"append_row": null}', "it is None"),
                       ('{"append_row": {"pandas.DataFrame.to_csv": [1]}}',
                        '"pandas.DataFrame.to_csv" must be an object')):
        code, message = node("def run(mini_batch): return mini_batch", files={SETTINGS: text}).init_failure()
        assert code == 153 and message.startswith(SETTINGS + ": ") and what in message, message
    for text in ("{}", '{"append_row": {}}', '{"other": 1}'):
        assert node("def run(mini_batch): return mini_batch", files={SETTINGS: text}).begin().rows() == b"a\n"


def test_settings_beside_a_script_in_a_folder(node, pandas):
    files = {"src/" + SETTINGS: '{"append_row": {"pandas.DataFrame.to_csv": {"sep": ";"}}}'}
    assert node(FRAMES, name="src/score.py", files=files).begin().rows(["frame"]) == b"1;x y\n2;\n"
