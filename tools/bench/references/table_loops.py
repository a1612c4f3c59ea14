# SPDX-License-Identifier: Apache-2.0
"""Reference: bare Python loops over what a run read: table_loops.py LOADER PRS RUN SCRIPT OUTPUT PROCESSES. Prints the seconds of the
loops, from the first run() to the end of the last.

Of text: the slices of the run, with the reader of the engine's worker; each loop writes a CSV file of its own. Where RUN is a Parquet file: its row groups, read by
pyarrow; each loop writes a Parquet file of its own.
"""
import json
import os
import struct
import subprocess
import sys
import time

from loops import load, number


def slices_of(prs, run):
    """(path, offset, bytes, rows) ..., and the schema, of one input of files."""
    text = subprocess.run([prs, "dump", "plan", run, "--json"], stdout=subprocess.PIPE, check=True).stdout
    found, schema, root, names = [], None, "", []
    for fact in map(json.loads, text.splitlines()):
        if fact["type"] == "INPUT":
            root = fact["root"]
        elif fact["type"] == "FILES":
            names += fact["names"]
        elif fact["type"] == "SCHEMA":
            schema = fact["json"].encode()
        elif fact["type"] == "SLICES":
            path, at = root if os.path.isfile(root) else os.path.join(root, names[fact["file"]]), fact["offset"]
            for rows, size in fact["slices"]:
                found.append((path, at, size, rows))
                at += size
    return found, schema


class Text:
    def __init__(self, slices, schema, output):
        import pandas
        from prs_loader.tables import fast, schema as schemas

        self.slices, self.pandas, self.fast, self.files = slices, pandas, fast, {}
        self.schema, self.output = schemas.read(schema), open(output, "w")

    def read(self, i):
        path, at, size, rows = self.slices[i]
        if path not in self.files:
            self.files[path] = os.open(path, os.O_RDONLY)
        return self.fast.read(self.pandas, os.pread(self.files[path], size, at), self.schema, rows).frame

    def write(self, frame):
        self.output.write(frame.to_csv(index=False, header=False))

    def end(self):
        self.output.close()


class Parquet:
    def __init__(self, path, output):
        import pyarrow.parquet

        self.arrow, self.file, self.path, self.writer = pyarrow, pyarrow.parquet.ParquetFile(path), output, None

    def read(self, i):
        return self.file.read_row_group(i).to_pandas()

    def write(self, frame):
        table = self.arrow.Table.from_pandas(frame, preserve_index=False)
        if not self.writer:
            self.writer = self.arrow.parquet.ParquetWriter(self.path, table.schema)
        self.writer.write_table(table)

    def end(self):
        if self.writer:
            self.writer.close()


def loop(script, work, take, times):
    module = load(script)
    begun = time.monotonic()
    while True:
        word = os.read(take, number.size)
        if not word:
            break
        work.write(module.run(work.read(number.unpack(word)[0])))
    work.end()
    os.write(times, struct.pack("<dd", begun, time.monotonic()))


def main():
    loader, prs, run, script, output, processes = sys.argv[1:7]
    sys.path.insert(0, loader)
    if run.endswith(".parquet"):
        import pyarrow.parquet

        make, count = lambda to: Parquet(run, to), pyarrow.parquet.ParquetFile(run).num_row_groups
    else:
        slices, schema = slices_of(prs, run)
        make, count = lambda to: Text(slices, schema, to), len(slices)
    times, numbers = os.pipe(), os.pipe()
    pids = []
    for i in range(int(processes)):
        pid = os.fork()
        if pid == 0:
            os.close(numbers[1])
            loop(script, make("%s.%d" % (output, i)), numbers[0], times[1])
            os._exit(0)
        pids.append(pid)
    for i in range(count):
        os.write(numbers[1], number.pack(i))
    os.close(numbers[1])
    for pid in pids:
        os.waitpid(pid, 0)
    spans = [struct.unpack("<dd", os.read(times[0], 16)) for _ in pids]
    print(max(s[1] for s in spans) - min(s[0] for s in spans))


if __name__ == "__main__":
    main()
