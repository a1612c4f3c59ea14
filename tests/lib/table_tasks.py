# SPDX-License-Identifier: Apache-2.0
"""Tasks of tables as the engine sends them, over files and schemas that a test writes."""
import json
import os
import struct


class Table:
    """A run folder with one table. ranges of a file: (offset, bytes, row in the file, global row, rows)"""

    def __init__(self, folder, **about):
        self.folder = str(folder)
        os.makedirs(os.path.join(self.folder, "work", "schema"), exist_ok=True)
        self.about = dict({"input": 0, "format": "delimited", "steps": [], "path_column": None, "drop_invalid": False,
                           "mixed": False, "other_way": False, "by_ending": False}, **about)
        self.files, self.schemas, self.rows = [], 0, 0

    def schema(self, text):
        """The number of a schema: JSON, or what json.dumps() takes."""
        with open(os.path.join(self.folder, "work", "schema", "%d.json" % self.schemas), "w") as f:
            f.write(text if isinstance(text, str) else json.dumps(text))
        self.schemas += 1
        return self.schemas - 1

    def file(self, name, data, slices, front=b"", schema=0):
        """A file; slices: (text, rows) of what lies behind `front`, from its beginning."""
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(front + data)
        ranges, offset, row = [], len(front), 0
        for text, rows in slices:
            offset = (front + data).index(text, offset)
            ranges.append((offset, len(text), row, self.rows + row, rows))
            offset, row = offset + len(text), row + rows
        self.rows += row
        self.files.append((path, ranges, schema))
        return path

    @staticmethod
    def entry(path, ranges, schema):
        now = os.stat(path)
        head = struct.pack("<QQII", now.st_size, now.st_mtime_ns // 1000, schema, len(ranges))
        return head + b"".join(struct.pack("<QQQQII", *r, 0) for r in ranges)

    def body(self, files, skip=0):
        """files: (path, ranges, schema)"""
        paths = b"".join(os.fsencode(f[0]) + b"\0" for f in files)
        return struct.pack("<II", len(files), skip) + b"".join(self.entry(*f) for f in files) + paths

    def task(self, files, skip=0, items=None, keys=b"", number=0, kind=1):
        """The payload of a TASK: the rows behind `skip`, or `items` of them."""
        ranges = [r for f in files for r in f[1]]
        if items is None:
            items = sum(r[4] for r in ranges) - skip
        head = struct.pack("<QQIIIHHHHIQ", number, 7, skip, items, items, 1, kind, 0, 0, len(keys), ranges[0][3] + skip)
        return head + keys + self.body(files, skip)

    def mini_batches(self):
        """For each range of each file, its files."""
        return [[(path, [r], schema)] for path, ranges, schema in self.files for r in ranges]

    def setup(self):
        return {"run_folder": self.folder, "table": "data=" + json.dumps(self.about)}
