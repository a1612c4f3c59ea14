# SPDX-License-Identifier: Apache-2.0
"""How the entry script is found, imported and called; its functions in the processes of its own pools."""
import os

ECHO = "def run(mini_batch): return [__name__, __file__] + mini_batch\n"


def shown(n, paths=("a",)):
    return n.rows(paths).decode().split("\n")[:-1]


def test_name_file_path_and_argv(node):
    n = node("""
        import os, sys
        def run(mini_batch): return [__name__, __file__, os.getcwd(), sys.argv, sys.path[0], [p for p in sys.path if "prs_worker.py" in os.listdir(p or ".")]
                                     if all(map(os.path.isdir, sys.path[:1])) else None]
    """.replace("[p for p in sys.path if", "[p for p in sys.path if os.path.isdir(p) and")).begin()
    path = os.path.join(n.code, "score.py")
    assert shown(n) == ["score", path, n.code, str([path, "--x", "1"]), n.code, "[]"]


def test_script_in_a_folder(node):
    script = """
        import sys
        from . import helper
        from .helper import two
        import neighbour, top
        def run(mini_batch): return [__name__, two, neighbour.three, top.four, sys.path[0] == sys.argv[-1]]
    """
    files = {"src/helper.py": "two = 2", "src/neighbour.py": "three = 3", "top.py": "four = 4"}
    assert shown(node(script, name="src/entry.py", files=files).begin()) == ["src.entry", "2", "3", "4", "False"]
    files["src/__init__.py"] = "print('package')"
    n = node(script, name="src/entry.py", files=files).begin()
    assert shown(n)[0] == "src.entry"
    assert "package" in n.read("out")


def test_order_of_the_path(node):
    n = node("import sys\ndef run(mini_batch): return sys.path[:2]", name="a/b/entry.py").begin()
    assert shown(n) == [n.code, n.code + "/a/b"]


def test_dotted_module(node):
    files = {"batch/__init__.py": "", "batch/other.py": "x = 7"}
    script = "import sys\nfrom .other import x\nimport other\ndef run(mini_batch): return [__name__, x, other.x, sys.argv[0]]\n"
    n = node(script, name="batch/main.py", files=files, entry="batch.main").begin()
    assert shown(n) == ["batch.main", "7", "7", n.code + "/batch/main.py"]
    n = node("def run(mini_batch): return [__name__]\n", name="pack/__init__.py", entry="pack").begin()
    assert shown(n) == ["pack"]
    code, message = node("x = 1", entry="batch.nothing").init_failure()
    assert code == 153 and "No module named 'batch'" in message


def test_names_that_others_have(node):
    """Names of Python's own modules, of ones already imported, of a package beside the script, and names that are no
    identifiers."""
    for name in ("random.py", "code.py", "test.py", "string.py", "os.py", "batch-score.py", "score.v2.py", "2023.py",
                 "script"):
        n = node("import random, string, code\nprint(random.random() < 2, string.digits, code.interact is not None)\n" +
                 ECHO, name=name).begin()
        module, path, item = shown(n)
        assert (path, item) == (os.path.join(n.code, name), "a")
        assert module == "prs_entry" or name == "test.py"  # nobody imports Python's own `test`
        assert n.read("out") == "True 0123456789 True\n"
    n = node(ECHO, files={"score/__init__.py": "print('wrong one')"}).begin()
    assert shown(n)[1] == n.code + "/score.py"
    assert n.read("out") == ""
    n = node(ECHO, name="code/entry.py").begin()
    assert shown(n)[1] == n.code + "/code/entry.py"


def test_main_guard_is_not_run(node):
    n = node(ECHO + "if __name__ == '__main__':\n    raise SystemExit('main')\n").begin()
    assert shown(n)[0] == "score"


def test_missing_file(node):
    code, message = node(ECHO, entry="other.py").init_failure()
    assert code == 153 and "no such entry script" in message and "other.py" in message


# ---- run()


def test_arguments_of_run(node):
    context = "return [context.minibatch_index, context.partition_key_value, context.dataset.to_path(), context.global_row_index_lower_bound]"
    for text in ("def run(a, context): " + context, "def run(*a):\n    context = a[1]\n    " + context,
                 "def run(a, *, context): " + context,
                 "def run(a, *, mini_batch_context=None):\n    context = mini_batch_context\n    " + context,
                 "def run(a, context=None): " + context,
                 "def run(a, b=1, *, context): " + context,
                 "def f(a, context, k): %s\nimport functools\nrun = functools.partial(f, k=3)" % context,
                 "def f(k, a, context): %s\nimport functools\nrun = functools.partial(f, 3)" % context,
                 "class C:\n    def __call__(self, a, context): %s\nrun = C()" % context,
                 "class C:\n    def go(self, a, context): %s\nrun = C().go" % context,
                 "class C:\n    @staticmethod\n    def go(a, context): %s\nrun = C.go" % context):
        assert node(text).begin().rows(["x"], number=5) == b"5\nNone\n['x']\n0\n", text


