"""Convolutions in 8 bits, of a made network that has all that a converter writes around them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from recognize_cli.engines.openvino import OpenVinoSession
from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert.quantization import features, quantize, scale_of
from tests.support.openvino import needs_openvino

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PICTURES = np.random.default_rng(3).normal(size=(4, 3, 12, 12)).astype(np.float32)
FEATURES = ["x", "clip_1", "clip_2", "narrow", "sum"]


def made_network() -> onnx.ModelProto:
    """Stem, filters of single channels, a projection that is added, an average: as in EfficientNet-Lite."""
    random = np.random.default_rng(4)

    def weights(name: str, *shape: int) -> list[onnx.TensorProto]:
        values = random.normal(size=shape) / np.sqrt(np.prod(shape[1:])) * 3
        values[0] = 0  # a channel that does nothing
        bias = random.normal(size=shape[0])
        return [
            numpy_helper.from_array(values.astype(np.float32), f"{name}.weight"),
            numpy_helper.from_array(bias.astype(np.float32), f"{name}.bias"),
        ]

    def convolution(x: str, name: str, output: str, **attributes: object) -> onnx.NodeProto:
        return helper.make_node("Conv", [x, f"{name}.weight", f"{name}.bias"], [output], **attributes)

    nodes = [
        helper.make_node("Identity", ["images"], ["x"]),
        convolution("x", "stem", "conv_1", pads=[1, 1, 1, 1]),
        helper.make_node("Clip", ["conv_1", "zero", "six"], ["clip_1"]),
        convolution("clip_1", "filters", "conv_2", pads=[0, 0, 2, 2], group=16, strides=[2, 2]),
        helper.make_node("Clip", ["conv_2", "zero", "six"], ["clip_2"]),
        convolution("clip_2", "project", "narrow"),
        helper.make_node("Add", ["narrow", "clip_2"], ["sum"]),
        helper.make_node("GlobalAveragePool", ["sum"], ["y"]),
    ]
    constants = [
        *weights("stem", 16, 3, 3, 3),
        *weights("filters", 16, 1, 3, 3),
        *weights("project", 16, 16, 1, 1),
        numpy_helper.from_array(np.float32(0), "zero"),
        numpy_helper.from_array(np.float32(6), "six"),
    ]
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 3, 12, 12])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 16, 1, 1])],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def run(model: onnx.ModelProto, *outputs: str) -> list[NDArray[np.float32]]:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    known = {each.name for each in copy.graph.output}
    extra = [
        helper.make_tensor_value_info(each, TensorProto.FLOAT, None) for each in outputs if each not in known
    ]
    copy.graph.output.extend(extra)
    session = onnxruntime.InferenceSession(copy.SerializeToString(), providers=["CPUExecutionProvider"])
    return [np.asarray(each) for each in session.run(list(outputs), {"images": PICTURES})]


def ranges_of(model: onnx.ModelProto) -> dict[str, list[float]]:
    arrays = run(model, *features(model))
    return {name: [float(each.min()), float(each.max())] for name, each in zip(FEATURES, arrays, strict=True)}


def test_features_are_what_convolutions_sums_and_averages_take() -> None:
    assert features(made_network()) == FEATURES


def test_it_gives_nearly_what_the_network_gives() -> None:
    network = made_network()
    [expected] = run(network, "y")
    [found] = run(quantize(network, ranges_of(network)), "y")
    assert 0 < np.abs(found - expected).max() < 0.05 * expected.std()


def test_onnx_runtime_computes_every_convolution_in_integers(tmp_path: Path) -> None:
    network = made_network()
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    quantized = quantize(network, ranges_of(network)).SerializeToString()
    onnxruntime.InferenceSession(quantized, options, providers=["CPUExecutionProvider"])
    kinds = Counter(node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node)
    assert (kinds["QLinearConv"], kinds["Conv"], kinds["Clip"]) == (3, 0, 0)


@needs_openvino
def test_openvino_gives_nearly_the_same(tmp_path: Path) -> None:
    network = made_network()
    quantized = quantize(network, ranges_of(network))
    onnx.save(quantized, tmp_path / "model.onnx")
    found = OpenVinoSession(tmp_path / "model.onnx").run({"images": PICTURES})["y"]
    [expected] = run(quantized, "y")
    assert np.abs(found - expected).max() < 0.02 * expected.std()


def test_weights_are_small_enough_for_cpus_that_add_products_in_16_bits() -> None:
    network = made_network()
    quantized = quantize(network, ranges_of(network))
    stored = {each.name: numpy_helper.to_array(each) for each in quantized.graph.initializer}
    peaks = {
        name: np.abs(stored[f"{name}.weight/stored"].astype(int)).max()
        for name in ("stem", "filters", "project")
    }
    assert peaks == {"stem": 64, "filters": 127, "project": 64}
    assert 2 * 255 * 64 < 2**15
    assert all(stored[f"{name}.bias/stored"].dtype == np.int32 for name in peaks)


def test_the_float_weights_are_left_out() -> None:
    network = made_network()
    quantized = quantize(network, ranges_of(network))
    assert not {"stem.weight", "stem.bias"} & {each.name for each in quantized.graph.initializer}
    assert "stem.weight" in {each.name for each in network.graph.initializer}


@pytest.mark.parametrize(
    "change", [{"sum": None}, {"another": [0.0, 1.0]}], ids=["one lacks", "one too many"]
)
def test_ranges_of_another_network_are_refused(change: dict[str, list[float] | None]) -> None:
    network = made_network()
    ranges = {name: ends for name, ends in {**ranges_of(network), **change}.items() if ends is not None}
    with pytest.raises(
        ConversionFailed, match=f"those of another network, as that of {next(iter(change))} shows"
    ):
        quantize(network, ranges)


def test_pixels_that_are_scaled_by_128_are_stored_as_they_were() -> None:
    assert scale_of(-127 / 128, 1.0) == (np.float32(1 / 128), 127)


def test_a_feature_that_is_always_0_has_a_scale() -> None:
    assert scale_of(0.0, 0.0) == (1.0, 0)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.floats(0, 1))
def test_no_value_of_a_range_moves_by_more_than_a_step(least: float, length: float, where: float) -> None:
    largest = least + length
    step, zero = scale_of(least, largest)
    value = least + where * length
    stored = np.clip(np.rint(value / float(step)) + int(zero), 0, 255)
    assert abs((stored - int(zero)) * float(step) - value) <= float(step) * 1.01
