# SPDX-License-Identifier: Apache-2.0
"""The commands of the quickstart are run as they are printed; links of the documents lead somewhere; what they call an
error is one."""
import os
import re
import subprocess
import sys
import unittest

from prs_job import DEADLINE, PRS, JobCase

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))


def read(*parts):
    with open(os.path.join(ROOT, *parts), encoding="utf-8") as f:
        return f.read()


class DocsTest(JobCase):
    def pasted(self, page):
        """Every block of a page that is marked as sh, pasted into one shell."""
        blocks = re.findall(r"```sh\n(.*?)```", read("docs", page), re.S)
        env = dict(os.environ, PATH=os.path.dirname(os.path.abspath(PRS)) + os.pathsep + os.environ["PATH"])
        r = subprocess.run(["sh", "-e", "-c", "".join(blocks)], cwd=self.dir, env=env, timeout=DEADLINE,
                           stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
        self.assertEqual(r.returncode, 0, r.stderr)
        return r

    def test_quickstart(self):
        r = self.pasted("quickstart.md")
        self.assertTrue(r.stdout.startswith("number-1.txt: 1\nnumber-10.txt: 100\nnumber-100.txt: 10000\n"), r.stdout)
        self.assertIn("90 broken.txt", r.stdout)
        self.assertIn("99 bisected.txt", r.stdout)
        self.assertIn("no seventeen, please", r.stderr)
        self.assertIn("failed", r.stdout)

    def test_the_walk_through_of_a_pipeline(self):
        r = self.pasted("move-a-pipeline.md")
        said = re.search(r"```\n(prs: 2 mistakes\n.*?)```", read("docs", "move-a-pipeline.md"), re.S).group(1)
        self.assertTrue(r.stderr.startswith(said), r.stderr)
        self.assertIn("pipeline.yml: no mistakes\n", r.stdout + r.stderr)
        with open(self.path("nightly/results/nightly/rows.csv")) as f:
            rows = f.read().splitlines()
        self.assertEqual((len(rows), rows[0]), (100, "letter-1.txt,0.55,drop"))
        self.assertIn("\nCompleted: 20 mini-batches, 100 items", r.stderr)

    def test_logs_with_pandas(self):
        block, metrics = re.findall(r"```python\n(.*?)```", read("docs", "logs.md"), re.S)
        self.files(20)
        self.script("from azureml.core import Run\nhere = Run.get_context()\ndef run(b):\n    here.log('size', len(b) + b.task_id)\n    if b[0].endswith('7'): raise ValueError('seven')\n    return b\n")
        self.run_job("--mini-batch-size", "1", "--fail-fast=false")
        block = re.sub('run = ".*"', "run = %r" % self.run_dir(), block)
        r = subprocess.run([sys.executable, "-c", block + metrics], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           universal_newlines=True)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertRegex(r.stdout, r"(?m)^RUN_EXCEPTION +6$")   # 2 mini-batches, 3 tries each
        self.assertRegex(r.stdout, r"(?m)^RUN_EXCEPTION +2$")
        self.assertRegex(r.stdout, r"(?m)^size +10\.5$")  # 1 to 20, each once
        self.assertRegex(r.stdout, r"(?m)^process000 +\d+ ")
        self.assertEqual(sum(map(int, re.findall(r"(?m)^20..-..-.. ..:..:..\S* +(\d+)(?:\.0)?$", r.stdout))), 18, r.stdout)

    def test_scripts_of_the_recipes_are_python(self):
        blocks = re.findall(r"```python\n# (\w+\.py)\n(.*?)```", read("docs", "recipes.md"), re.S)
        self.assertEqual([name for name, _ in blocks], ["classify.py", "pdf_text.py"])
        for name, text in blocks:
            compile(text, name, "exec")
            self.assertIn("prs run " + name, read("docs", "recipes.md"))

    def test_every_page_is_listed_once(self):
        """docs/README.md: for users or for builders."""
        users, builders = read("docs", "README.md").split("## For builders")
        pages = sorted(name for name in os.listdir(os.path.join(ROOT, "docs"))
                       if name.endswith(".md") and name != "README.md")
        listed = lambda text: re.findall(r"(?m)^\| \[[^]]*\]\(([\w-]+\.md)\)", text)
        self.assertEqual(sorted(listed(users) + listed(builders)), pages)
        for name in os.listdir(os.path.join(ROOT, "docs", "design")):
            self.assertIn("(design/%s)" % name, builders)
        for part, text in (("**For users**", users), ("**For builders**", builders)):
            paragraph = read("README.md").partition(part)[2].partition("\n\n")[0]
            for page in listed(text):
                self.assertIn("(docs/%s)" % page, paragraph)

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

    def test_anchors(self):
        """A link to a heading leads to one."""
        broken = []
        for folder in ("", "docs"):
            for name in os.listdir(os.path.join(ROOT, folder)):
                text = read(folder, name) if name.endswith(".md") else ""
                for page, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", text):
                    there = read(folder, page or name)
                    known = [re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-")
                             for h in re.findall(r"(?m)^#+ (.*)$", there)]
                    if anchor not in known:
                        broken.append("%s: %s#%s" % (name, page, anchor))
        self.assertEqual(broken, [])

    def test_keys_of_pipelines(self):
        """The page has a table for each of these places, with all its keys and no other."""
        keys = re.findall(r'^PRS_KEY\((\w+), "([^"]+)"', read("src", "spec", "keys.def"), re.M)
        page = read("docs", "pipelines.md").split("\n## Keys\n")[1]
        tables = dict(re.findall(r"^\| of (?:a )?`?(\w+)`? \| \|\n(.*?)\n\n", page, re.M | re.S))
        for place, title in (("PIPELINE", "pipeline"), ("SETTINGS", "settings"), ("COMMAND", "command")):
            named = set()
            for line in tables[title].split("\n"):
                named |= set(re.findall(r"`([^`]+)`", line.split(" | ")[0]))
            self.assertEqual(named, {key for at, key in keys if at == place}, title)
        self.assertEqual([key for at, key in keys if at == "LIMITS"], ["timeout"])

    def test_flags_of_the_documents_are_flags(self):
        known = set(re.findall(r"--[a-z][a-z-]+", read("docs", "options.md").replace("_", "-")))
        for command in ("run", "resume", "status", "test", "replay", "doctor", "errors", "options"):
            known |= set(re.findall(r"--[a-z][a-z-]+", self.prs("help", command).stdout))
        known |= {"--prefix", "--repeats", "--quick", "--client", "--labels-dir", "--name", "--threshold", "--flag"}
        known |= {"--words"}
        for name in ("quickstart.md", "resume.md", "gpu-and-threads.md", "troubleshooting.md", "migrate.md",
                     "long-jobs.md", "move-a-pipeline.md", "recipes.md", "../README.md"):
            for flag in re.findall(r"(?<![\w-])--[a-z][a-z_-]+", read("docs", name)):
                with self.subTest(name + " " + flag):
                    self.assertTrue(any(k.startswith(flag.replace("_", "-")) or flag.replace("_", "-").startswith(k)
                                        for k in known), flag)


if __name__ == "__main__":
    unittest.main()
