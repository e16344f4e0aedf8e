"""Time stamps made fit for use."""

from __future__ import annotations

GAP = 60.0
"""Seconds that may pass without a frame; a stamp that is farther off than that is a jump of the clock."""


class Clock:
    """Times that only go forward: what has none follows what was before, and jumps are smoothed away."""

    def __init__(self, start: float, step: float) -> None:
        """In seconds: the time of what comes first if that has none, and how long each usually lasts."""
        self._start = start
        self._step = step
        self._last: float | None = None
        self._offset = 0.0

    def read(self, stated: float | None) -> float:
        """The time of the next frame or packet, in the order in which they are shown."""
        if self._last is None:
            now = self._start if stated is None else max(stated, 0.0)
        else:
            now = self._last + self._step if stated is None else stated + self._offset
            if not 0 < now - self._last <= GAP:
                now = self._last + self._step
        if stated is not None:
            self._offset = now - stated
        self._last = now
        return now
