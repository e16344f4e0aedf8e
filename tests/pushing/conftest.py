from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recognize_cli.catalogue import SqliteCatalogue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[SqliteCatalogue]:
    with SqliteCatalogue.open(tmp_path / "catalogue.sqlite3") as opened:
        yield opened
