"""How often the default model is right on labelled photos, with its reference's own preprocessing."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest
from PIL import Image, ImageOps

from recognize_cli.labels import load_labels
from recognize_cli.models.entries import Classifier
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.store import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recognize_cli.models.entries import InputSpec

PHOTOS = Path(__file__).parents[3] / "shared" / "data" / "photos"


def prepared(photo: Path, spec: InputSpec) -> NDArray[np.uint8]:
    """The central square as EfficientNet's evaluation takes it: whole pixels, then one bicubic resize."""
    image = ImageOps.exif_transpose(Image.open(photo)).convert("RGB")
    side = min(image.size) * spec.size // (spec.short_side or spec.size)
    left, top = ((length - side + 1) // 2 for length in image.size)
    square = image.crop((left, top, left + side, top + side))
    return np.asarray(square.resize((spec.size, spec.size), Image.Resampling.BICUBIC))


@pytest.mark.model
@pytest.mark.shared
@pytest.mark.skipif(not PHOTOS.exists(), reason="../shared is not here")
def test_the_true_class_is_first_or_among_the_first_five(model_store: Path) -> None:
    model = Store(model_store).open_model(load_lock().entry("efficientnet-lite2"))
    task = model.entry.task
    assert isinstance(task, Classifier)
    labels = load_labels(task.labels)
    session = onnxruntime.InferenceSession(model.graphs["model"], providers=["CPUExecutionProvider"])
    with (PHOTOS / "labels.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    places = []
    for row in rows:
        [[logits]] = session.run(None, {"images": prepared(PHOTOS / row["file"], task.input)[None]})
        ids = [labels[index].id for index in np.argsort(-logits)]
        places.append(ids.index(row["wnid"]))
    assert len(places) == 100
    assert np.mean([place == 0 for place in places]) >= 0.91
    assert np.mean([place < 5 for place in places]) >= 0.98
