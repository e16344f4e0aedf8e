from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from recognize_cli.media.views import render
from recognize_cli.models.entries import InputSpec
from recognize_cli.recognizers.objects import prepare, softmax
from recognize_cli.records import Decoded, View
from tests.support.photos import CAT
from tests.support.records import media_file

SPEC = InputSpec(size=260, channels="RGB", layout="NHWC", dtype="uint8", resample="bicubic", short_side=292)


def photo() -> Decoded:
    with Image.open(CAT) as image:
        return Decoded(media_file(), np.asarray(image.convert("RGB")))


def test_the_centre_of_a_photo_is_seen() -> None:
    pixels = np.zeros((292, 500, 3), np.uint8)
    pixels[16:276, 120:380] = 255
    assert (prepare(Decoded(media_file(), pixels), SPEC) == 255).all()


def test_without_a_short_side_the_whole_photo_is_squeezed() -> None:
    pixels = np.zeros((100, 500, 3), np.uint8)
    pixels[:, :250] = 255
    seen = prepare(Decoded(media_file(), pixels), replace(SPEC, short_side=None))
    assert seen[:, :120].min() == 255
    assert seen[:, 140:].max() == 0


def test_a_view_made_by_the_decoder_is_what_would_be_made_here() -> None:
    whole = photo()
    view = np.asarray(render(Image.fromarray(whole.pixels), SPEC.view))
    assert (prepare(replace(whole, array=view, view=SPEC.view), SPEC) == prepare(whole, SPEC)).all()


def test_another_view_is_not_taken_for_the_own_one() -> None:
    other = View(300, None, "bilinear")
    seen = prepare(replace(photo(), view=other), SPEC)
    assert seen.shape == (260, 260, 3)


def test_channels_layout_and_range_are_those_of_the_model() -> None:
    image = photo()
    plain = prepare(image, SPEC).astype(np.float32)
    changed = replace(
        SPEC, channels="BGR", layout="NCHW", dtype="float32", mean=(1.0, 2.0, 3.0), std=(10.0, 20.0, 40.0)
    )
    seen = prepare(image, changed)
    assert seen.dtype == np.float32
    assert seen.shape == (3, 260, 260)
    for channel, (mean, std) in enumerate(zip(changed.mean or (), changed.std or (), strict=True)):
        assert np.allclose(seen[channel], (plain[:, :, 2 - channel] - mean) / std)


@given(st.integers(1, 1024), st.integers(1, 1024))
def test_any_size_gives_a_square(width: int, height: int) -> None:
    assert render(Image.new("RGB", (width, height)), SPEC.view).size == (260, 260)


@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=20))
def test_softmax_gives_probabilities_in_the_same_order(logits: list[float]) -> None:
    (probabilities,) = softmax(np.asarray([logits], np.float32))
    assert probabilities.sum() == pytest.approx(1)
    assert (np.diff(probabilities[np.argsort(logits)]) >= 0).all()
