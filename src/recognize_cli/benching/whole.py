"""A real scan through all stages, of the same files over and over, until enough is known of its pace."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Self

from recognize_cli.benching import clock
from recognize_cli.benching.watching import Decoding, Watched
from recognize_cli.catalogue import NullCatalogue
from recognize_cli.pipeline import Tools, Tree, scan
from recognize_cli.stages.crew import Crew
from recognize_cli.stages.intake import Intake
from recognize_cli.stages.items import Job
from recognize_cli.stages.judging import Policy
from recognize_cli.stages.walk import Visit
from recognize_cli.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import TracebackType

    from recognize_cli.benching.material import Material
    from recognize_cli.media.sandbox import Sandbox
    from recognize_cli.protocols import Recognizer
    from recognize_cli.records import Change, FileResult, MediaFile, Removed, Scores, Tag, Unreadable

_OVERTIME = 4
_GRACE_SECONDS = 3.0
"""So many times its seconds, and so many more, a scan may take where files are slow, before it ends with what
it has."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a scan works: decode processes, threads of models, photos a batch, photos ahead of the models."""

    jobs: int
    threads: int
    batch_size: int
    look_ahead: int


@dataclass(frozen=True, slots=True)
class Pace:
    """Items a second once the scan was in its stride, in each of some windows.

    A file waited so many seconds (the median) for a decoder and then for the model. ``others`` is the share
    of the machine's CPUs that other processes took meanwhile.
    """

    rates: tuple[float, ...]
    decoder_wait: float
    model_wait: float
    others: float


class Nowhere:
    """A sink, and a display of progress, that keeps nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing to close."""

    def result(self, result: FileResult) -> None:
        """Keeps nothing."""

    def removed(self, removed: Removed) -> None:
        """Keeps nothing."""

    def unreadable(self, unreadable: Unreadable) -> None:
        """Keeps nothing."""

    def change(self, change: Change) -> None:
        """Keeps nothing."""

    def summary(self, summary: Mapping[str, object]) -> None:
        """Keeps nothing."""

    def advance(self, *, failed: bool = False, unchanged: bool = False) -> None:
        """Shows nothing."""

    def close(self) -> None:
        """Nothing to close."""


def pace(
    material: Material,
    files: Sequence[MediaFile],
    recognizer: Recognizer,
    sandbox: Sandbox,
    apply: Callable[[Scores], tuple[Tag, ...]],
    settings: Settings,
    seconds: float,
) -> Pace:
    """Scans for so many seconds, longer where that does not give enough files.

    Files count as they leave the model; what follows keeps up, for only a few batches may wait for it.
    """
    watched = Watched(recognizer)
    crew = Crew({watched.name: watched}, apply)
    weight = Job(files[0], ()).weight
    warm_up = -(-settings.look_ahead // weight)
    window = 2 * settings.threads * -(-settings.batch_size // weight)
    enough = warm_up + clock.REPETITIONS * window + 1
    longest = _OVERTIME * seconds + _GRACE_SECONDS
    started, load = time.perf_counter(), clock.Load()

    def stop() -> bool:
        passed = time.perf_counter() - started
        return passed > seconds and (len(watched.done) >= enough or passed > longest)

    with Intake(sandbox, crew, downloads=1, waiting=1) as intake:
        decoding = Decoding(intake.submit)
        tools = Tools(
            policy=Policy(crew, {watched.name: ""}, decoder=""),
            catalogue=NullCatalogue(),
            submit=decoding.submit,
            apply=apply,
            stop=stop,
            look_ahead=settings.look_ahead,
            threads=settings.threads,
            batch_size=settings.batch_size,
        )
        nowhere = Nowhere()
        scan([Tree(material.source, _again_and_again(files, stop))], tools, nowhere, nowhere, Tally())
    others = load.others()
    model_waits = [begun - decoding.ready[file] for file, begun in watched.begun.items()]
    return Pace(
        tuple(clock.rates(sorted(watched.done), skip=warm_up, least=window)),
        median(decoding.waited.values()),
        median(model_waits),
        others,
    )


def _again_and_again(files: Sequence[MediaFile], stop: Callable[[], bool]) -> Iterator[Visit]:
    """Visits of the same files without an end, each time as another version of them."""
    version = 0
    while not stop():
        yield Visit("", tuple(replace(file, version=str(version)) for file in files), partial=True)
        version += 1
