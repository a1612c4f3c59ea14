# SPDX-License-Identifier: Apache-2.0
"""Loading a mini-batch is a step of its own: what goes wrong there is LOAD_FAILED, and the process goes on."""
import os
import struct
import subprocess

from node import PYTHON_DIR, SETUP, TASK

LOAD_FAILED = 105
DAY = b"day\0d2020-02-29T00:00:01\0"
SHADOW = {"datetime.py": "raise RuntimeError('a datetime of the script')"}


def test_error_keeps_the_process(node):
    n = node("def run(mini_batch, context): return [context.partition_key_value]", files=SHADOW).begin()
    assert n.failure(keys=DAY) == (LOAD_FAILED, "RuntimeError: a datetime of the script")
    assert "mini-batch 0, try 1\nTraceback (most recent call last):\n" in n.traces() and "datetime.py\", line 1" in n.traces()
    assert "prs_loader" not in n.traces()
    assert n.rows(keys=b"day\0splain\0") == b"{'day': 'plain'}\n"
    assert n.end() == 0


def test_kind_without_a_reader(node):
    n = node("def run(mini_batch): return mini_batch").begin()
    code, message = n.failure(kind=7)
    assert (code, message.split(":")[0]) == (LOAD_FAILED,
                                             "this loader has no reader for mini-batches of kind 7 (it has 0)")
    assert n.rows() == b"a\n"


def test_error_is_charged_with_no_time_in_run(node):
    """The page says LOAD, then WRITE; run() was not entered."""
    n = node("def run(mini_batch): return 1 / 0").begin()
    n.task(["a"], kind=7)
    payload = n.expect(7)[2]
    start, run, elapsed, _cpu = struct.unpack_from("<QQQQ", payload, 40)
    assert start > 10 ** 15 and run <= elapsed < 60 * 10 ** 6
    assert struct.unpack_from("<H", payload, 76) == (LOAD_FAILED,)


def foreground(python, folder, files, kind, keys=b""):
    """prs_worker.py as `prs replay` starts it."""
    for name, text in files.items():
        (folder / name).write_text(text)
    setup = {"entry": "score.py", "code_root": str(folder), "output_action": "append_row",
             "error_file": str(folder / "errors")}
    frames = b"".join(os.fsencode(word) + b"\0" for pair in setup.items() for word in pair)
    frames = struct.pack("<IHHII", len(frames), SETUP, 0, 0, 0) + frames
    body = struct.pack("<QQIIIHHHHIQ", 3, 7, 0, 0, 1, 1, kind, 0, 0, len(keys), 0) + keys + b"/a\0"
    read, write = os.pipe()
    os.write(write, frames + struct.pack("<IHHII", len(body), TASK, 0, 0, 0) + body)
    os.close(write)
    r = subprocess.run([python, os.path.join(PYTHON_DIR, "prs_worker.py")], pass_fds=[read], cwd=folder,
                       stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, universal_newlines=True,
                       env=dict(os.environ, PRS_FOREGROUND="%d,0,-1" % read))
    os.close(read)
    return r


def test_in_the_foreground(python, tmp_path):
    """The same readers."""
    script = {"score.py": "def run(mini_batch, context): return [context.partition_key_value]"}
    r = foreground(python, tmp_path, script, 0, b"day\0splain\0")
    assert (r.returncode, r.stdout) == (0, "{'day': 'plain'}\n"), r.stderr
    r = foreground(python, tmp_path, script, 7)
    assert r.returncode == 1 and "loading mini-batch 3 (1 item) failed:\nthis loader has no reader for mini-batches of kind 7" in r.stderr
    r = foreground(python, tmp_path, dict(script, **SHADOW), 0, DAY)
    assert r.returncode == 1 and "RuntimeError: a datetime of the script" in r.stderr
