from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.models.convert.tfjs import runtime

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def tensorflow_js(pytestconfig: pytest.Config) -> Path:
    """A folder with TensorFlow.js, kept from one run to the next in pytest's cache."""
    return runtime.install(pytestconfig.cache.mkdir(f"tfjs-{runtime.VERSION}"))
