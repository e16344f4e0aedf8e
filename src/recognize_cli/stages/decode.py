"""Stage: decode files in worker processes, a bounded number ahead of the models."""

from __future__ import annotations

from queue import SimpleQueue
from typing import TYPE_CHECKING, Protocol

from recognize_cli.errors import FileFailure
from recognize_cli.records import Decoded, Skipped
from recognize_cli.stages.items import Job, Ready, Scored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    import numpy as np
    from numpy.typing import NDArray

    from recognize_cli.records import Finished


class Picture(Protocol):
    """What a decoder gives: pixels (H×W×3 uint8 RGB, upright) and the CPU seconds that they took."""

    @property
    def pixels(self) -> NDArray[np.uint8]: ...

    @property
    def cpu_seconds(self) -> float: ...


def decode(
    items: Iterable[Finished | Scored | Job],
    submit: Callable[[Job], Future[Picture]],
    *,
    look_ahead: int,
    stop: Callable[[], bool],
) -> Iterator[Finished | Scored | Ready]:
    """Decodes the file of each job, at most ``look_ahead`` at a time, and yields them as they finish.

    A file that cannot be decoded becomes a `Scored` with its failure. Once ``stop`` says so, files
    whose decoding has not begun are dropped: the next run finds them as it found them now.
    """
    pending: dict[Future[Picture], Job] = {}
    done: SimpleQueue[Future[Picture]] = SimpleQueue()
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


def _settle(future: Future[Picture], pending: dict[Future[Picture], Job]) -> Iterator[Scored | Ready]:
    job = pending.pop(future)
    if future.cancelled():
        return
    try:
        picture = future.result()
        yield Ready(job, Decoded(job.file, picture.pixels, picture.cpu_seconds))
    except FileFailure as failure:
        yield Scored(job, failures=(Skipped(job.file, failure.reason, failure.message),))
