"""Prints from native code, and dies in native code when a file says so: what an unlucky library does."""
import ctypes

libc = ctypes.CDLL(None)


def run(mini_batch):
    for path in mini_batch:
        with open(path, encoding="utf-8") as f:
            text = f.read().strip()
        libc.puts(b"native code looks at " + text.encode())
        libc.fflush(None)
        if text == "crash":
            ctypes.string_at(0)
    return [len(path) > 0 for path in mini_batch]