def test_run_with_the_mini_batch_alone(node):
    decorated = "import functools\ndef wrap(f):\n    @functools.wraps(f)\n    def inner(*a, **k): return f(*a, **k)\n    return inner\n"
    for text in ("def run(a): return [a.task_id]", "def run(data, **more): return [data.task_id, *more]",
                 "def run(a, *, threshold=0.5): return [a.task_id]",
                 decorated + "@wrap\ndef run(a): return [a.task_id]",
                 "class C:\n    def go(self, a): return [a.task_id]\nrun = C().go",
                 "class C:\n    def __call__(self, a): return [a.task_id]\nrun = C()", "run = lambda a: [a.task_id]",
                 "run = list",
                 "import functools\nrun = functools.partial(lambda k, a: [a.task_id], 1)",
                 "def run(a, /): return [a.task_id]"):
        want = b"x\n" if text == "run = list" else b"5\n"
        assert node(text).begin().rows(["x"], number=5) == want, text


def test_no_run(node):
    for text, code, part in (("x = 1", 154, "no function run"),
                             ("run = 3", 154, "run in the entry script is no function but a int"),
                             ("def run(): return []", 154, "takes no argument"),
                             ("def run(a, b, c): return []", 154, "takes 3 arguments"),
                             ("def run(a, *, model): return []", 154, "keyword argument model"),
                             ("async def run(a): return []", 109, "asyncio.run()"),
                             ("async def run(a): yield 1", 109, "asyncio.run()"),
                             ("import functools\nasync def f(k, a): return []\nrun = functools.partial(f, 1)", 109,
                              "asyncio.run()"),
                             ("class C:\n    async def __call__(self, a): return []\nrun = C()", 109, "asyncio.run()"),
                             ("class C:\n    async def go(self, a): return []\nrun = C().go", 109, "asyncio.run()")):
        got, message = node(text).init_failure()
        assert (got, part in message) == (code, True), (text, message)
    sync = "import asyncio, functools\ndef sync(f):\n    @functools.wraps(f)\n    def inner(a): return asyncio.run(f(a))\n    return inner\n"
    assert node(sync + "@sync\nasync def run(a): return a").begin().rows(["x"]) == b"x\n"


def test_mini_batch_and_context(node):
    n = node("def run(mini_batch, context): return [mini_batch, type(mini_batch[:1]), context, isinstance(mini_batch, list), str(mini_batch.task_id)]").begin()
    got = shown(n, ["/a", "/b"])
    assert got == ["<mini-batch 0: 2 items ['/a', '/b']>", "<class 'list'>",
                   "<mini-batch context: minibatch_index=0, partition_key_value=None, dataset=<2 files>, "
                   "global_row_index_lower_bound=0>", "True", "0"]
    n = node("def run(mini_batch, context): return [context.partition_key_value]").begin()
    assert n.rows(keys=b"user\0sann\0genre\0s\xff\0day\0d2020-02-29T00:00:01\0") == b"{'user': 'ann', 'genre': '\xff', 'day': datetime.datetime(2020, 2, 29, 0, 0, 1)}\n".replace(b"\xff", b"\\udcff")
    assert n.rows(keys=b"i\0i-9223372036854775808\0f\0f1e-05\0g\0f-inf\0t\0btrue\0u\0bfalse\0n\0n\0") == \
        b"{'i': -9223372036854775808, 'f': 1e-05, 'g': -inf, 't': True, 'u': False, 'n': None}\n"


# ---- processes of the script's own


def test_pools(node):
    """Functions of the script unpickle in children; what it imports of the original is there too."""
    n = node("""
        import multiprocessing, sys
        from concurrent.futures import ProcessPoolExecutor
        from azureml.core import Model
        from azureml_user.parallel_run import EntryScript
        def square(x): return x * x, Model.get_model_path("m"), EntryScript().agent_name, sys.argv[-1]
        def run(mini_batch):
            how = multiprocessing.get_context(mini_batch[0])
            with how.Pool(2) as pool: a = pool.map(square, [2, 3])
            with ProcessPoolExecutor(2, mp_context=how) as pool: b = list(pool.map(square, [4]))
            return a + b
    """, model="m=/models/m").begin()
    want = "".join("(%d, '/models/m', 'process000', '1')\n" % (x * x) for x in (2, 3, 4)).encode()
    for how in ("fork", "spawn", "forkserver"):
        assert n.rows([how]) == want
    assert n.end() == 0


