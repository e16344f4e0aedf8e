"""The analysis with the real models."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recognize_cli.faces.faceapi import FaceApi
    from recognize_cli.records import Detection

pytestmark = pytest.mark.model


def distance(first: Detection, second: Detection) -> float:
    return float(np.linalg.norm(first.embedding - second.embedding))


def resized(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.LANCZOS))


def test_a_face_is_found_and_described(face_api: FaceApi, astronaut: NDArray[np.uint8]) -> None:
    (face,) = face_api.analyse(astronaut)
    assert face.score > 0.95
    box = face.box
    assert (box.x, box.y) == pytest.approx((181 / 512, 73 / 512), abs=0.02)
    assert (box.width, box.height) == pytest.approx((83 / 512, 102 / 512), abs=0.02)
    left_eye, right_eye, nose, left_mouth, right_mouth = np.array(face.landmarks)
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert left_eye[1] < nose[1] < left_mouth[1]
    assert face.embedding.shape == (128,)
    assert face.embedding.dtype == np.float32
    assert np.linalg.norm(face.embedding) != pytest.approx(1, abs=0.01)
    assert abs(face.pose.yaw) < 25
    assert abs(face.pose.roll) < 15
    assert 0.3 < face.sharpness < 1


def test_a_face_is_the_same_elsewhere_in_a_picture_of_another_shape(
    face_api: FaceApi, astronaut: NDArray[np.uint8]
) -> None:
    (face,) = face_api.analyse(astronaut)
    canvas = np.full((512, 1024, 3), 127, np.uint8)
    canvas[:, 400:912] = astronaut
    (moved,) = face_api.analyse(canvas)
    assert moved.box.x == pytest.approx((face.box.x * 512 + 400) / 1024, abs=0.02)
    assert moved.box.height == pytest.approx(face.box.height, abs=0.05)
    assert distance(face, moved) < 0.35


def test_a_crowd_is_found_the_surest_first(face_api: FaceApi, astronaut: NDArray[np.uint8]) -> None:
    crowd = np.tile(astronaut[:220, 120:340], (4, 4, 1))
    faces = face_api.analyse(crowd)
    assert len(faces) == 16
    assert [face.score for face in faces] == sorted((face.score for face in faces), reverse=True)


def test_a_mirrored_face_looks_the_other_way(face_api: FaceApi, astronaut: NDArray[np.uint8]) -> None:
    (face,) = face_api.analyse(astronaut)
    (mirrored,) = face_api.analyse(astronaut[:, ::-1])
    assert mirrored.pose.yaw == pytest.approx(-face.pose.yaw, abs=6)
    assert mirrored.pose.roll == pytest.approx(-face.pose.roll, abs=4)


@pytest.mark.parametrize("angle", [-25, -15, 15, 25])
def test_a_leaning_face_has_that_roll(face_api: FaceApi, astronaut: NDArray[np.uint8], angle: int) -> None:
    (upright,) = face_api.analyse(astronaut)
    leaning = Image.fromarray(astronaut).rotate(
        -angle, Image.Resampling.BICUBIC, center=(225, 125), fillcolor=(127, 127, 127)
    )
    face, *_ = face_api.analyse(np.asarray(leaning))
    assert face.pose.roll - upright.pose.roll == pytest.approx(angle, abs=8)


def test_a_blurred_face_is_less_sharp_and_a_small_one_is_not(
    face_api: FaceApi, astronaut: NDArray[np.uint8]
) -> None:
    (face,) = face_api.analyse(astronaut)
    (blurred,) = face_api.analyse(np.asarray(Image.fromarray(astronaut).filter(ImageFilter.GaussianBlur(2))))
    (small,) = face_api.analyse(resized(astronaut, 300))
    assert blurred.sharpness < 0.6 * face.sharpness
    assert small.sharpness == pytest.approx(face.sharpness, rel=0.2)


@pytest.mark.parametrize("shape", [(1, 1), (1, 1000), (1000, 1), (2, 3), (33, 1024), (1024, 1023)])
def test_images_of_any_shape_are_taken(face_api: FaceApi, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    for pixels in (noise, np.zeros_like(noise), np.full_like(noise, 255)):
        for face in face_api.analyse(pixels):
            assert np.isfinite(face.embedding).all()


def test_faces_at_the_edges_are_cut_off_there(face_api: FaceApi, astronaut: NDArray[np.uint8]) -> None:
    seen = 0
    for top, bottom, left, right in (
        (95, 512, 0, 512),
        (0, 150, 0, 512),
        (0, 512, 205, 512),
        (0, 512, 0, 245),
    ):
        for face in face_api.analyse(astronaut[top:bottom, left:right]):
            seen += 1
            assert np.isfinite(face.embedding).all()
            assert face.box.x + face.box.width <= 1 + 1e-9
            assert face.box.y + face.box.height <= 1 + 1e-9
    assert seen >= 2


def test_threads_share_the_models(face_api: FaceApi, astronaut: NDArray[np.uint8]) -> None:
    pictures = [resized(astronaut, side) for side in (512, 400, 300, 250)]
    expected = [face_api.analyse(picture) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(face_api.analyse, pictures * 3))
    assert results == expected * 3
    for faces, others in zip(results, expected * 3, strict=True):
        assert all(distance(one, other) == 0 for one, other in zip(faces, others, strict=True))
