"""EfficientNet-Lite 0 to 4 as PyTorch weights -> ONNX.

Architecture: https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite, with the
parameter names of the PyTorch port `efficientnet_lite_pytorch`. Unlike EfficientNet it has ReLU6, no
squeeze-and-excitation, and neither stem nor head nor the first and last stage grow with the variant.

The graph takes ``images``, uint8 [N, S, S, 3] (RGB), scales them by (x - 127) / 128 as in training,
and gives ``logits``, float32 [N, 1000]. Batch norms are folded into the convolutions.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import onnx
from onnx import TensorProto

from recognize_cli.errors import ConversionFailed
from recognize_cli.models.convert import graph_file
from recognize_cli.models.convert.graph_builder import (
    Feature,
    GraphBuilder,
    Tensors,
    image_input,
    norm_factor,
)
from recognize_cli.models.convert.torch_pickle import load_state_dict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

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


def convert(files: Mapping[str, Path], folder: Path, *, side: int | None) -> None:
    """Writes the one graph; ``side`` tells the variant. Raises ConversionFailed."""
    onnx.save(network(files, side), graph_file(folder))


def network(files: Mapping[str, Path], side: int | None) -> onnx.ModelProto:
    """The network with the weights of a checkpoint; ``side`` tells the variant. Raises ConversionFailed."""
    if len(files) != 1:
        problem = f"one file of weights is expected, not {len(files)}"
        raise ConversionFailed(name="EfficientNet-Lite", problem=problem)
    [path] = files.values()
    variant = _VARIANTS.get(side or 0)
    if variant is None or side is None:
        sides = ", ".join(map(str, _VARIANTS))
        problem = f"EfficientNet-Lite takes images of {sides} pixels a side, not {side}"
        raise ConversionFailed(name=path.name, problem=problem)
    return _Network(Tensors(path.name, load_state_dict(path)), side).build(variant)


def _scaled_channels(channels: int, width: float) -> int:
    """Channels times width, as a multiple of 8 that is no more than a tenth below it."""
    wanted = channels * width
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded


class _Network:
    """Builds the graph from the weights of a checkpoint."""

    def __init__(self, tensors: Tensors, side: int) -> None:
        self._tensors = tensors
        self._side = side
        self._graph = GraphBuilder()

    def build(self, variant: _Variant) -> onnx.ModelProto:
        """The whole network as a model; raises ConversionFailed if the weights are not its weights."""
        graph, tensors = self._graph, self._tensors
        x = self._convolution(self._normalised("images"), "_conv_stem", "_bn0", _STEM, kernel=3, stride=2)
        x = self._blocks(x, variant)
        x = self._convolution(x, "_conv_head", "_bn1", _HEAD)
        pooled = graph.node("Flatten", [graph.node("GlobalAveragePool", [x.name])], axis=1)
        weight = graph.constant("_fc.weight", tensors.take("_fc.weight", _CLASSES, _HEAD))
        bias = graph.constant("_fc.bias", tensors.take("_fc.bias", _CLASSES))
        graph.node("Gemm", [pooled, weight, bias], output="logits", transB=1)
        tensors.close(variant.name)
        images = image_input("images", TensorProto.UINT8, self._side)
        return graph.model(f"efficientnet-{variant.name}", images, {"logits": [_CLASSES]})

    def _blocks(self, x: Feature, variant: _Variant) -> Feature:
        number = 0
        for stage in _STAGES:
            grows = stage not in (_STAGES[0], _STAGES[-1])
            channels = _scaled_channels(stage.channels, variant.width)
            for repeat in range(math.ceil(stage.repeats * variant.depth) if grows else stage.repeats):
                block = stage._replace(channels=channels, stride=stage.stride if repeat == 0 else 1)
                x = self._block(x, f"_blocks.{number}.", block)
                number += 1
        return x

    def _block(self, x: Feature, prefix: str, block: _Stage) -> Feature:
        """Expand by 1×1, filter each channel, project by 1×1 without activation; add the input if it fits."""
        y = x
        if block.expansion != 1:
            y = self._convolution(y, f"{prefix}_expand_conv", f"{prefix}_bn0", x.channels * block.expansion)
        y = self._convolution(
            y,
            f"{prefix}_depthwise_conv",
            f"{prefix}_bn1",
            y.channels,
            kernel=block.kernel,
            stride=block.stride,
            depthwise=True,
        )
        y = self._convolution(y, f"{prefix}_project_conv", f"{prefix}_bn2", block.channels, relu6=False)
        return self._graph.each("Add", y, x) if (y.channels, y.size) == (x.channels, x.size) else y

    def _normalised(self, images: str) -> Feature:
        graph = self._graph
        x = graph.node("Cast", [images], to=TensorProto.FLOAT)
        x = graph.node("Transpose", [x], perm=[0, 3, 1, 2])
        x = graph.node("Sub", [x, graph.constant("mean", _MEAN)])
        return Feature(graph.node("Mul", [x, graph.constant("scale", 1 / _SCALE)]), 3, self._side)

    def _convolution(
        self,
        x: Feature,
        name: str,
        norm: str,
        channels: int,
        *,
        kernel: int = 1,
        stride: int = 1,
        depthwise: bool = False,
        relu6: bool = True,
    ) -> Feature:
        """A convolution with its batch norm folded in, in float64: w' = w·γ/√(σ²+ε), b' = β − μ·γ/√(σ²+ε)."""
        take = self._tensors.take
        weight = take(f"{name}.weight", channels, 1 if depthwise else x.channels, kernel, kernel)
        gamma, beta = take(f"{norm}.weight", channels), take(f"{norm}.bias", channels)
        mean, variance = take(f"{norm}.running_mean", channels), take(f"{norm}.running_var", channels)
        self._tensors.pass_over([f"{norm}.num_batches_tracked"])
        factor = norm_factor(self._tensors, f"{norm}.running_var", gamma, variance, _EPSILON)
        y = self._graph.convolution(
            x, name, weight * factor[:, None, None, None], beta - mean * factor, stride=stride
        )
        return self._graph.relu6(y) if relu6 else y
