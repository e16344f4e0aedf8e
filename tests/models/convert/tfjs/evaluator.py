"""TensorFlow's semantics of graph models in plain NumPy, in float64: the yardstick of the converter.

It reads model.json by itself and shares no code with the converter. Axis order, padding and
broadcasting are those of the TensorFlow op documentation
(https://www.tensorflow.org/api_docs/python/tf/raw_ops); random ops really are random.
"""

from __future__ import annotations

import base64
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Array = NDArray[Any]
    Attributes = Mapping[str, Any]


def evaluate(
    model: Mapping[str, Any],
    weights: Mapping[str, Array],
    feeds: Mapping[str, Array],
    before: Callable[[Mapping[str, Any], list[Array]], None] | None = None,
) -> list[Array]:
    """The outputs of a model in the order of its signature; `feeds` are by placeholder.

    `before` sees each node and its arguments, and may change the weights that the node takes.
    """
    results = {name: _wide(array) for name, array in feeds.items()}
    waiting = [node for node in model["modelTopology"]["node"] if node["op"] not in ("Const", "Placeholder")]

    def value(name: str) -> Array:
        return results[name] if name in results else _wide(weights[name])

    while waiting:
        ready = [node for node in waiting if all(name in results or name in weights for name in inputs(node))]
        if not ready:
            raise ValueError("a cycle")
        for node in ready:
            if before is not None:
                before(node, [value(name) for name in inputs(node)])
            arguments = [value(name) for name in inputs(node)]
            results[node["name"]] = apply(node["op"], attributes(node), arguments)
        waiting = [node for node in waiting if node["name"] not in results]
    return [results[entry["name"].split(":")[0]] for entry in model["signature"]["outputs"].values()]


def apply(op: str, attrs: Attributes, arguments: list[Array]) -> Array:
    """The result of one op."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return np.asarray(OPS[op](arguments, attrs))


def attributes(node: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a node as Python values."""
    return {name: _attribute(value) for name, value in node.get("attr", {}).items()}


def inputs(node: Mapping[str, Any]) -> list[str]:
    """The nodes and weights that a node takes."""
    return [name.split(":")[0] for name in node.get("input", []) if not name.startswith("^")]


