"""Animated pictures (GIF, WebP, APNG) to the clips that models want to see, by Pillow."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from recognize_cli.media import pixels
from recognize_cli.media.exif import PARSE_ERRORS
from recognize_cli.media.jobs import Raw
from recognize_cli.media.moments import starts
from recognize_cli.media.views import render

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from PIL import Image

    from recognize_cli.records import View

_FORMATS = frozenset(("GIF", "PNG", "WEBP"))
_HURRIED, _USUAL = 0.01, 0.1
"""A frame of at most so many seconds is shown for so many, as browsers do."""
_NEARLY = 1e-6  # seconds
_MAX_FRAMES = 2000
_MAX_PIXELS = 1_000_000_000
_MAX_BYTES = 64 << 20
_AMPLE = 2  # times the pixels of a view are left to its own filter


def clips(image: Image.Image, views: Sequence[View], deadline: float) -> Mapping[View | None, Raw]:
    """What views with clips show of an animation: uint8 [clips, frames, size, size, 3] RGB, as of a video.

    Nothing for a picture that stands still. Frames can only be had one after the other, so of a very long
    animation its beginning stands for the whole: what comes before the 2000th frame, the 1 000 000 000th
    pixel that is decoded, 64 MiB of what the views show, and ``deadline`` (of `time.monotonic`). Of a damaged
    one the frames before the damage are taken. What is transparent becomes white.
    """
    if not _moves(image):
        return {}
    shown: dict[View, list[bytes]] = {view: [] for view in views}
    ends: list[float] = []
    for frame, seconds in _frames(image, views, deadline):
        ends.append(seconds + (ends[-1] if ends else 0))
        for view, squares in shown.items():
            _show(frame, view, squares, ends[-1] - _NEARLY)
        if sum(len(squares) * view.size**2 * 3 for view, squares in shown.items()) > _MAX_BYTES:
            break
    return {view: _cut(view, squares, ends[-1]) for view, squares in shown.items()} if len(ends) > 1 else {}


def _moves(image: Image.Image) -> bool:
    """Whether it is animated; what is damaged so early that this cannot be told stands still."""
    try:
        return image.format in _FORMATS and bool(getattr(image, "is_animated", False))
    except PARSE_ERRORS:
        return False


def _frames(
    image: Image.Image, views: Sequence[View], deadline: float
) -> Iterator[tuple[Image.Image, float]]:
    """The frames, each with the seconds for which it is shown, upright and not much larger than needed."""
    side = _AMPLE * max(max(view.min_side, view.size) for view in views)
    max_side = -(-side * max(image.size) // min(image.size))
    first = 1 if image.info.get("default_image") else 0  # a picture for those who know no APNG
    last = min(
        getattr(image, "n_frames", 1), _MAX_FRAMES, max(1, _MAX_PIXELS // (image.width * image.height))
    )
    for index in range(first, last):
        try:
            image.seek(index)
            image.load()
            frame = pixels.upright_rgb(image, max_side)
            seconds = float(image.info.get("duration", 0)) / 1000
        except PARSE_ERRORS:  # the end is one of them
            if index == first:
                raise
            return
        yield frame, seconds if _HURRIED < seconds < float("inf") else _USUAL
        if time.monotonic() > deadline:
            return


def _show(frame: Image.Image, view: View, squares: list[bytes], end: float) -> None:
    """Adds what a view shows of a frame at each of its moments before ``end``."""
    if view.clips is None or len(squares) / view.clips.rate >= end:
        return
    square = render(frame, view).tobytes()
    while len(squares) / view.clips.rate < end and len(squares) * len(square) <= _MAX_BYTES:
        squares.append(square)


def _cut(view: View, squares: list[bytes], length: float) -> Raw:
    """The clips out of all moments of an animation."""
    assert view.clips is not None
    frames = min(view.clips.length, len(squares))
    begins = [
        min(round(start * view.clips.rate), len(squares) - frames) for start in starts(length, view.clips)
    ]
    content = b"".join(square for begin in begins for square in squares[begin : begin + frames])
    return Raw(content, (len(begins), frames, view.size, view.size, 3))
