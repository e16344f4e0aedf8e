"""A server, and a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recognize_cli.models.store import Store
from tests.models.web import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that answers 404 until it is told better."""
    with Server() as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "store")
