"""Pairs of people who may be one: those with faces nearest to each other.

Near centres make candidates, found by an index so that the cost stays near linear in the number of people;
a few hundred of them are then compared face by face.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recognize_cli.clustering.neighbours import neighbours

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recognize_cli.catalogue.people_api import FaceTable

_CANDIDATES = 20  # for each pair that is asked for
_SAMPLE = 32  # faces of a person that are compared
_MODEL_PEOPLE = 500  # whose faces say what is near
_FAR = 3.5 * 1.4826  # median absolute deviations: see `unsure`


@dataclass(frozen=True, slots=True)
class Alike:
    """Two people who look alike: the ids of each one's faces, those nearest to the other first.

    `distance` is how far a face of the one with fewer faces is from the nearest of the other, on average
    (the directed modified Hausdorff distance of Dubuisson and Jain, 1994).
    """

    left: int
    right: int
    distance: float
    left_faces: tuple[int, ...]
    right_faces: tuple[int, ...]


def look_alike(table: FaceTable, limit: int) -> list[Alike]:
    """At most `limit` pairs of people whose faces are as near as those of one person may be.

    The nearest come first. Two people who both have a name are left out, for somebody told them apart, and
    so are people one of whose faces was ruled out for the other.
    """
    crowd = _Crowd(table)
    if len(crowd.people) < 2:
        return []
    candidates = crowd.candidates(limit * _CANDIDATES)
    pairs = sorted(crowd.compared(*pair) for pair in candidates)[:limit]
    reach = crowd.reach()
    return [crowd.alike(left, right, distance) for distance, left, right in pairs if distance <= reach]


class _Crowd:
    """The people of a table: their rows one after the other, numbered from 0 in the order of their ids."""

    def __init__(self, table: FaceTable) -> None:
        rows = np.flatnonzero(table.persons)
        self._table = table
        self._rows = rows[np.argsort(table.persons[rows], kind="stable")]
        self.people, self._starts, self._counts = np.unique(
            table.persons[self._rows], return_index=True, return_counts=True
        )

    def candidates(self, limit: int) -> list[tuple[int, int]]:
        """At most `limit` pairs (lower, higher) whose centres are near and that nobody decided on."""
        near = neighbours(self._centres(), np.arange(len(self.people)))
        first, column = np.nonzero(near.indices >= 0)
        pairs = np.sort(np.column_stack((first, near.indices[first, column])), axis=1)
        pairs, index = np.unique(pairs, axis=0, return_index=True)
        open_ = self._undecided(pairs)
        order = np.argsort(near.squared[first, column][index][open_], kind="stable")[:limit]
        return [(int(left), int(right)) for left, right in pairs[open_][order]]

    def compared(self, left: int, right: int) -> tuple[float, int, int]:
        """How far two people are from each other, and who they are."""
        if self._counts[left] > self._counts[right]:
            distance, _, _ = self.compared(right, left)
            return distance, left, right
        apart = _apart(self._vectors(left), self._vectors(right))
        return float(apart.min(axis=1).mean()), left, right

    def reach(self) -> float:
        """From which distance on faces are unusually far for two of one person; inf where nothing tells."""
        several = np.flatnonzero(self._counts > 2)
        chosen = several[np.linspace(0, len(several) - 1, min(len(several), _MODEL_PEOPLE)).astype(int)]
        if not len(chosen):
            return float("inf")
        within = np.concatenate([_to_own(self._vectors(person)) for person in chosen])
        middle = np.median(within)
        return float(middle + _FAR * np.median(np.abs(within - middle)))

    def alike(self, left: int, right: int, distance: float) -> Alike:
        """The pair with the ids of faces."""
        apart = _apart(self._vectors(left), self._vectors(right))
        ids = [
            self._table.ids[self._sample(person)][np.argsort(apart.min(axis=axis), kind="stable")]
            for person, axis in ((left, 1), (right, 0))
        ]
        people = int(self.people[left]), int(self.people[right])
        return Alike(*people, distance, *(tuple(each.tolist()) for each in ids))

    def _centres(self) -> NDArray[np.float32]:
        """The mean vector of each person (p×d)."""
        rows = np.split(self._rows, self._starts[1:])
        return np.stack([self._table.vectors[each].mean(axis=0) for each in rows])

    def _undecided(self, pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
        named = np.isin(self.people, list(self._table.named))
        decided = named[pairs].all(axis=1)
        faces, persons = self._table.rejected[:, 0], self._table.rejected[:, 1]
        order = np.argsort(self._table.ids)
        rows = order[np.searchsorted(self._table.ids, faces, sorter=order).clip(max=len(order) - 1)]
        known = self._table.ids[rows] == faces
        ruled_out = {*zip(self._table.persons[rows[known]].tolist(), persons[known].tolist(), strict=True)}
        ids = self.people[pairs].tolist()
        decided |= np.fromiter(((a, b) in ruled_out or (b, a) in ruled_out for a, b in ids), bool, len(ids))
        return ~decided

    def _sample(self, person: int) -> NDArray[np.int64]:
        """Rows of the table: some faces of a person, evenly chosen."""
        count = int(self._counts[person])
        chosen = np.linspace(0, count - 1, min(count, _SAMPLE)).astype(int)
        sample: NDArray[np.int64] = self._rows[self._starts[person] + chosen]
        return sample

    def _vectors(self, person: int) -> NDArray[np.float32]:
        vectors: NDArray[np.float32] = self._table.vectors[self._sample(person)]
        return vectors


def _apart(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """The distance of each vector of one set to each of another."""
    apart: NDArray[np.float32] = np.linalg.norm(left[:, None] - right[None], axis=2)
    return apart


def _to_own(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far each vector is from the nearest other one of the same set."""
    apart = _apart(vectors, vectors)
    np.fill_diagonal(apart, np.inf)
    nearest: NDArray[np.float32] = apart.min(axis=1)
    return nearest
