# SPDX-License-Identifier: Apache-2.0
"""The machine went down: what ran then is found in the pages of the workers and journaled as LOST. A killed engine on the same boot loses nothing."""
import ctypes
import os
import signal
import struct

from prs_job import JobCase, wait_until, workers

PROCESSES = 3


def mend_first_frame(data):
    """Checksums of a journal's first frame (docs/formats.md), after a change in it."""
    xxh = ctypes.CDLL("libxxhash.so.0")
    xxh.XXH3_64bits.restype = ctypes.c_uint64
    xxh.XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    n = struct.unpack_from("<I", data, 36)[0]
    struct.pack_into("<I", data, 56, xxh.XXH3_64bits(bytes(data[64:64 + n]), n) & 0xFFFFFFFF)
    struct.pack_into("<I", data, 60, xxh.XXH3_64bits(bytes(data[32:60]), 28) & 0xFFFFFFFF)


class LostTest(JobCase):
    def setUp(self):
        super().setUp()
        self.want = self.files(30)
        self.script("""
            import os, time
            ROOT = %r
            def run(mini_batch):
                open(os.path.join(ROOT, "runs-" + os.path.basename(mini_batch[0])), "w").close()
                while not os.path.exists(os.path.join(ROOT, "go")): time.sleep(0.001)
                return ["%%s: %%s" %% (os.path.basename(p), open(p).read()) for p in mini_batch]
        """ % self.dir)

    def die_while_running(self):
        """The ids that ran."""
        p = self.start(*self.words, "--processes", str(PROCESSES))
        def running():
            names = [n for n in os.listdir(self.dir) if n.startswith("runs-")]
            return names if len(names) == PROCESSES else None
        names = wait_until(running, "%d mini-batches run" % PROCESSES)
        children = workers(p.pid)
        p.send_signal(signal.SIGKILL)
        p.wait()
        wait_until(lambda: not any(os.path.exists("/proc/%d" % c) for c in children), "the workers die with their engine")
        self.write("go", "")
        return sorted(int(n[-4:]) // 7 for n in names)

    def resume(self):
        r = self.prs("resume", "last")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), self.want)

    def test_another_boot(self):
        ids = self.die_while_running()
        path = os.path.join(self.run_dir(), "journal-1")
        with open("/proc/sys/kernel/random/boot_id", "rb") as f:
            boot = f.read().strip()
        with open(path, "r+b") as f:
            data = bytearray(f.read())
            at = data.index(boot)
            data[at:at + 1] = b"z"
            mend_first_frame(data)
            f.seek(0)
            f.write(data)
        self.resume()
        [lost] = self.journal("LOST")
        self.assertEqual(sorted(u["id"] for u in lost["running"]), ids)
        self.assertEqual(self.journal("TRY"), [])

    def test_the_same_boot(self):
        self.die_while_running()
        self.resume()
        self.assertEqual(self.journal("LOST"), [])
        self.assertEqual(self.journal("TRY"), [])
