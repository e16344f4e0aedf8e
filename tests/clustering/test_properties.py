"""What holds for any faces whatsoever."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget

from recognize_cli.clustering import Grouping, Problem, Settings, group
from tests.clustering.problems import NEXT, after, problems, same_partition, settings


@given(problems(), settings)
@budget(max_examples=60, deadline=None)
def test_what_is_settled_stays(before: Problem, how: Settings) -> None:
    found = group(before, how).persons
    fixed = before.fixed if how.rebuild else before.fixed | (before.persons > 0)
    assert np.array_equal(found[fixed], before.persons[fixed])


@given(problems(), settings)
@budget(max_examples=60, deadline=None)
def test_nobody_goes_where_it_was_ruled_out(before: Problem, how: Settings) -> None:
    found = group(before, how).persons
    free = ~before.fixed[before.rejected[:, 0]]
    assert not np.any(found[before.rejected[free, 0]] == before.rejected[free, 1])


@given(problems(), settings)
@budget(max_examples=60, deadline=None)
def test_people_are_known_or_founded_by_enough_core_faces(before: Problem, how: Settings) -> None:
    found = group(before, how).persons
    old = {0, *before.persons.tolist()}
    for person in set(found.tolist()) - old:
        assert person >= NEXT
        assert np.sum((found == person) & before.core) >= how.min_size


@given(problems(), settings)
@budget(max_examples=40, deadline=None)
def test_only_nobody_and_damaged_faces_have_no_distance(before: Problem, how: Settings) -> None:
    found = group(before, how)
    whole = np.isfinite(before.vectors).all(axis=1)
    assert np.array_equal(np.isnan(found.distances), (found.persons == 0) | ~whole)


@pytest.mark.parametrize("again", [False, True], ids=["adding", "rebuilding"])
@given(before=problems(), how=settings)
@budget(max_examples=120, deadline=None)
def test_grouping_again_changes_nothing(before: Problem, how: Settings, again: bool) -> None:
    first = group(before, how)
    if again and not how.rebuild:
        before, first = after(before, first), group(after(before, first), replace(how, rebuild=True))
    second = group(after(before, first), replace(how, rebuild=again))
    assert_same(first, second)


@given(problems(ties=False), settings)
@budget(max_examples=60, deadline=None)
def test_the_order_of_the_faces_does_not_matter(before: Problem, how: Settings) -> None:
    order = np.random.default_rng(len(before.vectors)).permutation(len(before.vectors))
    place = np.argsort(order)
    rejected = (
        np.column_stack([place[before.rejected[:, 0]], before.rejected[:, 1]])
        if len(order)
        else before.rejected
    )
    shuffled = Problem(
        vectors=before.vectors[order],
        persons=before.persons[order],
        fixed=before.fixed[order],
        core=before.core[order],
        rejected=rejected,
        next_person=before.next_person,
    )
    assert same_partition(group(before, how).persons[order], group(shuffled, how).persons)


def assert_same(first: Grouping, second: Grouping) -> None:
    assert first.persons.tolist() == second.persons.tolist()
    assert np.array_equal(first.distances, second.distances, equal_nan=True)
