"""Each op on made graphs, under ONNX Runtime, against TensorFlow's semantics in NumPy."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from recognize_cli.models.convert.tfjs import convert
from tests.models.convert.tfjs.evaluator import evaluate
from tests.models.convert.tfjs.made import SAME, Made, numbers, run
from tests.models.convert.tfjs.networks import BINARY, INPUT, UNARY, networks

if TYPE_CHECKING:
    from numpy.typing import NDArray

slow_start = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)

ACTIVATIONS = ["Relu", "Relu6", "Elu", "Sigmoid", "LeakyRelu", "Prelu"]


def agree(made: Made, feeds: dict[str, NDArray[Any]], *outputs: str, tolerance: float = 1e-5) -> None:
    """Converts, runs, and compares with the yardstick; errors are relative to the largest value."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = made.save(folder, *outputs, shard_size=101)  # cuts through numbers
        convert(folder / "model.json", folder, folder / "model.onnx")
        onnx.checker.check_model(folder / "model.onnx", full_check=True)
        found = run(folder / "model.onnx", {f"{name}:0": feed for name, feed in feeds.items()})
    for actual, expected in zip(found, evaluate(model, made.weights, feeds), strict=True):
        assert actual.shape == expected.shape
        scale = max(1.0, float(np.abs(expected).max(initial=0)))
        np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * scale)


@st.composite
def convolutions(draw: st.DrawFn) -> dict[str, Any]:
    """The parameters of a convolution that TensorFlow accepts and whose result is not empty."""
    sizes = st.integers(1, 4)
    dilations = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    strides = draw(st.tuples(sizes, sizes)) if dilations == (1, 1) else (1, 1)
    kernel = draw(st.tuples(sizes, sizes))
    padding = draw(st.sampled_from(["SAME", "VALID", "EXPLICIT"]))
    explicit = draw(st.lists(st.integers(0, 3), min_size=4, max_size=4)) if padding == "EXPLICIT" else []
    least = [(size - 1) * dilation + 1 for size, dilation in zip(kernel, dilations, strict=True)]
    return {
        "image": (draw(st.integers(1, 2)), *(draw(st.integers(low, low + 6)) for low in least), draw(sizes)),
        "kernel": kernel,
        "depth": draw(sizes),
        "attributes": {
            "strides": [1, *strides, 1],
            "dilations": [1, *dilations, 1],
            "padding": padding,
            "explicit_paddings": [0, 0, *explicit, 0, 0] if explicit else [],
            "data_format": "NHWC",
        },
    }


@slow_start
@given(convolutions(), st.booleans(), st.booleans(), st.sampled_from([None, *ACTIVATIONS]))
def test_convolutions(case: dict[str, Any], depthwise: bool, bias: bool, activation: str | None) -> None:
    made, image = Made(), case["image"]
    made.placeholder((-1, -1, -1, image[3]))
    inputs = ["images", made.const(numbers((*case["kernel"], image[3], case["depth"])))]
    depth = case["depth"] * (image[3] if depthwise else 1)
    fused = [*(["BiasAdd"] if bias else []), *([activation] if activation else [])]
    if bias:
        inputs.append(made.const(numbers((depth,))))
    if activation == "Prelu":
        inputs.append(made.const(numbers((depth,), seed=1)))
    plain, fusing = (
        ("DepthwiseConv2dNative", "FusedDepthwiseConv2dNative") if depthwise else ("Conv2D", "_FusedConv2D")
    )
    attrs = {**case["attributes"], **({"fused_ops": fused} if fused else {})}
    result = made.add(fusing if fused else plain, *inputs, **attrs)
    agree(made, {"images": numbers(image)}, result)


