"""What one item costs in its parts: decoding, preparation, the model."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recognize_cli.benching import clock
from recognize_cli.errors import FileFailure
from recognize_cli.media.jobs import DecodeJob
from recognize_cli.records import Batch, Decoded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recognize_cli.benching.material import Material
    from recognize_cli.benching.meter import Meter
    from recognize_cli.media.sandbox import Sandbox
    from recognize_cli.protocols import Recognizer
    from recognize_cli.records import MediaFile


@dataclass(frozen=True, slots=True)
class ModelCost:
    """CPU seconds an item of a recognizer by itself, on one thread.

    ``preparation`` is what it does besides running the model: it makes arrays of pictures and sounds, and
    picks the best classes. It is None where the engine does not tell the two apart.
    """

    model: float
    preparation: float | None


def readable(
    material: Material, files: Sequence[MediaFile], recognizer: Recognizer, sandbox: Sandbox, keep: int
) -> tuple[list[MediaFile], list[Decoded]]:
    """Those of some files that can be decoded, and what the first ``keep`` of them hold.

    It also makes the workers ready.
    """
    futures = [(file, sandbox.submit(_job(material, file, recognizer))) for file in files]
    good: list[MediaFile] = []
    kept: list[Decoded] = []
    for file, future in futures:
        try:
            result = future.result()
        except FileFailure:
            continue
        good.append(file)
        if len(kept) < keep:
            kept.append(Decoded(file, result.arrays, result.cpu_seconds, result.position))
    return good, kept


def decoding(
    material: Material,
    files: Sequence[MediaFile],
    recognizer: Recognizer,
    sandbox: Sandbox,
    seconds: float,
) -> float:
    """CPU seconds a file of decoding it to what a recognizer wants to see, one file at a time."""
    jobs = [_job(material, file, recognizer) for file in files]

    def once() -> float:
        return sum(sandbox.submit(job).result().cpu_seconds for job in jobs) / len(jobs)

    return clock.repeated(once, seconds)


def alone(recognizer: Recognizer, batches: Sequence[Batch], meter: Meter, seconds: float) -> ModelCost:
    """What a recognizer costs on decoded files, batch after batch."""
    items = sum(len(batch.inputs) for batch in batches)
    models: list[float] = []

    def once() -> float:
        meter.reset()
        before = clock.cpu_seconds()
        for batch in batches:
            recognizer.run(batch)
        models.append(meter.cpu / items)
        return (clock.cpu_seconds() - before) / items

    recognizer.run(batches[0])
    whole = clock.repeated(once, seconds)
    model = sorted(models)[len(models) // 2]
    return ModelCost(model, max(0.0, whole - model)) if model else ModelCost(whole, None)


def together(
    recognizer: Recognizer, batches: Sequence[Batch], meter: Meter, threads: int, seconds: float
) -> float:
    """Items a second of the bare model, as many batches at a time as in a scan.

    Of each thread only the time within the model counts, as if its next arrays were always ready.
    """
    work = [batch for batch in batches for _ in range(threads)]
    items = sum(len(batch.inputs) for batch in work)

    def timed(batch: Batch) -> float:
        started = time.perf_counter()
        recognizer.run(batch)
        return time.perf_counter() - started

    with ThreadPoolExecutor(threads, thread_name_prefix="model") as pool:

        def once() -> float:
            meter.reset()
            whole = sum(pool.map(timed, work))
            return threads * items / (meter.wall or whole)

        return clock.repeated(once, seconds)


def in_batches(name: str, items: Sequence[Decoded], size: int) -> list[Batch]:
    """Items in batches of a size; the last may be smaller only where all fit into one."""
    starts = range(0, max(1, len(items) - size + 1), size)
    return [Batch(name, tuple(items[start : start + size])) for start in starts]


def _job(material: Material, file: MediaFile, recognizer: Recognizer) -> DecodeJob:
    with material.source.lease(file) as path:
        return DecodeJob(path, file.kind, (recognizer.view,))
