# SPDX-License-Identifier: Apache-2.0
"""docs/screens.md from real runs: screens.py PRS >docs/screens.md

Jobs run in a scratch folder on a pty so wide that no path of this machine wraps a line; what the terminal shows at the interesting moments is kept. Paths, times, rates and the stamps
of runs are replaced by fixed ones, so that the page only changes when a screen does.
"""
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time

DEADLINE = 120
COLUMNS = 200

SCRIPT = '''\
import os
import time


def run(mini_batch):
    rows = []
    for path in mini_batch:
        with open(path) as f:
            celsius = float(f.read())
        rows.append("%s: %.1f F" % (os.path.basename(path), celsius * 1.8 + 32))
    while mini_batch.task_id >= 5 and not os.path.exists("../../../../open"):
        time.sleep(0.01)
    return rows
'''
JOB = '''\
type: parallel
inputs:
  readings: {type: uri_folder, path: ./readings}
outputs:
  rows: {type: uri_file, path: ./rows.txt}
input_data: ${{inputs.readings}}
mini_batch_size: "2"
max_concurrency_per_instance: 2
retry_settings: {max_retries: 0, timeout: 30}
task:
  type: run_function
  code: ./code
  entry_script: fahrenheit.py
  append_row_to: ${{outputs.rows}}
'''
BROKEN = (JOB.replace("mini_batch_size", "mini_batch_sise").replace("max_retries: 0", "max_retries: two")
          .replace("fahrenheit.py", "farenheit.py").replace("./readings}", "./reading}"))

