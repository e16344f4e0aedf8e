"""Decoding of untrusted media in worker processes, each file within limits of time and memory.

A file that makes its worker crash or hang costs that file only: a new worker takes over. One
thread of this process looks after each worker: it takes a job from the queue, hands it over and
waits for the answer. Workers are started when there is work for them, and replaced now and then.

Each has a socket to itself and speaks in checked messages. A pool whose workers share a pipe (the
standard library's, pebble's) is stuck for good when one of them is killed while it holds the lock.
"""

from __future__ import annotations

from concurrent.futures import CancelledError, Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Self

from recognize_cli.errors import SandboxError
from recognize_cli.media.jobs import DECODERS, DecodeJob, DecodeResult, Limits
from recognize_cli.media.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from recognize_cli.records import Kind

__all__ = ["DecodeJob", "DecodeResult", "Sandbox"]

_STARTS = 3
_Task = tuple[DecodeJob, "Future[DecodeResult]"]


class Sandbox:
    """A pool of decode workers: ``with Sandbox(2) as sandbox: sandbox.submit(job).result()``.

    Leaving the context waits for the files in hand, unless an exception comes through.
    """

    def __init__(
        self,
        workers: int,
        *,
        timeout: float = Limits.timeout,
        memory_limit: int = Limits.memory_limit,
        max_pixels: int = Limits.max_pixels,
        max_side: int = Limits.max_side,
        max_resident: int | None = Limits.max_resident,
        decoders: Mapping[Kind, str] = DECODERS,
    ) -> None:
        """`workers` is how many files are decoded at a time; see `Limits` and `DECODERS` for the rest."""
        self._limits = Limits(timeout, memory_limit, max_pixels, max_side, max_resident)
        self._decoders = decoders
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._workers: list[Worker | None] = [None] * workers
        self._keepers = [Thread(target=self._keep, args=(slot,), daemon=True) for slot in range(workers)]
        self._closed = self._aborted = False

    def __enter__(self) -> Self:
        for keeper in self._keepers:
            keeper.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self.abort()
        self.close()

    def submit(self, job: DecodeJob) -> Future[DecodeResult]:
        """Queues a file. The queue has no bound: the caller limits how many results it awaits.

        The future raises FileFailure for a file that cannot be decoded and SandboxError when no
        worker can be started. While it waits in the queue it can be cancelled, and then costs nothing.
        """
        if self._closed:
            raise RuntimeError("the sandbox is closed")
        future: Future[DecodeResult] = Future()
        self._tasks.put((job, future))
        return future

    def resident(self) -> int:
        """Bytes of memory that all workers hold together now."""
        return sum(worker.resident() for worker in self._workers if worker is not None)

    def close(self) -> None:
        """Cancels what is queued, waits for the files in hand, and ends the workers."""
        self._closed = True
        self._cancel_queued()
        self._dismiss()
        for keeper in self._keepers:
            keeper.join()

    def abort(self) -> None:
        """Kills the workers at once, without waiting; futures not done yet are cancelled.

        Takes no lock, so that another thread may call it at any moment, whatever this one waits for.
        """
        self._closed = self._aborted = True
        for worker in self._workers:
            if worker is not None:
                worker.kill()
        self._cancel_queued()
        self._dismiss()

    def _dismiss(self) -> None:
        """Tells each keeper, once it gets to that, to end its worker and itself."""
        for _ in self._keepers:
            self._tasks.put(None)

    def _cancel_queued(self) -> None:
        while True:
            try:
                task = self._tasks.get_nowait()
            except Empty:
                return
            if task is not None and task[1].cancel():
                task[1].set_running_or_notify_cancel()

    def _keep(self, slot: int) -> None:
        """Looks after one worker: the life of a keeper's thread."""
        while (task := self._tasks.get()) is not None:
            self._settle(slot, *task)
            del task  # or the last picture would stay in memory
        self._retire(slot)

    def _settle(self, slot: int, job: DecodeJob, future: Future[DecodeResult]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = self._worker(slot, job.kind).decode(job)
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            future.set_exception(CancelledError() if self._aborted else error)
        else:
            future.set_result(result)

    def _worker(self, slot: int, kind: Kind) -> Worker:
        """A worker that is ready for a job; raises SandboxError when several in a row do not start."""
        worker = self._workers[slot]
        if worker is not None and worker.can_work():
            return worker
        for _ in range(_STARTS - 1):
            with suppress(SandboxError):
                return self._started(slot, kind)
        return self._started(slot, kind)

    def _started(self, slot: int, kind: Kind) -> Worker:
        self._retire(slot)
        worker = self._workers[slot] = Worker(self._limits, self._decoders)
        if self._aborted:  # in the meantime, and `abort` may have missed it
            worker.kill()
        worker.ready(kind)
        return worker

    def _retire(self, slot: int) -> None:
        worker, self._workers[slot] = self._workers[slot], None
        if worker is not None:
            worker.close()
