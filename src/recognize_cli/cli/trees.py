"""From the SOURCE arguments of a scan to trees that can be walked."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from itertools import chain, groupby
from typing import TYPE_CHECKING, cast

from recognize_cli.errors import ConfigError, LoginError, SourceError
from recognize_cli.ignore import Filters, Rule
from recognize_cli.pipeline import Tree
from recognize_cli.sources.local import open_local
from recognize_cli.sources.remembered import RememberedSource
from recognize_cli.stages.ahead import ahead
from recognize_cli.stages.explain import explain
from recognize_cli.stages.listed import read_paths, walk_listed, within
from recognize_cli.stages.walk import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from io import BufferedIOBase

    from recognize_cli.errors import RecognizeError
    from recognize_cli.protocols import Source

STDIN = "-"
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files of which trees take part; ``listed`` is a list of paths to read, if there is one.

    ``remote`` opens the source of an address.
    """

    sources: Sequence[str]
    filters: Filters
    remote: Callable[[str], Source]
    follow_symlinks: bool = False
    listed: BufferedIOBase | None = None
    nul: bool = False


def filters(rules: Sequence[tuple[bool, str]], *, max_size: int | None, one_file_system: bool) -> Filters:
    """The filters for (include, pattern) pairs in order; raises ConfigError for a bad pattern."""
    return Filters(
        [Rule(include, pattern) for include, pattern in rules],
        max_size=max_size,
        one_file_system=one_file_system,
    )


def trees(
    selection: Selection, stop: Callable[[], bool], problem: Callable[[RecognizeError], None]
) -> Iterator[Tree]:
    """The trees to scan, opened one after the other; ``problem`` is told of those that cannot be.

    ``-`` reads paths from stdin, relative to the working directory; they are told as paths below ``/``.
    Files of one directory that are named one after the other make one tree, and so does a directory
    that is named twice in a row.
    """
    found = _opened(selection, problem)
    for (_, whole), group in groupby(found, key=lambda place: (place.source.id, place.listed is None)):
        places = list(group)
        source = places[0].source
        if whole:
            visits = walk(source, selection.filters, stop)
            # What is remembered lies in the catalogue, which only one thread may use.
            yield Tree(source, visits if isinstance(source, RememberedSource) else ahead(visits))
        else:
            paths = chain.from_iterable(place.listed or () for place in places)
            yield Tree(source, walk_listed(source, paths, selection.filters, stop))


@dataclass(frozen=True, slots=True)
class _Place:
    """A source, and the paths in it that are meant; None for all of it."""

    source: Source
    listed: Iterable[str] | None


def _opened(selection: Selection, problem: Callable[[RecognizeError], None]) -> Iterator[_Place]:
    for name in selection.sources:
        if name == STDIN:
            paths = read_paths(cast("BufferedIOBase", sys.stdin.buffer), nul=selection.nul, where="stdin")
            yield _Place(_open("/", selection)[0], map(_absolute, paths))
            continue
        try:
            source, only = _open(name, selection)
        except (SourceError, LoginError) as error:
            problem(error)
            continue
        if selection.listed is not None:
            yield _Place(source, read_paths(selection.listed, nul=selection.nul, where="--files-from"))
        else:
            yield _Place(source, None if only is None else [only])


def why(selection: Selection, path: str) -> tuple[bool, str]:
    """Whether a path takes part in a scan of the first source, and why in a sentence.

    Raises SourceError, and ConfigError for a path outside of the source.
    """
    source, _ = _open(selection.sources[0], selection)
    relative = within(source, path)
    if relative is None:
        raise ConfigError(where="--explain", problem=f"{path} does not lie within {source.id}")
    verdict = explain(source, relative, selection.filters)
    return verdict.included, verdict.sentence


def _open(name: str, selection: Selection) -> tuple[Source, str | None]:
    if is_address(name):
        return selection.remote(name), None
    return open_local(name, follow_symlinks=selection.follow_symlinks)


def is_address(name: str) -> bool:
    """Whether a SOURCE is on a server."""
    return _ADDRESS.match(name) is not None


def _absolute(path: str) -> str:
    """A path from the root, through no symbolic link but maybe the file itself: a walk follows none."""
    directory, name = os.path.split(path.encode("utf-8", "surrogateescape"))
    return os.path.join(os.path.realpath(directory), name).decode("utf-8", "surrogateescape")
