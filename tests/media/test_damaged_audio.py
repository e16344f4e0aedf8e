"""Audio that is damaged, cut off, or something else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest

from recognize_cli.errors import FileFailure
from recognize_cli.media.audio import PATCH, decode_audio
from recognize_cli.media.kinds import kind_of
from recognize_cli.media.sandbox import DecodeJob, Sandbox
from recognize_cli.records import Kind, Reason
from tests.media.sounds import FORMATS, tone, written

if TYPE_CHECKING:
    from collections.abc import Container

SHARED = Path(__file__).parents[3] / "shared" / "data"
SECONDS = 60
CUTS = 20
FLIPPED = 30
NOISE = np.random.default_rng(7).bytes(100_000)


def outcome(path: str | Path) -> Reason | int:
    """How many patches a file gives, or why it gives none."""
    try:
        patches = decode_audio(str(path))
    except FileFailure as failure:
        return failure.reason
    assert patches.dtype == np.float32
    assert patches.shape[1:] == (PATCH,)
    assert np.isfinite(patches).all()
    return len(patches)


def saved(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.fixture(scope="module", params=FORMATS)
def content(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Ten seconds of sound in each format."""
    path = tmp_path_factory.mktemp("sound") / request.param
    written(path, np.stack([tone(10, 48_000)] * 2), 48_000, **FORMATS[request.param])
    return path.read_bytes()


