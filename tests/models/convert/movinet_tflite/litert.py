"""A MoViNet stream run by its own runtime, frame by frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    State = dict[Any, NDArray[Any]]


def probabilities(model: Path, clip: NDArray[np.uint8]) -> NDArray[np.float64]:
    """After the last frame of a clip [frames, side, side, 3]. Skips the test without LiteRT."""
    interpreter = pytest.importorskip("ai_edge_litert.interpreter").Interpreter(str(model), num_threads=1)
    interpreter.allocate_tensors()
    step = _by_signature(interpreter) if interpreter.get_signature_list() else _by_order(interpreter)
    state: State = {}
    for frame in clip:
        logits, state = step((frame.astype(np.float32) / 255)[None, None], state)
    exponentials = np.exp(logits[0].astype(np.float64) - logits.max())
    return np.asarray(exponentials / exponentials.sum())


def _by_signature(interpreter: Any) -> Any:
    runner = interpreter.get_signature_runner()
    empty = {
        name: np.zeros(each["shape"], each["dtype"]) for name, each in runner.get_input_details().items()
    }

    def step(image: NDArray[np.float32], state: State) -> tuple[NDArray[Any], State]:
        answer = runner(**{**empty, **state, "image": image})
        return answer.pop("logits"), answer

    return step


def _by_order(interpreter: Any) -> Any:
    """Of the made network: the image comes first, the scores last, what is remembered between."""
    first, *inputs = interpreter.get_input_details()
    *outputs, last = interpreter.get_output_details()

    def step(image: NDArray[np.float32], state: State) -> tuple[NDArray[Any], State]:
        interpreter.set_tensor(first["index"], image)
        for number, each in enumerate(inputs):
            interpreter.set_tensor(each["index"], state.get(number, np.zeros(each["shape"], each["dtype"])))
        interpreter.invoke()
        answers = {number: interpreter.get_tensor(each["index"]) for number, each in enumerate(outputs)}
        return interpreter.get_tensor(last["index"]), answers

    return step
