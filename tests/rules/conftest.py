"""What the tests of rules share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recognize_cli.rules import RuleSet, load_rules

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], RuleSet]:
    """A function that loads rules from a text, as a file named ``rules.yml``."""

    def load_text(text: str) -> RuleSet:
        path = tmp_path / "rules.yml"
        path.write_text(text, "utf-8")
        return load_rules(path)

    return load_text
