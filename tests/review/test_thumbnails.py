"""Thumbnails are cut from real photos by real decode workers."""

from __future__ import annotations

import os
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from recognize_cli.catalogue.people_api import KnownFace
from recognize_cli.media.sandbox import Sandbox
from recognize_cli.records import Box, Pose, Reason, Skipped
from recognize_cli.review.thumbnails import MAX_PHOTO_SIDE, NAME, SIDE, crop, cut, name
from tests.review.making import MadeFace, paint
from tests.support.records import media_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from recognize_cli.media.jobs import DecodeJob, DecodeResult

LEFT, RIGHT = Box(0.1, 0.1, 0.2, 0.2), Box(0.6, 0.5, 0.25, 0.35)


def face(path: Path, box: Box = LEFT, id: int = 1, version: str = "1") -> KnownFace:
    text = os.fsencode(path).decode("utf-8", "surrogateescape")
    file = media_file(text.lstrip("/"), source="local", version=version)
    return KnownFace(id, file, "m", box, 0.9, (), Pose(0, 0, 0), 1.0, None, None, False, None)


def colour(jpeg: bytes) -> tuple[int, ...]:
    """That of the middle."""
    with Image.open(BytesIO(jpeg)) as image:
        assert (image.format, image.size) == ("JPEG", (SIDE, SIDE))
        return tuple(round(value / 64) for value in np.asarray(image)[54:74, 54:74].mean(axis=(0, 1)))


class Decoder:
    """Decodes in a worker, and notes what it was asked for."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.jobs: list[DecodeJob] = []

    def submit(self, job: DecodeJob) -> Future[DecodeResult]:
        self.jobs.append(job)
        return self._sandbox.submit(job)

    def cut(self, *faces: KnownFace) -> list[Skipped | dict[int, bytes]]:
        done = cut(faces, lambda each: "/" + each.file.path, self.submit, look_ahead=2)
        return [
            each if isinstance(each, Skipped) else {one.face.id: one.jpeg for one in each} for each in done
        ]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(1, max_side=MAX_PHOTO_SIDE) as opened:
        yield opened


@pytest.fixture
def decoder(sandbox: Sandbox) -> Decoder:
    return Decoder(sandbox)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_face_is_cut_upright_from_a_photo_of_any_orientation(
    tmp_path: Path, decoder: Decoder, orientation: int
) -> None:
    upright = paint(tmp_path / "upright.png", [MadeFace("red", box=LEFT), MadeFace("blue", box=RIGHT)])
    exif = Image.Exif()
    exif[0x0112] = orientation
    with Image.open(upright) as image:
        turned = next(
            each
            for each in (image, *(image.transpose(turn) for turn in Image.Transpose))
            if np.array_equal(np.asarray(stood_up(each, exif)), np.asarray(image))
        )
        turned.save(tmp_path / "photo.jpg", exif=exif, quality=95)
    photo = tmp_path / "photo.jpg"
    (cuts,) = decoder.cut(face(photo, LEFT, 1), face(photo, RIGHT, 2))
    assert isinstance(cuts, dict)
    assert {id: colour(jpeg) for id, jpeg in cuts.items()} == {1: (4, 0, 0), 2: (0, 0, 4)}


def stood_up(image: Image.Image, exif: Image.Exif) -> Image.Image:
    """As a viewer shows it."""
    stream = BytesIO()
    image.save(stream, "PNG", exif=exif)
    with Image.open(stream) as opened:
        return ImageOps.exif_transpose(opened)


def test_a_photo_is_decoded_once_however_many_faces_it_has(tmp_path: Path, decoder: Decoder) -> None:
    first, second = paint(tmp_path / "a.jpg", []), paint(tmp_path / "b.jpg", [])
    faces = [face(first, LEFT, 1), face(second, LEFT, 2), face(first, RIGHT, 3)]
    cuts = decoder.cut(*faces)
    assert sorted(sorted(each) for each in cuts if isinstance(each, dict)) == [[1, 3], [2]]
    assert len(decoder.jobs) == 2


def test_small_faces_have_the_photo_decoded_large(tmp_path: Path, decoder: Decoder) -> None:
    photo = paint(tmp_path / "a.jpg", [], size=(1600, 1200))
    for box in (Box(0.1, 0.1, 0.5, 0.5), Box(0.1, 0.1, 0.05, 0.03), Box(0.1, 0.1, 0.0, 0.0)):
        decoder.cut(face(photo, box))
    assert [job.min_side for job in decoder.jobs] == [160, 1600, MAX_PHOTO_SIDE]


def test_what_cannot_be_read_costs_only_itself(tmp_path: Path, decoder: Decoder) -> None:
    good, broken = paint(tmp_path / "a.jpg", []), tmp_path / "b.jpg"
    broken.write_bytes(good.read_bytes()[:500])
    outcomes = decoder.cut(face(tmp_path / "gone.jpg"), face(good), face(broken))
    skipped = {each.file.name: each.reason for each in outcomes if isinstance(each, Skipped)}
    assert skipped == {"gone.jpg": Reason.IO, "b.jpg": Reason.DECODE}
    assert len(outcomes) == 3


fractions = st.floats(-0.5, 1.5)
sizes = st.floats(0, 2)


@settings(deadline=None)
@given(st.builds(Box, fractions, fractions, sizes, sizes), st.integers(1, 60), st.integers(1, 60))
def test_any_box_gives_a_picture(box: Box, height: int, width: int) -> None:
    colour(crop(np.zeros((height, width, 3), np.uint8), box))


def test_the_picture_is_a_square_with_a_margin_and_not_stretched() -> None:
    pixels = np.zeros((100, 200, 3), np.uint8)
    pixels[30:70, 80:100] = 255  # a tall face
    with Image.open(BytesIO(crop(pixels, Box(0.4, 0.3, 0.1, 0.4)))) as image:
        white = np.asarray(image.convert("L")) > 127
    rows, columns = np.flatnonzero(white.any(axis=1)), np.flatnonzero(white.any(axis=0))
    assert (len(rows), len(columns)) == pytest.approx((SIDE / 1.6, SIDE / 3.2), abs=2)
    assert (rows.mean(), columns.mean()) == pytest.approx((63.5, 63.5), abs=1.5)


def test_a_face_at_the_edge_is_in_the_middle_all_the_same() -> None:
    pixels = np.zeros((100, 100, 3), np.uint8)
    pixels[:20, :20] = 255
    with Image.open(BytesIO(crop(pixels, Box(-0.05, -0.1, 0.25, 0.3)))) as image:
        shown = np.asarray(image.convert("L")).astype(int)
    assert shown[30:98, 30:98].min() > 200
    assert abs(shown[:16] - 128).max() < 12
    assert abs(shown[:, :16] - 128).max() < 12
    assert shown[110:, 110:].max() < 60


def test_a_name_tells_stale_pictures_apart(tmp_path: Path) -> None:
    some = face(tmp_path / "a.jpg")
    others = [
        face(tmp_path / "a.jpg", id=2),
        face(tmp_path / "b.jpg"),
        face(tmp_path / "a.jpg", RIGHT),
        face(tmp_path / "a.jpg", Box(LEFT.x, LEFT.y, LEFT.width, 0.3)),
        face(tmp_path / "a.jpg", version="2"),
    ]
    assert name(some) == name(face(tmp_path / "a.jpg"))
    assert len({name(some), *map(name, others)}) == 6
    assert all(NAME.fullmatch(name(each)) for each in [some, *others])
