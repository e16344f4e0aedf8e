"""Video that is damaged, cut off, or something else."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recognize_cli.errors import FileFailure
from recognize_cli.media.jobs import Limits
from recognize_cli.media.kinds import kind_of
from recognize_cli.media.sandbox import DecodeJob, Sandbox
from recognize_cli.media.video import decode
from recognize_cli.records import Kind, Reason
from tests.media.films import FORMATS, film, numbered, numbers, view

SHARED = Path(__file__).parents[3] / "shared" / "data"
SECONDS = 60
CUTS = 10
FLIPPED = 8
NOISE = np.random.default_rng(7).bytes(100_000)
WANTED = view(3, 5, 5)
ORDINARY = {Reason.DECODE, Reason.UNSUPPORTED, Reason.TOO_LARGE, Reason.MEMORY}


def outcome(path: str | Path) -> Reason | list[list[int]]:
    """The numbers of the frames that a file shows, or why it shows none."""
    try:
        raw = decode(DecodeJob(str(path), Kind.VIDEO, (WANTED,)), Limits()).arrays[WANTED]
    except FileFailure as failure:
        return failure.reason
    assert raw.dtype == "|u1"
    assert raw.shape[2:] == (32, 32, 3)
    assert 1 <= raw.shape[0] <= 3
    assert 1 <= raw.shape[1] <= 5
    return numbers(np.frombuffer(raw.data, np.uint8).reshape(raw.shape))


def saved(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.fixture(scope="module", params=FORMATS)
def content(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Four seconds of film in each format."""
    path = tmp_path_factory.mktemp("film") / request.param
    film(path, 4, **FORMATS[request.param])
    return path.read_bytes()


