"""Nearest neighbours among points, by faiss.

Exact where that is affordable. Else by an inverted file (k-means cells, of which the nearest are searched;
Sivic and Zisserman, Video Google, 2003), which now and then misses a neighbour that is not among the closest.
Both give the same answer every time.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import faiss
import numpy as np

from recognize_cli.clustering.points import chunks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

COUNT = 32
"""How many neighbours of a point are looked at."""

_AFFORDABLE = 5e10
"""Multiplications for which an exact search is preferred: a second or two of one core."""

_CELLS_SEARCHED = 8
_TRAINING_PER_CELL = 40
_ITERATIONS = 4


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Of some points, each one's nearest other points; a row for each of ``points``, the nearest first.

    points: int64 (q), ascending.
    indices: int32 (q×k), -1 where there are no more.
    squared: float32 (q×k), the squares of the distances, infinite where there are no more.
    exact: whether none can be missing.
    """

    points: NDArray[np.int64]
    indices: NDArray[np.int32]
    squared: NDArray[np.float32]
    exact: bool

    def of(self, points: NDArray[np.int64]) -> Neighbours:
        """Those of a part of the points, all of which must be among ``self.points`` (ascending)."""
        rows = np.searchsorted(self.points, points)
        return Neighbours(points, self.indices[rows], self.squared[rows], self.exact)


def affordable(queries: int, vectors: NDArray[np.float32]) -> bool:
    """Whether an exact search for the neighbours of so many points takes seconds rather than minutes."""
    return float(queries) * vectors.size <= _AFFORDABLE


def neighbours(vectors: NDArray[np.float32], points: NDArray[np.int64]) -> Neighbours:
    """The nearest neighbours of ``points`` (ascending) among all vectors (p×d)."""
    exact = affordable(len(points), vectors)
    indices = np.full((len(points), COUNT), -1, np.int32)
    squared = np.full((len(points), COUNT), np.inf, np.float32)
    width = min(COUNT + 1, len(vectors))  # each point finds itself too
    if width > 1 and len(points):
        index, order = _flat(vectors, points) if exact else _inverted_file(vectors, points)
        for part in chunks(len(points)):
            rows = order[part]
            near, found = index.search(vectors[points[rows]], width)
            indices[rows, : width - 1], squared[rows, : width - 1] = _others(points[rows], found, near)
    return Neighbours(points, indices, squared, exact)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Lets searches use so many threads, and sets it back afterwards."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(max(count, 1))
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _flat(vectors: NDArray[np.float32], points: NDArray[np.int64]) -> tuple[faiss.Index, NDArray[np.int64]]:
    """An index of the vectors, and an order in which to search for the points."""
    index = faiss.IndexFlatL2(vectors.shape[1])
    index.add(vectors)
    return index, np.arange(len(points))


def _inverted_file(
    vectors: NDArray[np.float32], points: NDArray[np.int64]
) -> tuple[faiss.Index, NDArray[np.int64]]:
    """As `_flat`; the cells are learnt from an even sample.

    Points of one cell are searched for together: the cells that they need are in the processor's cache then.
    """
    count, dimensions = vectors.shape
    cells = max(1, min(int(count**0.75 / 8), count // _TRAINING_PER_CELL))
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(dimensions), dimensions, cells)
    index.cp.seed = 7
    index.cp.niter = _ITERATIONS
    index.train(np.ascontiguousarray(vectors[:: max(1, count // (_TRAINING_PER_CELL * cells))]))
    for rows in chunks(count):
        index.add(vectors[rows])
    index.nprobe = _CELLS_SEARCHED
    index.make_direct_map()
    cell = faiss.vector_to_array(index.direct_map.array)[points] >> 32
    return index, np.argsort(cell, kind="stable")


def _others(
    points: NDArray[np.int64], found: NDArray[np.int64], near: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Takes one column away: the point itself, or the last where it has not found itself."""
    width = found.shape[1]
    drop = found == points[:, None]
    drop[~drop.any(axis=1), -1] = True
    keep = ~drop
    near = np.where(found < 0, np.float32(np.inf), near)
    return found[keep].reshape(-1, width - 1), near[keep].reshape(-1, width - 1)
