"""Files from a folder that somebody carried here, for machines without a network.

The folder may hold the files themselves, or the wheel or tarball that they come in, at any depth
and under any name: they are told by size and digest. A file whose size is not known must have its own name.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from recognize_cli.models.archives import TARBALLS, ZIPS, members
from recognize_cli.models.hashing import digest_of
from recognize_cli.models.origins.order import OriginFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from recognize_cli.models.entries import LockedFile
    from recognize_cli.models.origins.order import Order


def gather(directory: Path, order: Order) -> None:
    """Delivers the files of an order from anywhere below `directory`; raises OriginFailed."""
    if not directory.is_dir():
        raise OriginFailed(f"{directory} is not a directory")
    wanted = _Wanted(order)
    paths = list(_regular_files(directory))
    archives = [path for path in paths if path.name.endswith((*ZIPS, *TARBALLS))]
    problems = [*_try_each(wanted.try_file, paths), *_try_each(wanted.try_archive, archives)]
    for file in wanted.missing():
        size = f"at most {file.size}" if file.at_most else file.size
        missing = f"{directory} holds no file {file.path} with {size} bytes and {file.checksum}"
        raise OriginFailed("; ".join([missing, *problems]))


def _try_each(attempt: Callable[[Path], None], paths: list[Path]) -> list[str]:
    """What went wrong; one bad file in the folder does not hide the good one beside it."""
    problems = []
    for path in paths:
        try:
            attempt(path)
        except (OriginFailed, PermissionError) as error:
            problems.append(str(error))
    return problems


class _Wanted:
    """The files that are still missing."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._missing = list(order.files)
        self._done = 0

    def missing(self) -> Iterator[LockedFile]:
        return iter(self._missing)

    def try_file(self, path: Path) -> None:
        """Delivers a copy of `path` if it is wanted."""
        if self._matches(path, path.name):
            with tempfile.TemporaryDirectory(dir=self._order.scratch) as folder:
                self._claim(Path(shutil.copyfile(path, Path(folder, "copy"))), path.name)

    def try_archive(self, path: Path) -> None:
        """Delivers what is wanted out of an archive; raises OriginFailed if it is damaged."""
        with tempfile.TemporaryDirectory(dir=self._order.scratch) as folder:
            copy = Path(folder, "copy")
            for member in members(path):
                if self._candidates(member.size, member.name):
                    member.copy(copy, member.size)
                    self._claim(copy, member.name)

    def _candidates(self, size: int, name: str) -> list[LockedFile]:
        """The files that one of this size and name may be; the size alone tells most of them."""
        return [
            file
            for file in self._missing
            if file.fits(size) and (not file.at_most or _last_part(name) == _last_part(file.path))
        ]

    def _matches(self, path: Path, name: str) -> list[LockedFile]:
        candidates = self._candidates(path.stat().st_size, name)
        digests = {algorithm: digest_of(path, algorithm) for algorithm in {f.algorithm for f in candidates}}
        return [file for file in candidates if digests[file.algorithm] == file.digest]

    def _claim(self, copy: Path, name: str) -> None:
        """Delivers a scratch file to each place that wants its bytes: two files may be the same."""
        for file in self._matches(copy, name):
            spare = shutil.copyfile(copy, copy.with_name("spare"))
            if self._order.deliver(spare, file):
                self._missing.remove(file)
                self._done += self._order.size_here(file)
                self._order.report(self._done)


def _last_part(path: str) -> str:
    return path.rpartition("/")[2]


def _regular_files(directory: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(directory):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file():
                yield path
