from __future__ import annotations

import cmath

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from recognize_cli.faces.alignment import ARCFACE_POINTS, ARCFACE_SIZE, similarity, upright_crop, warp

ANGLES = st.floats(-180, 180)
SCALES = st.floats(0.05, 20)
SHIFTS = st.floats(-500, 500)


def moved(points: np.ndarray, angle: float, scale: float, x: float, y: float) -> np.ndarray:
    flat = points @ (1, 1j) * cmath.rect(scale, np.radians(angle)) + complex(x, y)
    return np.column_stack([flat.real, flat.imag])


@settings(deadline=None)
@given(ANGLES, SCALES, SHIFTS, SHIFTS)
def test_a_similarity_is_found_again(angle: float, scale: float, x: float, y: float) -> None:
    points = moved(ARCFACE_POINTS, angle, scale, x, y)
    matrix = similarity(points, ARCFACE_POINTS)
    assert matrix is not None
    assert np.allclose(points @ matrix[:, :2].T + matrix[:, 2], ARCFACE_POINTS, atol=1e-6)


@settings(deadline=None)
@given(st.lists(st.tuples(SHIFTS, SHIFTS), min_size=5, max_size=5))
def test_no_other_similarity_is_nearer_and_none_mirrors(points: list[tuple[float, float]]) -> None:
    start = np.array(points)
    assume(np.ptp(start, axis=0).max() > 1)
    matrix = similarity(start, ARCFACE_POINTS)
    assert matrix is not None
    assert np.linalg.det(matrix[:, :2]) >= 0

    def distance(change: tuple[float, float, float, float]) -> float:
        bent = matrix + np.array([[change[0], -change[1], change[2]], [change[1], change[0], change[3]]])
        return float(np.square(start @ bent[:, :2].T + bent[:, 2] - ARCFACE_POINTS).sum())

    best = distance((0, 0, 0, 0))
    for step in np.eye(4) * (1e-2, 1e-2, 1, 1):
        assert distance(tuple(step)) >= best - 1e-6
        assert distance(tuple(-step)) >= best - 1e-6


@pytest.mark.parametrize("value", [3.0, np.nan, np.inf])
def test_points_that_fall_together_or_are_no_numbers_have_none(value: float) -> None:
    assert similarity(np.full((5, 2), value), ARCFACE_POINTS) is None


def test_a_matrix_that_flattens_cannot_be_undone() -> None:
    assert warp(Image.new("RGB", (9, 9)), np.zeros((2, 3)), 5) is None


def test_nothing_is_moved_by_half_a_pixel(astronaut: np.ndarray) -> None:
    picture = Image.fromarray(astronaut)
    same = warp(picture, np.array([[1.0, 0, 0], [0, 1, 0]]), 100)
    assert (same == astronaut[:100, :100]).all()
    shifted = warp(picture, np.array([[1.0, 0, -30], [0, 1, -50]]), 100)
    assert (shifted == astronaut[50:150, 30:130]).all()
    turned = warp(picture, np.array([[0.0, -1, 511], [1, 0, 0]]), 512)
    assert turned is not None
    assert (turned[1:-1, 1:-1] == np.rot90(astronaut, -1)[1:-1, 1:-1]).all()


@pytest.mark.parametrize(("angle", "scale"), [(0, 1), (25, 2.5), (-140, 3)])
def test_landmarks_come_to_the_places_of_the_template(angle: float, scale: float) -> None:
    points = moved(ARCFACE_POINTS, angle, scale, 400, 400)
    rows, columns = np.mgrid[:900, :900]
    for point, goal in zip(points, ARCFACE_POINTS, strict=True):
        dot = np.exp(-((columns - point[0]) ** 2 + (rows - point[1]) ** 2) / (2 * (4 * scale) ** 2)) * 255
        picture = Image.fromarray(np.repeat(dot.astype(np.uint8)[:, :, None], 3, axis=2))
        matrix = similarity(points, ARCFACE_POINTS)
        assert matrix is not None
        face = warp(picture, matrix, ARCFACE_SIZE)
        assert face is not None
        weights = face[:, :, 0].astype(float)
        y, x = np.mgrid[:ARCFACE_SIZE, :ARCFACE_SIZE]
        centre = (x * weights).sum() / weights.sum(), (y * weights).sum() / weights.sum()
        assert centre == pytest.approx(tuple(goal), abs=0.25)


def test_the_upright_crop_is_the_square_of_dlib() -> None:
    eyes_and_mouth = np.array([[130.0, 140], [170, 140], [150, 190]])
    side = int(np.hypot(20, 50) / 0.45)
    left, top = int(150 - 0.5 * side), int(470 / 3 - 0.43 * side)
    assert upright_crop(eyes_and_mouth, (300, 300), (400, 400)) == (left, top, side, side)
    near_the_edge = upright_crop(eyes_and_mouth - 120, (300, 300), (400, 400))
    assert near_the_edge == (0, 0, side, side)
    at_the_other = upright_crop(eyes_and_mouth + 200, (300, 300), (400, 400))
    assert at_the_other == (left + 200, top + 200, 200 - left, 200 - top)


def test_the_upright_crop_is_no_larger_than_face_api_has_it() -> None:
    eyes_and_mouth = np.array([[30.0, 40], [70, 40], [50, 90]])
    crop = upright_crop(eyes_and_mouth, (60, 50), (400, 400))
    assert crop == (0, 5, 60, 55)


@settings(deadline=None)
@given(
    st.lists(st.floats(-1e9, 1e9) | st.sampled_from([np.nan, np.inf, 1e30, -1e30]), min_size=6, max_size=6),
    st.integers(1, 40),
    st.integers(1, 40),
)
def test_an_upright_crop_lies_in_the_picture(numbers: list[float], width: int, height: int) -> None:
    crop = upright_crop(np.array(numbers).reshape(3, 2), (width, height), (width, height))
    if crop is not None:
        assert crop.of(np.zeros((height, width, 3), np.uint8)).shape == (crop.height, crop.width, 3)


def test_a_picture_that_shrinks_is_averaged() -> None:
    """A fine checkerboard becomes gray, and what is large stays where it is."""
    board = np.indices((400, 400)).sum(axis=0) % 2 * 200
    board[200:, :] = 255
    picture = Image.fromarray(board.astype(np.uint8)).convert("RGB")
    quarter = warp(picture, np.array([[0.25, 0, -0.375], [0, 0.25, -0.375]]), 100)
    assert quarter is not None
    assert quarter[:50].astype(int) == pytest.approx(100, abs=1)
    assert (quarter[50:] == 255).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 2)])
def test_any_picture_shrinks(size: tuple[int, int]) -> None:
    white = Image.new("RGB", size, (255, 255, 255))
    small = warp(white, np.array([[0.1, 0, 0], [0, 0.1, 0]]), 8)
    assert small is not None
    assert small.shape == (8, 8, 3)
