# SPDX-License-Identifier: Apache-2.0
"""Large rows come through a passed descriptor; one that does not give what was announced costs its mini-batch a try,
and the job ends."""
from prs_job import JobCase

PROTOCOL = 12
BROKEN = """
    import os, sys
    MARK = %r
    worker = sys.modules["prs_loader.worker"]
    real = worker._unnamed_file
    def run(mini_batch):
        worker._unnamed_file = real
        rows = ["%%s: %%s" %% (os.path.basename(p), open(p).read()) for p in mini_batch]
        if any(p.endswith("f0008") for p in mini_batch) and not os.path.exists(MARK):
            %s
            worker._unnamed_file = lambda: os.open("/dev/null", os.O_RDWR)
            return ["x" * (2 << 20)] + rows[1:]
        return rows
"""


class RowsTest(JobCase):
    def test_a_descriptor_without_the_rows_once(self):
        want = self.files(30)
        self.script(BROKEN % (self.path("mark"), "open(MARK, 'w').close()"))
        r = self.run_job()
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), want)
        [t] = self.journal("TRY")
        self.assertEqual((t["id"], t["code"], t["counted"]), (1, PROTOCOL, 1))
        self.assertIn("2097", t["message"])

    def test_a_descriptor_without_the_rows_always(self):
        want = self.files(30).splitlines(True)
        self.script(BROKEN % (self.path("mark"), "pass"))
        r = self.run_job()
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), "".join(want[:7] + want[14:]))
        self.assertEqual([t["try"] for t in self.journal("TRY")], [1, 2, 3])
        [f] = self.journal("FAILED")
        self.assertEqual((f["id"], f["code"]), (1, PROTOCOL))

    def test_large_rows_in_order(self):
        self.files(30)
        self.script("""
            import os
            def run(mini_batch):
                return [os.path.basename(p)[-1] * (300 << 10) for p in mini_batch]
        """)
        r = self.run_job("--processes", "3")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), "".join(str(i % 10) * (300 << 10) + "\n" for i in range(30)))
