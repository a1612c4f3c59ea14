# SPDX-License-Identifier: Apache-2.0
"""The workspace: prs workspace, datastore, dataset, model, environment, component, and their files."""
import glob
import json
import os
import stat
import subprocess
import sys
import textwrap

from prs_job import PRS, JobCase


class RegistryCase(JobCase):
    def setUp(self):
        super().setUp()
        self.put("prs.yml", "defaults: {}\n")
        self.put("data/a.txt", "a")
        self.put("other/b.txt", "b")

    def put(self, name, text):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        return path

    def prs(self, *words, stdin="", expect=0, cwd=None, **env):
        p = subprocess.run([PRS, *words], input=stdin, capture_output=True, text=True, cwd=cwd or self.dir,
                           env={**os.environ, "HOME": self.dir, **env}, timeout=120)
        self.assertEqual(p.returncode, expect, p.stdout + p.stderr)
        return p

    def json(self, *words, **how):
        return json.loads(self.prs(*words, "--json", **how).stdout)

    def rows(self, *words, **how):
        return [json.loads(line) for line in self.prs(*words, "--json", **how).stdout.splitlines()]

    def register(self, *words, kind="dataset", **how):
        return self.json(kind, "register", *words, **how)

    def at(self, *parts):
        return os.path.join(self.dir, ".prs", "workspace", *parts)


