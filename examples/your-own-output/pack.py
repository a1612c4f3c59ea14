"""Compresses each file into the output folder: the script keeps its own output, so it is run with --output-action summary_only."""
import gzip
import os

from azureml_user.parallel_run import EntryScript


def init():
    global output
    output = EntryScript().output_dir


def run(mini_batch):
    for path in mini_batch:
        name = os.path.join(output, os.path.basename(path) + ".gz")
        with open(path, "rb") as source, open(name + ".%d" % os.getpid(), "wb") as target:
            with gzip.GzipFile(filename="", mode="wb", fileobj=target, mtime=0) as packed:
                packed.write(source.read())
        os.replace(name + ".%d" % os.getpid(), name)  # a try that is repeated writes the same file again
    return mini_batch
