"""A source that is a dictionary: for trees that no disk holds, and failures that no disk gives on demand."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from recognize_cli.errors import SourceNotFound
from recognize_cli.records import Entry, Listing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recognize_cli.records import MediaFile


class MemorySource:
    """Directories by their paths, each with its entries by name; local files are written to a folder."""

    storage = "memory"
    is_local = True
    id = "memory:/tree"
    base = "/tree"

    def __init__(self, folder: Path | None = None) -> None:
        self.directories: dict[str, dict[str, Entry]] = {"": {}}
        self.links: dict[str, list[str]] = {}
        self.failing: dict[str, OSError] = {}
        self.listed: list[str] = []
        self.contents: dict[str, bytes] = {}
        self._folder = folder
        self._changes = 0

    def write(self, path: str, content: bytes = b"", *, device: str = "1") -> None:
        """Makes or replaces a file; directories above it are made, too."""
        self._changes += 1
        directory, name = self._above(path, device)
        earlier = self.directories[directory].get(name)
        self.directories[directory][name] = Entry(
            name,
            is_directory=False,
            size=len(content),
            version=str(self._changes),
            modified=1.0 + self._changes,
            file_id=earlier.file_id if earlier else str(self._changes),
            device=device,
        )
        self.contents[path] = content

    def make_directory(self, path: str, *, device: str = "1") -> None:
        """Makes a directory, and those above it."""
        if path not in self.directories:
            directory, name = self._above(path, device)
            self.directories[path] = {}
            self.directories[directory][name] = Entry(name, is_directory=True, version="1", device=device)

    def remove(self, path: str) -> None:
        """Removes a file."""
        directory, _, name = path.rpartition("/")
        del self.directories[directory][name]

    def remove_directory(self, path: str) -> None:
        """Removes a directory and all below it."""
        above, _, name = path.rpartition("/")
        del self.directories[above][name]
        for directory in [each for each in self.directories if f"{each}/".startswith(f"{path}/")]:
            del self.directories[directory]

    def rename(self, old: str, new: str) -> None:
        """Moves a file; its id stays."""
        directory, _, name = old.rpartition("/")
        moved = self.directories[directory].pop(name)
        directory, name = self._above(new, "1")
        self.directories[directory][name] = replace(moved, name=name)
        self.contents[new] = self.contents.pop(old)

    def remove_root(self) -> None:
        """Takes the whole tree away."""
        self.directories.clear()

    def listing(self, directory: str) -> Listing:
        self.listed.append(directory)
        if directory in self.failing:
            raise self.failing[directory]
        if directory not in self.directories:
            if not directory:
                raise SourceNotFound(source=self.id, problem="it is gone")
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), directory)
        entries = sorted(
            self.directories[directory].values(),
            key=lambda entry: entry.name.encode("utf-8", "surrogateescape"),
        )
        return Listing(directory, tuple(entries), tuple(self.links.get(directory, ())), device="1")

    @contextmanager
    def lease(self, file: MediaFile, *, preview: bool = False) -> Iterator[str]:
        assert self._folder is not None
        path = self._folder / str(file.file_id)
        path.write_bytes(self.contents[file.path])
        yield str(path)

    def id_at(self, path: str) -> str | None:
        directory, _, name = path.removeprefix(f"{self.base}/").rpartition("/")
        entry = self.directories.get(directory, {}).get(name)
        return entry.file_id if entry else None

    def _above(self, path: str, device: str) -> tuple[str, str]:
        directory, _, name = path.rpartition("/")
        if directory not in self.directories:
            self.make_directory(directory, device=device)
        return directory, name
