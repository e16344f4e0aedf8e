"""Damaged models: each gives ConversionFailed, with a message that leads to the place."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert.tfjs import convert
from recognize_cli.models.convert.tfjs.ops import EMITTERS
from tests.models.convert.tfjs.made import SAME, Made, attribute

if TYPE_CHECKING:
    from collections.abc import Iterator


def sample() -> tuple[Made, str]:
    """A graph with an op of each family."""
    made = Made()
    image = made.placeholder((-1, 4, 4, 3))
    weights = made.const(np.ones((3, 3, 3, 2), np.float32), "uint8")
    image = made.add(
        "_FusedConv2D", image, weights, made.const(np.ones(2)), **SAME, fused_ops=["BiasAdd", "Relu6"]
    )
    image = made.add("DepthwiseConv2dNative", image, made.const(np.ones((3, 3, 2, 1))), **SAME)
    image = made.add("MaxPool", image, ksize=[1, 2, 2, 1], **SAME)
    image = made.add("Pad", image, made.const(np.ones((4, 2), np.int32)))
    image = made.add("ConcatV2", image, image, made.const(np.int32(3)))
    image = made.add("Transpose", image, made.const(np.array([0, 2, 1, 3], np.int32)))
    shape = made.add("Shape", image)
    count = made.add("GatherV2", shape, made.const(np.array([0], np.int32)), made.const(np.int32(0)))
    rows = made.add("Prod", count, made.const(np.array([0], np.int32)))
    flat = made.add("Reshape", image, made.add("Pack", rows, made.const(np.int32(-1)), axis=0))
    mean = made.add("Mean", made.add("Mul", flat, flat), made.const(np.int32(1)), keep_dims=True)
    whole = made.add("Cast", made.add("Softmax", mean), DstT="DT_INT32")
    back = made.add("Cast", made.add("Squeeze", whole, squeeze_dims=[1]), DstT="DT_FLOAT")
    return made, made.add("ExpandDims", made.add("LeakyRelu", back, alpha=0.1), made.const(np.int32(0)))


def attempt(content: object, shard: bytes) -> None:
    """Converts; any exception but ConversionFailed is a failure of the test."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "group1-shard1of1.bin").write_bytes(shard)
        text = content if isinstance(content, bytes) else json.dumps(content).encode()
        (folder / "model.json").write_bytes(text)
        try:
            convert(folder / "model.json", folder, folder / "model.onnx")
        except ConversionFailed:
            assert not (folder / "model.onnx").exists()
        else:
            assert (folder / "model.onnx").exists()
        assert not (folder / "model.onnx.partial").exists()


def places(value: object) -> Iterator[tuple[Any, Any]]:
    """All containers with each of their keys or indices."""
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 5),
    st.integers(),
    st.floats(),
    st.text(max_size=4),
    st.sampled_from(
        ["", "images", "images:0", "images:1", "^images", "DT_INT32", "-1", "2147483647", "\ud800"]
    ),
    st.sampled_from(["const_0", "Shape_13", "U0FNRQ==", "VkFMSUQ="]),
    st.sampled_from(sorted(EMITTERS)),
    st.lists(st.integers(-2, 4).map(str), max_size=5),
    st.dictionaries(
        st.sampled_from(["i", "s", "b", "f", "list", "shape", "type", "size"]), st.integers(-1, 3)
    ),
)


@settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_mutated_models(data: st.DataObject) -> None:
    made, output = sample()
    model = copy.deepcopy(made.model([output]))
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(list(places(model))))
        change = data.draw(st.sampled_from(["replace", "delete", "swap", "repeat"]))
        if change == "delete":
            del container[key]
        elif change == "repeat" and isinstance(container, list):
            container.insert(key, container[key])
        elif change == "swap":
            _, other = data.draw(st.sampled_from(list(places(container))))
            if (
                other in container
                if isinstance(container, dict)
                else isinstance(other, int) and other < len(container)
            ):
                container[key], container[other] = container[other], container[key]
        else:
            container[key] = data.draw(JUNK)
    attempt(model, bytes(made.content))


