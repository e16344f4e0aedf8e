"""How right the tags of music are, and what they cost.

    python bench/music.py FOLDER

FOLDER holds clips and a `labels.csv` with the columns `file` and `genre`. A clip is right when the tag of its
genre is among its tags; genres that no tag stands for count as wrong. Each half of a clip is judged too. CPU
seconds are those of one thread, from the file to the tags, and count against the sound that was listened to.
Prints the tables of docs/rules.md and docs/models.md.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recognize_cli.cli.building import build
from recognize_cli.media.audio import decode_audio
from recognize_cli.models.fetch import ensure
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.store import Store
from recognize_cli.recognizers.music import NAME, prepare
from recognize_cli.records import Batch, Decoded, Kind, MediaFile
from recognize_cli.resources import shipped
from recognize_cli.rules import load_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from recognize_cli.protocols import Recognizer
    from recognize_cli.rules import RuleSet

MODEL = "musicnn-msd"
TAGS = {"disco": "Dance", "hiphop": "Hip-hop"}
"""The tags of genres that are called otherwise."""

PATCH_SECONDS = 3


@dataclass
class Cost:
    """CPU seconds, and patches that they went into."""

    patches: int = 0
    decoding: float = 0.0
    spectrogram: float = 0.0
    all: float = 0.0


def main() -> None:
    """Reads the command line and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--store", type=Path)
    arguments = parser.parse_args()
    entry, store = load_lock().entry(MODEL), Store(arguments.store)
    ensure(entry, store)
    recognizer = build(entry.recognizer, entry, store)
    recognizer.load()
    sys.stdout.write("\n".join(report(arguments.folder, recognizer)) + "\n")


def report(folder: Path, recognizer: Recognizer) -> Iterator[str]:
    """The lines of all tables."""
    rules, cost = load_rules(shipped("rules.yml")), Cost()
    right, halves_right, halves = 0, 0, 0
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        clips = {row["file"]: row["genre"] for row in csv.DictReader(file)}
    yield "| genre | tags |\n| --- | --- |"
    for name, genre in clips.items():
        patches, found = listen(folder / name, recognizer, rules, cost)
        wanted = TAGS.get(genre, genre.capitalize())
        right += wanted in found
        yield f"| {genre} | {', '.join(f'{tag} {score:.2f}' for tag, score in found.items())} |"
        for half in np.array_split(patches, 2):
            halves += 1
            halves_right += wanted in tags(half, recognizer, rules)
    yield f"\nright: {right} of {len(clips)} clips, {halves_right} of {halves} halves of clips\n"
    yield f"CPU ms a patch: decoding {_ms(cost.decoding, cost)}, spectrogram {_ms(cost.spectrogram, cost)},"
    speed = cost.patches * PATCH_SECONDS / cost.all
    yield f"all {_ms(cost.all, cost)}; {speed:.0f} times real time on one core"


def listen(
    path: Path, recognizer: Recognizer, rules: RuleSet, cost: Cost
) -> tuple[NDArray[np.float32], dict[str, float]]:
    """What a decoder gives of a file, and its tags with their scores."""
    start = time.process_time()
    patches = decode_audio(str(path))
    decoded = time.process_time()
    found = tags(patches, recognizer, rules)
    done = time.process_time()
    prepare(patches)
    cost.patches += len(patches)
    cost.decoding += decoded - start
    cost.all += done - start
    cost.spectrogram += time.process_time() - done
    return patches, found


def tags(patches: NDArray[np.float32], recognizer: Recognizer, rules: RuleSet) -> dict[str, float]:
    """The tags of so much sound, with their scores."""
    file = MediaFile("", "", Kind.AUDIO, 0, "", 0.0)
    [scores] = recognizer.run(Batch(NAME, (Decoded(file, {None: patches}),)))
    return {tag.name: tag.score for tag in rules.apply(scores)}


def _ms(seconds: float, cost: Cost) -> str:
    return f"{1000 * seconds / cost.patches:.1f}"


if __name__ == "__main__":
    main()
