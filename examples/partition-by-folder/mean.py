"""The mean of all readings of a station: its files are one mini-batch, wherever they lie."""


def run(mini_batch, context):
    readings = []
    for path in mini_batch:
        with open(path) as f:
            readings += [float(line) for line in f]
    keys = context.partition_key_value
    return ["%s: %.2f from %d files" % (keys["station"], sum(readings) / len(readings), len(mini_batch))]
