# SPDX-License-Identifier: Apache-2.0
"""The life of a worker process: SETUP, import, init(), mini-batches, shutdown()."""
import os
import sys
import time

from prs_loader import batch, channel, rows
from prs_loader.channel import kill_point

# Codes of src/base/errors.def.
RUN_EXCEPTION, RUN_EXIT, USER_RETURN_TYPE, ROW_FORMAT, ASYNC_RUN = 100, 101, 106, 108, 109
INIT_EXCEPTION, INIT_EXIT, IMPORT_FAILED, NO_RUN_FUNCTION, SHUTDOWN_FAILED = 150, 152, 153, 154, 155
OK, SHORT, EMPTY = 0, 1, 2


class Worker:
    def __init__(self, link, setup):
        self.link = link
        self.setup = setup
        self.summary_only = self.one("output_action") == "summary_only"
        self.error_file = self.one("error_file")
        self.submit_dir = self.one("submit_dir")
        self.slot = int(self.one("slot") or 0)
        self.module = None

    def one(self, key):
        values = self.setup.get(key)
        return os.fsdecode(values[-1]) if values else ""

    def every(self, key):
        return [os.fsdecode(v) for v in self.setup.get(key, [])]

    # ---- reports

    def report(self, kind, code, title, error):
        from prs_loader import errors

        text, message = errors.describe(error, self.submit_dir)
        offset, size = errors.append(self.error_file, title, text)
        print(text, file=sys.stderr, flush=True)
        body = message.encode("utf-8", "surrogateescape")[:2000]
        import struct

        self.link.send(kind, struct.pack("<HHIQH", code, 0, size, offset, len(body)) + body)

    def fail(self, task, code, error, times):
        """A failed try: TRY of src/wire/facts.h."""
        import struct

        from prs_loader import errors

        text, message = errors.describe(error, self.submit_dir)
        title = "mini-batch %d, try %d" % (task.id, task.try_number)
        offset, size = errors.append(self.error_file, title, text)
        body = message.encode("utf-8", "surrogateescape")[:4000]
        start_us, run_us, elapsed_us, cpu_us = times
        fixed = bytearray(92)
        struct.pack_into("<QQHBBHHI", fixed, 0, task.id, task.lease, task.try_number, 0, 0, 0, self.slot, 0)
        struct.pack_into("<IIQQQQ", fixed, 32, task.item_first, task.item_count, start_us, run_us, elapsed_us, cpu_us)
        struct.pack_into("<IHBBQI", fixed, 72, 0, code, 1, 1, offset, size)
        payload = bytes(fixed) + struct.pack("<H", len(body)) + body
        kill_point("worker.before_send")
        self.link.send(channel.FAIL, payload, task.claim)
        kill_point("worker.after_send")

    # ---- before the first mini-batch

    def load(self):
        """Import and init(); False when it failed and was reported."""
        from prs_loader import entry

        self.link.phase(channel.INIT)
        root = self.one("code_root")
        name = self.one("entry")
        sys.argv = [os.path.join(root, name)] + self.every("argv")
        begun = time.monotonic_ns()
        try:
            self.module = entry.load(name, root)
            self.call = entry.caller_of(self.module)
        except BaseException as e:  # noqa: BLE001 - also SystemExit at import
            code = NO_RUN_FUNCTION if isinstance(e, entry.NoRun) else ASYNC_RUN if isinstance(e, entry.AsyncRun) else IMPORT_FAILED
            self.report(channel.INIT_FAILED, code, "import of " + name, e)
            return False
        imported = time.monotonic_ns()
        try:
            init = getattr(self.module, "init", None)
            if init is not None:
                init()
        except BaseException as e:  # noqa: BLE001
            self.report(channel.INIT_FAILED, INIT_EXIT if isinstance(e, (SystemExit, KeyboardInterrupt)) else INIT_EXCEPTION, "init()", e)
            return False
        import struct

        done = time.monotonic_ns()
        self.link.phase(channel.IDLE)
        self.link.send(channel.READY, struct.pack("<QQ", (imported - begun) // 1000, (done - imported) // 1000))
        return True

    # ---- a mini-batch

    def run(self, task, done=channel.struct.Struct("<QQHBBHHIIQQIIIIIIQQQQ")):
        link = self.link
        wall = time.time_ns() // 1000
        begun = time.monotonic_ns()
        cpu = time.process_time_ns()
        link.begin(task, wall)
        paths = [os.fsdecode(p) for p in task.paths.split(b"\0")[:-1]]
        mini_batch = batch.MiniBatch(paths)
        mini_batch.task_id = task.id
        context = batch.Context(task.id, task.global_row)
        link.phase(channel.RUN)
        kill_point("worker.before_run")
        started = time.monotonic_ns()
        error = None
        try:
            items = rows.items_of(self.call(mini_batch, context), self.summary_only)
        except rows.ReturnTypeError as e:
            error, code = e, USER_RETURN_TYPE
        except Exception as e:  # noqa: BLE001 - the user's
            error, code = e, RUN_EXCEPTION
        except BaseException as e:  # noqa: BLE001 - SystemExit, KeyboardInterrupt
            error, code = e, RUN_EXIT
        ended = time.monotonic_ns()
        if os.getpid() != link.pid:
            os._exit(0)
        link.phase(channel.WRITE)
        kill_point("worker.after_run")
        data, count = b"", 0
        if error is None:
            try:
                if self.summary_only:
                    count = len(items)
                else:
                    data, count = rows.to_bytes(items)
            except Exception as e:  # noqa: BLE001 - the user's __str__
                error, code = e, ROW_FORMAT
        self.flush()
        now = time.monotonic_ns()
        times = (wall, (ended - started) // 1000, (now - begun) // 1000, (time.process_time_ns() - cpu) // 1000)
        if error is not None:
            self.fail(task, code, error, times)
            link.phase(channel.IDLE)
            return code != RUN_EXIT
        status = OK if count >= task.items else SHORT if count else EMPTY
        head = done.pack(task.id, task.lease, task.try_number, status, 0, 0, self.slot, 0, 0, 0, len(data), 0, 0, task.item_first,
                         task.item_count, min(count, 0xffffffff), min(count, 0xffffffff), *times)
        kill_point("worker.before_send")
        if len(data) <= channel.ROWS_INLINE_MAX:
            link.send(channel.RESULT, head + data, task.claim)
        else:
            self.send_large(task, head, data)
        kill_point("worker.after_send")
        link.phase(channel.IDLE)
        return True

    def send_large(self, task, head, data):
        fd = os.memfd_create("rows", os.MFD_CLOEXEC)
        view = memoryview(data)
        while len(view):
            view = view[os.write(fd, view):]
        self.link.send(channel.RESULT, head, task.claim, channel.FLAG_FD, fd)
        os.close(fd)

    @staticmethod
    def flush():
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:  # noqa: BLE001 - closed or replaced by the script
                pass

    # ---- the end

    def shutdown(self):
        import struct

        self.link.phase(channel.SHUTDOWN)
        stop = getattr(self.module, "shutdown", None)
        try:
            if callable(stop):
                stop()
        except BaseException as e:  # noqa: BLE001 - only warned about
            self.report(channel.BYE, SHUTDOWN_FAILED, "shutdown()", e)
            return
        self.link.send(channel.BYE, struct.pack("<HHIQH", 0, 0, 0, 0, 0))


def _leave(code):
    """Threads of the script do not keep the process: run the exit functions, flush, go."""
    import atexit

    try:
        atexit._run_exitfuncs()
    except BaseException:  # noqa: BLE001
        pass
    Worker.flush()
    os._exit(code)


def _prepare_streams():
    sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
    sys.stderr.reconfigure(line_buffering=True, errors="backslashreplace")
    import faulthandler

    faulthandler.enable()


def main():
    import struct

    fds = [int(v) for v in os.environ.pop("PRS_WORKER_FDS").split(",")]
    link = channel.Channel(*fds)
    _prepare_streams()
    version = ("%d.%d.%d" % sys.version_info[:3]).encode()
    executable = os.fsencode(sys.executable or "")
    struct.pack_into("<II", link.page, 40, os.getpid(), sys.hexversion)
    link.phase(channel.START)
    hello = struct.pack("<IIII", os.getpid(), sys.hexversion, 1, 0)
    hello += struct.pack("<H", len(version)) + version + struct.pack("<H", len(executable)) + executable
    try:
        link.send(channel.HELLO, hello)
        worker = Worker(link, link.setup())
        from prs_loader import hook

        hook.install(worker)
        if not worker.load():
            _leave(1)
        while True:
            task = link.next_task()
            if task is None:
                break
            if not worker.run(task):
                _leave(1)
        worker.shutdown()
        _leave(0)
    except channel.Gone:
        os._exit(0)
