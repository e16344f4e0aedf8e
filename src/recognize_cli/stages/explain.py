"""Says why one path of a tree is in or out, by going down to it as a walk would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recognize_cli.ignore import MARKERS, Filters, Why
from recognize_cli.naming import printable
from recognize_cli.records import Kind
from recognize_cli.stages.walk import Place, Survey, describe

if TYPE_CHECKING:
    from recognize_cli.protocols import Source
    from recognize_cli.records import Entry
    from recognize_cli.stages.walk import Room

_PLURAL = {Kind.IMAGE: "images", Kind.AUDIO: "audio files", Kind.VIDEO: "videos"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a path takes part, and why, in a word and in a sentence of one line."""

    why: Why
    sentence: str

    @property
    def included(self) -> bool:
        return self.why is Why.SELECTED


def explain(source: Source, path: str, filters: Filters | None = None) -> Verdict:
    """Why a walk with these filters would select a file, read a directory, or pass over either.

    ``path`` is relative to the source, as `listed.within` gives it; the directories above it are
    read. A directory is in if a file in it could be. Raises SourceNotFound for the root.
    """
    descent = _Descent(Survey(source, filters or Filters()))
    why, reason = descent.explain(path.split("/") if path else [])
    return Verdict(why, f"{_shown(path)} is {'in' if why is Why.SELECTED else 'out'}: {reason}")


class _Descent:
    """The way from the root of a source down to one path."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._filters = survey.filters
        self._covers: dict[Kind, str] = {}  # the marker and its directory, in words
        self._matched = ""  # the path that the deciding rule matches

    def explain(self, names: list[str]) -> tuple[Why, str]:
        """Why, and the reason in words, for the path of these names."""
        place = self._survey.root
        try:
            for depth, name in enumerate(names, start=1):
                step = self._step(self._enter(place), name, last=depth == len(names))
                if not isinstance(step, Place):
                    return step
                place = step
            room = self._enter(place)
        except OSError as error:
            return Why.UNREADABLE, f"{_shown(place.directory)} cannot be read: {describe(error)}"
        why = Why.SELECTED if room.kinds else Why.MARKER
        return why, self._reason(why, place.directory, place.rule)

    def _step(self, room: Room, name: str, *, last: bool) -> Place | tuple[Why, str]:
        """The subdirectory of this name, or why the way ends here."""
        path = room.path_of(name)
        if name in room.listing.links:
            return Why.LINK, f"{_shown(path)} is a symbolic link that is not followed"
        entry = next((entry for entry in room.listing.entries if entry.name == name), None)
        if entry is None or not (last or entry.is_directory):
            return Why.MISSING, f"{self._survey.source.id} has no such directory or regular file"
        if not entry.is_directory:
            return self._file(room, entry)
        why, place = self._survey.judge_directory(room, entry)
        if place.rule != room.rule:
            self._matched = path
        return place if why is Why.SELECTED else (why, self._reason(why, path, place.rule))

    def _enter(self, place: Place) -> Room:
        room = self._survey.read(place)
        names = {*room.listing.links, *(entry.name for entry in room.listing.entries)}
        for marker in MARKERS.keys() & names:
            for kind in MARKERS[marker]:
                self._covers.setdefault(kind, f"the marker {marker} in {_shown(place.directory)}")
        return room

    def _file(self, room: Room, entry: Entry) -> tuple[Why, str]:
        why, kind = self._survey.judge_file(room, entry)
        path = room.path_of(entry.name)
        if kind is None:
            return why, "its name is that of no image, audio or video format known here"
        if why is Why.MARKER:
            return why, f"{_PLURAL[kind]} are covered by {self._covers[kind]}"
        if why is Why.TOO_LARGE:
            return why, f"it has {entry.size} bytes, more than --max-size {self._filters.max_size}"
        rule = self._filters.first_for_file(room.rule, path)
        if rule != room.rule:
            self._matched = path
        return why, self._reason(why, path, rule)

    def _reason(self, why: Why, path: str, rule: int) -> str:
        if why is Why.MARKER:
            markers = " and ".join(sorted(set(self._covers.values())))
            return f"everything in {_shown(path)} is covered by {markers}"
        if why is Why.DEVICE:
            return f"{_shown(path)} is on another file system, and -x stays on one"
        if why is Why.SELECTED and not self._filters.includes(rule):
            return "an --include may match something below it"
        if rule == self._filters.unmatched:
            return "no --include matches it" if why is Why.NO_RULE else "no marker and no rule keeps it out"
        return f"rule {rule + 1}, {self._filters.rules[rule]}, matches {_shown(self._matched)}"


def _shown(path: str) -> str:
    return printable(path) or "the root of the source"
