"""The real models, and photos of faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from recognize_cli.engines.onnx import OrtSession
from recognize_cli.faces.faceapi import FaceApi
from recognize_cli.models.fetch import ensure
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.store import Store
from tests.support.photos import ASTRONAUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.fixture(scope="session")
def face_api(model_store: Path) -> Iterator[FaceApi]:
    """face-api's models as they are in models.lock."""
    graphs = ensure(load_lock().entry("face-api"), Store(model_store)).graphs
    model = FaceApi(*(OrtSession(graphs[name]) for name in ("detector", "landmarks", "descriptor")))
    yield model
    model.close()


@pytest.fixture(scope="session")
def astronaut() -> NDArray[np.uint8]:
    """512×512 pixels with one face, at about (225, 125) and 85 pixels wide."""
    with Image.open(ASTRONAUT) as image:
        return np.asarray(image.convert("RGB"))
