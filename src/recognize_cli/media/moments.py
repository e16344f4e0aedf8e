"""Which moments of something in motion stand for the whole."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recognize_cli.records import Clips

_NEARLY = 1e-6  # frames


def starts(length: float, clips: Clips) -> list[float]:
    """When the clips of something so long begin, all in seconds; at least one does.

    They are spread evenly, the first at the very start, the last up to the very end; a single one lies in
    the middle. There are as many as it has room for without showing a moment twice. One that does not even
    have room for one begins with it, and ends early.
    """
    frames = length * clips.rate
    if math.ceil(frames - _NEARLY) <= clips.length:
        return [0.0]
    count = min(clips.count, int((frames + _NEARLY) / clips.length))
    room = max(0.0, length - clips.length / clips.rate)
    return [room / 2] if count == 1 else [room * index / (count - 1) for index in range(count)]
