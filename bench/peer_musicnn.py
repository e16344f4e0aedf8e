"""Tags of music, against the original package musicnn with the same weights, on the same tracks and cores.

    pip install tensorflow-cpu librosa
    pip install --no-deps musicnn==0.1.0 tf-keras
    python bench/peer_musicnn.py FOLDER

The package runs unmodified, although it asks for NumPy before 1.17: Keras 2 as its own package, by
TF_USE_LEGACY_KERAS=1, still has the layers of TensorFlow 1 that it is made of. Whole `recognize scan`s
take turns with a process that calls its `extractor` for each track, as its own command does. Times leave
out the start, except in `whole_command`: musicnn's imports, and what a scan of a single track takes.

A scan hears at most two minutes of a track, musicnn all of it: take clips that are shorter. Without a
FOLDER two made ones of half a minute, some times each, are taken, which sound like no music.

The package multiplies a float16 by 10 000, which overflows where a track is loud: then it says the same
of nearly every track. So it runs as it is, and once more, `repaired`, with float32 for float16, and
nothing else changed. For each track: how many of its first five tags are among our first five, and how
far it is at most from the probabilities of our first ten. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import peers

from recognize_cli.benching import made
from recognize_cli.records import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SCAN, _PEERS = "scan", ("musicnn", "repaired")
_COPIES = 5
_FIRST = 5
_ENDINGS = (".au", ".flac", ".mp3", ".ogg", ".wav")
_PROGRAM = """
import json, sys, time
import numpy as np
from musicnn import extractor

class Wider:
    float16 = np.float32
    def __getattr__(self, name):
        return getattr(np, name)

if sys.argv[1] == "repaired":
    extractor.np = Wider()
clock, cpu = time.perf_counter(), time.process_time()
tracks = []
for file in sys.argv[2:]:
    taggram, tags = extractor.extractor(file, model="MSD_musicnn", extract_features=False)
    tracks.append(dict(zip(tags, np.mean(taggram, axis=0).tolist())))
spent = time.perf_counter() - clock, time.process_time() - cpu
print("\\n" + json.dumps({"seconds": spent[0], "cpu_seconds": spent[1], "tracks": tracks}))
"""


@dataclass(frozen=True)
class Heard(peers.Round):
    """The probabilities of the tags of each track, by the name of its file."""

    tracks: dict[str, dict[str, float]]


def main() -> None:
    """Measures both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        if options.folder is None:
            make(folder)
        files = sorted(file for file in folder.iterdir() if file.suffix in _ENDINGS)
        sys.stdout.write(json.dumps(measure(folder, files, options.rounds), indent=2) + "\n")


def make(folder: Path) -> None:
    """Writes made tracks of half a minute, each some times, for the start of a scan to weigh little."""
    made.make(Kind.AUDIO, folder)
    for song in list(folder.iterdir()):
        for copy in range(1, _COPIES):
            shutil.copyfile(song, song.with_stem(f"{song.stem}-{copy}"))


def measure(folder: Path, files: Sequence[Path], rounds: int) -> dict[str, object]:
    """All figures of one run."""
    setting = peers.setting("musicnn", "tensorflow", "tensorflow-cpu", "tf-keras", "librosa", "onnxruntime")
    loops = {name: partial(_musicnn, name, files) for name in _PEERS}
    taken = peers.in_turns(rounds, {_SCAN: partial(_scan, folder, files[0]), **loops})
    ours = taken[_SCAN]
    return {
        **setting,
        "tracks": len(files),
        "track_ms": {name: peers.milliseconds(own, len(files)) for name, own in taken.items()},
        **{f"times_faster_than_{name}": peers.ratios(ours, taken[name]) for name in _PEERS},
        **{
            f"agreement_with_{name}": {
                file: agreement(tags, taken[name][0].tracks[file]) for file, tags in ours[0].tracks.items()
            }
            for name in _PEERS
        },
    }


def _scan(folder: Path, first: Path) -> Heard:
    times, records = peers.scan_without_start(folder, first, "-r", "music")
    tracks = {each["path"]: dict(each["scores"]["music"]) for each in records}
    return Heard(*times, tracks)


def _musicnn(variant: str, files: Sequence[Path]) -> Heard:
    command = [sys.executable, "-W", "ignore", "-c", _PROGRAM, variant, *map(str, files)]
    cost = peers.run(command, TF_USE_LEGACY_KERAS="1")
    told = json.loads(cost.output.splitlines()[-1])
    tracks = {file.name: tags for file, tags in zip(files, told["tracks"], strict=True)}
    return Heard(told["seconds"], told["cpu_seconds"], cost.seconds, tracks)


def agreement(ours: Mapping[str, float], theirs: Mapping[str, float]) -> dict[str, object]:
    """How alike the probabilities of tags are; ours are only the highest."""
    first, expected = (sorted(each, key=each.__getitem__, reverse=True)[:_FIRST] for each in (ours, theirs))
    return {
        "ours": first,
        "theirs": expected,
        "shared": len(set(first) & set(expected)),
        "differs_most": round(max(abs(ours[tag] - theirs[tag]) for tag in ours), 4),
    }


if __name__ == "__main__":
    main()
