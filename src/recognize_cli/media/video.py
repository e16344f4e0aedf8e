"""Video files to the clips that models want to see, by PyAV.

The format is found by content and not by name. A picture of the cover is no video.

A film of two hours costs what its clips cost: between them it is jumped over, to a key frame. So that
nothing is decoded only to be passed over, a clip begins at the key frame before its planned place, if that
lies behind the clip before it. Frames that no other needs are left out where views take every third at most.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from recognize_cli.errors import FileFailure
from recognize_cli.media.container import failures
from recognize_cli.media.filming import Film, film, planned
from recognize_cli.media.footage import Footage
from recognize_cli.media.jobs import Content, Raw
from recognize_cli.media.opening import opened
from recognize_cli.media.projection import Projector
from recognize_cli.records import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from recognize_cli.media.jobs import DecodeJob, Limits
    from recognize_cli.records import View

_SHARE_OF_TIME = 0.6  # of the limit; then what was seen so far must do
_FRAMES_A_STEP = 3  # from one moment of a clip to the next, from which on some may be left out


def decode(job: DecodeJob, limits: Limits) -> Content:
    """The `jobs.Decoder` of video: uint8 [clips, frames, size, size, 3] RGB, upright, for each view.

    Clips are spread as `moments.starts` says. All of them have the frames that the view wants; only where
    there is no such clip a shorter one comes, by itself. A moment shows the frame that a player would show.

    The length that a file states is believed until the pictures contradict; then it is measured.
    Where the time does not suffice for all clips, as with 4K on a slow machine, fewer come.

    A damaged or cut-off file gives what players show of it. It is an error where more of it is damaged
    than not, or where nothing is left.

    Raises FileFailure: IO, DECODE, UNSUPPORTED, TOO_LARGE (before any frame is decoded), MEMORY, TIMEOUT.
    """
    deadline = time.monotonic() + limits.timeout * _SHARE_OF_TIME
    views = [view for view in dict.fromkeys(job.views) if view is not None and view.clips is not None]
    if not views:
        return Content({})
    with failures("video"), opened(job.path) as file:
        source = _Source(file, limits.max_pixels, deadline)
        best = _filmed(source, views)
    return Content({view: _array(view, best) for view in views})


@dataclass(frozen=True)
class _Source:
    """A file that can be gone through several times."""

    file: BinaryIO
    max_pixels: int
    deadline: float

    def footage(self, *, seekable: bool = True) -> AbstractContextManager[Footage]:
        """All of it, from the start."""
        self.file.seek(0)
        return Footage.of(self.file, self.max_pixels, self.deadline, seekable=seekable)


def _filmed(source: _Source, views: Sequence[View]) -> Film:
    """The clips of all views, some of them maybe unfinished or without any frame."""
    best = Film(())
    for length in _lengths(source):
        made = _once(source, views, length, seekable=True)
        if made.refused:
            made = _once(source, views, length, seekable=False)
        best = max(made, best, key=lambda each: each.frames)
        if made.late or made.fits(length):
            break
    return best


def _once(source: _Source, views: Sequence[View], length: float, *, seekable: bool) -> Film:
    """The clips that the views want of something so long."""
    with source.footage(seekable=seekable) as footage:
        step = min(1 / view.clips.rate for view in views if view.clips)
        if step >= _FRAMES_A_STEP * footage.frame_seconds:
            footage.skip_unreferenced()
        made = film(footage, planned(length, views), Projector(views, footage.aspect), source.deadline)
        if made.ended or made.late or not footage.goes_beyond(length):
            return made
        return replace(made, end=math.inf)


def _lengths(source: _Source) -> Iterator[float]:
    """How long the video may be, in seconds, the likeliest first; with the last its beginning must do."""
    with source.footage() as footage:
        stated = footage.stated
    if stated is not None:
        yield stated
    with source.footage() as footage:
        measured = footage.measured()
    yield measured
    yield 0.0


def _array(view: View, best: Film) -> Raw:
    """The clips of a view."""
    found = [take.squares for take in best.takes if take.view == view and take.squares]
    if best.damaged > best.shown:
        raise FileFailure(Reason.DECODE, "most of its pictures are damaged")
    if not found:
        if best.late:
            raise FileFailure(Reason.TIMEOUT, "there was no time to decode a single clip of it")
        raise FileFailure(Reason.DECODE, "there is no picture in it that can be decoded")
    longest = max(map(len, found))
    whole = [squares for squares in found if len(squares) == longest]
    if view.clips is not None and longest < view.clips.length:
        whole = whole[:1]
    pixels = b"".join(square for squares in whole for square in squares)
    return Raw(pixels, (len(whole), longest, view.size, view.size, 3))
