"""Pairs of neighbours as a graph, which shrinks as points are put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recognize_cli.clustering.points import chunks, squared_distances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recognize_cli.clustering.neighbours import Neighbours

_SLACK = 1.001
"""By how much a searched distance may be off: it is worked out anew where it counts."""


@dataclass(frozen=True, slots=True)
class Edges:
    """Undirected edges between points, each once: left < right, int64 (e); squared lengths float64 (e)."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    squared: NDArray[np.float64]

    def where(self, keep: NDArray[np.bool_]) -> Edges:
        """Some of the edges."""
        return Edges(self.left[keep], self.right[keep], self.squared[keep])


def edges_within(found: Neighbours, vectors: NDArray[np.float32], distance: float) -> Edges:
    """The pairs of neighbours, both of ``found.points``, that are up to ``distance`` apart."""
    among = np.zeros(len(vectors), np.bool_)
    among[found.points] = True
    keys = [np.empty(0, np.int64)]
    for rows in chunks(len(found.points)):
        near = (found.squared[rows] <= _SLACK * distance**2) & (found.indices[rows] >= 0)
        here, column = np.nonzero(near)
        there = found.indices[rows][here, column].astype(np.int64)
        kept = among[there]
        keys.append(_key(found.points[rows][here[kept]], there[kept], len(vectors)))
    left, right = _ends(_distinct(np.concatenate(keys)), len(vectors))
    edges = Edges(left, right, squared_distances(vectors, left, right))
    return edges.where(edges.squared <= distance**2)


def unique_pairs(
    left: NDArray[np.int64], right: NDArray[np.int64], nodes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each pair of different nodes once, the smaller first, in ascending order."""
    different = left != right
    return _ends(_distinct(_key(left[different], right[different], nodes)), nodes)


def _distinct(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """As `np.unique`, which is several times slower for so many."""
    keys.sort()
    new = np.ones(len(keys), np.bool_)
    new[1:] = keys[1:] != keys[:-1]
    return keys[new]


def _key(left: NDArray[np.int64], right: NDArray[np.int64], nodes: int) -> NDArray[np.int64]:
    return np.minimum(left, right) * nodes + np.maximum(left, right)


def _ends(keys: NDArray[np.int64], nodes: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    left = keys // max(nodes, 1)
    return left, keys - left * nodes
