"""EfficientNet-Lite 0 to 4 as PyTorch weights -> ONNX.

Architecture: https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite, with the
parameter names of the PyTorch port `efficientnet_lite_pytorch`. Unlike EfficientNet it has ReLU6, no
squeeze-and-excitation, and neither stem nor head nor the first and last stage grow with the variant.

The graph takes ``images``, uint8 [N, S, S, 3] (RGB), scales them by (x - 127) / 128 as in training,
and gives ``logits``, float32 [N, 1000]. Batch norms are folded into the convolutions.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert.torch_pickle import load_state_dict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_OPSET, _IR_VERSION = 17, 8  # read by every ONNX Runtime since 1.12
_EPSILON = 1e-3  # of the batch norms
_MEAN, _SCALE = 127.0, 128.0
_STEM, _HEAD, _CLASSES = 32, 1280, 1000


class _Variant(NamedTuple):
    name: str
    width: float
    depth: float


class _Stage(NamedTuple):
    """Inverted residual blocks with one shape; the first has the stride."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


_VARIANTS = {  # by the side of the input
    224: _Variant("lite0", 1.0, 1.0),
    240: _Variant("lite1", 1.0, 1.1),
    260: _Variant("lite2", 1.1, 1.2),
    280: _Variant("lite3", 1.2, 1.4),
    300: _Variant("lite4", 1.4, 1.8),
}
_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)


def convert(files: Mapping[str, Path], output: Path, *, side: int | None) -> None:
    """Writes the ONNX file; ``side`` tells the variant. Raises ConversionFailed."""
    if len(files) != 1:
        raise ConversionFailed(name=output.name, problem=f"one file of weights is expected, not {len(files)}")
    [path] = files.values()
    variant = _VARIANTS.get(side or 0)
    if variant is None or side is None:
        sides = ", ".join(map(str, _VARIANTS))
        problem = f"EfficientNet-Lite takes images of {sides} pixels a side, not {side}"
        raise ConversionFailed(name=path.name, problem=problem)
    graph = _Graph(path.name, load_state_dict(path), side)
    onnx.save(graph.build(variant), output)


def _scaled_channels(channels: int, width: float) -> int:
    """Channels times width, as a multiple of 8 that is no more than a tenth below it."""
    wanted = channels * width
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded


