"""EfficientNet-Lite in 8 bits: how often it is right is tested with the real weights."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest

from recognize_cli.errors import ConversionFailed
from recognize_cli.labels import load_labels
from recognize_cli.models.convert import efficientnet_lite
from recognize_cli.models.convert.efficientnet_lite_int8 import convert
from recognize_cli.models.convert.quantization import features
from recognize_cli.models.entries import Classifier
from recognize_cli.models.lockfile import load_lock
from recognize_cli.resources import shipped
from tests.models.convert.checkpoints import checkpoint
from tests.models.convert.lite_reference import SIDE, made_weights
from tests.models.test_accuracy import PHOTOS, prepared

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SIDE_2 = 260
SURE = 0.3


@pytest.fixture(scope="module")
def pictures() -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """The labelled photos as the model sees them, and the numbers of their classes."""
    task = load_lock().entry("efficientnet-lite2-int8").task
    assert isinstance(task, Classifier)
    ids = [label.id for label in load_labels(task.labels)]
    with (PHOTOS / "labels.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    photos = np.stack([prepared(PHOTOS / row["file"], task.input) for row in rows])
    return photos, np.array([ids.index(row["wnid"]) for row in rows])


def probabilities(model: Path, photos: NDArray[np.uint8]) -> NDArray[np.float64]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    logits = np.concatenate([session.run(None, {"images": photo[None]})[0] for photo in photos])
    exponentials = np.exp(logits.astype(np.float64))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def test_other_variants_have_no_ranges(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(checkpoint(made_weights()))
    with pytest.raises(ConversionFailed, match=f"known for images of {SIDE_2} pixels a side, not {SIDE}"):
        convert({"weights.pth": path}, tmp_path, side=SIDE)


@pytest.mark.model
def test_the_shipped_ranges_are_those_of_the_network(lite2_checkpoint: Path) -> None:
    ranges = json.loads(shipped("efficientnet-lite2-ranges.json").read_bytes())
    assert list(ranges) == features(efficientnet_lite.network({"w": lite2_checkpoint}, SIDE_2))
    assert all(least < largest for least, largest in ranges.values())


@pytest.mark.model
@pytest.mark.shared
@pytest.mark.skipif(not PHOTOS.exists(), reason="../shared is not here")
def test_it_is_as_often_right_as_the_network_in_32_bits(
    tmp_path: Path, lite2_checkpoint: Path, pictures: tuple[NDArray[np.uint8], NDArray[np.intp]]
) -> None:
    (tmp_path / "int8").mkdir()
    efficientnet_lite.convert({"w": lite2_checkpoint}, tmp_path, side=SIDE_2)
    convert({"w": lite2_checkpoint}, tmp_path / "int8", side=SIDE_2)
    photos, truth = pictures
    exact, rough = (probabilities(folder / "model.onnx", photos) for folder in (tmp_path, tmp_path / "int8"))
    first, first_rough = exact.argmax(axis=1), rough.argmax(axis=1)
    sure = exact.max(axis=1) > SURE
    assert np.mean(first_rough == truth) >= np.mean(first == truth) - 0.01
    assert np.mean((first_rough == first)[sure]) >= 0.98
    assert (
        np.mean([label in row for label, row in zip(truth, np.argsort(-rough)[:, :5], strict=True)]) >= 0.97
    )