class Datasets(RegistryCase):
    def test_versions_count_from_1(self):
        self.assertEqual(self.register("mnist", "--path", "data")["version"], "1")
        self.assertEqual(self.register("mnist", "--path", "other", "--new-version")["version"], "2")
        self.assertEqual(self.json("dataset", "show", "mnist")["version"], "2")
        self.assertEqual(self.json("dataset", "show", "mnist:1")["local"], os.path.join(self.dir, "data"))
        self.assertEqual([e["version"] for e in self.rows("dataset", "list", "mnist")], ["1", "2"])
        self.assertEqual([e["version"] for e in self.rows("dataset", "list")], ["2"])

    def test_the_tenth_is_behind_the_ninth(self):
        for _ in range(11):
            self.register("x", "--path", "data", "--new-version")
        self.assertEqual(self.json("dataset", "show", "x")["version"], "11")

    def test_a_name_that_is_there_asks_for_new_version(self):
        self.register("mnist", "--path", "data")
        same = self.register("mnist", "--path", "data", "--tag", "a=b")
        self.assertEqual((same["version"], same["created"], same["tags"]), ("1", False, {"a": "b"}))
        p = self.prs("dataset", "register", "mnist", "--path", "other", expect=2)
        self.assertIn("dataset mnist is there as version 1 with another definition: --new-version makes version 2",
                      p.stderr)
        self.assertEqual(os.listdir(self.at("datasets", "mnist")), ["1.json"])

    def test_any_name_registers(self):
        for name in ("a b/c", ".hidden", "..", "%41", "größe", "x:1", "a@b"):
            self.register(name, "--path", "data")
            self.assertEqual(self.json("dataset", "show", name)["name"], name)
        names = os.listdir(self.at("datasets"))
        self.assertIn("a%20b%2Fc", names)
        self.assertIn("%2Ehidden", names)
        self.assertEqual({e["name"] for e in self.rows("dataset", "list")},
                         {"a b/c", ".hidden", "..", "%41", "größe", "x:1", "a@b"})

    def test_a_label_belongs_to_one_version(self):
        self.register("m", "--path", "data", "--label", "prod")
        self.register("m", "--path", "other", "--new-version")
        self.assertEqual(self.json("dataset", "show", "m@prod")["version"], "1")
        self.json("dataset", "update", "m:2", "--label", "prod")
        self.assertEqual(self.json("dataset", "show", "m@prod")["version"], "2")
        self.assertEqual(self.json("dataset", "show", "m:1")["labels"], [])
        self.assertEqual(self.json("dataset", "show", "m@latest")["version"], "2")

    def test_archived_versions_keep_their_number(self):
        self.register("m", "--path", "data")
        self.assertEqual(self.json("dataset", "archive", "m")["versions"], ["1"])
        self.assertEqual(self.rows("dataset", "list"), [])
        self.assertIn("archived", self.prs("dataset", "show", "m", expect=2).stderr)
        self.assertEqual(self.json("dataset", "show", "m:1")["archived"], True)
        self.assertEqual(self.register("m", "--path", "other")["version"], "2")
        self.assertEqual(self.json("dataset", "restore", "m:1")["versions"], ["1"])

    def test_from_json_keeps_what_it_does_not_know(self):
        doc = {"description": "d", "tags": {"k": "v"}, "definition": {"type": "tabular", "paths": ["data", "other"], "steps": [{"x": 1}]}}
        made = self.register("t", "--from-json", "-", stdin=json.dumps(doc))
        self.assertEqual(made["definition"]["steps"], [{"x": 1}])
        self.assertEqual(made["locals"], [os.path.join(self.dir, "data"), os.path.join(self.dir, "other")])
        p = self.prs("dataset", "register", "t", "--from-json", "-", stdin='{"tag": {}}', expect=2)
        self.assertIn("tag: no such member", p.stderr)

    def test_unknown_names(self):
        self.register("mnist", "--path", "data")
        self.assertIn("did you mean mnist?", self.prs("dataset", "show", "mnits", expect=2).stderr)
        self.assertIn("has no version 7: there is only 1", self.prs("dataset", "show", "mnist:7", expect=2).stderr)
        self.assertIn("did you mean prs dataset register?", self.prs("dataset", "regster", "x", expect=2).stderr)
        self.assertIn("no such file or folder", self.prs("dataset", "register", "x", "--path", "nowhere", expect=2).stderr)
        self.assertEqual(self.json("dataset", "show", "x", expect=2)["type"], "mistakes")

    def test_damaged_and_foreign_files_are_named_and_passed_over(self):
        self.register("m", "--path", "data")
        self.register("m", "--path", "other", "--new-version")
        for name, text in (("2.json", '{"registry_format": 1'), ("notes.txt", "x"), ("3.json", "[]")):
            self.put(self.at("datasets", "m", name), text)
        p = self.prs("dataset", "show", "m")
        self.assertIn("azureml:m:1 (latest)", p.stdout)
        for name in ("2.json", "notes.txt", "3.json"):
            self.assertIn(name, p.stderr)
        self.assertEqual(self.register("m", "--path", "other", "--new-version")["version"], "4")
        self.assertEqual([e.get("damaged") is not None for e in self.rows("dataset", "list", "m")],
                         [False, True, True, False])
        self.prs("dataset", "show", "m:2", expect=3)

    def test_a_newer_format_is_not_guessed_at(self):
        self.register("m", "--path", "data")
        entry = json.load(open(self.at("datasets", "m", "1.json")))
        self.put(self.at("datasets", "m", "2.json"), json.dumps({**entry, "version": "2", "registry_format": 2}))
        self.assertIn("written by a newer prs", self.prs("dataset", "show", "m:2", expect=3).stderr)

    def test_8_processes_register_1600_versions(self):
        script = 'for i in $(seq 200); do "$0" dataset register m --path data --new-version --json || exit 1; done'
        all = [subprocess.Popen(["bash", "-c", script, PRS], cwd=self.dir, stdout=subprocess.PIPE, text=True,
                                env={**os.environ, "HOME": self.dir}) for _ in range(8)]
        given = [json.loads(line)["version"] for p in all for line in p.communicate()[0].splitlines()]
        self.assertEqual([p.returncode for p in all], [0] * 8)
        self.assertEqual(sorted(map(int, given)), list(range(1, 1601)))
        self.assertEqual(sorted(os.listdir(self.at("datasets", "m"))), sorted("%d.json" % n for n in range(1, 1601)))


