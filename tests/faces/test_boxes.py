from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognize_cli.faces.boxes import crop_within, overlaps, suppress

WHOLE = st.integers(-5, 12)
RECTANGLES = st.tuples(WHOLE, WHOLE, WHOLE, WHOLE)


def cells(box: tuple[int, ...]) -> set[tuple[int, int]]:
    """The unit squares of a box: an independent measure of areas."""
    left, top, right, bottom = box
    return {(x, y) for x in range(left, right) for y in range(top, bottom)}


@settings(deadline=None)
@given(RECTANGLES, st.lists(RECTANGLES, max_size=6))
def test_overlap_is_the_shared_part_of_the_area(box: tuple[int, ...], others: list[tuple[int, ...]]) -> None:
    expected = [len(cells(box) & cells(other)) / max(1, len(cells(box) | cells(other))) for other in others]
    found = overlaps(np.array(box), np.array(others).reshape(-1, 4))
    assert found == pytest.approx(expected)


@settings(deadline=None)
@given(
    st.lists(st.tuples(RECTANGLES, st.integers(0, 10)), max_size=12),
    st.sampled_from([0.0, 0.3, 0.5]),
    st.integers(1, 12),
)
def test_the_best_of_what_overlaps_is_kept(
    faces: list[tuple[tuple[int, ...], int]], max_overlap: float, limit: int
) -> None:
    boxes = np.array([box for box, _ in faces], float).reshape(-1, 4)
    scores = np.array([score / 10 for _, score in faces])
    kept = suppress(boxes, scores, min_score=0.2, max_overlap=max_overlap, limit=limit).tolist()
    assert len(kept) == len(set(kept)) <= limit
    assert [scores[index] for index in kept] == sorted((scores[index] for index in kept), reverse=True)
    for place, index in enumerate(kept):
        assert scores[index] > 0.2
        assert (overlaps(boxes[index], boxes[kept[:place]]) <= max_overlap).all()
    if len(kept) < limit:
        for index in set(range(len(faces))) - set(kept):
            better = [each for each in kept if scores[each] >= scores[index]]
            assert scores[index] <= 0.2 or (overlaps(boxes[index], boxes[better]) > max_overlap).any()


def test_boxes_and_scores_that_are_no_numbers_are_left_out() -> None:
    boxes = np.array([[0, 0, np.nan, 1], [0, 0, np.inf, 1], [0, 0, 1, 1], [5, 5, 6, 6]])
    scores = np.array([0.9, 0.9, np.nan, 0.9])
    assert suppress(boxes, scores, min_score=0.5, max_overlap=0.5, limit=9).tolist() == [3]


SIDES = st.integers(1, 50)
NUMBERS = st.floats(-1e6, 1e6) | st.sampled_from([0.0, np.nan, np.inf, -np.inf, 1e308])


@settings(deadline=None)
@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS, SIDES, SIDES)
def test_a_crop_lies_in_the_picture(
    left: float, top: float, width: float, height: float, columns: int, rows: int
) -> None:
    crop = crop_within(left, top, width, height, (columns, rows))
    if crop is not None:
        pixels = crop.of(np.zeros((rows, columns, 3), np.uint8))
        assert pixels.shape == (crop.height, crop.width, 3)
        assert crop.height >= 1
        assert crop.width >= 1


def test_a_crop_is_cut_at_the_edges_before_it_is_rounded_down() -> None:
    assert crop_within(-2.5, 3.7, 6.1, 2.4, (10, 10)) == (0, 3, 3, 2)
    assert crop_within(8.5, 8.5, 5, 5, (10, 10)) == (8, 8, 1, 1)
    assert crop_within(9.5, 0, 5, 5, (10, 10)) is None
    assert crop_within(20, 0, 5, 5, (10, 10)) is None
    assert crop_within(2, 2, -1, 5, (10, 10)) is None
