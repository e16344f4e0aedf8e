"""YuNet, landmarks and SFace together, with the real models, on a real photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from recognize_cli.engines.onnx import OrtSession
from recognize_cli.faces.yunet_sface import YunetSface
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.store import Store
from tests.support.photos import ASTRONAUT, COFFEE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recognize_cli.records import Detection

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def faces(model_store: Path) -> Iterator[YunetSface]:
    graphs = Store(model_store).open_model(load_lock().entry("yunet-sface")).graphs
    model = YunetSface(*(OrtSession(graphs[name]) for name in ("detector", "landmarks", "descriptor")))
    yield model
    model.close()


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    """Eileen Collins before a flag: one face, up and left of the middle."""
    return Image.open(ASTRONAUT).convert("RGB")


def only(model: YunetSface, image: Image.Image) -> Detection:
    [face] = model.analyse(np.asarray(image))
    return face


def distance(one: Detection, other: Detection) -> float:
    return float(np.linalg.norm(one.embedding - other.embedding))


def test_a_face_is_found_where_it_is(faces: YunetSface, portrait: Image.Image) -> None:
    face = only(faces, portrait)
    centre = (face.box.x + face.box.width / 2, face.box.y + face.box.height / 2)
    assert centre == pytest.approx((0.44, 0.23), abs=0.03)
    assert 0.12 < face.box.width < 0.25
    assert face.score > 0.9
    (left_x, left_y), (right_x, right_y), (nose_x, nose_y), *mouth = face.landmarks
    assert left_x < nose_x < right_x
    assert max(left_y, right_y) < nose_y < min(y for _, y in mouth)
    assert face.embedding.dtype == np.float32
    assert float(np.linalg.norm(face.embedding)) == pytest.approx(1, abs=1e-5)


def test_a_mirrored_face_is_the_same_persons_and_mirrored(faces: YunetSface, portrait: Image.Image) -> None:
    face = only(faces, portrait)
    mirrored = only(faces, portrait.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    assert mirrored.box.x == pytest.approx(1 - face.box.x - face.box.width, abs=0.01)
    assert mirrored.pose.yaw == pytest.approx(-face.pose.yaw, abs=6)
    assert distance(face, mirrored) < 0.6


@pytest.mark.parametrize("scale", [0.4, 0.7, 3.0])
def test_its_size_matters_little(faces: YunetSface, portrait: Image.Image, scale: float) -> None:
    side = round(512 * scale)
    resized = only(faces, portrait.resize((side, side), Image.Resampling.LANCZOS))
    face = only(faces, portrait)
    assert resized.box.x == pytest.approx(face.box.x, abs=0.02)
    assert distance(face, resized) < 0.7


def test_a_leaning_head_is_turned_upright(faces: YunetSface, portrait: Image.Image) -> None:
    face = only(faces, portrait)
    leaning = only(faces, portrait.rotate(-20, Image.Resampling.BICUBIC))
    assert leaning.pose.roll - face.pose.roll == pytest.approx(20, abs=4)
    assert distance(face, leaning) < 0.5


def test_many_faces_are_each_described_by_themselves(faces: YunetSface, portrait: Image.Image) -> None:
    """More of them than go through the descriptor together."""
    head = portrait.crop((130, 0, 330, 240))
    crowd = Image.new("RGB", (200 * 5, 240 * 2))
    for number in range(10):
        crowd.paste(head, (number % 5 * 200, number // 5 * 240))
    found = faces.analyse(np.asarray(crowd))
    assert len(found) == 10
    alone = only(faces, head)
    assert max(distance(alone, face) for face in found) < 0.5
    assert [face.score for face in found] == sorted((face.score for face in found), reverse=True)


def test_a_cup_of_coffee_has_no_face(faces: YunetSface) -> None:
    assert faces.analyse(np.asarray(Image.open(COFFEE).convert("RGB"))) == ()


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (3, 2), (31, 33)])
def test_any_size_is_taken(faces: YunetSface, size: tuple[int, int]) -> None:
    assert faces.analyse(np.full((*size, 3), 128, np.uint8)) == ()
