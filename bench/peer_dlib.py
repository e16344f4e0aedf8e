"""Faces, against the package face_recognition with dlib: cost, faces found, and people told apart.

    pip install dlib-bin 'setuptools<81' face_recognition_models scikit-image
    pip install --no-deps face_recognition
    python bench/peer_dlib.py FOLDER

(`dlib-bin` is dlib, compiled. With `dlib` itself, which takes CMake, a compiler and ten minutes,
`--no-deps` is not needed.) FOLDER holds photos named ``Person_0001.jpg`` as those of LFW are. Each photo
is handed, decoded, to both in turns, with their defaults: our model `yunet-sface`; dlib's detector `hog`
and, if asked for by `--cnn`, `cnn`, which takes a second a photo, each with the descriptor of 128
numbers. Costs are CPU milliseconds a photo of one thread, and ratios of their sums. How well people are
told apart: see `separation.py`, whose figures these are.

In the same way, but without `cnn`, they look at `--large` made photos of 1024 pixels with one to three
of these faces, as a scan sees them. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import peers
import portraits
from PIL import Image
from scipy.spatial.distance import pdist
from separation import curve, main_face, thresholds

from recognize_cli.cli.building import build
from recognize_cli.models.fetch import ensure
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.store import Store
from recognize_cli.records import Batch, Box, Decoded, Detection, Kind, MediaFile, Pose

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Describe = Callable[[NDArray[np.uint8]], Sequence[Detection]]

_OURS = "yunet-sface"
_SIDE = 1024
_PORTRAITS = 24


@dataclass
class Found:
    """What one finds in photos, and the CPU seconds of each photo."""

    seconds: list[float] = field(default_factory=list)
    faces: list[Sequence[Detection]] = field(default_factory=list)


def main() -> None:
    """Measures all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--large", type=int, default=12, help="made photos of 1024 pixels")
    parser.add_argument("--cnn", action="store_true", help="dlib's better detector, too")
    options = parser.parse_args()
    files = sorted(options.folder.glob("*.jpg"))
    contenders: dict[str, Describe] = {_OURS: our_model(), "hog": partial(described, "hog")}
    slow = {"cnn": partial(described, "cnn")} if options.cnn else {}
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        large = portraits.make(root / "photos", options.large, files[:: max(1, len(files) // _PORTRAITS)])
        seen = {"photos": look(contenders | slow, files), "large_photos": look(contenders, large)}
    people = [file.name.rpartition("_")[0] for file in files]
    figures = {
        **peers.setting("face_recognition", "dlib-bin", "dlib", "onnxruntime"),
        **{name: costs(found) for name, found in seen.items()},
        "people_told_apart": {name: apart(found.faces, people) for name, found in seen["photos"].items()},
    }
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


def our_model() -> Describe:
    """Our recognizer, on one thread."""
    entry, store = load_lock().entry(_OURS), Store()
    ensure(entry, store)
    recognizer = build(entry.recognizer, entry, store)
    recognizer.load()
    file = MediaFile("bench", "picture", Kind.IMAGE, 1, "1", 0.0)

    def describe(pixels: NDArray[np.uint8]) -> Sequence[Detection]:
        [scores] = recognizer.run(Batch(recognizer.name, (Decoded(file, {None: pixels}),)))
        return scores.faces or ()

    return describe


def described(detector: str, pixels: NDArray[np.uint8]) -> Sequence[Detection]:
    """What face_recognition finds with one of its detectors."""
    import face_recognition

    boxes = face_recognition.face_locations(pixels, model=detector)
    vectors = face_recognition.face_encodings(pixels, boxes)
    height, width = pixels.shape[:2]
    return [
        Detection(
            Box(left / width, top / height, (right - left) / width, (bottom - top) / height),
            score=1.0,
            landmarks=(),
            pose=Pose(0.0, 0.0, 0.0),
            sharpness=1.0,
            embedding=vector.astype(np.float32),
        )
        for (top, right, bottom, left), vector in zip(boxes, vectors, strict=True)
    ]


def look(contenders: Mapping[str, Describe], files: Sequence[Path]) -> dict[str, Found]:
    """All look at each photo, after the first one, which does not count."""
    found = {name: Found() for name in contenders}
    for describe in contenders.values():
        describe(opened(files[0]))
    for file in files:
        pixels = opened(file)
        for name, describe in contenders.items():
            started = time.process_time()
            faces = describe(pixels)
            found[name].seconds.append(time.process_time() - started)
            found[name].faces.append(faces)
    return found


def opened(file: Path) -> NDArray[np.uint8]:
    """A photo as recognizers get it."""
    with Image.open(file) as image:
        image.thumbnail((_SIDE, _SIDE))
        return np.asarray(image.convert("RGB"))


def costs(found: Mapping[str, Found]) -> dict[str, object]:
    """CPU milliseconds a photo, and the faces of all photos."""
    ours = sum(found[_OURS].seconds)
    return {
        name: {
            "photos": len(each.faces),
            "faces": sum(map(len, each.faces)),
            "without_a_face": sum(not faces for faces in each.faces),
            "cpu_ms": round(1e3 * float(np.mean(each.seconds)), 1),
            "we_are_times_faster": round(sum(each.seconds) / ours, 2),
        }
        for name, each in found.items()
    }


def apart(faces: Sequence[Sequence[Detection]], people: Sequence[str]) -> dict[str, object]:
    """How well the main faces of photos tell the people in them apart."""
    main_faces = [(main_face(each), person) for each, person in zip(faces, people, strict=True) if each]
    vectors = np.stack([face.embedding for face, _ in main_faces]).astype(np.float64)
    truth = np.unique([person for _, person in main_faces], return_inverse=True)[1]
    distances = pdist(vectors)
    same = (truth[:, None] == truth)[np.triu_indices(len(truth), 1)]
    return {"found": len(main_faces), **curve(distances, same), **thresholds(distances, truth)}


if __name__ == "__main__":
    main()
