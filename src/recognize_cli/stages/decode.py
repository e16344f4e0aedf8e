"""Stage: decode files in worker processes, a bounded number ahead of the models."""

from __future__ import annotations

from concurrent.futures import CancelledError
from queue import SimpleQueue
from typing import TYPE_CHECKING

from recognize_cli.errors import FileFailure, LoginError, SourceError
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
    troubles: list[SourceError | LoginError],
    hurry: Callable[[], bool] = lambda: False,
) -> Iterator[Finished | Scored | Ready]:
    """Decodes the file of each job and yields them as they finish.

    It takes no more while those in hand weigh as much as ``look_ahead`` photos; while ``hurry`` says so it
    finishes all in hand before it takes more. A file that cannot be decoded becomes a `Scored` with its
    failure. Once ``stop`` says so, files whose decoding has not begun are dropped: the next run finds them as
    it found them now. So are those that wait when their source breaks down, which is put into ``troubles``:
    no more items are taken then.
    """
    pending: dict[Future[DecodeResult], Job] = {}
    weight = 0  # of those that are pending
    done: SimpleQueue[Future[DecodeResult]] = SimpleQueue()
    for item in items:
        if isinstance(item, Job):
            future = submit(item)
            pending[future] = item
            weight += item.weight
            future.add_done_callback(done.put)
        else:
            yield item
        while pending and (weight >= look_ahead or hurry() or not done.empty()):
            future = done.get()
            weight -= pending[future].weight
            yield from _settle(future, pending, troubles)
        if troubles:
            break
    if troubles or stop():
        for future in list(pending):
            future.cancel()
    while pending:
        yield from _settle(done.get(), pending, troubles)


def _settle(
    future: Future[DecodeResult],
    pending: dict[Future[DecodeResult], Job],
    troubles: list[SourceError | LoginError],
) -> Iterator[Scored | Ready]:
    job = pending.pop(future)
    try:
        result = future.result()
        yield Ready(job, Decoded(job.file, result.arrays, result.cpu_seconds, result.position))
    except FileFailure as failure:
        yield Scored(job, failures=(Skipped(job.file, failure.reason, failure.message),))
    except (SourceError, LoginError) as error:
        troubles.append(error)
    except CancelledError:
        return
