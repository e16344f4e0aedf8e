"""Numbers for groups: what most of a group was called before, else new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


class Numbers:
    """Gives each group of faces a person's number, and no number twice.

    ``before`` (int64 (n), 0 for nobody) says whose the faces were, ``taken`` which of those people stay as
    they are; new numbers begin at ``first``.
    """

    def __init__(self, before: NDArray[np.int64], taken: NDArray[np.int64], first: int) -> None:
        self._before = np.where(np.isin(before, taken), 0, before)
        self._next = max(first, int(before.max(initial=0)) + 1)

    def give(self, faces: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number of each face's group (int64 (f)); ``faces`` are rows, ascending, ``groups`` any names.

        The group and the former person that share most faces come first. Groups that share none with a person
        who is still to be had get new numbers, in the order of their first faces.
        """
        names, first, group = np.unique(groups, return_index=True, return_inverse=True)
        numbers = np.zeros(len(names), np.int64)
        used: set[int] = set()
        for index, number in self._by_overlap(self._before[faces], group, first):
            if not numbers[index] and number not in used:
                numbers[index] = number
                used.add(number)
        self._before[np.isin(self._before, np.fromiter(used, np.int64, len(used)))] = 0
        fresh = np.flatnonzero(numbers == 0)
        fresh = fresh[np.argsort(first[fresh])]
        numbers[fresh] = self._next + np.arange(len(fresh))
        self._next += len(fresh)
        return numbers[group]

    @staticmethod
    def _by_overlap(
        before: NDArray[np.int64], group: NDArray[np.int64], first: NDArray[np.int64]
    ) -> Iterator[tuple[int, int]]:
        """Pairs (index of a group, former person) that share faces, those that share most first."""
        known = before > 0
        pairs, shared = np.unique(np.column_stack([group[known], before[known]]), axis=0, return_counts=True)
        order = np.lexsort((pairs[:, 1], first[pairs[:, 0]], -shared))
        return zip(pairs[order, 0].tolist(), pairs[order, 1].tolist(), strict=True)
