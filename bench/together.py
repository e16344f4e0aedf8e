"""What it costs to look for objects and faces in one scan, beside what each costs by itself.

A photo is decoded once for both. So the floor of a scan for both is the CPU seconds an image of decoding,
of the objects' model and of the faces' models, divided by the cores. Each is measured here with one thread in
as many processes at once as there are cores, for cores that share a cache slow each other down. Prints JSON.
"""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING

import numpy as np
import photos
import watching
from scan import cpu_seconds

from recognize_cli.cli.building import build
from recognize_cli.media.image import decode_image
from recognize_cli.media.jobs import Limits
from recognize_cli.models.fetch import ensure
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.store import Store
from recognize_cli.records import Batch, Decoded, Kind, MediaFile

if TYPE_CHECKING:
    from pathlib import Path

    from recognize_cli.models.entries import ModelEntry

_SAMPLE = 36
"""Photos to measure the parts with: each of the made ones twice."""


def measure(folder: Path, files: list[Path], runs: int) -> dict[str, object]:
    """Seconds of whole scans, and of the parts in CPU milliseconds an image."""
    cores = len(os.sched_getaffinity(0))
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        measured = list(pool.map(measure_parts, [files[:_SAMPLE]] * cores))
    parts = {name: sum(each[name] for each in measured) / cores for name in measured[0]}
    scans = {
        name: float(np.median([scan(folder, *recognizers) for _ in range(runs)])) / len(files)
        for name, recognizers in (
            ("objects", ["objects"]),
            ("faces", ["faces"]),
            ("both", ["objects", "faces"]),
        )
    }
    floor = sum(parts.values()) / cores
    return {
        "photos": len(files),
        "cores": cores,
        **{f"{name}_cpu_ms": round(seconds * 1e3, 1) for name, seconds in parts.items()},
        **{f"scan_{name}_ms": round(seconds * 1e3, 1) for name, seconds in scans.items()},
        "both_to_its_floor": round(scans["both"] / floor, 3),
        "both_to_sum_of_scans": round(scans["both"] / (scans["objects"] + scans["faces"]), 3),
    }


def measure_parts(files: list[Path]) -> dict[str, float]:
    """CPU seconds an image: of decoding, and of each recognizer on the decoded image."""
    side = Limits.max_side
    inputs = [
        Decoded(
            MediaFile("", file.name, Kind.IMAGE, 0, "", 0.0), {None: decode_image(str(file), min_side=side)}
        )
        for file in files
    ]
    pending = iter(files)
    decode = cpu_seconds(lambda: decode_image(str(next(pending)), min_side=side), len(files))
    wanted = [entry for entry in load_lock().defaults() if entry.recognizer in ("objects", "faces")]
    return {"decode": decode} | {entry.recognizer: inference(entry, inputs) for entry in wanted}


def inference(entry: ModelEntry, inputs: list[Decoded]) -> float:
    """CPU seconds an image of one recognizer, after a first run that does not count."""
    store = Store()
    ensure(entry, store)
    recognizer = build(entry.recognizer, entry, store)
    recognizer.load()
    batches = [Batch(recognizer.name, (each,)) for each in inputs]
    recognizer.run(batches[0])
    pending = iter(batches)
    seconds = cpu_seconds(lambda: recognizer.run(next(pending)), len(batches))
    recognizer.close()
    return seconds


def scan(folder: Path, *recognizers: str) -> float:
    """Seconds of one whole `recognize scan` of photos that it does not know."""
    with tempfile.TemporaryDirectory() as temporary:
        wanted = [word for name in recognizers for word in ("-r", name)]
        output = (
            "--format",
            "jsonl",
            "-o",
            f"{temporary}/out.jsonl",
            "--catalogue",
            f"{temporary}/catalogue",
        )
        return watching.recognize("scan", str(folder), *wanted, *output, memory=False).seconds


if __name__ == "__main__":
    photos.run(measure, __doc__, 180)
