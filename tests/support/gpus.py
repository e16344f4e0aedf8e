"""NVIDIA GPUs, and ONNX Runtime for them, where they are."""

from __future__ import annotations

import onnxruntime
import pytest

from recognize_cli.gpus import NoDriver, probe_gpus


def _has_gpu() -> bool:
    try:
        return bool(probe_gpus())
    except NoDriver:
        return False


HAS_GPU = _has_gpu()
FOR_GPUS = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
needs_gpu = pytest.mark.skipif(not (HAS_GPU and FOR_GPUS), reason="no NVIDIA GPU, or no onnxruntime-gpu")
