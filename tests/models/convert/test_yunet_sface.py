"""YuNet and SFace as they are stored: the same answers, for any size and any number of pictures.

The landmarks beside them are face-api's; test_face_api.py is about those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert.yunet_sface import convert
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.store import Store
from tests.models.convert.face_networks import NETWORKS, SIDES, Maker

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

YUNET, SFACE = "face_detection_yunet_2023mar.onnx", "face_recognition_sface_2021dec.onnx"
SLOPES = np.array([-0.5, 0.25, 1.75], np.float32)
"""Of the three channels: PReLU takes any slope, and the real network has all three sorts."""


def model(
    shape: list[int], outputs: list[str], nodes: list[onnx.NodeProto], weights: list[TensorProto]
) -> onnx.ModelProto:
    """A network of the age of the zoo's: weights among the inputs, every shape written down."""
    given = helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)
    listed = [helper.make_tensor_value_info(each.name, each.data_type, each.dims) for each in weights]
    answers = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4, 1]) for name in outputs]
    graph = helper.make_graph(nodes, "made", [given, *listed], answers, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)


def yunet() -> onnx.ModelProto:
    """Twelve outputs, each the blue channel in cells of 32 pixels, a row a cell."""
    shape = numpy_helper.from_array(np.array([1, -1, 1]), "shape")
    channel = numpy_helper.from_array(np.array([[[[1.0]], [[0]], [[0]]]], np.float32), "channel")
    nodes = [
        helper.make_node("Conv", ["input", "channel"], ["blue"]),
        helper.make_node("AveragePool", ["blue"], ["cells"], kernel_shape=[32, 32], strides=[32, 32]),
    ]
    names = [f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in (8, 16, 32)]
    nodes += [helper.make_node("Reshape", ["cells", "shape"], [name]) for name in names]
    return model([1, 3, 64, 64], names, nodes, [shape, channel])


def sface() -> onnx.ModelProto:
    """PReLU, then the mean of each channel."""
    slopes = numpy_helper.from_array(SLOPES.reshape(3, 1, 1), "slopes")
    nodes = [
        helper.make_node("PRelu", ["input", "slopes"], ["bent"]),
        helper.make_node("GlobalAveragePool", ["bent"], ["means"]),
        helper.make_node("Squeeze", ["means"], ["fc1"], axes=[3]),
    ]
    made = model([1, 3, 112, 112], ["fc1"], nodes, [slopes])
    made.graph.output[0].CopyFrom(helper.make_tensor_value_info("fc1", TensorProto.FLOAT, [1, 3, 1]))
    return made


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "files"
    folder.mkdir()
    onnx.save(yunet(), folder / YUNET)
    onnx.save(sface(), folder / SFACE)
    maker = Maker(0)
    NETWORKS["landmarks"](np.zeros((SIDES["landmarks"],) * 2 + (3,)), maker)
    for name, data in maker.files("landmarks").items():
        (folder / name).write_bytes(data)
    return {path.name: path for path in folder.iterdir()}


def run(path: Path, pixels: NDArray[np.float32]) -> list[NDArray[Any]]:
    """All outputs of a stored graph, which has one input."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    [given] = session.get_inputs()
    return list(session.run(None, {given.name: pixels}))


def test_the_detector_takes_pictures_of_any_size(files: dict[str, Path], tmp_path: Path) -> None:
    convert(files, tmp_path, side=None)
    picture = np.zeros((1, 3, 96, 160), np.float32)
    picture[0, 0, 32:64, 64:96] = 100
    outputs = run(tmp_path / "detector.onnx", picture)
    assert len(outputs) == 12
    expected = np.zeros((1, 15, 1))
    expected[0, 7] = 100
    for output in outputs:
        assert output == pytest.approx(expected)


def test_the_descriptor_takes_many_faces_and_bends_as_before(files: dict[str, Path], tmp_path: Path) -> None:
    convert(files, tmp_path, side=None)
    faces = np.random.default_rng(1).normal(size=(3, 3, 112, 112)).astype(np.float32)
    [together] = run(tmp_path / "descriptor.onnx", faces)
    expected = np.where(faces > 0, faces, faces * SLOPES.reshape(3, 1, 1)).mean(axis=(2, 3))
    assert together[..., 0] == pytest.approx(expected, abs=1e-5)
    kinds = {node.op_type for node in onnx.load(tmp_path / "descriptor.onnx").graph.node}
    assert "PRelu" not in kinds


def test_weights_are_no_inputs(files: dict[str, Path], tmp_path: Path) -> None:
    convert(files, tmp_path, side=None)
    for name, given in (("detector", "input"), ("descriptor", "input"), ("landmarks", "image")):
        graph = onnx.load(tmp_path / f"{name}.onnx").graph
        assert [each.name for each in graph.input] == [given]


@pytest.mark.parametrize("missing", [YUNET, SFACE])
def test_both_networks_are_needed(files: dict[str, Path], tmp_path: Path, missing: str) -> None:
    del files[missing]
    with pytest.raises(ConversionFailed, match="one file of this name is expected, not 0"):
        convert(files, tmp_path, side=None)


@pytest.mark.parametrize("content", [b"", b"no network", b"\xff" * 64])
def test_what_is_no_network_is_refused(files: dict[str, Path], tmp_path: Path, content: bytes) -> None:
    files[SFACE].write_bytes(content)
    with pytest.raises(ConversionFailed, match=SFACE):
        convert(files, tmp_path, side=None)


def test_another_network_is_refused(files: dict[str, Path], tmp_path: Path) -> None:
    onnx.save(yunet(), files[SFACE])
    with pytest.raises(ConversionFailed, match="12 outputs, not 1 and 1"):
        convert(files, tmp_path, side=None)


@pytest.mark.model
def test_the_real_networks_take_what_their_pipeline_gives_them(model_store: Path) -> None:
    graphs = Store(model_store).open_model(load_lock().entry("yunet-sface")).graphs
    picture = np.zeros((1, 3, 64, 96), np.float32)
    outputs = run(graphs["detector"], picture)
    cells = [96, 24, 6] * 4
    numbers = [1] * 6 + [4] * 3 + [10] * 3
    assert [output.shape[1:] for output in outputs] == list(zip(cells, numbers, strict=True))
    faces = np.random.default_rng(0).uniform(0, 255, (2, 3, 112, 112)).astype(np.float32)
    [together] = run(graphs["descriptor"], faces)
    [alone] = run(graphs["descriptor"], faces[1:])
    assert together.shape == (2, 128)
    assert together[1] == pytest.approx(alone[0], abs=1e-3)
