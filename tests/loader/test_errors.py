# SPDX-License-Identifier: Apache-2.0
"""Errors of scripts: codes, one-line messages, tracebacks in the error file and on stderr, hints."""
import os
import struct

RAISE = """
    import json, sys
    class Odd(Exception):
        def __str__(self): raise RuntimeError("no text")
    class OddRepr:
        def __repr__(self): raise RuntimeError("no repr")
    def deep(n): return deep(n + 1)
    def chained():
        try: json.loads("{")
        except ValueError as e: raise KeyError("outer") from e
    def during():
        try: json.loads("{")
        except ValueError: raise KeyError("second")
    def run(mini_batch):
        exec(mini_batch[0])
        return mini_batch
"""


def test_exceptions_keep_the_process(node):
    n = node(RAISE).begin()
    for text, message in (("raise ValueError('bad \\u65e5 \\udcff')", "ValueError: bad \u65e5 \\udcff"),
                          ("1 / 0", "ZeroDivisionError: division by zero"),
                          ("raise ValueError('first\\nsecond\\n')", "ValueError: first second"),
                          ("raise ValueError", "ValueError"), ("b'\\xff'.decode()", "UnicodeDecodeError: "),
                          ("chained()", "KeyError: 'outer'"), ("during()", "KeyError: 'second'"),
                          ("deep(0)", "RecursionError: maximum recursion depth exceeded"),
                          ("raise MemoryError", "MemoryError"), ("raise Odd", "score.Odd: <"),
                          ("raise ValueError(OddRepr())", "ValueError: <"),
                          ("raise StopIteration", "StopIteration"),
                          ("raise ModuleNotFoundError('x', name=5)", "ModuleNotFoundError: x (and describing it raised "), ("raise ValueError('x' * 5000000)", "ValueError: xxx"), ("assert 0, 'why'", "AssertionError: why")):
        code, got = n.failure([text])
        assert (code, got[:len(message)]) == (100, message), text
        assert len(got) <= 2000
        assert n.process.poll() is None
    assert n.rows(["pass"]) == b"pass\n"
    traces = n.traces()
    assert "prs_loader" not in traces
    assert traces.count("mini-batch 0, try 1\nTraceback (most recent call last):\n  File \"%s/score.py\"" %
                        n.code) >= 10
    assert "The above exception was the direct cause" in traces and "During handling of the above exception" in traces and "json.decoder.JSONDecodeError" in traces
    assert "characters left out" in traces and len(traces) < 4000000
    assert "division by zero" in n.read("err")
    assert n.read("out") == ""


def test_exits_of_run(node):
    for text in ("sys.exit(3)", "raise SystemExit", "raise KeyboardInterrupt", "raise GeneratorExit",
                 "import asyncio; raise asyncio.CancelledError"):
        n = node(RAISE).begin()
        assert n.failure([text])[0] == 101, text
        assert n.frame() is None
        assert n.process.wait(60) == 1


def test_init_failures(node):
    for script, code, text in (("def init(): raise RuntimeError('no model')\ndef run(b): return b", 150,
                                "RuntimeError: no model"),
                               ("import sys\ndef init(): sys.exit('no licence')\ndef run(b): return b", 152,
                                "SystemExit: no licence"),
                               ("def init(): raise KeyboardInterrupt\ndef run(b): return b", 152, "KeyboardInterrupt"),
                               ("raise SystemExit(4)\ndef run(b): return b", 153, "SystemExit: 4"),
                               ("init = 3\ndef run(b): return b", 150, "TypeError: 'int' object is not callable"),
                               ("def init(x): pass\ndef run(b): return b", 150,
                                "TypeError: init() missing 1 required positional argument"),
                               ("async def init(): pass\ndef run(b): return b", 150, "init() is an async function"),
                               ("1 / 0", 153, "ZeroDivisionError: division by zero")):
        n = node(script)
        got, message = n.init_failure()
        assert (got, text in message) == (code, True), (script, message)
        assert n.process.wait(60) == 1
        assert not any(word in n.traces() for word in ("prs_loader", "importlib"))
        assert ("Traceback" in n.traces() and "score.py" in n.traces()) == ("TypeError" not in text and "async" not in text)
        assert "never awaited" not in n.read("err")


