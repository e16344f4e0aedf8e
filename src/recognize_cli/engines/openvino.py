"""OpenVINO behind the Session protocol: the same ONNX files, faster on some CPUs.

One compiled model is shared by all inference threads. As with ONNX Runtime there is one thread inside each
`run`, and as many calls at a time as there are cores; each borrows one of a pool of infer requests.
"""

from __future__ import annotations

import queue
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from recognize_cli.errors import EngineError
from recognize_cli.hardware import probe
from recognize_cli.heap import trim

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

ENGINE = "openvino"
_FIRST = threading.Lock()
"""Held while the package is imported and made ready."""

_OUTPUT_SUFFIX = "/sink_port_0"

_UNWANTED = ("openvino_telemetry", "openvino.tools.ovc")
"""What reports to OpenVINO's makers when it is imported, and writes into the home folder, unless somebody has
declined in a file there. The second is the converter of other formats, which would import the first."""


class OpenVinoSession:
    """A model compiled by OpenVINO, for the CPU. Nothing that it compiled is kept on disk."""

    def __init__(self, model: Path, *, calls: int | None = None, bfloat16: bool = False) -> None:
        """Loads the model; ``calls`` of `run` work at a time, by default as many as there are usable cores.

        With ``bfloat16`` it computes in that what the file has in float32; the CPU must be able to. Raises
        EngineError.
        """
        with _FIRST:
            openvino = _imported()
        self._failures = _failures(openvino)
        calls = calls or probe().cores
        try:
            # Core.read_model would try the readers of all formats, some of which write to stderr.
            reader = openvino.frontend.FrontEndManager().load_by_framework("onnx")
            graph = reader.convert(reader.load(str(model)))
            self._model = openvino.Core().compile_model(graph, "CPU", _settings(calls, bfloat16=bfloat16))
            self._inputs = {_name(each): each for each in self._model.inputs}
            self._types = {name: port.element_type.to_dtype() for name, port in self._inputs.items()}
            self._outputs = {_name(each): each for each in self._model.outputs}
            requests = [self._model.create_infer_request() for _ in range(calls)]
            del graph
            trim()  # to compile a model takes its size besides
        except self._failures as error:
            raise EngineError(engine=ENGINE, problem=f"cannot load {model}: {_cause(error)}") from error
        if not self._outputs:  # as of an empty file
            raise EngineError(engine=ENGINE, problem=f"cannot load {model}: it has no output")
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for request in requests:
            self._idle.put(request)

    @property
    def inputs(self) -> Sequence[str]:
        """The names of the model's inputs, in order."""
        return tuple(self._inputs)

    @property
    def outputs(self) -> Sequence[str]:
        """The names of the model's outputs, in order."""
        return tuple(self._outputs)

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Runs the model on named arrays, first axis the batch; raises EngineError."""
        arrays = self._checked(feeds)
        with self._request() as request:
            try:
                results = request.infer(list(arrays.values()))
                # Copies, because the request writes its next results to the same place.
                return {name: np.array(results[port]) for name, port in self._outputs.items()}
            except self._failures as error:
                raise EngineError(engine=ENGINE, problem=_cause(error)) from error

    def close(self) -> None:
        """Gives the model's memory back."""
        del self._model, self._inputs, self._outputs, self._idle

    @contextmanager
    def _request(self) -> Iterator[Any]:
        """An infer request that nobody else uses meanwhile."""
        request = self._idle.get()
        try:
            yield request
        finally:
            self._idle.put(request)

    def _checked(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The arrays as OpenVINO takes them; EngineError where it would convert them, or keep older ones."""
        if feeds.keys() != self._inputs.keys():
            problem = f"it takes {', '.join(self._inputs)}, not {', '.join(feeds) or 'nothing'}"
            raise EngineError(engine=ENGINE, problem=problem)
        for name, array in feeds.items():
            wanted = self._inputs[name]
            if array.dtype != self._types[name]:
                problem = f"{name} is to be {self._types[name]}, not {array.dtype}"
                raise EngineError(engine=ENGINE, problem=problem)
            if not _fits(wanted.partial_shape, array):
                problem = f"{name} is to be {wanted.partial_shape}, not {list(array.shape)}"
                raise EngineError(engine=ENGINE, problem=problem)
        return {name: np.ascontiguousarray(feeds[name]) for name in self._inputs}


def _imported() -> Any:
    """The package, without the parts of it that nobody asked for; raises EngineError."""
    for name in _UNWANTED:
        # None is what Python takes for a module that cannot be imported, which the package is prepared for.
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    try:
        import openvino
        import openvino.frontend
    except ImportError as error:
        remedy = "install it with `pip install 'recognize-cli[openvino]'`"
        raise EngineError(engine=ENGINE, problem=f"it cannot be imported ({error}); {remedy}") from error
    _rehearse(openvino)
    return openvino


def _rehearse(openvino: Any) -> None:
    """Runs a model of nothing, with nobody else at it.

    The binding makes tables when it first converts an array, and lets go of Python's lock meanwhile: two
    threads that are the first to run models may wait for each other for ever.
    """
    here = openvino.op.Parameter(openvino.Type.f32, openvino.Shape([1]))
    model = openvino.Model([openvino.opset13.relu(here)], [here])
    compiled = openvino.Core().compile_model(model, "CPU", _settings(1, bfloat16=False))
    [result] = compiled.create_infer_request().infer([np.zeros(1, np.float32)]).values()
    np.array(result)
    compiled.inputs[0].element_type.to_dtype()


def _failures(openvino: Any) -> tuple[type[Exception], ...]:
    """What its binding raises: the classes of its readers, and built-in ones."""
    own = [
        value
        for value in vars(openvino.frontend).values()
        if isinstance(value, type) and issubclass(value, Exception)
    ]
    return (*own, RuntimeError, ValueError, TypeError, LookupError, MemoryError)


def _settings(calls: int, *, bfloat16: bool) -> dict[str, object]:
    """So many calls at a time with a thread each, which the system may move from core to core."""
    return {
        "NUM_STREAMS": calls,
        "INFERENCE_NUM_THREADS": calls,
        "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 else "f32",
        "ENABLE_CPU_PINNING": False,
    }


def _name(port: Any) -> str:
    """What the ONNX file calls an input or output, which may have other names inside of OpenVINO."""
    return str(port.node.friendly_name).removesuffix(_OUTPUT_SUFFIX)


def _fits(shape: Any, array: NDArray[Any]) -> bool:
    """Whether an array has a (partial) shape."""
    return shape.rank.get_length() == array.ndim and all(
        wanted.is_dynamic or wanted.get_length() == length
        for wanted, length in zip(shape, array.shape, strict=True)
    )


def _cause(error: Exception) -> str:
    """What went wrong; the lines before the last tell where in OpenVINO's own code."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
