"""How well a grouping agrees with the truth, counting every face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Score:
    """Precision and recall, 0 to 1."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Their harmonic mean, 0 where both are 0."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def pairwise(truth: NDArray[np.int64], found: NDArray[np.int64]) -> Score:
    """Of the pairs of faces in one group, those of one person; of those of one person, those in one group.

    ``truth`` is negative for somebody seen once, ``found`` zero or negative for nobody: those are alone.
    Without any pairs there is nothing wrong: 1.
    """
    true, group, both = _sizes(truth, found)
    shared = _pairs(both[1])
    of_group, of_person = _pairs(group[1]), _pairs(true[1])
    return Score(shared / of_group if of_group else 1.0, shared / of_person if of_person else 1.0)


def bcubed(truth: NDArray[np.int64], found: NDArray[np.int64]) -> Score:
    """Of each face's group, the share of its person; of its person, the share in its group; their means.

    As `pairwise` in who is alone (Bagga and Baldwin, 1998).
    """
    true, group, both = _sizes(truth, found)
    shared = both[1][both[0]]
    if not len(shared):
        return Score(1.0, 1.0)
    return Score(float((shared / group[1][group[0]]).mean()), float((shared / true[1][true[0]]).mean()))


_Sizes = tuple["NDArray[np.int64]", "NDArray[np.int64]"]


def _sizes(truth: NDArray[np.int64], found: NDArray[np.int64]) -> tuple[_Sizes, _Sizes, _Sizes]:
    """For people, groups and what they share: each face's number, and how many faces have each number."""
    alone = -2 - np.arange(len(truth))
    columns = (np.where(truth < 0, alone, truth), np.where(found <= 0, alone, found))
    numbers = [np.unique(column, return_inverse=True)[1].reshape(-1) for column in columns]
    numbers.append(np.unique(np.column_stack(columns), axis=0, return_inverse=True)[1].reshape(-1))
    true, group, both = ((number, np.bincount(number)) for number in numbers)
    return true, group, both


def _pairs(sizes: NDArray[np.int64]) -> int:
    return int((sizes * (sizes - 1) // 2).sum())