def test_pools_of_scripts_with_a_name_of_others(node):
    script = """
        import multiprocessing
        def square(x): return x * x
        def run(mini_batch):
            with multiprocessing.get_context("spawn").Pool(1) as pool: return pool.map(square, [2, 3])
    """
    for name in ("string.py", "batch-score.py", "src/deep/entry.py"):
        assert node(script, name=name).begin().rows() == b"4\n9\n"


def test_processes_that_know_sys_path_only(node):
    """As those of joblib: they do not run the main module of their parent again."""
    script = """
        import json, subprocess, sys
        from azureml_user.parallel_run import EntryScript
        from azureml.core import Model, Run
        import azureml.core.run
        def square(x): return x * x, Model.get_model_path("m"), EntryScript().agent_name, azureml.core.run.Run is Run
        CHILD = "import json, sys; sys.path = json.loads(sys.argv[1]); m = __import__(sys.argv[2]); print(m.square(3), m.__name__)"
        def run(mini_batch):
            return [subprocess.run([sys.executable, "-c", CHILD, json.dumps(sys.path), __name__], stdout=subprocess.PIPE, check=True).stdout.decode().strip()]
    """
    for name, module in (("score.py", "score"), ("batch-score.py", "prs_entry"), ("string.py", "prs_entry")):
        n = node(script, name=name, model="m=/models/m").begin()
        assert n.rows() == b"(9, '/models/m', 'process000', True) %s\n" % module.encode()
    n = node("import os, subprocess, sys\ndef run(a):\n    env = dict(os.environ, PYTHONPATH=sys.path[-1])\n    del env['PRS_JOB']\n"
             "    return [subprocess.run([sys.executable, '-c', 'import azureml_user'], env=env, stderr=subprocess.PIPE).stderr.decode().splitlines()[-1]]").begin()
    assert n.rows() == b"ImportError: azureml_user of PRS is for the processes of a worker\n"


def test_forked_child_that_returns_does_nothing(node):
    """From run(), init(), the import or shutdown(), by a return or an exception: one answer comes, nothing is printed
    twice, nothing crashes."""
    fork = "pid = os.fork()\n    if pid: os.waitpid(pid, 0)\n    elif %r == 'raise': raise ValueError('in the child')\n"
    for how in ("return", "raise"):
        f = fork % how
        for script in ("import os\ndef run(a):\n    %s    return ['parent' if pid else 'child']" % f,
                       "import os\ndef init():\n    %s\ndef run(a): return ['parent']" % f,
                       "import os\nif 1:\n    %sdef run(a): return ['parent']" % f,
                       "import os\ndef run(a): return ['parent']\ndef shutdown():\n    %s" % f):
            n = node(script).begin()
            assert n.rows() == n.rows() == b"parent\n"
            assert n.end() == 0
            assert n.frame() is None
            assert (n.printed(), os.path.exists(n.dir + "/errors.txt")) == ("", False), script


def test_child_that_keeps_running(node):
    """As the processes of a DataLoader do: they hold the socket; the worker's end does not wait for them."""
    n = node("""
        import multiprocessing, os, threading
        def forever(): threading.Event().wait()
        def init():
            global child
            child = multiprocessing.get_context("fork").Process(target=forever, daemon=True)
            child.start()
        def run(mini_batch): return [child.is_alive()]
    """).begin()
    assert n.rows() == b"True\n"
    assert n.end() == 0


def test_script_that_is_a_link(node):
    """It finds its neighbours where it lies, as with Python; those of the link, too."""
    n = node("import beside, near\ndef run(b): return [beside.x, near.x, __name__]", name="lib/real.py",
             entry="score.py", links={"score.py": "lib/real.py"},
             files={"lib/beside.py": "x = 1", "near.py": "x = 2"}).begin()
    assert n.rows() == b"1\n2\nscore\n"
    n = node("import beside\ndef run(b): return [beside.x, __name__]", name="../far/real.py", entry="src/score.py",
             links={"src/score.py": "../../far/real.py"},
             files={"../far/beside.py": "x = 3", "src/other.py": ""}).begin()
    assert n.rows() == b"3\nsrc.score\n"
