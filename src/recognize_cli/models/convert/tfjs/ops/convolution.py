"""Convolutions and pooling. They see N, height, width, channels; ONNX computes them channels first."""

from __future__ import annotations

import functools
from types import MappingProxyType
from typing import TYPE_CHECKING

from recognize_cli.models.convert.tfjs.failure import Unconvertible
from recognize_cli.models.convert.tfjs.kinds import Kind
from recognize_cli.models.convert.tfjs.layout import CHANNELS_FIRST, Value
from recognize_cli.models.convert.tfjs.ops.activation import Fusion, activate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from numpy.typing import NDArray

    from recognize_cli.models.convert.tfjs.ops.operation import Emitter, Operation
    from recognize_cli.models.convert.tfjs.weights import Weight

Pair = tuple[int, int]

_ONES = (1, 1, 1, 1)


def _convolution(operation: Operation, *, depthwise: bool) -> Value:
    fusion = Fusion.read(operation)
    image = operation.emission.form(operation.floats(0, rank=4), CHANNELS_FIRST)
    operation.floats(1, rank=4)
    weight = operation.constant(1)
    kernel = (weight.shape[0], weight.shape[1])
    inputs = [image, _depthwise_filter(operation, weight) if depthwise else _filter(operation, weight)]
    if fusion.bias:
        inputs.append(operation.plain(operation.floats(2, rank=1)))
    strides = _spatial(operation, "strides")
    dilations = _spatial(operation, "dilations", _ONES)
    result = operation.emit(
        "Conv",
        *inputs,
        suffix="linear" if fusion.activation else "",
        kernel_shape=kernel,
        strides=strides,
        dilations=dilations,
        group=weight.shape[2] if depthwise else 1,
        **_padding(operation, kernel, strides, dilations),
    )
    if fusion.activation:
        result = activate(operation, result, CHANNELS_FIRST, fusion.activation)
    return Value(Kind.FLOAT, 4, {CHANNELS_FIRST: result})


def _filter(operation: Operation, weight: Weight) -> str:
    """From height, width, in, out to out, in, height, width."""
    return operation.emission.constant(weight, (3, 2, 0, 1))


def _depthwise_filter(operation: Operation, weight: Weight) -> str:
    """From height, width, in, multiplier to in x multiplier, 1, height, width: one group a channel."""
    height, width, channels, multiplier = weight.shape
    shape = (channels * multiplier, 1, height, width)

    def arrange(values: NDArray[Any]) -> NDArray[Any]:
        return values.transpose(2, 3, 0, 1).reshape(shape)

    return operation.emission.arranged(weight, "depthwise", shape, arrange)


def _pooling(operation: Operation, *, op_type: str) -> Value:
    operation.expect(1)
    kernel = _spatial(operation, "ksize")
    strides = _spatial(operation, "strides")
    padding = _padding(operation, kernel, strides, (1, 1))
    if "auto_pad" in padding and (kernel[0] < strides[0] or kernel[1] < strides[1]):
        raise Unconvertible("ONNX Runtime pads no window that is smaller than its stride")
    result = operation.emit(
        op_type,
        operation.emission.form(operation.floats(0, rank=4), CHANNELS_FIRST),
        kernel_shape=kernel,
        strides=strides,
        **padding,
    )
    return Value(Kind.FLOAT, 4, {CHANNELS_FIRST: result})


def _spatial(operation: Operation, name: str, default: tuple[int, ...] | None = None) -> Pair:
    """Height and width of an attribute that has a number for each axis of the image."""
    numbers = operation.attributes.integers(name, default)
    if operation.attributes.text("data_format", "NHWC") != "NHWC":
        raise Unconvertible("its data_format is not NHWC")
    if len(numbers) != 4 or min(numbers) < 1 or numbers[0] != 1 or numbers[3] != 1:
        raise Unconvertible(f"its {name} are {list(numbers)}; supported is [1, height, width, 1]")
    return numbers[1], numbers[2]


def _padding(operation: Operation, kernel: Pair, strides: Pair, dilations: Pair) -> dict[str, Any]:
    """The attributes for TensorFlow's padding; its SAME puts the odd pixel at the bottom and right."""
    match operation.attributes.text("padding"):
        case "VALID":
            return {}
        case "SAME" if kernel == (1, 1):
            return {}
        case "SAME" if dilations == (1, 1):
            return {"auto_pad": "SAME_UPPER"}
        case "SAME" if strides == (1, 1):
            # ONNX Runtime pads a dilated window only by numbers; without strides they depend on no size.
            total = [(size - 1) * dilation for size, dilation in zip(kernel, dilations, strict=True)]
            before = [size // 2 for size in total]
            return {"pads": [*before, *(size - half for size, half in zip(total, before, strict=True))]}
        case "EXPLICIT":
            pads = operation.attributes.integers("explicit_paddings")
            if len(pads) != 8 or min(pads) < 0 or any(pads[:2] + pads[6:]):
                raise Unconvertible(f"its explicit_paddings are {list(pads)}, which is not supported")
            return {"pads": [pads[2], pads[4], pads[3], pads[5]]}
        case padding:
            raise Unconvertible(f"its padding {padding} with these strides and dilations is not supported")


EMITTERS: Mapping[str, Emitter] = MappingProxyType(
    {
        "AvgPool": functools.partial(_pooling, op_type="AveragePool"),
        "Conv2D": functools.partial(_convolution, depthwise=False),
        "DepthwiseConv2dNative": functools.partial(_convolution, depthwise=True),
        "FusedDepthwiseConv2dNative": functools.partial(_convolution, depthwise=True),
        "MaxPool": functools.partial(_pooling, op_type="MaxPool"),
        "_FusedConv2D": functools.partial(_convolution, depthwise=False),
    }
)
