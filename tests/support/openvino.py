"""OpenVINO, where it is installed."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

HAS_OPENVINO = find_spec("openvino") is not None
needs_openvino = pytest.mark.skipif(not HAS_OPENVINO, reason="OpenVINO is not installed")