@settings(deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_any_bytes(content: bytes) -> None:
    attempt(content, b"")


@settings(deadline=None)
@given(
    st.recursive(
        JUNK, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner)
    )
)
def test_any_json(content: object) -> None:
    attempt({"modelTopology": content, "weightsManifest": content}, b"")


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5000, b"\xff", b"", b"[]"])
def test_json_that_cannot_be_read(content: bytes) -> None:
    attempt(content, b"")


def test_a_missing_model(tmp_path: Path) -> None:
    with pytest.raises(ConversionFailed, match=r"model\.json cannot be read: No such file"):
        convert(tmp_path / "model.json", tmp_path, tmp_path / "model.onnx")


def test_a_chain_of_many_nodes(tmp_path: Path) -> None:
    made = Made()
    value = made.placeholder((-1,))
    for _ in range(3000):
        value = made.add("Relu", value)
    made.save(tmp_path, value)
    convert(tmp_path / "model.json", tmp_path, tmp_path / "model.onnx")


def failure(made: Made, output: str, folder: Path) -> str:
    made.save(folder, output)
    with pytest.raises(ConversionFailed) as caught:
        convert(folder / "model.json", folder, folder / "model.onnx")
    return str(caught.value)


def unsupported() -> Iterator[Any]:
    """Nodes that are refused: op, attributes, constants after the image, a part of the message."""
    kernel = np.ones((3, 3, 3, 2), np.float32)
    window = {"ksize": [1, 2, 2, 1], **SAME}
    none = np.array([], np.int32)
    yield "FusedBatchNormV3", {}, [], "the op FusedBatchNormV3 is not supported"
    yield "Conv2D", {**SAME, "data_format": "NCHW"}, [kernel], "its data_format is not NHWC"
    yield "Conv2D", {**SAME, "strides": [2, 1, 1, 1]}, [kernel], "its strides are"
    yield "Conv2D", {**SAME, "strides": [1, 0, 1, 1]}, [kernel], "its strides are"
    yield "Conv2D", {**SAME, "strides": [1, 1]}, [kernel], "its strides are"
    yield "Conv2D", {"padding": "SAME"}, [kernel], "the attribute strides is not a list"
    yield "Conv2D", {**SAME, "padding": "CAUSAL"}, [kernel], "its padding CAUSAL"
    yield "Conv2D", {**SAME, "padding": "EXPLICIT"}, [kernel], "the attribute explicit_paddings"
    yield "Conv2D", {**SAME, "strides": [1, 2, 2, 1], "dilations": [1, 2, 2, 1]}, [kernel], "its padding SAME"
    yield "Conv2D", SAME, [], "it has 1 inputs instead of 2"
    yield "Conv2D", SAME, [kernel.astype(np.int32)], "its input 1 is of int64 instead of float32"
    yield "Conv2D", SAME, [kernel[0]], "its input 1 has 3 axes instead of 4"
    yield "_FusedConv2D", {**SAME, "fused_ops": ["FusedBatchNorm"]}, [kernel], "it fuses FusedBatchNorm"
    yield "_FusedConv2D", {**SAME, "fused_ops": ["BiasAdd"]}, [kernel], "it has 2 inputs instead of 3"
    yield "MaxPool", {**window, "strides": [1, 3, 3, 1]}, [], "smaller than its stride"
    yield "Reshape", {}, [np.array([[1]], np.int32)], "its input 1 has 2 axes instead of 1"
    yield "Mean", {}, [np.array([4], np.int32)], "there is no axis 4 in 4 axes"
    yield "Mean", {}, [np.array([1, -3], np.int32)], "names an axis twice"
    yield "Mean", {}, [np.array([1.0])], "is of float32 instead of int64"
    yield "Transpose", {}, [np.array([0, 1], np.int32)], "it permutes 2 of 4 axes"
    yield "Squeeze", {}, [], "it does not say which axes it removes"
    yield "Pad", {}, [np.full((4, 2), -1, np.int32)], "its paddings are not two sizes"
    yield "Pad", {}, [none], "its paddings are not two sizes"
    yield "ExpandDims", {}, [none], "its input 1 has 0 elements instead of one"
    yield "GatherV2", {"batch_dims": 1}, [none, np.int32(0)], "its batch_dims are not 0"
    yield "MatMul", {}, [np.ones((3, 3))], "its input 0 has 4 axes instead of 2"
    yield "ConcatV2", {}, [np.ones(3), np.int32(0)], "it joins values that differ"
    yield "Mul", {}, [np.int32(2)], "its inputs are of float32 and int64"
    yield "Cast", {"DstT": "DT_STRING"}, [], "the attribute DstT is 'DT_STRING', which is not supported"
    yield "Prelu", {}, [np.ones((2, 1, 1, 1, 3))], "more axes than what it is applied to"


