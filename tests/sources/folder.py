"""A folder on disk as the `Tree` of a contract, whatever source reads it."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from recognize_cli.protocols import Source


class FolderTree:
    """A folder; each write gets a modification time of its own, however coarse the clock is."""

    def __init__(self, folder: Path, source: Source) -> None:
        self.source = source
        self._folder = os.fsencode(folder)
        self._clock = 1_777_000_000

    def write(self, path: str, content: bytes) -> None:
        target = self._path(path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(content)
        self._clock += 1
        os.utime(target, (self._clock, self._clock))

    def make_directory(self, path: str) -> None:
        os.makedirs(self._path(path))

    def remove(self, path: str) -> None:
        os.remove(self._path(path))

    def rename(self, old: str, new: str) -> None:
        os.rename(self._path(old), self._path(new))

    def remove_root(self) -> None:
        shutil.rmtree(self._folder)

    def _path(self, path: str) -> bytes:
        return os.path.join(self._folder, path.encode("utf-8", "surrogateescape"))
