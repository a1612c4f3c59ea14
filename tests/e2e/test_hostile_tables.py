# SPDX-License-Identifier: Apache-2.0
"""Tables as they come, through a whole job with a real pandas: each file has one right outcome.

The Python of the jobs is each of $PRS_TABLE_PYTHONS (blank-separated), else the one that `./dev setup` gives pandas.
"""
import gzip
import json
import os
import subprocess
import unittest

from prs_job import JobCase

PYTHONS = os.environ.get("PRS_TABLE_PYTHONS", "").split() or ["/usr/bin/python3"]
if os.environ.get("PRS_CI"):  # time is short there; the readers are tried with all of them in tests/tables
    PYTHONS = PYTHONS[:1]
# each row as it came: the kind of its column, and the value; a null is None whatever pandas calls it
SCRIPT = """
import json, math
import pandas as pd
def cell(x):
    if isinstance(x, (list, dict)):
        return x
    if x is None or x is pd.NA or x is pd.NaT or (isinstance(x, float) and math.isnan(x)):
        return None
    if isinstance(x, pd.Timestamp):
        return x.isoformat()
    if type(x).__name__.startswith(("int", "float", "bool")):
        x = x.item() if hasattr(x, "item") else x
        return repr(x) if isinstance(x, float) else x
    return x
def run(frame):
    assert list(frame.index) == list(range(len(frame)))
    kinds = [{"O": "o", "M": "d"}.get(t.kind, t.kind) for t in frame.dtypes]
    return [json.dumps([list(frame.columns), "".join(kinds), [cell(x) for x in row]])
            for row in frame.astype(object).values.tolist()]
"""


def has(python, module):
    return not subprocess.run([python, "-c", "import " + module], stderr=subprocess.DEVNULL).returncode


class HostileCase(JobCase):
    python = PYTHONS[0]

    def setUp(self):
        super().setUp()
        if not has(self.python, "pandas"):
            raise unittest.SkipTest("no pandas for " + self.python)
        self.script(SCRIPT)

    def bytes(self, name, data):
        path = self.path("in", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)

    def job(self, *words, status=0, source="in", encoding="utf-8"):
        """(columns and their kinds, rows) of a job over the folder, in its order; `said` is what it told."""
        self.clean()
        tabular = ("--input-format", "tabular") if source == "in" else ()
        r = self.prs("run", "code/score.py", "-i", source, *tabular, "-o", "out.txt", "-p", "2", "--python", self.python,
                     "--run-max-try", "1", *words)
        self.said = r.stdout + r.stderr
        self.assertEqual(r.returncode, status, self.said)
        if not os.path.exists(self.path("out.txt")):
            return [], []
        with open(self.path("out.txt"), encoding=encoding, newline="\n") as f:
            found = [json.loads(line) for line in f]
        return sorted({(",".join(names), kinds) for names, kinds, _ in found}), [row for _, _, row in found]

    def mltable(self, text):
        self.write("table/MLTable", "type: mltable\npaths:\n  - pattern: ../in/*\ntransformations:\n" + text)
        return "table"

    def mistakes(self):
        """What failed, by mini-batch."""
        with open(os.path.join(self.run_dir(), "failed_items.jsonl")) as f:
            return [json.loads(line) for line in f]

    def misfit(self, *parts):
        """One mini-batch failed, at its first try, because of a value that the message names."""
        [f] = self.mistakes()
        self.assertEqual((f["error"], f["tries"]), ("VALUE_MISFIT", 1), f)
        for part in parts:
            self.assertIn(part, f["message"])


