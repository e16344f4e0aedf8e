"""Audio and video that point elsewhere, and names that read like addresses: nothing else is opened."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from recognize_cli.errors import FileFailure
from recognize_cli.media.audio import decode_audio
from recognize_cli.media.jobs import DecodeJob, Limits
from recognize_cli.media.video import decode
from recognize_cli.records import Kind, Reason
from tests.media.films import film, view
from tests.media.sounds import tone, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Medium:
    """How a file is made that gives one piece when it is read, how it is read, and its suffix.

    ``rtp`` is the line of a session (RFC 4566) that offers such a medium.
    """

    make: Callable[[Path], str]
    read: Callable[[str], int]
    suffix: str
    rtp: str
    mime: str


def seen(path: str) -> int:
    """How many clips a film gives."""
    wanted = view(3, 5, 5)
    return decode(DecodeJob(path, Kind.VIDEO, (wanted,)), Limits()).arrays[wanted].shape[0]


AUDIO = Medium(
    make=lambda path: written(path, tone(4), codec="libmp3lame"),
    read=lambda path: len(decode_audio(path)),
    suffix="mp3",
    rtp="m=audio {port} RTP/AVP 0",
    mime="audio/mp4",
)
VIDEO = Medium(
    make=lambda path: film(path, 0.04),
    read=seen,
    suffix="mp4",
    rtp="m=video {port} RTP/AVP 32",
    mime="video/mp4",
)
REFERENCES = {
    "playlist": "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-VERSION:3\n#EXTINF:4,\n{url}\n#EXT-X-ENDLIST\n",
    "plain playlist": "#EXTM3U\n{url}\n",
    "concatenation": "ffconcat version 1.0\nfile '{url}'\n",
    "session": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n{rtp}\n",
    "redirection": "[Reference]\nRef1={url}\n",
    "manifest": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"'
    ' mediaPresentationDuration="PT4S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period>'
    '<AdaptationSet mimeType="{mime}"><Representation id="1" bandwidth="1"><BaseURL>{url}</BaseURL>'
    "</Representation></AdaptationSet></Period></MPD>",
}


@pytest.fixture(params=[AUDIO, VIDEO], ids=["audio", "video"])
def medium(request: pytest.FixtureRequest) -> Medium:
    medium: Medium = request.param
    return medium


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server that nobody is to call."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def refused(medium: Medium, path: str | Path) -> Reason:
    """Why a file gives nothing."""
    with pytest.raises(FileFailure) as caught:
        medium.read(str(path))
    return caught.value.reason


@pytest.mark.parametrize("is_named_so", [True, False])
@pytest.mark.parametrize("is_remote", [True, False])
@pytest.mark.parametrize("name", REFERENCES)
def test_a_file_that_points_elsewhere_opens_nothing(
    tmp_path: Path,
    listener: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    medium: Medium,
    name: str,
    is_remote: bool,
    is_named_so: bool,
) -> None:
    other = f"other.{medium.suffix}"
    medium.make(tmp_path / other)
    monkeypatch.chdir(tmp_path)
    port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}/{other}" if is_remote else other
    path = tmp_path / ("a.m3u8" if is_named_so else f"a.{medium.suffix}")
    path.write_text(REFERENCES[name].format(url=url, rtp=medium.rtp.format(port=port), mime=medium.mime))
    assert refused(medium, path) == Reason.DECODE
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.parametrize(
    "name", ["concat:other.{0}", "file:other.{0}", "data:,x", "pipe:0", "-", "a%03d.{0}"]
)
def test_a_name_is_a_name_and_no_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, medium: Medium, name: str
) -> None:
    name = name.format(medium.suffix)
    medium.make(tmp_path / f"other.{medium.suffix}")
    monkeypatch.chdir(tmp_path)
    assert refused(medium, name) == Reason.IO
    os.rename(medium.make(tmp_path / f"same.{medium.suffix}"), name)
    assert medium.read(name) == 1


def test_what_is_no_file_cannot_be_read(tmp_path: Path, medium: Medium) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    assert refused(medium, tmp_path / "pipe.mp4") == Reason.IO
    assert refused(medium, tmp_path) == Reason.IO
    assert refused(medium, tmp_path / "absent.mp4") == Reason.IO
