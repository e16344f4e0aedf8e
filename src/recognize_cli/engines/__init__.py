"""What runs models: one file a runtime, which is imported when a model is opened.

Here is what those share that run on ONNX Runtime.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from onnxruntime import InferenceSession

NO_TELEMETRY = {"ORT_DISABLE_TELEMETRY": "1"}
"""Official builds report to their makers unless this is set before the import (their Privacy.md)."""

_FATAL_ONLY = 4


def open_session(model: Path, threads: int) -> InferenceSession:
    """A model in ONNX Runtime, on the CPU; ``threads`` are those inside one run.

    Raises ImportError, and what `runtime_errors` lists.
    """
    os.environ.update(NO_TELEMETRY)
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    # Idle threads that spin would take the cores that the decoders need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(str(model), sess_options=options, providers=["CPUExecutionProvider"])


def runtime_errors() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises: its own classes, none of which share a base, and those of its binding."""
    os.environ.update(NO_TELEMETRY)
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    own = [
        value for value in vars(state).values() if isinstance(value, type) and issubclass(value, Exception)
    ]
    return (*own, RuntimeError, ValueError, MemoryError)


def first_line(error: Exception) -> str:
    """What an error says, on one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
