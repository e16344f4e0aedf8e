"""Pictures as squares for TensorFlow's face models: padded with zeros, then resized as TF 1 does.

Output pixel i is read at i * side / size, without the half pixel that other libraries add, and without a
filter against aliasing (`tf.compat.v1.image.resize_bilinear`; face-api's `NetInput.toBatchTensor`). Models
that were trained on such pictures give other answers for those of Pillow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class _Taps(NamedTuple):
    """How one axis is resized: output places ``span`` are a weighted sum of two places of the input."""

    span: slice
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    first_weight: NDArray[np.float32]
    second_weight: NDArray[np.float32]


def fit_square(pixels: NDArray[np.uint8], size: int, *, centred: bool) -> NDArray[np.float32]:
    """A picture (H×W×3) in a black square of ``size`` pixels (size×size×3, 0 to 255).

    It fills the square's upper left, or its middle where it is to be ``centred``.
    """
    height, width = pixels.shape[:2]
    rows = _taps(height, max(height, width), size, _padding(height, width) if centred else 0)
    columns = _taps(width, max(height, width), size, _padding(width, height) if centred else 0)
    lines, places = np.unique(np.stack([rows.first, rows.second]), return_inverse=True)
    first, second = places.reshape(2, -1)
    blended = _blend_columns(pixels[lines], columns)
    filled = blended[first]
    filled *= rows.first_weight[:, None]
    if rows.second_weight.any():  # never for a side that is a multiple of the size, as 1024 is of 512
        filled += blended[second] * rows.second_weight[:, None]
    square = np.zeros((size, size, 3), np.float32)
    square[rows.span, columns.span] = filled.reshape(len(rows.first), len(columns.first), 3)
    return square


def _padding(length: int, other: int) -> int:
    """Zeros before an axis of this length, the other axis being so long: of an odd number, the fewer."""
    return max(0, other - length) // 2


def _taps(length: int, side: int, size: int, padding: int) -> _Taps:
    """The taps of an axis of ``length`` that lies in a square of ``side``, behind ``padding`` zeros."""
    source = np.arange(size) * (side / size)
    first = np.floor(source).astype(np.intp)
    second = np.minimum(np.ceil(source).astype(np.intp), side - 1)
    fraction = source - first
    first -= padding
    second -= padding
    first_inside, second_inside = ((taps >= 0) & (taps < length) for taps in (first, second))
    places = np.flatnonzero(first_inside | second_inside)
    span = slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(0, 0)
    return _Taps(
        span,
        first[span].clip(0, length - 1),
        second[span].clip(0, length - 1),
        (first_inside * (1 - fraction))[span].astype(np.float32),
        (second_inside * fraction)[span].astype(np.float32),
    )


def _blend_columns(rows: NDArray[np.uint8], columns: _Taps) -> NDArray[np.float32]:
    """Rows (n×W×3) resized along their width (n×3m)."""

    def taken(places: NDArray[np.intp], weights: NDArray[np.float32]) -> NDArray[np.float32]:
        return rows.take(places, axis=1).reshape(len(rows), 3 * len(places)) * weights.repeat(3)

    blended = taken(columns.first, columns.first_weight)
    if columns.second_weight.any():
        blended += taken(columns.second, columns.second_weight)
    return blended
