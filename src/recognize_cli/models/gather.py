"""Gathers the files of a model from its sources, in order, until all are here and verified."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from recognize_cli.errors import FetchFailed
from recognize_cli.models.entries import GitSource, NpmSource, PypiSource, UrlSource
from recognize_cli.models.hashing import is_the_file
from recognize_cli.models.origins import directory, git, npm, pypi, url
from recognize_cli.models.origins.order import Order, OriginFailed

if TYPE_CHECKING:
    from pathlib import Path

    from recognize_cli.models.entries import LockedFile, ModelEntry, Source
    from recognize_cli.models.fetch import Progress
    from recognize_cli.models.origins.order import Mirrors

_LOG = logging.getLogger(__name__)


class Gathering:
    """The files of one model on their way. What an earlier try left in ``staging`` is kept."""

    def __init__(self, entry: ModelEntry, staging: Path, progress: Progress, mirrors: Mirrors) -> None:
        self._entry = entry
        self._progress = progress
        self._mirrors = mirrors
        self._folder = staging / "files"
        self._scratch = staging / "parts"
        for path in (self._folder, self._scratch):
            path.mkdir(exist_ok=True)
        self._drop_what_went_bad()

    def from_sources(self) -> dict[str, Path]:
        """All files by their path in the lock file, from the first sources that give them.

        Raises FetchFailed with the reason of each source.
        """
        problems = []
        for source in self._entry.sources:
            order = self._order()
            if order.files:
                try:
                    _gather(source, order)
                    problems += [f"{source}: it has no {file.path}" for file in self._missing()[:1]]
                except OriginFailed as error:
                    _LOG.info("%s: %s: %s", self._entry.name, source, error)
                    problems.append(f"{source}: {error}")
        if self._missing():
            name = self._entry.name
            remedy = f"try again, or carry the files here and run `recognize models fetch --from DIR {name}`"
            raise FetchFailed(name=name, problem="; ".join([*problems, remedy]))
        return self._files()

    def from_directory(self, path: Path) -> dict[str, Path]:
        """All files by their path in the lock file, from below a folder; raises FetchFailed."""
        order = self._order()
        if order.files:
            try:
                directory.gather(path, order)
            except OriginFailed as error:
                sources = ", ".join(map(str, self._entry.sources))
                problem = f"{error}; it comes from {sources}"
                raise FetchFailed(name=self._entry.name, problem=problem) from error
        return self._files()

    def missing_size(self) -> int:
        """Bytes of the files that are not here yet, at most."""
        return sum(file.size for file in self._missing())

    def _files(self) -> dict[str, Path]:
        return {file.path: self._folder / file.path for file in self._entry.files}

    def _order(self) -> Order:
        missing = self._missing()
        here = sum(self._size(file) for file in self._entry.files if file not in missing)
        return Order(
            files=missing,
            into=self._folder,
            scratch=self._scratch,
            report=lambda done: self._progress(here + done, self._total()),
            mirrors=self._mirrors,
        )

    def _total(self) -> int:
        """Bytes of all files, as far as they are known by now: what is here counts with its true size."""
        return sum(self._size(file) if file.at_most else file.size for file in self._entry.files)

    def _size(self, file: LockedFile) -> int:
        path = self._folder / file.path
        return path.stat().st_size if path.exists() else file.size

    def _missing(self) -> tuple[LockedFile, ...]:
        return tuple(file for file in self._entry.files if not (self._folder / file.path).exists())

    def _drop_what_went_bad(self) -> None:
        """Removes files of an earlier try that are damaged; new ones are checked as they come."""
        for file in self._entry.files:
            path = self._folder / file.path
            if path.exists() and not is_the_file(path, file):
                path.unlink()


def _gather(source: Source, order: Order) -> None:
    match source:
        case PypiSource():
            pypi.gather(source, order)
        case NpmSource():
            npm.gather(source, order)
        case GitSource():
            git.gather(source, order)
        case UrlSource():
            url.gather(source, order)
