# SPDX-License-Identifier: Apache-2.0
"""Rows as csv, tsv and jsonl: lists, dicts, what the header tells the engine; frames of the user's pandas."""
import json
import struct

import pytest
from test_returns import EVAL, FRAMES, SETTINGS, pandas  # noqa: F401

MORE = """
    import datetime, decimal, fractions, uuid
""" + EVAL


def head(r, sep=b",", flags=1):
    """The names, after a look at what stands in front of them, and the kinds of the columns."""
    got_sep, quote, got_flags, zero, n = struct.unpack_from("<ccBBI", r.rows)
    assert (got_sep, quote, got_flags, zero, r.flags) == (sep, b'"', flags, 0, 2)
    return r.rows[8 + n:r.head_len], list(r.rows[8:8 + n])


def test_lists_of_texts_stay_lines(node):
    for output_format in "csv", "tsv":
        n = node(EVAL, output_format=output_format).begin()
        for value, rows in (("['a,b', 'c\\td', '']", b"a,b\nc\td\n\n"), ("[1, None, 2.5]", b"1\nNone\n2.5\n"),
                            ("[['x', 1], {'a': None}, ('y',), 7]", b'["x",1]\n{"a":null}\n["y"]\n7\n'),
                            ("(c for c in 'ab')", b"a\nb\n"), ("[]", b"")):
            r = n.result([value])
            assert (r.rows, r.head_len, r.flags) == (rows, 0, 0)


def test_dicts_are_a_table(node):
    n = node(MORE, output_format="csv").begin()
    for value, names, rows in (
            ("[{'a': 1, 'b': 'x'}, {'b': 'y, z', 'c': True}]", b"a,b,c\n", b'1,x,\n,"y, z",True\n'),
            ("[{'a': None, 'b': float('nan')}]", b"a,b\n", b",\n"), ("[{'a': None}]", b"a\n", b'""\n'),
            ("[{'a': 0.1, 'b': 1e22, 'c': -0.0}]", b"a,b,c\n", b"0.1,1e+22,-0.0\n"),
            ("[{'a': [1, {'b': float('nan')}], 'c': {}}]", b"a,c\n", b'"[1,{""b"":null}]",{}\n'),
            ("[{'a\\n\"': 'b\\r'}, {'a\\n\"': 'c\\n'}]", b'"a\n"""\n', b'"b\r"\n"c\n"\n'),
            ("[{1: datetime.date(2024, 2, 29), 2: datetime.datetime(2024, 2, 29, 10, 30)}]", b"1,2\n",
             b"2024-02-29,2024-02-29 10:30:00\n"),
            ("({'a': k} for k in range(2))", b"a\n", b"0\n1\n")):
        r = n.result([value])
        assert (head(r)[0], r.rows[r.head_len:]) == (names, rows)
    r = n.result(["[{}]"])
    assert (r.rows[r.head_len:], r.row_count) == (b"\n", 1)
    n = node(MORE, output_format="tsv").begin()
    r = n.result(["[{'a b': 'x, y', 'c': 'd\\te'}]"])
    assert (head(r, b"\t")[0], r.rows[r.head_len:]) == (b"a b\tc\n", b'x, y\t"d\te"\n')


def test_jsonl(node):
    n = node(MORE, output_format="jsonl").begin()
    for value, rows in (
            ("[{'a': 1, 'b': [None, {'c': 0.1}]}]", b'{"a":1,"b":[null,{"c":0.1}]}\n'),
            ("['a \"b\"\\n', '\\u00e9']", b'"a \\"b\\"\\n"\n"\xc3\xa9"\n'), ("[1, None, True, 1e22]",
                                                                            b"1\nnull\ntrue\n1e+22\n"),
            ("['{\"a\": 1}', '[1, 2]', '{not', '{\\n\"a\": 1}', '7']",
             b'{"a": 1}\n[1, 2]\n"{not"\n{"a":1}\n"7"\n'),
            ("[float('nan'), float('inf'), {'a': [float('nan'), float('-inf')]}]",
             b'null\nInfinity\n{"a":[null,-Infinity]}\n'),
            ("[{1: 2, None: 3, (4, 5): {6}}, ('x', b'y')]", b'{"1":2,"None":3,"(4, 5)":[6]}\n["x","y"]\n'),
            ("[datetime.datetime(2024, 2, 29, 10), datetime.date(2024, 2, 29), decimal.Decimal('1.10'), Odd()]",
             b'"2024-02-29T10:00:00"\n"2024-02-29"\n"1.10"\n"odd"\n'),
            ("['\\udcff']", b'"\\udcff"\n'), ("[]", b"")):
        r = n.result([value])
        assert (value, r.rows, r.head_len, r.flags) == (value, rows, 0, 0)
        for line in r.rows.splitlines():
            json.loads(line)
    assert n.failure(["[(lambda x: x.append(x) or x)([])]"])[0] == 108


