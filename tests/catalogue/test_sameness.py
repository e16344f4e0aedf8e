from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.catalogue.sameness import overlap, same_faces
from recognize_cli.records import Box

if TYPE_CHECKING:
    from collections.abc import Sequence

SIDES = st.integers(0, 6).map(lambda n: n / 8)
BOXES = st.builds(Box, SIDES, SIDES, SIDES, SIDES)

LEFT, MIDDLE, RIGHT = (Box(x, 0.1, 0.2, 0.2) for x in (0.0, 0.4, 0.8))
ADA, BOB = np.array([1.0, 0.0]), np.array([0.0, 1.0])
NEARLY_ADA = np.array([0.95, 0.3])


def same_places(old: Sequence[Box], new: Sequence[Box]) -> dict[int, int]:
    """Faces whose vectors cannot be compared."""
    return same_faces([(box, None) for box in old], [(box, None) for box in new])


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (Box(0.0, 0.0, 0.5, 0.5), 1.0),
        (Box(0.25, 0.0, 0.5, 0.5), 1 / 3),
        (Box(0.0, 0.0, 0.25, 0.25), 1 / 4),
        (Box(0.5, 0.0, 0.5, 0.5), 0.0),
        (Box(0.75, 0.75, 0.1, 0.1), 0.0),
    ],
)
def test_overlap_is_the_common_part_of_both(other: Box, expected: float) -> None:
    assert overlap(Box(0.0, 0.0, 0.5, 0.5), other) == pytest.approx(expected)


def test_a_box_without_area_is_nowhere() -> None:
    assert overlap(Box(0.5, 0.5, 0.0, 0.0), Box(0.5, 0.5, 0.0, 0.0)) == 0


def test_the_nearest_pair_comes_first() -> None:
    """Both new boxes are where the first old one is; the second old one gets what is left."""
    old = [Box(0.0, 0.0, 0.5, 0.5), Box(0.1, 0.0, 0.5, 0.5)]
    assert same_places(old, [Box(0.05, 0.0, 0.5, 0.5), Box(0.0, 0.0, 0.5, 0.5)]) == {1: 0, 0: 1}


def test_half_is_enough() -> None:
    assert same_places([Box(0.0, 0.0, 0.5, 0.5)], [Box(0.0, 0.0, 0.5, 0.25)]) == {0: 0}
    assert same_places([Box(0.0, 0.0, 0.5, 0.5)], [Box(0.0, 0.0, 0.5, 0.249)]) == {}


@given(st.lists(BOXES, max_size=6), st.lists(BOXES, max_size=6))
def test_pairs_are_alike_and_leave_no_better_pair_apart(old: list[Box], new: list[Box]) -> None:
    found = same_places(old, new)
    assert len(set(found.values())) == len(found)
    assert all(overlap(old[earlier], new[later]) >= 0.5 for later, earlier in found.items())
    reached = {later: overlap(old[earlier], new[later]) for later, earlier in found.items()}
    held = {earlier: reached[later] for later, earlier in found.items()}
    for earlier, before in enumerate(old):
        for later, now in enumerate(new):
            if (value := overlap(before, now)) >= 0.5:
                assert max(reached.get(later, 0.0), held.get(earlier, 0.0)) >= value


@given(st.lists(BOXES, max_size=6, unique=True))
def test_what_did_not_move_is_found_again(boxes: list[Box]) -> None:
    real = [box for box in boxes if box.width * box.height > 0]
    assert same_places(real, real[::-1]) == {index: len(real) - 1 - index for index in range(len(real))}


def test_a_face_that_moved_is_known_by_its_vector() -> None:
    """As when a photo was turned, or cut."""
    old = [(LEFT, ADA), (RIGHT, BOB)]
    assert same_faces(old, [(MIDDLE, NEARLY_ADA)]) == {0: 0}
    assert same_faces(old, [(MIDDLE, ADA - BOB)]) == {}
    assert same_faces(old, [(MIDDLE, None)]) == {}


def test_people_who_changed_places_are_not_taken_for_each_other() -> None:
    """As when a photo was mirrored."""
    assert same_faces([(LEFT, ADA), (RIGHT, BOB)], [(LEFT, BOB), (RIGHT, NEARLY_ADA)]) == {0: 1, 1: 0}
    assert same_faces([(LEFT, ADA)], [(LEFT, BOB)]) == {}


def test_the_place_goes_before_the_vector() -> None:
    """Twins, whom the vectors do not tell apart, stay where they are."""
    assert same_faces([(LEFT, ADA), (RIGHT, ADA)], [(RIGHT, NEARLY_ADA), (LEFT, ADA)]) == {0: 1, 1: 0}


def test_the_nearest_vectors_come_first() -> None:
    old = [(LEFT, NEARLY_ADA), (RIGHT, ADA)]
    assert same_faces(old, [(MIDDLE, ADA), (MIDDLE, NEARLY_ADA)]) == {0: 1, 1: 0}


@pytest.mark.parametrize("odd", [np.zeros(2), np.full(2, np.nan), np.full(2, np.inf), np.zeros(0), None])
def test_vectors_that_cannot_be_compared_decide_nothing(odd: np.ndarray | None) -> None:
    assert same_faces([(LEFT, odd)], [(RIGHT, odd)]) == {}
    assert same_faces([(LEFT, ADA)], [(LEFT, odd)]) == {0: 0}


def test_vectors_of_other_lengths_decide_nothing() -> None:
    assert same_faces([(LEFT, ADA)], [(RIGHT, np.ones(3))]) == {}
    assert same_faces([(LEFT, ADA)], [(LEFT, np.ones(3))]) == {0: 0}


def test_the_length_of_vectors_does_not_count() -> None:
    assert same_faces([(LEFT, 7 * ADA)], [(RIGHT, 7 * NEARLY_ADA)]) == {0: 0}
