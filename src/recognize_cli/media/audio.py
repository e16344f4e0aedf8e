"""Audio files to three-second patches of mono sound at 16 kHz, by PyAV and soxr.

The format is found by content and not by name. A picture of the cover is no sound and left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recognize_cli.errors import FileFailure
from recognize_cli.media.container import failures
from recognize_cli.media.jobs import Content, Raw
from recognize_cli.media.opening import opened
from recognize_cli.media.track import RATE, Track
from recognize_cli.records import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from recognize_cli.media.jobs import DecodeJob, Limits

PATCH = 3 * RATE
"""Samples of a patch."""

_PATCHES = 5  # of a window
_WINDOWS = 8
_WINDOW = _PATCHES * PATCH / RATE  # seconds
_LONGEST = _WINDOWS * _WINDOW  # seconds that are listened to in full
_SLACK = 0.5  # seconds; the last window begins so much earlier, for lengths are inexact
_LONGEST_MUSIC = 1000 * 3600.0  # seconds; who states more errs, and seeking there would be in vain


def decode(job: DecodeJob, limits: Limits) -> Content:
    """The `jobs.Decoder` of audio. Its time and memory are bounded by what it samples."""
    patches = decode_audio(job.path)
    return Content({None: Raw(patches.astype("<f4", copy=False).tobytes(), patches.shape, "<f4")})


def decode_audio(path: str) -> NDArray[np.float32]:
    """Patches of an audio file, N×`PATCH`: mono, `RATE`, full scale at 1 and never beyond some 4.

    A file of up to two minutes is heard in full. Of a longer one come eight windows of 15 seconds,
    spread evenly from its start to its end, so that the work is the same for a song and for a book.
    Each patch lies within one window. What is left over behind the last whole patch is dropped; a file
    that is shorter than one patch gives one, filled up with silence.

    The length that a file states is believed until the sound contradicts; then it is measured.

    A damaged or cut-off file gives what players play of it: part of a song is that song still, as half
    of a picture is not that picture. It is an error where less than a patch is left, or where more
    packets are damaged than sound.

    Raises FileFailure: IO, DECODE, UNSUPPORTED, MEMORY.
    """
    with failures("audio"), opened(path) as file, Track.of(file) as track:
        windows = _windows(track)
        if track.damaged > track.sound:
            raise FileFailure(Reason.DECODE, "most of its sound is damaged")
        patches = np.concatenate([_cut(window) for window in windows])
        return patches if len(patches) else _padded(windows[0], damaged=track.damaged > 0)


def _windows(track: Track) -> list[NDArray[np.float32]]:
    """The sound that stands for the whole."""
    windows: list[NDArray[np.float32]] = []
    for length in _lengths(track):
        windows = [track.read(start, seconds) for start, seconds in _plan(length)]
        if _agrees(length, windows):
            break
    return windows


def _lengths(track: Track) -> Iterator[float]:
    """How long the track may be, in seconds, the likeliest first; with the last its beginning must do."""
    stated = track.stated
    if stated is not None and 0 < stated <= _LONGEST_MUSIC:
        yield stated
    yield track.measured()
    yield 0.0


def _plan(length: float) -> list[tuple[float, float]]:
    """Which windows to take of a track of some length: start and length of each, in seconds."""
    if length <= _LONGEST:
        return [(0.0, _LONGEST)]
    last = length - _WINDOW - _SLACK
    return [(last * index / (_WINDOWS - 1), _WINDOW) for index in range(_WINDOWS)]


def _agrees(length: float, windows: list[NDArray[np.float32]]) -> bool:
    """Whether what was read fits to the length for which it was planned."""
    if len(windows) == 1:
        return len(windows[0]) < _LONGEST * RATE or length > _LONGEST - _SLACK
    return all(len(window) >= PATCH for window in windows)


def _cut(window: NDArray[np.float32]) -> NDArray[np.float32]:
    """The whole patches of a window."""
    count = len(window) // PATCH
    return window[: count * PATCH].reshape(count, PATCH)


def _padded(sound: NDArray[np.float32], *, damaged: bool) -> NDArray[np.float32]:
    """The one patch of a sound that is too short for it."""
    if not len(sound):
        raise FileFailure(Reason.DECODE, "there is no sound in it that can be decoded")
    if damaged:
        raise FileFailure(Reason.DECODE, "it is cut off or damaged: less than 3 seconds of it are left")
    return np.pad(sound, (0, PATCH - len(sound)))[None]
