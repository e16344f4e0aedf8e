"""Reads a tree, directory by directory, and sorts what it holds into what takes part and what does not.

Between them, the visits of a walk say of every path that an earlier run may know whether it is
there (`Visit`), hidden by a marker, left alone by the options of this run (`Pruned`), out of
reach (`Unreadable`), or gone: in none of these.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from recognize_cli.ignore import ALL_KINDS, Filters, Why, allowed
from recognize_cli.media.kinds import kind_of
from recognize_cli.records import MediaFile, Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from recognize_cli.protocols import Source
    from recognize_cli.records import Entry, Kind, Listing


@dataclass(frozen=True, slots=True)
class Pruned:
    """A directory that is not read.

    What is known below it of a kind in ``kinds`` is left alone: options of this run keep it out.
    What is of another kind is covered by a marker. With no kinds at all a marker covers everything.
    """

    directory: str
    kinds: frozenset[Kind]


@dataclass(frozen=True, slots=True)
class Visit:
    """What one directory holds: names, but for the files that take part.

    Every media file in the directory is in exactly one of ``files``, ``ignored`` (a marker covers
    it) and ``filtered`` (left out by options of this run); ``others`` counts the files that are no
    media. ``pruned`` are those subdirectories that the walk will not visit. A ``partial`` visit
    tells only of what was asked for, so nothing may be inferred from what is absent.
    """

    directory: str
    files: tuple[MediaFile, ...] = ()
    ignored: tuple[str, ...] = ()
    filtered: tuple[str, ...] = ()
    others: int = 0
    pruned: tuple[Pruned, ...] = ()
    partial: bool = False


def walk(
    source: Source, filters: Filters | None = None, stop: Callable[[], bool] = lambda: False
) -> Iterator[Visit | Unreadable]:
    """Reads a whole tree, depth first, in the order of the names' bytes; files before subdirectories.

    ``stop`` is asked before each directory; then the walk ends, and what it did not come to is
    not told. A directory that cannot be listed is told and passed over. Memory grows with the
    widest directory and with the siblings that wait. Raises SourceNotFound for the root.
    """
    survey = Survey(source, filters or Filters())
    waiting = [survey.root]
    while waiting and not stop():
        place = waiting.pop()
        try:
            room = survey.read(place)
        except OSError as error:
            if not stop():  # else it was cut short
                yield Unreadable(source.id, place.directory, describe(error))
            continue
        visit, below = survey.visit(room)
        del room  # a wide directory's listing need not stay while its files are worked on
        waiting.extend(reversed(below))
        yield visit


def describe(error: OSError) -> str:
    """What the system says of a failure, without the path."""
    return error.strerror or str(error)


@dataclass(frozen=True, slots=True)
class Place:
    """A directory to be read, the kinds that no marker above it covers, and the rule that it is under."""

    directory: str
    kinds: frozenset[Kind]
    rule: int


@dataclass(frozen=True, slots=True)
class Room:
    """A directory that was read; its own markers count in ``kinds``."""

    listing: Listing
    kinds: frozenset[Kind]
    rule: int

    def path_of(self, name: str) -> str:
        """The path of something in this directory, relative to the source."""
        return f"{self.listing.directory}/{name}" if self.listing.directory else name

    def only(self, names: Iterable[str]) -> Room:
        """The same directory as if it held nothing else; markers count as before."""
        wanted = set(names)
        entries = tuple(entry for entry in self.listing.entries if entry.name in wanted)
        links = tuple(name for name in self.listing.links if name in wanted)
        return replace(self, listing=replace(self.listing, entries=entries, links=links))


class Survey:
    """Judges, with the options of one run, what the directories of one source hold.

    The root is to be read first: it says which file system ``-x`` stays on.
    """

    def __init__(self, source: Source, filters: Filters) -> None:
        self.source = source
        self.filters = filters
        self.root = Place("", ALL_KINDS, filters.unmatched)
        self._device: str | None = None

    def read(self, place: Place) -> Room:
        """Lists a directory; raises SourceNotFound for the root, OSError for another."""
        listing = self.source.listing(place.directory)
        if not place.directory:
            self._device = listing.device
        kinds = allowed(place.kinds, (entry.name for entry in listing.entries))
        return Room(listing, allowed(kinds, listing.links), place.rule)

    def judge_file(self, room: Room, entry: Entry) -> tuple[Why, Kind | None]:
        """Whether a file takes part, and its kind."""
        kind = kind_of(entry.name)
        if kind is None:
            return Why.NOT_MEDIA, None
        if kind not in room.kinds:
            return Why.MARKER, kind
        rule = self.filters.first_for_file(room.rule, room.path_of(entry.name))
        return self.filters.judge(rule, entry.size), kind

    def judge_directory(self, room: Room, entry: Entry) -> tuple[Why, Place]:
        """Whether a subdirectory is to be read, and as what."""
        path = room.path_of(entry.name)
        place = Place(path, room.kinds, self.filters.first_for_directory(room.rule, path))
        if not room.kinds:
            return Why.MARKER, place
        if self.filters.one_file_system and entry.device not in (None, self._device):
            return Why.DEVICE, place
        if self.filters.closes(place.rule, path):
            return self.filters.judge(place.rule, 0), place
        return Why.SELECTED, place

    def visit(self, room: Room) -> tuple[Visit, list[Place]]:
        """Sorts what a directory holds; also gives the subdirectories to be read, in order."""
        files: list[MediaFile] = []
        ignored: list[str] = []
        filtered: list[str] = []
        others = 0
        for entry in room.listing.entries:
            if entry.is_directory:
                continue
            why, kind = self.judge_file(room, entry)
            if kind is None:
                others += 1
            elif why is Why.SELECTED:
                files.append(_media_file(self.source.id, room.path_of(entry.name), kind, entry))
            else:
                (ignored if why is Why.MARKER else filtered).append(entry.name)
        pruned, below = self.subdirectories(room)
        for name in room.listing.links:
            kind = kind_of(name)
            if kind is None:  # it may lead to a directory
                pruned.append(Pruned(room.path_of(name), room.kinds))
            else:
                (filtered if kind in room.kinds else ignored).append(name)
        directory = room.listing.directory
        visit = Visit(directory, tuple(files), tuple(ignored), tuple(filtered), others, tuple(pruned))
        return visit, below

    def subdirectories(self, room: Room) -> tuple[list[Pruned], list[Place]]:
        """The subdirectories not to be read, and those to be read, both in order."""
        pruned: list[Pruned] = []
        below: list[Place] = []
        for entry in room.listing.entries:
            if entry.is_directory:
                why, place = self.judge_directory(room, entry)
                if why is Why.SELECTED:
                    below.append(place)
                else:
                    pruned.append(Pruned(place.directory, room.kinds))
        return pruned, below


def _media_file(source: str, path: str, kind: Kind, entry: Entry) -> MediaFile:
    return MediaFile(source, path, kind, entry.size, entry.version, entry.modified, entry.file_id)
