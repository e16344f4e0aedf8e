"""What the default limits say of the faces that the default model finds in labelled photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageFilter

from recognize_cli.catalogue.people_api import KnownFace
from recognize_cli.cli.building import build
from recognize_cli.faces.quality import Gates
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.store import Store
from recognize_cli.records import Batch, Decoded
from tests.support.records import media_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from recognize_cli.protocols import Recognizer

SHARED = Path(__file__).parents[3] / "shared" / "data" / "faces"

pytestmark = [
    pytest.mark.model,
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.exists(), reason="../shared is not here"),
]


@pytest.fixture(scope="module")
def recognizer(model_store: Path) -> Iterator[Recognizer]:
    (entry,) = (each for each in load_lock().defaults() if each.recognizer == "faces")
    recognizer = build(entry.recognizer, entry, Store(model_store))
    recognizer.load()
    yield recognizer
    recognizer.close()


def photos() -> list[Image.Image]:
    """Portraits with the face of the labelled person in the middle, about half as wide as the photo."""
    return [Image.open(path).convert("RGB") for path in sorted(SHARED.glob("*.jpg"))[::5]]


def flags(recognizer: Recognizer, photo: Image.Image) -> tuple[str, ...] | None:
    """What is wrong with the face nearest to the middle, None where there is none."""
    (result,) = recognizer.run(Batch("faces", (Decoded(media_file(), {None: np.asarray(photo)}),)))
    assert result.faces is not None
    if not result.faces:
        return None
    face = min(
        result.faces,
        key=lambda each: np.hypot(
            each.box.x + each.box.width / 2 - 0.5, each.box.y + each.box.height / 2 - 0.5
        ),
    )
    return Gates().flags(
        KnownFace(
            id=1,
            file=media_file(),
            model="m",
            box=face.box,
            score=face.score,
            landmarks=face.landmarks,
            pose=face.pose,
            sharpness=face.sharpness,
            person=None,
            name=None,
            by_hand=False,
            distance=None,
        )
    )


def counted(recognizer: Recognizer, change: Callable[[Image.Image], Image.Image]) -> list[tuple[str, ...]]:
    """The flags of the faces that are still found in the changed photos."""
    found = [flags(recognizer, change(photo)) for photo in photos()]
    return [each for each in found if each is not None]


def share(found: list[tuple[str, ...]], flag: str) -> float:
    return sum(flag in each for each in found) / len(found)


def test_good_portraits_have_no_flags(recognizer: Recognizer) -> None:
    found = counted(recognizer, lambda photo: photo)
    assert len(found) == len(photos())
    assert sum(not each for each in found) >= 0.95 * len(found)


def test_blurred_ones_are_blurred(recognizer: Recognizer) -> None:
    found = counted(recognizer, lambda photo: photo.filter(ImageFilter.GaussianBlur(0.04 * 115)))
    assert share(found, "blurred") >= 0.95


@pytest.mark.parametrize("angle", [-45, 45])
def test_leaning_ones_are_turned(recognizer: Recognizer, angle: int) -> None:
    found = counted(recognizer, lambda photo: photo.rotate(angle, Image.Resampling.BICUBIC))
    assert share(found, "turned") >= 0.9


def test_small_ones_are_small_and_not_blurred(recognizer: Recognizer) -> None:
    def shrunk(photo: Image.Image) -> Image.Image:
        canvas = Image.new("RGB", (1024, 1024), (127, 127, 127))
        canvas.paste(photo.resize((50, 50), Image.Resampling.LANCZOS), (487, 487))
        return canvas

    found = counted(recognizer, shrunk)
    assert share(found, "small") >= 0.9
    assert share(found, "blurred") <= 0.2