class Models(RegistryCase):
    def test_the_files_are_copied(self):
        self.put("model/sub/weights", "w1")
        made = self.register("digits", "--path", "model", kind="model")
        self.put("model/sub/weights", "w2")
        self.assertEqual(open(os.path.join(made["local"], "sub", "weights")).read(), "w1")
        again = self.register("digits", "--path", "model", "--tag", "q=good", kind="model")
        self.assertEqual(again["version"], "2")
        self.assertEqual([e["version"] for e in self.rows("model", "list", "digits", "--tag", "q=good")], ["2"])
        self.assertEqual(self.rows("model", "list", "--tag", "q=bad"), [])

    def test_a_model_is_a_file_of_its_own_name(self):
        self.put("net.pkl", "x")
        self.assertEqual(os.path.basename(self.register("n", "--path", "net.pkl", kind="model")["local"]), "net.pkl")

    def test_a_link_that_leads_back_ends(self):
        self.put("model/a", "x")
        os.symlink("..", os.path.join(self.dir, "model", "back"))
        self.prs("model", "register", "m", "--path", "model", expect=2)
        self.assertFalse(os.path.exists(self.at("models", "m")))


class Others(RegistryCase):
    def test_environments_and_components_get_a_version_when_they_differ(self):
        self.put("c.yml", "type: command\n")
        self.put("d.yml", "type: command\n")
        for kind, flag, paths in (("component", "--file", ("c.yml", "d.yml")), ("environment", "--file", ("c.yml", "d.yml"))):
            made = [self.register("x", flag, path, kind=kind)["version"] for path in (*paths, paths[1])]
            self.assertEqual(made, ["1", "2", "2"])

    def test_datastores(self):
        first = self.json("datastore", "show", "workspaceblobstore")
        self.assertEqual((first["default"], first["from"], os.path.isdir(first["folder"])), (True, "built-in", True))
        made = self.json("datastore", "register", "images", "--folder", "data", "--key-stdin", stdin="very-secret-key\n")
        self.assertEqual((made["folder"], made["has_key"]), (os.path.join(self.dir, "data"), True))
        self.assertEqual(stat.S_IMODE(os.stat(made["key_file"]).st_mode), 0o600)
        self.assertNotIn("very-secret-key", open(self.at("datastores", "images.json")).read())
        uri = "azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/images/paths/sub/a.txt"
        self.assertEqual(self.json("datastore", "resolve", uri)["path"], os.path.join(self.dir, "data/sub/a.txt"))
        self.assertEqual(self.json("datastore", "default", "images")["default"], True)
        self.assertEqual(self.json("workspace", "show")["default_datastore"], "images")
        self.json("datastore", "remove", "images")
        self.assertFalse(os.path.exists(made["key_file"]))
        self.assertTrue(os.path.exists(os.path.join(self.dir, "data/a.txt")))

    def test_a_container_without_a_folder_says_what_to_write(self):
        self.json("datastore", "register", "img", "--type", "azure_blob", "--account", "acc", "--container", "c")
        p = self.prs("datastore", "resolve", "azureml://datastores/img/paths/x", expect=2)
        self.assertIn("datastore img is a blob container (account acc, container c) and has no folder on this machine: "
                      "prs datastore register img --folder DIR, or datastores: {img: DIR} in prs.yml", p.stderr)
        self.put("prs.yml", "datastores: {img: ./other}\n")
        self.assertEqual(self.json("datastore", "show", "img")["from"], "prs.yml")
        self.assertEqual(self.json("datastore", "resolve", "azureml://datastores/img/paths/x")["path"],
                         os.path.join(self.dir, "other/x"))

    def test_a_path_does_not_leave_its_datastore(self):
        self.json("datastore", "register", "d", "--folder", "data")
        self.assertEqual(self.json("datastore", "resolve", "azureml://datastores/d/paths/../../x")["path"],
                         os.path.join(self.dir, "data/x"))

    def test_secrets(self):
        made = self.json("workspace", "secret", "set", "my-key", stdin="s3cret\n")
        self.assertEqual((made["from"], made["variable"]), ("file", "PRS_SECRET_MY_KEY"))
        self.assertEqual(stat.S_IMODE(os.stat(made["file"]).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.dirname(made["file"])).st_mode), 0o700)
        self.assertEqual(open(made["file"]).read(), "s3cret")
        self.register("m", "--path", "data", "--description", "key s3cret, token abcdefgh")
        for p in (self.prs("dataset", "show", "m", PRS_SECRET_X="abcdefgh"),
                  self.prs("dataset", "show", "m", "--json", PRS_SECRET_X="abcdefgh")):
            self.assertIn("key ***, token ***", p.stdout)
        self.assertIn("did you mean my-key?", self.prs("workspace", "secret", "delete", "my-kex", expect=2).stderr)
        self.json("workspace", "secret", "delete", "my-key")
        self.assertEqual(self.rows("workspace", "secret", "list"), [])