def test_a_cut_off_file_gives_what_is_left_of_it(tmp_path: Path, content: bytes) -> None:
    found = [outcome(saved(tmp_path / "a", content[: len(content) * cut // CUTS])) for cut in range(CUTS)]
    assert found[0] == Reason.DECODE
    counts = [sum(map(len, each)) for each in found if isinstance(each, list)]
    assert all(more >= less - 1 for less, more in pairwise(counts))
    assert all(each == Reason.DECODE for each in found if not isinstance(each, list))


@pytest.mark.parametrize("name", ["a.mkv", "a.webm", "a.avi", "a.mpg", "a.ts", "a.flv", "fragments.mp4"])
def test_half_a_film_is_seen_to_its_end(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    film(path, 8, **FORMATS[name])
    found = outcome(saved(path, path.read_bytes()[: path.stat().st_size * 11 // 20]))
    assert isinstance(found, list)
    assert found[0][0] == 0
    assert 50 < found[-1][-1] < 150


def test_flipped_bits_give_a_film_or_an_error(
    tmp_path: Path, content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(len(content))
    for _ in range(FLIPPED):
        damaged = bytearray(content)
        reach = random.choice([200, len(damaged)])  # many hit the header
        for position in random.integers(0, reach, random.integers(1, 9)):
            damaged[position] ^= 1 << random.integers(8)
        found = outcome(saved(tmp_path / "a", bytes(damaged)))
        assert isinstance(found, list) or found in ORDINARY
    assert capfd.readouterr() == ("", "")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["a.mp4", "a.mkv", "a.avi", "a.ts"]), st.data())
def test_any_damage_gives_a_film_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / f"damage-{name}"
    if not path.exists():
        film(path, 2, **FORMATS[name])
    content = path.read_bytes()
    where = data.draw(st.integers(0, len(content)))
    length = data.draw(st.integers(0, 2000))
    put = data.draw(st.binary(max_size=64))
    found = outcome(saved(path.with_suffix(".damaged"), content[:where] + put + content[where + length :]))
    assert isinstance(found, list) or found in ORDINARY


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"\0",
        b"\0" * 100_000,
        b"just some text\n" * 1000,
        NOISE,
        b"RIFF",
        b"\0\0\1\xba",
        b"\x1aE\xdf\xa3",
    ],
    ids=["empty", "a zero", "zeros", "text", "noise", "RIFF", "MPEG", "EBML"],
)
def test_what_is_no_video_is_an_error(tmp_path: Path, junk: bytes) -> None:
    assert outcome(saved(tmp_path / "a.mp4", junk)) == Reason.DECODE


def overwritten(path: str, damaged: int, of: int) -> Path:
    """A film in which ``damaged`` of every so many packets are noise."""
    content = bytearray(Path(path).read_bytes())
    with av.open(path) as file:
        for index, packet in enumerate(file.demux(video=0)):
            if index % of < damaged and packet.pos is not None:
                content[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    return saved(Path(path), bytes(content))


def test_damage_costs_its_packets_unless_most_are_damaged(tmp_path: Path) -> None:
    found = outcome(overwritten(film(tmp_path / "a.mov", 6, **FORMATS["a.mov"]), 2, 9))
    assert isinstance(found, list)
    assert [len(clip) for clip in found] == [5, 5, 5]
    assert outcome(overwritten(film(tmp_path / "b.mov", 6, **FORMATS["a.mov"]), 7, 9)) == Reason.DECODE


def test_sound_alone_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as file:
        sound = file.add_stream("aac", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.float32), "fltp", "mono")
        frame.sample_rate = 48_000
        file.mux(sound.encode(frame))
        file.mux(sound.encode(None))
    with pytest.raises(FileFailure, match="no moving picture") as caught:
        decode(DecodeJob(str(path), Kind.VIDEO, (WANTED,)), Limits())
    assert caught.value.reason == Reason.DECODE


@pytest.mark.parametrize("with_film", [False, True])
def test_a_cover_is_no_film(tmp_path: Path, with_film: bool) -> None:
    from PIL import Image

    cover = tmp_path / "cover.jpg"
    Image.new("RGB", (600, 600), "navy").save(cover)
    path = str(tmp_path / "a.mp4")
    with av.open(path, "w") as file, av.open(str(cover)) as source:
        picture = file.add_stream_from_template(source.streams.video[0])
        picture.disposition = av.stream.Disposition.attached_pic
        pictures = file.add_stream("mpeg4", rate=25, width=64, height=64, pix_fmt="yuv420p")
        sound = file.add_stream("aac", rate=48_000, layout="mono")
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = picture
                file.mux(packet)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.float32), "fltp", "mono")
        frame.sample_rate = 48_000
        file.mux(sound.encode(frame))
        for index in range(25 if with_film else 0):
            file.mux(pictures.encode(av.VideoFrame.from_ndarray(numbered(index), "rgb24")))
        file.mux(pictures.encode(None))
    assert outcome(path) == ([[0, 5, 10, 15, 20]] if with_film else Reason.DECODE)


@pytest.mark.parametrize(
    ("name", "codec", "mark"),
    [("c.mp4", b"mp4v", b"encv"), ("c.mp4", b"mp4v", b"drmi"), ("a.webm", b"V_VP8", b"V_NEW")],
)
def test_what_this_installation_cannot_decode_is_unsupported(
    tmp_path: Path, name: str, codec: bytes, mark: bytes
) -> None:
    path = tmp_path / name
    film(path, 1, **FORMATS[name])
    content = path.read_bytes()
    assert codec in content
    assert outcome(saved(path, content.replace(codec, mark))) == Reason.UNSUPPORTED


def decoded(folder: str) -> dict[str, Any]:
    """The shape of the clips of each video of a shared folder, or the reason why it gives none."""
    if not SHARED.exists():
        pytest.skip("../shared is not here")
    wanted = view(8, 16, 5, size=172)
    paths = sorted(path for path in (SHARED / folder).iterdir() if kind_of(path.name) == Kind.VIDEO)
    results: dict[str, Any] = {}
    with Sandbox(2, timeout=SECONDS) as sandbox:
        futures = {path.name: sandbox.submit(DecodeJob(str(path), Kind.VIDEO, (wanted,))) for path in paths}
        for name, future in futures.items():
            error = future.exception(2 * SECONDS)
            if isinstance(error, FileFailure):
                results[name] = error.reason
            else:
                results[name] = future.result().arrays[wanted].shape[:2]
    assert results
    return results


@pytest.mark.shared
def test_clips_of_people_are_seen() -> None:
    results = decoded("video")
    assert results.pop("carving_ice.mp4") == (1, 16)
    assert all(clips == 1 and 4 <= frames <= 16 for clips, frames in results.values()), results


@pytest.mark.shared
def test_hostile_video_is_seen_or_an_error() -> None:
    for name, result in decoded("hostile").items():
        assert isinstance(result, tuple) or result in ORDINARY, name
        if "trunc0" in name or "trunc1." in name or "trunc16." in name:
            assert result == Reason.DECODE, name
        if "trunc99pc" in name:
            assert isinstance(result, tuple), name
