"""Makes image files for the tests, from a photo that comes with scikit-image."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from skimage import data

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FLIPS = {
    1: lambda picture: picture,
    2: lambda picture: picture[:, ::-1],
    3: lambda picture: picture[::-1, ::-1],
    4: lambda picture: picture[::-1],
    5: lambda picture: picture.transpose(1, 0, 2),
    6: lambda picture: np.rot90(picture),
    7: lambda picture: picture[::-1, ::-1].transpose(1, 0, 2),
    8: lambda picture: np.rot90(picture, -1),
}
"""EXIF orientation -> what a camera stores of an upright picture that bears it (TIFF 6.0, page 36)."""


@cache
def photo() -> Image.Image:
    """A coffee cup, 300×200."""
    return Image.fromarray(data.coffee()).resize((300, 200), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, format_: str, **options: Any) -> bytes:
    """The bytes of an image file."""
    buffer = BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def written(folder: Path, content: bytes, name: str = "a.jpg") -> str:
    """The path of a new file."""
    path = folder / name
    path.write_bytes(content)
    return str(path)


def distance(one: NDArray[Any], other: NDArray[Any] | Image.Image) -> float:
    """The mean absolute difference of two pictures of one size, in grey levels."""
    first, second = np.asarray(one, np.float64), np.asarray(other, np.float64)
    assert first.shape == second.shape
    return float(np.abs(first - second).mean())
