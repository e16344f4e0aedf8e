"""Stage: run the models over decoded files, in batches, on a few threads."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from recognize_cli.errors import EngineError
from recognize_cli.records import Batch, Reason, Skipped
from recognize_cli.stages.items import Job, Ready, Scored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from recognize_cli.protocols import Recognizer
    from recognize_cli.records import Decoded, Finished, Scores
    from recognize_cli.stages.crew import Crew

_Group = tuple[Ready, ...]


def preload(items: Iterable[Finished | Scored | Job], crew: Crew) -> Iterator[Finished | Scored | Job]:
    """Hands everything on; begins to load a model as soon as a job wants it, while its file is decoded.

    Not that of a recognizer that may not be asked in the end.
    """
    begun: set[str] = set()
    for item in items:
        if isinstance(item, Job):
            for name in set(item.wanted) - begun:
                begun.add(name)
                if crew.condition(name) is None:
                    Thread(target=crew.load, args=(name,), name="preload", daemon=True).start()
        yield item


def infer(
    items: Iterable[Finished | Scored | Ready],
    crew: Crew,
    *,
    threads: int,
    batch_size: int,
    hurry: Callable[[], bool] = lambda: False,
) -> Iterator[Finished | Scored]:
    """Yields each decoded job with the scores of the recognizers that it wanted, as they finish.

    Jobs that want the same recognizers share a batch, which weighs about as much as ``batch_size`` photos;
    ``threads`` batches run at a time and as many wait. That a model fails on a file is a failure of that
    file; of a recognizer that is lost, or that a file does not ask for, there are no scores. While ``hurry``
    says so, batches do not wait to be full, and nothing more is taken before all in hand are finished.
    """
    waiting: dict[tuple[str, ...], list[Ready]] = {}
    done: SimpleQueue[Future[list[Scored]]] = SimpleQueue()
    running = 0
    pool = ThreadPoolExecutor(threads, thread_name_prefix="infer")

    def start(wanted: tuple[str, ...]) -> None:
        nonlocal running
        running += 1
        pool.submit(_run, tuple(waiting.pop(wanted)), crew).add_done_callback(done.put)

    try:
        for item in items:
            if isinstance(item, Ready):
                group = waiting.setdefault(item.job.wanted, [])
                group.append(item)
                if sum(each.job.weight for each in group) >= batch_size:
                    start(item.job.wanted)
            else:
                yield item
            for wanted in list(waiting) if hurry() else ():
                start(wanted)
            while running and (running >= 2 * threads or not done.empty() or hurry()):
                yield from done.get().result()
                running -= 1
        for wanted in list(waiting):
            start(wanted)
        for _ in range(running):
            yield from done.get().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _run(group: _Group, crew: Crew) -> list[Scored]:
    """Every wanted recognizer over one batch; all items of a group want the same ones."""
    scores: list[list[Scores]] = [[] for _ in group]
    failures: list[list[Skipped]] = [[] for _ in group]
    timings: list[dict[str, float]] = [{"decode": ready.decoded.cpu_seconds} for ready in group]
    for name in group[0].job.wanted:
        asked = [
            index for index, ready in enumerate(group) if crew.asked(name, (*ready.job.kept, *scores[index]))
        ]
        if not asked or not crew.load(name):
            continue
        started = time.perf_counter()
        outcomes = _recognize(crew.members[name], [group[index].decoded for index in asked])
        seconds = (time.perf_counter() - started) / len(asked)
        for index, outcome in zip(asked, outcomes, strict=True):
            timings[index][name] = seconds
            if isinstance(outcome, Skipped):
                failures[index].append(outcome)
            else:
                scores[index].append(outcome)
    return [
        Scored(ready.job, tuple(scores[index]), tuple(failures[index]), timings[index])
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
