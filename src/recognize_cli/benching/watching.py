"""A recognizer and decoders that note, during a scan, when each file came to them and left."""

from __future__ import annotations

import time
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from recognize_cli.media.jobs import DecodeResult
    from recognize_cli.protocols import Recognizer, Source
    from recognize_cli.records import Batch, Kind, MediaFile, Scores, View
    from recognize_cli.stages.items import Job


class Watched:
    """A recognizer that notes when it begins with a file, and when it is done with it."""

    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer = recognizer
        self.name: str = recognizer.name
        self.kinds: frozenset[Kind] = recognizer.kinds
        self.fingerprint: str = recognizer.fingerprint
        self.view: View | None = recognizer.view
        self.begun: dict[MediaFile, float] = {}
        self.done: list[float] = []
        self._lock = Lock()

    def load(self) -> None:
        """As the recognizer does."""
        self._recognizer.load()

    def run(self, batch: Batch) -> Sequence[Scores]:
        """As the recognizer does."""
        started = time.perf_counter()
        scores = self._recognizer.run(batch)
        ended = time.perf_counter()
        with self._lock:
            self.begun.update((each.file, started) for each in batch.inputs)
            self.done.extend(ended for _ in batch.inputs)
        return scores

    def close(self) -> None:
        """As the recognizer does."""
        self._recognizer.close()


class Decoding:
    """Hands files to the decoders, and notes when each was handed over and when it came back."""

    def __init__(self, submit: Callable[[Source, Job], Future[DecodeResult]]) -> None:
        self._submit = submit
        self.waited: dict[MediaFile, float] = {}
        self.ready: dict[MediaFile, float] = {}

    def submit(self, source: Source, job: Job) -> Future[DecodeResult]:
        """As `Tools.submit` is."""
        future = self._submit(source, job)
        future.add_done_callback(partial(self._note, job.file, time.perf_counter()))
        return future

    def _note(self, file: MediaFile, submitted: float, future: Future[DecodeResult]) -> None:
        if not future.cancelled() and future.exception() is None:
            self.ready[file] = now = time.perf_counter()
            self.waited[file] = max(0.0, now - submitted - future.result().cpu_seconds)
