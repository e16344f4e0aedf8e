from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognize_cli.review.unsure import FAR, strangeness


def scores(*people: list[float]) -> list[list[float]]:
    """The scores of the faces of people, numbered from 1."""
    persons = np.repeat(np.arange(1, len(people) + 1), [len(each) for each in people])
    found = strangeness(persons, np.concatenate(people).astype(np.float32))
    return [each.tolist() for each in np.split(found, np.cumsum([len(each) for each in people])[:-1])]


def even(middle: float, count: int = 9) -> list[float]:
    return np.linspace(middle - 0.05, middle + 0.05, count).tolist()


def test_one_far_face_stands_out() -> None:
    usual, odd = scores([*even(0.3), 0.8], even(0.3))
    assert usual[-1] > FAR
    assert max(usual[:-1] + odd) < FAR


def test_far_depends_on_the_person_s_other_faces() -> None:
    near, far = scores([*even(0.2), 0.6], even(0.6))
    assert near[-1] > FAR
    assert max(far) < FAR


def test_wrong_faces_do_not_hide_each_other() -> None:
    (mixed,) = scores([*even(0.3), 0.8, 0.82, 0.85, 0.9])
    assert min(mixed[-4:]) > FAR
    assert max(mixed[:-4]) < FAR


def test_two_faces_are_judged_by_the_spread_of_all() -> None:
    pair, _, _ = scores([0.3, 0.32], even(0.3), even(0.4))
    assert max(pair) < FAR


def test_nobody_and_what_is_by_hand_is_not_judged() -> None:
    persons = np.array([0, 1, 1, 1])
    found = strangeness(persons, np.array([9.0, np.nan, 0.3, 0.3], np.float32))
    assert found[:2].tolist() == [-np.inf, -np.inf]
    assert np.isfinite(found[2:]).all()


@pytest.mark.parametrize("persons", [[], [0, 0]])
def test_without_people_nothing_is_judged(persons: list[int]) -> None:
    found = strangeness(np.array(persons, np.int64), np.full(len(persons), 0.3, np.float32))
    assert found.tolist() == [-np.inf] * len(persons)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.floats(0, 2, width=32)), max_size=40))
def test_it_is_a_number_for_every_known_face(faces: list[tuple[int, float]]) -> None:
    persons = np.array([person for person, _ in faces], np.int64)
    found = strangeness(persons, np.array([distance for _, distance in faces], np.float32))
    assert not np.isnan(found).any()
    assert (np.isfinite(found) == (persons != 0)).all()


def test_equal_distances_are_nowhere_near_far() -> None:
    assert max(scores([0.3] * 5, [0.1] * 3)[0]) == 0
