"""The descriptor of a face: a residual network, as in dlib, whose batch norms are scales and biases.

``descriptor`` is not normalised; euclidean distances tell persons apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recognize_cli.models.convert.face_api.parts import image, less_mean_colour, outputs_first
from recognize_cli.models.convert.graph_builder import Feature, GraphBuilder

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx

    from recognize_cli.models.convert.graph_builder import Tensors

_SIDE = 150
_OUTPUTS = 128
_STAGES = (  # channels, name of the block that halves the image, number of blocks behind it
    (32, None, 3),
    (64, "conv64_down", 3),
    (128, "conv128_down", 2),
    (256, "conv256_down", 2),
    (256, "conv256_down_out", 0),
)


def build(tensors: Tensors) -> onnx.ModelProto:
    """The network as a model; raises ConversionFailed if the weights are not its weights."""
    return _Network(tensors).build()


class _Network:
    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors
        self._graph = GraphBuilder()

    def build(self) -> onnx.ModelProto:
        graph = self._graph
        x = less_mean_colour(graph, _SIDE)
        x = self._convolution(x, "conv32_down", 32, kernel=7, halve=True)
        x = graph.pool(x, "MaxPool", 3, 2)
        for channels, halving, repeats in _STAGES:
            if halving:
                x = self._halving_block(x, halving, channels)
            for number in range(1, repeats + 1):
                x = self._block(x, f"conv{channels}_{number}")
        mean = graph.node("Flatten", [graph.node("GlobalAveragePool", [x.name])], axis=1)
        weight = graph.constant("fc", self._tensors.take("fc", x.channels, _OUTPUTS))
        graph.node("MatMul", [mean, weight], output="descriptor")
        self._tensors.close("the descriptor network")
        return graph.model("face-descriptor", image(_SIDE), {"descriptor": [_OUTPUTS]})

    def _block(self, x: Feature, name: str) -> Feature:
        y = self._convolution(x, f"{name}/conv1", x.channels)
        y = self._convolution(y, f"{name}/conv2", x.channels, relu=False)
        return self._graph.each("Relu", self._graph.each("Add", y, x))

    def _halving_block(self, x: Feature, name: str, channels: int) -> Feature:
        """Adds the pooled input, which has fewer channels, and from an even size on a pixel a side more.

        Zeros fill what is lacking: channels behind those there are, pixels at the bottom and right.
        """
        y = self._convolution(x, f"{name}/conv1", channels, halve=True)
        y = self._convolution(y, f"{name}/conv2", channels, relu=False)
        pooled = self._graph.pool(x, "AveragePool", 2, 2)
        y = self._padded(y, channels=0, pixels=pooled.size - y.size)
        pooled = self._padded(pooled, channels=channels - x.channels, pixels=0)
        return self._graph.each("Relu", self._graph.each("Add", pooled, y))

    def _padded(self, x: Feature, *, channels: int, pixels: int) -> Feature:
        if not channels and not pixels:
            return x
        pads: Sequence[int] = (0, 0, 0, 0, 0, channels, pixels, pixels)
        amounts = self._graph.constant(f"pad_{channels}_{pixels}", pads, np.int64)
        return Feature(self._graph.node("Pad", [x.name, amounts]), x.channels + channels, x.size + pixels)

    def _convolution(
        self, x: Feature, name: str, channels: int, *, kernel: int = 3, halve: bool = False, relu: bool = True
    ) -> Feature:
        """A convolution with its scale folded in; one that halves has no padding."""
        take = self._tensors.take
        filters = outputs_first(take(f"{name}/conv/filters", kernel, kernel, x.channels, channels))
        bias, scale = take(f"{name}/conv/bias", channels), take(f"{name}/scale/weights", channels)
        y = self._graph.convolution(
            x,
            name,
            filters * scale[:, None, None, None],
            bias * scale + take(f"{name}/scale/biases", channels),
            stride=2 if halve else 1,
            padded=not halve,
        )
        return self._graph.each("Relu", y) if relu else y