def test_a_cut_off_file_gives_what_is_left_of_it(tmp_path: Path, content: bytes) -> None:
    """At least a patch of it, or an error; and of more file never less sound."""
    found = [outcome(saved(tmp_path / "a", content[: len(content) * cut // CUTS])) for cut in range(CUTS)]
    assert found[0] == Reason.DECODE
    counts = [each for each in found if isinstance(each, int)]
    assert counts == sorted(counts)
    assert all(each == Reason.DECODE for each in found if not isinstance(each, int))


@pytest.mark.parametrize("name", ["a.mp3", "a.aac", "a.ogg", "a.opus", "a.flac", "a.wav", "a.aiff", "a.wma"])
def test_half_a_song_is_heard(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    written(path, np.stack([tone(20, 48_000)] * 2), 48_000, **FORMATS[name])
    assert outcome(saved(path, path.read_bytes()[: path.stat().st_size * 11 // 20])) == 3


def test_less_than_a_patch_of_a_song_that_was_cut_off_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    written(path, tone(20), codec="flac")
    with pytest.raises(FileFailure, match="less than 3 seconds") as caught:
        decode_audio(str(saved(path, path.read_bytes()[: path.stat().st_size // 10])))
    assert caught.value.reason == Reason.DECODE


def test_flipped_bits_give_sound_or_an_error(
    tmp_path: Path, content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(len(content))
    for _ in range(FLIPPED):
        damaged = bytearray(content)
        reach = random.choice([200, len(damaged)])  # many hit the header
        for position in random.integers(0, reach, random.integers(1, 9)):
            damaged[position] ^= 1 << random.integers(8)
        found = outcome(saved(tmp_path / "a", bytes(damaged)))
        assert isinstance(found, int) or found in {Reason.DECODE, Reason.UNSUPPORTED}
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"\0",
        b"\0" * 100_000,
        b"just some text\n" * 1000,
        NOISE,
        b"RIFF",
        b"fLaC",
        b"ID3\4\0\0\x7f\x7f\x7f\x7f",
    ],
    ids=["empty", "a zero", "zeros", "text", "noise", "RIFF", "fLaC", "ID3"],
)
def test_what_is_no_audio_is_an_error(tmp_path: Path, junk: bytes) -> None:
    assert outcome(saved(tmp_path / "a.mp3", junk)) == Reason.DECODE


@pytest.mark.parametrize(
    ("damaged", "expected"), [(range(0, 9, 3), 4), ({0, 1, 2, 4, 5, 7, 8}, Reason.DECODE)]
)
def test_damage_costs_its_packets_unless_most_are_damaged(
    tmp_path: Path, damaged: Container[int], expected: Reason | int
) -> None:
    path = tmp_path / "a.m4a"
    written(path, tone(20), **FORMATS["a.m4a"])
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as file:
        for index, packet in enumerate(file.demux(audio=0)):
            if index % 9 in damaged and packet.pos is not None:
                content[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    assert outcome(saved(path, bytes(content))) == expected


def test_half_noise_is_an_error_or_the_other_half(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    written(path, tone(20), codec="libmp3lame")
    content = path.read_bytes()
    assert outcome(saved(path, content[: len(content) // 2] + NOISE)) in {3, 4, Reason.DECODE}


def test_video_without_sound_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.m4a"
    with av.open(str(path), "w", format="mp4") as file:
        stream = file.add_stream("mpeg4", rate=25, width=64, height=64, pix_fmt="yuv420p")
        for shade in range(50):
            picture = np.full((64, 64, 3), shade, np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        file.mux(stream.encode(None))
    with pytest.raises(FileFailure, match="no sound in it") as caught:
        decode_audio(str(path))
    assert caught.value.reason == Reason.DECODE


@pytest.mark.parametrize(
    ("name", "codec", "mark"),
    [("a.m4a", b"mp4a", b"enca"), ("a.m4a", b"mp4a", b"drms"), ("a.mka", b"A_OPUS", b"A_NEWS")],
)
def test_what_this_installation_cannot_decode_is_unsupported(
    tmp_path: Path, name: str, codec: bytes, mark: bytes
) -> None:
    path = tmp_path / name
    written(path, tone(4, 48_000), 48_000, **FORMATS[name])
    content = path.read_bytes()
    assert codec in content
    assert outcome(saved(path, content.replace(codec, mark))) == Reason.UNSUPPORTED


@pytest.mark.parametrize("rate", [1, 999, 1_000_000, 2**31 - 1])
def test_an_absurd_rate_is_unsupported(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "a.wav"
    written(path, tone(4))
    content = path.read_bytes()
    assert (
        outcome(saved(path, content[:24] + rate.to_bytes(4, "little") + content[28:])) == Reason.UNSUPPORTED
    )


def test_samples_of_64_bits_are_unsupported(tmp_path: Path) -> None:
    assert outcome(written(tmp_path / "a.wav", tone(4), codec="pcm_s64le")) == Reason.UNSUPPORTED


@pytest.mark.parametrize("name", ["a.ogg", "a.opus", "a.flac"])
def test_a_chain_of_oggs_is_heard_in_part_or_costs_itself_only(tmp_path: Path, name: str) -> None:
    """FFmpeg may put the stream of the next link in place of the one that is being read."""
    path = tmp_path / name
    links = b""
    for rate in (48_000, 24_000):
        written(path, np.stack([tone(6, rate)] * 2), rate, **{**FORMATS[name], "container": "ogg"})
        links += path.read_bytes()
    with Sandbox(1, timeout=SECONDS) as sandbox:
        error = sandbox.submit(DecodeJob(str(saved(path, links)), Kind.AUDIO)).exception(2 * SECONDS)
        assert error is None or (
            isinstance(error, FileFailure) and error.reason in {Reason.DECODE, Reason.CRASH}
        )


def decoded(folder: str) -> dict[str, Any]:
    """How many patches each audio file of a shared folder gives, or the reason why it gives none."""
    if not SHARED.exists():
        pytest.skip("../shared is not here")
    paths = sorted(path for path in (SHARED / folder).iterdir() if kind_of(path.name) == Kind.AUDIO)
    results: dict[str, Any] = {}
    with Sandbox(2, timeout=SECONDS) as sandbox:
        futures = {path.name: sandbox.submit(DecodeJob(str(path), Kind.AUDIO)) for path in paths}
        for name, future in futures.items():
            error = future.exception(2 * SECONDS)
            results[name] = (
                error.reason if isinstance(error, FileFailure) else len(future.result().arrays[None])
            )
    assert results
    return results


@pytest.mark.shared
def test_music_is_heard() -> None:
    results = decoded("music")
    assert len(results) == 11
    assert all(isinstance(each, int) and each >= 10 for each in results.values()), results


@pytest.mark.shared
def test_hostile_audio_is_heard_or_an_error() -> None:
    results = decoded("hostile")
    for name, result in results.items():
        assert isinstance(result, int) or result in {Reason.DECODE, Reason.UNSUPPORTED}, name
        if "trunc0" in name or "trunc16" in name or name == "wav_bad_size.wav":
            assert result == Reason.DECODE, name
    heard = {name for name, result in results.items() if isinstance(result, int)}
    assert {"muse_knights_of_cydonia_trunc50pc.mp3", "gtzan_blues_00000_trunc50pc.wav"} <= heard
