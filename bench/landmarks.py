"""What the six landmark models cost together, against the sum of their bare ONNX Runtime runs.

Real weights need not be here: they are made, on the topologies of upstream where ../shared has them, else on
networks of a few layers, whose ratio says little. Both sides get the same pictures, in turn, on one thread.
The figures are medians of CPU milliseconds a picture; `ratio` is the median of the ratios within a round.
Ours is told without and with the making of the square picture, which a scan leaves to its decoders. Memory is
the resident set, before and after all models are loaded and have run. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.landmarks import UPSTREAM, real_repository, small_repository, view_of
from tests.support.photos import ASTRONAUT, CAT, COFFEE, ROCKET

from recognize_cli.cli.building import build
from recognize_cli.engines import open_session
from recognize_cli.models.fetch import fetch
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.store import Store
from recognize_cli.records import Batch, Decoded, Kind, MediaFile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray
    from onnxruntime import InferenceSession

    from recognize_cli.models.entries import ModelEntry
    from recognize_cli.protocols import Recognizer

_FILE = MediaFile("bench", "picture", Kind.IMAGE, 1, "1", 0.0)


@dataclass
class Figures:
    """CPU milliseconds of each picture of each round."""

    bare: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    from_whole: list[float] = field(default_factory=list)


def main() -> None:
    """Measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    alone = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))  # so that its memory is not counted
    with tempfile.TemporaryDirectory() as name, alone:
        entry, store = alone.submit(installed, Path(name)).result()
        sys.stdout.write(json.dumps(measure(entry, store, options.rounds), indent=2) + "\n")


def installed(folder: Path) -> tuple[ModelEntry, Store]:
    """The models, and where they are."""
    make = real_repository if UPSTREAM.is_dir() else small_repository
    repository = make(folder / "repository")
    (folder / "models.lock").write_text(repository.lock())
    entry, store = load_lock(folder / "models.lock").entry("landmarks"), Store(folder / "store")
    fetch(entry, store, directory=repository.folder)
    return entry, store


def measure(entry: ModelEntry, store: Store, rounds: int) -> dict[str, object]:
    """All figures of one run."""
    views = [view_of(photo) for photo in (CAT, COFFEE, ROCKET, ASTRONAUT)]
    wholes = [opened(photo) for photo in (CAT, COFFEE, ROCKET, ASTRONAUT)]
    before = resident_megabytes()
    recognizer = build(entry.recognizer, entry, store)
    recognizer.load()
    loaded = resident_megabytes()
    run(recognizer, views)
    ran = resident_megabytes()
    sessions = {name: open_session(path, threads=1) for name, path in store.graphs(entry).items()}
    figures = compare(recognizer, sessions, views, wholes, rounds)
    ratios = [ours / bare for ours, bare in zip(figures.ours, figures.bare, strict=True)]
    return {
        "topologies": "upstream's" if UPSTREAM.is_dir() else "made",
        "rounds": rounds,
        "cpu_ms_a_picture": {
            "bare": round(median(figures.bare), 2),
            "ours": round(median(figures.ours), 2),
            "ours_with_making_the_view": round(median(figures.from_whole), 2),
        },
        "ratio": round(median(ratios), 3),
        "resident_mb": {"before": before, "loaded": loaded, "after_a_run": ran},
    }


def compare(
    recognizer: Recognizer,
    sessions: Mapping[str, InferenceSession],
    views: Sequence[NDArray[np.uint8]],
    wholes: Sequence[NDArray[np.uint8]],
    rounds: int,
) -> Figures:
    """Both sides in turn, after a round that does not count."""
    figures = Figures()

    def bare() -> None:
        for session in sessions.values():
            for view in views:
                session.run(None, {"pixels": view[None]})

    sides: Sequence[tuple[list[float], Callable[[], None]]] = (
        (figures.bare, bare),
        (figures.ours, lambda: run(recognizer, views)),
        (figures.from_whole, lambda: run(recognizer, wholes, whole=True)),
    )
    for number in range(rounds + 1):
        for times, side in sides:
            start = time.process_time()
            side()
            if number:
                times.append(1000 * (time.process_time() - start) / len(views))
    return figures


def run(recognizer: Recognizer, pictures: Sequence[NDArray[np.uint8]], *, whole: bool = False) -> None:
    """One batch, as a scan gives it."""
    view = None if whole else recognizer.view
    recognizer.run(Batch(recognizer.name, tuple(Decoded(_FILE, {view: picture}) for picture in pictures)))


def opened(photo: Path) -> NDArray[np.uint8]:
    """A photo as decoders give the whole of it."""
    with Image.open(photo) as image:
        image.thumbnail((1024, 1024))
        return np.asarray(image.convert("RGB"))


def resident_megabytes() -> int:
    """What this process holds in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 // 2**20


if __name__ == "__main__":
    main()
