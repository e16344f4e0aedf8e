"""How many times faster we find and describe faces than face-api.js under node does.

Both run the same models of face-api on the same pixels, one after the other in this run, on the CPU:
face-api on TensorFlow.js' WASM backend, which is the fastest that needs no native code. With them the
default model is measured. What counts are CPU milliseconds an image, of one thread, and their ratios; how
much of ours is spent outside of the models is told as well. Prints JSON. Without node only our side is
measured.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import skimage
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.faces import node

from recognize_cli.cli.building import build
from recognize_cli.engines.onnx import OrtSession
from recognize_cli.faces.faceapi import FaceApi
from recognize_cli.models.fetch import ensure
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.store import Store
from recognize_cli.records import Batch, Decoded, Kind, MediaFile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray


_PICTURES = Path(skimage.__file__).parent / "data"


class TimedSession:
    """A session that adds up the CPU seconds it takes."""

    def __init__(self, session: OrtSession) -> None:
        self.inputs, self.outputs = session.inputs, session.outputs
        self.seconds = 0.0
        self._session = session

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """As the session does it."""
        before = time.process_time()
        results = self._session.run(feeds)
        self.seconds += time.process_time() - before
        return results

    def close(self) -> None:
        """Gives the model's memory back."""
        self._session.close()


def main() -> None:
    """Measures both, prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, nargs="*", help="photos to take (default: made of two)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each photo is taken")
    options = parser.parse_args()
    pictures = [opened(path) for path in options.photos] or made()
    sys.stdout.write(json.dumps(measure(pictures, options.rounds), indent=2) + "\n")


def opened(path: Path) -> NDArray[np.uint8]:
    """A photo as recognizers get it: at most 1024 pixels on its long side."""
    with Image.open(path) as image:
        image.thumbnail((1024, 1024))
        return np.asarray(image.convert("RGB"))


def made() -> list[NDArray[np.uint8]]:
    """Photos of 1024×768 pixels with no face, with one and with eight."""
    size = (1024, 768)
    portrait, coffee = (
        Image.open(_PICTURES / name).convert("RGB") for name in ("astronaut.png", "coffee.png")
    )
    group = Image.new("RGB", (4 * 220, 2 * 330))
    for index in range(8):
        group.paste(portrait.crop((120, 0, 340, 330)), (index % 4 * 220, index // 4 * 330))
    return [np.asarray(picture.resize(size)) for picture in (coffee, portrait, group)]


def measure(pictures: Sequence[NDArray[np.uint8]], rounds: int) -> dict[str, object]:
    """All figures of one run."""
    graphs = ensure(load_lock().entry("face-api"), Store()).graphs
    sessions = [TimedSession(OrtSession(graphs[name])) for name in ("detector", "landmarks", "descriptor")]
    model = FaceApi(*sessions)
    before = sum(session.seconds for session in sessions)
    ours, faces = cpu_milliseconds(lambda picture: len(model.analyse(picture)), pictures, rounds)
    inside = 1000 * (sum(session.seconds for session in sessions) - before) / (len(pictures) * (rounds + 1))
    default, default_faces = cpu_milliseconds(default_model(), pictures, rounds)
    figures: dict[str, object] = {
        "images": len(pictures),
        "faces": faces,
        "cpu_ms_an_image": round(ours, 1),
        "of_which_outside_of_the_models": round(ours - inside, 1),
        "default_model_faces": default_faces,
        "default_model_cpu_ms_an_image": round(default, 1),
    }
    return {**figures, **against_node(pictures, rounds, faces, ours, default)}


def default_model() -> Callable[[NDArray[np.uint8]], int]:
    """Counts the faces of a picture as a scan finds them."""
    (entry,) = (each for each in load_lock().defaults() if each.recognizer == "faces")
    store = Store()
    ensure(entry, store)
    recognizer = build(entry.recognizer, entry, store)
    recognizer.load()
    file = MediaFile("bench", "picture", Kind.IMAGE, 1, "1", 0.0)

    def count(picture: NDArray[np.uint8]) -> int:
        (scores,) = recognizer.run(Batch("faces", (Decoded(file, {None: picture}),)))
        return len(scores.faces or ())

    return count


def against_node(
    pictures: Sequence[NDArray[np.uint8]], rounds: int, faces: int, ours: float, default: float
) -> dict[str, object]:
    """What face-api itself takes, and how many times as long that is."""
    try:
        results = node.analyse(node.install(), list(pictures) * (rounds + 1))[len(pictures) :]
    except node.Unavailable as problem:
        return {"face_api": f"not measured: {problem}"}
    theirs = sum(result["cpuMilliseconds"] for result in results) / len(results)
    if sum(len(result["faces"]) for result in results) != faces * rounds:
        raise SystemExit("face-api finds other faces than we do: the times cannot be compared")
    return {
        "face_api_cpu_ms_an_image": round(theirs, 1),
        "times_faster": round(theirs / ours, 1),
        "default_model_times_faster": round(theirs / default, 1),
    }


def cpu_milliseconds(
    count: Callable[[NDArray[np.uint8]], int], pictures: Sequence[NDArray[np.uint8]], rounds: int
) -> tuple[float, int]:
    """CPU milliseconds of this process an image, after a round to warm up, and how many faces there are."""
    faces = sum(count(picture) for picture in pictures)
    before = time.process_time()
    for _ in range(rounds):
        for picture in pictures:
            count(picture)
    return 1000 * (time.process_time() - before) / (rounds * len(pictures)), faces


if __name__ == "__main__":
    main()
