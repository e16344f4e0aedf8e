"""How well the face models tell people apart, on photos named ``Person_0001.jpg`` as those of LFW are.

Of each photo the largest and most central face counts. For each model: in how many photos a face was found,
the area under the ROC curve of pairs of faces, the equal error rate, how many true pairs are accepted where
one false pair in ten thousand is, and between which thresholds grouping by average linkage reaches an F1 of
0.98; and the same with the photos turned, as heads lean. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from grouping_scores import pairwise
from PIL import Image
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

from recognize_cli.cli.building import build_in
from recognize_cli.hardware import probe
from recognize_cli.models.engines import AUTO, engine_for
from recognize_cli.models.fetch import ensure
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.store import Store
from recognize_cli.records import Batch, Decoded, Kind, MediaFile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from recognize_cli.protocols import Recognizer
    from recognize_cli.records import Detection

_MODELS = ("yunet-sface", "face-api")
_ANGLES = (0, 20, -35)
_STEPS = 200


def main() -> None:
    """Measures each model on the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", action="append", help=f"default: {', '.join(_MODELS)}")
    parser.add_argument("--engine", default=AUTO, help="as of `recognize scan`")
    options = parser.parse_args()
    photos = sorted(options.folder.glob("*.jpg"))
    result = {name: measure(name, options.engine, photos) for name in options.model or _MODELS}
    sys.stdout.write(json.dumps(result, indent=2) + "\n")


def measure(name: str, engine: str, photos: list[Path]) -> dict[str, object]:
    """All figures of one model."""
    entry, store = load_lock().entry(name), Store()
    ensure(entry, store)
    chosen = engine_for(entry, engine, probe().cpu)
    recognizer = build_in(chosen, entry.recognizer, entry, store)
    recognizer.load()
    found = {f"turned by {angle}": separation(recognizer, photos, angle) for angle in _ANGLES}
    recognizer.close()
    return {"photos": len(photos), "engine": f"{chosen.name} {chosen.precision}", **found}


def separation(recognizer: Recognizer, photos: list[Path], angle: int) -> dict[str, object]:
    """The figures with all photos turned by an angle in degrees."""
    vectors, people = [], []
    for photo in photos:
        with Image.open(photo) as image:
            pixels = np.asarray(image.convert("RGB").rotate(angle, Image.Resampling.BICUBIC))
        decoded = Decoded(MediaFile("", photo.name, Kind.IMAGE, 0, "", 0.0), {None: pixels})
        [scores] = recognizer.run(Batch(recognizer.name, (decoded,)))
        if scores.faces:
            vectors.append(main_face(scores.faces).embedding)
            people.append(photo.name.rpartition("_")[0])
    truth = np.unique(people, return_inverse=True)[1]
    distances = pdist(np.stack(vectors).astype(np.float64))
    same = truth[:, None] == truth
    return {
        "found": len(vectors),
        **curve(distances, same[np.triu_indices(len(truth), 1)]),
        **thresholds(distances, truth),
    }


def main_face(faces: Iterable[Detection]) -> Detection:
    """The largest and most central one."""

    def weight(face: Detection) -> float:
        box = face.box
        aside = max(abs(box.x + box.width / 2 - 0.5), abs(box.y + box.height / 2 - 0.5))
        return box.width * (1 - aside)

    return max(faces, key=weight)


def curve(distances: NDArray[np.float64], same: NDArray[np.bool_]) -> dict[str, float]:
    """What the order of the pairs by distance tells."""
    ordered = same[np.argsort(distances, kind="stable")]
    accepted = np.cumsum(ordered) / ordered.sum()
    wrong = np.cumsum(~ordered) / (~ordered).sum()
    even = int(np.argmin(np.abs(1 - accepted - wrong)))
    return {
        "auc": round(float(np.sum(accepted[~ordered]) / (~ordered).sum()), 5),
        "equal_error": round(float(1 - accepted[even] + wrong[even]) / 2, 4),
        "true_at_1e-4": round(float(accepted[np.searchsorted(wrong, 1e-4, "right") - 1]), 3),
    }


def thresholds(distances: NDArray[np.float64], truth: NDArray[np.int64]) -> dict[str, object]:
    """The best F1 of average linkage, and where it is 0.98 or more."""
    tree = linkage(distances, "average")
    steps = np.linspace(distances.min(), float(np.median(distances)), _STEPS)
    scores = np.array(
        [pairwise(truth, fcluster(tree, step, "distance").astype(np.int64)).f1 for step in steps]
    )
    good = steps[scores >= 0.98]
    return {
        "best_f1": round(float(scores.max()), 4),
        "good": [round(float(x), 3) for x in good[[0, -1]]] if len(good) else [],
    }


if __name__ == "__main__":
    main()