def test_syntax_errors(node):
    n = node("def run(b):\n    return b +* 2\n")
    code, message = n.init_failure()
    assert code == 153 and message == "SyntaxError: invalid syntax (score.py, line 2)"
    assert '  File "%s/score.py", line 2\n    return b +* 2\n' % n.code in n.traces() and "^" in n.traces()
    n = node("import helper\ndef run(b): return b", files={"helper.py": "if 1:\nx = 1\n"})
    code, message = n.init_failure()
    assert message.startswith("IndentationError: expected an indented block") and message.endswith("(helper.py, line 2)")
    assert "score.py\", line 1" in n.traces() and "helper.py\", line 2" in n.traces()


def test_hints(node, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "labels.txt").write_text("x")
    (tmp_path / "helpers.py").write_text("")
    parse = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--labels', %s)\np.parse_args()\ndef run(b): return b"
    for script, part in (("import sklearn_not_there", "-m pip install sklearn_not_there"),
                         ("import cv2.not_there", "-m pip install opencv-python"),
                         ("raise ModuleNotFoundError('x' * 5000, name='long')", "x; hint: install it for this interpreter: "), ("import helpers", "helpers.py lies in %s, but was not copied to the run: name the folder with --code %s" % (tmp_path, tmp_path)),
                         (parse % "type=int", "hint: unrecognized arguments: --x 1. The script's own arguments go behind --"),
                         (parse % "required=True",
                          "hint: the following arguments are required: --labels. The script's own arguments go behind --"),
                         ("open('data/labels.txt')", "hint: data/labels.txt exists, but the script runs in a copy of its folder that lacks it: pass it with --side-input name=data/labels.txt"),
                         ("open(b'data/labels.txt')", "--side-input"),
                         ("open('nowhere.txt')", "No such file or directory: 'nowhere.txt'"),
                         ("import sys; sys.exit(2)", "SystemExit: 2")):
        code, message = node(script, submit_dir=str(tmp_path)).init_failure()
        assert code == 153 and part in message, (script, message)


def test_hint_for_tables(node):
    """A script that treats the list of files as a DataFrame."""
    n = node("def run(b):\n    rows = list(b)\n    frame, more = b, {}\n    exec(frame[0])\n    return b\n"
             "def apart(text):\n    rows = [1]\n    rows[text]\n").begin()
    hint = ("; hint: this script wants a table: --input-format tabular (in a job file: prs: {input_format: tabular})")
    for text in ("frame.shape", "frame.iterrows()", "frame.columns", "frame['a']", "frame[['a', 'b']]",
                 "frame.groupby('a')"):
        code, got = n.failure([text])
        assert (code, got.endswith(hint)) == (100, True), got
    for text in ("frame.shepe", "frame[99]", "more.shape", "more['a']", "apart('a')"):
        code, got = n.failure([text])
        assert (code, "hint" in got) == (100, False), got


def test_hint_for_keys(node):
    """A script that asks for values of partition keys in a job without any."""
    n = node("def run(b, context):\n    exec(b[0])\n    return [context.partition_key_value['a']]\n").begin()
    hint = "; hint: there are no partition keys: --partition-keys NAME,NAME (in a job file: partition_keys)"
    code, got = n.failure(["0"])
    assert (code, got.endswith(hint)) == (100, True), got
    n = node("def run(b, context):\n    return None['a']\n").begin()
    assert "hint" not in n.failure(["0"])[1]


def test_hint_for_what_was_not_copied(node, tmp_path):
    """Data beside the script, found by __file__ or by the current folder; the job was submitted elsewhere."""
    (tmp_path / "im").mkdir()
    (tmp_path / "im" / "labels.txt").write_text("x")
    (tmp_path / "neighbour.py").write_text("")
    path = str(tmp_path / "im" / "labels.txt")
    lacks = "; hint: %s exists, but the script runs in a copy of its folder that lacks it: pass it with --side-input name=%s" % (path, path)
    for script, hint in (("import os\nopen(os.path.join(os.path.dirname(__file__), 'im', 'labels.txt'))", lacks),
                         ("import os\nopen(os.path.join(os.path.dirname(__file__), '.', 'im/labels.txt'))", lacks),
                         ("open('im/labels.txt')", lacks),
                         ("import os\nopen(os.path.dirname(__file__) + '/im/nowhere.txt')", ""),
                         ("open('/nowhere/im/labels.txt')", ""),
                         ("import neighbour", "; hint: neighbour.py lies in %s, but was not copied to the run: name the folder with --code %s" % (tmp_path, tmp_path))):
        code, message = node(script, code_origin=str(tmp_path)).init_failure()
        assert code == 153 and message.partition("; hint")[1:] == hint.partition("; hint")[1:], (script, message)


