"""How well actions in videos are known, which tags come out, and what it costs.

    python bench/actions.py FOLDER [--model movinet-a0-stream] [--litert FILE]

FOLDER holds videos and a `labels.csv` with the columns `file`, `action` and `kinetics600_equivalents`:
classes that are right for it, separated by a bar. Videos without any are judged by their tags alone. CPU
seconds are those of one thread, without decoding. With --litert the TFLite file is also run by its own
runtime, frame by frame, once over the same clips; that needs the package ai-edge-litert. Prints the figures
of docs/rules.md and docs/models.md.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recognize_cli.cli.building import build
from recognize_cli.labels import load_labels
from recognize_cli.media.jobs import DecodeJob, Limits
from recognize_cli.media.video import decode
from recognize_cli.models.fetch import ensure
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.store import Store
from recognize_cli.records import Batch, Decoded, Kind, MediaFile
from recognize_cli.resources import shipped
from recognize_cli.rules import load_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from recognize_cli.protocols import Recognizer

    Model = Callable[[Decoded], list[str]]
    Labelled = tuple[Decoded, frozenset[str]]


def main() -> None:
    """Reads the command line and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="movinet-a0-stream")
    parser.add_argument("--store", type=Path)
    parser.add_argument("--litert", type=Path)
    arguments = parser.parse_args()
    entry, store = load_lock().entry(arguments.model), Store(arguments.store)
    ensure(entry, store)
    recognizer = build(entry.recognizer, entry, store)
    recognizer.load()
    videos = list(_videos(arguments.folder, recognizer))
    sys.stdout.write("\n".join(_tags(recognizer, videos)) + "\n\n")
    models: dict[str, Model] = {arguments.model: lambda video: _best(recognizer, video)}
    if arguments.litert:
        models["LiteRT"] = _litert(arguments.litert)
    sys.stdout.write("| | first | first five | of | CPU ms a video |\n| --- | --- | --- | --- | --- |\n")
    for name, model in models.items():
        sys.stdout.write(_judged(name, model, videos) + "\n")


def _videos(folder: Path, recognizer: Recognizer) -> Iterator[Labelled]:
    view = recognizer.view
    assert view is not None
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            raw = decode(DecodeJob(str(folder / row["file"]), Kind.VIDEO, (view,)), Limits()).arrays[view]
            array = np.frombuffer(raw.data, raw.dtype).reshape(raw.shape)
            media = MediaFile("", row["action"], Kind.VIDEO, 0, "", 0.0)
            yield Decoded(media, {view: array}), frozenset(row["kinetics600_equivalents"].split("|")) - {""}


def _tags(recognizer: Recognizer, videos: Sequence[Labelled]) -> Iterator[str]:
    rules = load_rules(shipped("rules.yml"))
    yield "| action | tags |\n| --- | --- |"
    for video, _ in videos:
        [scores] = recognizer.run(Batch(recognizer.name, (video,)))
        tags = ", ".join(f"{tag.name} {tag.score:.2f}" for tag in rules.apply(scores))
        yield f"| {video.file.path} | {tags} |"


def _best(recognizer: Recognizer, video: Decoded) -> list[str]:
    [scores] = recognizer.run(Batch(recognizer.name, (video,)))
    return [each.name for each in scores.top]


def _judged(name: str, model: Model, videos: Sequence[Labelled]) -> str:
    first = five = count = 0
    started = time.process_time()
    for video, right in videos:
        best = model(video)
        count += bool(right)
        first += best[0] in right
        five += bool(right & set(best[:5]))
    cost = (time.process_time() - started) / len(videos) * 1000
    return f"| {name} | {first} | {five} | {count} | {cost:.0f} |"


def _litert(path: Path) -> Model:
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(str(path), num_threads=1).get_signature_runner()
    inputs = runner.get_input_details()
    empty = {name: np.zeros(each["shape"], each["dtype"]) for name, each in inputs.items()}
    labels = [label.name for label in load_labels("kinetics600")]

    def best(video: Decoded) -> list[str]:
        [[clip, *_]] = video.arrays.values()
        state: dict[str, NDArray[np.generic]] = {}
        for frame in clip:
            image = (frame.astype(np.float32) / 255)[None, None]
            state = runner(**{**empty, **state, "image": image})
            logits = state.pop("logits")[0]
        return [labels[index] for index in (-logits).argsort()[:5]]

    return best


if __name__ == "__main__":
    main()
