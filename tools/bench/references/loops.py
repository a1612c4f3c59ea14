# SPDX-License-Identifier: Apache-2.0
"""Reference: bare Python loops that share the files: loops.py SCRIPT INPUT OUTPUT PROCESSES PER [NAME=MODEL]. Prints the seconds of the loops.

The numbers of the mini-batches lie in a pipe; each loop takes the next one as soon as its init() is over, calls run() and writes the rows to a file
of its own. The seconds are those from the first run() to the end of the last.
"""
import importlib.util
import os
import struct
import sys
import time
import types

number = struct.Struct("<I")


def load(script):
    name = os.path.splitext(os.path.basename(script))[0]
    spec = importlib.util.spec_from_file_location(name, script)
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def batches_of(folder, per):
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    return [paths[i:i + per] for i in range(0, len(paths), per)]


def give_models(models):
    """What the worker-side azureml.core is to a script."""
    model = types.ModuleType("azureml.core.model")
    model.Model = types.SimpleNamespace(get_model_path=models.__getitem__)
    sys.modules.update({"azureml": types.ModuleType("azureml"), "azureml.core": types.ModuleType("azureml.core"),
                        model.__name__: model})


def loop(script, batches, take, output, times):
    sys.stdout = open(output + ".stdout", "w")
    module = load(script)
    if hasattr(module, "init"):
        module.init()
    begun = time.monotonic()
    with open(output, "w") as f:
        while True:
            word = os.read(take, number.size)
            if not word:
                break
            for row in module.run(batches[number.unpack(word)[0]]):
                f.write("%s\n" % row)
    os.write(times, struct.pack("<dd", begun, time.monotonic()))
    if hasattr(module, "shutdown"):
        module.shutdown()


def main():
    script, folder, output, processes, per = sys.argv[1:4] + [int(v) for v in sys.argv[4:6]]
    give_models(dict(word.split("=", 1) for word in sys.argv[6:]))
    batches = batches_of(folder, per)
    times, numbers = os.pipe(), os.pipe()
    pids = []
    for i in range(processes):
        pid = os.fork()
        if pid == 0:
            os.close(numbers[1])
            loop(script, batches, numbers[0], "%s.%d" % (output, i), times[1])
            sys.stdout.flush()
            os._exit(0)
        pids.append(pid)
    for i in range(len(batches)):
        os.write(numbers[1], number.pack(i))
    os.close(numbers[1])
    for pid in pids:
        os.waitpid(pid, 0)
    spans = [struct.unpack("<dd", os.read(times[0], 16)) for _ in pids]
    print(max(s[1] for s in spans) - min(s[0] for s in spans))


if __name__ == "__main__":
    main()