class TextTest(HostileCase):
    """Lines, quotes, marks: the right frame, bytes kept."""

    def test_lines_and_quotes(self):
        want = []
        for i, (body, *cells) in enumerate((
                (b"id,text\n%d,no line end", "no line end"),
                (b"id,text\r\n%d,crlf\r\n", "crlf"),
                (b"id,text\r%d,cr\r", "cr"),
                (b"id,text\r\n%d,mixed\r" b"7,a\n7,b\r\n", "mixed", "a", "b"),
                (b"\xef\xbb\xbfid,text\n%d,mark\n", "mark"),
                (b'\xef\xbb\xbf"id","text"\n%d,"mark, quoted header"\n', "mark, quoted header"),
                (b'id,text\n%d,"crlf \r\n in quotes"\n', "crlf \r\n in quotes"),
                (b'id,text\n%d,"cr \r in quotes"\r\n', "cr \r in quotes"),
                (b'id,text\n%d,mid"field"\n7,"next"\n', 'mid"field"', "next"),
                (b'id,text\n%d,"quoted"behind\n', "quotedbehind"),
                (b'id,text\n%d,"quoted"be"hind"\n', 'quotedbe"hind"'),
                (b'id,text\n%d,stray"\n7,"next"\n', 'stray"', "next"),
                (b'id,text\n%d,"two "" quotes"\n', 'two " quotes'),
                (b"\n\nid,text\n\n\n%d,blank lines\n\n\r\n\n", "blank lines"),
                (b"id,text\n%d,trailing delimiter,\n", "trailing delimiter"),
                (b"text,id\nanother order,%d\n", "another order"),
                (b"id,text\n%d, blanks stay \n", " blanks stay "),
                (b"id,text\n%d,\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"\n", "\u00e4\u20ac\U0001f600"),
                (b"id,text\n%d,NA\n", "NA"),
                (b"id,text\n%d,\n7,\"\"\n", None, None),
                (b"id,text\n", ),
                (b"", ),
                (b"\n\r\n\r\n", ))):
            self.bytes("%02d.csv" % i, body % 10 if b"%d" in body else body)
            want += [[10 if k == 0 else 7, cell] for k, cell in enumerate(cells)]
        for words in (), ("-b", "1"), ("--mini-batch-rows", "2"):
            shapes, rows = self.job(*words)
            self.assertEqual(rows, want, words)
            self.assertEqual([s[0] for s in shapes], ["id,text"])
            self.assertEqual({s[1][0] for s in shapes}, {"i"})
            self.assertEqual(len(self.journal("DONE")), len(want) if words[:1] == ("-b",) else 20 + (words != () and 1))

    def test_a_quoted_line_end_at_every_place(self):
        """Whatever the size of a mini-batch is, no border lies in quotes."""
        cells = ["a\nb", "\n", "\r\n", '"\n"', ",\n,", "x", "\n\n\n", 'say ""\n'.replace('""', '"')]
        rows = [[i, cells[i % len(cells)]] for i in range(60)]
        self.bytes("a.csv", b"id,text\n" + b"".join(b'%d,"%s"\n' % (i, c.replace('"', '""').encode()) for i, c in rows))
        for size in 1, 11, 50, 173, 1000:
            shapes, found = self.job("-b", str(size))
            self.assertEqual(found, rows, size)
        self.assertEqual(shapes[0][0], "id,text")

    def test_short_rows(self):
        self.bytes("a.csv", b"id,text,n\n1,a,1\n2\n3,c\n4,d,4\n")
        _, rows = self.job()
        self.assertEqual(rows, [[1, "a", "1.0"], [2, None, None], [3, "c", None], [4, "d", "4.0"]])
        self.assertEqual(self.said.count("a.csv line 3 (and 1 more in its mini-batch) has fewer cells than the table has columns"), 1)

    def test_long_rows(self):
        for record, line in ((b"2,b,c", 3), (b'2, "b,c"', 3)):  # a blank in front of a quote: it is text, the comma is none
            self.bytes("a.csv", b"id,text\n1,a\n" + record + b"\n3,c\n")
            _, rows = self.job("--error-threshold", "-1", "--on-failure", "bisect")
            self.assertEqual(rows, [[1, "a"], [3, "c"]])
            self.misfit("a.csv", "line %d" % line)

    def test_a_line_of_blanks_is_a_record(self):
        self.bytes("a.csv", b"text,n\na,1\n  \n\nb,2\n")
        for words in (), ("-b", "1"):
            self.assertEqual(self.job(*words)[1], [["a", "1.0"], ["  ", None], ["b", "2.0"]])

    def test_bytes_that_are_no_text(self):
        for cell in b"a\0b", b"\xff\xfe", b"\xc3":
            self.bytes("a.csv", b"id,text\n1,a\n2," + cell + b"\n3,c\n")
            _, rows = self.job("--error-threshold", "-1", "--on-failure", "bisect")
            self.assertEqual(rows, [[1, "a"], [3, "c"]])
            self.misfit("a.csv", "line 3", "text")
        self.bytes("a.csv", b"id,text\n1,\xe4\n2,\x80\n")
        for encoding, want in (("latin1", "\x80"), ("windows1252", "\u20ac")):
            _, rows = self.job(source=self.mltable("  - read_delimited: {encoding: %s}\n" % encoding))
            self.assertEqual(rows, [[1, "\u00e4"], [2, want]])

    def test_an_open_quote(self):
        self.bytes("a.csv", b"id,text\n1,a\n2,\"b\n3,c\n")
        self.job(status=1)
        self.assertIn("a.csv line 3", self.said)
        self.assertIn("quote", self.said)

    def test_what_stands_in_front_of_an_open_quote_runs(self):
        want = "".join("%d a\n" % i for i in range(6))
        self.script("def run(frame):\n    return ['%d %s' % row for row in zip(frame['id'], frame['text'])]\n")
        self.bytes("a.csv", b"id,text\n0,a\n1,a\n2,a\n3,a\n")
        self.bytes("b.csv", b"id,text\n4,a\n5,a\n6,\"a\n7,a\n")
        words = ("run", "code/score.py", "-i", "in", "--input-format", "tabular", "-o", "out.txt", "-p", "1", "--python",
                 self.python, "--mini-batch-rows", "2", "--infer-rows", "1")
        r = self.prs(*words)
        self.assertEqual((r.returncode, os.path.exists(self.path("out.txt"))), (1, False), r.stderr)
        self.assertIn("b.csv line 4: a quote that opens here", r.stderr)
        self.check_rows_so_far(want, r.stderr)
        r = self.prs("resume", self.run_dir(), "--retry-failed")
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertIn("b.csv line 4: a quote that opens here", r.stderr)
        self.check_rows_so_far(want, r.stderr)
        self.clean()
        self.assertEqual(self.prs(*words, kill="store.plan.after_sync:1").returncode, -9)
        r = self.prs("resume", self.run_dir())
        self.assertEqual(r.returncode, 1, r.stderr)
        self.check_rows_so_far(want, r.stderr)

    def check_rows_so_far(self, want, said):
        self.assertRegex(said, r"next +prs output \S+ --partial\n")
        r = self.prs("output", self.run_dir(), "--partial", "--overwrite")
        self.assertEqual(r.returncode, 0, r.stderr)
        with open(r.stdout.strip()) as f:
            self.assertEqual(f.read(), want)

    def test_a_record_of_100_mb(self):
        size = 100 << 20
        self.script("def run(frame):\n    return ['%d %d' % (i, len(t)) for i, t in zip(frame['id'], frame['text'])]\n")
        with open(self.path("big.csv"), "wb") as f:
            f.write(b'id,text\n1,a\n2,"')
            for _ in range(100):
                f.write(b"x" * ((1 << 20) - 1) + b"\n")
            f.write(b'"\n3,c\n')
        words = ("run", "code/score.py", "-i", "big.csv", "--input-format", "tabular", "-o", "out.txt", "-p", "1", "--python",
                 self.python, "-b", "1mb")
        r = self.prs(*words)
        self.assertEqual((r.returncode, self.output()), (0, "1 1\n2 %d\n3 1\n" % size), r.stderr)
        self.assertIn(len(self.journal("DONE")), (2, 3))
        self.clean()
        r = self.prs(*words, "--max-record", "50mb")
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertIn("big.csv line 3", r.stderr)
        self.assertIn("max_record", r.stderr)
        self.assertNotIn("?.", r.stderr + self.prs("why", self.run_dir()).stderr)

    def test_nothing_in_it(self):
        for name, data in (("a.csv", b""), ("b.csv", b"\n\n"), ("c.csv", b"id,text\n")):
            self.bytes(name, data)
        self.job(status=1)
        self.assertIn("no row", self.said)

    def test_headers(self):
        self.bytes("a.csv", b"id,text\n1,a\n")
        self.bytes("b.csv", b"id,name\n2,b\n")
        self.job(status=1)
        for part in "a.csv", "b.csv", '"text"', "all_files_different_headers":
            self.assertIn(part, self.said)
        _, rows = self.job(source=self.mltable("  - read_delimited: {header: all_files_different_headers}\n"))
        self.assertEqual(rows, [[1, "a", None], [2, None, "b"]])


class PackedTest(HostileCase):
    """What is packed, or in UTF-16, becomes text in the spool; what is broken is named."""

    def test_gzip(self):
        want = [[i, "text %d" % i] for i in range(2000)]
        data = b"id,text\n" + b"".join(b"%d,text %d\n" % (i, i) for i in range(2000))
        self.bytes("a.csv.gz", gzip.compress(data[:9000].rpartition(b"\n")[0] + b"\n"))
        rest = data[data[:9000].rindex(b"\n") + 1:]
        self.bytes("b.csv.gz", gzip.compress(b"id,text\n" + rest[:5000]) + gzip.compress(rest[5000:]))  # members follow
        _, rows = self.job("-b", "4kb")
        self.assertEqual(rows, want)
        whole = gzip.compress(data)
        for broken in whole[:-20], whole[:50] + bytes(50) + whole[100:]:
            self.bytes("b.csv.gz", broken)
            self.job(status=1)
            self.assertIn("b.csv.gz", self.said)

    def test_utf16(self):
        text = "id,text\n1,\u00e4\u20ac\U0001f600\n2,\"two\nlines\"\n" + "".join("%d,x\n" % i for i in range(3, 3000))
        want = [[1, "\u00e4\u20ac\U0001f600"], [2, "two\nlines"]] + [[i, "x"] for i in range(3, 3000)]
        for words in ("utf-16",), ("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff"):
            self.bytes("a.csv", b"".join(words[1:]) + text.encode(words[0]))
            _, rows = self.job("-b", "4kb")
            self.assertEqual(rows, want, words)
        self.bytes("a.csv", text.encode("utf-16-le"))  # without a mark: somebody must say so, and no piece needs one
        _, rows = self.job("-b", "4kb", source=self.mltable("  - read_delimited: {encoding: utf16}\n"))
        self.assertEqual(rows, want)
        self.bytes("a.csv", text.encode("utf-16-le") + b"\x0a")
        self.job(status=1, source=self.mltable("  - read_delimited: {encoding: utf16}\n"))
        self.assertIn("a.csv", self.said)


class TypeTest(HostileCase):
    def kinds(self, records, *words, names=b"id,v", status=0):
        self.bytes("a.csv", names + b"\n" + b"\n".join(records) + b"\n")
        return self.job(*words, status=status)

    def test_integers(self):
        shapes, rows = self.kinds([b"1,9223372036854775807", b"2,-9223372036854775808", b"3,007"])
        self.assertEqual((shapes, rows), ([("id,v", "ii")], [[1, 9223372036854775807], [2, -9223372036854775808], [3, 7]]))
        shapes, rows = self.kinds([b"1,9223372036854775808", b"2,3"])
        self.assertEqual(rows, [[1, "9223372036854775808"], [2, "3"]])

    def test_integers_beyond_what_was_sampled(self):
        for value, part in ((b"9223372036854775808", "9223372036854775808"), (b"x", "'x'"), (b"0x10", "0x10")):
            _, rows = self.kinds([b"1,1", b"2,2", b"3," + value, b"4,4"], "--infer-rows", "2", "--error-threshold", "-1",
                                 "--on-failure", "bisect")
            self.assertEqual(rows, [[1, 1], [2, 2], [4, 4]])
            self.misfit("a.csv", "line 4", part.strip("'"), "v", "int")

    def test_decimals_later(self):
        """A type that changes between pieces does so in that mini-batch alone, and is said once."""
        records = [b"%d,%d" % (i, i) for i in range(8)] + [b"8,1E+05", b"9,", b"10,10"]
        shapes, rows = self.kinds(records, "--infer-rows", "2", "--mini-batch-rows", "4")
        self.assertEqual(shapes, [("id,v", "if"), ("id,v", "ii")])
        self.assertEqual(rows, [[i, i] for i in range(8)] + [[8, "100000.0"], [9, None], [10, "10.0"]])
        shapes, rows = self.kinds(records, "--mini-batch-rows", "4")  # seen in the sample: everywhere
        self.assertEqual(shapes, [("id,v", "if")])

    def test_floats(self):
        shapes, rows = self.kinds([b"1,1e400", b"2,-1e400", b"3,.5", b"4,inf", b"5,0.1", b"6,NaN"])
        self.assertEqual((shapes, rows), ([("id,v", "if")], [[1, "inf"], [2, "-inf"], [3, "0.5"], [4, "inf"], [5, "0.1"],
                                                             [6, None]]))

    def test_beyond_what_a_float_holds(self):
        """Beside a null it would be another number; alone, as bisect runs it, it is an integer."""
        words = ("--infer-rows", "2", "--error-threshold", "-1", "--mini-batch-rows", "2")
        _, rows = self.kinds([b"1,1", b"2,2", b"3,", b"4,9007199254740993"], *words)
        self.assertEqual(rows, [[1, 1], [2, 2]])
        self.misfit("a.csv", "line 5", "9007199254740993")
        _, rows = self.job(*words, "--on-failure", "bisect")
        self.assertEqual(rows, [[1, 1], [2, 2], [3, None], [4, 9007199254740993]])

    def test_dates(self):
        shapes, rows = self.kinds([b"1,2024-02-29", b"2,2024-02-29 10:30:00.5", b"3,"])
        self.assertEqual(shapes, [("id,v", "id")])
        self.assertEqual(rows, [[1, "2024-02-29T00:00:00"], [2, "2024-02-29T10:30:00.500000"], [3, None]])

    def test_booleans(self):
        shapes, rows = self.kinds([b"1,true", b"2,FALSE"])
        self.assertEqual((shapes, rows), ([("id,v", "ib")], [[1, True], [2, False]]))
        shapes, rows = self.kinds([b"1,true", b"2,false", b"3,"], "--infer-rows", "2")
        self.assertEqual((shapes, rows), ([("id,v", "io")], [[1, True], [2, False], [3, None]]))


    def test_mixed_types(self):
        """A column with a value that fits nothing is left as it is in that mini-batch: what fits is typed."""
        self.bytes("a.csv", b"id,v\n1,1\n2,2\n3,x\n4,\n5,5\n")
        _, rows = self.job("--infer-rows", "2", "--mini-batch-rows", "2", "--amlbi-dataframe-mixed-types", "True")
        self.assertEqual(rows, [[1, 1], [2, 2], [3, "x"], [4, None], [5, 5]])
        self.assertIn("a.csv line 4", self.said)


class JsonLinesTest(HostileCase):
    def test_objects(self):
        lines = [{"a": 1, "b": {"c": [1, 2]}}, {"a": 2}, {"b": "x", "a": 3}]
        self.bytes("a.jsonl", "".join(json.dumps(x) + "\n" for x in lines).encode())
        _, rows = self.job()
        self.assertEqual(rows, [[1, {"c": [1, 2]}], [2, None], [3, "x"]])

    def test_marks_and_line_ends(self):
        for data in b'\xef\xbb\xbf{"a": 1}\r\n{"a": 2}\r\n', b'\n\r\n{"a": 1}\n\n \n{"a": 2}', b'{"a": 1}\r\n \r\n{"a": 2}\r\n\r\n':
            self.bytes("a.jsonl", data)
            for words in (), ("-b", "1"):
                self.assertEqual(self.job(*words)[1], [[1], [2]], data)

    def test_a_bad_line(self):
        self.bytes("a.jsonl", b'{"a": 1}\n[1]\n\n{"a": 2}\n{"a": \n{"a": 3}')
        _, rows = self.job("--error-threshold", "-1", "--mini-batch-rows", "1")
        self.assertEqual(rows, [[1], [2], [3]])
        self.assertEqual([f["error"] for f in self.mistakes()], ["VALUE_MISFIT"] * 2)
        self.assertIn("line 2", self.mistakes()[0]["message"])
        self.assertIn("line 5", self.mistakes()[1]["message"])
        _, rows = self.job(source=self.mltable("  - read_json_lines: {invalid_lines: drop}\n"))
        self.assertEqual(rows, [[1], [2], [3]])
        self.assertEqual(self.said.count("a.jsonl line 2"), 1, self.said)
        self.assertFalse(os.path.exists(os.path.join(self.run_dir(), "failed_items.jsonl")))


class ParquetTest(HostileCase):
    def test_a_broken_footer(self):
        if not has(self.python, "pyarrow"):
            raise unittest.SkipTest("no pyarrow for " + self.python)
        make = "import pandas as pd; pd.DataFrame({'id': range(5)}).to_parquet(%r)"
        os.makedirs(self.path("in"))
        subprocess.run([self.python, "-c", make % self.path("in/a.parquet")], check=True)
        with open(self.path("in/a.parquet"), "rb") as f:
            whole = f.read()
        _, rows = self.job()
        self.assertEqual(rows, [[i] for i in range(5)])
        for data in whole[:-20], whole[:-8] + b"\xff\xff\xff\x7fPAR1", b"PAR1", b"":
            self.bytes("b.parquet", data)
            self.job(status=1)
            self.assertIn("b.parquet", self.said)




for number, other in enumerate(PYTHONS[1:], 1):
    for case in (TextTest, PackedTest, TypeTest, JsonLinesTest, ParquetTest):
        name = "%s%d" % (case.__name__, number)
        globals()[name] = type(name, (case,), {"python": other})