def _attribute(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    if kind == "list":
        return [_attribute({key: item}) for key, items in content.items() for item in items]
    if kind == "s":
        return base64.b64decode(content).decode()
    return int(content) if kind == "i" else content


def _wide(array: Array) -> Array:
    if array.dtype.kind == "f":
        return array.astype(np.float64)
    return array.astype(np.int64) if array.dtype.kind in "iu" else array


# Windows: convolutions and pooling


def _geometry(
    size: int, kernel: int, stride: int, dilation: int, padding: str, explicit: list[int]
) -> tuple[int, int, int]:
    """Pixels added before, after, and the size of the result along one axis."""
    reach = (kernel - 1) * dilation + 1
    if padding == "SAME":
        length = -(-size // stride)
        total = max((length - 1) * stride + reach - size, 0)
        return total // 2, total - total // 2, length
    before, after = explicit if padding == "EXPLICIT" else (0, 0)
    return before, after, (size + before + after - reach) // stride + 1


def _windows(x: Array, kernel: tuple[int, int], attrs: Attributes, fill: float) -> Array:
    """N, out height, out width, C, kernel height, kernel width: the pixels under each window."""
    strides = attrs["strides"][1:3]
    dilations = (attrs.get("dilations") or [1, 1, 1, 1])[1:3]
    explicit = (attrs.get("explicit_paddings") or [0] * 8)[2:6]
    rows = _geometry(x.shape[1], kernel[0], strides[0], dilations[0], attrs["padding"], explicit[:2])
    columns = _geometry(x.shape[2], kernel[1], strides[1], dilations[1], attrs["padding"], explicit[2:])
    padded = np.pad(x, [(0, 0), rows[:2], columns[:2], (0, 0)], constant_values=fill)
    picked = [
        padded[
            :,
            i * dilations[0] : i * dilations[0] + (rows[2] - 1) * strides[0] + 1 : strides[0],
            j * dilations[1] : j * dilations[1] + (columns[2] - 1) * strides[1] + 1 : strides[1],
        ]
        for i, j in itertools.product(range(kernel[0]), range(kernel[1]))
    ]
    stacked = np.stack(picked, axis=-1)
    return stacked.reshape(*stacked.shape[:-1], *kernel)


def _conv(arguments: list[Array], attrs: Attributes) -> Array:
    x, weights = arguments[:2]
    if weights.shape[:2] == (1, 1) and attrs["padding"] != "EXPLICIT":
        x = x[:, :: attrs["strides"][1], :: attrs["strides"][2]]
        return _fused(x @ weights[0, 0], arguments[2:], attrs)
    windows = _windows(x, weights.shape[:2], attrs, 0)
    return _fused(np.tensordot(windows, weights, axes=([4, 5, 3], [0, 1, 2])), arguments[2:], attrs)


def _depthwise(arguments: list[Array], attrs: Attributes) -> Array:
    x, weights = arguments[:2]
    windows = _windows(x, weights.shape[:2], attrs, 0)
    result = np.einsum("nyxcij,ijcm->nyxcm", windows, weights, optimize=True)
    return _fused(result.reshape(*result.shape[:3], -1), arguments[2:], attrs)


def _max_pool(arguments: list[Array], attrs: Attributes) -> Array:
    return _windows(arguments[0], tuple(attrs["ksize"][1:3]), attrs, -np.inf).max(axis=(4, 5))


def _mean_pool(arguments: list[Array], attrs: Attributes) -> Array:
    return np.nanmean(_windows(arguments[0], tuple(attrs["ksize"][1:3]), attrs, np.nan), axis=(4, 5))


def _matmul(arguments: list[Array], attrs: Attributes) -> Array:
    a = arguments[0].T if attrs.get("transpose_a") else arguments[0]
    b = arguments[1].T if attrs.get("transpose_b") else arguments[1]
    return _fused(a @ b, arguments[2:], attrs)


def _fused(result: Array, rest: list[Array], attrs: Attributes) -> Array:
    for name in attrs.get("fused_ops", []):
        if name == "BiasAdd":
            result = result + rest.pop(0)
        elif name == "Prelu":
            result = np.where(result < 0, result * rest.pop(0), result)
        elif name == "LeakyRelu":
            result = np.where(result < 0, result * attrs.get("leakyrelu_alpha", 0.2), result)
        else:
            result = OPS[name]([result], {})
    return result


# Everything else


def _slice(arguments: list[Array], attrs: Attributes) -> Array:
    x, begin, end, step = arguments
    assert attrs["shrink_axis_mask"] == 1
    assert (x.ndim, begin.size, end.size, int(step[0])) == (1, 1, 1, 1)
    return np.asarray(x[int(begin[0])])


def _cast(arguments: list[Array], attrs: Attributes) -> Array:
    target = {"DT_FLOAT": np.float64, "DT_INT32": np.int64, "DT_UINT8": np.int64, "DT_BOOL": np.bool_}
    return arguments[0].astype(target[attrs["DstT"]])


def _reduce(function: Callable[..., Array]) -> Callable[[list[Array], Attributes], Array]:
    def reduced(arguments: list[Array], attrs: Attributes) -> Array:
        axes = tuple(int(axis) for axis in arguments[1].ravel())
        return function(arguments[0], axis=axes, keepdims=attrs.get("keep_dims", False))

    return reduced


def _softmax(arguments: list[Array], _attrs: Attributes) -> Array:
    powers = np.exp(arguments[0] - arguments[0].max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _pad(arguments: list[Array], _attrs: Attributes) -> Array:
    return np.pad(arguments[0], arguments[1], constant_values=arguments[2] if len(arguments) > 2 else 0)


_RANDOM = np.random.default_rng(7)

OPS: dict[str, Callable[[list[Array], Attributes], Array]] = {
    "Abs": lambda a, _: np.abs(a[0]),
    "Add": lambda a, _: a[0] + a[1],
    "AddV2": lambda a, _: a[0] + a[1],
    "AvgPool": _mean_pool,
    "BiasAdd": lambda a, _: a[0] + a[1],
    "Cast": _cast,
    "ConcatV2": lambda a, _: np.concatenate(a[:-1], axis=int(a[-1])),
    "Conv2D": _conv,
    "DepthwiseConv2dNative": _depthwise,
    "Elu": lambda a, _: np.where(a[0] < 0, np.expm1(a[0]), a[0]),
    "Exp": lambda a, _: np.exp(a[0]),
    "ExpandDims": lambda a, _: np.expand_dims(a[0], int(a[1])),
    "Floor": lambda a, _: np.floor(a[0]),
    "FusedDepthwiseConv2dNative": _depthwise,
    "GatherV2": lambda a, _: np.take(a[0], a[1], axis=int(a[2])),
    "GreaterEqual": lambda a, _: a[0] >= a[1],
    "Identity": lambda a, _: a[0],
    "LeakyRelu": lambda a, attrs: np.where(a[0] < 0, a[0] * attrs.get("alpha", 0.2), a[0]),
    "MatMul": _matmul,
    "Max": _reduce(np.max),
    "MaxPool": _max_pool,
    "Maximum": lambda a, _: np.maximum(a[0], a[1]),
    "Mean": _reduce(np.mean),
    "Min": _reduce(np.min),
    "Minimum": lambda a, _: np.minimum(a[0], a[1]),
    "Mul": lambda a, _: a[0] * a[1],
    "Neg": lambda a, _: -a[0],
    "Pack": lambda a, attrs: np.stack(a, axis=attrs.get("axis", 0)),
    "Pad": _pad,
    "PadV2": _pad,
    "Pow": lambda a, _: a[0] ** a[1],
    "Prelu": lambda a, _: np.where(a[0] < 0, a[0] * a[1], a[0]),
    "Prod": _reduce(np.prod),
    "RandomUniform": lambda a, _: _RANDOM.random(a[0].tolist()),
    "RealDiv": lambda a, _: a[0] / a[1],
    "Relu": lambda a, _: np.maximum(a[0], 0),
    "Relu6": lambda a, _: np.clip(a[0], 0, 6),
    "Reshape": lambda a, _: a[0].reshape(a[1].tolist()),
    "Rsqrt": lambda a, _: 1 / np.sqrt(a[0]),
    "Shape": lambda a, _: np.asarray(a[0].shape),
    "Sigmoid": lambda a, _: 1 / (1 + np.exp(-a[0])),
    "Softmax": _softmax,
    "Sqrt": lambda a, _: np.sqrt(a[0]),
    "Square": lambda a, _: a[0] ** 2,
    "Squeeze": lambda a, attrs: np.squeeze(a[0], axis=tuple(attrs["squeeze_dims"])),
    "StridedSlice": _slice,
    "Sub": lambda a, _: a[0] - a[1],
    "Sum": _reduce(np.sum),
    "Tanh": lambda a, _: np.tanh(a[0]),
    "Transpose": lambda a, _: np.transpose(a[0], a[1]),
    "_FusedConv2D": _conv,
    "_FusedMatMul": _matmul,
}
