from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, ClassVar

import pytest

from recognize_cli.sources.local import LocalSource
from tests.contracts.source_contract import SourceContract, Tree
from tests.sources.memory import MemorySource

if TYPE_CHECKING:
    from pathlib import Path


class LocalTree:
    """A folder on disk; each write gets a modification time of its own, however coarse the clock is."""

    def __init__(self, root: Path, *, follow_symlinks: bool = False) -> None:
        root.mkdir()
        self._root = os.fsencode(root)
        self._clock = 1_777_000_000
        self.source = LocalSource(str(root), follow_symlinks=follow_symlinks)

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
        shutil.rmtree(self._root)

    def _path(self, path: str) -> bytes:
        return os.path.join(self._root, path.encode("utf-8", "surrogateescape"))


class TestLocalSource(SourceContract):
    awkward_names: ClassVar[tuple[str, ...]] = (
        *SourceContract.awkward_names,
        "new\nline.jpg",
        "\x1b[2J.jpg",
        b"caf\xe9.jpg".decode("utf-8", "surrogateescape"),
        b"\xff\xfe".decode("utf-8", "surrogateescape"),
    )

    @pytest.fixture
    def tree(self, tmp_path: Path) -> Tree:
        return LocalTree(tmp_path / "tree")


class TestLocalSourceThatFollowsLinks(TestLocalSource):
    @pytest.fixture
    def tree(self, tmp_path: Path) -> Tree:
        return LocalTree(tmp_path / "tree", follow_symlinks=True)


class MemoryTree(MemorySource):
    @property
    def source(self) -> MemorySource:
        return self


class TestMemorySource(SourceContract):
    @pytest.fixture
    def tree(self, tmp_path: Path) -> Tree:
        return MemoryTree(tmp_path)
