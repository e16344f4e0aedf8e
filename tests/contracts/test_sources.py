from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from recognize_cli.sources.local import LocalSource
from tests.contracts.source_contract import SourceContract, Tree
from tests.sources.folder import FolderTree
from tests.sources.memory import MemorySource

if TYPE_CHECKING:
    from pathlib import Path


def local_tree(root: Path, *, follow_symlinks: bool = False) -> FolderTree:
    root.mkdir()
    return FolderTree(root, LocalSource(str(root), follow_symlinks=follow_symlinks))


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
        return local_tree(tmp_path / "tree")


class TestLocalSourceThatFollowsLinks(TestLocalSource):
    @pytest.fixture
    def tree(self, tmp_path: Path) -> Tree:
        return local_tree(tmp_path / "tree", follow_symlinks=True)


class MemoryTree(MemorySource):
    @property
    def source(self) -> MemorySource:
        return self


class TestMemorySource(SourceContract):
    @pytest.fixture
    def tree(self, tmp_path: Path) -> Tree:
        return MemoryTree(tmp_path)
