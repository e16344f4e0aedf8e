"""Time, and how often to take it."""

from __future__ import annotations

import time
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

REPETITIONS = 3
"""How often everything is measured at least."""


def repeated(work: Callable[[], float], seconds: float) -> float:
    """The median of what ``work`` gives, done for so long, and at least `REPETITIONS` times."""
    end = time.perf_counter() + seconds
    found: list[float] = []
    while len(found) < REPETITIONS or time.perf_counter() < end:
        found.append(work())
    return median(found)


def cpu_seconds() -> float:
    """CPU seconds of this process so far, and of its children: some engines run models in one."""
    children = 0.0
    for child in psutil.Process().children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.Error:
            continue
        children += times.user + times.system
    return time.process_time() + children


def rates(moments: Sequence[float], *, skip: int, least: int) -> list[float]:
    """How many a second came, in each of `REPETITIONS` windows of equal number, after the first ``skip``.

    ``moments`` are in order. A window holds no fewer than ``least``, for they come several at once; with too
    few of them there are fewer windows, down to one that holds all, and none where all came at once.
    """
    kept = moments[min(skip, max(0, len(moments) - 1 - least)) :]
    intervals = len(kept) - 1
    windows = max(1, min(REPETITIONS, intervals // least))
    edges = [max(0, intervals) * index // windows for index in range(windows + 1)]
    spans = [(end - start, kept[end] - kept[start]) for start, end in pairwise(edges) if end > start]
    return [count / seconds for count, seconds in spans if seconds > 0]


class Load:
    """How busy the machine was with other things since it was made."""

    def __init__(self) -> None:
        self._wall, self._own, self._busy = time.perf_counter(), cpu_seconds(), _busy_seconds()

    def others(self) -> float:
        """The share of all its CPUs, from 0 to 1, that went to other processes than this and its children."""
        own, busy = cpu_seconds() - self._own, _busy_seconds() - self._busy
        whole = (time.perf_counter() - self._wall) * (psutil.cpu_count() or 1)
        return min(1.0, max(0.0, (busy - own) / whole))


def _busy_seconds() -> float:
    """CPU seconds that the machine worked since it started."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    return float(sum(times[:8]) - idle)  # what follows on Linux, the guests, is within those


def floor(cores: int, decoding: float, model: float) -> float:
    """Items a second that no scan exceeds, for these CPU seconds an item."""
    return cores / (decoding + model)