@pytest.mark.parametrize(("op", "attributes", "constants", "message"), list(unsupported()))
def test_the_message_names_the_node_and_the_op(
    op: str, attributes: dict[str, Any], constants: list[Any], message: str, tmp_path: Path
) -> None:
    made = Made()
    image = made.placeholder((-1, 4, 4, 3))
    output = made.add(op, image, *map(made.const, constants), name="the/culprit", **attributes)
    text = failure(made, output, tmp_path)
    assert f"the node 'the/culprit' ({op}): " in text
    assert message in text


def test_a_filter_that_is_computed(tmp_path: Path) -> None:
    made = Made()
    image = made.placeholder((3, 3, 3, 3))
    assert "its input 1 is computed; only a constant" in failure(
        made, made.add("Conv2D", image, image, **SAME), tmp_path
    )


def test_a_shape_whose_length_is_computed(tmp_path: Path) -> None:
    made = Made()
    image = made.placeholder((-1, 4))
    sizes = made.add("Mul", made.add("Shape", image), made.const(np.array([1, 1], np.int32)))
    text = failure(made, made.add("Reshape", image, sizes), tmp_path)
    assert "the number of axes of its result depends on the input" in text


def test_a_constant_without_a_weight(tmp_path: Path) -> None:
    made = Made()
    output = made.add("Add", made.placeholder((-1, 4)), "lost")
    made.nodes.append({"name": "lost", "op": "Const"})
    assert "the node 'lost' (Const): the manifest has no weight for it" in failure(made, output, tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("dtype", "DT_UINT8", "only inputs of DT_FLOAT are supported"),
        ("shape", None, "the attribute shape is not an object"),
    ],
)
def test_inputs(key: str, value: Any, message: str, tmp_path: Path) -> None:
    made = Made()
    output = made.add("Relu", made.placeholder((-1, 4)))
    made.nodes[0]["attr"][key] = attribute(value) if value else {"shape": None}
    assert f"the node 'images' (Placeholder): {message}" in failure(made, output, tmp_path)


def test_filters_that_do_not_fit(tmp_path: Path) -> None:
    made = Made()
    image = made.placeholder((-1, 4, 4, 3))
    output = made.add("Conv2D", image, made.const(np.ones((3, 3, 5, 2))), name="the/culprit", **SAME)
    assert "the filter of 'the/culprit' takes 5 channels, its image has 3" in failure(made, output, tmp_path)


def test_sizes_that_do_not_fit(tmp_path: Path) -> None:
    """ONNX itself finds these, and its message has the node's name too."""
    made = Made()
    output = made.add("Add", made.placeholder((-1, 3)), made.const(np.ones(4)), name="the/culprit")
    text = failure(made, output, tmp_path)
    assert "the graph contradicts itself" in text
    assert "op_type:Add, node name: the/culprit" in text
