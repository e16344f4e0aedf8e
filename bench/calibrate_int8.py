"""Finds the ranges of the features of efficientnet-lite2, for its version in 8 bits; writes JSON.

    pip install scikit-image scikit-learn
    python bench/calibrate_int8.py src/recognize_cli/data/efficientnet-lite2-ranges.json

The pictures are those that scikit-image and scikit-learn bring along, whole and in random parts, and noise of
three grains; with --more FOLDER the JPEGs of a folder too. They must not be those that the model is judged
by. Raise the version of the converter `efficientnet-lite-int8` where the ranges change.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import skimage.data
from onnx import TensorProto, helper
from PIL import Image, UnidentifiedImageError
from sklearn.datasets import load_sample_images

from recognize_cli.models.convert import GRAPH
from recognize_cli.models.convert.quantization import features
from recognize_cli.models.fetch import ensure
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_MODEL = "efficientnet-lite2"
_SMALLEST = 150
_PARTS = 6
_GRAINS = (1, 8, 32)
_DIGITS = 7


def main() -> None:
    """Runs the network on all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("--more", type=Path)
    options = parser.parse_args()
    entry, store = load_lock().entry(_MODEL), Store()
    ensure(entry, store)
    model = onnx.load(store.open_model(entry).graphs[GRAPH])
    names = features(model)
    ends = []
    session = watched(model, names)
    for picture in pictures(entry.task.input.size, options.more):
        arrays = session.run(names, {session.get_inputs()[0].name: picture[None]})
        ends.append([(array.min(), array.max()) for array in arrays])
    least, largest = np.min(ends, axis=0)[:, 0], np.max(ends, axis=0)[:, 1]
    ranges = {
        name: [float(f"{end:.{_DIGITS}g}") for end in pair]
        for name, *pair in zip(names, least, largest, strict=True)
    }
    options.target.write_text(json.dumps(ranges, indent=1) + "\n")


def watched(model: onnx.ModelProto, names: list[str]) -> onnxruntime.InferenceSession:
    """The network, which also gives these features."""
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def pictures(side: int, more: Path | None) -> Iterator[NDArray[np.uint8]]:
    """Squares of pixels, the same ones every time."""
    random = np.random.default_rng(0)
    files = sorted([*Path(skimage.data.__file__).parent.glob("*.*"), *(more.glob("*.jpg") if more else ())])
    for file in files:
        try:
            with Image.open(file) as image:
                yield from parts(image, side, random)
        except UnidentifiedImageError:
            continue
    for image in load_sample_images().images:
        yield from parts(Image.fromarray(image), side, random)
    for grain in _GRAINS:
        noise = random.integers(0, 256, (-(-side // grain), -(-side // grain), 3), np.uint8)
        yield np.asarray(Image.fromarray(noise).resize((side, side), Image.Resampling.BICUBIC))


def parts(image: Image.Image, side: int, random: np.random.Generator) -> Iterator[NDArray[np.uint8]]:
    """Squares out of a picture, some of them mirrored; the first is as large as fits."""
    if min(image.size) < _SMALLEST:
        return
    image = image.convert("RGB")
    for share in (1.0, *random.uniform(0.35, 1, _PARTS)):
        length = int(min(image.size) * share)
        left, top = (int(random.integers(whole - length + 1)) for whole in image.size)
        square = image.crop((left, top, left + length, top + length))
        scaled = square.resize((side, side), Image.Resampling.BICUBIC)
        mirrored = scaled.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        yield np.asarray(mirrored if random.random() < 0.5 else scaled)


if __name__ == "__main__":
    main()
