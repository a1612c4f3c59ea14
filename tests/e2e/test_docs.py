# SPDX-License-Identifier: Apache-2.0
"""The commands of the quickstart are run as they are printed; links of the documents lead somewhere; what they call an
error is one."""
import os
import re
import subprocess
import unittest

from prs_job import DEADLINE, PRS, JobCase

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))


def read(*parts):
    with open(os.path.join(ROOT, *parts), encoding="utf-8") as f:
        return f.read()


class DocsTest(JobCase):
    def test_quickstart(self):
        blocks = re.findall(r"```sh\n(.*?)```", read("docs", "quickstart.md"), re.S)
        env = dict(os.environ, PATH=os.path.dirname(os.path.abspath(PRS)) + os.pathsep + os.environ["PATH"])
        r = subprocess.run(["sh", "-e", "-c", "".join(blocks)], cwd=self.dir, env=env, timeout=DEADLINE,
                           stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertTrue(r.stdout.startswith("number-1.txt: 1\nnumber-10.txt: 100\nnumber-100.txt: 10000\n"), r.stdout)
        self.assertIn("90 broken.txt", r.stdout)
        self.assertIn("no seventeen, please", r.stderr)
        self.assertIn("failed", r.stdout)

    def test_links(self):
        broken = []
        for folder, _, names in os.walk(ROOT):
            if os.path.relpath(folder, ROOT).split(os.sep)[0].startswith(("build", ".", "dist", "subprojects")):
                continue
            for name in names:
                if not name.endswith(".md"):
                    continue
                for link in re.findall(r"\]\(([^)#]+)[^)]*\)", read(folder, name)):
                    if "://" not in link and not os.path.exists(os.path.join(folder, link)):
                        broken.append("%s: %s" % (os.path.join(os.path.relpath(folder, ROOT), name), link))
        self.assertEqual(broken, [])

    def test_the_screen_of_the_readme_is_a_real_one(self):
        [screen] = [block for block in re.findall(r"```\w*\n(.*?)```", read("README.md"), re.S)
                    if block.startswith("$ prs run")]
        lines, page = screen.splitlines(), read("docs", "screens.md").splitlines()
        self.assertGreater(len(lines), 10)
        self.assertEqual([line for line in lines if line not in page], [])

    def test_exit_statuses_of_the_readme_are_those_of_the_table(self):
        rows = [row.replace("`", "") for row in re.findall(r"(?m)^\| (\d \| .*) \|$", read("README.md"))]
        self.assertEqual(len(rows), 6)
        for command in ("run", "resume"):
            said = re.findall(r"(?m)^  (\d)  (.*)$", self.prs("help", command).stdout.partition("Exit status")[2])
            self.assertEqual([" | ".join(pair) for pair in said], rows)

    def test_flags_of_the_documents_are_flags(self):
        known = set(re.findall(r"--[a-z][a-z-]+", read("docs", "options.md").replace("_", "-")))
        for command in ("run", "resume", "status", "test", "replay", "doctor", "errors", "options"):
            known |= set(re.findall(r"--[a-z][a-z-]+", self.prs("help", command).stdout))
        known |= {"--prefix", "--repeats", "--quick", "--client", "--labels-dir", "--name", "--threshold", "--flag"}
        for name in ("quickstart.md", "resume.md", "gpu-and-threads.md", "troubleshooting.md", "migrate.md",
                     "../README.md"):
            for flag in re.findall(r"(?<![\w-])--[a-z][a-z_-]+", read("docs", name)):
                with self.subTest(name + " " + flag):
                    self.assertTrue(any(k.startswith(flag.replace("_", "-")) or flag.replace("_", "-").startswith(k)
                                        for k in known), flag)


if __name__ == "__main__":
    unittest.main()
