"""What a run costs over a tree that is all known: no model runs, every file is told from the catalogue."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import watching

from recognize_cli.catalogue import Outcome, SqliteCatalogue
from recognize_cli.cli.building import build
from recognize_cli.cli.wiring import NO_RULES
from recognize_cli.media.fingerprint import decoder_fingerprint
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.store import Store
from recognize_cli.records import FACES, Box, ClassScore, Detection, FileResult, Pose, Scores
from recognize_cli.resources import shipped
from recognize_cli.rules import load_rules
from recognize_cli.sources.local import LocalSource
from recognize_cli.stages.reconcile import place
from recognize_cli.stages.walk import walk

_TOP = ("tabby", "tiger cat", "Egyptian cat", "lynx", "Persian cat", "tiger", "red fox", "window screen")
_FACE = Detection(
    Box(0.4, 0.2, 0.1, 0.15), 0.9, ((0.5, 0.3),) * 5, Pose(0, 0, 0), 0.5, np.full(128, 0.0884, np.float32)
)


def main() -> None:
    """Makes the tree and its catalogue, scans it, prints the cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--directories", type=int, default=1_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root, catalogue = Path(temporary) / "tree", Path(temporary) / "catalogue"
        make_tree(root, options.files, options.directories)
        learn(root, catalogue)
        output = Path(temporary) / "out.jsonl"
        cost = watching.recognize(
            "scan", str(root), "--catalogue", str(catalogue), "--format", "jsonl", "-o", str(output)
        )
        summary = json.loads(output.read_bytes().splitlines()[-1])
    assert summary["unchanged"] == options.files, summary
    figures = {
        "known_files": options.files,
        "directories": options.directories,
        "seconds": round(cost.seconds, 2),
        "peak_memory_mb": round(cost.peak / 1e6),
    }
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


def make_tree(root: Path, files: int, directories: int) -> None:
    """Empty files with the names of photos."""
    for index in range(directories):
        folder = root / f"{index // 100:03}" / f"{index:06}"
        folder.mkdir(parents=True)
        for number in range(files // directories):
            (folder / f"IMG_{number:06}.jpg").touch()


def learn(root: Path, path: Path) -> None:
    """Fills a catalogue as if the default models had seen every file of the tree, and in each a face."""
    store, models = Store(), {}
    for entry in load_lock().defaults():
        models[entry.recognizer] = build(entry.recognizer, entry, store).fingerprint
    rules = load_rules(shipped("rules.yml"))
    source = LocalSource(str(root))
    top = tuple(ClassScore(name, 0.5 / 2**rank, None) for rank, name in enumerate(_TOP))
    with SqliteCatalogue.open(path) as catalogue:
        for visit in walk(source):
            outcomes = []
            for file in getattr(visit, "files", ()):
                scores = Scores(file, "objects", models["objects"], top)
                faces = Scores(file, FACES, models[FACES], (), (_FACE,))
                result = FileResult(file, ("objects", FACES), rules.apply(scores), (scores, faces))
                where = place(source, file.directory)
                fingerprints = {"objects": rules.fingerprint, FACES: NO_RULES}
                outcomes.append(Outcome(result, source.storage, where, fingerprints, decoder_fingerprint()))
            catalogue.commit(outcomes)


if __name__ == "__main__":
    main()