# What a screen shows of this machine and this moment.
STABLE = (
    (r"-20\d{6}-\d{6}-[a-z]{3}", "-20250131-120000-abc"),
    (r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d", "2025-01-31 12:00:00"),
    (r"of \S*/python[0-9.]* \(\S+\)", "of /usr/bin/python3 (PATH)"),
    (r"(python        )\S+ \(\S+\)", r"\1/usr/bin/python3 (PATH)"),
    (r"\bin [\d.:]+ s, [\d.,]+ items/\w+, busy \d+%", "in 12.4 s, 3.1 items/s, busy 88%"),
    (r"(time          )[\d.:]+ s, [\d.,]+ items/\w+, busy \d+%", r"\g<1>12.4 s, 3.1 items/s, busy 88%"),
    (r"(time          )[\d.:]+ s, busy \d+%", r"\g<1>12.4 s, busy 88%"),
    (r"\[[█▉-▏]+ +\]", "[████████▎           ]"),
    (r"[\d.]+/(s|min|h)  \d+:\d\d  ETA \d+:\d\d", "1.0/s  0:12  ETA 0:14"),
    (r"running for [\d.]+ s", "running for 12 s"),
    (r"( run +)[\d.:]+( s)?(?=  )", lambda m: m.group(1).rstrip() +
     "12 s".rjust(len(m.group(0)) - len(m.group(1).rstrip()))),
    (r"pid \d+ on \S+", "pid 4711 on this-machine"),
    (r", [^,\n]+ ago", ", 12 s ago"),
    (r"(?m)\d+:\d\d(  \S+)  +\d+ (s|min)$", r"0:12\1  12 s"),
    (r"process00\d on", "process001 on"),
    (r"\n +[~^]+(?=\n)", ""),  # Python 3.11 and later
    (r"\d+ bytes", "304 bytes"),
)


class Terminal:
    """What a person sees of a program on a terminal."""

    def __init__(self, prs, folder, words):
        self.master, slave = pty.openpty()
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
        self.text = ""
        env = {"PATH": os.environ["PATH"], "HOME": folder, "TERM": "xterm", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
        self.process = subprocess.Popen([prs, *words], cwd=folder, env=env, stdin=slave, stdout=slave, stderr=slave,
                                        start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)

    def read(self):
        if not select.select([self.master], [], [], 0.05)[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.text += data.decode("utf-8", "replace")
        return bool(data)

    def screen(self):
        lines = []
        for line in self.text.split("\n"):
            parts = re.split("\r", line.rstrip("\r"))
            shown = ""
            for part in parts:  # a carriage return goes back; ESC[K erases the rest of the line
                erased = part.startswith("\033[K") or part.endswith("\033[K")
                part = re.sub(r"\033\[[0-9;]*[A-Za-z]", "", part)
                shown = part if erased else part + shown[len(part):]
            lines.append(shown.rstrip())
        return "\n".join(lines).strip("\n")

    def wait_for(self, pattern):
        end = time.monotonic() + DEADLINE
        while not re.search(pattern, self.screen()):
            if not self.read() or time.monotonic() > end:
                sys.exit("%r did not come; the screen:\n%s" % (pattern, self.screen()))
        return self.screen()

    def type(self, text):
        os.write(self.master, text.encode())

    def finish(self):
        while self.read():
            pass
        os.close(self.master)
        self.process.wait(timeout=DEADLINE)
        return self.screen()


class Page:
    def __init__(self, prs, folder):
        self.prs, self.folder = prs, folder

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)

    def start(self, *words):
        return Terminal(self.prs, self.folder, words)

    def run(self, *words):
        return self.start(*words).finish()

    def stable(self, screen):
        screen = screen.replace(os.path.realpath(self.folder), "/home/me/jobs").replace(self.folder, "/home/me/jobs")
        for pattern, text in STABLE:
            screen = re.sub(pattern, text, screen)
        return screen

    def put(self, title, command, screen, say=""):
        print("\n## %s\n" % title)
        if say:
            print(say + "\n")
        print("```\n$ %s\n%s\n```" % (self.stable(command), self.stable(screen)))

    def make(self):
        self.write("code/fahrenheit.py", SCRIPT)
        self.write("fahrenheit.yml", JOB)
        self.write("broken.yml", BROKEN)
        for i in range(24):
            self.write("readings/%02d.txt" % i, "%d" % i if i != 5 else "five")
        print("# Screens\n\nMade by `./dev screens` from real runs; run names, times and rates are replaced. No colours here; on a terminal the bar is green, errors are red.")
        self.put("validate: everything that is wrong, at once", "prs validate broken.yml",
                 self.run("validate", "broken.yml"))
        self.put("plan: what would happen; nothing runs", "prs plan fahrenheit.yml", self.run("plan", "fahrenheit.yml"))
        self.live()
        self.failed()

    def live(self):
        t = self.start("run", "fahrenheit.yml")
        line = r"10/24 items  failed 2 .*ETA \d.*busy 2/2"
        shown = t.wait_for(line + r"(  p: processes)?\s*$")
        self.put("run: while it runs", "prs run fahrenheit.yml", shown,
                 "The first traceback of the script is shown as it happens; the last line is rewritten in place.")
        t.wait_for(line)
        t.type("p")
        shown = t.wait_for(r"(?s)waits for .*last error: [^\n]*\n.*busy 2/2\s*$")
        self.put("run: the key p", "prs run fahrenheit.yml", shown[shown.index("waits for"):],
                 "`p` or the space bar, at any time:")
        self.put("status: while it runs", "prs status", self.run("status"))
        self.put("why: what it waits for", "prs why", self.run("why"))
        self.write("open", "")
        shown = t.finish()
        self.put("run: the end", "prs run fahrenheit.yml", shown[shown.index("Completed"):])
        self.put("status: afterwards", "prs status", self.run("status"))

    def failed(self):
        shown = self.run("run", "fahrenheit.yml", "--set", "outputs.rows.path=./more.txt", "--only-failed", "last")
        self.put("run: what failed once more, and failed",
                 "prs run fahrenheit.yml --set outputs.rows.path=./more.txt --only-failed last", shown)
        self.write("readings/05.txt", "5")
        shown = self.run("run", "fahrenheit.yml", "--set", "outputs.rows.path=./more.txt", "--only-failed",
                         self.first())
        self.put("run: the item is mended", "prs run fahrenheit.yml --set outputs.rows.path=./more.txt --only-failed fahrenheit-20250131", shown)
        self.put("list", "prs list", self.run("list"))

    def first(self):
        return sorted(os.listdir(os.path.join(self.folder, "runs")),
                      key=lambda name: os.stat(os.path.join(self.folder, "runs", name, "RUN")).st_mtime)[0]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        Page(os.path.abspath(sys.argv[1]), os.path.realpath(scratch)).make()
