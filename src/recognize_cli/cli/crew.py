"""From the recognizers that a scan asks for to the crew that works for it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from recognize_cli.cli.building import WITHOUT_MODEL, build, build_in
from recognize_cli.cli.installation import choose, fetch_if_missing
from recognize_cli.cli.parameters import value_for
from recognize_cli.cli.scan import DEFAULT, DEFAULTS, RECOGNIZERS
from recognize_cli.errors import ModelMissing
from recognize_cli.models.engines import AUTO, engine_for
from recognize_cli.models.ranking import load_ranking
from recognize_cli.stages.crew import Condition, Crew

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from recognize_cli.errors import EngineError, ModelError, RecognizeError
    from recognize_cli.hardware import Hardware
    from recognize_cli.models.entries import ModelEntry
    from recognize_cli.models.lockfile import Lock
    from recognize_cli.models.store import Store
    from recognize_cli.protocols import Recognizer
    from recognize_cli.records import Scores, Tag

_LOG = logging.getLogger(__name__)

_WHERE_INSTALLED = ("landmarks",)
"""Used as well where somebody has fetched their model: it is large, and no package registry has it."""

_STAND_INS = {"actions": "video_objects"}


class Recruiter:
    """Puts a crew together; what it needs to know of a scan is told once."""

    def __init__(
        self,
        lock: Lock,
        store: Store,
        hardware: Hardware,
        *,
        backend: Sequence[tuple[str | None, str]],
        engine: Sequence[tuple[str | None, str]],
        gpu: int | None,
        models: Iterable[str],
        offline: bool,
        progress: bool | None,
    ) -> None:
        """``backend`` and ``engine`` are for `value_for`; ``models`` are used whatever their tier.

        ``gpu`` is the NVIDIA GPU for all that can run there, None for the CPU.
        """
        self._lock = lock
        self._store = store
        self._hardware = hardware
        self._ranking = load_ranking(hardware)
        self._backend = backend
        self._engine = engine
        self._gpu = gpu
        self._models = tuple(models)
        self._offline = offline
        self._progress = progress
        self.openvino: set[str] = set()
        """The recognizers whose models OpenVINO runs; empty before `crew`."""
        self.entries: dict[str, ModelEntry] = {}
        """The models of the crew by recognizer, without those of stand-ins; empty before `crew`."""

    @property
    def starts_processes(self) -> bool:
        """Whether a model of the crew runs in a process of its own."""
        return any(entry.format == "saved-model" for entry in self.entries.values())

    def crew(
        self,
        names: Sequence[str],
        apply: Callable[[Scores], Iterable[Tag]],
        problem: Callable[[RecognizeError], None],
        *,
        landmarks_for: Iterable[str],
        stand_ins: bool,
    ) -> Crew:
        """The recognizers of these names, none of whose models is fetched or loaded yet.

        ``problem`` is told of each that cannot work. ``landmarks_for`` are the tags of `objects` that ask for
        landmarks. With ``stand_ins`` the objects in videos are tagged where actions cannot be.
        Raises NoUsableEngine, LockFileError, and ModelMissing where nothing is installed and nothing may
        be fetched.
        """
        usual = DEFAULT in names
        names = [name for name in RECOGNIZERS if name in {*names, *(DEFAULTS if usual else ())}]
        spare = {
            own: other
            for own, other in _STAND_INS.items()
            if stand_ins and own in names and other not in names
        }
        entries = self._entries({*names, *spare.values()}, usual=usual)
        self.entries = {name: entry for name, entry in entries.items() if name not in spare.values()}
        wanted = entries.keys() | WITHOUT_MODEL.keys() & set(names)
        self._check_offline([entries[name] for name in names if name in entries])

        def lost(name: str, error: ModelError | EngineError) -> None:
            if usual and name in spare:
                _LOG.warning(
                    "%s; until then the objects in videos are tagged, not what happens in them", error
                )
            else:
                problem(error)

        condition = Condition("objects", frozenset(landmarks_for))
        return Crew(
            {name: self._build(name, entries.get(name)) for name in RECOGNIZERS if name in wanted},
            apply,
            fetch=lambda name: self._fetch(entries.get(name)),
            lost=lost,
            stand_ins={own: other for own, other in spare.items() if own in entries},
            conditions={"landmarks": condition} if condition.recognizer in wanted else {},
        )

    def _entries(self, names: Collection[str], *, usual: bool) -> dict[str, ModelEntry]:
        """The model of each of these recognizers that runs one.

        With the ``usual`` ones come those whose model is installed; those may lack that the lock has none of.
        """
        entries: dict[str, ModelEntry] = {}
        for name in RECOGNIZERS:
            own = _MODELS_OF.get(name, name)
            models = [each for each in self._lock.models if each.recognizer == own]
            extra = usual and name in _WHERE_INSTALLED and any(map(self._store.installed, models))
            if name in WITHOUT_MODEL or not (name in names or extra) or (usual and not models):
                continue
            entries[name] = entries[own] if own in entries else self._choose(own)
        return entries

    def _choose(self, recognizer: str) -> ModelEntry:
        backend = value_for(recognizer, self._backend, "auto")
        return choose(
            recognizer, self._lock, self._store, self._hardware, backend, self._models, ranking=self._ranking
        )

    def _build(self, name: str, entry: ModelEntry | None) -> Recognizer:
        if entry is None:
            return build(name, entry, self._store)
        asked = value_for(name, self._engine, AUTO)
        engine = engine_for(entry, asked, self._hardware.cpu, self._ranking, gpu=self._gpu)
        _LOG.debug(
            "%s: %s runs in %s, %s, %s", name, entry.name, engine.name, engine.precision, engine.device
        )
        if engine.name == "openvino":
            self.openvino.add(name)
        if self._gpu is not None and engine.gpu is None:
            _LOG.info("%s: %s stays on the CPU", name, entry.name)
        return build_in(engine, name, entry, self._store)

    def _check_offline(self, entries: Sequence[ModelEntry]) -> None:
        if self._offline and entries and not any(self._store.installed(each) for each in entries):
            raise ModelMissing(name=entries[0].name)

    def _fetch(self, entry: ModelEntry | None) -> None:
        if entry is not None:
            fetch_if_missing(entry, self._store, offline=self._offline, progress=self._progress)


_MODELS_OF = {"video_objects": "objects"}
"""Recognizers that run the models of another one."""
