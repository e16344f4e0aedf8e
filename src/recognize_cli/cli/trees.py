"""From the SOURCE arguments of a scan to trees that can be walked."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from recognize_cli.errors import ConfigError, SourceError
from recognize_cli.ignore import Filters, Rule
from recognize_cli.pipeline import Tree
from recognize_cli.sources.local import open_local
from recognize_cli.stages.explain import explain
from recognize_cli.stages.listed import read_paths, walk_listed, within
from recognize_cli.stages.walk import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from io import BufferedIOBase

    from recognize_cli.sources.local import LocalSource

_STDIN = "-"
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files of which trees take part; ``listed`` is a list of paths to read, if there is one."""

    sources: Sequence[str]
    filters: Filters
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
    selection: Selection, stop: Callable[[], bool], problem: Callable[[SourceError], None]
) -> Iterator[Tree]:
    """The trees to scan, opened one after the other; ``problem`` is told of those that cannot be.

    ``-`` reads paths from stdin, relative to the working directory; they are told as paths below ``/``.
    """
    for name in selection.sources:
        if name == _STDIN:
            paths = _absolute(
                read_paths(cast("BufferedIOBase", sys.stdin.buffer), nul=selection.nul, where="stdin")
            )
            root = open_local("/", follow_symlinks=selection.follow_symlinks)[0]
            yield Tree(root, walk_listed(root, paths, selection.filters, stop))
            continue
        try:
            source, only = _open(name, selection)
        except SourceError as error:
            problem(error)
            continue
        if selection.listed is not None:
            paths = read_paths(selection.listed, nul=selection.nul, where="--files-from")
            yield Tree(source, walk_listed(source, paths, selection.filters, stop))
        elif only is not None:
            yield Tree(source, walk_listed(source, [only], selection.filters, stop))
        else:
            yield Tree(source, walk(source, selection.filters, stop))


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


def _open(name: str, selection: Selection) -> tuple[LocalSource, str | None]:
    if _ADDRESS.match(name):
        raise ConfigError(where=name, problem="only local folders can be scanned; mount it, or sync it")
    return open_local(name, follow_symlinks=selection.follow_symlinks)


def _absolute(paths: Iterator[str]) -> Iterator[str]:
    here = os.fsencode(os.getcwd()).decode("utf-8", "surrogateescape")
    return (path if path.startswith("/") else f"{here}/{path}" for path in paths)
