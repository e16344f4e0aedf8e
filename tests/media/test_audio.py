"""Audio files to patches: real files of every format, made here."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from recognize_cli.errors import FileFailure
from recognize_cli.media.audio import PATCH, decode_audio
from recognize_cli.media.sandbox import DecodeJob, Sandbox
from recognize_cli.media.track import averaged
from recognize_cli.records import Kind, Reason
from tests.media.sounds import FORMATS, LAYOUTS, RATE, clock, decibels, heard_at, pitch, tone, written

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SECONDS = 60
WINDOWS, PATCHES_OF_A_WINDOW = 8, 5
LONG = 140
"""Seconds: more than is heard in full."""


def hears_all_of(patches: NDArray[Any], length: float) -> None:
    """The windows of a `clock` so long lie where they should: start, end, and evenly in between.

    Each begins in full voice, though the decoder came there by a jump.
    """
    assert patches.shape == (WINDOWS * PATCHES_OF_A_WINDOW, PATCH)
    moments = np.array([heard_at(patch) for patch in patches]).reshape(WINDOWS, PATCHES_OF_A_WINDOW)
    expected = np.linspace(0, length - 15.5, WINDOWS)[:, None] + 3 * np.arange(PATCHES_OF_A_WINDOW)
    assert np.abs(moments - expected).max() < 0.2
    for patch in patches[PATCHES_OF_A_WINDOW::PATCHES_OF_A_WINDOW]:
        assert decibels(patch[:400]) == pytest.approx(0, abs=1.5)


@pytest.mark.parametrize("name", FORMATS)
def test_a_tone_stays_as_high_and_as_loud_as_it_is(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name, np.stack([tone(10, 48_000)] * 2), 48_000, **FORMATS[name])
    patches = decode_audio(path)
    assert patches.shape == (3, PATCH)
    assert patches.dtype == np.float32
    for patch in patches:
        assert pitch(patch) == pytest.approx(440, abs=1)
        assert decibels(patch[1000:]) == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000])
def test_any_rate_becomes_that_of_the_models(tmp_path: Path, rate: int) -> None:
    (patch,) = decode_audio(written(tmp_path / "a.wav", tone(4, rate), rate))
    assert pitch(patch) == pytest.approx(440, abs=0.5)
    assert decibels(patch[1000:-1000]) == pytest.approx(0, abs=0.05)


def test_the_rate_may_change_midway(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    content = b""
    for rate, hertz in ((48_000, 440), (22_050, 880)):
        written(path, tone(6, rate, hertz=hertz), rate, codec="libmp3lame", muxer={"write_xing": "0"})
        content += path.read_bytes()
    path.write_bytes(content)
    patches = decode_audio(str(path))
    assert len(patches) == 4
    assert pitch(patches[0]) == pytest.approx(440, abs=1)
    assert pitch(patches[-1]) == pytest.approx(880, abs=1)


def test_what_the_new_rate_cannot_hold_is_filtered_out(tmp_path: Path) -> None:
    (patch,) = decode_audio(written(tmp_path / "a.wav", tone(4, 48_000, hertz=15_000), 48_000))
    assert decibels(patch[1000:-1000]) < -80


@pytest.mark.parametrize("channels", LAYOUTS)
@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_channels_are_averaged(tmp_path: Path, channels: int, name: str) -> None:
    pitches = [300 + 200 * index for index in range(channels)]
    sound = np.stack([tone(4, hertz=hertz) for hertz in pitches])
    (patch,) = decode_audio(written(tmp_path / name, sound, codec=FORMATS[name]["codec"]))
    assert np.abs(patch - sound.mean(axis=0)[:PATCH]).max() < 1e-3


@pytest.mark.parametrize(
    ("seconds", "patches"), [(0.1, 1), (2.9, 1), (3, 1), (5.9, 1), (6, 2), (119.9, 39), (120, 40)]
)
def test_a_short_file_is_heard_in_full(tmp_path: Path, seconds: float, patches: int) -> None:
    sound = clock(seconds)
    found = decode_audio(written(tmp_path / "a.wav", sound))
    whole = np.pad(sound, (0, PATCH))[: patches * PATCH].reshape(patches, PATCH)
    assert found.shape == whole.shape
    assert np.abs(found - whole).max() < 1e-3


@pytest.mark.parametrize("name", ["a.mp3", "a.m4a", "a.aac", "a.opus", "a.flac", "a.wav", "a.wma", "a.aiff"])
def test_a_long_file_is_heard_at_its_start_its_end_and_in_between(tmp_path: Path, name: str) -> None:
    rate = 44_100 if name == "a.wma" else RATE
    path = written(tmp_path / name, clock(LONG, rate), rate, **FORMATS[name])
    hears_all_of(decode_audio(path), LONG)


def test_an_mp3_without_an_index_is_measured(tmp_path: Path) -> None:
    """It begins with near silence, at a small bit rate, so that its length cannot be guessed from that."""
    noise = np.random.default_rng(1).normal(0, 0.01, LONG * RATE)
    sound = ((clock(LONG) + noise) * np.where(np.arange(LONG * RATE) < 20 * RATE, 1e-4, 1)).astype(np.float32)
    path = written(
        tmp_path / "a.mp3", sound, codec="libmp3lame", muxer={"write_xing": "0"}, encoder={"q": "2"}
    )
    patches = decode_audio(path)
    assert heard_at(patches[-1]) == pytest.approx(LONG - 3, abs=1)
    assert heard_at(patches[20]) == pytest.approx((LONG - 15) * 4 / 7, abs=1)


def test_a_recording_that_states_no_length_is_measured(tmp_path: Path) -> None:
    path = written(tmp_path / "a.weba", clock(LONG), codec="libopus", container="webm", muxer={"live": "1"})
    hears_all_of(decode_audio(path), LONG)


@pytest.mark.parametrize("stated", [0, 5, 130, 100_000, (1 << 36) // RATE - 1])
def test_a_length_that_is_a_lie_is_found_out(tmp_path: Path, stated: int) -> None:
    path = tmp_path / "a.flac"
    written(path, clock(LONG), codec="flac")
    content = bytearray(path.read_bytes())
    header = (
        int.from_bytes(content[18:26], "big") >> 36 << 36 | stated * RATE
    )  # sample rate ... total samples
    content[18:26] = header.to_bytes(8, "big")
    path.write_bytes(content)
    hears_all_of(decode_audio(str(path)), 130 if stated == 130 else LONG)


def test_a_cover_is_no_sound(tmp_path: Path) -> None:
    cover = BytesIO()
    Image.new("RGB", (600, 600), "navy").save(cover, "JPEG")
    picture = b"\0image/jpeg\0\x03\0" + cover.getvalue()
    frame = b"APIC" + len(picture).to_bytes(4, "big") + b"\0\0" + picture
    size = bytes(len(frame) >> shift & 127 for shift in (21, 14, 7, 0))
    path = tmp_path / "a.mp3"
    written(path, tone(7), codec="libmp3lame", muxer={"id3v2_version": "0"})
    content = path.read_bytes()
    path.write_bytes(b"ID3\x03\0\0" + size + frame + content)
    with av.open(str(path)) as file:
        assert len(file.streams.video) == 1
    assert decode_audio(str(path)).shape == (2, PATCH)


def test_tags_that_are_not_utf_8_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    written(path, tone(4), codec="flac")
    content = path.read_bytes()
    comment = b"\0\0\0\0\1\0\0\0\x0c\0\0\0TITLE=\xff\xfe\xfc\xe4\xf6"
    comment = comment[:8] + (len(comment) - 12).to_bytes(4, "little") + comment[12:]
    block = b"\x04" + len(comment).to_bytes(3, "big") + comment
    path.write_bytes(content[:42] + block + content[42:])
    assert decode_audio(str(path)).shape == (1, PATCH)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e38, -1e38])
def test_what_is_no_sound_is_tamed(tmp_path: Path, value: float) -> None:
    sound = tone(4)
    sound[1000:2000] = value
    (patch,) = decode_audio(written(tmp_path / "a.wav", sound, codec="pcm_f32le"))
    assert np.isfinite(patch).all()
    assert np.abs(patch).max() < 6
    assert decibels(patch[4000:-1000]) == pytest.approx(0, abs=0.01)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["u8", "s16", "s32", "flt", "dbl"]),
    st.booleans(),
    st.sampled_from(list(LAYOUTS)),
    st.integers(1, 50),
    st.integers(0, 999),
)
def test_the_mean_of_channels_in_any_sample_format(
    format_: str, planar: bool, channels: int, count: int, seed: int
) -> None:
    sound = np.random.default_rng(seed).uniform(-1, 1, (channels, count))
    scale, offset, dtype = {
        "u8": (127, 128, "u1"),
        "s16": (32767, 0, "i2"),
        "s32": (2147483647, 0, "i4"),
        "flt": (1, 0, "f4"),
        "dbl": (1, 0, "f8"),
    }[format_]
    stored = (sound * scale + offset).astype(dtype)
    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(stored if planar else stored.T.reshape(1, -1)),
        format=format_ + "p" * planar,
        layout=LAYOUTS[channels],
    )
    assert averaged(frame) == pytest.approx(sound.mean(axis=0), abs=0.02 if format_ == "u8" else 1e-4)


def test_the_sandbox_decodes_it_too(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mp3", np.stack([clock(LONG)] * 2), codec="libmp3lame")
    with Sandbox(1) as sandbox:
        result = sandbox.submit(DecodeJob(path, Kind.AUDIO)).result(SECONDS)
    assert (result.arrays[None] == decode_audio(path)).all()
    assert result.arrays[None].dtype == np.float32
    assert result.cpu_seconds > 0


def test_one_worker_takes_pictures_and_sounds_in_turn(tmp_path: Path) -> None:
    sound = DecodeJob(written(tmp_path / "a.wav", tone(4)), Kind.AUDIO)
    Image.new("RGB", (30, 20), "navy").save(tmp_path / "a.png")
    picture = DecodeJob(str(tmp_path / "a.png"), Kind.IMAGE, min_side=20)
    with Sandbox(1) as sandbox:
        shapes = [sandbox.submit(job).result(SECONDS).arrays[None].shape for job in (picture, sound, picture)]
    assert shapes == [(20, 30, 3), (1, PATCH), (20, 30, 3)]


def hours_of_silence(path: Path, hours: int, rate: int, channels: int) -> str:
    """A WAV file of 24 bits, all of it hole; longer than its header can say."""
    frame = channels * 3
    header = b"fmt \x10\0\0\0\1\0" + channels.to_bytes(2, "little") + rate.to_bytes(4, "little")
    header += (rate * frame).to_bytes(4, "little") + frame.to_bytes(2, "little") + b"\x18\0"
    with path.open("wb") as file:
        file.write(b"RIFF\xff\xff\xff\xffWAVE" + header + b"data\xff\xff\xff\xff")
        file.truncate(hours * 3600 * rate * frame)
    return str(path)


def test_ten_hours_cost_no_more_memory_than_a_song(tmp_path: Path) -> None:
    path = hours_of_silence(tmp_path / "a.wav", 10, 96_000, 6)
    with Sandbox(1, timeout=SECONDS, memory_limit=192 << 20) as sandbox:
        result = sandbox.submit(DecodeJob(path, Kind.AUDIO)).result(2 * SECONDS)
    assert result.arrays[None].shape == (WINDOWS * PATCHES_OF_A_WINDOW, PATCH)
    assert not result.arrays[None].any()


@pytest.mark.parametrize(
    ("limits", "reasons"),
    [({"timeout": 0.001}, {Reason.TIMEOUT}), ({"memory_limit": 1 << 20}, {Reason.MEMORY, Reason.CRASH})],
)
def test_limits_cost_the_file_only(tmp_path: Path, limits: dict[str, Any], reasons: set[Reason]) -> None:
    path = hours_of_silence(tmp_path / "a.wav", 10, 96_000, 6)
    with Sandbox(1, **limits) as sandbox, pytest.raises(FileFailure) as caught:
        sandbox.submit(DecodeJob(path, Kind.AUDIO)).result(SECONDS)
    assert caught.value.reason in reasons