class Where(RegistryCase):
    def test_beside_the_nearest_file(self):
        below = os.path.join(self.dir, "a", "b")
        os.makedirs(below)
        self.assertEqual(self.json("workspace", "show", cwd=below)["workspaces"], os.path.join(self.dir, ".prs"))
        self.put("a/config.json", json.dumps({"workspace_name": "ws", "subscription_id": "s", "resource_group": "g"}))
        shown = self.json("workspace", "show", cwd=below)
        self.assertEqual((shown["name"], shown["path"], shown["resource_group"]),
                         ("ws", os.path.join(self.dir, "a/.prs/ws"), "g"))
        self.assertEqual(shown["made"], False)
        self.assertFalse(os.path.exists(shown["workspaces"]))

    def test_a_config_of_something_else_is_passed_over(self):
        for text in ('{"name": "webpack"}', "{", "[]", '{"workspace_name": 7}'):
            self.put("a/config.json", text)
            self.assertEqual(self.json("workspace", "show", cwd=os.path.join(self.dir, "a"))["from"],
                             os.path.join(self.dir, "prs.yml"))

    def test_what_others_can_write_does_not_count(self):
        path = self.put("a/config.json", '{"workspace_name": "ws"}')
        os.chmod(path, 0o666)
        p = self.prs("workspace", "show", cwd=os.path.join(self.dir, "a"))
        self.assertIn("can be written to by everybody", p.stderr)
        self.assertIn("name: workspace", p.stdout)
        self.register("m", "--path", "data")
        os.chmod(os.path.join(self.dir, ".prs"), 0o777)
        self.assertIn("could make you run programs of others", self.prs("dataset", "list", expect=2).stderr)

    def test_variables_and_flag(self):
        self.register("m", "--path", "data", PRS_WORKSPACES=os.path.join(self.dir, "all"))
        self.assertTrue(os.path.exists(os.path.join(self.dir, "all/workspace/datasets/m/1.json")))
        self.register("m", "--path", "data", "--workspace", "two")
        self.register("m", "--path", "data", PRS_WORKSPACE="./place/three")
        self.assertTrue(os.path.exists(os.path.join(self.dir, "place/three/datasets/m/1.json")))
        self.json("workspace", "create", "four five")
        self.assertEqual([w["name"] for w in self.rows("workspace", "list")], ["four five", "two"])

    def test_git_keeps_no_secret(self):
        self.register("m", "--path", "data")
        with open(self.at(".gitignore")) as f:
            self.assertLess({"/secrets/", "/keys/", "/data/", "/files/"}, set(f.read().split()))

    def test_a_workspace_that_cannot_be_written(self):
        if os.geteuid() == 0:
            self.skipTest("root may write anywhere")
        self.register("m", "--path", "data")
        os.chmod(self.at("datasets", "m"), 0o555)
        self.addCleanup(os.chmod, self.at("datasets", "m"), 0o755)
        self.prs("dataset", "register", "m", "--path", "other", "--new-version", expect=2)
        self.assertEqual(self.json("dataset", "show", "m")["version"], "1")


