"""How much memory a run takes at its peak."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

import psutil

if TYPE_CHECKING:
    from types import TracebackType

_EVERY_SECONDS = 0.05


class PeakMemory:
    """Watches this process and its children as long as its context lasts.

    ``own`` and ``children`` are the most bytes that this process, and all its children together, held at a
    time; pages that several share count once where the system can tell. To watch takes some CPU time, so
    nothing else should be measured meanwhile.
    """

    def __init__(self) -> None:
        self.own = self.children = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        process = psutil.Process()
        while True:
            self.own = max(self.own, _held(process))
            self.children = max(self.children, sum(map(_held, process.children(recursive=True))))
            if self._ended.wait(_EVERY_SECONDS):
                return


def _held(process: psutil.Process) -> int:
    """Bytes; 0 for a process that is gone."""
    try:
        memory = process.memory_full_info()
        return int(getattr(memory, "pss", memory.uss))
    except psutil.AccessDenied:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
