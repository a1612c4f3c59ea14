# SPDX-License-Identifier: Apache-2.0
"""What scripts print and log, and where it goes."""
import os


def test_everything_reaches_its_file(node):
    n = node("""
        import os, subprocess, sys
        print("at import")
        def init():
            print("in init", end="")
            print("warn", file=sys.stderr)
        def run(mini_batch):
            print(" then run")
            os.write(1, b"native \\xff\\n")
            subprocess.run("echo child; echo child error >&2", shell=True)
            print("surrogate \\udcff \\ud800 \\u65e5", end="")
            return mini_batch
        def shutdown(): print(" bye")
    """).begin()
    assert n.read("out") == "at import\nin init"
    assert n.rows() == b"a\n"
    # flushed behind every run()
    assert n.read("out") == "at import\nin init then run\nnative \\xff\nchild\nsurrogate \\udcff \\ud800 \u65e5"
    assert n.end() == 0
    assert n.read("out").endswith(" bye\n")
    assert n.read("err") == "warn\nchild error\n"


def test_odd_encodings(node):
    for env in ({"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
                {"PYTHONIOENCODING": "latin-1"}):
        n = node("def run(mini_batch):\n    print('\\u65e5', *mini_batch)\n    return mini_batch", env=env).begin()
        assert n.rows([b"/\xff\xe6\x97\xa5"]) == b"/\xff\xe6\x97\xa5\n"
        assert n.read("out").startswith("\u65e5 /\\udcff")


def test_streams_of_the_scripts_own(node):
    """Closed, replaced, set to None, without the usual methods: rows, errors and the end come through."""
    for change in ("sys.stdout.close(); sys.stderr.close()", "sys.stdout = sys.stderr = None",
                   "sys.stdout = io.StringIO()", "sys.stdout = object(); sys.stderr = 5",
                   "sys.stdout = open(os.devnull, 'w')", "os.close(1); os.close(2)",
                   "os.dup2(os.open(os.devnull, os.O_WRONLY), 2)"):
        n = node("""
            import io, os, sys
            def run(mini_batch):
                if mini_batch[0] == "change":
                    %s
                if mini_batch[0] == "bad": raise ValueError("told")
                return mini_batch
        """ % change).begin()
        assert n.rows(["change"]) == b"change\n"
        assert n.failure(["bad"]) == (100, "ValueError: told")
        assert "ValueError: told" in n.traces()
        assert n.rows() == b"a\n"
        assert n.end() == 0


def test_faulthandler(node):
    n = node("import os, signal\ndef deep(): os.kill(os.getpid(), signal.SIGSEGV)\ndef run(a): deep()").begin()
    n.task(["a"])
    assert n.frame() is None
    assert n.process.wait(60) == -11
    assert "Fatal Python error: Segmentation fault" in n.read("err") and "in deep" in n.read("err")


# ---- logging


def lines(n, name="out"):
    return [line.split("|", 1)[1] if line[:2] == "20" else line for line in n.read(name).splitlines()]


def test_root_logger_goes_to_stdout(node):
    """Level INFO, as in the original; lazily: nothing imports logging for a script that does not."""
    n = node("""
        import sys
        assert "logging" not in sys.modules or sys.version_info < (3, 8), "imported by the loader"
        import logging
        logging.info("at import")
        log = logging.getLogger("mine")
        def run(mini_batch):
            log.debug("no")
            log.warning("yes %s", mini_batch[0])
            logging.error("root")
            return mini_batch
    """).begin()
    n.rows()
    pid = n.process.pid
    assert lines(n) == ["INFO|%d|root|at import" % pid, "WARNING|%d|mine|yes a" % pid, "ERROR|%d|root|root" % pid]
    assert n.read("err") == ""


def test_basic_config_counts(node):
    for call, name, want in (("level=logging.DEBUG, format='%(message)s'", "out", ["debug", "info"]),
                             ("level=logging.WARNING", "out", []),
                             ("format='%(message)s'", "out", ["info"]),
                             ("stream=sys.stderr, format='%(message)s'", "err", ["info"]),
                             ("filename='own.log', format='%(message)s'", "code/own.log", ["info"]),
                             ("force=True, format='%(message)s'", "out", ["info"]),
                             ("handlers=[logging.StreamHandler(sys.stderr)], format='%(message)s', level=10", "err",
                              ["debug", "info"])):
        n = node("""
            import logging, sys
            def init(): logging.basicConfig(%s)
            def run(mini_batch):
                logging.debug("debug")
                logging.info("info")
                return mini_batch
        """ % call).begin()
        n.rows()
        assert lines(n, name) == want, call
        assert name == "out" or n.read("out") == ""


def test_loggers_of_the_scripts_own(node):
    n = node("""
        import logging, logging.config
        logging.config.dictConfig({"version": 1, "formatters": {"f": {"format": "own %(message)s"}}, "root": {"handlers": ["h"], "level": "INFO"},
                                   "handlers": {"h": {"class": "logging.StreamHandler", "formatter": "f", "stream": "ext://sys.stderr"}}})
        import inspect
        source = inspect.getsource(logging.Logger)
        def run(mini_batch):
            logging.info("text")
            return [len(source) > 100, type(logging.__loader__).__name__, logging.__loader__ is logging.__spec__.loader]
    """).begin()
    assert n.rows() == b"True\nSourceFileLoader\nTrue\n"
    assert (n.read("out"), n.read("err")) == ("", "own text\n")


def test_replaced_stdout_gets_the_log_too(node):
    n = node("""
        import contextlib, io, logging
        def run(mini_batch):
            with contextlib.redirect_stdout(io.StringIO()) as seen:
                logging.info("inside")
            return [seen.getvalue().count("inside")]
    """).begin()
    assert n.rows() == b"1\n"


def test_streams_of_a_sitecustomize(node):
    """The worker starts all the same, and the script finds what was put there."""
    for text in ("sys.stdout = sys.stderr = None", "sys.stdout = sys.stderr = io.StringIO()", "sys.stdout = object()",
                 "sys.stderr = 5",
                 "sys.stdout.close(); sys.stderr.close()", "os.close(1); os.close(2)", "sys.stdout = Refusing()"):
        before = "import io, os, sys\nclass Refusing:\n    def __getattr__(self, name): raise RuntimeError(name)\n"
        n = node("import logging, sys\nlogging.info('logged')\ndef run(mini_batch):\n    logging.getLogger('own').warning('logged')\n"
                 "    return [repr(sys.stdout)] if mini_batch == ['a'] else 1 / 0",
                 files={"sitecustomize.py": before + text}, path_first=True).begin()
        shown = n.rows()
        assert {"None": shown == b"None\n", "StringIO": b"io.StringIO" in shown, "object": b"object object" in shown}.get(text[13:], True), text
        assert n.failure(["b"]) == (100, "ZeroDivisionError: division by zero")
        assert "division by zero" in n.traces()
        assert n.end() == 0


def test_crash_is_told_without_stderr(node):
    n = node("import os\ndef deep(): os.abort()\ndef run(mini_batch): deep()",
             files={"sitecustomize.py": "import sys; sys.stderr = None"},
             path_first=True).begin()
    n.task(["a"])
    assert n.frame() is None
    n.process.wait(60)
    assert "Fatal Python error: Aborted" in n.read("err") and "in deep" in n.read("err")


def test_names_under_other_locales(node, locales):
    """File names come out as the same bytes, and open."""
    for name in locales:
        n = node("import os\ndef run(mini_batch): return [p for p in mini_batch if os.path.exists(p)]",
                 env={"LOCPATH": locales[name], "LC_ALL": name}).begin()
        for path in (b"/caf\xc3\xa9", b"/caf\xe9", b"/\xff\xfe", b"/\xe6\x97\xa5"):
            path = os.fsencode(n.dir) + path
            open(path, "w").close()
            assert n.rows([path]) == path + b"\n", name
        assert n.end() == 0
