"""Animated pictures to clips: real files, whose frames tell their number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from recognize_cli.errors import FileFailure
from recognize_cli.media.image import decode
from recognize_cli.media.jobs import Limits
from recognize_cli.media.sandbox import DecodeJob, Sandbox
from recognize_cli.records import Clips, Kind, Reason, View
from tests.media.films import numbered, numbers, view

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FORMATS: dict[str, dict[str, Any]] = {
    "a.gif": {},
    "a.webp": {"lossless": True},
    "a.png": {},
}
SECONDS = 60
STILL = View(32, 32, "bilinear")


def animation(path: Path, count: int, duration: int | list[int] = 100, **options: Any) -> str:
    """The path of an animation of `numbered` frames; durations are in ms."""
    frames = [Image.fromarray(numbered(index, 96, 64)) for index in range(count)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=duration, **options)
    return str(path)


def clips(path: str, *views: View, **limits: Any) -> dict[View | None, NDArray[np.uint8]]:
    """What the views show."""
    content = decode(DecodeJob(path, Kind.IMAGE, views), Limits(**limits))
    return {
        view: np.frombuffer(raw.data, raw.dtype).reshape(raw.shape) for view, raw in content.arrays.items()
    }


@pytest.mark.parametrize("name", FORMATS)
def test_clips_come_from_the_start_the_end_and_in_between(tmp_path: Path, name: str) -> None:
    wanted = view(3, 10, 5)
    path = animation(tmp_path / name, 100, **FORMATS[name])
    found = clips(path, wanted, STILL)
    assert numbers(found[wanted]) == [list(range(start, start + 20, 2)) for start in (0, 40, 80)]
    assert found[STILL].shape == (32, 32, 3)
    assert numbers(clips(path, wanted)[wanted]) == numbers(found[wanted])


@pytest.mark.parametrize("name", FORMATS)
def test_frames_are_shown_as_long_as_they_say(tmp_path: Path, name: str) -> None:
    path = animation(tmp_path / name, 4, [200, 0, 500, 300], **FORMATS[name])
    wanted = view(1, 20, 10)
    assert numbers(clips(path, wanted)[wanted]) == [[0, 0, 1, 2, 2, 2, 2, 2, 3, 3, 3]]


def test_the_picture_for_others_is_no_frame_of_an_apng(tmp_path: Path) -> None:
    path = animation(tmp_path / "a.png", 5, default_image=True)
    wanted = view(1, 20, 10)
    assert numbers(clips(path, wanted)[wanted]) == [[1, 2, 3, 4]]


@pytest.mark.parametrize("name", [*FORMATS, "a.jpg", "a.tiff"])
def test_a_still_picture_has_no_clips(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    Image.fromarray(numbered(5)).save(path)
    assert clips(str(path), view(3, 10, 5)) == {}
    assert list(clips(str(path), view(3, 10, 5), STILL)) == [STILL]


def test_pages_are_no_frames(tmp_path: Path) -> None:
    frames = [Image.fromarray(numbered(index)) for index in range(3)]
    frames[0].save(tmp_path / "a.tiff", save_all=True, append_images=frames[1:])
    assert clips(str(tmp_path / "a.tiff"), view(3, 10, 5)) == {}


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_transparent_becomes_white(tmp_path: Path, name: str) -> None:
    frames = [Image.new("RGBA", (40, 40), (0, 0, 0, 0)) for _ in range(3)]
    for index, frame in enumerate(frames):
        frame.paste((255, 0, 0, 255), (0, 0, 40, 10 + index))
    options = {"disposal": 2} if name == "a.gif" else FORMATS[name]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], duration=100, **options)
    wanted = View(40, 40, "nearest", Clips(1, 3, 10))
    array = clips(str(tmp_path / name), wanted)[wanted]
    assert array.shape[:2] == (1, 3)
    assert (array[0, :, :9] == (255, 0, 0)).all()
    assert (array[0, :, 14:] == 255).all()


def test_of_a_very_long_animation_the_beginning_is_seen(tmp_path: Path) -> None:
    path = animation(tmp_path / "a.webp", 2500, 40, quality=1, method=0)
    wanted = view(4, 10, 5)
    found = numbers(clips(path, wanted)[wanted])
    assert found[0][0] == 0
    assert 1900 < found[-1][-1] < 2000


@pytest.mark.parametrize("part", [5, 9])
def test_of_a_cut_off_gif_come_the_frames_before_the_cut(tmp_path: Path, part: int) -> None:
    path = tmp_path / "a.gif"
    animation(path, 40)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * part // 10])
    wanted = view(1, 100, 10)
    found = clips(str(path), wanted)[wanted]
    assert numbers(found) == [list(range(found.shape[1]))]
    assert found.shape[1] == pytest.approx(40 * part / 10, abs=3)


@pytest.mark.parametrize("name", ["a.png", "a.webp"])
def test_formats_that_tell_damage_fail_by_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    animation(path, 40, **FORMATS[name])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(FileFailure) as caught:
        clips(str(path), view(1, 100, 10))
    assert caught.value.reason == Reason.DECODE


@pytest.mark.parametrize("name", FORMATS)
def test_flipped_bits_give_clips_or_an_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    animation(path, 10, **FORMATS[name])
    content, random = path.read_bytes(), np.random.default_rng(3)
    for _ in range(40):
        damaged = bytearray(content)
        for position in random.integers(0, len(damaged), random.integers(1, 5)):
            damaged[position] ^= 1 << random.integers(8)
        path.write_bytes(damaged)
        try:
            found = clips(str(path), view(2, 5, 10), STILL)
        except FileFailure as failure:
            assert failure.reason in {Reason.DECODE, Reason.TOO_LARGE, Reason.MEMORY}  # noqa: PT017
        else:
            assert STILL in found


def test_time_ends_it(tmp_path: Path) -> None:
    path = animation(tmp_path / "a.gif", 40)
    wanted = view(1, 100, 10)
    assert clips(path, wanted)[wanted].shape[1] == 40
    assert clips(path, wanted, timeout=0.0) == {}


def test_the_sandbox_decodes_it_too(tmp_path: Path) -> None:
    path = animation(tmp_path / "a.gif", 32)
    wanted = view(3, 10, 5)
    with Sandbox(1) as sandbox:
        result = sandbox.submit(DecodeJob(path, Kind.IMAGE, (wanted, STILL, None))).result(SECONDS)
    assert result.arrays[None].shape == (64, 96, 3)
    assert numbers(result.arrays[wanted]) == [list(range(6, 26, 2))]
