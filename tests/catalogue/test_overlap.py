from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.catalogue.overlap import overlap, same_places
from recognize_cli.records import Box

SIDES = st.integers(0, 6).map(lambda n: n / 8)
BOXES = st.builds(Box, SIDES, SIDES, SIDES, SIDES)


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