@slow_start
@given(convolutions(), st.sampled_from(["MaxPool", "AvgPool"]))
def test_pooling(case: dict[str, Any], op: str) -> None:
    attrs = {**case["attributes"], "ksize": [1, *case["kernel"], 1]}
    attrs.pop("dilations")
    pads = attrs["explicit_paddings"][2:6]
    too_wide = any(pad >= case["kernel"][at // 2] for at, pad in enumerate(pads))
    if attrs["padding"] == "EXPLICIT" and (op == "AvgPool" or too_wide):
        attrs["padding"] = "VALID"  # TensorFlow has no such pooling
    if attrs["padding"] == "SAME" and case["kernel"] != (1, 1):
        attrs["strides"] = [min(pair) for pair in zip(attrs["strides"], attrs["ksize"], strict=True)]
    made = Made()
    made.placeholder((-1, -1, -1, case["image"][3]))
    agree(made, {"images": numbers(case["image"])}, made.add(op, "images", **attrs))


@pytest.mark.parametrize("op", [*UNARY, "Exp", "Tanh"])
@pytest.mark.parametrize("rank", [1, 2, 4])
def test_unary(op: str, rank: int) -> None:
    made = Made()
    made.placeholder((-1, 3, 4, 2)[:rank])
    agree(made, {"images": 3 * numbers((2, 3, 4, 2)[:rank])}, made.add(op, "images"))


@pytest.mark.parametrize("op", ["Sqrt", "Rsqrt"])
def test_roots(op: str) -> None:
    made = Made()
    made.placeholder((-1, 3))
    agree(made, {"images": np.abs(numbers((2, 3))) + 0.1}, made.add(op, "images"))


@slow_start
@given(
    st.sampled_from([*BINARY, "RealDiv"]),
    hnp.mutually_broadcastable_shapes(num_shapes=2, min_dims=0, max_dims=5, max_side=3),
    st.sampled_from(["computed", "first", "second"]),
)
def test_binary_broadcasts(op: str, shapes: hnp.BroadcastableShapes, constant: str) -> None:
    made, feeds = Made(), {}
    inputs = []
    for name, shape in zip(("first", "second"), shapes.input_shapes, strict=True):
        array = numbers(shape, away_from_zero=op == "RealDiv")
        if name == constant:
            inputs.append(made.const(array))
        else:
            inputs.append(made.placeholder(shape, name))
            feeds[name] = array
    agree(made, feeds, made.add(op, *inputs))


@slow_start
@given(
    st.sampled_from(BINARY),
    st.sampled_from(
        [(), (1,), (3,), (4, 3), (5, 1, 3), (5, 4, 1), (1, 5, 4, 3), (2, 1, 1, 1), (2, 1, 5, 4, 3)]
    ),
    st.booleans(),
    st.booleans(),
)
def test_binary_after_a_convolution(op: str, shape: tuple[int, ...], computed: bool, swap: bool) -> None:
    """The other side is broadcast along TensorFlow's axes, though the image lies channels first."""
    made = Made()
    made.placeholder((-1, 5, 4, 3))
    image = made.add("Conv2D", "images", made.const(numbers((1, 1, 3, 3))), **SAME)
    feeds: dict[str, NDArray[Any]] = {"images": numbers((2, 5, 4, 3))}
    other = made.placeholder(shape, "other") if computed else made.const(numbers(shape))
    if computed:
        feeds["other"] = numbers(shape)
    agree(made, feeds, made.add(op, *((other, image) if swap else (image, other))))


@slow_start
@given(
    st.sampled_from(["Max", "Mean", "Min", "Prod", "Sum"]),
    st.sets(st.integers(0, 3)),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_reductions(op: str, axes: set[int], negative: bool, keep: bool, convolved: bool) -> None:
    made = Made()
    made.placeholder((-1, 5, 4, 3))
    image = "images"
    if convolved:
        image = made.add("Conv2D", image, made.const(numbers((1, 1, 3, 3))), **SAME)
    numbered = np.array(sorted(axes), np.int32) - (4 if negative else 0)
    result = made.add(op, image, made.const(numbered), keep_dims=keep)
    # A sum of what remains shows that the axes that remain are still told apart.
    weighted = made.add("Mul", result, made.const(np.float32(2)))
    agree(made, {"images": numbers((2, 5, 4, 3))}, result, weighted)


@slow_start
@given(
    st.permutations(range(4)), st.permutations(range(4)), st.sampled_from(["Relu", "Softmax", "Pad", "Mean"])
)
def test_transpositions(first: list[int], second: list[int], op: str) -> None:
    made = Made()
    made.placeholder((-1, 5, 4, 3))
    image = made.add("MaxPool", "images", strides=[1, 1, 1, 1], ksize=[1, 2, 2, 1], padding="SAME")
    turned = made.add("Transpose", image, made.const(np.array(first, np.int32)))
    extra = {
        "Relu": [],
        "Softmax": [],
        "Pad": [made.const(np.array([[0, 1], [2, 0], [1, 1], [0, 3]], np.int32))],
        "Mean": [made.const(np.array([1, -1], np.int32))],
    }[op]
    changed = made.add(op, turned, *extra, **({"keep_dims": True} if op == "Mean" else {}))
    again = made.add("Transpose", changed, made.const(np.array(second, np.int32)))
    agree(made, {"images": numbers((2, 5, 4, 3))}, turned, changed, again)


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1, -4])
@pytest.mark.parametrize("mixed", [False, True])
def test_concatenation(axis: int, mixed: bool) -> None:
    made = Made()
    made.placeholder((-1, 5, 4, 3))
    pool = made.add("AvgPool", "images", strides=[1, 1, 1, 1], ksize=[1, 3, 3, 1], padding="SAME")
    parts = [pool, "images" if mixed else pool, made.const(numbers((2, 5, 4, 3), seed=3))]
    result = made.add("ConcatV2", *parts, made.const(np.int32(axis)), N=3)
    agree(made, {"images": numbers((2, 5, 4, 3))}, result)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("activation", [None, *ACTIVATIONS])
@pytest.mark.parametrize("turned", [(False, False), (True, False), (False, True), (True, True)])
def test_products(bias: bool, activation: str | None, turned: tuple[bool, bool]) -> None:
    made = Made()
    made.placeholder((-1, 3) if not turned[0] else (3, -1))
    inputs = ["images", made.const(numbers((5, 3) if turned[1] else (3, 5)))]
    if bias:
        inputs.append(made.const(numbers((5,))))
    if activation == "Prelu":
        inputs.append(made.const(numbers((5,), seed=1)))
    fused = [*(["BiasAdd"] if bias else []), *([activation] if activation else [])]
    attrs: dict[str, Any] = {"transpose_a": turned[0], "transpose_b": turned[1]}
    op = "_FusedMatMul" if fused else "MatMul"
    result = made.add(op, *inputs, **attrs, **({"fused_ops": fused} if fused else {}))
    agree(made, {"images": numbers((3, 2) if turned[0] else (2, 3))}, result)


def test_a_computed_shape() -> None:
    """The chain that tf.tensordot leaves behind: Shape, GatherV2, Prod, Pack, ConcatV2, Reshape."""
    made = Made()
    made.placeholder((-1, 4, 4, 3))
    image = made.add("MaxPool", "images", strides=[1, 2, 2, 1], ksize=[1, 2, 2, 1], padding="VALID")
    shape, zero = made.add("Shape", image), made.const(np.int32(0))
    free = made.add("GatherV2", shape, made.const(np.array([0, 1, 2], np.int32)), zero)
    used = made.add("GatherV2", shape, made.const(np.array([3], np.int32)), zero)
    rows = made.add("Prod", free, made.const(np.array([0], np.int32)), keep_dims=False)
    columns = made.add("Prod", used, made.const(np.array([0], np.int32)), keep_dims=False)
    matrix = made.add("Reshape", image, made.add("Pack", rows, columns, axis=0, N=2))
    product = made.add("MatMul", matrix, made.const(numbers((3, 5))))
    back = made.add("ConcatV2", free, made.const(np.array([5], np.int32)), zero, N=2)
    result = made.add("Reshape", product, back)
    agree(made, {"images": numbers((2, 4, 4, 3))}, result, shape)


def test_the_shape_of_another() -> None:
    made = Made()
    made.placeholder((-1, 4, 4, 3))
    half = made.add("MaxPool", "images", strides=[1, 2, 2, 1], ksize=[1, 2, 2, 1], padding="VALID")
    flat = made.add("Reshape", half, made.const(np.array([-1], np.int32)))
    agree(made, {"images": numbers((2, 4, 4, 3))}, made.add("Reshape", flat, made.add("Shape", half)))


def test_a_size_of_zero_is_zero() -> None:
    """Which ONNX, unless told otherwise, takes for the size that the axis has already."""
    made = Made()
    made.placeholder((-1, 6))
    result = made.add("Reshape", "images", made.const(np.array([3, 0], np.int32)))
    agree(made, {"images": numbers((0, 6))}, result)


def test_shapes_by_constants() -> None:
    made = Made()
    made.placeholder((-1, 2, 1, 6))
    squeezed = made.add("Squeeze", "images", squeeze_dims=[2])
    expanded = made.add("ExpandDims", squeezed, made.const(np.int32(-2)))
    flat = made.add("Reshape", expanded, made.const(np.array([-1, 12], np.int32)))
    picked = made.add(
        "GatherV2", flat, made.const(np.array([[1, 0], [2, 5]], np.int32)), made.const(np.int32(1))
    )
    packed = made.add("Pack", flat, flat, axis=1, N=2)
    padding = made.const(np.array([[0, 0], [1, 2], [3, 0]], np.int32))
    padded = made.add("PadV2", packed, padding, made.const(np.float32(-1.5)))
    agree(made, {"images": numbers((3, 2, 1, 6))}, squeezed, expanded, flat, picked, packed, padded)


def test_casts_drop_the_fraction() -> None:
    """As TensorFlow.js does for every integer type."""
    made = Made()
    made.placeholder((-1,))
    whole = made.add("Cast", "images", DstT="DT_UINT8")
    back = made.add("Cast", whole, DstT="DT_FLOAT")
    truth = made.add("Cast", made.add("Cast", "images", DstT="DT_BOOL"), DstT="DT_FLOAT")
    half = made.add("Mul", back, made.const(np.float32(0.5)))
    feeds = {"images": np.array([0, 0.5, 1.99, 254.6, 255, -1.5], np.float32)}
    agree(made, feeds, whole, back, half, truth)


def test_prelu_and_bias_as_nodes() -> None:
    made = Made()
    made.placeholder((-1, 3, 3, 2))
    image = made.add("Conv2D", "images", made.const(numbers((1, 1, 2, 4))), **SAME)
    biased = made.add("BiasAdd", image, made.const(numbers((4,))), data_format="NHWC")
    slopes = made.const(numbers((1, 1, 4)))
    agree(made, {"images": numbers((2, 3, 3, 2))}, made.add("Prelu", biased, slopes))


def test_a_power() -> None:
    made = Made()
    made.placeholder((-1, 3))
    cube = made.add("Pow", made.add("Abs", "images"), made.const(np.float32(3)))
    agree(made, {"images": numbers((2, 3))}, cube, made.add("Pow", cube, made.const(np.float32(1 / 3))))


@slow_start
@given(networks())
def test_random_networks(network: tuple[Made, list[str]]) -> None:
    made, outputs = network
    agree(made, {"images": numbers(INPUT)}, *outputs, tolerance=1e-4)


@pytest.mark.parametrize("quantised", ["float16", "uint8", "uint16"])
def test_quantised_weights(quantised: str) -> None:
    made = Made()
    made.placeholder((-1, 4, 4, 3))
    weights = made.const(numbers((3, 3, 3, 5)), quantised)
    bias = made.const(numbers((5,)), quantised)
    attrs = {"strides": [1, 1, 1, 1], "padding": "SAME", "fused_ops": ["BiasAdd", "Relu"]}
    agree(made, {"images": numbers((2, 4, 4, 3))}, made.add("_FusedConv2D", "images", weights, bias, **attrs))


def test_quantised_integers() -> None:
    made = Made()
    made.placeholder((-1, 12))
    shape = made.const(np.array([-1, 3, 4], np.int32), "uint8")
    agree(made, {"images": numbers((2, 12))}, made.add("Reshape", "images", shape))
