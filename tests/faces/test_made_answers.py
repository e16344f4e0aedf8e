"""The analysis over made sessions: every answer that a model could give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognize_cli.faces.faceapi import FaceApi
from recognize_cli.faces.ssd import find_faces

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray


class MadeSession:
    """A model that answers whatever a function says for its batch of images."""

    inputs = ("image",)

    def __init__(self, outputs: tuple[str, ...], answer: Callable[[NDArray[Any]], tuple[Any, ...]]) -> None:
        self.outputs = outputs
        self.batches: list[tuple[int, ...]] = []
        self.closed = False
        self._answer = answer

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        images = feeds["image"]
        assert images.dtype == np.float32
        self.batches.append(images.shape)
        return dict(zip(self.outputs, self._answer(images), strict=True))

    def close(self) -> None:
        self.closed = True


def seeing(*faces: tuple[float, float, float, float, float]) -> MadeSession:
    """A detector that finds these (top, left, bottom, right as parts of the square, score) in everything."""
    rows = np.array(faces, np.float32).reshape(-1, 5)
    return MadeSession(("boxes", "scores"), lambda _: (rows[None, :, :4], rows[None, :, 4]))


def test_boxes_are_in_pixels_of_the_picture() -> None:
    session = seeing((0.125, 0.25, 0.5, 0.75, 0.9), (0.1, 0.1, 0.2, 0.2, 0.4))
    ((box,), (score,)) = find_faces(session, np.zeros((500, 1000, 3), np.uint8), min_score=0.5)
    assert session.batches == [(1, 512, 512, 3)]
    assert box.tolist() == [250, 125, 750, 500]
    assert score == pytest.approx(0.9)


def test_at_most_100_faces_are_found() -> None:
    places = [(y / 12, x / 12) for y in range(12) for x in range(12)]
    session = seeing(*((y, x, y + 0.05, x + 0.05, 0.9) for y, x in places))
    boxes, scores = find_faces(session, np.zeros((99, 99, 3), np.uint8), min_score=0.5)
    assert len(boxes) == len(scores) == 100


def test_a_line_of_a_picture_has_boxes_too() -> None:
    boxes, _ = find_faces(seeing((0, 0, 1, 0.5, 0.9)), np.zeros((1, 3000, 3), np.uint8), min_score=0.5)
    assert np.isfinite(boxes).all()


def made_model(boxes: list[float], landmarks: list[float], descriptor: list[float]) -> FaceApi:
    """A model whose answers are made of these numbers, over and over."""

    def answer(numbers: list[float], width: int) -> Callable[[NDArray[Any]], tuple[Any, ...]]:
        return lambda images: (np.resize(np.array(numbers, np.float32), (len(images), width)),)

    rows = np.resize(np.array(boxes, np.float32), (1, 20, 4))
    scores = np.linspace(0.4, 1, 20, dtype=np.float32)[None]
    return FaceApi(
        MadeSession(("boxes", "scores"), lambda _: (rows, scores)),
        MadeSession(("landmarks",), answer(landmarks, 136)),
        MadeSession(("descriptor",), answer(descriptor, 128)),
    )


VALUES = st.floats(-2, 3, width=32) | st.sampled_from([0.0, 0.5, 1.0, np.nan, np.inf, -np.inf, 1e30, -1e30])


@settings(deadline=None)
@given(
    st.lists(VALUES, min_size=1, max_size=20),
    st.lists(VALUES, min_size=1, max_size=20),
    st.lists(VALUES, min_size=1, max_size=3),
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
)
def test_whatever_the_models_answer_faces_are_sane(
    boxes: list[float], landmarks: list[float], descriptor: list[float], shape: tuple[int, int]
) -> None:
    model = made_model(boxes, landmarks, descriptor)
    faces = model.analyse(np.full((*shape, 3), 128, np.uint8))
    assert [face.score for face in faces] == sorted((face.score for face in faces), reverse=True)
    for face in faces:
        box = face.box
        assert 0 <= box.x <= box.x + box.width <= 1 + 1e-9
        assert 0 <= box.y <= box.y + box.height <= 1 + 1e-9
        assert np.isfinite(face.embedding).all()
        assert face.embedding.shape == (128,)
        assert len(face.landmarks) == 5
        assert 0 <= np.min(face.landmarks) <= np.max(face.landmarks) <= 1
        assert np.isfinite([face.pose.roll, face.pose.yaw, face.pose.pitch, face.sharpness]).all()


@pytest.mark.parametrize(("value", "faces"), [(0.5, 1), (np.nan, 0), (np.inf, 0)])
def test_a_face_without_a_finite_vector_is_none(value: float, faces: int) -> None:
    model = made_model([0.1, 0.1, 0.9, 0.9], np.linspace(0.2, 0.8, 136).tolist(), [1.0, value])
    assert len(model.analyse(np.zeros((100, 100, 3), np.uint8))) == faces


def test_many_faces_go_through_the_models_in_small_batches() -> None:
    landmarks = MadeSession(
        ("landmarks",), lambda images: (np.tile(np.linspace(0, 1, 136), (len(images), 1)),)
    )
    descriptor = MadeSession(("descriptor",), lambda images: (np.ones((len(images), 128), np.float32),))
    places = [(y / 10, x / 10, y / 10 + 0.1, x / 10 + 0.1, 0.9) for y in range(10) for x in range(10)]
    model = FaceApi(seeing(*places), landmarks, descriptor)
    assert len(model.analyse(np.zeros((400, 400, 3), np.uint8))) == 100
    assert sum(shape[0] for shape in landmarks.batches) == 100
    assert max(shape[0] for shape in landmarks.batches + descriptor.batches) <= 16


def test_closing_closes_every_session() -> None:
    sessions = [seeing() for _ in range(3)]
    FaceApi(*sessions).close()
    assert all(session.closed for session in sessions)
