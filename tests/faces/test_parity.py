"""Our analysis against face-api's own, under node, on the same pixels."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from recognize_cli.faces.boxes import overlaps
from recognize_cli.faces.landmarks68 import five_points
from tests.faces import node
from tests.support.photos import CAT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recognize_cli.faces.faceapi import FaceApi
    from recognize_cli.records import Detection

SHARED = Path(__file__).parents[3] / "shared" / "data" / "faces"
IOU, COSINE, PIXELS = 0.9999, 0.99999, 0.01
"""Far stricter than what is asked for, 0.95, 0.999 and 0.1; far looser than what is reached."""

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def installed() -> Path:
    try:
        return node.install()
    except node.Unavailable as problem:
        pytest.skip(str(problem))


def opened(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def variants(photo: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """A photo whole, small, wide, tall, of odd sizes and with its face at an edge."""
    small = np.asarray(Image.fromarray(photo).resize((201, 201), Image.Resampling.BICUBIC))
    wide = np.tile(small, (1, 4, 1))
    return [photo, small, wide, np.tile(small, (3, 1, 1))[:-50], photo[75:, 190:], photo[:163, 31:280]]


def compare(ours: Sequence[Detection], theirs: list[dict[str, Any]], shape: tuple[int, ...]) -> None:
    size = np.array([shape[1], shape[0]])
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        corners = [mine.box.x, mine.box.y, mine.box.x + mine.box.width, mine.box.y + mine.box.height]
        cut = np.clip(np.array(other["box"]) / np.tile(size, 2), 0, 1)
        assert overlaps(np.array(corners), cut[None])[0] >= IOU
        assert mine.score == pytest.approx(other["score"], abs=1e-4)
        points = five_points(np.array(other["landmarks"])) / size
        distance = (np.array(mine.landmarks) - points.clip(0, 1)) * size
        assert np.abs(distance).max() <= PIXELS
        vector = np.array(other["descriptor"])
        cosine = mine.embedding @ vector / np.linalg.norm(mine.embedding) / np.linalg.norm(vector)
        assert cosine >= COSINE
        assert np.linalg.norm(mine.embedding - vector) < 1e-3


def compare_all(model: FaceApi, installed: Path, pictures: list[NDArray[np.uint8]]) -> int:
    """Compares every face of the pictures, and returns how many there are."""
    results = node.analyse(installed, pictures)
    for picture, result in zip(pictures, results, strict=True):
        compare(model.analyse(picture), result["faces"], picture.shape)
    return sum(len(result["faces"]) for result in results)


def test_faces_are_those_of_face_api(
    face_api: FaceApi, installed: Path, astronaut: NDArray[np.uint8]
) -> None:
    pictures = [*variants(astronaut), opened(CAT)]
    assert compare_all(face_api, installed, pictures) >= 10


def test_a_group_has_the_faces_of_face_api(face_api: FaceApi, installed: Path) -> None:
    package = importlib.util.find_spec("insightface")
    if package is None or package.origin is None:
        pytest.skip("needs the photo that comes with insightface")
    group = opened(Path(package.origin).parent / "data" / "images" / "t1.jpg")
    assert compare_all(face_api, installed, [group, group[:, ::-1].copy(), group[::2, ::2].copy()]) >= 18


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="../shared is not here")
def test_labelled_photos_have_the_faces_of_face_api(face_api: FaceApi, installed: Path) -> None:
    pictures = [opened(path) for path in sorted(SHARED.glob("*.jpg"))[::20]]
    assert compare_all(face_api, installed, pictures) >= 10
