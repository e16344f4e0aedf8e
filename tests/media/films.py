"""Films for tests: each frame bears its number, so that it can be told which ones came."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from recognize_cli.records import Clips, View

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

RATE = 25
"""Frames a second of films."""

CELLS = 4
"""Cells in a row and in a column; each is a bit of the number."""

SIZE = 64
"""Pixels of the square in the middle that bears the number."""


def numbered(number: int, width: int = SIZE, height: int = SIZE) -> NDArray[np.uint8]:
    """A grey frame with a number in its middle: black and white cells, the lowest bit at the top left."""
    bits = np.array([number >> bit & 1 for bit in range(CELLS**2)], np.uint8).reshape(CELLS, CELLS)
    side = min(width, height)
    square = np.kron(bits * 255, np.ones((side // CELLS, side // CELLS), np.uint8))
    frame = np.full((height, width), 128, np.uint8)
    top, left = (height - len(square)) // 2, (width - len(square)) // 2
    frame[top : top + len(square), left : left + len(square)] = square
    return np.repeat(frame[..., None], 3, axis=2)


def number(square: NDArray[Any]) -> int:
    """The number of a frame that shows the middle of a `numbered` one."""
    side = len(square) // CELLS
    centres = square[side // 2 :: side, side // 2 :: side].mean(axis=-1)[:CELLS, :CELLS] > 128
    return sum(int(bit) << index for index, bit in enumerate(centres.ravel()))


def numbers(clips: NDArray[Any]) -> list[list[int]]:
    """The numbers of all frames of all clips."""
    return [[number(frame) for frame in clip] for clip in clips]


def view(count: int, length: int, rate: float, size: int = 32) -> View:
    """A view that shows the middle of a film."""
    return View(size, size, "bilinear", Clips(count, length, rate))


def quadrants(width: int, height: int) -> NDArray[np.uint8]:
    """A frame that is red and green above, blue and white below."""
    frame = np.zeros((height, width, 3), np.uint8)
    frame[: height // 2, : width // 2] = 255, 0, 0
    frame[: height // 2, width // 2 :] = 0, 255, 0
    frame[height // 2 :, : width // 2] = 0, 0, 255
    frame[height // 2 :, width // 2 :] = 255
    return frame


def written(
    path: Path,
    frames: Iterable[NDArray[np.uint8] | av.VideoFrame],
    codec: str = "libx264",
    *,
    rate: int = RATE,
    gop: int = 10,
    container: str | None = None,
    pixels: str = "yuv420p",
    times: Iterable[float] | None = None,
    first: float = 0.0,
    aspect: Fraction | None = None,
    turn: tuple[float, bool, bool] | None = None,
    encoder: dict[str, str] | None = None,
    muxer: dict[str, str] | None = None,
) -> str:
    """The path of a film.

    ``times`` are those of the frames in seconds, ``first`` is added to all; ``aspect`` is that of a pixel;
    ``turn`` are degrees counter-clockwise, and whether it is mirrored across and along. ``encoder`` and
    ``muxer`` are options of FFmpeg's.
    """
    moments = None if times is None else iter(times)
    with av.open(str(path), "w", format=container, options=muxer or {}) as file:
        stream: Any = None
        for index, frame in enumerate(frames):
            if not isinstance(frame, av.VideoFrame):
                frame = av.VideoFrame.from_ndarray(frame, "rgb24").reformat(format=pixels)
            if stream is None:
                stream = file.add_stream(codec, rate=rate, options=encoder or {})
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, pixels
                stream.codec_context.gop_size = gop
                stream.codec_context.thread_count = 1
                if codec != "rawvideo":
                    stream.codec_context.time_base = Fraction(1, 1000 if moments else rate)
                if aspect:
                    stream.codec_context.sample_aspect_ratio = aspect
                if turn:
                    stream.set_display_rotation(*turn)
            step = 1000 if moments else rate
            frame.time_base = Fraction(1, step)
            frame.pts = round(((next(moments) if moments else index / rate) + first) * step)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return str(path)


def film(path: Path, seconds: float, codec: str = "libx264", **options: Any) -> str:
    """The path of a film of `numbered` frames."""
    rate = options.get("rate", RATE)
    size = options.pop("width", SIZE), options.pop("height", SIZE)
    return written(path, (numbered(index, *size) for index in range(round(seconds * rate))), codec, **options)


FORMATS: dict[str, dict[str, Any]] = {
    "a.mp4": {"codec": "libx264"},
    "b.mp4": {"codec": "libx265", "encoder": {"preset": "ultrafast", "x265-params": "log-level=none"}},
    "c.mp4": {"codec": "mpeg4"},
    "fragments.mp4": {"codec": "libx264", "muxer": {"movflags": "frag_keyframe+empty_moov"}},
    "a.mov": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "b.mov": {"codec": "prores_ks", "pixels": "yuv422p10le"},
    "c.mov": {"codec": "qtrle", "pixels": "rgb24"},
    "a.3gp": {"codec": "h263", "width": 128, "height": 96},
    "a.mkv": {"codec": "libx264", "encoder": {"preset": "veryslow", "bf": "3"}},
    "b.mkv": {"codec": "ffv1"},
    "c.mkv": {"codec": "mpeg2video"},
    "a.webm": {"codec": "libvpx", "encoder": {"deadline": "realtime", "cpu-used": "8"}},
    "b.webm": {"codec": "libvpx-vp9", "encoder": {"deadline": "realtime", "cpu-used": "8"}},
    "a.avi": {"codec": "mpeg4", "encoder": {"bf": "2"}},
    "b.avi": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "c.avi": {"codec": "rawvideo", "pixels": "bgr24"},
    "a.mpg": {"codec": "mpeg2video", "encoder": {"bf": "2"}},
    "b.mpg": {"codec": "mpeg1video"},
    "a.ts": {"codec": "libx264"},
    "b.ts": {"codec": "mpeg2video"},
    "a.ogv": {"codec": "libvpx", "container": "ogg", "encoder": {"deadline": "realtime", "cpu-used": "8"}},
    "a.flv": {"codec": "flv"},
    "b.flv": {"codec": "libx264"},
    "a.wmv": {"codec": "wmv2", "container": "asf"},
    "a.rm": {"codec": "rv20", "width": 128, "height": 96},
    "a.mxf": {"codec": "mpeg2video"},
    "a.nut": {"codec": "mpeg4"},
    "a.ivf": {"codec": "libvpx", "encoder": {"deadline": "realtime", "cpu-used": "8"}},
    "a.y4m": {"codec": "wrapped_avframe", "container": "yuv4mpegpipe"},
    "a.h264": {"codec": "libx264", "container": "h264"},
    "a.hevc": {
        "codec": "libx265",
        "container": "hevc",
        "encoder": {"preset": "ultrafast", "x265-params": "log-level=none"},
    },
    "a.m2v": {"codec": "mpeg2video", "container": "mpeg2video"},
    "a.m4v": {"codec": "mpeg4", "container": "m4v"},
    "a.mjpeg": {"codec": "mjpeg", "pixels": "yuvj420p", "container": "mjpeg"},
}
"""A film in each format, as `film` is told to make it."""
