"""The scores by which groupings are judged, against their definitions face by face."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from bench.grouping_scores import Score, bcubed, pairwise
from hypothesis import given
from hypothesis import strategies as st


def together(names: list[int], left: int, right: int, alone: int) -> bool:
    return left == right or (names[left] == names[right] and names[left] != alone)


@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 3)), min_size=1, max_size=12))
def test_scores_are_what_they_are_defined_as(faces: list[tuple[int, int]]) -> None:
    truth, found = [true for true, _ in faces], [group for _, group in faces]
    rows = range(len(faces))
    pairs = list(combinations(rows, 2))
    same = [(together(truth, *pair, -1), together(found, *pair, 0)) for pair in pairs]
    hits, people, groups = (
        sum(map(test, same)) for test in (all, lambda pair: pair[0], lambda pair: pair[1])
    )
    score = pairwise(np.array(truth), np.array(found))
    assert score.precision == pytest.approx(hits / groups if groups else 1)
    assert score.recall == pytest.approx(hits / people if people else 1)
    precision = recall = 0.0
    for row in rows:
        person = {other for other in rows if together(truth, row, other, -1)}
        group = {other for other in rows if together(found, row, other, 0)}
        precision += len(person & group) / len(group) / len(faces)
        recall += len(person & group) / len(person) / len(faces)
    score = bcubed(np.array(truth), np.array(found))
    assert (score.precision, score.recall) == (pytest.approx(precision), pytest.approx(recall))


def test_f1_is_the_harmonic_mean() -> None:
    assert Score(0.5, 1.0).f1 == pytest.approx(2 / 3)
    assert Score(0.0, 0.0).f1 == 0
