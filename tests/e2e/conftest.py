from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.command import Recognize
from tests.support.photos import CAT, COFFEE, ROCKET, make_many, put

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def recognize(tmp_path: Path, model_store: Path) -> Recognize:
    """The command, for a user who has the models and nothing else."""
    home = tmp_path / "home"
    home.mkdir()
    return Recognize(home, model_store)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A cat, a coffee in a subfolder, a rocket two folders down and a text."""
    root = tmp_path / "tree"
    put(CAT, root / "cat.jpg")
    put(COFFEE, root / "trip" / "coffee.png")
    put(ROCKET, root / "trip" / "far" / "rocket.jpg")
    (root / "notes.txt").write_text("no media")
    return root


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 60 photos that takes some seconds to scan; not to be changed."""
    folder = tmp_path_factory.mktemp("many")
    make_many(folder, 60)
    return folder
