"""ONNX Runtime on GPUs, and what it says where there are none. What all engines promise: tests/contracts."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from recognize_cli.engines import first_line, open_session, turns
from recognize_cli.engines.onnx import OrtSession, check_gpu
from recognize_cli.errors import EngineError, ExitCode, GpuUnusable
from tests.support.gpus import FOR_GPUS, HAS_GPU, needs_gpu

if TYPE_CHECKING:
    from pathlib import Path

DEVICES = [pytest.param(None, id="cpu"), pytest.param(0, id="gpu", marks=needs_gpu)]
without_gpu = pytest.mark.skipif(FOR_GPUS and HAS_GPU, reason="models run on the GPU here")


def save(path: Path, node: onnx.NodeProto, x: int, size: list[object], **constants: np.ndarray) -> Path:
    """A model of one operation, from x of a type and size to y."""
    graph = helper.make_graph(
        [node],
        "made",
        [helper.make_tensor_value_info("x", x, size)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def convolution(path: Path) -> Path:
    """Many products of numbers between 0 and 1 in each sum."""
    kernel = np.random.default_rng(1).random((64, 32, 3, 3), np.float32)
    node = helper.make_node("Conv", ["x", "kernel"], ["y"])
    return save(path, node, TensorProto.FLOAT, ["N", 32, "H", "W"], kernel=kernel)


@without_gpu
def test_a_gpu_that_cannot_be_used_says_what_to_do(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(GpuUnusable) as caught:
        check_gpu(0)
    assert caught.value.exit_code is ExitCode.ENGINE
    expected = "cannot open shared object file" if FOR_GPUS else "for CPUs only; `pip uninstall onnxruntime"
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@without_gpu
def test_a_model_never_runs_on_the_cpu_where_a_gpu_was_asked_for(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = convolution(tmp_path / "model.onnx")
    OrtSession(path).close()
    with pytest.raises(EngineError, match=f"cannot load {path}: "):
        OrtSession(path, gpu=0)
    assert capfd.readouterr() == ("", "")


@needs_gpu
def test_a_gpu_that_works() -> None:
    check_gpu(0)
    with pytest.raises(GpuUnusable, match="GPU 999"):
        check_gpu(999)


@needs_gpu
def test_a_gpu_computes_what_the_cpu_computes(tmp_path: Path) -> None:
    """In TF32 the difference would be a hundred times as large."""
    path = convolution(tmp_path / "model.onnx")
    session, exact = OrtSession(path, gpu=0), OrtSession(path)
    assert open_session(path, 1, 0).get_providers()[0] == "CUDAExecutionProvider"
    for height, width in ((16, 16), (40, 23), (16, 16)):
        x = np.random.default_rng(height).random((2, 32, height, width), np.float32)
        assert np.allclose(session.run({"x": x})["y"], exact.run({"x": x})["y"], rtol=1e-5)


@pytest.mark.parametrize("gpu", DEVICES)
def test_too_little_memory_is_an_error_of_that_run_only(tmp_path: Path, gpu: int | None) -> None:
    node = helper.make_node("ConstantOfShape", ["x"], ["y"])
    session = OrtSession(save(tmp_path / "model.onnx", node, TensorProto.INT64, [2]), gpu=gpu)
    with pytest.raises(EngineError):
        session.run({"x": np.array([1 << 20, 1 << 30])})  # four pebibytes
    assert session.run({"x": np.array([2, 3])})["y"].shape == (2, 3)


def test_two_runs_at_a_time_work_on_a_gpu_and_any_number_on_the_cpu() -> None:
    gpu = turns(0)
    assert isinstance(gpu, threading.BoundedSemaphore)
    with gpu, gpu:
        assert not gpu.acquire(blocking=False)
    with turns(None) as cpu:
        assert cpu is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "/src/cuda_call.cc:154 std::x CudaCall(int) [with bool THRW = true; SUCCTYPE = cudaError]"
            " CUDA failure 35: CUDA driver version is insufficient ; GPU=-1 ; hostname=vm ; line=1; \n\n",
            "CUDA failure 35: CUDA driver version is insufficient",
        ),
        ("CUDNN failure 1001: NOT_INITIALIZED ; GPU=0 ; x", "CUDNN failure 1001: NOT_INITIALIZED"),
        (
            "CUBLAS failure 3: the resource allocation failed",
            "CUBLAS failure 3: the resource allocation failed",
        ),
        ("[ONNXRuntimeError] : 6 : no memory\nmore", "[ONNXRuntimeError] : 6 : no memory"),
        ("", "RuntimeError"),
    ],
)
def test_what_an_error_says_stands_on_one_line(text: str, line: str) -> None:
    assert first_line(RuntimeError(text)) == line
