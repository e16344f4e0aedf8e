"""How close a scan comes to what the machine can give.

The floor of a scan is cores / (CPU seconds an image of decoding alone + of the bare model alone),
each measured here with one thread in the same run. Decoding is from the file to the square that the
model sees; what of it is the scaling to that square is told as well. Prints JSON: the ratio is what
counts, the seconds belong to the machine.
"""

from __future__ import annotations

import os
import tempfile
import time
from typing import TYPE_CHECKING

import numpy as np
import photos
import watching

from recognize_cli.engines.onnx import OrtSession
from recognize_cli.media.image import decode, decode_image
from recognize_cli.media.jobs import DecodeJob, Limits
from recognize_cli.models.convert import GRAPH
from recognize_cli.models.fetch import ensure
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.store import Store
from recognize_cli.records import Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_SAMPLE = 90
"""Photos and model runs to average over: each of the made pictures five times, in files of their own."""


def measure(folder: Path, files: list[Path], runs: int) -> dict[str, object]:
    """All figures of one run. Parts are measured before, between and after the scans, and averaged."""
    parts = [measure_parts(files[:_SAMPLE])]
    scans = []
    for index in range(1, runs + 1):
        scans.append(scan(folder, memory=False))
        parts.append(measure_parts(files[index * _SAMPLE :][:_SAMPLE] or files[:_SAMPLE]))
    scaled, whole, model = (sum(each[index] for each in parts) / len(parts) for index in range(3))
    cores = len(os.sched_getaffinity(0))
    floor = cores / (scaled + model)
    rate = len(files) / float(np.median([each.seconds for each in scans]))
    return {
        "photos": len(files),
        "megabytes_each": round(sum(file.stat().st_size for file in files) / len(files) / 1e6, 2),
        "cores": cores,
        "decode_cpu_ms": round(scaled * 1e3, 1),
        "of_which_scaling_cpu_ms": round((scaled - whole) * 1e3, 1),
        "model_cpu_ms": round(model * 1e3, 1),
        "floor_images_per_second": round(floor, 2),
        "scan_images_per_second": round(rate, 2),
        "ratio": round(rate / floor, 3),
        "peak_memory_mb": round(scan(folder, memory=True).peak / 1e6),
    }


def measure_parts(files: list[Path]) -> tuple[float, float, float]:
    """CPU seconds an image: of decoding, of decoding without the scaling, of the bare model."""
    (entry,) = (each for each in load_lock().models if each.recognizer == "objects" and each.default)
    installed = ensure(entry, Store())
    session = OrtSession(installed.graphs[GRAPH], threads=1)
    view, side = entry.task.input.view, entry.task.input.size
    image = np.random.default_rng(1).integers(0, 256, (1, side, side, 3), np.uint8)
    jobs = [DecodeJob(str(file), Kind.IMAGE, (view,)) for file in files]
    wholes = iter(jobs)
    whole = cpu_seconds(lambda: decode_image(next(wholes).path, min_side=view.min_side), len(files))
    scaled = iter(jobs)
    decoded = cpu_seconds(lambda: decode(next(scaled), Limits()), len(files))
    session.run({session.inputs[0]: image})
    model = cpu_seconds(lambda: session.run({session.inputs[0]: image}), _SAMPLE)
    return decoded, whole, model


def cpu_seconds(work: Callable[[], object], times: int) -> float:
    """CPU seconds of this process for one call, averaged."""
    before = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - before) / times


def scan(folder: Path, *, memory: bool) -> watching.Cost:
    """One whole `recognize scan` of photos that it does not know."""
    with tempfile.TemporaryDirectory() as temporary:
        output = ("--format", "jsonl", "-o", f"{temporary}/out.jsonl")
        catalogue = ("--catalogue", f"{temporary}/catalogue")
        return watching.recognize("scan", str(folder), "-r", "objects", *output, *catalogue, memory=memory)


if __name__ == "__main__":
    photos.run(measure, __doc__, 500)