def test_hint_for_an_abbreviation(node):
    n = node("import argparse\np = argparse.ArgumentParser()\np.add_argument('--output_train')\np.add_argument('--output_test')\np.parse_known_args()\n"
             "def run(b): return b", argv=["--output", "there"])
    code, message = n.init_failure()
    assert "hint: the engine's own flags are in sys.argv too" in message and "allow_abbrev=False" in message, message


def test_hint_for_other_parsers(node):
    for script in ("import getopt, sys\ngetopt.getopt(sys.argv[1:], 'x', ['labels='])",
                   "import optparse\noptparse.OptionParser().parse_args()",
                   "import sys\ntry: raise ValueError('No such option: --client_sdk_version')\nexcept ValueError: sys.exit(2)",
                   "import sys\nraise ValueError('what is %s?' % sys.argv[1:])"):
        n = node(script + "\ndef run(b): return b", argv=["--client_sdk_version", "1", "--output", "x"])
        code, message = n.init_failure()
        assert code == 153 and message.endswith("; hint: what reads sys.argv stops at the engine's own flags: run with "
                                                "--engine-args hide, or use argparse's parse_known_args()"), message


def test_hint_for_a_package(node):
    code, message = node("from .other import x\ndef run(b): return b").init_failure()
    assert "hint: the script is no part of a package here: name the folder above the package with --code" in message, message


def test_hint_for_a_strict_parser(node):
    n = node("import argparse\nargparse.ArgumentParser().parse_args()\ndef run(b): return b",
             argv=["--client_sdk_version", "1", "--mini_batch_size", "2"])
    code, message = n.init_failure()
    assert message == "SystemExit: 2; hint: the script's parse_args() does not know the engine's own flags: run with --engine-args hide, or use parse_known_args()"
    assert "unrecognized arguments: --client_sdk_version 1 --mini_batch_size 2" in n.read("err")


def test_error_file_that_cannot_be_written(node):
    n = node(RAISE, error_file="/nowhere/errors.txt").begin()
    assert n.failure(["1 / 0"])[1] == "ZeroDivisionError: division by zero"
    assert "division by zero" in n.read("err")


def test_shutdown_that_fails(node):
    n = node("def run(b): return b\ndef shutdown(): raise ValueError('too late')").begin()
    n.rows()
    n.send(8)
    payload = n.expect(9)[2]
    assert payload[:2] == (155).to_bytes(2, "little") and b"too late" in payload
    assert n.process.wait(60) == 0
    assert os.path.exists(n.dir + "/errors.txt")


KINDS = """
    import json, os, helper
    class Bad(Exception): pass
    class Broken(Exception):
        __traceback__ = property(lambda self: 1 / 0)
    def run(mini_batch):
        word = mini_batch[0]
        if word == "name": return nothing
        if word == "json": json.loads("x")
        if word == "helper": helper.fail()
        if word == "text": raise Bad(os.urandom(4).hex())
        if word == "again": raise Bad(1)
        if word == "broken": raise Broken
        if word == "long": raise type("L" * 500, (Exception,), {})()
        if word == "type": return 5
        return mini_batch
"""


def test_kinds(node):
    """The type, and the innermost line of the script's own files; not what the error says."""
    n = node(KINDS, files={"helper.py": "def fail():\n    open('/nowhere/x')\n"}).begin()
    for word, want in (("name", "NameError at score.py:8"), ("json", "JSONDecodeError at score.py:9"),
                       ("helper", "FileNotFoundError at helper.py:2"), ("text", "Bad at score.py:11"),
                       ("text", "Bad at score.py:11"), ("again", "Bad at score.py:12"), ("broken", ""),
                       ("long", "L" * 200), ("type", "")):
        assert n.kind([word]) == want, word
    assert n.rows(["pass"]) == b"pass\n"


