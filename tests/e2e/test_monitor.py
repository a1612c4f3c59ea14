# SPDX-License-Identifier: Apache-2.0
"""The resource monitor's CSV files and the page that explains the logs."""
import csv
import os

from prs_job import JobCase

NODE = ["Utc Time", "Cpu Percent", "Memory Total (MB)", "Memory Available (MB)", "Memory Used (MB)",
        "Memory Used Percent", "Disk Io Read Count",
        "Disk Io Write Count", "Disk Io Read (MB)", "Disk Io Write (MB)", "Network Sent (MB)", "Network Recv (MB)",
        "# of TCP Connections",
        "# of UDP Connections"]
PROCESSES = ["Utc Time", "Name", "Cpu Percent", "Cpu Time User", "Cpu Time System", "Memory Used Percent",
             "Disk Io Read Count", "Disk Io Write Count",
             "Disk Io Read (MB)", "Disk Io Write (MB)", "Thread Num"]
DISK = ["Utc Time", "Disk (/) Total (MB)", "Used (MB)", "Free (MB)", "Used Percent"]


class MonitorTest(JobCase):
    def read(self, name):
        [run] = os.listdir(os.path.join(self.dir, "runs"))
        with open(os.path.join(self.dir, "runs", run, "logs", "sys", "perf", "127.0.0.1", name)) as f:
            return list(csv.DictReader(f))

    def test_rows_of_machine_and_processes(self):
        self.files(1)
        # the script ends when the monitor has written twice
        self.write("code/score.py", """
import glob, os
RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
def run(mini_batch):
    while True:
        for name in glob.glob(os.path.join(RUN, "logs", "sys", "perf", "*", "processes_resource_usage.csv")):
            if open(name).read().count("process000") >= 2:
                return mini_batch
""")
        r = self.run_job("--resource-monitor-interval", "1", "--run-invocation-timeout", "100", "--processes", "1")
        self.assertEqual(r.returncode, 0, r.stderr)
        node, disk, processes = (self.read(n + ".csv")
                                 for n in ("node_resource_usage", "node_disk_usage", "processes_resource_usage"))
        self.assertEqual([list(node[0]), list(disk[0]), list(processes[0])], [NODE, DISK, PROCESSES])
        with open("/proc/meminfo") as f:
            total = int(f.readline().split()[1]) / 1024
        self.assertAlmostEqual(float(node[0]["Memory Total (MB)"]), total, delta=1)
        self.assertEqual({p["Name"] for p in processes}, {"manager", "process000"})
        busy = [p for p in processes if p["Name"] == "process000"]
        self.assertGreater(float(busy[-1]["Cpu Time User"]) + float(busy[-1]["Cpu Time System"]), 0)
        self.assertGreaterEqual(int(busy[-1]["Thread Num"]), 1)
        self.assertGreater(float(busy[-1]["Memory Used Percent"]), 0)

    def test_off(self):
        self.files(1)
        self.write("code/score.py", "def run(mini_batch): return mini_batch\n")
        self.assertEqual(self.run_job("--resource-monitor-interval", "0").returncode, 0)
        [run] = os.listdir(os.path.join(self.dir, "runs"))
        logs = os.path.join(self.dir, "runs", run, "logs")
        self.assertFalse(os.path.exists(os.path.join(logs, "sys", "perf")))
        with open(os.path.join(logs, "readme.txt")) as f:
            self.assertIn("job_result.txt", f.read())
