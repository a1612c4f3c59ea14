# SPDX-License-Identifier: Apache-2.0
"""Checks that includes point down, that run/ prints nothing, and that only io/ touches files of the system: python3 tools/check_includes.py SRC.

Exit status 1 and file:line for each place that does not.
"""
import os
import re
import sys

SIBLINGS = ("spec", "data", "flow", "sched", "pool", "store", "report", "registry", "io")
ALLOWED = {"base": {"base"}, "wire": {"base", "wire"}}
for name in SIBLINGS:
    ALLOWED[name] = {"base", "wire", name}
ALLOWED["node"] = {"base", "wire", "node", "pool", "io"}
ALLOWED["master"] = {"base", "wire", "node", "master", *SIBLINGS}
ALLOWED["pipeline"] = {"base", "wire", "flow", "io", "store", "spec", "report", "pipeline"}
ALLOWED["run"] = ALLOWED["master"] | {"pipeline", "run"}
ALLOWED["cli"] = ALLOWED["run"] | {"cli"}
# Only io/ sees these; sys/socket.h and friends come with it.
IO_ONLY = {"uv.h", "spawn.h", "sys/socket.h", "sys/epoll.h", "sys/eventfd.h", "pthread.h"}
# These reach files through struct prs_fs, or functions of io/, so that a test can make each call fail.
NO_FILES = {"master", "node", "pipeline", "store", "data", "report", "flow", "sched", "pool", "registry", "wire"}
# Front ends of all kinds stand in front of run/: it prints nothing and knows no command line.
NO_WORDS = {"run"}
WORDS = re.compile(r"\b(v?f?printf|dprintf|puts|fputs|putchar|perror|stdout|stderr|cli_\w+)\b")
FILE_CALL = re.compile(r"(?<![\w>.])(open|openat|creat|read|pread|write|pwrite|close|unlink|rename|mkdir|rmdir|stat|lstat|fstat|truncate|"
                       r"ftruncate|fsync|fdatasync|mmap|munmap|eventfd|pipe2?|opendir|readdir|fopen|access|readlink|symlink)\(")


def check(src):
    bad = 0
    for folder, _, files in os.walk(src):
        top = os.path.relpath(folder, src).split(os.sep)[0]
        for name in files:
            if not name.endswith((".c", ".h")):
                continue
            path = os.path.join(folder, name)
            with open(path, encoding="utf-8") as f:
                for number, line in enumerate(f, 1):
                    m = re.match(r'\s*#\s*include\s+(?:"([a-z_]+)/[^"]+"|<([^>]+)>)', line)
                    if m and m.group(1) and m.group(1) not in ALLOWED.get(top, ()):
                        print(f"{path}:{number}: {top}/ may not include from {m.group(1)}/: includes point down")
                        bad += 1
                    if m and m.group(2) in IO_ONLY and top != "io":
                        print(f"{path}:{number}: only io/ may include <{m.group(2)}>")
                        bad += 1
                    bare = re.sub(r'"(\\.|[^"\\])*"|/\*.*?\*/', "", line)
                    said = WORDS.search(bare) if top in NO_WORDS and "format(printf" not in line else None
                    if said and not line.lstrip().startswith(("/*", "*")):
                        print(f"{path}:{number}: {said.group(1)} in {top}/: findings go into errors and buffers, progress to `say`")
                        bad += 1
                    call = FILE_CALL.search(bare) if top in NO_FILES else None
                    if call and not line.lstrip().startswith("*"):
                        print(f"{path}:{number}: {call.group(1)}() of the system in {top}/: through struct prs_fs or io/")
                        bad += 1
    return bad


if __name__ == "__main__":
    sys.exit(1 if check(sys.argv[1]) else 0)
