# SPDX-License-Identifier: Apache-2.0
"""The life of a worker process: SETUP, import, init(), mini-batches, shutdown()."""
import _signal  # without the enums of the module on top of it
import os
import struct
import sys

from prs_loader import batch, channel, rows, wire
from prs_loader.channel import has_kill_points, kill_point
from prs_loader.job import Job
from prs_loader.real import real
from prs_loader.wire import DONE_BYTES, EMPTY, FLAG_FD, OK, RESULT, ROWS_INLINE_MAX, RUN, SHORT, TIME_MASK, WRITE

_pack_result = wire.result.pack
# What an exception of the script ends with.
_RAISED = (wire.IMPORT_FAILED, wire.INIT_EXCEPTION, wire.RUN_EXCEPTION, wire.ROW_FORMAT)
_COUNT_MAX = 0xffffffff
_STDERR = 2  # the process's file, whatever sys.stderr is


class Worker:
    def __init__(self, link, job):
        self.link = link
        self.job = job
        self.summary_only = job.one("output_action") == "summary_only"
        self.slot = int(job.one("slot") or 0)
        self.kill_points = has_kill_points(job)
        self.module = None
        self.cpu = 0  # process time at the end of the last mini-batch

    # ---- reports

    def describe(self, title, error, code, mini_batch=(), task=None):
        """Traceback into the error file and the stderr file: (code, (offset, bytes, message, full disk) as in reports).
        The code of what the script raised is another one for a name of azureml.* that is missing everywhere."""
        self.link.end_child()
        self.link.use_reserve()
        from prs_loader import errors, which

        root = self.job.one("code_root")
        at = which.line(error, mini_batch, root) if task is None or task.kind == wire.KIND_FILES else which.rows(task)
        text, message = errors.describe(error, errors.places_of(self.job), at)
        offset, size = errors.append(self.job.one("error_file"), title, text)
        self.flush()
        errors.say(text)
        full = errors.full_disk(error)
        if code in _RAISED and errors.lacks_azure_name(error) is not None:
            code = wire.AZURE_NAME
        return code, (offset, size, errors.encoded(message), wire.full_disk(*full[:2]) if full else b"")

    def report(self, kind, code, title, error):
        code, described = self.describe(title, error, code)
        self.link.send(kind, wire.report(code, *described))

    def fail(self, task, code, error, times, mini_batch):
        """Report a failed try."""
        code, described = self.describe("mini-batch %d, try %d" % (task.id, task.try_number), error, code, mini_batch, task)
        from prs_loader import errors

        kind = errors.kind(error, self.job.one("code_root"))
        payload = wire.failure(task, self.slot, code, times, *described, kind, getattr(error, "bad_item", 0))
        if self.kill_points:
            kill_point("worker.before_send")
        self.link.send(wire.FAIL, payload, task.claim)
        if self.kill_points:
            kill_point("worker.after_send")
        self.link.keep_reserve()

    def say(self, kind, sentence):
        from prs_loader import errors

        errors.say("prs: " + sentence)
        self.link.send(wire.NOTE, wire.note(kind, errors.encoded(sentence)))

    # ---- before the first mini-batch

    def import_script(self):
        from prs_loader import entry, hook

        name, root = self.job.one("entry"), self.job.one("code_root")
        title = "start of the process"
        try:
            found = hook.install(self.job)
            self.readers = batch.readers(self.job, self.say)
            sys.argv = [os.path.join(root, name)] + self.job.arguments()
            module, path = entry.locate(name, root)
            sys.argv[0] = path
            found.entry(module, path)
            self.job.tell_children(alias=[found.alias] if found.alias else [])
            self.rows = rows.of_job(self.job, (root, os.path.dirname(path)))
            title = "import of " + name
            self.module = entry.load(module)
            self.call = entry.caller_of(self.module)
            if self.job.one("profiling_module"):
                from prs_loader import profiling

                self.call = profiling.wrap(self.call, self.job)
        except BaseException as e:  # noqa: BLE001 - also SystemExit at import
            code = {entry.NoRun: wire.NO_RUN_FUNCTION, entry.AsyncRun: wire.ASYNC_RUN}.get(type(e), wire.IMPORT_FAILED)
            self.report(wire.INIT_FAILED, code, title, e)
            return False
        return True

    def init(self):
        from prs_loader import entry

        try:
            entry.call(self.module, "init")
        except BaseException as e:  # noqa: BLE001
            code = wire.INIT_EXCEPTION if isinstance(e, Exception) else wire.INIT_EXIT
            self.report(wire.INIT_FAILED, code, "init()", e)
            return False
        return True

    def load(self):
        """Import and init(); False when it failed and was reported."""
        self.link.phase(wire.INIT)
        begun = real.monotonic_ns()
        if not self.import_script():
            return False
        imported = real.monotonic_ns()
        if not self.init():
            return False
        self.link.end_child()
        done = real.monotonic_ns()
        self.flush()
        self.link.phase(wire.IDLE)
        self.link.send(wire.READY, wire.ready(max(0, imported - begun) // 1000, max(0, done - imported) // 1000))
        return True

    # ---- a mini-batch

    def run(self, task):
        """Run a mini-batch and send what came of it; False: the process must end. Each time is read once and used for
        the page, whose word has the phase above 56 bits of µs, and for the report."""
        link, words, clock = self.link, self.link.words, real.monotonic_ns
        kill_points = self.kill_points
        if link.waited:
            link.waited = False
            self.cpu = real.process_time_ns()
        wall, begun = real.time_ns() // 1000, clock()
        if wall < 0:
            wall = 0
        link.begin(task, wall, begun)
        self.job.task = task
        error, mini_batch, removed = None, (), 0
        try:
            mini_batch, context, removed = self.readers[task.kind](task)
        except BaseException as e:  # noqa: BLE001 - of the user's modules, perhaps
            error, code = e, e.code if isinstance(e, batch.LoadError) else wire.LOAD_FAILED
        started = clock()
        if error is None:
            words[0] = RUN << 56 | started // 1000 & TIME_MASK
            if kill_points:
                kill_point("worker.before_run")
            try:
                if 0 < task.items == removed:
                    items, flags = (), 0  # no rows are left for run()
                else:
                    items, flags = self.rows.items(self.call(mini_batch, context))
            except BaseException as e:  # noqa: BLE001 - the user's; also SystemExit and KeyboardInterrupt
                error, code = e, wire.USER_RETURN_TYPE if isinstance(e, rows.ReturnTypeError) else wire.RUN_EXCEPTION
        ended = clock()
        if real.getpid() != link.pid:
            real.exit(0)
        words[0] = WRITE << 56 | ended // 1000 & TIME_MASK
        if kill_points:
            kill_point("worker.after_run")
        data, head_len, count = b"", 0, 0
        if error is None:
            try:
                count = len(items)
                if not self.summary_only:
                    data, head_len, odd = self.rows.encode(items)
                    flags |= odd
            except BaseException as e:  # noqa: BLE001 - the user's __str__
                error, code = e, wire.ROW_FORMAT
        self.flush()
        now, cpu = clock(), real.process_time_ns()
        times = (wall, (ended - started) // 1000, (now - begun) // 1000, (cpu - self.cpu) // 1000)
        self.cpu = cpu
        if error is not None:
            stays = isinstance(error, Exception)
            self.fail(task, code if stays else wire.RUN_EXIT, error, _not_negative(times), mini_batch)
            # The error refers to this frame and the frame to the error: without this, what run() held would live on
            # until the next collection of garbage.
            error = None
            return stays
        status = EMPTY if not count else OK if count + removed >= task.items else SHORT
        self.send_result(task, status, flags, data, head_len, _counts(count, removed), times)
        return True

    def send_result(self, task, status, flags, data, head_len, counts, times):
        if self.kill_points:
            kill_point("worker.before_send")
        size, unit = len(data), task.unit
        large = size > ROWS_INLINE_MAX
        front = (DONE_BYTES if large else DONE_BYTES + size, RESULT, FLAG_FD if large else 0, task.claim, unit[:16],
                 task.try_number, status, flags, self.slot, size, head_len, unit[16:], *counts)
        try:
            head = _pack_result(*front, *times)
        except struct.error:
            head = _pack_result(*front, *_not_negative(times))
        if large:
            self.send_large(head, data)
        else:
            self.link.send_frame(RESULT, head + data)
        if self.kill_points:
            kill_point("worker.after_send")

    def send_large(self, head, data):
        self.link.use_reserve()
        fd = _unnamed_file()
        view = memoryview(data)
        while len(view):
            view = view[real.write(fd, view):]
        self.link.send_frame(RESULT, head, fd)
        real.close(fd)
        self.link.keep_reserve()

    @staticmethod
    def flush():
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:  # noqa: BLE001 - closed or replaced by the script
                pass

    # ---- the end

    def shutdown(self):
        self.link.phase(wire.SHUTDOWN)
        from prs_loader import entry

        try:
            entry.call(self.module, "shutdown")
        except BaseException as e:  # noqa: BLE001 - only warned about
            self.report(wire.BYE, wire.SHUTDOWN_FAILED, "shutdown()", e)
            return
        self.link.end_child()
        self.flush()
        self.link.send(wire.BYE, wire.report(0))


def _counts(count, removed):
    """Items that succeeded, and rows: items that were left out before run() are none that failed."""
    return min(count + removed, _COUNT_MAX), min(count, _COUNT_MAX)


def _not_negative(times):
    """A clock below Python may be set back while a mini-batch runs."""
    return [max(0, t) for t in times]


def _unnamed_file():
    if real.memfd_create:
        return real.memfd_create("rows", os.MFD_CLOEXEC)
    import tempfile

    with tempfile.TemporaryFile() as f:
        return real.dup(f.fileno())


def _leave(code):
    from prs_loader import end

    end.leave(code)


def _prepare_streams():
    """A sitecustomize may have closed a stream or put its own there: then the script finds that."""
    import faulthandler

    for stream in (sys.stdout, sys.stderr):
        try:
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
        except Exception:  # noqa: BLE001 - of somebody else's object
            pass
    faulthandler.enable(_STDERR)
    # Told to stop, a process says where it stands; its forked children do not.
    faulthandler.register(_signal.SIGTERM, file=_STDERR, all_threads=True, chain=True)
    os.register_at_fork(after_in_child=_stop_quietly)


def _stop_quietly():
    import faulthandler

    if _signal.getsignal(_signal.SIGTERM) == _signal.SIG_DFL:
        faulthandler.unregister(_signal.SIGTERM)


def main():
    # glibc gives free memory above 128 KiB at the heap's end back to the system, for each mini-batch with rows of that
    # size once more. To free one block of this size makes it keep 2 MiB.
    bytes(1 << 20)
    fds = [int(v) for v in os.environ.pop("PRS_WORKER_FDS").split(",")]
    link = channel.Channel(*fds)
    _prepare_streams()
    version = ("%d.%d.%d" % sys.version_info[:3]).encode()
    executable = os.fsencode(sys.executable or "")
    struct.pack_into("<II", link.page, wire.PAGE_PID, real.getpid(), sys.hexversion)
    link.phase(wire.START)
    try:
        link.send(wire.HELLO, wire.hello(real.getpid(), sys.hexversion, version, executable))
        worker = Worker(link, Job.of_setup(link.setup()))
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
        real.exit(0)
