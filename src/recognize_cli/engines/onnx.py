"""ONNX Runtime behind the Session protocol.

One session is shared by all inference threads: `OrtSession.run` may be called concurrently, and with
one thread inside each call, N calls at a time beat one call with N threads (measured; see
docs/performance.md), while the weights are in memory once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recognize_cli.engines import first_line, open_session, runtime_errors
from recognize_cli.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

ENGINE = "onnxruntime"


class OrtSession:
    """A model loaded in ONNX Runtime, on the CPU."""

    def __init__(self, model: Path, *, threads: int = 1) -> None:
        """Loads the model; ``threads`` are those inside one `run`. Raises EngineError."""
        try:
            self._failures = runtime_errors()
        except ImportError as error:
            raise EngineError(engine=ENGINE, problem=f"it cannot be imported ({error})") from error
        try:
            self._session = open_session(model, threads)
        except self._failures as error:
            raise EngineError(engine=ENGINE, problem=f"cannot load {model}: {first_line(error)}") from error
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
            raise EngineError(engine=ENGINE, problem=first_line(error)) from error
        return dict(zip(self._outputs, results, strict=True))

    def close(self) -> None:
        """Gives the model's memory back."""
        del self._session
