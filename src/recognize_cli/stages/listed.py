"""Reads only the files that somebody lists, with the markers and rules of the tree that they are in."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from recognize_cli.errors import ConfigError
from recognize_cli.ignore import Filters
from recognize_cli.media.kinds import kind_of
from recognize_cli.records import Unreadable
from recognize_cli.stages.walk import Place, Pruned, Survey, Visit, describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from io import BufferedIOBase

    from recognize_cli.protocols import Source
_LONGEST_PATH = 65_536  # bytes
_FIRST_GROUP, _LARGEST_GROUP = 64, 65_536  # paths
_REMEMBERED = 1024  # directories whose subdirectories are kept
_NOT_THERE = "there is no such file in the source"


def read_paths(stream: BufferedIOBase, *, nul: bool = False, where: str = "--files-from") -> Iterator[str]:
    """The paths in a list, one a line, or each ended by a NUL byte; empty ones are passed over.

    A carriage return before the line's end is no part of the path. Raises ConfigError, naming
    ``where``, for a list that was not made for this separator.
    """
    separator = b"\0" if nul else b"\n"
    rest = b""
    while chunk := stream.read1(_LONGEST_PATH):
        *whole, rest = (rest + chunk).split(separator)
        for path in whole:
            yield from _path(path, nul=nul, where=where)
        if len(rest) > _LONGEST_PATH:
            break
    yield from _path(rest, nul=nul, where=where)


def _path(line: bytes, *, nul: bool, where: str) -> Iterator[str]:
    if not nul:
        line = line.removesuffix(b"\r")
    if b"\0" in line:
        raise ConfigError(where=where, problem="it has NUL bytes; give -0 for a list made with -print0")
    if len(line) > _LONGEST_PATH:
        problem = f"a path in it is longer than {_LONGEST_PATH} bytes; -0 is for NUL bytes between the paths"
        raise ConfigError(where=where, problem=problem)
    if line:
        yield line.decode("utf-8", "surrogateescape")


def within(source: Source, path: str) -> str | None:
    """A path as the source names it: relative, without ``.`` and ``..``; None for one outside.

    A relative path starts at the root of the source; an absolute one must lie below the root, as
    the user named it or where it really is.
    """
    path = posixpath.normpath(path)
    if path.startswith("/"):
        path = "/" + path.lstrip("/")
        for root in (source.id, source.base):
            below = root.rstrip("/") + "/"
            if f"{path}/".startswith(below):
                return path[len(below) :]
        return None
    if path == ".":
        return ""
    return None if path.split("/", 1)[0] == ".." else path


def walk_listed(
    source: Source,
    paths: Iterable[str],
    filters: Filters | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Visit | Unreadable]:
    """Visits the listed files, each once, directory by directory as the list comes to them.

    All visits are partial. The markers of every directory above a file count, and so do the rules:
    a file that a walk would not select is not selected here. Directories in the list are passed
    over; a path that leads to no file is told as Unreadable. Memory holds one number for each
    path, and at most `_LARGEST_GROUP` paths. Raises SourceNotFound for the root.
    """
    finder = _Finder(Survey(source, filters or Filters()))
    seen: set[int] = set()  # hashes of 64 bits take half the memory of the paths
    for group in _groups(paths):
        names: dict[str, list[str]] = {}
        for listed in group:
            path = within(source, listed)
            if path is None:
                yield Unreadable(source.id, listed, "the path does not lie within the source")
            elif path and hash(path) not in seen:
                seen.add(hash(path))
                directory, _, name = path.rpartition("/")
                names.setdefault(directory, []).append(name)
        for directory in names:
            if stop():
                return
            yield from finder.visit(directory, names[directory])


def _groups(paths: Iterable[str]) -> Iterator[list[str]]:
    """The paths in groups that grow, so that a slow list gives first results early."""
    rest = iter(paths)
    size = _FIRST_GROUP
    while group := list(islice(rest, size)):
        yield group
        size = min(2 * size, _LARGEST_GROUP)


class _Finder:
    """Finds directories by their paths, from the root downwards, as a walk would come to them."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._below = lru_cache(maxsize=_REMEMBERED)(self._read_below)

    def visit(self, directory: str, names: list[str]) -> Iterator[Visit | Unreadable]:
        """What a directory holds of these names."""
        try:
            place = self._find(directory)
            room = self._survey.read(place).only(names) if isinstance(place, Place) else None
        except OSError as error:
            yield from self._absent(directory, names, describe(error))
            return
        if isinstance(place, Pruned):
            yield _unseen(place, directory, names)
        elif room is None:
            yield from self._absent(directory, names, _NOT_THERE)
        else:
            visit, _ = self._survey.visit(room)
            yield replace(visit, pruned=(), partial=True)
            present = {*room.listing.links, *(entry.name for entry in room.listing.entries)}
            yield from self._absent(directory, [name for name in names if name not in present], _NOT_THERE)

    def _absent(self, directory: str, names: list[str], problem: str) -> Iterator[Unreadable]:
        for name in names:
            path = f"{directory}/{name}" if directory else name
            yield Unreadable(self._survey.source.id, path, problem)

    def _find(self, directory: str) -> Place | Pruned | None:
        """The directory, or the one above it that a walk would not read; None where there is none."""
        place: Place | Pruned | None = self._survey.root
        for name in directory.split("/") if directory else ():
            if not isinstance(place, Place):
                break
            place = self._below(place).get(name)
        return place

    def _read_below(self, place: Place) -> Mapping[str, Place | Pruned]:
        """What a walk would make of the subdirectories of a directory, by name."""
        room = self._survey.read(place)
        pruned, below = self._survey.subdirectories(room)
        pruned += [Pruned(room.path_of(link), room.kinds) for link in room.listing.links]
        subdirectories: list[Place | Pruned] = [*pruned, *below]
        return {found.directory.rpartition("/")[2]: found for found in subdirectories}


def _unseen(pruned: Pruned, directory: str, names: list[str]) -> Visit:
    """The visit of a directory that is not to be read: nothing in it takes part."""
    kinds = {name: kind for name in names if (kind := kind_of(name)) is not None}
    return Visit(
        directory,
        ignored=tuple(name for name, kind in kinds.items() if kind not in pruned.kinds),
        filtered=tuple(name for name, kind in kinds.items() if kind in pruned.kinds),
        others=len(names) - len(kinds),
        partial=True,
    )
