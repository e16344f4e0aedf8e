"""Modules of bench/ that tests use too; they are no package, for they run as scripts."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

_BENCH = Path(__file__).parents[2] / "bench"


def load(name: str) -> Any:
    """The module ``bench/<name>.py``."""
    known = f"bench.{name}"
    if known not in sys.modules:
        spec = spec_from_file_location(known, _BENCH / f"{name}.py")
        assert spec
        assert spec.loader
        module = sys.modules[known] = module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[known]
