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
from recognize_cli.recognizers.objects import STILLS_AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    import psutil

    from recognize_cli.cli.scan_options import ScanOptions
    from recognize_cli.hardware import Hardware
    from recognize_cli.models.entries import ModelEntry

_LOG = logging.getLogger(__name__)

_WATCH_SECONDS = 0.02
"""To look costs some 15 µs, which a tree of known files would pay for each of them."""

_SEARCH_SECONDS = 0.5

LOOK_AHEAD: Final = 4
"""Files decoded or being decoded for each decoding process: enough that neither decoders nor models wait."""
_LEAST_AHEAD: Final = 2

_MIB: Final = 1 << 20
_PROGRAM: Final = 96 * _MIB
"""The program with ONNX Runtime and the catalogue, and no model."""
_MODEL: Final = 1.25
"""What a loaded model takes for each byte of its files."""
_LOADING: Final = 2
"""The same while it is loaded, besides. That is given back, and later may lie unused between what passes."""
_OPENVINO: Final = 2, 32 * _MIB
"""What a model takes in OpenVINO: for each byte of its files, and in any case."""
_TENSORFLOW: Final = 1024 * _MIB
"""What its process takes with a model."""
_IN_A_MODEL: Final = 24 * _MIB
"""What passes between the layers of a model, for each photo that is in it; kept for the next one. In ONNX
Runtime that is for whichever model comes next, and only those take it that run at a time."""
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
    None for as much as the limits of the sandbox allow. ``openvino`` are the recognizers whose models run in
    that.
    """

    limit: int
    jobs: int
    threads: int
    batch_size: int
    ahead: int = LOOK_AHEAD
    max_resident: int | None = None
    openvino: frozenset[str] = frozenset()

    @property
    def look_ahead(self) -> int:
        """Files in hand, counted in photos."""
        return self.ahead * self.jobs + self.batch_size

    def decoder(self, models: Mapping[str, ModelEntry]) -> int:
        """What is left for each decode worker."""
        return (int(self.limit * _USABLE) - self.program(models)) // self.jobs

    def program(self, models: Mapping[str, ModelEntry]) -> int:
        """What the program takes at most with these models, by recognizers, all loaded and at work."""
        apart = {each.name for name, each in models.items() if name in self.openvino}
        entries = {each.name: each for each in models.values()}.values()
        held = sum(_held(each, openvino=each.name in apart) for each in entries)
        loading = _LOADING * max((each.download_size for each in entries), default=0)
        photos: dict[str, int] = {}
        for name, each in models.items():
            photos[each.name] = max(photos.get(each.name, 0), _PHOTOS.get(name, self.batch_size))
        shared = max((count for name, count in photos.items() if name not in apart), default=0)
        passing = self.threads * (shared + sum(photos[name] for name in apart)) * _IN_A_MODEL
        return _PROGRAM + held + loading + passing + self.look_ahead * _IN_HAND

    def smaller(self) -> Budget | None:
        """One that takes less, what is slower the least first; None where nothing can be spared."""
        if self.batch_size > 1:
            return replace(self, batch_size=self.batch_size // 2)
        if self.ahead > _LEAST_AHEAD:
            return replace(self, ahead=self.ahead - 1)
        if self.jobs > 1 and self.jobs >= self.threads:
            return replace(self, jobs=self.jobs - 1)
        return replace(self, threads=self.threads - 1) if self.threads > 1 else None


_PHOTOS: Final = {"faces": 3, "landmarks": 3, "music": 3, "actions": 3, "video_objects": STILLS_AT_ONCE}
"""What a batch takes in a model, in photos, where it goes through it in parts of a size of their own."""


def _held(entry: ModelEntry, *, openvino: bool) -> int:
    """What a model takes that is loaded, in this process or in its own."""
    each, beside = _OPENVINO if openvino else (_MODEL, 0)
    return int(each * entry.download_size) + beside + (_TENSORFLOW if entry.format == "saved-model" else 0)


def plan(
    options: ScanOptions,
    hardware: Hardware,
    models: Mapping[str, ModelEntry],
    openvino: Collection[str] = (),
) -> Budget:
    """The largest budget that keeps to ``--max-memory``, or to most of what this machine or container has.

    ``models`` are those that may be loaded, by their recognizers; those of ``openvino`` run in that. Raises
    ConfigError where the option gives too little; a machine that has too little is tried all the same.
    """
    limit = options.max_memory or int(hardware.memory * _SHARE_OF_MACHINE)
    budget = Budget(
        limit,
        options.jobs or hardware.cores,
        options.threads or hardware.cores,
        options.batch_size,
        openvino=frozenset(openvino),
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


def watch(
    limit: int, decoders: Callable[[], int], *, every: float = _WATCH_SECONDS, engines: bool = False
) -> Callable[[], bool]:
    """Says whether the program and its ``decoders``, which hold so many bytes, come near a limit.

    With ``engines`` the models have processes of their own, which count as well. It looks again after
    ``every`` seconds at the earliest.
    """
    import psutil

    process = psutil.Process()
    children = _Children(process) if engines else None
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
        others = children.resident() if children else decoders()
        if process.memory_info().rss + others <= limit * _USABLE:
            return False
        if not told:
            told = True
            _LOG.info("memory: near the limit of %d MiB; one file at a time", limit // _MIB)
        return True

    return short


class _Children:
    """All processes that one has started, and those of theirs."""

    def __init__(self, parent: psutil.Process) -> None:
        self._parent = parent
        self._found: list[psutil.Process] = []
        self._due = 0.0

    def resident(self) -> int:
        """Bytes that they hold; to find new ones takes milliseconds, so that is not done each time."""
        now = time.monotonic()
        if now >= self._due:
            self._due, self._found = now + _SEARCH_SECONDS, self._parent.children(recursive=True)
        return sum(map(_resident, self._found))


def _resident(process: psutil.Process) -> int:
    """Bytes; 0 for a process that is gone."""
    import psutil

    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
