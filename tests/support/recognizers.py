"""Recognizers whose answer can be told from the pixels."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from recognize_cli.errors import EngineError
from recognize_cli.records import ClassScore, Kind, Scores, View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recognize_cli.records import Batch

UNLUCKY = 13


class Shades:
    """Gives one class, named after the value of the first pixel; fails on `UNLUCKY`; notes what it saw."""

    kinds = frozenset({Kind.IMAGE})
    view = View(8, None, "bilinear")

    def __init__(self, name: str = "shades", *, fingerprint: str = "shades-1", loadable: bool = True) -> None:
        self.name = name
        self.fingerprint = fingerprint
        self.batches: list[int] = []
        self.seen: list[str] = []
        self.loads = 0
        self._loadable = loadable
        self._lock = threading.Lock()

    def load(self) -> None:
        if not self._loadable:
            raise EngineError(engine="made", problem="it cannot be loaded")
        self.loads += 1

    def run(self, batch: Batch) -> Sequence[Scores]:
        with self._lock:
            self.batches.append(len(batch.inputs))
            self.seen.extend(each.file.path for each in batch.inputs)
        shades = [int(each.pixels[0, 0, 0]) for each in batch.inputs]
        if UNLUCKY in shades:
            raise EngineError(engine="made", problem="unlucky")
        return [
            Scores(each.file, self.name, self.fingerprint, (ClassScore(f"shade {shade}", 0.5),))
            for each, shade in zip(batch.inputs, shades, strict=True)
        ]

    def close(self) -> None: ...