def test_what_is_refused_stays_refused(node):
    for output_format in "csv", "jsonl":
        n = node(EVAL, output_format=output_format).begin()
        for value in "None", "'text'", "{'a': 1}", "5":
            assert n.failure([value])[0] == 106


def test_counting_needs_no_format(node):
    n = node(EVAL, output_format="csv", output_action="summary_only").begin()
    assert (n.result(["[1, 2]"]).succeeded, n.rows(["[{'a': 1}]"])) == (2, b"")


# ---- pandas of the user

DATES = FRAMES + """
    def at(*texts): return [pd.NaT if t is None else pd.Timestamp(t) for t in texts]
"""


def test_frames(node, pandas):  # noqa: F811
    n = node(DATES, output_format="csv").begin()
    for value, names, kinds, rows in (
            ("frame", b"a b,c\n", [0, 0], b"1,x y\n2,\n"),
            ("pd.DataFrame({'x': [0.1, None], 'y': [True, False], 'z': [[1, None], {'a': 1}]}, index=['p', 'q'])",
             b"x,y,z\n", [0, 0, 0], b'0.1,True,"[1,null]"\n,False,"{""a"":1}"\n'),
            ("pd.DataFrame({'d': at('2024-02-29', None), 's': at('2024-02-29', '2024-02-29 10:30')})", b"d,s\n", [1, 2],
             b"2024-02-29,2024-02-29 00:00:00\n,2024-02-29 10:30:00\n"),
            ("pd.DataFrame({'u': at('2024-02-29 00:00:00.5', None), 'n': at('2024-02-29', '2024-02-29 00:00:00.000000001'),"
             " 'z': at(None, None)})", b"u,n,z\n", [3, 4, 0],
             b"2024-02-29 00:00:00.500000,2024-02-29 00:00:00.000000000,\n,2024-02-29 00:00:00.000000001,\n"),
            ("pd.DataFrame({'a': ['x\\ry', 'x\\ny', '\"', '']})", b"a\n", [0], b'"x\ry"\n"x\ny"\n""""\n""\n'),
            ("pd.DataFrame([[1, 2]])", b"0,1\n", [0, 0], b"1,2\n"),
            ("pd.DataFrame([[1, 2]], columns=['a', 'a'])", b"a,a\n", [0, 0], b"1,2\n"),
            ("[frame[:1], frame[1:]]", b"a b,c\n", [0, 0], b"1,x y\n2,\n"),
            ("pd.DataFrame({'f': np.array([0.1, 3], dtype='float32')})", b"f\n", [0], b"0.1\n3.0\n")):
        r = n.result([value])
        assert (value, head(r), r.rows[r.head_len:]) == (value, (names, kinds), rows)
    for value, rows in (("frame[:0]", b""), ("frame['a b']", b"1\n2\n"), ("[np.float32(0.1), np.int64(3)]", b"0.1\n3\n"),
                        ("np.array([[1, 2]])", b"[1,2]\n")):
        r = n.result([value])
        assert (r.rows, r.head_len, r.flags) == (rows, 0, 0)
    r = n.result(["[{'a': np.float32(0.1), 'b': pd.NaT, 'c': np.array([1, 2]), 'd': np.bool_(True)}]"])
    assert r.rows[r.head_len:] == b'0.1,,"[1,2]",True\n'


