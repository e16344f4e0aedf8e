"""Stage: decode files in worker processes, a bounded number ahead of the models."""

from __future__ import annotations

from queue import SimpleQueue
from typing import TYPE_CHECKING

from recognize_cli.errors import FileFailure
from recognize_cli.records import Decoded, Skipped
from recognize_cli.stages.items import Job, Ready, Scored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from recognize_cli.media.jobs import DecodeResult
    from recognize_cli.records import Finished


def decode(
    items: Iterable[Finished | Scored | Job],
    submit: Callable[[Job], Future[DecodeResult]],
    *,
    look_ahead: int,
    stop: Callable[[], bool],
) -> Iterator[Finished | Scored | Ready]:
    """Decodes the file of each job, at most ``look_ahead`` at a time, and yields them as they finish.

    A file that cannot be decoded becomes a `Scored` with its failure. Once ``stop`` says so, files
    whose decoding has not begun are dropped: the next run finds them as it found them now.
    """
    pending: dict[Future[DecodeResult], Job] = {}
    done: SimpleQueue[Future[DecodeResult]] = SimpleQueue()
    for item in items:
        if isinstance(item, Job):
            future = submit(item)
            pending[future] = item
            future.add_done_callback(done.put)
        else:
            yield item
        while pending and (len(pending) >= look_ahead or not done.empty()):
            yield from _settle(done.get(), pending)
    if stop():
        for future in list(pending):
            future.cancel()
    while pending:
        yield from _settle(done.get(), pending)


def _settle(
    future: Future[DecodeResult], pending: dict[Future[DecodeResult], Job]
) -> Iterator[Scored | Ready]:
    job = pending.pop(future)
    if future.cancelled():
        return
    try:
        result = future.result()
        yield Ready(job, Decoded(job.file, result.array, result.cpu_seconds, result.view))
    except FileFailure as failure:
        yield Scored(job, failures=(Skipped(job.file, failure.reason, failure.message),))
