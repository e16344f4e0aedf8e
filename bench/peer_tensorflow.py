"""Objects, against TensorFlow with the same network and the same weights, on the same photos and cores.

    pip install tensorflow-cpu scikit-image
    python bench/peer_tensorflow.py
    python bench/peer_tensorflow.py --labelled PHOTOS

Whole `recognize scan`s of 12-megapixel JPEGs take turns with four programs that do the same in
TensorFlow:

- `predict`: a loop as in any tutorial, a photo at a time: Pillow opens, converts, crops and scales it,
  Keras' `predict` classifies it;
- `call`: the same loop with the network as a compiled function, which is faster;
- `dataset`: tf.data, decoding in parallel, batches of 8;
- `dataset_eighth`: the same, told to decode JPEGs at an eighth of their size. To know that this will do
  takes a look at each photo, which it need not take: all these photos have the same size.

Times leave out the start, except in `whole_command`: TensorFlow's imports and compiling, some seconds,
and what a scan of a single photo takes. `same_first_class` tells to how many photos each gives the first
class that the scan gives, of those of which the scan is sure (over 0.3). PHOTOS holds labels.csv with
the columns `file` and `class_index`: `right` tells how many of them have their class first. Nothing is
measured if the logits of the two networks differ by more than 0.001. Prints JSON.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import peers
import photos

from recognize_cli.labels import load_labels

_PROGRAM = Path(__file__).with_name("tensorflow_objects.py")
_SURE = 0.3
_SAME_LOGITS = 1e-3
_CHECKED = 18
"""Photos to check that with: all the made ones that differ."""

_SCANS = {
    "scan": ("-r", "objects", "--model", "efficientnet-lite2"),
    "scan_int8": ("-r", "objects", "--model", "efficientnet-lite2-int8"),
}
_PEERS = {
    "predict": ("predict",),
    "call": ("call",),
    "dataset": ("dataset", "--batch", "8"),
    "dataset_eighth": ("dataset", "--batch", "8", "--ratio", "8"),
}
_NETWORKS = {
    "tensorflow_one_thread": ("model", "--threads", "1"),
    "tensorflow_one_thread_batches_of_8": ("model", "--threads", "1", "--batch", "8"),
    "tensorflow_default_threads": ("model",),
    "tensorflow_default_threads_batches_of_8": ("model", "--batch", "8"),
    "onnxruntime_one_thread": ("onnxruntime", "--threads", "1"),
    "onnxruntime_all_cores": ("onnxruntime",),
}


@dataclass(frozen=True)
class Classified(peers.Round):
    """The first class of each photo by its path, and its probability where a scan gives it."""

    first: dict[str, str]
    scores: dict[str, float] = field(default_factory=dict)


def main() -> None:
    """Measures everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--photos", type=int, default=144, help="how many 12-megapixel JPEGs")
    parser.add_argument("--folder", type=Path, help="where to keep them (default: a temporary folder)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--labelled", type=Path, metavar="PHOTOS", help="JPEGs whose classes are known")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)) / "photos"
        files = photos.make(folder, options.photos)
        figures = measure(folder, files, options.rounds)
    if options.labelled:
        figures["right"] = right(options.labelled)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


def measure(folder: Path, files: list[Path], rounds: int) -> dict[str, object]:
    """All figures that need no labels."""
    setting = peers.setting("tensorflow", "tensorflow-cpu", "keras", "onnxruntime", "pillow")
    logits = json.loads(peers.python(_PROGRAM, "check", given=_lines(files[:_CHECKED])).output)
    if logits["logits_differ_most"] > _SAME_LOGITS:
        raise SystemExit(f"the networks are not the same: {logits}")
    networks = {name: _network(arguments) for name, arguments in _NETWORKS.items()}
    scans = {name: partial(_scan, folder, files[0], arguments) for name, arguments in _SCANS.items()}
    loops = {name: partial(_loop, files, arguments) for name, arguments in _PEERS.items()}
    taken = peers.in_turns(rounds, scans | loops)
    return {
        **setting,
        "photos": len(files),
        "logits": logits,
        "network_ms": networks,
        "photo_ms": {name: peers.milliseconds(each, len(files)) for name, each in taken.items()},
        **{
            f"{scan}_times_faster_than": {name: _compared(taken[scan], taken[name]) for name in _PEERS}
            for scan in _SCANS
        },
    }


def _network(arguments: tuple[str, ...]) -> dict[str, float]:
    alone = json.loads(peers.python(_PROGRAM, *arguments).output)
    return {"cpu": round(alone["cpu_seconds"] * 1e3, 1), "clock": round(alone["seconds"] * 1e3, 1)}


def _scan(folder: Path, file: Path, arguments: tuple[str, ...]) -> Classified:
    times, records = peers.scan_without_start(folder, file, *arguments)
    best = {str(folder / each["path"]): each["scores"]["objects"][0] for each in records}
    first, scores = ({path: top[index] for path, top in best.items()} for index in range(2))
    return Classified(*times, first, scores)


def _loop(files: list[Path], arguments: tuple[str, ...]) -> Classified:
    cost = peers.python(_PROGRAM, *arguments, given=_lines(files))
    told = json.loads(cost.output)
    names = [label.name for label in load_labels("imagenet1k")]
    first = {str(file): names[index] for file, index in zip(files, told["first"], strict=True)}
    return Classified(told["seconds"], told["cpu_seconds"], cost.seconds, first)


def _lines(files: list[Path]) -> str:
    return "\n".join(map(str, files))


def _compared(ours: list[Classified], theirs: list[Classified]) -> dict[str, object]:
    """How many times as long a peer takes as a scan, and how often it gives the same first class."""
    sure = {path: ours[0].first[path] for path, score in ours[0].scores.items() if score > _SURE}
    agreement = f"{same(sure, theirs[0].first)} of {len(sure)}"
    return {**peers.ratios(ours, theirs), "same_first_class": agreement}


def same(left: dict[str, str], right: dict[str, str]) -> int:
    """How many files have the same in both."""
    return sum(right.get(name) == first for name, first in left.items())


def right(folder: Path) -> dict[str, int]:
    """How many labelled photos get their class first; they are too small to be decoded at an eighth."""
    names = [label.name for label in load_labels("imagenet1k")]
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as stream:
        truth = {str(folder / row["file"]): names[int(row["class_index"])] for row in csv.DictReader(stream)}
    files = list(map(Path, truth))
    scans = {name: _scan(folder, files[0], arguments).first for name, arguments in _SCANS.items()}
    loops = {name: _loop(files, _PEERS[name]).first for name in ("call", "dataset")}
    return {"photos": len(truth)} | {name: same(truth, first) for name, first in (scans | loops).items()}


if __name__ == "__main__":
    main()