SCORE = """
    import os
    def run(mini_batch):
        return [os.path.basename(p) for p in mini_batch]
"""
JOB = """\
type: parallel
inputs: {images: {type: uri_folder, path: "%s"}}
outputs: {rows: {type: uri_file, path: ./rows.txt}}
input_data: ${{inputs.images}}
mini_batch_size: "1"
%s
task: {type: run_function, code: ./code, entry_script: score.py, append_row_to: "${{outputs.rows}}"}
"""


class Jobs(RegistryCase):
    """References in job files and flags."""

    def setUp(self):
        super().setUp()
        self.put("code/score.py", textwrap.dedent(SCORE))

    def run_job(self, path, *words, more="", expect=0, **how):
        self.put("job.yml", JOB % (path, more))
        return self.prs("run", "job.yml", "--python", sys.executable, "--quiet", "--overwrite", *words, expect=expect, **how)

    def job_json(self):
        run = max(glob.glob(os.path.join(self.dir, "runs", "*")), key=os.path.getmtime)
        with open(os.path.join(run, "job.json")) as f:
            return json.load(f)

    def rows_of(self):
        with open(os.path.join(self.dir, "rows.txt")) as f:
            return sorted(f.read().split())

    def test_a_dataset_of_a_job_file(self):
        self.register("mnist", "--path", "data")
        self.register("mnist", "--path", "other", "--new-version", "--label", "prod")
        long = "azureml://subscriptions/s/resourcegroups/g/workspaces/w/data/mnist/versions/1"
        for reference, row, version in (("azureml:mnist", "b.txt", "2"), ("azureml:mnist:1", "a.txt", "1"), (long, "a.txt", "1"),
                                        ("azureml:mnist@prod", "b.txt", "2"), ("azureml:mnist@latest", "b.txt", "2")):
            self.run_job(reference)
            self.assertEqual(self.rows_of(), [row], reference)
            given = self.job_json()["inputs"][0]
            self.assertEqual(given["asset"], "azureml:mnist:" + version)
            self.assertTrue(os.path.isabs(given["path"]))

    def test_flags(self):
        self.register("mnist", "--path", "data")
        self.put("net.pkl", "x")
        self.register("net", "--path", "net.pkl", kind="model")
        words = ["run", "code/score.py", "--python", sys.executable, "--output", "rows.txt", "--overwrite", "--quiet"]
        self.prs(*words, "--input", "azureml:mnist:1", "--model", "m=azureml:net", "--side-input", "labels=azureml:mnist")
        job = self.job_json()
        self.assertEqual(self.rows_of(), ["a.txt"])
        self.assertEqual([job[m][0]["asset"] for m in ("inputs", "models", "side_inputs")],
                         ["azureml:mnist:1", "azureml:net:1", "azureml:mnist:1"])
        self.assertIn("did you mean mnist?", self.prs(*words, "--input", "azureml:mnits", expect=2).stderr)
        self.assertIn("has no version 9", self.prs(*words, "--input", "azureml:mnist:9", expect=2).stderr)
        self.run_job("data", "--input", "images=azureml:mnist", "--model", "m=azureml:net:1")
        self.assertEqual(self.job_json()["models"][0]["asset"], "azureml:net:1")

    def test_a_resume_looks_nothing_up_again(self):
        self.register("mnist", "--path", "data")
        self.run_job("azureml:mnist")
        self.register("mnist", "--path", "other", "--new-version")
        self.prs("resume", "last", "--retry-failed")
        self.assertEqual(self.job_json()["inputs"][0]["asset"], "azureml:mnist:1")

    def test_prs_yml_answers_where_the_workspace_does_not(self):
        self.put("prs.yml", 'assets: {"azureml:mapped:1": ./other}\ndatastores: {store: ./other}\n')
        self.register("mnist", "--path", "data")
        self.run_job("azureml:mapped:1")
        self.assertEqual(self.rows_of(), ["b.txt"])
        self.run_job("azureml://datastores/store/paths/")
        self.assertEqual(self.rows_of(), ["b.txt"])
        self.json("datastore", "register", "store", "--folder", "data")
        self.run_job("azureml://datastores/store/paths/")
        self.assertEqual(self.rows_of(), ["a.txt"])

    def test_what_is_wrong_is_said(self):
        self.register("mnist", "--path", "data")
        self.json("datastore", "register", "img", "--type", "azure_blob", "--account", "acc", "--container", "c")
        for reference, text in (("azureml:mnits", "is not on this machine; did you mean mnist?: map it in"),
                                ("azureml:mnist:7", "dataset mnist has no version 7: there is only 1"),
                                ("azureml://datastores/img/paths/x", "has no folder on this machine: prs datastore register img --folder DIR"),
                                ("azureml://registries/azureml/data/x/versions/1", "is not on this machine")):
            self.assertIn(text, " ".join(self.run_job(reference, expect=2).stderr.split()), reference)
        self.put(self.at("datasets", "mnist", "1.json"), "{")
        self.assertIn("1.json:", self.run_job("azureml:mnist:1", expect=2).stderr)

    def test_an_environment_by_its_interpreter(self):
        self.register("sk", "--python", sys.executable, kind="environment")
        self.put("job.yml", JOB % ("data", "environment: azureml:sk:1"))
        self.prs("run", "job.yml", "--quiet")
        self.assertEqual(self.job_json()["python"], sys.executable)

    def test_an_environment_by_its_packages(self):
        self.put("conda.yml", "dependencies: [python=3.8, {pip: [six==1.16.0]}]\n")
        self.register("sk", "--file", "conda.yml", kind="environment")
        doc = {"definition": {"conda_file": {"dependencies": [{"pip": ["six==1.15.0"]}]}}}
        self.register("js", "--from-json", "-", kind="environment", stdin=json.dumps(doc))
        made = set()  # folders named by the packages
        for name in ("sk", "js"):
            self.put("job.yml", JOB % ("data", "environment: azureml:%s@latest" % name))
            line, = [x for x in self.prs("plan", "job.yml").stdout.splitlines() if x.startswith("  python")]
            self.assertIn("(to be made for 1 package of the job)", line)
            made.add(line)
        self.assertEqual(len(made), 2)

    def test_a_component_of_a_pipeline(self):
        self.put("c/part.yml", "type: command\ninputs: {x: {type: string}}\noutputs: {o: {type: uri_folder}}\n"
                               "command: echo ${{inputs.x}} >${{outputs.o}}/said\n")
        self.register("part", "--file", "c/part.yml", kind="component")
        self.put("pipe.yml", "type: pipeline\njobs:\n  a: {type: command, component: 'azureml:part:1', inputs: {x: hello}, "
                             "outputs: {o: {type: uri_folder, path: ./said}}}\n")
        self.prs("run", "pipe.yml", "--quiet")
        with open(os.path.join(self.dir, "said", "said")) as f:
            self.assertEqual(f.read(), "hello\n")

    def test_the_workspace_is_no_code(self):
        self.put("code/prs.yml", "defaults: {}\n")
        self.register("mnist", "--path", "../data", cwd=os.path.join(self.dir, "code"))
        self.assertTrue(os.path.isdir(os.path.join(self.dir, "code", ".prs")))
        self.run_job("./data")
        run = max(glob.glob(os.path.join(self.dir, "runs", "*")), key=os.path.getmtime)
        self.assertEqual(sorted(os.listdir(os.path.join(run, "code"))), ["prs.yml", "score.py"])