FULL = """
    import errno, os
    def wrapped(e, cause):
        try:
            try: raise e
            except OSError as inner:
                if cause == "cause": raise RuntimeError("outer") from inner
                if cause == "none": raise RuntimeError("outer") from None
                raise RuntimeError("outer")
        except RuntimeError as middle:
            raise KeyError("outermost")
    class Own(Exception):
        errno = 28
    class Broken(Exception):
        @property
        def errno(self): raise ValueError
        @property
        def __cause__(self): raise ValueError
    def deep(n):
        try:
            if n == 0: raise OSError(28, "full")
            deep(n - 1)
        except Exception as e:
            raise RuntimeError(n) from e
    class Loop(Exception): pass
    def loop():
        a, b = Loop(), Loop()
        a.__cause__, b.__cause__ = b, a
        raise a
    def init():
        if os.path.exists("../init"): raise OSError(122, "quota", "/proc/nowhere/x")
    def run(mini_batch):
        exec(mini_batch[0], globals(), {"dir": os.getcwd()})
        return mini_batch
"""


def test_full_disks(node):
    """errno 28 or 122 of the exception or of one behind it, and the device of the file that it names."""
    n = node(FULL).begin()
    here, proc = os.stat(n.dir).st_dev, os.stat("/proc").st_dev
    for text, want in (("raise OSError(28, 'full')", (28, 0, 0)), ("raise OSError(122, 'quota')", (122, 0, 0)),
                       ("raise OSError(13, 'no', '/proc')", None),
                       ("1 / 0", None), ("raise Own", (28, 0, 0)), ("raise Broken", None), ("loop()", None),
                       ("deep(40)", (28, 0, 0)),
                       ("raise OSError(28, 'full', '/proc/version')", (28, 1, proc)),
                       ("raise OSError(28, 'full', b'/proc/version')", (28, 1, proc)),
                       ("raise OSError(28, 'full', '../errors.txt')", (28, 1, here)),
                       ("raise OSError(28, 'full', '../not/yet/there')", (28, 1, here)),
                       ("raise OSError(28, 'full', '')", (28, 1, here)),
                       ("raise OSError(28, 'full', 'x' * 5000)", (28, 0, 0)),
                       ("raise OSError(28, 'full', 'a\\0b')", (28, 0, 0)),
                       ("raise OSError(28, 'full', 1)", (28, 1, here)),
                       ("raise OSError(28, 'full', 99999)", (28, 0, 0)),
                       ("raise OSError(28, 'full', '/proc/version', None, '../copy')", (28, 1, here)),
                       ("wrapped(OSError(28, 'full', '/proc/x'), 'cause')", (28, 1, proc)),
                       ("wrapped(OSError(28, 'full'), 'context')", (28, 0, 0)),
                       ("wrapped(OSError(28, 'full'), 'none')", (28, 0, 0)),
                       ("wrapped(OSError(5, 'io'), 'cause')", None),
                       ("exc = Exception('group'); exc.exceptions = (ValueError(), OSError(28, 'full')); raise exc",
                        (28, 0, 0))):
        assert n.full_disk([text]) == want, text
    assert n.rows(["pass"]) == b"pass\n"


def test_full_disk_in_init(node):
    n = node(FULL, files={"../init": ""})
    n.expect(1)
    payload = n.expect(4)[2]
    length = struct.unpack_from("<H", payload, 16)[0]
    assert struct.unpack("<IIQ", payload[18 + length:]) == (122, 1, os.stat("/proc").st_dev)


def test_stdout_on_a_full_disk(node):
    """What print() raises names no file."""
    n = node("import os\ndef init(): os.dup2(os.open('/dev/full', os.O_WRONLY), 1)\ndef run(m):\n    print(m)\n    return m").begin()
    assert n.full_disk() == (28, 0, 0)


def test_traceback_module_that_fails(node):
    """The script's folder is first on sys.path."""
    for text in ("raise ImportError('no')", "import sys; sys.exit(3)", "def format_exception(*a): return 5", ""):
        n = node("def run(mini_batch): raise ValueError('the\\nmessage') if mini_batch == ['a'] else KeyError(1)",
                 files={"traceback.py": text}).begin()
        code, message = n.failure()
        assert (code, message.partition(" (")[0]) == (100, "ValueError: the message"), text
        assert "mini-batch 0, try 1\nValueError: the message" in n.traces() and "ValueError: the message" in n.read("err")
        assert n.failure(["b"])[0] == 100
        assert n.end() == 0


