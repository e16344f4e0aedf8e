"""The parent's side of a decode worker: one process, one socket, one job at a time."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

from recognize_cli.errors import FileFailure, SandboxError
from recognize_cli.media import wire
from recognize_cli.media.jobs import DecodeResult
from recognize_cli.records import Position, Reason
from recognize_cli.secret import without_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import psutil
    from numpy.typing import NDArray

    from recognize_cli.media.jobs import DecodeJob, Limits
    from recognize_cli.records import Kind

_START_SECONDS = 60.0
_END_SECONDS = 2.0
_LOOK_SECONDS = 0.01
"""How long a worker with a limit on what it holds is left alone; it can take some 20 MB in that time."""

_MAX_JOBS = 5000  # then a fresh process takes over, whatever C libraries have leaked until then
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_KEEP_FREED_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(64 << 20),
}
"""For glibc: a worker uses the same few MB for every file; to give them back costs 5 % of its time."""


class _TooMuchMemory(Exception):
    """A worker holds more memory than it may."""


class Worker:
    """A process that decodes one file after the other, until it fails badly.

    It is started afresh (no fork: the parent has threads), in a process group of its own so that
    neither Ctrl-C nor Ctrl-Z reaches it, with /dev/null for its standard streams. Only one thread may
    call `ready` and `decode`; `kill` may come from any. That thread must outlive the worker: on Linux
    the kernel ends the worker with the thread that started it.
    """

    def __init__(self, limits: Limits, decoders: Mapping[Kind, str]) -> None:
        """Starts the process; raises SandboxError."""
        self._usable = False
        self._jobs = 0
        self._seen: psutil.Process | None = None
        self._limits = limits
        self._decoders = dict(decoders)
        self._line, theirs = socket.socketpair()
        with theirs:
            # -P: the working directory may be the user's photos, and must not be imported from.
            command = [sys.executable, "-P", "-m", "recognize_cli.media.worker_main", str(theirs.fileno())]
            try:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    process_group=0,
                    env=_environment(),
                )
            except OSError as error:
                self._line.close()
                raise SandboxError(problem=os.strerror(error.errno or 0)) from error

    def ready(self, kind: Kind) -> None:
        """Waits until the process has loaded the decoder of a kind; raises SandboxError."""
        order = {"kind": kind, "decoders": self._decoders, "limits": asdict(self._limits)}
        try:
            wire.send(self._line, order)
            problem = wire.receive(self._line, time.monotonic() + _START_SECONDS)["problem"]
        except (OSError, EOFError, ValueError, KeyError) as error:
            raise SandboxError(problem=f"it {self._ending()} while starting") from error
        if problem is not None:
            raise SandboxError(problem=problem)
        self._usable = True

    def can_work(self) -> bool:
        """Whether it can take another job, and has room for it: what it holds depends on those before."""
        if not self._usable or self._jobs >= _MAX_JOBS or self._process.poll() is not None:
            return False
        return self._limits.max_resident is None or 2 * self.resident() <= self._limits.max_resident

    def resident(self) -> int:
        """Bytes of memory that the process holds now; 0 once it has ended."""
        import psutil

        try:
            if self._seen is None:
                self._seen = psutil.Process(self._process.pid)
            return int(self._seen.memory_info().rss)
        except psutil.Error:
            return 0

    def decode(self, job: DecodeJob) -> DecodeResult:
        """What is wanted of a file; raises FileFailure.

        After a failure that may have harmed the process the worker is of no more use.
        """
        self._jobs += 1
        deadline = time.monotonic() + self._limits.timeout
        try:
            wire.send(self._line, asdict(job))
            self._watch(deadline)
            answer = wire.receive(self._line, deadline)
            if answer["reason"] is None:
                arrays = wire.receive_arrays(self._line, answer, deadline)
                return _result(job, answer, arrays)
            failure = FileFailure(Reason(answer["reason"]), str(answer["message"]))
        except _TooMuchMemory as error:
            raise self._too_much() from error
        except TimeoutError as error:
            raise self._timed_out() from error
        except (OSError, EOFError, ValueError, LookupError, TypeError) as error:
            raise self._died() from error
        self._usable = failure.reason not in (Reason.MEMORY, Reason.CRASH)
        raise failure

    def kill(self) -> None:
        """Ends the process at once, without waiting for it."""
        self._process.kill()

    def close(self) -> None:
        """Ends the process: politely where it waits for a job, and for sure."""
        self._line.close()
        self._wait(_END_SECONDS)
        self._process.kill()
        # One that even SIGKILL does not end hangs in the kernel, say on a dead network drive.
        self._wait(_END_SECONDS)

    def _wait(self, seconds: float) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def _watch(self, deadline: float) -> None:
        """Waits until the process answers; raises _TooMuchMemory where it holds more than it may by then.

        A limit of the kernel's on what a process maps does not do for that: some libraries take a lack of
        memory for damage in the file.
        """
        limit = self._limits.max_resident
        if limit is None:
            return
        with selectors.DefaultSelector() as selector:
            selector.register(self._line, selectors.EVENT_READ)
            while not selector.select(_LOOK_SECONDS) and time.monotonic() < deadline:
                if self.resident() > limit:
                    raise _TooMuchMemory

    def _too_much(self) -> FileFailure:
        self._usable = False
        self.kill()
        limit = (self._limits.max_resident or 0) >> 20
        return FileFailure(
            Reason.MEMORY, f"decoding it takes more than the {limit} MiB of memory that are left for that"
        )

    def _timed_out(self) -> FileFailure:
        self._usable = False
        self.kill()
        return FileFailure(Reason.TIMEOUT, f"decoding it took longer than {self._limits.timeout:g} seconds")

    def _died(self) -> FileFailure:
        self._usable = False
        ending = self._ending()
        if self._process.returncode == -signal.SIGALRM:
            return self._timed_out()
        return FileFailure(Reason.CRASH, f"the decoder {ending}")

    def _ending(self) -> str:
        """How the process ended: it closed its socket, so it has, or it is out of order."""
        self._wait(_END_SECONDS)
        status = self._process.poll()
        if status is None:
            self.kill()
            return "broke off"
        if status == -signal.SIGKILL:
            return "was killed (SIGKILL), perhaps because the machine ran out of memory"
        return f"crashed ({signal.Signals(-status).name})" if status < 0 else f"ended with status {status}"


def _result(job: DecodeJob, answer: dict[str, Any], arrays: list[NDArray[Any]]) -> DecodeResult:
    """The result that an answer and its arrays make; raises what is raised for an answer of another form."""
    views = [job.views[index] for index in answer["views"]]
    position = Position(*map(float, answer["position"])) if answer["position"] else None
    return DecodeResult(dict(zip(views, arrays, strict=True)), float(answer["cpu_seconds"]), position)


def _environment() -> dict[str, str]:
    """The environment of a worker: this one, with the same modules in reach, without secrets."""
    return {
        **_KEEP_FREED_MEMORY,
        **without_secrets(os.environ),
        **_ONE_THREAD,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