def test_frames_as_lines_of_json(node, pandas):  # noqa: F811
    n = node(DATES, output_format="jsonl").begin()
    for value, rows in (
            ("frame", b'{"a b":1,"c":"x y"}\n{"a b":2,"c":null}\n'),
            ("pd.DataFrame({'%s': [0.1, None, float('inf')], 'b': [True, False, True]})",
             b'{"%s":0.1,"b":true}\n{"%s":null,"b":false}\n{"%s":Infinity,"b":true}\n'),
            ("pd.DataFrame({'d': at('2024-02-29', None), 'u': at('2024-02-29', '2024-02-29 00:00:00.5')})",
             b'{"d":"2024-02-29T00:00:00","u":"2024-02-29T00:00:00.000000"}\n'
             b'{"d":null,"u":"2024-02-29T00:00:00.500000"}\n'),
            ("pd.DataFrame({'o': [[1, None], {'a': np.float32(0.1)}, 'x', None]})",
             b'{"o":[1,null]}\n{"o":{"a":0.1}}\n{"o":"x"}\n{"o":null}\n'),
            ("pd.DataFrame({'i': pd.array([1, None], dtype='Int64')})", b'{"i":1}\n{"i":null}\n'),
            ("frame['a b']", b"1\n2\n"), ("[np.float32(0.1), np.int64(3), pd.NaT]", b"0.1\n3\nnull\n"),
            ("pd.DataFrame(index=[1, 2])", b"{}\n{}\n"),
            ("pd.DataFrame({'f': np.array([0.1], dtype='float32')})", b'{"f":0.1}\n')):
        r = n.result([value])
        assert (value, r.rows, r.head_len) == (value, rows, 0)
    code, message = n.failure(["pd.DataFrame([[1, 2]], columns=['a', 'a'])"])
    assert code == 108 and 'two columns are called "a"' in message


def test_settings_of_csv(node, pandas):  # noqa: F811
    for text, names, kinds, rows, sep, flags in (
            ('{"sep": ";"}', b"a b;c\n", [0, 0], b"1;x y\n2;\n", b";", 1),
            ('{"index": true}', b",a b,c\n", [0, 0, 0], b"0,1,x y\n1,2,\n", b",", 1),
            ('{"encoding": "utf-8-sig"}', b"a b,c\n", [0, 0], b"1,x y\n2,\n", b",", 3),
            ('{"header": ["p", "q"], "na_rep": "?"}', b"p,q\n", [0, 0], b"1,x y\n2,?\n", b",", 1)):
        n = node(FRAMES, output_format="csv",
                 files={SETTINGS: '{"append_row": {"pandas.DataFrame.to_csv": %s}}' % text}).begin()
        r = n.result(["frame"])
        assert (text, head(r, sep, flags), r.rows[r.head_len:]) == (text, (names, kinds), rows)
    # what the engine cannot write again
    for text, names, rows in (('{"encoding": "utf-16"}', "\ufeffa b,c\n".encode("utf-16-le"), "1,x y\n2,\n".encode("utf-16-le")),
                              ('{"quoting": 3, "escapechar": "%"}', b"a b,c\n", b"1,x y\n2,\n"), ('{"sep": "\u00a7"}',
                               "a b\u00a7c\n".encode(), "1\u00a7x y\n2\u00a7\n".encode())):
        n = node(FRAMES, output_format="csv",
                 files={SETTINGS: '{"append_row": {"pandas.DataFrame.to_csv": %s}}' % text}).begin()
        r = n.result(["frame"])
        assert (text, r.rows[:8], r.rows[8:r.head_len], r.rows[r.head_len:]) == (text, bytes(8), names, rows)
    n = node(FRAMES, output_format="csv",
             files={SETTINGS: '{"append_row": {"pandas.DataFrame.to_csv": {"header": false}}}'}).begin()
    r = n.result(["frame"])
    assert (r.rows, r.head_len) == (b"1,x y\n2,\n", 0)
    n = node(FRAMES, output_format="tsv",
             files={SETTINGS: '{"append_row": {"pandas.DataFrame.to_csv": {"sep": ";"}}}'}).begin()
    assert head(n.result(["frame"]), b"\t")[0] == b"a b\tc\n"


@pytest.mark.parametrize("end", ["\\r\\n"])
def test_ends_of_lines(node, pandas, end):  # noqa: F811
    n = node(FRAMES, output_format="csv",
             files={SETTINGS: '{"append_row": {"pandas.DataFrame.to_csv": {"lineterminator": "%s"}}}' % end}).begin()
    r = n.result(["frame"])
    assert (head(r, flags=5)[0], r.rows[r.head_len:]) == (b"a b,c\r\n", b"1,x y\r\n2,\r\n")
