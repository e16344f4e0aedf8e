"""Sessions that note how long models run in them."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from recognize_cli.protocols import Session


class Meter:
    """Adds up the seconds that runs of models take, in whichever threads; see `opener`.

    ``wall`` are those of the clock. ``cpu`` are those of this whole process meanwhile, so they mean something
    only where nothing else runs in it.
    """

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0
        self._lock = threading.Lock()

    def opener(self, open_: Callable[[Path], Session]) -> Callable[[Path], Session]:
        """The same way to open a model, with a meter in it."""
        return lambda graph: _Metered(open_(graph), self)

    def add(self, wall: float, cpu: float) -> None:
        """Counts one run."""
        with self._lock:
            self.wall += wall
            self.cpu += cpu

    def reset(self) -> None:
        """Begins again."""
        with self._lock:
            self.wall = self.cpu = 0.0


class _Metered:
    def __init__(self, session: Session, meter: Meter) -> None:
        self._session = session
        self._meter = meter

    @property
    def inputs(self) -> Sequence[str]:
        return self._session.inputs

    @property
    def outputs(self) -> Sequence[str]:
        return self._session.outputs

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            return self._session.run(feeds)
        finally:
            self._meter.add(time.perf_counter() - wall, time.process_time() - cpu)

    def close(self) -> None:
        self._session.close()
