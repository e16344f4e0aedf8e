from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recognize_cli.catalogue import SqliteCatalogue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.sqlite3"


@pytest.fixture
def catalogue(path: Path, clock: Clock) -> Iterator[SqliteCatalogue]:
    with SqliteCatalogue.open(path, clock=clock) as opened:
        yield opened
