"""Loose faces join the people they are near to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from recognize_cli.clustering.points import chunks, squared_distances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recognize_cli.clustering.neighbours import Neighbours

MEMBERS = 5
"""At most so many of a person's faces, those nearest to a face, say how far it is from that person; fewer
where these would be most of them, for somebody may have put a child and a grown-up together."""

LOOSE = 1.2
CLEARLY = 0.85
"""A face also joins a person who is up to `LOOSE` distances away, but at most `CLEARLY` times as far as the
next person: of the faces that a model describes badly, most are still much nearer to their own person."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The nearest points of each of some points, the point itself first; rows are points.

    points: int64 (q), ascending.
    indices: int64 (q×(1+k)), -1 where there are no more.
    squared: float64 (q×(1+k)), the squares of the distances, infinite where there are no more.
    reached: sparse (p×q), which rows a point is among the neighbours of.
    """

    points: NDArray[np.int64]
    indices: NDArray[np.int64]
    squared: NDArray[np.float64]
    reached: csr_array

    @classmethod
    def measured(cls, found: Neighbours, vectors: NDArray[np.float32]) -> Surroundings:
        """Measures the distances that a search found once more, and exactly."""
        indices = np.column_stack([found.points, found.indices]).astype(np.int64)
        squared = np.full(indices.shape, np.inf)
        row, column = np.nonzero(indices >= 0)
        squared[row, column] = squared_distances(vectors, found.points[row], indices[row, column])
        order = np.lexsort((indices, squared), axis=1)
        links = (np.ones(len(row), np.bool_), (indices[row, column], row))
        reached = csr_array(links, shape=(len(vectors), len(indices)))
        return cls(
            found.points,
            np.take_along_axis(indices, order, 1),
            np.take_along_axis(squared, order, 1),
            reached,
        )

    def rows_near(self, points: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows that have one of ``points`` among their neighbours, ascending."""
        return np.unique(self.reached[points].indices).astype(np.int64)


def join(
    around: Surroundings,
    rows: NDArray[np.int64],
    person_of_point: NDArray[np.int64],
    rejected: tuple[NDArray[np.int64], NDArray[np.int64]],
    distance: float,
) -> NDArray[np.int64]:
    """The person that each face joins (int64 (f)), 0 for nobody.

    ``rows`` are the rows of the faces in ``around``, ``rejected`` pairs (index in ``rows``, person) that are
    ruled out. How far a face is from a person is the root of the mean squared distance to the nearer half of
    the person's points among the neighbours: to two of them at least, to `MEMBERS` at most.
    """
    joined = np.zeros(len(rows), np.int64)
    for part in chunks(len(rows)):
        here = around.indices[rows[part]]
        persons = np.where(here >= 0, person_of_point[here], 0)
        inside = (rejected[0] >= part.start) & (rejected[0] < part.stop)
        face, person = rejected[0][inside] - part.start, rejected[1][inside]
        pair, column = np.nonzero(persons[face] == person[:, None])
        persons[face[pair], column] = 0
        joined[part] = _nearest_person(persons, around.squared[rows[part]], distance**2)
    return joined


def _nearest_person(
    persons: NDArray[np.int64], squared: NDArray[np.float64], limit: float
) -> NDArray[np.int64]:
    """For each row of neighbours, nearest first, the person whom the face in their middle joins."""
    face, person, mean = _means(persons, squared)
    order = np.lexsort((person, mean, face))
    face, person, mean = face[order], person[order], mean[order]
    best = _starts(face)
    # Whoever is not among the neighbours is at least as far as the last of them.
    next_best = np.where(np.isfinite(squared), squared, 0).max(axis=1)[face[best]]
    several = np.diff(np.append(best, len(face))) > 1
    next_best[several] = np.minimum(next_best[several], mean[best[several] + 1])
    near = mean[best]
    accepted = (near <= limit) | ((near <= LOOSE**2 * limit) & (near <= CLEARLY**2 * next_best))
    result = np.zeros(len(persons), np.int64)
    result[face[best[accepted]]] = person[best[accepted]]
    return result


def _means(
    persons: NDArray[np.int64], squared: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """The faces (rows), the people among the neighbours of each, and how far these are (squared)."""
    face, rank = np.nonzero(persons)
    order = np.lexsort((rank, persons[face, rank], face))
    face, rank = face[order], rank[order]
    person, near = persons[face, rank], squared[face, rank]
    starts = _starts(face, person)
    if not len(starts):
        return face, person, near
    sizes = np.diff(np.append(starts, len(face)))
    counting = np.clip((sizes + 1) // 2, 2, MEMBERS).clip(max=sizes)
    counted = np.arange(len(face)) - np.repeat(starts, sizes) < np.repeat(counting, sizes)
    sums = np.add.reduceat(np.where(counted, near, 0.0), starts)
    return face[starts], person[starts], sums / counting


def _starts(*columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where runs of equal entries begin."""
    change = np.zeros(len(columns[0]), np.bool_)
    change[:1] = True
    for column in columns:
        change[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(change)
