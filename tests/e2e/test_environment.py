# SPDX-License-Identifier: Apache-2.0
"""What a script finds around it: sys.argv, environment variables, GPUs, threads, ./outputs."""
import glob
import json
import os
import textwrap
import threading
import unittest.mock

from prs_job import JobCase, wait_until

SHOW = """
    import json, os, sys
    def run(mini_batch):
        names = [v.partition("=")[0] for v in open("/proc/self/environ").read().split("\\0")[:-1]]
        return [json.dumps({"argv": sys.argv, "env": dict(os.environ), "cwd": os.getcwd(), "file": __file__, "names": names})]
"""
UNSET = ("AZ_BATCHAI_GPU_COUNT_FOUND", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "MKL_NUM_THREADS",
         "OPENBLAS_NUM_THREADS")


class EnvironmentTest(JobCase):
    def setUp(self):
        super().setUp()
        keep = unittest.mock.patch.dict(os.environ)
        keep.start()
        self.addCleanup(keep.stop)
        for name in UNSET:
            os.environ.pop(name, None)

    def shown(self, *more, files=1):
        """What each mini-batch of one file saw."""
        self.files(files)
        self.write("code/score.py", textwrap.dedent(SHOW))
        r = self.run_job("--mini-batch-size", "1", "--overwrite", *more)
        self.assertEqual(r.returncode, 0, r.stderr)
        return [json.loads(line) for line in self.output().splitlines()]

    def run_folder(self):
        return max(glob.glob(os.path.join(self.dir, "runs", "*")), key=os.path.getmtime)

    def test_argv(self):
        self.write("side/labels.txt", "x")
        [seen] = self.shown("--side-input", "labels_dir=side", "--run-invocation-timeout", "7.5",
                            "--allowed-failed-percent", "50",
                            "--error-threshold", "3", "--logging-level", "DEBUG", "--", "--threshold", "0.5", "a b", "")
        code = os.path.join(self.run_folder(), "work", "code")
        version = self.prs("version").stdout.split()[1]
        self.assertEqual(seen["argv"], [
            os.path.join(code, "score.py"), "--client_sdk_version", version, "--scoring_module_name", "score.py",
                                        "--mini_batch_size", "1",
            "--error_threshold", "3", "--output_action", "append_row", "--logging_level", "DEBUG",
                                        "--run_invocation_timeout", "7.5",
            "--run_max_try", "3", "--create_snapshot_at_runtime", "True", "--append_row_file_name", "out.txt",
                                        "--output", self.dir,
            "--process_count_per_node", "2", "--allowed_failed_count", "-1", "--allowed_failed_percent", "50",
            "--labels_dir", os.path.join(self.dir, "side"), "--threshold", "0.5", "a b", "",
                                        "--input_fds_0", "input_0", "--bf89b5b0_523f_4782_aedc_61bd625ee81a",
                                        seen["argv"][-1]])
        agent = json.loads(seen["argv"][-1])
        self.assertEqual(list(agent), ["agent_name", "gpu_index"])
        self.assertIn(agent, [{"agent_name": "process00%d" % i, "gpu_index": None} for i in (0, 1)])
        self.assertEqual((seen["cwd"], seen["file"]), (code, os.path.join(code, "score.py")))

    def test_argv_without_the_engines(self):
        [seen] = self.shown("--engine-args", "hide", "--", "--threshold", "0.5")
        self.assertEqual(seen["argv"][1:], ["--threshold", "0.5"])

    def test_variables(self):
        self.write("models/m/weights", "1")
        self.write("side/labels.txt", "x")
        self.files(1)
        [seen] = self.shown("--input", "images=in", "--model", "m=models/m", "--side-input", "labels=side",
                            "--env", "COLOUR=red")[:1]
        env, run = seen["env"], self.run_folder()
        want = {"AZUREML_RUN_ID": os.path.basename(run), "AZUREML_BI_OUTPUT_PATH": self.dir, "AZUREML_MODEL_DIR": run +
                "/work/model",
                "AZUREML_CR_NODE_RANK": "0", "AZUREML_ARM_WORKSPACE_NAME": "local",
                "AZUREML_ARM_RESOURCEGROUP": "local",
                "AZUREML_ARM_SUBSCRIPTION": "00000000-0000-0000-0000-000000000000", "AZ_BATCHAI_WORKER_IP": "127.0.0.1",
                "AZ_BATCHAI_OUTPUT_logs": run + "/logs", "AZ_BATCHAI_INPUT_AZUREML": run + "/work/code",
                "AZ_BATCHAI_GPU_COUNT_FOUND": env["AZ_BATCHAI_GPU_COUNT_FOUND"],
                "AZ_BATCHAI_JOB_WORK_DIR": run + "/work/code",
                "AZ_BATCH_IS_CURRENT_NODE_MASTER": "true", "images": self.dir + "/in", "labels": self.dir + "/side",
                "AZURE_ML_INPUT_images": self.dir + "/in", "AZURE_ML_INPUT_labels": self.dir + "/side",
                "COLOUR": "red"}
        self.assertEqual({k: env.get(k) for k in want}, want)
        self.assertEqual(os.listdir(env["AZUREML_MODEL_DIR"]), ["m"])
        self.assertFalse(os.path.islink(env["AZUREML_MODEL_DIR"] + "/m"))
        self.assertEqual(os.path.realpath(env["AZUREML_MODEL_DIR"] + "/m/weights"),
                         os.path.realpath(self.dir + "/models/m/weights"))
        self.assertEqual(json.loads(env["AZUREML_CR_COMPUTE_CONTEXT"]),
                         {"cluster_name": "local", "node_id": {"Literal": "127.0.0.1"}})

    def test_how_many_is_for_the_machine_to_say(self):
        """Nobody said: job.json says nothing, and each life has as many processes as its machine has cores. What a
        script is shown is the number."""
        cores = sorted(os.sched_getaffinity(0))[:2]
        if len(cores) < 2:
            self.skipTest("one core")
        self.files(4)
        self.script("""
            import os, sys, time
            def run(mini_batch):
                open(os.path.join(%r, "ran"), "w").close()
                while not os.path.exists(os.path.join(%r, "go")): time.sleep(0.001)
                return [sys.argv[sys.argv.index("--process_count_per_node") + 1] + " " + os.environ["OMP_NUM_THREADS"]]
        """ % (self.dir, self.dir))
        p = self.start("run", "code/score.py", "--input", "in", "--mini-batch-size", "2", "--output", "out.txt",
                       preexec_fn=lambda: os.sched_setaffinity(0, cores[:1]))
        wait_until(lambda: p.poll() is not None or os.path.exists(self.path("ran")), "it runs")
        p.kill()
        p.wait()
        self.assertIn("1 process of", self.said())
        with open(os.path.join(self.run_dir(), "job.json")) as f:
            self.assertNotIn('"processes"', f.read())
        self.write("go", "")
        os.sched_setaffinity(0, cores)
        self.addCleanup(os.sched_setaffinity, 0, os.sched_getaffinity(0))
        r = self.prs("resume", "last")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.output(), "2 1\n" * 2)
        self.assertEqual([(f["processes"], f["cores"]) for f in self.journal("NODE")], [(1, 1), (2, 2)])

    def test_what_is_set_stays(self):
        os.environ["AZUREML_RUN_ID"] = "mine"
        os.environ["OMP_NUM_THREADS"] = "5"
        [seen] = self.shown("--env", "AZUREML_CR_NODE_RANK=7", "--env", "OMP_NUM_THREADS=3",
                            "--env", "MKL_NUM_THREADS=4")
        names = ("AZUREML_RUN_ID", "AZUREML_CR_NODE_RANK", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
        self.assertEqual([seen["env"][n] for n in names], ["mine", "7", "3", "4"])

    def test_no_name_stands_twice(self):
        """Also inside a worker of another run."""
        os.environ.update(PRS_RUN="outer", PRS_SLOT="9", PRS_JOB="{}", CUDA_VISIBLE_DEVICES="4,6")
        [seen] = self.shown("--env", "COLOUR=red", "--env", "COLOUR=blue")
        self.assertEqual(len(seen["names"]), len(set(seen["names"])))
        self.assertNotIn(seen["env"]["PRS_RUN"], ("outer", ""))
        self.assertIn(seen["env"]["PRS_SLOT"], ("0", "1"))
        self.assertEqual(seen["env"]["COLOUR"], "blue")

    def test_threads(self):
        cores = len(os.sched_getaffinity(0))
        for processes in (1, cores, 2 * cores):
            [seen] = self.shown("--processes", str(processes))
            # a quota of the machine may lower it
            self.assertLessEqual(int(seen["env"]["OMP_NUM_THREADS"]), max(1, cores // processes))
            self.assertEqual(seen["env"]["OMP_NUM_THREADS"], seen["env"]["OPENBLAS_NUM_THREADS"])
        [seen] = self.shown("--threads", "keep")
        self.assertNotIn("OMP_NUM_THREADS", seen["env"])

    def open_when_ready(self, processes):
        """Makes two pipes: "go" can be opened for reading once so many lines were written to "ready"."""
        for name in ("ready", "go"):
            if not os.path.exists(os.path.join(self.dir, name)):
                os.mkfifo(os.path.join(self.dir, name))
        ready = os.open(os.path.join(self.dir, "ready"), os.O_RDWR)

        def wait():
            lines = 0
            while lines < processes:
                lines += os.read(ready, 1).count(b"\n")
            gate.append(os.open(os.path.join(self.dir, "go"), os.O_RDWR))

        gate = [ready]
        threading.Thread(target=wait, daemon=True).start()
        return gate

    def gpus_by_slot(self, processes, *more):
        """CUDA_VISIBLE_DEVICES of every process: none goes on before all have started; one dies and is replaced."""
        self.files(processes)
        self.write("code/score.py", textwrap.dedent("""
            import os
            HERE = os.path.dirname(os.path.abspath(__file__))
            def init():
                with open(os.path.join(HERE, "slot" + os.environ["PRS_SLOT"]), "a") as f:
                    f.write(os.environ.get("CUDA_VISIBLE_DEVICES", "none") + "\\n")
                with open(%r, "w") as f:
                    f.write("here\\n")
            def run(mini_batch):
                open(%r).close()
                try:
                    open(os.path.join(HERE, "died"), "x").close()
                except FileExistsError:
                    return mini_batch
                os._exit(3)
        """ % (self.dir + "/ready", self.dir + "/go")))
        gate = self.open_when_ready(processes)
        r = self.run_job("--mini-batch-size", "1", "--processes", str(processes), "--overwrite", *more)
        self.assertEqual(r.returncode, 0, r.stderr)
        for fd in gate:
            os.close(fd)
        seen = {}
        for path in glob.glob(os.path.join(self.run_folder(), "work", "code", "slot*")):
            with open(path) as f:
                seen[int(path[path.rindex("slot") + 4:])] = set(f.read().split())
        return [seen[i] for i in range(processes)]

    def test_one_gpu_each_and_a_replaced_process_takes_the_freed_one(self):
        os.environ["AZ_BATCHAI_GPU_COUNT_FOUND"] = "3"
        self.assertEqual(self.gpus_by_slot(3), [{"0"}, {"1"}, {"2"}])

    def test_more_processes_than_gpus_share_them(self):
        os.environ["AZ_BATCHAI_GPU_COUNT_FOUND"] = "2"
        self.assertEqual(self.gpus_by_slot(5), [{"0"}, {"1"}, {"0"}, {"1"}, {"0"}])

    def test_gpus_of_a_batch_system(self):
        os.environ["CUDA_VISIBLE_DEVICES"] = "4,6"
        self.assertEqual(self.gpus_by_slot(2), [{"4"}, {"6"}])
        self.assertEqual(self.gpus_by_slot(2, "--env", "CUDA_VISIBLE_DEVICES=4,6"), [{"4,6"}, {"4,6"}])

    def test_as_many_processes_as_gpus(self):
        os.environ["AZ_BATCHAI_GPU_COUNT_FOUND"] = "3"
        self.files(1)
        self.write("code/score.py", textwrap.dedent(SHOW))
        r = self.prs("run", "code/score.py", "--input", "in", "--output", "out.txt")
        self.assertEqual(r.returncode, 0, r.stderr)
        argv = json.loads(self.output())["argv"]
        self.assertEqual(argv[argv.index("--process_count_per_node") + 1], "3")

    def test_outputs_folder(self):
        self.files(1)
        self.write("code/outputs/old.txt", "of the script's folder")
        self.write("code/score.py", textwrap.dedent("""
            import os
            def run(mini_batch):
                os.makedirs("outputs/deep", exist_ok=True)
                open("./outputs/deep/model.txt", "w").write("weights")
                return mini_batch
        """))
        r = self.run_job()
        self.assertEqual(r.returncode, 0, r.stderr)
        for name, text in (("deep/model.txt", "weights"), ("old.txt", "of the script's folder")):
            with open(os.path.join(self.run_folder(), "outputs", name)) as f:
                self.assertEqual(f.read(), text)
