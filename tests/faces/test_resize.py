from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognize_cli.faces.resize import fit_square


def padded(pixels: np.ndarray, *, centred: bool) -> np.ndarray:
    """face-api's padToSquare, as it is written there."""
    height, width = pixels.shape[:2]
    lacking = abs(height - width)
    behind = math.floor(lacking * (0.5 if centred else 1) + 0.5)  # Math.round
    before = lacking - behind if centred else 0
    pads = ((0, 0), (before, behind), (0, 0)) if height > width else ((before, behind), (0, 0), (0, 0))
    return np.pad(pixels.astype(np.float64), pads)


def resized(square: np.ndarray, size: int) -> np.ndarray:
    """TensorFlow's ResizeBilinear, pixel by pixel."""
    side = len(square)
    result = np.empty((size, size, 3))
    for row in range(size):
        for column in range(size):
            y, x = row * side / size, column * side / size
            top, left = math.floor(y), math.floor(x)
            bottom, right = min(math.ceil(y), side - 1), min(math.ceil(x), side - 1)
            upper = square[top, left] + (square[top, right] - square[top, left]) * (x - left)
            lower = square[bottom, left] + (square[bottom, right] - square[bottom, left]) * (x - left)
            result[row, column] = upper + (lower - upper) * (y - top)
    return result


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 24), st.booleans(), st.integers(0, 2**32 - 1))
def test_pixels_are_those_of_tensorflow(height: int, width: int, size: int, centred: bool, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    expected = resized(padded(pixels, centred=centred), size)
    fitted = fit_square(pixels, size, centred=centred)
    assert fitted.dtype == np.float32
    np.testing.assert_allclose(fitted, expected, atol=1e-3)


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (2, 3001), (1024, 683), (150, 150)])
def test_pictures_of_any_shape_are_taken(shape: tuple[int, int], centred: bool) -> None:
    fitted = fit_square(np.full((*shape, 3), 200, np.uint8), 150, centred=centred)
    assert fitted.shape == (150, 150, 3)
    assert fitted.max() <= 200.001
    assert fitted.min() >= 0
    np.testing.assert_allclose(fit_square(np.full((150, 150, 3), 7, np.uint8), 150, centred=centred), 7)


def test_the_picture_is_in_the_corner_or_in_the_middle() -> None:
    pixels = np.full((100, 50, 3), 255, np.uint8)
    corner, middle = (fit_square(pixels, 100, centred=centred)[:, :, 0] for centred in (False, True))
    assert (np.flatnonzero(corner.any(axis=0)) == np.arange(50)).all()
    assert (np.flatnonzero(middle.any(axis=0)) == np.arange(25, 75)).all()


def test_the_picture_is_not_changed(astronaut: np.ndarray) -> None:
    before = astronaut.copy()
    fit_square(astronaut[10:300, 5:99], 150, centred=True)
    assert (astronaut == before).all()