def test_start_of_the_process(node):
    """What fails before the script is imported is not said of it."""
    n = node("def run(b): return b", entry="nowhere.py")
    assert n.init_failure()[0] == 153 and n.traces().startswith("start of the process\n")
    n = node("def run(b): return b", files={"parallel_run_step.settings.json": "{"})
    assert n.init_failure()[0] == 153 and n.traces().startswith("start of the process\n")
    n = node("1 / 0")
    assert n.init_failure()[0] == 153 and n.traces().startswith("import of score.py\n")
    n = node("def ran(b): return b")
    assert n.init_failure()[0] == 154 and n.traces().startswith("import of score.py\n")


WHICH = """
    import os, pathlib, json
    def parse(path): raise ValueError("bad")
    def two(path, other): raise ValueError("bad")
    def inner(path, other): parse(path)
    class Path:
        def __fspath__(self): raise RuntimeError
        def __eq__(self, other): raise RuntimeError
        def __hash__(self): raise RuntimeError
    def run(mini_batch):
        odd = Path()
        for i, path in enumerate(mini_batch):
            name = os.path.basename(path)
            if not name.startswith("bad"):
                continue
            how = name.split("-")[1].split(".")[0]
            if how == "local": raise ValueError("bad")
            if how == "called": path = None if False else path; parse(path)
            if how == "pathlib":
                full, path = pathlib.Path(path), None
                json.loads("{")
            if how == "bytes":
                full, path = os.fsencode(path), None
                json.loads("{")
            if how == "open":
                with open(path) as f:
                    path = None
                    json.load(f)
            if how == "filename":
                os.unlink(path)
                held, path = [path], None
                open(held.pop())
            if how == "two": two(path, mini_batch[0])
            if how == "inner": inner(path, mini_batch[0])
            if how == "library":
                import sys
                sys.path.insert(0, "site-packages")
                import lib
                lib.load(mini_batch[0])
            if how == "many":
                a, b, c, d = mini_batch[:4]
                raise ValueError("bad")
            if how == "nothing":
                name = path = mini_batch = None
                raise ValueError("bad")
        raise ValueError("at the end")
"""


def test_the_item_is_named(node, tmp_path):
    """The last lines of the traceback say at which item the script was, as far as its own frames know."""
    names = ["a", "b", "c", "d"]

    def said(name, others=names):
        n = node(WHICH, files={"site-packages/lib.py": "def load(path): raise ValueError('bad')\n"}).begin()
        paths = [str(tmp_path / x) for x in others]
        paths.insert(2, str(tmp_path / name))
        (tmp_path / name).write_text("{")
        n.failure(paths)
        text = n.traces()
        assert text in n.read("err") or text.partition("\n")[2].rstrip("\n") in n.read("err")
        return [line for line in text.splitlines() if line.startswith("while at ")]

    for how in ("local", "called", "inner", "library", "pathlib", "bytes", "open"):
        assert said("bad-%s.json" % how) == ["while at %s/bad-%s.json, item 3 of 5" % (tmp_path, how)], how
    assert said("bad-filename.x") == ["while at %s/bad-filename.x, item 3 of 5" % tmp_path]
    assert said("bad-two") == ["while at %s/a, item 1 of 5, or %s/bad-two, item 3 of 5" % (tmp_path, tmp_path)]
    assert said("bad-many") == []
    assert said("bad-nothing") == []
    # behind the loop its variable holds the last item: that is what the script was at
    assert said("good") == ["while at %s/d, item 5 of 5" % tmp_path]


def test_the_only_item_is_named(node):
    n = node("def run(mini_batch): raise ValueError").begin()
    n.failure(["/data/od\nd\udcff.txt"])
    assert n.traces().endswith("\nValueError\nwhile at /data/od\\nd\\udcff.txt, item 1 of 1\n\n")


def test_messages_do_not_name_the_item(node):
    """They are counted by kind: one that differs in each mini-batch would be many kinds."""
    n = node("def run(mini_batch): raise ValueError('bad')").begin()
    assert n.failure(["/data/one"])[1] == "ValueError: bad"
