"""The recognizers of a run: which files each of them looks at, and which of them can work.

A model is fetched when the first file needs it. A recognizer whose model cannot be had or loaded is
lost for the run: that is told once, and costs only its own tags.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recognize_cli.errors import EngineError, ModelError
from recognize_cli.media.kinds import may_move
from recognize_cli.records import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from recognize_cli.protocols import Recognizer
    from recognize_cli.records import MediaFile, Scores, Tag

_Failure = ModelError | EngineError


def _nothing(_name: str) -> None:
    """For recognizers that need no fetching."""


def _raise(_name: str, error: _Failure) -> None:
    raise error


@dataclass(frozen=True, slots=True)
class Condition:
    """Says of a recognizer that it looks only at files to which another one gave one of some tags."""

    recognizer: str
    tags: frozenset[str]

    def holds(self, tags: Iterable[Tag]) -> bool:
        """Whether one of the tags is among those."""
        return any(tag.name in self.tags for tag in tags)


class Crew:
    """The recognizers of a run by name, in the order in which they look at a file.

    `members` are all of them, with those that only stand in for others. Its methods may be called from
    several threads.
    """

    def __init__(
        self,
        members: Mapping[str, Recognizer],
        apply: Callable[[Scores], Iterable[Tag]],
        *,
        fetch: Callable[[str], None] = _nothing,
        lost: Callable[[str, _Failure], None] = _raise,
        stand_ins: Mapping[str, str] | None = None,
        conditions: Mapping[str, Condition] | None = None,
    ) -> None:
        """``apply`` gives the tags of scores.

        ``fetch`` gets the model of a recognizer if need be; ``lost`` is told who cannot work, and why.
        ``stand_ins`` maps recognizers to the one that looks at videos in their place when they are lost.
        ``conditions`` maps recognizers to what must hold for them to look at a file.
        """
        self.members = members
        self._apply = apply
        self._fetch = fetch
        self._tell = lost
        self._stand_ins = stand_ins or {}
        self._conditions = conditions or {}
        self._fetched: set[str] = set()
        self._lost: set[str] = set()
        self._lock = threading.RLock()

    def readers(self, file: MediaFile) -> tuple[str, ...]:
        """The recognizers that read such a file, whether they can work or not, without stand-ins."""
        moves = file.kind is Kind.IMAGE and may_move(file.name)
        kinds = {file.kind, Kind.VIDEO} if moves else {file.kind}
        spare = self._stand_ins.values()
        return tuple(name for name, each in self.members.items() if kinds & each.kinds and name not in spare)

    def condition(self, name: str) -> Condition | None:
        """What must hold for a recognizer to look at a file."""
        return self._conditions.get(name)

    def replacement(self, name: str, file: MediaFile) -> str | None:
        """Who looks at a file in the place of a recognizer that is lost."""
        return self._stand_ins.get(name) if file.kind is Kind.VIDEO else None

    def original(self, name: str) -> str | None:
        """The recognizer in whose place another one looks at files; None if that is no stand-in."""
        return next((original for original, spare in self._stand_ins.items() if spare == name), None)

    def can_work(self, name: str) -> bool:
        """Whether a recognizer is not lost; its model is fetched now if it is not there."""
        with self._lock:
            if name not in self._fetched and name not in self._lost:
                self._attempt(name, lambda: self._fetch(name))
                self._fetched.add(name)
            return name not in self._lost

    def load(self, name: str) -> bool:
        """Loads the model of a recognizer, if it is not loaded; False where the recognizer is lost."""
        if name in self._lost:
            return False
        return self._attempt(name, self.members[name].load)

    def asked(self, name: str, scores: Iterable[Scores]) -> bool:
        """Whether a recognizer is to look at a file of which others gave these scores."""
        condition = self._conditions.get(name)
        return condition is None or any(
            condition.holds(self._apply(each)) for each in scores if each.recognizer == condition.recognizer
        )

    def _attempt(self, name: str, act: Callable[[], None]) -> bool:
        try:
            act()
        except (ModelError, EngineError) as error:
            with self._lock:
                if name not in self._lost:
                    self._lost.add(name)
                    self._tell(name, error)
            return False
        return True
