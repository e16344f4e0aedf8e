"""ONNX Runtime behind the Session protocol.

One session is shared by all inference threads: `OrtSession.run` may be called concurrently, and with
one thread inside each call, N calls at a time beat one call with N threads (measured; see
docs/performance.md), while the weights are in memory once.

On an NVIDIA GPU, too, where ONNX Runtime is the one for GPUs; `check_gpu` tells whether that works.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recognize_cli.engines import first_line, open_session, runtime_errors, shrink_arena, turns
from recognize_cli.errors import EngineError, GpuUnusable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

ENGINE = "onnxruntime"


class OrtSession:
    """A model loaded in ONNX Runtime, on the CPU or on a GPU."""

    def __init__(self, model: Path, *, threads: int = 1, gpu: int | None = None) -> None:
        """Loads the model; ``threads`` are those inside one `run`, ``gpu`` is the number of an NVIDIA GPU.

        Raises EngineError.
        """
        try:
            self._failures = runtime_errors()
        except ImportError as error:
            raise EngineError(engine=ENGINE, problem=f"it cannot be imported ({error})") from error
        try:
            self._session = open_session(model, threads, gpu)
        except self._failures as error:
            raise EngineError(engine=ENGINE, problem=f"cannot load {model}: {first_line(error)}") from error
        self._turns = turns(gpu)
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
            with self._turns:
                results = self._session.run(None, dict(feeds))
        except self._failures as error:
            raise EngineError(engine=ENGINE, problem=first_line(error)) from error
        return dict(zip(self._outputs, results, strict=True))

    def close(self) -> None:
        """Gives the model's memory back."""
        del self._session
        shrink_arena()


def check_gpu(number: int) -> None:
    """Runs a convolution on an NVIDIA GPU, which needs all that models need; raises GpuUnusable.

    To be called before other threads are at work: it keeps what ONNX Runtime writes away from stdout.
    """
    try:
        failures = runtime_errors()
    except ImportError as error:
        raise GpuUnusable(gpu=number, problem=f"{ENGINE} cannot be imported ({error})") from error
    try:
        [sums] = open_session(_sums(), 1, number).run(None, {"x": np.full((1, 8, 9, 9), _FINE, np.float32)})
    except failures as error:
        raise GpuUnusable(gpu=number, problem=first_line(error)) from error
    if not np.allclose(sums, 8 * 9 * _FINE, rtol=1e-5):
        raise GpuUnusable(gpu=number, problem="it does not compute in float32")


_FINE = 1 + 2**-12
"""Has more digits than a float has in TF32 or bfloat16."""


def _sums() -> bytes:
    """An ONNX file that sums 3×3 squares over 8 channels."""
    from onnx import TensorProto, helper

    floats = TensorProto.FLOAT
    ones = helper.make_tensor("ones", floats, [8, 8, 3, 3], [1.0] * 576)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "ones"], ["sums"])],
        "sums",
        [helper.make_tensor_value_info("x", floats, [1, 8, 9, 9])],
        [helper.make_tensor_value_info("sums", floats, [1, 8, 7, 7])],
        [ones],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())
