"""All figures of one recognizer, with one model in one engine."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from recognize_cli.benching import clock, parts
from recognize_cli.benching.memory import PeakMemory
from recognize_cli.benching.meter import Meter
from recognize_cli.benching.whole import pace
from recognize_cli.stages.items import Job

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from recognize_cli.benching.material import Material
    from recognize_cli.benching.whole import Pace, Settings
    from recognize_cli.media.sandbox import Sandbox
    from recognize_cli.protocols import Recognizer
    from recognize_cli.records import Kind, MediaFile, Scores, Tag

_SHARE = {"decoding": 0.15, "alone": 0.15, "together": 0.2, "scan": 0.4, "memory": 0.1}
"""How the seconds are spent."""

_KEPT = 12
"""Decoded files that models are measured with."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What all measurements of a run have in common.

    ``seconds`` are those for each recognizer, roughly; ``cores`` those that this process may use.
    """

    material: Material
    sandbox: Sandbox
    apply: Callable[[Scores], tuple[Tag, ...]]
    settings: Settings
    cores: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured. Costs are CPU seconds an item on one thread, rates items a second on all cores.

    ``preparation`` is None where the engine does not tell it from the model. ``floor`` is the rate that no
    scan exceeds. Of ``files`` that were tried, ``failed`` could not be decoded. Memory is in bytes.
    """

    kind: Kind
    files: int
    failed: int
    load: float
    decoding: float
    preparation: float | None
    model: float
    model_rate: float
    floor: float
    scan: Pace
    memory: int
    decoders_memory: int

    @property
    def cpu(self) -> float:
        """CPU seconds an item of the recognizer, without decoding."""
        return self.model + (self.preparation or 0.0)

    @property
    def scan_rate(self) -> float:
        """Items a second of a whole scan."""
        return median(self.scan.rates)

    @property
    def ratio(self) -> float:
        """How near the scan comes to its floor."""
        return self.scan_rate / self.floor


class NothingToMeasure(Exception):
    """No file can be decoded to what a recognizer reads; the message says so."""


def measure(build: Callable[[Meter], Recognizer], bench: Bench) -> Figures:
    """Measures the recognizer that ``build`` makes, whose models are opened with that meter in them.

    Raises NothingToMeasure, and ModelError or EngineError where it cannot work.
    """
    meter = Meter()
    recognizer = build(meter)
    try:
        return _measured(recognizer, meter, bench)
    finally:
        recognizer.close()


def _measured(recognizer: Recognizer, meter: Meter, bench: Bench) -> Figures:
    [kind] = recognizer.kinds
    seconds = {part: share * bench.seconds for part, share in _SHARE.items()}
    settings, tried = bench.settings, bench.material.files.get(kind, ())
    files, decoded = parts.readable(bench.material, tried, recognizer, bench.sandbox, _KEPT)
    if not files:
        raise NothingToMeasure(f"no {kind} that can be decoded")
    size = -(-settings.batch_size // Job(files[0], ()).weight)
    batches = parts.in_batches(recognizer.name, decoded, size)
    load = _load(recognizer)
    alone = parts.alone(recognizer, batches, meter, seconds["alone"])
    model_rate = parts.together(recognizer, batches, meter, settings.threads, seconds["together"])
    del batches, decoded  # a scan would not have them in memory
    decoding = parts.decoding(bench.material, files, recognizer, bench.sandbox, seconds["decoding"])
    scan = _scan(recognizer, files, bench, seconds["scan"])
    with PeakMemory() as memory:
        _scan(recognizer, files, bench, seconds["memory"])
    return Figures(
        kind=kind,
        files=len(tried),
        failed=len(tried) - len(files),
        load=load,
        decoding=decoding,
        preparation=alone.preparation,
        model=alone.model,
        model_rate=model_rate,
        floor=clock.floor(bench.cores, decoding, alone.model),
        scan=scan,
        memory=memory.own,
        decoders_memory=memory.children,
    )


def _load(recognizer: Recognizer) -> float:
    """Seconds to check and load a model whose files the system has in memory, as its engine is."""
    recognizer.load()
    recognizer.close()
    started = time.perf_counter()
    recognizer.load()
    return time.perf_counter() - started


def _scan(recognizer: Recognizer, files: Sequence[MediaFile], bench: Bench, seconds: float) -> Pace:
    return pace(bench.material, files, recognizer, bench.sandbox, bench.apply, bench.settings, seconds)
