"""Hands files to the decoders: those of this machine at once, those of a server once they are here."""

from __future__ import annotations

from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import ExitStack
from threading import Semaphore
from typing import TYPE_CHECKING, Self

from recognize_cli.errors import FileFailure, SourceError
from recognize_cli.media.jobs import DecodeJob
from recognize_cli.media.kinds import may_move
from recognize_cli.records import NOTHING, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from types import TracebackType
    from typing import Protocol

    from recognize_cli.media.jobs import DecodeResult
    from recognize_cli.protocols import Source
    from recognize_cli.records import View
    from recognize_cli.stages.crew import Crew
    from recognize_cli.stages.items import Job

    class Decoders(Protocol):
        """What decodes: a sandbox."""

        @property
        def submit(self) -> Callable[[DecodeJob], Future[DecodeResult]]: ...


class Intake:
    """Has the files of jobs decoded, and of them made what their recognizers want to see.

    A context manager; leaving it waits for the downloads in hand.
    """

    def __init__(
        self,
        decoders: Decoders,
        crew: Crew,
        *,
        downloads: int,
        waiting: int,
        previews: bool = True,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """``downloads`` files are fetched at a time; up to ``waiting`` others are with the decoders.

        With ``previews`` those of a server's images will do in the place of these.
        A file that cannot be fetched once ``stop`` says so is dropped: its download was cut off.
        """
        self._decoders = decoders
        self._crew = crew
        self._previews = previews
        self._stop = stop
        self._downloading = Semaphore(downloads)
        self._pool = ThreadPoolExecutor(downloads + waiting, thread_name_prefix="download")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def submit(self, source: Source, job: Job) -> Future[DecodeResult]:
        """Queues the file of a job.

        The future raises what `Source.lease` and the decoders do; CancelledError for a file that was dropped.
        """
        views = tuple(self._views(job))
        if source.is_local:
            with source.lease(job.file) as path:
                return self._decoders.submit(DecodeJob(path, job.file.kind, views))
        return self._pool.submit(self._fetched, source, job, views)

    def _fetched(self, source: Source, job: Job, views: tuple[View | None, ...]) -> DecodeResult:
        try:
            with ExitStack() as stack:
                with self._downloading:
                    lease = source.lease(job.file, preview=self._may_be_small(job))
                    path = stack.enter_context(lease)
                return self._decoders.submit(DecodeJob(path, job.file.kind, views)).result()
        except (FileFailure, SourceError):
            if self._stop():
                raise CancelledError from None
            raise

    def _may_be_small(self, job: Job) -> bool:
        """Whether a preview will do: one stands still, and does not say where the photo was taken."""
        wants_more = any(self._crew.members[name].view == NOTHING for name in job.wanted)
        return self._previews and not wants_more and not may_move(job.file.name)

    def _views(self, job: Job) -> Iterator[View | None]:
        """The views that recognizers want of a file, each once.

        What may not be looked at in the end is not made where the whole is there to make it from.
        """
        views = {name: self._crew.members[name].view for name in job.wanted}
        whole = None in views.values() and job.file.kind is Kind.IMAGE
        sure = (view for name, view in views.items() if not whole or self._crew.condition(name) is None)
        yield from (view for view in dict.fromkeys(sure) if view != NOTHING)
