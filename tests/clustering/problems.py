"""Problems to group: made by hand, and drawn by hypothesis."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import hypothesis.strategies as st
import numpy as np

from recognize_cli.clustering import Grouping, Problem, Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEXT = 1000
"""The first number for new people."""


def problem(
    vectors: object,
    *,
    persons: object = None,
    fixed: object = (),
    loose: object = (),
    rejected: object = (),
) -> Problem:
    """Vectors (n×d), the people they are with, the rows that are fixed and those that are no core faces."""
    rows = np.asarray(vectors, np.float32)
    if rows.ndim == 1:
        rows = rows[:, None]
    count = len(rows)
    known = np.zeros(count, np.int64) if persons is None else np.asarray(persons, np.int64)
    return Problem(
        vectors=rows,
        persons=known,
        fixed=np.isin(np.arange(count), np.asarray(fixed, np.int64)),
        core=~np.isin(np.arange(count), np.asarray(loose, np.int64)),
        rejected=np.asarray(rejected, np.int64).reshape(-1, 2),
        next_person=NEXT,
    )


def after(before: Problem, grouping: Grouping) -> Problem:
    """The same problem once its answer was stored."""
    following = max(before.next_person, int(grouping.persons.max(initial=0)) + 1)
    return replace(before, persons=grouping.persons, next_person=following)


def same_partition(left: NDArray[np.int64], right: NDArray[np.int64]) -> bool:
    """Whether two groupings differ in the numbers of people at most."""
    pairs = {(int(a), int(b)) for a, b in zip(left, right, strict=True)}
    people = {a for a, _ in pairs}, {b for _, b in pairs}
    nobody = all((a == 0) == (b == 0) for a, b in pairs)
    return nobody and len(pairs) == len(people[0]) == len(people[1])


@st.composite
def problems(draw: st.DrawFn, *, ties: bool = True) -> Problem:
    """Faces of a few people, in few dimensions so that they are near each other; any of them may be fixed,
    known, ruled out, no core face, a copy or damaged. Without ``ties`` no two distances are equal.
    """
    numbers = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(0, 45))
    dimensions = draw(st.integers(1, 4))
    if ties and draw(st.booleans()):
        vectors = numbers.integers(1, 6, (count, dimensions)).astype(np.float32)
    else:
        means = numbers.normal(size=(draw(st.integers(1, 6)), dimensions)) * 2
        vectors = means[numbers.integers(0, len(means), count)] + 0.4 * numbers.normal(
            size=(count, dimensions)
        )
        vectors = vectors.astype(np.float32)
    if ties and count:
        vectors[numbers.random(count) < 0.1] = vectors[0]
        vectors[numbers.random(count) < 0.05] = numbers.choice([np.nan, np.inf, 0.0])
    persons = np.where(
        numbers.random(count) < draw(st.sampled_from([0, 0.5, 0.9])), numbers.integers(1, 6, count), 0
    )
    fixed = np.flatnonzero(numbers.random(count) < draw(st.sampled_from([0, 0.2, 0.5])))
    loose = np.flatnonzero(numbers.random(count) < draw(st.sampled_from([0, 0.3])))
    some = draw(st.integers(0, 4)) if count else 0
    rejected = np.column_stack([numbers.integers(0, max(count, 1), some), numbers.integers(1, 6, some)])
    allowed = [persons[row] != person for row, person in rejected]
    return problem(vectors, persons=persons, fixed=fixed, loose=loose, rejected=rejected[allowed])


settings = st.builds(
    Settings,
    distance=st.sampled_from([0.05, 0.5, 1.0, 1.5, 3.0, 100.0]),
    min_size=st.integers(1, 4),
    rebuild=st.booleans(),
)
