# SPDX-License-Identifier: Apache-2.0
"""Memory limits and the replacement of leaky processes."""
import glob
import json
import os
import unittest

from prs_job import JobCase

HOG = """
import os, time
KEEP = []
def run(mini_batch):
    if any(p.endswith("f0003") for p in mini_batch):
        KEEP.append(bytearray(300 << 20))
        time.sleep(600)
    return ["%s %d" % (os.path.basename(p), os.getpid()) for p in mini_batch]
"""


class MemoryTest(JobCase):
    def test_over_the_limit_costs_a_try_and_names_the_peak(self):
        self.files(6)
        self.write("code/score.py", HOG)
        r = self.run_job("--mini-batch-size", "1", "--memory-limit-per-process", "150MB", "--run-max-try", "2")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual([line.split()[0] for line in self.output().splitlines()],
                         ["f0000", "f0001", "f0002", "f0004", "f0005"])
        [path] = glob.glob(os.path.join(self.dir, "runs", "*", "failed_items.jsonl"))
        with open(path) as f:
            [failed] = map(json.loads, f)
        self.assertEqual((failed["tries"], failed["error"]), (2, "MEMORY_LIMIT"))
        self.assertRegex(failed["message"], r"held (1[5-9]\d|[23]\d\d) MB, memory_limit_per_process is 150 MB")

    def test_children_count(self):
        self.files(2)
        self.write("code/score.py", """
import os, subprocess, sys
def run(mini_batch):
    if any(p.endswith("f0001") for p in mini_batch):
        subprocess.run([sys.executable, "-c", "import time; b = bytearray(300 << 20); time.sleep(600)"])
        return None
    return mini_batch
""")
        r = self.run_job("--mini-batch-size", "1", "--memory-limit-per-process", "200MB", "--run-max-try", "1")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(len(self.output().splitlines()), 1)
        [path] = glob.glob(os.path.join(self.dir, "runs", "*", "failed_items.jsonl"))
        with open(path) as f:
            self.assertEqual(json.load(f)["error"], "MEMORY_LIMIT")

    def test_replaced_after_so_many_mini_batches(self):
        self.files(10)
        self.write("code/score.py", "import os\ndef run(mini_batch): return [os.getpid() for _ in mini_batch]\ndef shutdown(): print('ended well')\n")
        r = self.run_job("--mini-batch-size", "1", "--max-mini-batches-per-process", "2", "--processes", "1")
        self.assertEqual(r.returncode, 0, r.stderr)
        pids = self.output().split()
        self.assertEqual(len(pids), 10)
        self.assertEqual([pids.count(p) for p in dict.fromkeys(pids)], [2] * 5)
        [out] = glob.glob(os.path.join(self.dir, "runs", "*", "logs", "user", "stdout", "127.0.0.1",
                                       "process000.stdout.txt"))
        with open(out) as f:
            self.assertGreaterEqual(f.read().count("ended well"), 5)

    def test_leaky_process_is_replaced(self):
        self.files(6)
        self.write("code/score.py", """
import os, threading
LEAK = []
def run(mini_batch):
    LEAK.append(bytearray(b"x" * (60 << 20)))
    if len(LEAK) == 2: threading.Event().wait(3)  # the watch looks meanwhile: every 0.2 s
    return ["%d %d" % (os.getpid(), len(LEAK)) for _ in mini_batch]
""")
        r = self.run_job("--mini-batch-size", "1", "--max-rss-per-process", "100MB", "--processes", "1")
        self.assertEqual(r.returncode, 0, r.stderr)
        rows = [line.split() for line in self.output().splitlines()]
        self.assertEqual(len(rows), 6)
        self.assertGreaterEqual(len({pid for pid, _ in rows}), 3)
        self.assertEqual(max(int(n) for _, n in rows), 2)


if __name__ == "__main__":
    unittest.main()
