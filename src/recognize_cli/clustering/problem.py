"""What is to be grouped, how, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Problem:
    """Faces, and what is settled about them; rows are faces.

    vectors: float32 (n×d), near for the same person by euclidean distance.
    persons: int64 (n), whom a face belongs to so far, 0 for nobody.
    fixed: bool (n), whose person must not change (somebody said so, or the person has a name).
    core: bool (n), good enough to found a person; the others only join one.
    rejected: int64 (m×2), pairs (row, person) that somebody ruled out.
    next_person: the first number for new people.
    """

    vectors: NDArray[np.float32]
    persons: NDArray[np.int64]
    fixed: NDArray[np.bool_]
    core: NDArray[np.bool_]
    rejected: NDArray[np.int64]
    next_person: int


@dataclass(frozen=True, slots=True)
class Settings:
    """How to group.

    distance: up to which two faces are likely of one person; it belongs to the model of the vectors.
    min_size: how many faces make a person.
    rebuild: group everything anew but for what is fixed; else people stay as they are, and only faces of
        nobody join them or make new people.
    threads: of the search for neighbours.
    """

    distance: float
    min_size: int = 2
    rebuild: bool = False
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Grouping:
    """Whom each face belongs to (int64 (n), 0 for nobody), and how far it is from that person (float32 (n)).

    The distance is NaN for nobody.
    """

    persons: NDArray[np.int64]
    distances: NDArray[np.float32]
