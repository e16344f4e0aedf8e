from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from recognize_cli.faces.boxes import Crop
from recognize_cli.faces.sharpness import sharpness

FACE = Crop(175, 65, 95, 115)


def of(picture: Image.Image) -> float:
    return sharpness(np.asarray(picture), Crop(0, 0, *picture.size))


@pytest.fixture
def face(astronaut: np.ndarray) -> Image.Image:
    return Image.fromarray(FACE.of(astronaut))


def test_it_is_that_of_the_crop(astronaut: np.ndarray, face: Image.Image) -> None:
    assert sharpness(astronaut, FACE) == of(face)


def test_the_more_it_is_blurred_the_less_sharp_is_a_face(face: Image.Image) -> None:
    values = [of(face.filter(ImageFilter.GaussianBlur(sigma))) for sigma in (0, 1, 2, 3, 5, 8)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.3
    assert values[3] < 0.2


@pytest.mark.parametrize("width", [48, 60, 150, 500])
def test_size_does_not_count(face: Image.Image, width: int) -> None:
    resized = face.resize((width, width * face.height // face.width), Image.Resampling.LANCZOS)
    assert of(resized) == pytest.approx(of(face), rel=0.15)


def test_exposure_and_contrast_do_not_count(face: Image.Image) -> None:
    assert of(face.point(lambda value: value * 0.4 + 20)) == pytest.approx(of(face), rel=0.05)


@pytest.mark.parametrize("value", [0, 90, 255])
def test_a_face_without_detail_has_none(value: int) -> None:
    assert sharpness(np.full((50, 50, 3), value, np.uint8), Crop(0, 0, 50, 50)) == 0


def test_a_single_pixel_has_no_detail() -> None:
    assert sharpness(np.zeros((9, 9, 3), np.uint8), Crop(8, 8, 1, 1)) == 0


def test_the_range_is_0_to_8() -> None:
    board = np.indices((48, 48)).sum(axis=0) % 2 * 255
    pixels = np.repeat(board.astype(np.uint8)[:, :, None], 3, axis=2)
    assert sharpness(pixels, Crop(0, 0, 48, 48)) == pytest.approx(8)
