"""Video files to clips: real files of every format, made here, whose frames tell their number."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.errors import FileFailure
from recognize_cli.media.clock import GAP, Clock
from recognize_cli.media.jobs import Limits
from recognize_cli.media.moments import starts
from recognize_cli.media.sandbox import DecodeJob, Sandbox
from recognize_cli.media.video import decode
from recognize_cli.records import Clips, Kind, Reason, View
from tests.media.films import FORMATS, RATE, film, numbered, numbers, quadrants, view, written
from tests.media.pictures import FLIPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

SECONDS = 60
THREE = view(3, 10, RATE / 2)
"""Three clips of ten frames, every other one."""

WITH_GAPS = {"a.mpg", "b.mpg"}
"""Made by a muxer that loses a frame here and there."""


def clips(path: str, *views: View, **limits: Any) -> list[NDArray[np.uint8]]:
    """What each view shows of a film."""
    content = decode(DecodeJob(path, Kind.VIDEO, views), Limits(**limits))
    assert list(content.arrays) == list(views)
    return [np.frombuffer(raw.data, raw.dtype).reshape(raw.shape) for raw in content.arrays.values()]


def seen(path: str, wanted: View, **limits: Any) -> list[list[int]]:
    """The numbers of the frames that a view shows."""
    [array] = clips(path, wanted, **limits)
    assert array.shape[2:] == (wanted.size, wanted.size, 3)
    return numbers(array)


@pytest.mark.parametrize("name", FORMATS)
def test_clips_come_from_the_start_the_end_and_in_between(tmp_path: Path, name: str) -> None:
    found = seen(film(tmp_path / name, 6, **FORMATS[name]), THREE)
    assert [len(clip) for clip in found] == [10, 10, 10]
    slack = 10 if name in WITH_GAPS else 0
    for clip, planned in zip(found, (0, 65, 130), strict=True):
        assert planned - 10 - slack <= clip[0] <= planned  # a key frame before it, at most
        expected = np.arange(clip[0], clip[0] + 20, 2)
        assert np.abs(np.array(clip) - expected).max() <= (3 if slack else 0)


@given(
    st.floats(0.001, 1e6),
    st.builds(Clips, st.integers(1, 20), st.integers(1, 100), st.floats(0.1, 60)),
)
def test_the_plan_of_clips(length: float, wanted: Clips) -> None:
    begins = starts(length, wanted)
    span = wanted.length / wanted.rate
    assert 1 <= len(begins) <= wanted.count
    assert all(begin >= 0 for begin in begins)
    assert begins[-1] <= max(0.0, length - span) + 1 / wanted.rate
    gaps = np.diff(begins)
    assert (gaps >= span * (1 - 1e-6) - 1e-5).all()
    if len(begins) > 1:
        assert begins[0] == 0
        assert np.ptp(gaps) == pytest.approx(0, abs=1e-6 * length)
        assert begins[-1] + span == pytest.approx(length, abs=1 / wanted.rate)
    if len(begins) < wanted.count:
        assert length < (len(begins) + 1) * span + 1 / wanted.rate


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.04, [[0]]),
        (0.2, [[0, 2, 4]]),
        (0.8, [list(range(0, 20, 2))]),
        (1.6, [list(range(0, 20, 2)), list(range(20, 40, 2))]),
    ],
)
def test_a_short_film_is_seen_in_full(tmp_path: Path, seconds: float, expected: list[list[int]]) -> None:
    assert seen(film(tmp_path / "a.mp4", seconds, gop=100), THREE) == expected


def test_a_film_of_little_more_than_a_clip_is_seen_in_its_middle(tmp_path: Path) -> None:
    assert seen(film(tmp_path / "a.mkv", 1.4, codec="ffv1", gop=1), THREE) == [list(range(7, 27, 2))]


def test_clips_do_not_overlap_where_key_frames_are_rare(tmp_path: Path) -> None:
    found = seen(film(tmp_path / "a.mp4", 6, codec="mpeg4", gop=1000), THREE)
    assert found == [list(range(start, start + 20, 2)) for start in (0, 65, 130)]


def test_all_views_are_served_by_one_pass(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", 6, codec="mpeg4")
    stills = view(4, 1, 1, size=48)
    first, second = clips(path, THREE, stills)
    for found, planned in zip(numbers(first), (0, 65, 130), strict=True):
        assert planned - 10 <= found[0] <= planned
        assert found == list(range(found[0], found[0] + 20, 2))
    assert second.shape == (4, 1, 48, 48, 3)
    for [found], planned in zip(numbers(second), (0, 41.7, 83.3, 125), strict=True):
        assert planned - 10 <= found <= planned + 1


def test_views_without_clips_get_nothing(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", 1)
    assert decode(DecodeJob(path, Kind.VIDEO, (None, View(32, 32, "box"))), Limits()).arrays == {}


def test_few_moments_leave_out_frames_that_no_other_needs(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", 4, encoder={"bf": "2", "b_strategy": "0"}, gop=50)
    found = np.array(seen(path, view(1, 10, 5)))
    assert np.abs(found - found[0, 0] - np.arange(0, 50, 5)).max() <= 2


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_a_moment_shows_what_a_player_would_show(tmp_path: Path, name: str) -> None:
    times = [0, 0.1, 0.2, 1.0, 1.05, 3.0, 3.04, 3.08]
    frames = (numbered(index) for index in range(len(times)))
    path = written(tmp_path / name, frames, "mpeg4", times=times)
    [found] = seen(path, view(1, 31, 10))
    expected = [sum(time <= moment / 10 + 0.019 for time in times) - 1 for moment in range(len(found))]
    assert len(found) == 31
    assert np.abs(np.array(found) - expected).max() <= 1
    assert found[5] == 2
    assert found[25] == 4


@pytest.mark.parametrize("first", [1000.0, 90_000.0])
@pytest.mark.parametrize("name", ["a.ts", "a.mkv"])
def test_time_may_begin_anywhere(tmp_path: Path, name: str, first: float) -> None:
    path = film(tmp_path / name, 6, first=first)
    assert [clip[0] // 10 for clip in seen(path, THREE)] == [0, 6, pytest.approx(12.5, abs=0.6)]


def test_a_clock_that_is_set_back_midway_does_no_harm(tmp_path: Path) -> None:
    parts = [film(tmp_path / f"{first}.ts", 3, codec="mpeg2video", first=first) for first in (5000, 10)]
    path = tmp_path / "a.ts"
    path.write_bytes(b"".join(Path(part).read_bytes() for part in parts))
    found = seen(str(path), THREE)
    assert found[0] == list(range(0, 20, 2))
    assert 1 <= len(found) <= 3


def test_a_recording_that_states_no_length_is_measured(tmp_path: Path) -> None:
    path = film(tmp_path / "a.webm", 6, **FORMATS["a.webm"], muxer={"live": "1"})
    with av.open(path) as file:
        assert file.duration is None
    assert [clip[0] for clip in seen(path, THREE)] == [0, 60, 130]


@pytest.mark.parametrize("stated", [1.0, 60.0, 100_000.0])
def test_a_length_that_is_a_lie_is_found_out(tmp_path: Path, stated: float) -> None:
    path = tmp_path / "a.mkv"
    film(path, 6, codec="mpeg4")
    content = path.read_bytes()
    mark = b"\x44\x89\x88"  # the length: a float of 8 bytes, in ms
    where = content.index(mark) + len(mark)
    path.write_bytes(content[:where] + np.array(stated * 1000, ">f8").tobytes() + content[where + 8 :])
    with av.open(str(path)) as file:
        assert file.duration == stated * 1e6
    assert [clip[0] for clip in seen(str(path), THREE)] == [0, 60, 130]


def test_sound_may_go_on_after_the_pictures(tmp_path: Path) -> None:
    path = str(tmp_path / "a.mkv")
    with av.open(path, "w") as file:
        pictures = file.add_stream("mpeg4", rate=RATE, width=64, height=64, pix_fmt="yuv420p")
        pictures.codec_context.gop_size = 10
        sound = file.add_stream("pcm_s16le", rate=8000, layout="mono")
        for index in range(150):
            file.mux(pictures.encode(av.VideoFrame.from_ndarray(numbered(index), "rgb24")))
        file.mux(pictures.encode(None))
        for index in range(60):
            block = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), "s16", "mono")
            block.sample_rate, block.pts = 8000, index * 8000
            file.mux(sound.encode(block))
    assert [clip[0] for clip in seen(path, THREE)] == [0, 60, 130]


@pytest.mark.parametrize("orientation", FLIPS)
def test_it_is_turned_upright(tmp_path: Path, orientation: int) -> None:
    upright = quadrants(96, 64)
    stored = np.ascontiguousarray(FLIPS[orientation](upright))
    # Degrees counter-clockwise, then mirrored: what shows the stored frame upright.
    turn = {
        1: (0, False, False),
        2: (0, True, False),
        3: (180, False, False),
        4: (0, False, True),
        5: (90, False, True),
        6: (-90, False, False),
        7: (-90, False, True),
        8: (90, False, False),
    }[orientation]
    path = written(tmp_path / "a.mp4", [stored] * 5, "mpeg4", turn=turn)
    [array] = clips(path, View(32, 32, "bicubic", Clips(1, 2, 5)))
    expected = quadrants(32, 32).astype(int)
    assert np.abs(array[0, 0, 4::8, 4::8] - expected[4::8, 4::8]).max() < 12


@pytest.mark.parametrize(
    ("width", "aspect"), [(96, Fraction(4, 3)), (256, Fraction(1, 2)), (64, Fraction(2))]
)
def test_pixels_need_not_be_square(tmp_path: Path, width: int, aspect: Fraction) -> None:
    """All are shown as 128×64, whose middle is the square from a quarter to three."""
    frame = quadrants(width, 64)
    frame[:, : width // 4] = frame[:, -(width // 4) :] = 128
    path = written(tmp_path / "a.mp4", [frame] * 5, "mpeg4", aspect=aspect, encoder={"qscale": "2"})
    [array] = clips(path, View(32, 32, "bilinear", Clips(1, 1, 5)))
    assert np.abs(array[0, 0, 4::8, 4::8] - quadrants(32, 32)[4::8, 4::8].astype(int)).max() < 12
    [squeezed] = clips(path, View(32, None, "bilinear", Clips(1, 1, 5)))
    assert np.abs(squeezed[0, 0, :, [2, 29]].astype(int) - 128).max() < 12


MATRICES = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
"""AVCOL_SPC_* -> the weights of red and blue (ITU-T H.273, table 4)."""


@pytest.mark.parametrize("size", [(64, 64), (1280, 720)])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", [*MATRICES, 2])
@pytest.mark.parametrize("pixels", ["yuv420p", "yuv444p10le"])
def test_colours_are_right(
    tmp_path: Path, matrix: int, full: bool, pixels: str, size: tuple[int, int]
) -> None:
    colour = np.array([200, 60, 30]) / 255
    guess = 1 if size[1] >= 720 else 5
    red, blue = MATRICES.get(matrix, MATRICES[guess])
    luma = colour @ (red, 1 - red - blue, blue)
    chroma = (colour[2] - luma) / (2 - 2 * blue), (colour[0] - luma) / (2 - 2 * red)
    depth = 10 if "10" in pixels else 8
    unit, most = 1 << depth - 8, (1 << depth) - 1
    values = [luma * most if full else (16 + 219 * luma) * unit]
    values += [128 * unit + each * (most if full else 224 * unit) for each in chroma]
    frame = av.VideoFrame(*size, pixels)
    for plane, value in zip(frame.planes, values, strict=True):
        dtype = np.dtype("<u2" if depth > 8 else "u1")
        plane.update(np.full(plane.buffer_size // dtype.itemsize, round(value), dtype).tobytes())
    path = str(tmp_path / "a.mkv")
    with av.open(path, "w") as file:
        stream = file.add_stream("ffv1", rate=RATE, width=size[0], height=size[1], pix_fmt=pixels)
        stream.codec_context.colorspace, stream.codec_context.color_range = matrix, 2 if full else 1
        frame.colorspace, frame.color_range = matrix, 2 if full else 1
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    [array] = clips(path, View(16, 16, "bicubic", Clips(1, 1, 5)))
    assert np.abs(array - np.array([200, 60, 30])).max() <= 2


def test_the_size_may_change_midway(tmp_path: Path) -> None:
    parts = []
    for index, (width, height) in enumerate([(64, 64), (128, 96)]):
        options = {"codec": "mpeg2video", "container": "mpeg2video", "width": width, "height": height}
        parts.append(Path(film(tmp_path / f"{index}.m2v", 1, **options)).read_bytes())
    path = tmp_path / "a.m2v"
    path.write_bytes(b"".join(parts))
    [found] = seen(str(path), view(1, 25, RATE / 2))
    expected = [*range(0, 25, 2), *range(1, 25, 2)]
    assert len(found) == 25
    assert np.abs(np.array(found) - expected).max() <= 1


@pytest.mark.parametrize("size", [(66, 64), (65, 63), (2, 200), (1000, 8)])
def test_any_size_gives_squares(tmp_path: Path, size: tuple[int, int]) -> None:
    frame = np.full((size[1], size[0], 3), 200, np.uint8)
    path = written(tmp_path / "a.mkv", [frame] * 5, "ffv1", pixels="yuv444p")
    for side in (None, 40):
        [array] = clips(path, View(32, side, "lanczos", Clips(2, 2, 5)))
        assert np.abs(array.astype(int) - 200).max() <= 2


def test_a_clip_is_made_as_still_pictures_are(tmp_path: Path) -> None:
    """A frame that is no larger than what is needed is cut and scaled as an image of its pixels."""
    from PIL import Image

    from recognize_cli.media.views import render

    picture = np.random.default_rng(1).integers(0, 256, (60, 90, 3), np.uint8)
    path = written(tmp_path / "a.avi", [picture] * 5, "rawvideo", pixels="bgr24")
    wanted = View(32, 40, "bicubic", Clips(1, 1, 5))
    [array] = clips(path, wanted)
    assert (array[0, 0] == np.asarray(render(Image.fromarray(picture), wanted))).all()


def test_the_sandbox_decodes_it_too(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", 6)
    stills = view(4, 1, 1, size=48)
    with Sandbox(1) as sandbox:
        result = sandbox.submit(DecodeJob(path, Kind.VIDEO, (THREE, stills))).result(SECONDS)
    expected = dict(zip((THREE, stills), clips(path, THREE, stills), strict=True))
    assert result.arrays.keys() == expected.keys()
    assert all((result.arrays[each] == expected[each]).all() for each in expected)
    assert result.cpu_seconds > 0


def test_pixels_are_limited_before_any_is_decoded(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", 1)
    with pytest.raises(FileFailure, match="64×64 pixels") as caught:
        seen(path, THREE, max_pixels=64 * 64 - 1)
    assert caught.value.reason == Reason.TOO_LARGE


def test_without_time_there_is_a_clear_failure(tmp_path: Path) -> None:
    with pytest.raises(FileFailure, match="no time") as caught:
        seen(film(tmp_path / "a.mp4", 1), THREE, timeout=0.0)
    assert caught.value.reason == Reason.TIMEOUT


def test_a_long_film_costs_what_its_clips_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two minutes no more is decoded than the clips and what the decoder holds back."""
    from recognize_cli.media import footage

    counted = []
    decoded = footage.Footage._decoded

    def counting(self: Any, packet: Any) -> Any:
        counted.append(packet.pts)
        return decoded(self, packet)

    monkeypatch.setattr(footage.Footage, "_decoded", counting)
    found = seen(film(tmp_path / "a.mkv", 120, codec="mpeg4", gop=100), view(4, 10, RATE / 2))
    assert [clip[0] // 100 for clip in found] == [0, 9, 19, 29]
    assert len(counted) < 4 * (20 + 5)


@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=2), st.floats(0.001, 1))
def test_a_clock_only_goes_forward(stamps: list[float | None], step: float) -> None:
    clock = Clock(0.0, step)
    times = [clock.read(stamp) for stamp in stamps]
    assert times[0] >= 0
    for earlier, later in pairwise(times):
        assert earlier < later <= earlier + GAP or math.isclose(earlier + step, later)
