"""What a scan may take of this machine: how many processes and threads, and how they share its memory.

What things cost was measured, see docs/performance.md; the figures here are rounded up.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from recognize_cli.errors import ConfigError
from recognize_cli.media.jobs import Limits
from recognize_cli.recognizers.objects import STILLS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from recognize_cli.cli.scan_options import ScanOptions
    from recognize_cli.hardware import Hardware
    from recognize_cli.models.entries import ModelEntry

_LOG = logging.getLogger(__name__)

_WATCH_SECONDS = 0.02
"""To look costs some 15 µs, which a tree of known files would pay for each of them."""

LOOK_AHEAD: Final = 4
"""Files decoded or being decoded for each decoding process: enough that neither decoders nor models wait."""
_LEAST_AHEAD: Final = 2

_MIB: Final = 1 << 20
_PROGRAM: Final = 112 * _MIB
"""The program with ONNX Runtime and the catalogue, and no model."""
_MODEL: Final = 3
"""What a loaded model takes for each byte of its files."""
_TENSORFLOW: Final = 1024 * _MIB
_IN_A_MODEL: Final = 24 * _MIB
"""What passes between the layers of a model, for each photo that is in it; kept for the next one."""
_IN_HAND: Final = 5 * _MIB
"""A decoded photo, or as much of another file."""
_ROOMY: Final = 160 * _MIB
"""What a decoder should be able to hold: enough for videos, for all but the largest photos, and for sound."""
_LEAST_DECODER: Final = 64 * _MIB
_STEP: Final = 16 * _MIB
_SHARE_OF_MACHINE: Final = 0.9
_USABLE: Final = 0.95
"""Of the limit, that is planned for; the rest is for what is taken before anybody looks."""


@dataclass(frozen=True, slots=True)
class Budget:
    """So many decode workers, threads of models and photos in a batch, within so many bytes.

    ``ahead`` is how many files are in hand for each worker; ``max_resident`` what each of them may hold,
    None for as much as the limits of the sandbox allow.
    """

    limit: int
    jobs: int
    threads: int
    batch_size: int
    ahead: int = LOOK_AHEAD
    max_resident: int | None = None

    @property
    def look_ahead(self) -> int:
        """Files in hand, counted in photos."""
        return self.ahead * self.jobs + self.batch_size

    def decoder(self, models: Mapping[str, ModelEntry]) -> int:
        """What is left for each decode worker."""
        return (int(self.limit * _USABLE) - self.program(models)) // self.jobs

    def program(self, models: Mapping[str, ModelEntry]) -> int:
        """What the program takes at most with these models, by recognizers, all loaded and at work."""
        entries = {each.name: each for each in models.values()}.values()
        held = sum(
            _MODEL * each.download_size + (_TENSORFLOW if each.format == "saved-model" else 0)
            for each in entries
        )
        # What a model took for a batch it keeps for the next one.
        photos = {each.name: 0 for each in entries}
        for name, each in models.items():
            photos[each.name] = max(photos[each.name], _PHOTOS.get(name, self.batch_size))
        passing = self.threads * sum(photos.values()) * _IN_A_MODEL
        return _PROGRAM + held + passing + self.look_ahead * _IN_HAND

    def smaller(self) -> Budget | None:
        """One that takes less, what is slower the least first; None where nothing can be spared."""
        if self.batch_size > 1:
            return replace(self, batch_size=self.batch_size // 2)
        if self.ahead > _LEAST_AHEAD:
            return replace(self, ahead=self.ahead - 1)
        if self.jobs > 1 and self.jobs >= self.threads:
            return replace(self, jobs=self.jobs - 1)
        return replace(self, threads=self.threads - 1) if self.threads > 1 else None


_PHOTOS: Final = {"music": 5, "actions": 6, "video_objects": STILLS.count}
"""What a batch of other files takes in a model, in photos: each of them is a batch of its own."""


def plan(options: ScanOptions, hardware: Hardware, models: Mapping[str, ModelEntry]) -> Budget:
    """The largest budget that keeps to ``--max-memory``, or to most of what this machine or container has.

    ``models`` are those that may be loaded, by their recognizers. Raises ConfigError where the option
    gives too little; a machine that has too little is tried all the same.
    """
    limit = options.max_memory or int(hardware.memory * _SHARE_OF_MACHINE)
    budget = Budget(
        limit, options.jobs or hardware.cores, options.threads or hardware.cores, options.batch_size
    )
    while budget.decoder(models) < _ROOMY and (smaller := budget.smaller()):
        budget = smaller
    share = budget.decoder(models)
    if share < _LEAST_DECODER:
        _refuse(budget, models, given=options.max_memory is not None)
    _LOG.debug("memory: %d MiB for %d decoders, %d threads", limit // _MIB, budget.jobs, budget.threads)
    if share >= Limits.memory_limit:
        return budget
    return replace(budget, max_resident=max(share // _STEP * _STEP, _LEAST_DECODER))


def _refuse(budget: Budget, models: Mapping[str, ModelEntry], *, given: bool) -> None:
    need = (budget.program(models) + _LEAST_DECODER) / _USABLE
    problem = (
        f"{budget.limit // _MIB} MiB may not do: with the models of {', '.join(models) or 'nobody'} a scan"
        f" takes up to {int(need) // _MIB + 1} MiB; look for less with -r"
    )
    if given:
        raise ConfigError(where="--max-memory", problem=problem)
    _LOG.warning("memory: %s", problem)


def watch(limit: int, decoders: Callable[[], int], *, every: float = _WATCH_SECONDS) -> Callable[[], bool]:
    """Says whether the program and its ``decoders``, which hold so many bytes, come near a limit.

    It looks again after ``every`` seconds at the earliest.
    """
    import psutil

    process = psutil.Process()
    told = False
    due, latest = 0.0, False

    def short() -> bool:
        nonlocal due, latest
        now = time.monotonic()
        if now >= due:
            due, latest = now + every, look()
        return latest

    def look() -> bool:
        nonlocal told
        if process.memory_info().rss + decoders() <= limit * _USABLE:
            return False
        if not told:
            told = True
            _LOG.info("memory: near the limit of %d MiB; one file at a time", limit // _MIB)
        return True

    return short
