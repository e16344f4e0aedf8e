"""The layers of a MoViNet with weights, as ONNX. All raise Unconvertible for weights of another shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recognize_cli.models.convert.graph_builder import Feature
from recognize_cli.models.convert.movinet_tflite.failure import Unconvertible

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recognize_cli.models.convert.graph_builder import GraphBuilder
    from recognize_cli.models.convert.movinet_tflite.options import Filter

    Weight = NDArray[np.float64]


def convolution(
    graph: GraphBuilder, name: str, x: Feature, weight: Weight, bias: Weight, how: Filter
) -> Feature:
    """A convolution over each frame, its weight [out, in, k, k]; ``in`` is 1 where each channel is alone."""
    out, inside, high, wide = weight.shape
    groups = x.channels // max(1, inside)
    if high != wide or not out or inside * groups != x.channels or groups not in (1, out):
        raise _misfit(weight)
    if bias.shape != (out,) or (high > x.size and not how.padded):
        raise _misfit(weight)
    y = graph.convolution(x, name, weight, bias, stride=how.stride, padded=how.padded)
    return graph.relu6(y) if how.relu6 else y


def over_time(
    graph: GraphBuilder, name: str, x: Feature, weight: Weight, bias: Weight, how: Filter
) -> Feature:
    """A filter over the last frames, its weight [channels, 1, frames, 1].

    [T, C, H, W] becomes an image [1, C, T, H·W] for it, with zeros above, before the first frame.
    """
    _, _, length, _ = weight.shape
    if weight.shape != (x.channels, 1, length, 1) or bias.shape != (x.channels,):
        raise _misfit(weight)
    if how.padded or how.stride != 1:
        raise _misfit(weight)
    flat = graph.constant(f"{name}.flat", [1, -1, x.channels, x.size * x.size], np.int64)
    y = graph.node("Transpose", [graph.node("Reshape", [x.name, flat])], perm=[0, 2, 1, 3])
    constants = [graph.constant(f"{name}.weight", weight), graph.constant(f"{name}.bias", bias)]
    pads = [length - 1, 0, 0, 0]
    y = graph.node("Conv", [y, *constants], kernel_shape=[length, 1], pads=pads, group=x.channels)
    if how.relu6:
        y = graph.relu6(x._replace(name=y)).name
    image = graph.constant(f"{name}.image", [-1, x.channels, x.size, x.size], np.int64)
    y = graph.node("Reshape", [graph.node("Transpose", [y], perm=[0, 2, 1, 3]), image])
    return x._replace(name=y)


def mean_pool(graph: GraphBuilder, x: Feature, kernel: int, stride: int) -> Feature:
    """The mean of the pixels in each square, as far as there are pixels (TensorFlow's SAME)."""
    size = -(-x.size // stride)
    padding = max((size - 1) * stride + kernel - x.size, 0)
    before, after = padding // 2, padding - padding // 2
    y = graph.node(
        "AveragePool",
        [x.name],
        kernel_shape=[kernel, kernel],
        strides=[stride, stride],
        pads=[before, before, after, after],
        count_include_pad=0,
    )
    return Feature(y, x.channels, size)


def _misfit(weight: Weight) -> Unconvertible:
    return Unconvertible(f"a layer has weights of shape {weight.shape}, which do not fit")