class _Graph:
    """Builds the graph node by node; ``size`` is the side of the feature map so far."""

    def __init__(self, name: str, weights: dict[str, NDArray[Any]], side: int) -> None:
        self._name = name
        self._weights = weights
        self._unused = set(weights)
        self._side = side
        self._size = side
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def build(self, variant: _Variant) -> onnx.ModelProto:
        """The whole network as a model; raises ConversionFailed if the weights are not its weights."""
        x = self._normalised("images")
        x = self._convolution(x, "_conv_stem", "_bn0", (_STEM, 3), kernel=3, stride=2)
        x, channels = self._blocks(x, variant)
        x = self._convolution(x, "_conv_head", "_bn1", (_HEAD, channels))
        x = self._node("GlobalAveragePool", [x])
        x = self._node("Flatten", [x], axis=1)
        weight = self._constant("_fc.weight", self._take("_fc.weight", (_CLASSES, _HEAD)))
        bias = self._constant("_fc.bias", self._take("_fc.bias", (_CLASSES,)))
        self._nodes.append(helper.make_node("Gemm", [x, weight, bias], ["logits"], transB=1))
        if self._unused:
            raise self._failure(f"it has the tensor {min(self._unused)!r}, which {variant.name} does not")
        return self._model(f"efficientnet-{variant.name}")

    def _blocks(self, x: str, variant: _Variant) -> tuple[str, int]:
        """All stages; returns the output and its channels."""
        before, number = _STEM, 0
        for stage in _STAGES:
            grows = stage not in (_STAGES[0], _STAGES[-1])
            after = _scaled_channels(stage.channels, variant.width)
            for repeat in range(math.ceil(stage.repeats * variant.depth) if grows else stage.repeats):
                block = stage if repeat == 0 else stage._replace(stride=1)
                x = self._block(x, f"_blocks.{number}.", block, before, after)
                before, number = after, number + 1
        return x, before

    def _block(self, x: str, prefix: str, block: _Stage, before: int, after: int) -> str:
        """Expand by 1×1, filter each channel, project by 1×1 without activation; add the input if it fits."""
        inside, y = before * block.expansion, x
        if block.expansion != 1:
            y = self._convolution(y, f"{prefix}_expand_conv", f"{prefix}_bn0", (inside, before))
        y = self._convolution(
            y,
            f"{prefix}_depthwise_conv",
            f"{prefix}_bn1",
            (inside, 1),
            kernel=block.kernel,
            stride=block.stride,
            groups=inside,
        )
        y = self._convolution(y, f"{prefix}_project_conv", f"{prefix}_bn2", (after, inside), relu6=False)
        return self._node("Add", [y, x]) if block.stride == 1 and before == after else y

    def _normalised(self, images: str) -> str:
        x = self._node("Cast", [images], to=TensorProto.FLOAT)
        x = self._node("Transpose", [x], perm=[0, 3, 1, 2])
        x = self._node("Sub", [x, self._constant("mean", np.float32(_MEAN))])
        return self._node("Mul", [x, self._constant("scale", np.float32(1 / _SCALE))])

    def _convolution(
        self,
        x: str,
        name: str,
        norm: str,
        channels: tuple[int, int],
        *,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        relu6: bool = True,
    ) -> str:
        """A convolution with its batch norm folded in, in float64: w' = w·γ/√(σ²+ε), b' = β − μ·γ/√(σ²+ε).

        ``channels`` are those out and, within a group, in. Padding is TensorFlow's SAME: the output has
        ⌈size / stride⌉ pixels a side, and an odd pixel of padding goes to the bottom and right.
        """
        out = (channels[0],)
        weight = self._take(f"{name}.weight", (*channels, kernel, kernel))
        gamma, beta = self._take(f"{norm}.weight", out), self._take(f"{norm}.bias", out)
        mean, variance = self._take(f"{norm}.running_mean", out), self._take(f"{norm}.running_var", out)
        self._unused.discard(f"{norm}.num_batches_tracked")
        if (variance < 0).any():
            raise self._failure(f"{norm}.running_var has a negative variance")
        factor = gamma / np.sqrt(variance + _EPSILON)
        size, self._size = self._size, math.ceil(self._size / stride)
        padding = max((self._size - 1) * stride + kernel - size, 0)
        before, after = padding // 2, padding - padding // 2
        folded = [
            self._constant(f"{name}.weight", weight * factor[:, None, None, None]),
            self._constant(f"{name}.bias", beta - mean * factor),
        ]
        y = self._node(
            "Conv",
            [x, *folded],
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[before, before, after, after],
            group=groups,
        )
        return self._node("Clip", [y, *self._limits()]) if relu6 else y

    def _limits(self) -> tuple[str, str]:
        """The bounds of ReLU6."""
        if not any(constant.name == "zero" for constant in self._constants):
            self._constant("zero", np.float32(0))
            self._constant("six", np.float32(6))
        return "zero", "six"

    def _take(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """A tensor of the checkpoint; raises ConversionFailed if it is missing or not as expected."""
        tensor = self._weights.get(name)
        if tensor is None:
            raise self._failure(f"it has no tensor {name!r}")
        if tensor.dtype != np.float32 or tensor.shape != shape:
            raise self._failure(f"{name} is {tensor.dtype} {tensor.shape}, not float32 {shape}")
        if not np.isfinite(tensor).all():
            raise self._failure(f"{name} has values that are not finite")
        self._unused.discard(name)
        return tensor.astype(np.float64)

    def _constant(self, name: str, value: NDArray[Any] | np.float32) -> str:
        self._constants.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def _node(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        output = f"{operator.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def _model(self, name: str) -> onnx.ModelProto:
        side = self._side
        images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", side, side, 3])
        logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", _CLASSES])
        model = helper.make_model(
            helper.make_graph(self._nodes, name, [images], [logits], self._constants),
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
            producer_name="recognize-cli",
        )
        onnx.checker.check_model(model, full_check=True)
        return model

    def _failure(self, problem: str) -> ConversionFailed:
        return ConversionFailed(name=self._name, problem=problem)
