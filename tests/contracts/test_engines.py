"""What every engine's session promises; one line in `OPENERS` an engine."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from recognize_cli.engines.onnx import OrtSession
from recognize_cli.errors import EngineError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from recognize_cli.protocols import Session

OPENERS: dict[str, Callable[[Path], Session]] = {"onnxruntime": OrtSession}


@pytest.fixture(params=OPENERS)
def open_session(request: pytest.FixtureRequest) -> Callable[[Path], Session]:
    return OPENERS[request.param]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Doubles and sums the rows of [N, 3]."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("double", "sum")]
    nodes = [
        helper.make_node("Add", ["x", "x"], ["double"]),
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("Constant", [], ["three"], value_float=3.0),
        helper.make_node("Mul", ["mean", "three"], ["sum"]),
    ]
    graph = helper.make_graph(nodes, "made", [x], outputs)
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_inputs_and_outputs_are_named_in_order(open_session: Callable[[Path], Session], model: Path) -> None:
    session = open_session(model)
    assert (list(session.inputs), list(session.outputs)) == (["x"], ["double", "sum"])
    session.close()


@pytest.mark.parametrize("rows", [1, 7])
def test_a_run_gives_arrays_by_name(open_session: Callable[[Path], Session], model: Path, rows: int) -> None:
    session = open_session(model)
    x = np.arange(rows * 3, dtype=np.float32).reshape(rows, 3)
    results = session.run({"x": x})
    assert np.array_equal(results["double"], 2 * x)
    assert np.allclose(results["sum"], x.sum(1))
    session.close()


def test_threads_share_a_session(open_session: Callable[[Path], Session], model: Path) -> None:
    session = open_session(model)

    def once(value: int) -> bool:
        x = np.full((5, 3), value, np.float32)
        return bool((session.run({"x": x})["double"] == 2 * value).all())

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(once, range(200)))
    session.close()


@pytest.mark.parametrize(
    "feeds",
    [
        {},
        {"y": np.zeros((1, 3), np.float32)},
        {"x": np.zeros((1, 4), np.float32)},
        {"x": np.zeros((1, 3), np.int64)},
    ],
    ids=["nothing", "another name", "another shape", "another type"],
)
def test_what_does_not_fit_is_an_engine_error(
    open_session: Callable[[Path], Session], model: Path, feeds: dict[str, np.ndarray]
) -> None:
    session = open_session(model)
    with pytest.raises(EngineError) as caught:
        session.run(feeds)
    assert caught.value.exit_code is ExitCode.ENGINE
    assert "\n" not in str(caught.value)
    session.close()


@pytest.mark.parametrize("content", [b"", b"no model", None], ids=["empty", "junk", "absent"])
def test_a_file_that_is_no_model_is_an_engine_error(
    open_session: Callable[[Path], Session], tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "model.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EngineError, match=r"model\.onnx"):
        open_session(path)


def test_nothing_is_reported_to_the_makers_of_the_runtime(
    open_session: Callable[[Path], Session], model: Path
) -> None:
    open_session(model).close()
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
