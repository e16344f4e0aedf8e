from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from recognize_cli.media.views import render, seen
from recognize_cli.models.entries import InputSpec
from recognize_cli.recognizers.objects import STILLS, ObjectsRecognizer, prepare, softmax
from recognize_cli.records import Batch, Decoded, Kind, View
from tests.support.photos import CAT
from tests.support.records import media_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SPEC = InputSpec(size=260, channels="RGB", layout="NHWC", dtype="uint8", resample="bicubic", short_side=292)


def photo() -> NDArray[np.uint8]:
    with Image.open(CAT) as image:
        return np.asarray(image.convert("RGB"))


def whole(pixels: NDArray[np.uint8]) -> Decoded:
    return Decoded(media_file(), {None: pixels})


def test_the_centre_of_a_photo_is_seen() -> None:
    pixels = np.zeros((292, 500, 3), np.uint8)
    pixels[16:276, 120:380] = 255
    assert (seen(whole(pixels), SPEC.view) == 255).all()


def test_without_a_short_side_the_whole_photo_is_squeezed() -> None:
    pixels = np.zeros((100, 500, 3), np.uint8)
    pixels[:, :250] = 255
    squeezed = seen(whole(pixels), replace(SPEC, short_side=None).view)
    assert squeezed is not None
    assert squeezed[:, :120].min() == 255
    assert squeezed[:, 140:].max() == 0


def test_a_view_made_by_the_decoder_is_taken_as_it_is() -> None:
    made = np.full((260, 260, 3), 7, np.uint8)
    assert seen(Decoded(media_file(), {SPEC.view: made, None: photo()}), SPEC.view) is made


def test_another_view_is_not_taken_for_the_own_one() -> None:
    other = View(300, None, "bilinear")
    assert seen(Decoded(media_file(), {other: photo()}), SPEC.view) is None


def test_a_picture_that_stands_still_has_no_clips() -> None:
    assert seen(whole(photo()), replace(SPEC.view, clips=STILLS)) is None


def test_channels_layout_and_range_are_those_of_the_model() -> None:
    image = photo()[None, :260, :260]
    changed = replace(
        SPEC, channels="BGR", layout="NCHW", dtype="float32", mean=(1.0, 2.0, 3.0), std=(10.0, 20.0, 40.0)
    )
    assert prepare(image, SPEC).tolist() == image.tolist()
    prepared = prepare(image, changed)
    assert (prepared.dtype, prepared.shape) == (np.float32, (1, 3, 260, 260))
    for channel, (mean, std) in enumerate(zip(changed.mean or (), changed.std or (), strict=True)):
        expected = (image[0, :, :, 2 - channel].astype(np.float32) - mean) / std
        assert np.allclose(prepared[0, channel], expected)


class Shade:
    """A session whose two classes are how bright a picture is, and how dark; logs how many it got."""

    inputs = ("pixels",)
    outputs = ("scores",)

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def run(self, feeds: Mapping[str, NDArray[np.uint8]]) -> dict[str, NDArray[np.float64]]:
        pictures = feeds["pixels"]
        self.sizes.append(len(pictures))
        bright = pictures.reshape(len(pictures), -1).mean(axis=1) / 255
        return {"scores": np.stack([bright, 1 - bright], axis=1)}

    def close(self) -> None: ...


def video(*frames: int) -> Decoded:
    """A video whose clips of one frame each have these shades."""
    view = replace(SPEC.view, clips=STILLS)
    array = np.stack([np.full((1, 260, 260, 3), shade, np.uint8) for shade in frames])
    return Decoded(media_file("a.mp4", kind=Kind.VIDEO), {view: array})


def test_a_class_of_a_video_must_be_seen_at_two_moments() -> None:
    session = Shade()
    recognizer = ObjectsRecognizer(
        SPEC, [("1", "bright"), ("2", "dark")], lambda: session, model="m", logits=False, clips=STILLS
    )
    recognizer.load()
    still = Decoded(media_file("still.gif"), {})
    once, twice, nothing, short = recognizer.run(
        Batch("video_objects", (video(0, 255, 0), video(255, 0, 255), still, video(255)))
    )
    assert session.sizes == [4, 3]
    assert {each.name: each.score for each in once.top} == {"bright": 0.5, "dark": 1.0}
    assert {each.name: each.score for each in twice.top} == {"bright": 1.0, "dark": 0.5}
    assert nothing.top == ()
    assert {each.name: each.score for each in short.top} == {"bright": 1.0, "dark": 0.0}


@given(st.integers(1, 1024), st.integers(1, 1024))
def test_any_size_gives_a_square(width: int, height: int) -> None:
    assert render(Image.new("RGB", (width, height)), SPEC.view).size == (260, 260)


@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=20))
def test_softmax_gives_probabilities_in_the_same_order(logits: list[float]) -> None:
    (probabilities,) = softmax(np.asarray([logits], np.float32))
    assert probabilities.sum() == pytest.approx(1)
    assert (np.diff(probabilities[np.argsort(logits)]) >= 0).all()
