"""The distinct vectors of the faces: copies of a photo are one point, damaged vectors none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_CHUNK = 1 << 16
"""Rows that are worked on together: memory for intermediate results stays small beside the vectors."""

_CACHED = 1 << 12
"""The same for pairs of rows from all over the vectors: so many fit into a processor's cache."""

_SMALLEST, _LARGEST = 1e-30, 1e30
"""Squared lengths between which float32 arithmetic on vectors and their differences is sound."""


@dataclass(frozen=True, slots=True)
class Points:
    """Distinct vectors, and which face has which.

    vectors: float32 (p×d), moved so that their mean is the origin. Their order follows from the vectors
        alone, so nothing that is worked out from points depends on the order of the faces.
    of_face: int64 (n), the point of each face, -1 for a face that is not wanted or has no usable vector.
    """

    vectors: NDArray[np.float32]
    of_face: NDArray[np.int64]


def distinct(vectors: NDArray[np.float32], wanted: NDArray[np.bool_]) -> Points:
    """Gathers the equal vectors of the wanted faces (bool (n)).

    A vector that is zero, not finite or beyond all measure is not usable.
    """
    usable = np.flatnonzero(wanted & _usable(vectors))
    first, point = _first_of_equal(vectors, usable)
    points = np.ascontiguousarray(vectors[first], np.float32)
    for rows in chunks(len(points)):
        points[rows] += 0.0  # the one zero that has a sign
    if len(points):
        points -= points.mean(axis=0, dtype=np.float64).astype(np.float32)
    of_face = np.full(len(vectors), -1, np.int64)
    of_face[usable] = point
    return Points(points, of_face)


def squared_distances(
    vectors: NDArray[np.float32], left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Between pairs of rows. From their differences: exact for near ones, the same in both directions."""
    result = np.empty(len(left))
    for rows in chunks(len(left), _CACHED):
        difference = np.take(vectors, left[rows], axis=0)
        difference -= np.take(vectors, right[rows], axis=0)
        result[rows] = np.einsum("ij,ij->i", difference, difference)
    return result


def chunks(count: int, size: int = _CHUNK) -> Iterator[slice]:
    """Slices that cover 0 to ``count``."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def _usable(vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
    result = np.zeros(len(vectors), np.bool_)
    with np.errstate(over="ignore", invalid="ignore"):
        for rows in chunks(len(vectors)):
            squares = np.einsum("ij,ij->i", vectors[rows], vectors[rows])
            result[rows] = (squares > _SMALLEST) & (squares < _LARGEST)
    return result


def _first_of_equal(
    vectors: NDArray[np.float32], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A row for each distinct vector, and for each of ``rows`` the number of its vector among those.

    Hashes are sorted in place of vectors, which is many times faster; should two vectors ever share a hash,
    the vectors are sorted after all.
    """
    hashes = np.empty(len(rows), np.uint64)
    multipliers = np.random.default_rng(7).integers(
        1 << 63, size=vectors.shape[1], dtype=np.uint64
    ) | np.uint64(1)
    for part in chunks(len(rows)):
        bits = (vectors[rows[part]] + np.float32(0)).view(np.uint32).astype(np.uint64)
        hashes[part] = _mixed(bits * multipliers).sum(axis=1, dtype=np.uint64)
    _, first, point = np.unique(hashes, return_index=True, return_inverse=True)
    for part in chunks(len(rows)):
        if not np.array_equal(vectors[rows[part]], vectors[rows[first[point[part]]]]):
            _, first, point = np.unique(
                vectors[rows] + np.float32(0), axis=0, return_index=True, return_inverse=True
            )
            break
    return rows[first], point.reshape(-1)


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spreads the bits of each number (the finisher of MurmurHash3), so that sums of them rarely agree."""
    numbers ^= numbers >> np.uint64(33)
    numbers *= np.uint64(0xFF51AFD7ED558CCD)
    numbers ^= numbers >> np.uint64(33)
    return numbers
