"""ONNX Runtime behind the Session protocol.

One session is shared by all inference threads: `OrtSession.run` may be called concurrently, and with
one thread inside each call, N calls at a time beat one call with N threads (measured; see
docs/performance.md), while the weights are in memory once.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from recognize_cli.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

ENGINE = "onnxruntime"
NO_TELEMETRY = {"ORT_DISABLE_TELEMETRY": "1"}
"""Official builds report to their makers unless this is set before the import (their Privacy.md)."""

_FATAL_ONLY = 4


class OrtSession:
    """A model loaded in ONNX Runtime, on the CPU."""

    def __init__(self, model: Path, *, threads: int = 1) -> None:
        """Loads the model; ``threads`` are those inside one `run`. Raises EngineError."""
        os.environ.update(NO_TELEMETRY)
        try:
            import onnxruntime as ort
        except ImportError as error:
            raise EngineError(engine=ENGINE, problem=f"it cannot be imported ({error})") from error
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _FATAL_ONLY
        # Idle threads that spin would take the cores that the decoders need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._failures = _runtime_errors()
        try:
            self._session = ort.InferenceSession(
                str(model), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except self._failures as error:
            raise EngineError(engine=ENGINE, problem=f"cannot load {model}: {_first_line(error)}") from error
        self._inputs = tuple(node.name for node in self._session.get_inputs())
        self._outputs = tuple(node.name for node in self._session.get_outputs())

    @property
    def inputs(self) -> Sequence[str]:
        """The names of the model's inputs, in order."""
        return self._inputs

    @property
    def outputs(self) -> Sequence[str]:
        """The names of the model's outputs, in order."""
        return self._outputs

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Runs the model on named arrays, first axis the batch; raises EngineError."""
        try:
            results = self._session.run(None, dict(feeds))
        except self._failures as error:
            raise EngineError(engine=ENGINE, problem=_first_line(error)) from error
        return dict(zip(self._outputs, results, strict=True))

    def close(self) -> None:
        """Gives the model's memory back."""
        del self._session


def _runtime_errors() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises: its own classes, none of which share a base, and those of its binding."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    own = [
        value for value in vars(state).values() if isinstance(value, type) and issubclass(value, Exception)
    ]
    return (*own, RuntimeError, ValueError, MemoryError)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
