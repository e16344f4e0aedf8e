"""The same models in all installed engines and precisions: what they cost, and how often they are right.

    pip install 'recognize-cli[openvino]'
    python bench/engines.py --photos PHOTOS

Costs are CPU milliseconds an item, with as many calls at a time as there are cores and one thread in each,
medians of rounds in which all take their turns. Ratios are of float32 in ONNX Runtime to each, medians of
those of the rounds. PHOTOS holds labels.csv with the columns `file` and `wnid`: how many have their class
first, and among the first five, and how many of those that float32 is sure of (over 0.3) get the same one.
Prints JSON.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import helper

from recognize_cli.cli.building import build_in, opener
from recognize_cli.hardware import probe
from recognize_cli.media.image import decode
from recognize_cli.media.jobs import DecodeJob, Limits
from recognize_cli.models.engines import engine_for
from recognize_cli.models.fetch import ensure
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.select import engines_of, lacking
from recognize_cli.models.store import Store
from recognize_cli.records import Batch, Decoded, Kind, MediaFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from recognize_cli.models.entries import ModelEntry
    from recognize_cli.models.select import Engine
    from recognize_cli.protocols import Recognizer, Session
    from recognize_cli.records import ClassScore

_CLASSIFIERS = ("efficientnet-lite2", "efficientnet-lite2-int8")
_OTHERS = ("yunet-sface", "musicnn-msd")
_LENGTHS = {"N": 2, "H": 480, "W": 640}
_CALLS = 16
_SURE = 0.3


def main() -> None:
    """Measures all models."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    entries = [load_lock().entry(name) for name in (*_CLASSIFIERS, *_OTHERS)]
    result: dict[str, object] = {"load": os.getloadavg(), "costs": list(costs(entries, options.rounds))}
    if options.photos:
        result["right"] = right(entries[: len(_CLASSIFIERS)], options.photos)
    sys.stdout.write(json.dumps(result, indent=1) + "\n")


def installed(entry: ModelEntry) -> Iterator[Engine]:
    """All engines and precisions that a model may be run in."""
    own = [each for each in engines_of(entry) if lacking(each) is None]
    yield from dict.fromkeys([*own, *(engine_for(entry, each.name, probe().cpu) for each in own)])


def costs(entries: list[ModelEntry], rounds: int) -> Iterator[dict[str, object]]:
    """Each graph of each model; the versions of the classifier are compared with each other."""
    for own in (entries[: len(_CLASSIFIERS)], *([each] for each in entries[len(_CLASSIFIERS) :])):
        for graph in ensure(own[0], Store()).graphs:
            sessions, feeds = {}, {}
            for entry in own:
                path = ensure(entry, Store()).graphs[graph]
                feeds = made(path)
                sessions |= {f"{each.name} {each.precision}": opener(each)(path) for each in installed(entry)}
            yield {"model": own[0].name, "graph": graph, "engines": compared(sessions, feeds, rounds)}


def made(path: Path) -> dict[str, NDArray[np.generic]]:
    """Noise for the inputs of a graph."""
    random = np.random.default_rng(0)
    feeds = {}
    for each in onnx.load(path, load_external_data=False).graph.input:
        kind = each.type.tensor_type
        shape = [axis.dim_value or _LENGTHS[axis.dim_param] for axis in kind.shape.dim]
        dtype = helper.tensor_dtype_to_np_dtype(kind.elem_type)
        feeds[each.name] = random.integers(0, 256, shape).astype(dtype)
    return feeds


def compared(
    sessions: dict[str, Session], feeds: dict[str, NDArray[np.generic]], rounds: int
) -> dict[str, object]:
    """CPU milliseconds of an item in each session, and how many times faster than the first it is."""
    [items] = {len(array) for array in feeds.values()}
    spent: dict[str, list[float]] = {name: [] for name in sessions}
    with ThreadPoolExecutor(probe().cores) as pool:
        for turn in range(-1, rounds):
            names = list(sessions)
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                started = time.process_time()
                list(pool.map(lambda _, run=sessions[name].run: run(feeds), range(_CALLS)))
                if turn >= 0:
                    spent[name].append((time.process_time() - started) / _CALLS / items * 1e3)
    first = np.array(next(iter(spent.values())))
    return {
        name: {"cpu_ms": round(float(np.median(each)), 2), "faster": round(float(np.median(first / each)), 2)}
        for name, each in spent.items()
    }


def right(entries: list[ModelEntry], photos: Path) -> dict[str, object]:
    """How often each is right, with photos decoded and looked at as in a scan."""
    with (photos / "labels.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    truth = [row["wnid"] for row in rows]
    paths = [photos / row["file"] for row in rows]
    tops = {
        f"{each.name} {each.precision}": [top_of(recognizer, path) for path in paths]
        for entry in entries
        for each in installed(entry)
        for recognizer in [build_in(each, entry.recognizer, entry, Store())]
    }
    exact = next(iter(tops.values()))
    sure = [index for index, top in enumerate(exact) if top[0].score > _SURE]
    return {
        name: {
            "first": sum(top[0].id == wnid for top, wnid in zip(own, truth, strict=True)),
            "among_five": sum(
                wnid in [each.id for each in top[:5]] for top, wnid in zip(own, truth, strict=True)
            ),
            "same": sum(top[0].id == other[0].id for top, other in zip(own, exact, strict=True)),
            "same_where_sure": sum(own[index][0].id == exact[index][0].id for index in sure),
            "sure": len(sure),
            "moved_on_average": round(float(moves(own, exact).mean()), 4),
            "moved_most": round(float(moves(own, exact).max()), 4),
        }
        for name, own in tops.items()
    }


def moves(tops: list[Sequence[ClassScore]], exact: list[Sequence[ClassScore]]) -> NDArray[np.float64]:
    """How far the probability of the first class is from what it is in float32, for each photo."""
    first, expected = (np.array([top[0].score for top in each]) for each in (tops, exact))
    return np.abs(first - expected)


def top_of(recognizer: Recognizer, path: Path) -> Sequence[ClassScore]:
    """The best classes of a photo."""
    recognizer.load()
    view = recognizer.view
    raw = decode(DecodeJob(str(path), Kind.IMAGE, (view,)), Limits()).arrays[view]
    pixels = np.frombuffer(raw.data, np.uint8).reshape(raw.shape)
    file = MediaFile("", path.name, Kind.IMAGE, 0, "", 0.0)
    [scores] = recognizer.run(Batch(recognizer.name, (Decoded(file, {view: pixels}),)))
    return scores.top


if __name__ == "__main__":
    main()
