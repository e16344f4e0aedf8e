"""What every engine's session promises; one line in `ADAPTERS` an engine."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from recognize_cli.engines.onnx import OrtSession
from recognize_cli.engines.openvino import OpenVinoSession
from recognize_cli.engines.tensorflow.session import TensorFlowSession
from recognize_cli.errors import EngineError, ExitCode
from tests.support.gpus import needs_gpu
from tests.support.openvino import needs_openvino
from tests.support.saved_models import DOUBLE_AND_SUM, make_saved_model, needs_tensorflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from recognize_cli.protocols import Session


def made_graph(folder: Path) -> Path:
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
    path = folder / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


class Adapter(NamedTuple):
    """How to open a model of an engine, how to make one in a folder, and the file in there to spoil."""

    open: Callable[[Path], Session]
    make: Callable[[Path], Path]
    file: str


ADAPTERS = {
    "onnxruntime": Adapter(OrtSession, made_graph, "model.onnx"),
    "onnxruntime on a GPU": Adapter(lambda path: OrtSession(path, gpu=0), made_graph, "model.onnx"),
    "openvino": Adapter(OpenVinoSession, made_graph, "model.onnx"),
    "tensorflow": Adapter(
        lambda path: TensorFlowSession(path.parent),
        lambda folder: make_saved_model(folder, DOUBLE_AND_SUM) / "saved_model.pb",
        "saved_model.pb",
    ),
}
NEEDS = {"onnxruntime on a GPU": needs_gpu, "openvino": needs_openvino, "tensorflow": needs_tensorflow}
ENGINES = [pytest.param(name, marks=NEEDS.get(name, ())) for name in ADAPTERS]


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Session]]:
    """Opens the made model of an engine; once, for TensorFlow takes seconds."""
    opened: dict[str, Session] = {}

    def session(name: str) -> Session:
        if name not in opened:
            adapter = ADAPTERS[name]
            opened[name] = adapter.open(adapter.make(tmp_path_factory.mktemp(name)))
        return opened[name]

    yield session
    for each in opened.values():
        each.close()


@pytest.fixture(params=ENGINES)
def session(request: pytest.FixtureRequest, sessions: Callable[[str], Session]) -> Session:
    return sessions(request.param)


def test_inputs_and_outputs_are_named_in_order(session: Session) -> None:
    assert (list(session.inputs), list(session.outputs)) == (["x"], ["double", "sum"])


@pytest.mark.parametrize("rows", [0, 1, 7])
def test_a_run_gives_arrays_by_name(session: Session, rows: int) -> None:
    x = np.arange(rows * 3, dtype=np.float32).reshape(rows, 3)
    results = session.run({"x": x})
    assert np.array_equal(results["double"], 2 * x)
    assert np.allclose(results["sum"], x.sum(1))
    assert (results["double"].dtype, results["sum"].shape) == (np.float32, (rows,))


def test_arrays_need_not_be_contiguous(session: Session) -> None:
    x = np.arange(24, dtype=np.float32).reshape(3, 8)[:, ::2].T[:, ::-1]
    assert np.array_equal(session.run({"x": x})["double"], 2 * x)


def test_threads_share_a_session(session: Session) -> None:
    def once(value: int) -> bool:
        x = np.full((5, 3), value, np.float32)
        return bool((session.run({"x": x})["double"] == 2 * value).all())

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(once, range(200)))


@pytest.mark.parametrize(
    "feeds",
    [
        {},
        {"y": np.zeros((1, 3), np.float32)},
        {"x": np.zeros((1, 4), np.float32)},
        {"x": np.zeros(3, np.float32)},
        {"x": np.zeros((1, 3), np.int64)},
    ],
    ids=["nothing", "another name", "another shape", "other axes", "another type"],
)
def test_what_does_not_fit_is_an_engine_error(session: Session, feeds: dict[str, np.ndarray]) -> None:
    with pytest.raises(EngineError) as caught:
        session.run(feeds)
    assert caught.value.exit_code is ExitCode.ENGINE
    assert "\n" not in str(caught.value)
    assert session.run({"x": np.ones((1, 3), np.float32)})["sum"] == [3]


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("content", [b"", b"no model", None], ids=["empty", "junk", "absent"])
def test_a_file_that_is_no_model_is_an_engine_error(tmp_path: Path, name: str, content: bytes | None) -> None:
    path = tmp_path / "made" / ADAPTERS[name].file
    path.parent.mkdir()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EngineError, match=str(path.parent)):
        ADAPTERS[name].open(path)


def test_nothing_is_reported_to_the_makers_of_onnx_runtime(tmp_path: Path) -> None:
    OrtSession(made_graph(tmp_path)).close()
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
