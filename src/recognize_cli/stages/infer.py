"""Stage: run the models over decoded files, in batches, on a few threads."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from recognize_cli.errors import EngineError, RecognizeError
from recognize_cli.records import Batch, Reason, Skipped
from recognize_cli.stages.items import Job, Ready, Scored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from recognize_cli.protocols import Recognizer
    from recognize_cli.records import Decoded, Finished, Scores

_Group = tuple[Ready, ...]


def preload(
    items: Iterable[Finished | Scored | Job], recognizers: Mapping[str, Recognizer]
) -> Iterator[Finished | Scored | Job]:
    """Hands everything on; begins to load a model as soon as a job wants it, while its file is decoded."""
    begun: set[str] = set()
    for item in items:
        if isinstance(item, Job):
            for name in set(item.wanted) - begun:
                Thread(target=_load, args=(recognizers[name],), name="preload", daemon=True).start()
                begun.add(name)
        yield item


def _load(recognizer: Recognizer) -> None:
    with suppress(RecognizeError):  # `infer` loads it too, and there it counts
        recognizer.load()


def infer(
    items: Iterable[Finished | Scored | Ready],
    recognizers: Mapping[str, Recognizer],
    *,
    threads: int,
    batch_size: int,
) -> Iterator[Finished | Scored]:
    """Yields each decoded job with the scores of the recognizers that it wanted, as they finish.

    Jobs that want the same recognizers share a batch of up to ``batch_size``; ``threads`` batches
    run at a time and as many wait. A model is loaded when the first job wants it; that it cannot be
    loaded raises EngineError or ModelError, that it fails on one file is a failure of that file.
    """
    waiting: dict[tuple[str, ...], list[Ready]] = {}
    done: SimpleQueue[Future[list[Scored]]] = SimpleQueue()
    running = 0
    pool = ThreadPoolExecutor(threads, thread_name_prefix="infer")

    def start(group: Sequence[Ready]) -> None:
        pool.submit(_run, tuple(group), recognizers).add_done_callback(done.put)

    try:
        for item in items:
            if not isinstance(item, Ready):
                yield item
                continue
            group = _join(waiting, item, recognizers)
            if len(group) >= batch_size:
                start(waiting.pop(item.job.wanted))
                running += 1
            while running and (running >= 2 * threads or not done.empty()):
                yield from done.get().result()
                running -= 1
        for group in waiting.values():
            start(group)
            running += 1
        for _ in range(running):
            yield from done.get().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _join(
    waiting: dict[tuple[str, ...], list[Ready]], item: Ready, recognizers: Mapping[str, Recognizer]
) -> list[Ready]:
    for name in item.job.wanted:
        recognizers[name].load()
    group = waiting.setdefault(item.job.wanted, [])
    group.append(item)
    return group


def _run(group: _Group, recognizers: Mapping[str, Recognizer]) -> list[Scored]:
    """Every wanted recognizer over one batch; all items of a group want the same ones."""
    scores: list[list[Scores]] = [[] for _ in group]
    failures: list[list[Skipped]] = [[] for _ in group]
    timings: dict[str, float] = {}
    for name in group[0].job.wanted:
        started = time.perf_counter()
        outcomes = _recognize(recognizers[name], [ready.decoded for ready in group])
        timings[name] = (time.perf_counter() - started) / len(group)
        for index, outcome in enumerate(outcomes):
            if isinstance(outcome, Skipped):
                failures[index].append(outcome)
            else:
                scores[index].append(outcome)
    return [
        Scored(
            ready.job,
            tuple(scores[index]),
            tuple(failures[index]),
            {"decode": ready.decoded.cpu_seconds, **timings},
        )
        for index, ready in enumerate(group)
    ]


def _recognize(recognizer: Recognizer, inputs: Sequence[Decoded]) -> Sequence[Scores | Skipped]:
    """One recognizer over a batch; where the batch fails, over each input alone."""
    try:
        return recognizer.run(Batch(recognizer.name, tuple(inputs)))
    except EngineError as error:
        if len(inputs) == 1:
            return [Skipped(inputs[0].file, Reason.INFERENCE, str(error), recognizer.name)]
    return [outcome for single in inputs for outcome in _recognize(recognizer, [single])]
